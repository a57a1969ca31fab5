//! The bootstrap token: registers the first administrator, once, while no administrator exists. The
//! [store](crate::store) enforces both conditions.

use abacus_runtime::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use crate::api_key::sha256;

/// The hash of the token.
pub(crate) struct Bootstrap(Option<[u8; 32]>);

impl Bootstrap {
    /// Without a token, no text matches.
    pub(crate) fn new(token: Option<&SecretString>) -> Self {
        Self(token.map(|token| sha256(token.expose_secret())))
    }

    /// Returns the token's hash if `given` is the token.
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
