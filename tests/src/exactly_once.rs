//! The checker in a short run, with every kind of fault. `cargo xtask check exactly-once` is the
//! long run.

use std::collections::HashMap;
use std::time::Duration;

use abacus_check::oracle::{Expected, Oracle};
use abacus_check::{Plan, Question, run};
use abacus_testkit::Stack;

use crate::oracle;

/// One kill at each failpoint and one at a random moment.
const KILLS: u64 = 8;

#[test]
fn whatever_dies_every_request_is_completed_once_and_every_caller_answered() {
    // A fixed seed makes a failure repeatable.
    let mut plan = Plan::new(3000, KILLS, 20_261);
    plan.session = Duration::from_secs(3);
    let report = run(&plan, &Stack::from_env(), &|line| eprintln!("{line}"));
    assert!(report.is_good(), "{report}");
    assert!(report.verdict.handed_over > 0, "nothing was heavy");
    assert!(report.verdict.written > report.verdict.completed, "no transaction was hit");
}

#[test]
fn the_checkers_oracle_says_what_python_says() {
    let mut oracle = Oracle::default();
    let ours: HashMap<oracle::Question, String> = (0..1500)
        .map(|number| Question::of(1, number))
        .filter_map(|question| match oracle.answer(&question).clone() {
            Expected::Result { decimal, .. } => {
                Some(((question.operation, question.operands), decimal))
            }
            Expected::Failure(_) => None,
        })
        .collect();
    assert!(ours.len() > 1000, "{} questions", ours.len());
    assert_eq!(ours, oracle::answers(&Stack::from_env(), ours.keys().cloned()));
}
