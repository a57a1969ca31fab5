//! Owners of quotas and permits.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// An owner of quotas and permits: a kind, and a key within the kind.
///
/// A subject is cheap to clone. The longest name that the service gives bounds the size of a subject, and so the memory
/// for a number of subjects. The text of a subject is a part of the key in Redis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    kind: &'static str,
    key: Key,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Name(Arc<str>),
    Address(IpAddr),
    Digest([u8; 16]),
}

impl Subject {
    /// A subject with a name.
    pub fn named(kind: &'static str, name: Arc<str>) -> Self {
        Self { kind, key: Key::Name(name) }
    }

    /// A network address.
    pub fn address(kind: &'static str, address: IpAddr) -> Self {
        Self { kind, key: Key::Address(address) }
    }

    /// A subject known by the hash of its name.
    pub fn digest(kind: &'static str, hash: [u8; 16]) -> Self {
        Self { kind, key: Key::Digest(hash) }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind;
        match &self.key {
            Key::Name(name) => write!(f, "{kind}:{name}"),
            Key::Address(address) => write!(f, "{kind}:{address}"),
            Key::Digest(hash) => write!(f, "{kind}:{:032x}", u128::from_be_bytes(*hash)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_subject_is_the_one_in_redis_keys() {
        let mut hash = [0; 16];
        hash[0] = 0x0a;
        for (subject, text) in [
            (Subject::named("user", Arc::from("ada")), "user:ada"),
            (Subject::address("address", [192, 0, 2, 7].into()), "address:192.0.2.7"),
            (Subject::digest("account", hash), "account:0a000000000000000000000000000000"),
        ] {
            assert_eq!(subject.to_string(), text);
        }
    }
}
