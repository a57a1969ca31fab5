//! The verdict: counts by kind, and violations.

use std::collections::BTreeMap;

use abacus_testkit::Violations;

use crate::evidence::Channel;
use crate::kind::Kind;

/// Number of examples kept for each kind of violation.
const EXAMPLES: usize = 5;

/// A violation of a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// A process ended.
    Ended,
    /// A service is not ready at the end.
    NotReady,
    /// A service panicked.
    Panicked,
    /// A service used more memory than its bound.
    Memory,
    /// A partition made no progress.
    Stuck,
    /// A record has neither a completion nor a dead letter.
    Lost,
    /// A readable request is a dead letter.
    ReadableDeadLetter,
    /// An unreadable record has no dead letter.
    Tolerated,
    /// A record has several dead letters.
    RepeatedDeadLetter,
    /// A request has more completions than it should.
    Duplicated,
    /// A completion or a dead letter without a record.
    Invented,
    /// An honest caller has a wrong answer, or none.
    WrongAnswer,
    /// The request log lacks a request, or has one too many.
    LogDiffers,
    /// The counters of the projector do not add up.
    Uncounted,
    /// A kind of record was never written.
    NeverWritten,
    /// No honest caller had a result, so the run shows nothing.
    NothingSucceeded,
}

/// Numbers of records of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindCounts {
    /// Refused by the broker or by the client library.
    pub refused: u64,
    /// In the topic.
    pub written: u64,
    /// Completed, alone or with its repeats.
    pub completed: u64,
    /// Dead letters.
    pub dead: u64,
}

/// The verdict.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Counts by kind.
    pub kinds: BTreeMap<Kind, KindCounts>,
    /// Completions of the services.
    pub completions: usize,
    /// Records whose request has one completion together with earlier records.
    pub repeats: usize,
    /// Honest callers with the right answer, over HTTP and over Kafka.
    pub right: [usize; 2],
    /// Honest callers with a result.
    pub succeeded: usize,
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

    pub(crate) fn note_right(&mut self, channel: Channel) {
        self.right[usize::from(channel != Channel::Http)] += 1;
    }
}
