//! Whether the promises were kept: a pure comparison of what was asked with what the topics hold.

use std::collections::BTreeMap;

/// How many examples of each broken promise are kept.
const EXAMPLES: usize = 3;

/// A promise that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// A request that Kafka has confirmed is not in its topic.
    RequestLost,
    /// A request is in its topic twice, or nobody asked for it: the load itself is at fault.
    RequestUnasked,
    /// A request has no completion.
    Missing,
    /// A request has several completions.
    Duplicated,
    /// A completion says something else than the oracle.
    Wrong,
    /// A completion is not in the partition of its request.
    Misplaced,
    /// A completion that nobody asked for.
    Unasked,
    /// A caller got the answer to another's question.
    Foreign,
    /// A caller got a wrong answer to the right question, or one that is no answer.
    WrongAnswer,
    /// A caller was left without an answer and without an error.
    Unanswered,
    /// A request that can be read is among the dead letters.
    DeadLetter,
    /// Nothing succeeded, so nothing was shown.
    NothingSucceeded,
}

/// What callers of one channel heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallerCounts {
    /// Callers.
    pub callers: usize,
    /// The right result.
    pub answered: usize,
    /// A definite error: refused, expired, unavailable.
    pub refused: usize,
    /// No answer before the deadline; over HTTP the promise of one (202).
    pub waiting: usize,
    /// Answers beyond the first.
    pub repeated: usize,
    /// Answers to another's question.
    pub foreign: usize,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Requests in their topic.
    pub requested: usize,
    /// Requests that were handed to the heavy lane.
    pub handed_over: usize,
    /// Completions under `read_committed`.
    pub completed: usize,
    /// Completions under `read_uncommitted`.
    pub written: usize,
    /// Completions that are the oracle's result.
    pub succeeded: usize,
    /// Completions that are the failure they must be.
    pub failed: usize,
    /// Completions of requests that came up after their deadline.
    pub expired: usize,
    /// What direct callers heard.
    pub direct: CallerCounts,
    /// What callers over HTTP heard.
    pub http: CallerCounts,
    /// Broken promises: how many, and some of them.
    pub violations: BTreeMap<Violation, (usize, Vec<String>)>,
}

impl Verdict {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    /// How often a promise was broken.
    pub fn count(&self, broken: Violation) -> usize {
        self.violations.get(&broken).map_or(0, |(count, _)| *count)
    }

    pub(crate) fn note(&mut self, broken: Violation, example: impl FnOnce() -> String) {
        let (count, examples) = self.violations.entry(broken).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            examples.push(example());
        }
    }
}
