//! Points at which a test can kill the process, as with SIGKILL: no destructor runs and no buffer is
//! flushed.
//!
//! The points exist with the feature `failpoints`; without the feature a call does nothing. With the
//! feature, `FAILPOINTS='stream::before_commit=2%return'` kills the process at every fiftieth commit.

/// Reads the environment variable `FAILPOINTS`. Call once, before threads start.
pub fn set_up() {
    #[cfg(feature = "failpoints")]
    std::mem::forget(fail::FailScenario::setup());
}

/// Kills the process here if `name` is set to `return`.
#[cfg_attr(not(feature = "failpoints"), inline, expect(clippy::missing_const_for_fn, unused))]
pub fn reach(name: &'static str) {
    #[cfg(feature = "failpoints")]
    fail::fail_point!(name, |_| die(name));
}

/// Kills the process a millisecond later if `name` is set to `return`: the caller has then begun its
/// next call.
#[cfg_attr(not(feature = "failpoints"), inline, expect(clippy::missing_const_for_fn, unused))]
pub fn reach_amid(name: &'static str) {
    #[cfg(feature = "failpoints")]
    fail::fail_point!(name, |_| {
        std::thread::spawn(move || {
            std::thread::park_timeout(std::time::Duration::from_millis(1));
            die(name);
        });
    });
}

#[cfg(feature = "failpoints")]
#[expect(clippy::print_stderr, reason = "a test reads the reason from stderr")]
fn die(name: &str) {
    eprintln!("failpoint {name}: killed");
    let itself = rustix::process::getpid();
    if rustix::process::kill_process(itself, rustix::process::Signal::KILL).is_err() {
        std::process::abort();
    }
}

#[cfg(test)]
#[cfg(feature = "failpoints")]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Command, Output};

    use super::*;

    /// Runs the test `reaches_both` in a new process.
    fn run_with(failpoints: &str) -> Output {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "failpoint::tests::reaches_both", "--nocapture"])
            .env("FAILPOINTS", failpoints)
            .output()
            .unwrap()
    }

    #[test]
    fn reaches_both() {
        set_up();
        reach("test::first");
        reach_amid("test::second");
        if std::env::var("FAILPOINTS").is_ok_and(|set| set.contains("second")) {
            std::thread::park_timeout(std::time::Duration::from_mins(1));
        }
    }

    #[test]
    fn a_process_dies_at_the_point_that_is_set_and_at_no_other() {
        for point in ["test::first", "test::second"] {
            let output = run_with(&format!("{point}=return"));
            assert_eq!(output.status.signal(), Some(9), "{point}");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains(&format!("failpoint {point}: killed")), "{said}");
        }
        assert!(run_with("test::other=return").status.success());
    }
}
