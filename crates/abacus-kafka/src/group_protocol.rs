//! The protocol by which a consumer group assigns partitions.

use abacus_runtime::Setting;

/// The protocol by which the members of a consumer group share partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupProtocol {
    /// A member assigns the partitions, and partitions move step by step (cooperative-sticky).
    Classic,
    /// The broker assigns the partitions (KIP-848; Kafka 4.0 and later). A setting of the broker
    /// says how soon a dead member is removed.
    Consumer,
}

impl Setting for GroupProtocol {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "classic" => Ok(Self::Classic),
            "consumer" => Ok(Self::Consumer),
            _ => Err("expected `classic` or `consumer`".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_choice_has_its_word() {
        assert_eq!(GroupProtocol::parse("classic"), Ok(GroupProtocol::Classic));
        assert_eq!(GroupProtocol::parse("consumer"), Ok(GroupProtocol::Consumer));
        assert!(GroupProtocol::parse("").unwrap_err().contains("`consumer`"));
    }
}
