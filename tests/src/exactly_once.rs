//! The checker, small: everything that it knows to break, once each. `cargo xtask check
//! exactly-once` is the same at length.

use std::time::Duration;

use abacus_check::{Plan, run};
use abacus_testkit::Stack;

/// One kill at each named point and one at any moment; all else once.
const KILLS: u64 = 8;

#[test]
fn whatever_dies_every_request_is_completed_once_and_every_caller_answered() {
    // The choices stay the same, so that a failure can be looked into.
    let mut plan = Plan::new(3000, KILLS, 20_261);
    plan.session = Duration::from_secs(3);
    let report = run(&plan, &Stack::from_env(), &|line| eprintln!("{line}"));
    assert!(report.is_good(), "{report}");
    assert!(report.verdict.written > report.verdict.completed, "no transaction was hit");
}
