//! Tests of a real process: arguments, signals, failures, the hard deadline, and the exit code of
//! each.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "allowed in tests and in their helpers"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const DEADLINE: Duration = Duration::from_secs(20);

/// The `minimal` example. Cargo builds it before this test, into a folder beside the test's folder.
fn example() -> Command {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    let mut command = Command::new(path.join("examples").join("minimal"));
    command.env_clear();
    command
}

/// A running example and the unread part of its log.
struct Process {
    child: Child,
    log: BufReader<ChildStdout>,
}

impl Process {
    fn start(settings: &[(&str, &str)]) -> Self {
        let mut child = example()
            .envs(settings.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example must be built");
        let log = BufReader::new(child.stdout.take().unwrap());
        Self { child, log }
    }

    /// Reads the log up to the line with this message.
    fn logged(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(
                self.log.read_line(&mut line).unwrap(),
                0,
                "the log ended before `{message}`"
            );
            let line: Value = serde_json::from_str(&line).expect("a log line is JSON");
            if line["message"] == message {
                return line;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn exit(mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            std::thread::yield_now();
        }
        panic!("the process is still running after {DEADLINE:?}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_service_announces_itself_serves_and_stops_cleanly_at_either_signal() {
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT")] {
        let mut process = Process::start(&[]);
        let listening = process.logged("listening");
        assert_eq!(listening["service"], "abacus-example");
        assert_eq!(listening["server"], "admin");
        process.logged("component is ready");
        let address = listening["address"].as_str().unwrap();
        assert!(get(address, "/livez").starts_with("HTTP/1.1 200"));
        assert!(get(address, "/readyz").starts_with("HTTP/1.1 200"));
        assert!(get(address, "/metrics").contains("abacus_runtime_build_info{"));

        process.signal(signal);
        assert_eq!(process.logged("task stopped")["task"], "example");
        assert_eq!(process.logged("task stopped")["task"], "admin");
        assert_eq!(process.exit().code(), Some(0), "after {name}");
    }
}

#[test]
fn readiness_is_red_and_liveness_green_during_the_grace() {
    let mut process = Process::start(&[("ABACUS_SHUTDOWN_GRACE", "15s")]);
    let listening = process.logged("listening");
    process.logged("component is ready");
    process.signal(Signal::TERM);
    assert_eq!(process.logged("shutdown requested")["signal"], "SIGTERM");
    let address = listening["address"].as_str().unwrap();
    assert!(get(address, "/readyz").starts_with("HTTP/1.1 503"));
    assert!(get(address, "/livez").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_panic_of_a_task_is_logged_and_ends_the_process_with_1() {
    let mut process = Process::start(&[("ABACUS_EXAMPLE_TASK", "panic")]);
    let panicked = process.logged("panicked");
    assert_eq!(panicked["panic.message"], "lost count");
    assert!(panicked["panic.location"].as_str().unwrap().contains("minimal.rs"));
    process.logged("task failed");
    assert_eq!(process.exit().code(), Some(1));
}

#[test]
fn a_task_past_its_budget_makes_the_exit_code_1() {
    let mut process = Process::start(&[("ABACUS_EXAMPLE_TASK", "ignore-shutdown")]);
    process.logged("component is ready");
    process.signal(Signal::TERM);
    let failed = process.logged("task failed");
    assert_eq!(failed["error"], "task example did not stop within 100ms");
    assert_eq!(process.exit().code(), Some(1));
}

#[test]
fn the_hard_deadline_ends_a_process_whose_workers_are_all_blocked() {
    let mut process = Process::start(&[
        ("ABACUS_EXAMPLE_TASK", "block-every-worker"),
        ("ABACUS_SHUTDOWN_TIMEOUT", "300ms"),
    ]);
    process.logged("component is ready");
    process.signal(Signal::TERM);
    let forced = process.logged("forced exit");
    assert_eq!(forced["reason"], "the shutdown took longer than 300ms");
    assert_eq!(process.exit().code(), Some(1));
}

#[test]
fn the_hard_deadline_ends_a_process_whose_standard_output_is_stuck() {
    let mut process = Process::start(&[
        ("ABACUS_EXAMPLE_TASK", "flood-the-log"),
        ("ABACUS_SHUTDOWN_TIMEOUT", "300ms"),
    ]);
    process.logged("component is ready");
    process.signal(Signal::TERM);
    assert_eq!(process.exit().code(), Some(1));
}

#[test]
fn the_hard_deadline_ends_a_process_whose_exit_hangs() {
    let mut process = Process::start(&[
        ("ABACUS_EXAMPLE_TASK", "hang-at-exit"),
        ("ABACUS_SHUTDOWN_TIMEOUT", "300ms"),
    ]);
    process.logged("component is ready");
    process.signal(Signal::TERM);
    process.logged("stopped");
    assert_eq!(process.logged("forced exit")["level"], "ERROR");
    assert!(!process.exit().success());
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let mut process = Process::start(&[("ABACUS_SHUTDOWN_GRACE", "25s")]);
    process.logged("component is ready");
    process.signal(Signal::TERM);
    process.logged("shutdown requested");
    process.signal(Signal::INT);
    assert_eq!(process.logged("forced exit")["reason"], "SIGINT during the shutdown");
    assert_eq!(process.exit().code(), Some(1));
}

#[test]
fn a_failing_start_ends_the_process_with_1_and_says_why() {
    let mut process = Process::start(&[("ABACUS_EXAMPLE_TASK", "fail-to-start")]);
    assert_eq!(process.logged("start failed")["error"], "told to fail");
    assert_eq!(process.exit().code(), Some(1));
}

#[test]
fn a_signal_ends_a_start_that_waits() {
    let mut process = Process::start(&[("ABACUS_EXAMPLE_TASK", "start-forever")]);
    let listening = process.logged("listening");
    let answer = get(listening["address"].as_str().unwrap(), "/readyz");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    process.signal(Signal::TERM);
    assert_eq!(process.exit().code(), Some(0));
}

#[test]
fn a_wrong_configuration_is_refused_with_all_problems() {
    let output = example()
        .envs([("ABACUS_ADMIN_LISTEN", "here"), ("ABACUS_EXAMPLE_TASK", "dance")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert!(text.contains("2 problem(s)"), "{text}");
    assert!(text.contains("ABACUS_ADMIN_LISTEN") && text.contains("`dance`"), "{text}");
}

#[test]
fn help_and_version_answer_on_standard_output() {
    let help = example().arg("--help").output().unwrap();
    assert_eq!(help.status.code(), Some(0));
    assert!(String::from_utf8(help.stdout).unwrap().contains("ABACUS_EXAMPLE_TASK"));
    let version = example().arg("--version").output().unwrap();
    assert!(version.stdout.starts_with(b"abacus-example "));
    assert_eq!(example().arg("serve").output().unwrap().status.code(), Some(2));
}
