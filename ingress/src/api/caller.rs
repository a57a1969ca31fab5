//! Extractors of the caller: [`Caller`] for every caller admitted by the settings, [`User`] and
//! [`Session`] for signed-in callers, [`Admin`] for administrators, and [`Client`] for a caller
//! with the request's ledger.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use abacus_http::edge::proxies::ClientAddress;
use abacus_http::fields::conditions;
use abacus_identity::{Caller, Credentials, Error, Role, Session, User};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};

use super::state::Shared;
use crate::problems::{self, Failure, types};
use crate::quotas::{Client, Ledger};

/// A user with the role of an administrator.
#[derive(Clone, Debug)]
pub(super) struct Admin(pub(super) User);

/// The ledger of a request, kept in the request's extensions.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestLedger(pub(super) Ledger);

/// Address of the caller, and the ledger of the request.
pub(super) struct RequestSource {
    pub(super) from: ClientAddress,
    pub(super) ledger: Ledger,
}

impl FromRequestParts<Shared> for RequestSource {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Infallible> {
        let from = ClientAddress::from_request_parts(parts, state).await?;
        let RequestLedger(ledger) =
            parts.extensions.get::<RequestLedger>().cloned().unwrap_or_default();
        Ok(Self { from, ledger })
    }
}

impl FromRequestParts<Shared> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(Ipv4Addr::LOCALHOST.into(), |peer| peer.0.ip());
        Ok(state.edge.proxies().client(peer, &parts.headers))
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Failure> {
        admit_look_up(parts, state).await?;
        let caller = state.identity.identify(credentials(&parts.headers)).await?;
        check_precondition(parts)?;
        Ok(caller)
    }
}

impl FromRequestParts<Shared> for Client {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Failure> {
        let Ok(RequestSource { from, ledger }) =
            RequestSource::from_request_parts(parts, state).await;
        // A test names the caller of a computation. Routes of accounts ask for credentials.
        #[cfg(test)]
        if let Some(caller) = parts.extensions.get::<Caller>() {
            return Ok(Self::new(caller.clone(), from, ledger));
        }
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(Self::new(caller, from, ledger))
    }
}

impl FromRequestParts<Shared> for User {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Failure> {
        match Caller::from_request_parts(parts, state).await? {
            Caller::User(user) => Ok(user),
            Caller::Anonymous => Err(Error::Unauthenticated.into()),
        }
    }
}

impl FromRequestParts<Shared> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Failure> {
        admit_look_up(parts, state).await?;
        let session = state.identity.session(credentials(&parts.headers)).await?;
        check_precondition(parts)?;
        Ok(session)
    }
}

impl FromRequestParts<Shared> for Admin {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Shared) -> Result<Self, Failure> {
        let user = User::from_request_parts(parts, state).await?;
        match user.role {
            Role::Admin => Ok(Self(user)),
            Role::User if !state.identity.knows_administrators() => Err(Error::Stale.into()),
            Role::User => Err(Error::AdminsOnly.into()),
        }
    }
}

/// Charges the address for an API key that needs a look-up in Postgres, because a caller can invent
/// many keys.
async fn admit_look_up(parts: &mut Parts, state: &Shared) -> Result<(), Failure> {
    if state.identity.must_look_up(&credentials(&parts.headers)) {
        let Ok(RequestSource { from, ledger }) =
            RequestSource::from_request_parts(parts, state).await;
        state.quotas.admit_unauthenticated(from, &ledger).await?;
    }
    Ok(())
}

/// Refuses a change under the condition of a tag, because resources that change have no tags. The
/// handler of a safe method checks the condition.
fn check_precondition(parts: &Parts) -> Result<(), Failure> {
    if !parts.method.is_safe() && conditions::needs_tag(&parts.headers) {
        let detail = "this resource has no entity tag; send the request without `If-Match`";
        return Err(problems::Error::new(types::requests::PRECONDITION_FAILED, detail).into());
    }
    Ok(())
}

/// Reads the `Authorization` header.
pub(super) fn credentials(headers: &HeaderMap) -> Credentials<'_> {
    Credentials::parse(headers.get_all(header::AUTHORIZATION).iter().map(HeaderValue::as_bytes))
}
