//! The faults of a check.

use std::time::Duration;

use abacus_testkit::Random;

/// Failpoints of the processor. A processor dies at an armed failpoint.
pub(crate) const FAILPOINTS: [Failpoint; 7] = [
    Failpoint { name: "stream::received", hits: Hits::Records },
    Failpoint { name: "stream::before_produce", hits: Hits::Transactions },
    Failpoint { name: "stream::after_produce", hits: Hits::Transactions },
    Failpoint { name: "stream::before_commit", hits: Hits::Transactions },
    Failpoint { name: "stream::during_commit", hits: Hits::Transactions },
    Failpoint { name: "stream::after_commit", hits: Hits::Transactions },
    Failpoint { name: "processor::after_reply", hits: Hits::Records },
];

/// A named point in the processor's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failpoint {
    /// Name of the failpoint.
    pub name: &'static str,
    hits: Hits,
}

/// Frequency of a processor's passes: once per record, or once per transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hits {
    Records,
    Transactions,
}

/// A failpoint to die at, and the number of harmless passes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArmedFailpoint {
    pub(crate) failpoint: Failpoint,
    after: u64,
}

impl ArmedFailpoint {
    pub(crate) fn new(failpoint: Failpoint, requests: u64, random: &mut Random) -> Self {
        let most = match failpoint.hits {
            Hits::Records => (requests / 20).max(1),
            Hits::Transactions => 3,
        };
        Self { failpoint, after: random.below(most) }
    }

    /// Value of the variable `FAILPOINTS`.
    pub(crate) fn setting(self) -> String {
        let Self { failpoint, after } = self;
        match after {
            0 => format!("{}=return", failpoint.name),
            _ => format!("{}={after}*off->return", failpoint.name),
        }
    }

    /// Last log line of the dying process.
    pub(crate) fn exit_message(self) -> String {
        format!("failpoint {}: killed", self.failpoint.name)
    }
}

/// A fault, injected once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL of a processor after a delay.
    Kill(Duration),
    /// Death of a processor at a failpoint.
    Failpoint(ArmedFailpoint),
    /// SIGSTOP of a processor until the group replaces it, then SIGCONT.
    Freeze,
    /// An orderly stop of a broker, and a start after a delay.
    BrokerRestart(Duration),
    /// SIGKILL of a broker, and a start after a delay.
    BrokerKill(Duration),
    /// SIGSTOP of a broker with an `EndTxn` of a processor in its socket, loss of the processor's
    /// connection, then SIGCONT.
    EndTxnInSocket,
    /// Loss of the connection that carries an `EndTxn` of a processor. The broker receives the
    /// request during the processor's next transaction.
    LateEndTxn,
    /// One more processor.
    Add,
    /// One processor less.
    Remove,
}

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// See [`Fault::Kill`].
    Kill,
    /// See [`Fault::Failpoint`], by name.
    Failpoint(&'static str),
    /// See [`Fault::Freeze`].
    Freeze,
    /// See [`Fault::BrokerRestart`].
    BrokerRestart,
    /// See [`Fault::BrokerKill`].
    BrokerKill,
    /// See [`Fault::EndTxnInSocket`].
    EndTxnInSocket,
    /// See [`Fault::LateEndTxn`].
    LateEndTxn,
    /// See [`Fault::Add`].
    Add,
    /// See [`Fault::Remove`].
    Remove,
}

impl Fault {
    /// The kind of this fault.
    pub fn kind(self) -> Kind {
        match self {
            Self::Kill(_) => Kind::Kill,
            Self::Failpoint(arm) => Kind::Failpoint(arm.failpoint.name),
            Self::Freeze => Kind::Freeze,
            Self::BrokerRestart(_) => Kind::BrokerRestart,
            Self::BrokerKill(_) => Kind::BrokerKill,
            Self::EndTxnInSocket => Kind::EndTxnInSocket,
            Self::LateEndTxn => Kind::LateEndTxn,
            Self::Add => Kind::Add,
            Self::Remove => Kind::Remove,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = match self {
            Self::Kill => "SIGKILL at any moment",
            Self::Failpoint(name) => return write!(f, "dies at {name}"),
            Self::Freeze => "SIGSTOP past the session's end, SIGCONT",
            Self::BrokerRestart => "broker stopped and started",
            Self::BrokerKill => "broker killed and started",
            Self::EndTxnInSocket => "broker stopped before it reads an EndTxn",
            Self::LateEndTxn => "EndTxn during the next transaction",
            Self::Add => "processor added",
            Self::Remove => "processor removed",
        };
        f.write_str(text)
    }
}
