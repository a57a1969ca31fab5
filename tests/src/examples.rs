//! The Python examples of the folder `examples/python`, run against a system.

use std::path::Path;
use std::process::Command;

use abacus_testkit::{PATIENCE, System};
use serde_json::{Deserializer, Value};

use crate::history::History;

/// Runs an example. Returns the printed JSON values.
#[track_caller]
fn run(system: &System, script: &str, arguments: &[&str]) -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/python");
    let output = Command::new(&system.stack.python)
        .arg(folder.join(script))
        .args(arguments)
        .env("ABACUS_KAFKA_BOOTSTRAP", &system.stack.kafka)
        .env("ABACUS_REGISTRY_URL", &system.stack.registry)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} {arguments:?}: {errors}");
    Deserializer::from_slice(&output.stdout).into_iter().map(Result::unwrap).collect()
}

#[test]
fn the_python_examples_get_a_reply_and_read_the_completion() {
    let system = System::new();
    let _processor = system.start(&system.processor());
    let reply_topic = format!("abacus.replies.{}", system.name());
    let topics = ["--topic", &system.topics.requested, "--reply-topic", &reply_topic];
    let ask = |question: &[&str]| run(&system, "produce.py", &[&topics[..], question].concat());
    let answered = ask(&["pow", "base=-3", "exponent=3"]);
    assert_eq!(answered[0]["outcome"]["result"], "-27");
    let refused = ask(&["factorial", "n=-1"]);
    assert_eq!(refused[0]["outcome"]["code"], "operand-out-of-range");

    let history = History::complete(&system, PATIENCE);
    assert!(history.requested.values().all(|request| request.source == "example-python"));
    let group = format!("{}-completed", system.name());
    let reader = ["--topic", &system.topics.completed, "--group", &group, "--idle", "60"];
    let read = run(&system, "completed.py", &[&reader[..], &["--count", "2"]].concat());
    assert_eq!(read.len(), 2, "{read:?}");
    for reply in [&answered[0], &refused[0]] {
        assert!(read.contains(reply), "{reply} is not in {read:?}");
    }
}
