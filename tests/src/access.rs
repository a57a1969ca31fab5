//! A broker with access lists, holding the permissions of `docs/security.md` and no others.

use std::collections::BTreeSet;
use std::path::Path;

use abacus_schemas::{Outcome, headers};
use abacus_testkit::{
    Broker, ErrorCode, Isolation, Kafka, NewRecord, PATIENCE, Record, SUPER_USER, Service,
    ServiceSetup, Stack, System, client_properties, request,
};
use serde::Serialize;
use serde_json::json;

use crate::python;

const PRODUCER: &str = "direct-producer";

/// A permission of the documentation, in the form of `create_acls.py`.
#[derive(Serialize)]
struct Permission {
    user: String,
    resource: String,
    name: String,
    pattern: String,
    operation: String,
}

/// Reads the table of permissions. Users have no spaces.
fn documented() -> Vec<Permission> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security.md");
    let page = std::fs::read_to_string(path).unwrap();
    let rows = page.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let rows = rows.skip_while(|cells| !cells.contains(&"pattern")).skip(2);
    let rows = rows.take_while(|cells| cells.len() > 1);
    rows.flat_map(|cells| {
        let [_, user, resource, name, pattern, operations, _] = cells[..] else {
            panic!("{cells:?}")
        };
        let permission = |operation: &str| Permission {
            user: user.replace(' ', "-"),
            resource: resource.to_owned(),
            name: name.trim_matches('`').to_owned(),
            pattern: pattern.to_owned(),
            operation: operation.to_owned(),
        };
        operations.split(", ").map(permission).collect::<Vec<_>>()
    })
    .collect()
}

/// A system on a broker with the documented permissions.
struct Guarded {
    system: System,
    reply_topic: String,
    _broker: Broker,
}

impl Guarded {
    fn new() -> Self {
        let permissions = documented();
        let users: BTreeSet<&str> = permissions.iter().map(|acl| acl.user.as_str()).collect();
        let users: Vec<&str> = users.into_iter().collect();
        let stack = Stack::from_env();
        let broker = Broker::start_with_access_lists(&stack, &users);
        let kafka_user = Some(SUPER_USER);
        let system = System::on(Stack { kafka: broker.bootstrap(), kafka_user, ..stack });
        let reply_topic = format!("abacus.replies.{}", system.name());
        system.kafka.create_topic(&reply_topic, 1);
        let guarded = Self { system, reply_topic, _broker: broker };
        guarded.permit(permissions);
        guarded
    }

    fn permit(&self, mut permissions: Vec<Permission>) {
        let names = [
            ("<prefix>", format!("{}.", self.system.name())),
            ("<reply topics>", "abacus.replies.".to_owned()),
            ("<processor group>", self.system.processor_group().to_owned()),
            ("<projector group>", format!("{}-projector", self.system.name())),
            ("<its reply topic>", self.reply_topic.clone()),
            ("<its group>", "testkit-".to_owned()),
        ];
        for permission in &mut permissions {
            for (placeholder, name) in &names {
                permission.name = permission.name.replace(placeholder, name);
            }
            assert!(!permission.name.contains('<'), "{} has no value", permission.name);
        }
        let client: serde_json::Map<_, _> = client_properties(SUPER_USER)
            .split(',')
            .map(|pair| pair.split_once('=').expect("a setting"))
            .chain([("bootstrap.servers", self.system.stack.kafka.as_str())])
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        let job = json!({ "client": client, "acls": permissions });
        let created: usize = python::run(&self.system.stack, "create_acls.py", &job);
        assert_eq!(created, permissions.len());
    }

    /// Starts the three services, each as its own user.
    fn start(&self) -> [Service; 3] {
        let as_user = |setup: ServiceSetup, user| {
            setup.set("ABACUS_KAFKA_PROPERTIES", client_properties(user))
        };
        self.system.start_all([
            as_user(self.system.ingress(), "ingress"),
            as_user(self.system.processor(), "processor"),
            as_user(self.system.projector(), "projector"),
        ])
    }

    /// Kafka as seen by a direct producer.
    fn stranger(&self) -> Kafka {
        Kafka::new(&self.system.stack.kafka, Some(PRODUCER))
    }

    /// Runs `abacus-admin` as its own user.
    #[track_caller]
    fn assert_admin(&mut self, arguments: &[&str]) {
        self.system.set("ABACUS_KAFKA_PROPERTIES", client_properties("abacus-admin"));
        let output = self.system.admin(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "abacus-admin {arguments:?}: {errors}");
    }

