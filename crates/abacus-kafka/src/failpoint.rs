//! Places at which a test has the process die, as by SIGKILL: no destructor runs, nothing is
//! flushed.
//!
//! They exist only with the feature `failpoints`; without it a call is nothing. With it,
//! `FAILPOINTS='stream::before_commit=2%return'` kills the process at every fiftieth commit.

/// Reads the environment variable `FAILPOINTS`. To be called once, before threads start.
pub fn set_up() {
    #[cfg(feature = "failpoints")]
    std::mem::forget(fail::FailScenario::setup());
}

/// Dies here if `name` is set to `return`.
#[cfg_attr(not(feature = "failpoints"), inline, expect(clippy::missing_const_for_fn, unused))]
pub fn reach(name: &'static str) {
    #[cfg(feature = "failpoints")]
    fail::fail_point!(name, |_| die(name));
}

/// The same a moment later, when the caller is in the middle of what follows.
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
#[expect(clippy::print_stderr, reason = "a test reads there why the process is gone")]
fn die(name: &str) {
    eprintln!("failpoint {name}: killed");
    let itself = rustix::process::getpid();
    if rustix::process::kill_process(itself, rustix::process::Signal::KILL).is_err() {
        std::process::abort();
    }
}
