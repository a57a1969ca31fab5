//! Owners of quotas: accounts and addresses.

use std::sync::Arc;

use abacus_http::edge::proxies::ClientAddress;
use abacus_identity::Caller;
use abacus_quota::{Ledger, Subject};
use sha2::{Digest as _, Sha256};

/// Caller of one HTTP request, with the ledger of the request's charges.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) caller: Caller,
    /// Owner of the quotas: the account, or the address of an anonymous caller.
    pub(super) subject: Subject,
    pub(super) ledger: Ledger,
}

impl Client {
    pub(crate) fn new(caller: Caller, from: ClientAddress, ledger: Ledger) -> Self {
        let subject = match &caller {
            Caller::User(account) => user(&account.name),
            Caller::Anonymous => address(from),
        };
        Self { caller, subject, ledger }
    }
}

/// Returns the subject of the account with this name.
pub(super) fn user(name: &Arc<str>) -> Subject {
    Subject::named("user", Arc::clone(name))
}

/// Returns the subject of all callers at an address. An IPv6 address stands for the network of 64
/// bits, the usual assignment of one customer.
pub(super) fn address(from: ClientAddress) -> Subject {
    Subject::address("address", from.network())
}

/// Returns the subject of all attempts to sign in to an account, existing or not: a hash of the
/// name in lower case.
pub(super) fn account(name: &str) -> Subject {
    hashed(name, "")
}

/// Returns the subject of the attempts from one address to sign in to an account.
pub(super) fn account_from_address(name: &str, from: ClientAddress) -> Subject {
    hashed(name, &from.network().to_string())
}

fn hashed(name: &str, network: &str) -> Subject {
    let name = Sha256::digest(name.trim().to_lowercase().as_bytes());
    let hash = Sha256::new().chain_update(name).chain_update(network).finalize();
    let mut short = [0; 16];
    short.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    Subject::digest("account", short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject_of(text: &str) -> String {
        address(ClientAddress(text.parse().unwrap())).to_string()
    }

    #[test]
    fn a_network_of_64_bits_is_one_caller() {
        assert_eq!(subject_of("192.0.2.7"), "address:192.0.2.7");
        assert_eq!(subject_of("2001:db8::1:2:3:4"), "address:2001:db8::");
        assert_eq!(subject_of("2001:db8::1:2:3:4"), subject_of("2001:db8::ffff:0:0:1"));
        assert_ne!(subject_of("2001:db8:0:1::1"), subject_of("2001:db8:0:2::1"));
    }

    #[test]
    fn an_account_is_its_name_however_long_and_however_written() {
        assert_eq!(account("Ada "), account("ada"));
        assert_ne!(account("ada"), account("bob"));
        let from = |last| account_from_address("ada", ClientAddress([192, 0, 2, last].into()));
        assert_eq!(from(1), from(1));
        assert_ne!(from(1), from(2));
        assert_eq!(account(&"x".repeat(1_000_000)).to_string().len(), 40);
    }
}
