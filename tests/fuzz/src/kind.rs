//! Kinds of records, and how often each kind is written.

use std::fmt;

use abacus_testkit::Random;

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A question of a caller that waits for the reply.
    Honest,
    /// Random bytes.
    RandomBytes,
    /// A request with changed, missing or added bytes.
    Damaged,
    /// A schema id that no registry knows, or the id of another event.
    UnknownSchema,
    /// A schema id in a header, and bare Avro in the value.
    SchemaIdInHeader,
    /// A request under a random schema that the registry has accepted.
    WriterSchema,
    /// Under such a schema: more values, deeper values or larger counts than any limit allows.
    AvroBomb,
    /// A request with hostile names, operands and times.
    HostileValues,
    /// A request with hostile headers.
    HostileHeaders,
    /// A request id that is written many times, with equal or different content.
    Repeated,
    /// A request with an unusual key or timestamp of the record.
    KeyAndTimestamp,
    /// A size up to the limit of the topic, and above.
    Large,
    /// A large size that every codec makes small.
    Compressible,
    /// A batch with random attributes, counts and timestamps.
    RawBatch,
    /// A batch that librdkafka cannot read.
    UnreadableBatch,
    /// A record in the topic of the heavy lane.
    HeavyTopic,
    /// A record in the topic of completions.
    CompletedTopic,
    /// A record in the reply topic of the ingress.
    ReplyTopic,
    /// A record in the topic of dead letters.
    DeadLetterTopic,
}

impl Kind {
    /// All kinds, each with its weight.
    const WEIGHTS: [(Self, u64); 19] = [
        (Self::Honest, 150),
        (Self::RandomBytes, 60),
        (Self::Damaged, 120),
        (Self::UnknownSchema, 40),
        (Self::SchemaIdInHeader, 20),
        (Self::WriterSchema, 150),
        (Self::AvroBomb, 40),
        (Self::HostileValues, 100),
        (Self::HostileHeaders, 100),
        (Self::Repeated, 60),
        (Self::KeyAndTimestamp, 40),
        (Self::Large, 4),
        (Self::Compressible, 4),
        (Self::RawBatch, 20),
        (Self::UnreadableBatch, 1),
        (Self::HeavyTopic, 40),
        (Self::CompletedTopic, 50),
        (Self::ReplyTopic, 40),
        (Self::DeadLetterTopic, 20),
    ];

    /// All kinds.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::WEIGHTS.into_iter().map(|(kind, _)| kind)
    }

    /// Chooses a kind. The first records of a run have each kind once.
    pub(crate) fn choose(number: u64, random: &mut Random) -> Self {
        if let Some(kind) = usize::try_from(number).ok().and_then(|first| Self::all().nth(first)) {
            return kind;
        }
        let mut left = random.below(Self::WEIGHTS.iter().map(|(_, weight)| weight).sum());
        for (kind, weight) in Self::WEIGHTS {
            if left < weight {
                return kind;
            }
            left -= weight;
        }
        Self::Honest
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_every_kind_and_the_weights_decide_about_the_rest() {
        let kinds: Vec<Kind> =
            (0..5000).map(|number| Kind::choose(number, &mut Random::about(1, number))).collect();
        assert!(kinds.iter().copied().take(Kind::all().count()).eq(Kind::all()));
        let count = |kind| kinds.iter().filter(|chosen| **chosen == kind).count();
        assert!((500..1000).contains(&count(Kind::Honest)), "{}", count(Kind::Honest));
        assert!((1..50).contains(&count(Kind::UnreadableBatch)));
    }
}
