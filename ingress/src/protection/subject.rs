//! Whose allowance it is.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::client::ClientAddress;
use crate::identity::Caller;

/// Who shares one allowance. None is larger than a user name, so that the memory for a number of
/// them is bounded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    User(Arc<str>),
    /// Everybody at an address; an IPv6 address stands for its network of 64 bits, which is what one
    /// customer gets.
    Address(IpAddr),
    /// The account that somebody wants into, whether there is one or not: a hash of its name.
    Account([u8; 16]),
}

impl Subject {
    pub(crate) fn of(caller: &Caller, from: ClientAddress) -> Self {
        match caller {
            Caller::User(user) => Self::User(Arc::clone(&user.name)),
            Caller::Anonymous => Self::address(from),
        }
    }

    pub(crate) fn address(from: ClientAddress) -> Self {
        Self::Address(from.network())
    }

    /// Names are the same in small and in capital letters.
    pub(crate) fn account(name: &str) -> Self {
        Self::hashed(name, "")
    }

    /// The account, as somebody at one address wants into it.
    pub(crate) fn account_from(name: &str, from: ClientAddress) -> Self {
        Self::hashed(name, &from.network().to_string())
    }

    fn hashed(name: &str, place: &str) -> Self {
        let name = Sha256::digest(name.trim().to_lowercase().as_bytes());
        let hash = Sha256::new().chain_update(name).chain_update(place).finalize();
        let mut short = [0; 16];
        short.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Self::Account(short)
    }
}

/// As a part of a key in Redis.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::Address(address) => write!(f, "address:{address}"),
            Self::Account(hash) => write!(f, "account:{:032x}", u128::from_be_bytes(*hash)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> String {
        Subject::address(ClientAddress(address.parse().unwrap())).to_string()
    }

    #[test]
    fn a_network_of_64_bits_is_one_caller() {
        assert_eq!(of("192.0.2.7"), "address:192.0.2.7");
        assert_eq!(of("2001:db8::1:2:3:4"), "address:2001:db8::");
        assert_eq!(of("2001:db8::1:2:3:4"), of("2001:db8::ffff:0:0:1"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
    }

    #[test]
    fn an_account_is_its_name_however_long_and_however_written() {
        assert_eq!(Subject::account("Ada "), Subject::account("ada"));
        assert_ne!(Subject::account("ada"), Subject::account("bob"));
        let from = |last| Subject::account_from("ada", ClientAddress([192, 0, 2, last].into()));
        assert_eq!(from(1), from(1));
        assert_ne!(from(1), from(2));
        assert_eq!(Subject::account(&"x".repeat(1_000_000)).to_string().len(), 40);
    }
}
