//! The first administrator: made once, by whoever holds the token that the server was started with,
//! and only while there is no administrator. That it is the only one is the [store](super::store)'s
//! to see to.

use abacus_runtime::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::api_keys::sha256;

/// The token, as its hash.
pub(crate) struct Bootstrap(Option<[u8; 32]>);

impl Bootstrap {
    /// Without a token nothing fits.
    pub(super) fn new(token: Option<&SecretString>) -> Self {
        Self(token.map(|token| sha256(token.expose_secret())))
    }

    /// The token's hash, if `given` is the token.
    pub(crate) fn check(&self, given: &str) -> Option<[u8; 32]> {
        let hash = sha256(given);
        let expected = self.0?;
        bool::from(hash.ct_eq(&expected)).then_some(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_fits() {
        let bootstrap = Bootstrap::new(Some(&SecretString::from("the token")));
        assert!(bootstrap.check("the token").is_some());
        assert!(bootstrap.check("another").is_none());
        assert!(Bootstrap::new(None).check("").is_none());
    }
}
