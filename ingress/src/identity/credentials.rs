//! What the `Authorization` header presents. Anything but one well-formed bearer credential is
//! refused: who sends something bad is never taken for somebody who sends nothing.

use axum::http::{HeaderMap, header};

use super::api_keys::{ApiKeyText, PREFIX};
use super::error::Fault;

/// The longest header that is looked at; tokens and keys are far below.
const LONGEST: usize = 2048;

/// By what a caller wants to be known.
pub(super) enum Presented<'a> {
    Nothing,
    Token(&'a str),
    Key(ApiKeyText<'a>),
}

impl<'a> Presented<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Result<Self, Fault> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Ok(Self::Nothing) };
        if values.next().is_some() || value.len() > LONGEST {
            return Err(Fault::Unreadable);
        }
        let text = value.to_str().map_err(|_| Fault::Unreadable)?;
        let (scheme, credential) = text.split_once(' ').ok_or(Fault::Unreadable)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Fault::Unreadable);
        }
        let credential = credential.trim_matches(' ');
        if credential.starts_with(PREFIX) {
            ApiKeyText::parse(credential).map(Self::Key).ok_or(Fault::Key)
        } else {
            Ok(Self::Token(credential))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<&'static str, Fault> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, value.parse().unwrap());
        }
        Presented::of(&headers).map(|presented| match presented {
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
            assert_eq!(read(bad), Err(Fault::Unreadable), "{bad:?}");
        }
        assert_eq!(read(&[&format!("Bearer {}", "a".repeat(3_000))]), Err(Fault::Unreadable));
        assert_eq!(read(&["Bearer abk_nonsense"]), Err(Fault::Key));
    }
}
