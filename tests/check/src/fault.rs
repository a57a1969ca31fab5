//! What can be broken.

use std::time::Duration;

use crate::random::Random;

/// Named points in the processor at which it can be made to die.
pub(crate) const FAILPOINTS: [Failpoint; 7] = [
    Failpoint { name: "stream::received", hits: Hits::Records },
    Failpoint { name: "stream::before_produce", hits: Hits::Transactions },
    Failpoint { name: "stream::after_produce", hits: Hits::Transactions },
    Failpoint { name: "stream::before_commit", hits: Hits::Transactions },
    Failpoint { name: "stream::during_commit", hits: Hits::Transactions },
    Failpoint { name: "stream::after_commit", hits: Hits::Transactions },
    Failpoint { name: "processor::after_reply", hits: Hits::Records },
];

/// A point at which a processor can be made to die.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failpoint {
    /// Its name.
    pub name: &'static str,
    hits: Hits,
}

/// How often a point is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hits {
    Records,
    Transactions,
}

/// A failpoint, and how often it is passed unharmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArmedFailpoint {
    pub(crate) failpoint: Failpoint,
    after: u64,
}

impl ArmedFailpoint {
    pub(crate) fn new(failpoint: Failpoint, share: u64, random: &mut Random) -> Self {
        let most = match failpoint.hits {
            Hits::Records => (share / 20).max(1),
            Hits::Transactions => 3,
        };
        Self { failpoint, after: random.below(most) }
    }

    /// What `FAILPOINTS` says so.
    pub(crate) fn setting(self) -> String {
        let Self { failpoint, after } = self;
        match after {
            0 => format!("{}=return", failpoint.name),
            _ => format!("{}={after}*off->return", failpoint.name),
        }
    }

    /// What the process says as it dies.
    pub(crate) fn exit_message(self) -> String {
        format!("failpoint {}: killed", self.failpoint.name)
    }
}

/// Something that is broken once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL of a processor, after so long.
    Kill(Duration),
    /// A processor dies at a named point.
    Failpoint(ArmedFailpoint),
    /// SIGSTOP of a processor until it was replaced, then SIGCONT.
    Freeze,
    /// A broker is stopped in order, is away for so long, and comes back.
    BrokerRestart(Duration),
    /// A broker is killed, is away for so long, and comes back.
    BrokerKill(Duration),
    /// One more processor.
    Add,
    /// One less.
    Remove,
}

/// Faults of one sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// [`Fault::Kill`]
    Kill,
    /// [`Fault::Failpoint`], by its name.
    Failpoint(&'static str),
    /// [`Fault::Freeze`]
    Freeze,
    /// [`Fault::BrokerRestart`]
    BrokerRestart,
    /// [`Fault::BrokerKill`]
    BrokerKill,
    /// [`Fault::Add`]
    Add,
    /// [`Fault::Remove`]
    Remove,
}

impl Fault {
    /// Which sort it is.
    pub fn kind(self) -> Kind {
        match self {
            Self::Kill(_) => Kind::Kill,
            Self::Failpoint(arm) => Kind::Failpoint(arm.failpoint.name),
            Self::Freeze => Kind::Freeze,
            Self::BrokerRestart(_) => Kind::BrokerRestart,
            Self::BrokerKill(_) => Kind::BrokerKill,
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
            Self::Add => "processor added",
            Self::Remove => "processor removed",
        };
        f.write_str(text)
    }
}
