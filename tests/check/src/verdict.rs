//! The verdict: counts and violations.

use abacus_testkit::Violations;

/// Number of examples kept for each kind of violation.
const EXAMPLES: usize = 3;

/// A violation of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// A request confirmed by Kafka is missing from the topic.
    RequestLost,
    /// A request is in the topic twice, or was never sent: a fault of the load.
    RequestUnasked,
    /// A request has no completion.
    Missing,
    /// A request has several completions.
    Duplicated,
    /// A completion differs from the oracle.
    Wrong,
    /// A completion is not in the partition of the request.
    Misplaced,
    /// A completion without a request.
    Unasked,
    /// A caller received the answer to another caller's question.
    Foreign,
    /// A caller received a wrong answer to the right question, or an invalid answer.
    WrongAnswer,
    /// A caller received neither an answer nor an error.
    Unanswered,
    /// A readable request is among the dead letters.
    DeadLetter,
    /// No request succeeded, so the check showed nothing.
    NothingSucceeded,
}

/// Counts of the callers of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallerCounts {
    /// Number of callers.
    pub callers: usize,
    /// Right results.
    pub answered: usize,
    /// Definite errors: refused, expired or unavailable.
    pub refused: usize,
    /// Callers without an answer before the deadline. Over HTTP: responses with 202.
    pub waiting: usize,
    /// Answers after the first.
    pub repeated: usize,
    /// Answers to another caller's question.
    pub foreign: usize,
}

/// The verdict.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Requests in the topic.
    pub requested: usize,
    /// Requests handed over to the heavy lane.
    pub handed_over: usize,
    /// Completions under `read_committed`.
    pub completed: usize,
    /// Completions under `read_uncommitted`.
    pub written: usize,
    /// Completions with the oracle's result.
    pub succeeded: usize,
    /// Completions with the expected failure.
    pub failed: usize,
    /// Expired completions of requests after their deadline.
    pub expired: usize,
    /// Counts of direct callers.
    pub direct: CallerCounts,
    /// Counts of callers over HTTP.
    pub http: CallerCounts,
    /// Number and examples of each kind of violation.
    pub violations: Violations<Violation, EXAMPLES>,
}

impl Verdict {
    /// Returns whether there is no violation.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// Number of violations of a kind.
    pub fn count(&self, violation: Violation) -> usize {
        self.violations.count(&violation)
    }

    pub(crate) fn note(&mut self, violation: Violation, example: impl FnOnce() -> String) {
        self.violations.note(violation, example);
    }
}
