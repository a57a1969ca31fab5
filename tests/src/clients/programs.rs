//! The client programs of the folder `tests/clients`: each asks with the libraries of an ecosystem, and
//! is answered.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use abacus_schemas::{ComputeRequested, Outcome};
use abacus_testkit::{Isolation, PATIENCE, System, batch_codecs};
use serde_json::{Deserializer, Value};

use super::create_reply_topic;

/// A codec of each kind. A library may write a batch without compression if the batch does not get
/// smaller, so the operand of the clients is long.
const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

/// A system with a processor, and a topic for replies.
struct Setting {
    system: System,
    reply_topic: String,
}

impl Setting {
    fn new() -> Self {
        let system = System::new();
        let reply_topic = create_reply_topic(&system);
        Self { system, reply_topic }
    }

    /// Runs a program with a processor, once for each codec. Returns the output.
    #[track_caller]
    fn run(&self, program: &Command, codecs: &[&str]) -> Vec<u8> {
        let Self { system, reply_topic } = self;
        let _processor = system.start(&system.processor());
        // A failed client may hang instead of ending.
        let output = Command::new("timeout")
            .arg(PATIENCE.as_secs().to_string())
            .arg(program.get_program())
            .args(program.get_args())
            .args(codecs)
            .env("ABACUS_KAFKA_BOOTSTRAP", &system.stack.kafka)
            .env("ABACUS_REGISTRY_URL", &system.stack.registry)
            .env(
                "ABACUS_APICURIO_URL",
                system.stack.registry.replace("/ccompat/v7", "/registry/v2"),
            )
            .env("ABACUS_REQUEST_TOPIC", &system.topics.requested)
            .env("ABACUS_REPLY_TOPIC", reply_topic)
            .output()
            .unwrap_or_else(|error| panic!("{program:?}: {error}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{program:?}: {errors}\n{printed}");
        output.stdout
    }

    /// Requests that the program wrote, all under the name of the program.
    #[track_caller]
    fn requests(&self, source: &str) -> Vec<ComputeRequested> {
        let records = self.system.kafka.scan(&self.system.topics.requested, Isolation::Uncommitted);
        let decode = |record| self.system.events.requested(record).expect("a request");
        let requests: Vec<_> = records.iter().map(decode).collect();
        assert!(requests.iter().all(|request| request.source == source), "{requests:?}");
        requests
    }

    /// Codecs of all batches of requests.
    fn codecs(&self) -> Vec<&'static str> {
        let System { stack, topics, kafka, .. } = &self.system;
        let partitions = 0_i32..kafka.end_offsets(&topics.requested).len().try_into().unwrap();
        partitions
            .flat_map(|partition| batch_codecs(&stack.kafka, &topics.requested, partition))
            .collect()
    }
}

/// The square of a googol.
fn expected() -> String {
    format!("1{}", "0".repeat(200))
}

/// The result in a reply as JSON. Some libraries render a value of a union under its name.
fn result(reply: &Value) -> Option<&str> {
    ["/outcome/result", "/outcome/abacus.compute.v1.Succeeded/result"]
        .into_iter()
        .find_map(|pointer| reply.pointer(pointer)?.as_str())
}

/// Asserts that a program, which prints replies as JSON, is answered in each codec.
#[track_caller]
fn assert_answered(source: &str, codecs: &[&str], program: impl FnOnce(&System) -> Command) {
    let setting = Setting::new();
    let printed = setting.run(&program(&setting.system), codecs);
    let replies: Vec<Value> =
        Deserializer::from_slice(&printed).into_iter().map(Result::unwrap).collect();
    assert_eq!(replies.len(), codecs.len().max(1), "{replies:?}");
    for reply in &replies {
        assert_eq!(result(reply), Some(expected().as_str()), "{reply}");
    }
    let requests = setting.requests(source);
    let asked: BTreeSet<_> = requests.iter().map(|request| request.request_id.as_str()).collect();
    let answered: BTreeSet<_> =
        replies.iter().filter_map(|reply| reply["request_id"].as_str()).collect();
    assert_eq!(asked, answered);
    assert_codecs(&setting, codecs);
}

#[track_caller]
fn assert_codecs(setting: &Setting, codecs: &[&str]) {
    if !codecs.is_empty() {
        let mut found = setting.codecs();
        let mut expected = codecs.to_vec();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}

/// A program that xtask has built.
fn built(system: &System, client: &str) -> Command {
    Command::new(system.stack.clients.join(client).join("ask"))
}

/// A program that needs no build.
fn source(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(file)
}

#[test]
fn python_with_the_serializers_of_confluent_is_answered_in_every_codec() {
    assert_answered("python", &CODECS, |system| {
        let mut python = Command::new(&system.stack.python);
        python.arg(source("python/ask.py"));
        python
    });
}

#[test]
fn the_replying_template_of_spring_is_answered_in_every_codec() {
    assert_answered("spring", &CODECS, |system| built(system, "java/spring"));
}

#[test]
fn the_request_reply_of_smallrye_is_answered() {
    assert_answered("smallrye", &[], |system| built(system, "java/smallrye"));
}

#[test]
fn franz_go_is_answered_in_every_codec() {
    assert_answered("go", &CODECS, |system| built(system, "go"));
}

#[test]
fn kafkajs_is_answered_in_its_codecs() {
    assert_answered("node", &["none", "gzip"], |system| built(system, "node"));
}

#[test]
fn kcat_is_answered() {
    let setting = Setting::new();
    let printed = setting.run(&Command::new(source("kcat/ask.sh")), &["gzip"]);
    let replies = setting.system.kafka.scan(&setting.reply_topic, Isolation::Uncommitted);
    let [reply] = &replies[..] else { panic!("{replies:?}") };
    assert_eq!(printed, reply.payload);
    let completed = setting.system.events.completed(reply);
    assert!(
        matches!(&completed.outcome, Outcome::Succeeded { result, .. } if *result == expected())
    );
    assert_eq!(setting.requests("kcat")[0].request_id, completed.request_id);
    assert_codecs(&setting, &["gzip"]);
}