    fn garbage(&self) -> NewRecord {
        let (payload, headers) = (b"garbage".to_vec(), Vec::new());
        NewRecord { payload, headers, ..self.request() }
    }

    fn request(&self) -> NewRecord {
        NewRecord {
            topic: self.system.topics.requested.clone(),
            payload: self.system.events.encode(&request("factorial", &[("n", "20")])),
            headers: vec![
                (headers::CORRELATION_ID.to_owned(), b"c".to_vec()),
                (headers::REPLY_TOPIC.to_owned(), self.reply_topic.clone().into()),
            ],
            ..NewRecord::default()
        }
    }
}

/// A cost between the costs of factorial(20) and fibonacci(30001).
const HEAVY: &str = "10000";

#[test]
fn the_documented_permissions_are_enough() {
    let mut guarded = Guarded::new();
    // So `abacus-admin` has a topic to create.
    guarded.system.kafka.delete_topic(&guarded.system.topics.dead_letter);
    guarded.assert_admin(&["topics", "apply"]);
    guarded.system.set("ABACUS_HEAVY_MINIMUM_COST", HEAVY);
    let [mut ingress, mut processor, projector] = guarded.start();
    let client = ingress.http();
    for (path, result) in [("/v1/factorial/5", Some("120")), ("/v1/fibonacci/30001", None)] {
        let answer = client.get(path);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(result.is_none_or(|result| answer.json()["result"] == result), "{}", answer.body);
    }
    let stranger = guarded.stranger();
    stranger.producer().produce_all([&guarded.request(), &guarded.garbage()]);
    let mut replies = stranger.follow(&guarded.reply_topic, Isolation::Uncommitted);
    let reply = replies.wait_until("the reply", PATIENCE, first);
    let outcome = guarded.system.events.completed(&reply).outcome;
    assert!(matches!(outcome, Outcome::Succeeded { .. }), "{outcome:?}");
    let dead_letters = guarded.system.topics.dead_letter.clone();
    let mut dead_letters = guarded.system.kafka.follow(&dead_letters, Isolation::Committed);
    dead_letters.wait_until("the dead letter", PATIENCE, first);
    guarded.system.database.wait_for_log(3, PATIENCE);
    assert_eq!(processor.count("abacus_processor_dead_letters_total", &[]), 1);
    guarded.assert_admin(&["dead-letters", "list"]);
    guarded.assert_admin(&["dead-letters", "replay", "--all"]);
    for mut service in [ingress, processor, projector] {
        assert!(!service.has_logged("uthorization"), "{:?}", service.last_lines(50));
        service.terminate();
    }
}

fn first(records: &[Record]) -> Result<Record, String> {
    records.first().cloned().ok_or_else(|| "nothing".to_owned())
}

#[test]
fn a_direct_producer_can_do_nothing_else() {
    let guarded = Guarded::new();
    let [mut ingress, processor, _projector] = guarded.start();
    let client = ingress.http();
    assert_eq!(client.get("/v1/factorial/5").status, 200);
    let (system, stranger) = (&guarded.system, guarded.stranger());
    stranger.try_produce(&guarded.request()).expect("a request is permitted");
    for lane in ["", ".heavy"] {
        let id = format!("{}{lane}-{}-processor-1", system.processor_group(), system.name());
        let refused = Err(ErrorCode::TransactionalIdAuthorizationFailed);
        assert_eq!(stranger.try_fence(&id), refused, "{id}");
    }
    let topics = &system.topics;
    let refused = Err(ErrorCode::TopicAuthorizationFailed);
    for topic in [&topics.replies, &topics.completed, &topics.requested_heavy, &topics.dead_letter]
    {
        let record = NewRecord { topic: topic.clone(), ..guarded.garbage() };
        assert_eq!(stranger.try_produce(&record), refused, "{topic}");
    }
    for topic in [&topics.requested, &topics.completed, &guarded.reply_topic] {
        assert_eq!(stranger.try_delete_topic(topic), refused, "{topic}");
    }
    let refused = Err(ErrorCode::GroupAuthorizationFailed);
    for group in [system.processor_group(), &format!("{}-projector", system.name())] {
        assert_eq!(stranger.try_join(group, &topics.requested), refused, "{group}");
        assert_eq!(stranger.try_delete_group(group), refused, "{group}");
    }
    assert_eq!(client.get("/v1/factorial/6").json()["result"], "720");
    assert!(!processor.has_logged("fenced"), "{:?}", processor.last_lines(50));
}
