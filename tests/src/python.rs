//! Python programs called by tests.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use abacus_testkit::Stack;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Runs `script` of the folder `python` with `input` as JSON. Returns the parsed output.
#[track_caller]
pub(crate) fn run<T: DeserializeOwned>(stack: &Stack, script: &str, input: &impl Serialize) -> T {
    let mut child = Command::new(&stack.python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(script))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python runs");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&serde_json::to_vec(input).unwrap()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}
