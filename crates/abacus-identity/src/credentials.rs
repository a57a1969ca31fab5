//! The credentials in the `Authorization` header. A request has no credentials or a single well-formed bearer
//! credential. A bad credential is an error, and never counts as no credentials.

use crate::api_key::{ApiKeyText, PREFIX};
use crate::error::CredentialFault;

/// Longest accepted header, in bytes; tokens and keys are much shorter.
const LONGEST: usize = 2048;

/// The credentials of a request.
pub struct Credentials<'a>(pub(crate) Result<Presented<'a>, CredentialFault>);

/// A well-formed credential, not yet checked.
pub(crate) enum Presented<'a> {
    Nothing,
    Token(&'a str),
    Key(ApiKeyText<'a>),
}

impl<'a> Credentials<'a> {
    /// Reads the values of all `Authorization` headers.
    pub fn parse(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        Self(Presented::parse(values))
    }
}

impl<'a> Presented<'a> {
    fn parse(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, CredentialFault> {
        let mut values = values.into_iter();
        let Some(value) = values.next() else { return Ok(Self::Nothing) };
        if values.next().is_some() || value.len() > LONGEST || !value.is_ascii() {
            return Err(CredentialFault::Unreadable);
        }
        let text = str::from_utf8(value).map_err(|_| CredentialFault::Unreadable)?;
        let (scheme, credential) = text.split_once(' ').ok_or(CredentialFault::Unreadable)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(CredentialFault::Unreadable);
        }
        let credential = credential.trim_matches(' ');
        if credential.starts_with(PREFIX) {
            ApiKeyText::parse(credential).map(Self::Key).ok_or(CredentialFault::Key)
        } else {
            Ok(Self::Token(credential))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<&'static str, CredentialFault> {
        let values = values.iter().map(|value| value.as_bytes());
        Credentials::parse(values).0.map(|presented| match presented {
            Presented::Nothing => "nothing",
            Presented::Token(_) => "token",
            Presented::Key(_) => "key",
        })
    }

    #[test]
    fn only_one_bearer_credential_is_read() {
        assert_eq!(read(&[]), Ok("nothing"));
        assert_eq!(read(&["Bearer a.b.c"]), Ok("token"));
        assert_eq!(read(&["bearer  a.b.c"]), Ok("token"));
        for bad in [
            &["Basic YTpi"][..],
            &["Bearer"],
            &["a.b.c"],
            &[""],
            &["Bearer a.b.c", "Bearer a.b.c"],
            &["Bearer a.b.c", "Basic YTpi"],
        ] {
            assert_eq!(read(bad), Err(CredentialFault::Unreadable), "{bad:?}");
        }
        assert_eq!(
            read(&[&format!("Bearer {}", "a".repeat(3_000))]),
            Err(CredentialFault::Unreadable)
        );
        assert_eq!(read(&["Bearer abk_nonsense"]), Err(CredentialFault::Key));
    }
}
