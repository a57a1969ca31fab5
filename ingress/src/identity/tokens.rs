//! Session tokens: JWTs (RFC 7519) of the kind `at+jwt` (RFC 9068), signed with HMAC-SHA-256.
//!
//! **Invariant:** the key alone decides what is accepted, never the token (RFC 8725): one algorithm,
//! one `typ`, our issuer and audience, and each claim that we rely on is required. A token is valid
//! only until it expires or what it says has changed, and the second is the
//! [revocations](super::revocations)' to know.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::caller::Role;
use super::error::Fault;
use super::key_ring::KeyRing;

const TYPE: &str = "at+jwt";
const ISSUER: &str = "abacus";
const AUDIENCE: &str = "abacus-api";
/// How far the clocks of instances may be apart, in seconds.
const LEEWAY: u64 = 5;

/// No token lives longer, whatever the setting was when it was made; so after this nothing that was
/// revoked needs to be remembered.
pub(super) const LONGEST_LIFETIME: Duration = Duration::from_hours(24);

/// Makes tokens and reads them.
pub(crate) struct Tokens {
    ring: KeyRing,
    validation: Validation,
    lifetime: Duration,
}

/// Whose session a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) user_id: Uuid,
    pub(crate) name: Arc<str>,
    pub(crate) role: Role,
    /// The account's generation when the token was made.
    pub(crate) generation: i64,
    /// The token's `jti`.
    pub(crate) id: Uuid,
    /// Until when some instance may accept the token.
    pub(crate) ends_at: SystemTime,
}

#[derive(Serialize)]
struct Written<'a> {
    iss: &'a str,
    aud: &'a str,
    #[serde(flatten)]
    claims: Claims,
}

/// What we read; `iss`, `aud` and the times are validated beside it.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: Uuid,
    username: String,
    role: Role,
    generation: i64,
    iat: u64,
    nbf: u64,
    exp: u64,
    jti: Uuid,
}

impl Tokens {
    /// Fails if what this is built of does not sign, verify and refuse as it should.
    pub(super) fn new(ring: KeyRing, lifetime: Duration) -> anyhow::Result<Self> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        let tokens = Self { ring, validation, lifetime };
        tokens.test().context("session tokens do not work")?;
        Ok(tokens)
    }

    /// For how long a new token is valid.
    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A token for a new session of an account.
    pub(crate) fn issue(
        &self,
        user_id: Uuid,
        name: &str,
        role: Role,
        generation: i64,
    ) -> anyhow::Result<String> {
        let iat = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let exp = iat + self.lifetime.as_secs().max(1);
        let (username, jti) = (name.to_owned(), Uuid::new_v4());
        let claims = Claims { sub: user_id, username, role, generation, iat, nbf: iat, exp, jti };
        self.sign(Header { typ: Some(TYPE.to_owned()), ..Header::new(Algorithm::HS256) }, claims)
    }

    fn sign(&self, header: Header, claims: Claims) -> anyhow::Result<String> {
        let key = self.ring.signing();
        let header = Header { kid: Some(key.id.clone()), ..header };
        let written = Written { iss: ISSUER, aud: AUDIENCE, claims };
        Ok(encode(&header, &written, &key.encoding)?)
    }

    /// The session that a token is for, if it is one of ours and its time is now.
    pub(crate) fn read(&self, token: &str) -> Result<Session, Fault> {
        let header = decode_header(token).map_err(|_| Fault::Forged)?;
        if header.typ.as_deref() != Some(TYPE) || header.crit.is_some() {
            return Err(Fault::Forged);
        }
        let key = header.kid.and_then(|id| self.ring.find(&id)).ok_or(Fault::Forged)?;
        let token = decode::<Claims>(token, &key.decoding, &self.validation);
        let claims = token.map_err(|error| fault(error.kind()))?.claims;
        if claims.exp.saturating_sub(claims.iat) > LONGEST_LIFETIME.as_secs() {
            return Err(Fault::Forged);
        }
        Ok(Session {
            user_id: claims.sub,
            name: claims.username.into(),
            role: claims.role,
            generation: claims.generation,
            id: claims.jti,
            ends_at: UNIX_EPOCH + Duration::from_secs(claims.exp + LEEWAY + 1),
        })
    }

    /// The crypto behind the tokens is chosen by crate features and first touched at run time: here,
    /// and not by the first caller.
    fn test(&self) -> anyhow::Result<()> {
        let token = self.issue(Uuid::nil(), "self-test", Role::User, 1)?;
        let session = self.read(&token)?;
        ensure!(session.name.as_ref() == "self-test", "a token reads as something else");
        let (signed, _) = token.rsplit_once('.').context("a token has three parts")?;
        ensure!(self.read(&format!("{signed}.AAAA")).is_err(), "a wrong signature is accepted");
        ensure!(self.read(&format!("{signed}.")).is_err(), "no signature is accepted");
        Ok(())
    }
}

fn fault(kind: &ErrorKind) -> Fault {
    match kind {
        ErrorKind::ExpiredSignature => Fault::Expired,
        _ => Fault::Forged,
    }
}

#[cfg(test)]
mod tests;
