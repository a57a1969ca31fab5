//! A whole Abacus system for one test: services, topics, database and keys of its own.

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};

use abacus_schemas::Topics;
use uuid::Uuid;

use crate::database::Database;
use crate::events::Events;
use crate::kafka::Kafka;
use crate::login::client_properties;
use crate::process::Process;
use crate::service::{Service, ServiceSetup};
use crate::stack::Stack;

/// Key of the session tokens in tests, in the form of `ABACUS_TOKEN_KEYS`.
pub const TOKEN_KEYS: &str = "test:dGhlLWtleS1vZi1hbGwtdGVzdHMtMzItYnl0ZXMtbG9uZw==";
/// Key of the results in Redis in tests.
const CACHE_KEY: &str = "the key of all tests, 32 bytes long";

/// Key of the signatures of requests in tests, in the form of `ABACUS_RECORD_KEY`.
pub const RECORD_KEY: &str = "the-key-of-the-records-of-all-tests";

/// Topics, schemas, database, key prefix and consumer groups of one test.
pub struct System {
    /// Servers and tools.
    pub stack: Stack,
    /// Topics.
    pub topics: Topics,
    /// Kafka.
    pub kafka: Kafka,
    /// Database.
    pub database: Database,
    /// Codecs of events.
    pub events: Events,
    name: String,
    settings: BTreeMap<String, String>,
}

impl System {
    /// A system on the servers of the environment.
    pub fn new() -> Self {
        Self::on(Stack::from_env())
    }

    /// A system on `stack`.
    pub fn on(stack: Stack) -> Self {
        let name = format!("t{}", Uuid::new_v4().simple());
        let prefix = format!("{name}.");
        let settings = [
            ("ABACUS_KAFKA_BOOTSTRAP", stack.kafka.clone()),
            ("ABACUS_KAFKA_SESSION_TIMEOUT", "2500ms".to_owned()),
            ("ABACUS_REGISTRY_URL", stack.registry.clone()),
            ("ABACUS_TOPIC_PREFIX", prefix.clone()),
        ];
        let mut settings: BTreeMap<_, _> =
            settings.map(|(key, value)| (key.to_owned(), value)).into();
        if let Some(user) = stack.kafka_user {
            settings.insert("ABACUS_KAFKA_PROPERTIES".to_owned(), client_properties(user));
        }
        admin(&stack, &settings, &["topics", "apply"]);
        admin(&stack, &settings, &["schemas", "register"]);
        let topics = Topics::with_prefix(&prefix);
        let mut system = Self {
            kafka: Kafka::new(&stack.kafka, stack.kafka_user),
            database: Database::create(&stack.postgres, &name),
            events: Events::load(&stack.registry, &topics),
            stack,
            topics,
            name,
            settings,
        };
        system.set_own_names();
        system
    }

    fn set_own_names(&mut self) {
        let name = self.name.clone();
        self.set("ABACUS_POSTGRES_URL", self.database.url().to_owned());
        self.set("ABACUS_REDIS_URL", self.stack.redis.clone());
        self.set("ABACUS_REDIS_PREFIX", format!("{name}:"));
        self.set("ABACUS_PROCESSOR_GROUP", format!("{name}-processor"));
        self.set("ABACUS_PROJECTOR_GROUP", format!("{name}-projector"));
        self.set("ABACUS_ADMIN_LISTEN", "127.0.0.1:0");
        self.set("ABACUS_HTTP_LISTEN", "127.0.0.1:0");
        self.set("ABACUS_ANONYMOUS", "true");
        self.set("ABACUS_TOKEN_KEYS", TOKEN_KEYS);
        self.set("ABACUS_CACHE_KEY", CACHE_KEY);
        self.set("ABACUS_RECORD_KEY", RECORD_KEY);
    }

    /// Unique name of the system.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Changes a setting of all services started later.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.settings.insert(name.to_owned(), value.into());
    }

    /// Consumer group of the processors.
    pub fn processor_group(&self) -> &str {
        &self.settings["ABACUS_PROCESSOR_GROUP"]
    }

    /// Set-up of an ingress.
    pub fn ingress(&self) -> ServiceSetup {
        self.service("ingress")
    }

    /// Set-up of a processor.
    pub fn processor(&self) -> ServiceSetup {
        self.service("processor")
    }

    /// Set-up of a projector.
    pub fn projector(&self) -> ServiceSetup {
        self.service("projector")
    }

    /// Starts a service and waits until it is ready.
    #[track_caller]
    pub fn start(&self, setup: &ServiceSetup) -> Service {
        let mut service = self.spawn(setup);
        service.wait_ready();
        service
    }

    /// Starts several services at once and waits until all are ready.
    #[track_caller]
    pub fn start_all<const N: usize>(&self, setups: [ServiceSetup; N]) -> [Service; N] {
        let mut services = setups.map(|setup| self.spawn(&setup));
        services.iter_mut().for_each(Service::wait_ready);
        services
    }

    /// Starts a service without waiting.
    pub fn spawn(&self, setup: &ServiceSetup) -> Service {
        setup.spawn(&self.stack.binaries)
    }

    /// Starts `abacus-admin` and discards its output.
    pub fn spawn_admin(&self, arguments: &[&str]) -> Process {
        let mut command = Process::command(self.stack.binaries.join("abacus-admin"));
        command.args(arguments).envs(&self.settings).stdout(Stdio::null()).stderr(Stdio::null());
        Process::spawn("abacus-admin", command)
    }

    /// Runs `abacus-admin` to completion.
    pub fn admin(&self, arguments: &[&str]) -> Output {
        run_admin(&self.stack, &self.settings, arguments)
    }

    fn service(&self, service: &str) -> ServiceSetup {
        ServiceSetup::new(&format!("abacus-{service}"), self.settings.clone())
            .set("ABACUS_INSTANCE_ID", format!("{}-{service}-1", self.name))
    }
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

/// Prepares Kafka and the registry as in a deployment.
fn admin(stack: &Stack, settings: &BTreeMap<String, String>, arguments: &[&str]) {
    let output = run_admin(stack, settings, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "abacus-admin {arguments:?}: {errors}");
}

fn run_admin(stack: &Stack, settings: &BTreeMap<String, String>, arguments: &[&str]) -> Output {
    Command::new(stack.binaries.join("abacus-admin"))
        .args(arguments)
        .envs(settings)
        .output()
        .expect("abacus-admin is built")
}
