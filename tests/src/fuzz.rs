//! The fuzzer in a short run. `cargo xtask check fuzz` is the long run.

use abacus_fuzz::{Length, Plan, run};
use abacus_testkit::Stack;

/// A fixed number of records, so that a slow machine does not test less.
const RECORDS: u64 = 4000;

#[test]
fn whatever_is_written_every_record_is_accounted_for_and_every_honest_caller_answered() {
    // A fixed seed makes a failure repeatable.
    let plan = Plan::new(20_261_128, Length::Records(RECORDS));
    let report = run(&plan, &Stack::from_env(), &|line| eprintln!("{line}"));
    assert!(report.is_good(), "{report}");
    let [http, kafka] = report.verdict.right;
    assert!(http > 0 && kafka > 0, "{report}");
}
