//! What keeps one caller from hurting the others, and all of them from hurting us.

mod client;

use abacus_operations::Cost;
use axum::http::HeaderMap;

use crate::error::Class;
use crate::identity::Caller;

pub(crate) use client::ClientAddress;

/// Decides who is let in, before any work.
pub(crate) struct Protection {}

/// What a request asks of us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// Of the computation.
    pub(crate) cost: Cost,
    /// What is held while it is waited for: the request, and the result to come.
    pub(crate) bytes: u64,
}

/// Leave to compute; what it takes up is free again once this is dropped, so it is held until the
/// answer is there.
#[derive(Debug)]
pub(crate) struct Permit {}

impl Permit {
    /// Tells the caller what is left of the allowance: `RateLimit` and `RateLimit-Policy`.
    pub(crate) fn write(&self, _headers: &mut HeaderMap) {}
}

impl Protection {
    pub(crate) fn new() -> Self {
        Self {}
    }

    /// Lets a computation in, or says why not and when to come back.
    #[expect(clippy::unused_async, reason = "asks Redis")]
    pub(crate) async fn admit(
        &self,
        _caller: &Caller,
        _from: ClientAddress,
        _load: Load,
    ) -> Result<Permit, Error> {
        Ok(Permit {})
    }

    /// Lets an attempt to sign in or up in, for the account `name`.
    #[expect(clippy::unused_async, reason = "asks Redis")]
    pub(crate) async fn admit_attempt(
        &self,
        _from: ClientAddress,
        _name: &str,
    ) -> Result<(), Error> {
        Ok(())
    }
}

/// Why a request is not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {}

impl Error {
    /// What it is to callers and operators.
    pub(crate) fn class(&self) -> Class {
        match *self {}
    }
}
