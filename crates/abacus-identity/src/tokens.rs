//! Session tokens: JWTs (RFC 7519) of the type `at+jwt` (RFC 9068), signed with HMAC-SHA-256.
//!
//! **Invariant:** the key decides the accepted form, never the token (RFC 8725): a single algorithm, `typ`, issuer and
//! audience, and every used claim is required. A token is valid until expiry or revocation; [`crate::revocations`]
//! holds the revoked sessions.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::caller::Role;
use crate::error::CredentialFault;
use crate::key_ring::KeyRing;

const TYPE: &str = "at+jwt";
const ISSUER: &str = "abacus";
const AUDIENCE: &str = "abacus-api";
/// Largest difference between the clocks of instances, in seconds.
const LEEWAY: u64 = 5;

/// Longest life of a token, under any setting. A revocation is not needed after this time.
pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_hours(24);

/// Issues and reads tokens.
pub(crate) struct Tokens {
    ring: KeyRing,
    validation: Validation,
    lifetime: Duration,
}

/// A session, read from a valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub(crate) user_id: Uuid,
    /// Name of the account.
    pub name: Arc<str>,
    pub(crate) role: Role,
    /// Generation of the account when the token was issued.
    pub(crate) generation: i64,
    /// `jti` of the token.
    pub(crate) id: Uuid,
    /// Time until which some instance may accept the token.
    pub(crate) ends_at: SystemTime,
}

#[derive(Serialize)]
struct Written<'a> {
    iss: &'a str,
    aud: &'a str,
    #[serde(flatten)]
    claims: Claims,
}

/// The claims; `iss`, `aud` and the times are validated separately.
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
    /// Runs a self-test. Fails if tokens are not signed, verified or refused correctly.
    pub(crate) fn new(ring: KeyRing, lifetime: Duration) -> anyhow::Result<Self> {
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

    /// Lifetime of a new token.
    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Issues a token for a new session of an account.
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

    /// Returns the session of a valid token.
    pub(crate) fn read(&self, token: &str) -> Result<Session, CredentialFault> {
        let header = decode_header(token).map_err(|_| CredentialFault::Forged)?;
        if header.typ.as_deref() != Some(TYPE) || header.crit.is_some() {
            return Err(CredentialFault::Forged);
        }
        let key = header.kid.and_then(|id| self.ring.find(&id)).ok_or(CredentialFault::Forged)?;
        let token = decode::<Claims>(token, &key.decoding, &self.validation);
        let claims = token.map_err(|error| fault(error.kind()))?.claims;
        if claims.exp.saturating_sub(claims.iat) > LONGEST_LIFETIME.as_secs() {
            return Err(CredentialFault::Forged);
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

    /// Tests signing and verification: crate features choose the cryptography, and a wrong choice shows only at run time.
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

fn fault(kind: &ErrorKind) -> CredentialFault {
    match kind {
        ErrorKind::ExpiredSignature => CredentialFault::Expired,
        _ => CredentialFault::Forged,
    }
}

#[cfg(test)]
mod tests;
