//! Errors of computation requests.

use abacus_operations::Refusal;
use uuid::Uuid;

use crate::log::{self, KeyError};
use crate::quotas;
use crate::representation::Computation;

/// Reason why a request has no outcome. The text is the `detail` of the problem document, and tells
/// only facts that the caller may know.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Quota(#[from] quotas::Error),
    #[error(transparent)]
    Exchange(#[from] abacus_exchange::Error),
    #[error("{message}")]
    ComputationFailed { code: String, message: String },
    #[error(
        "no request with the id {id} is known; a request of the last seconds may not have reached \
         the log yet"
    )]
    NoSuchComputation { id: Uuid },
    #[error(
        "the request log is behind, and the request {id} may be missing for now; ask again in a \
         moment, or with `Prefer: wait`"
    )]
    LogBehind { id: Uuid },
    #[error(transparent)]
    Log(#[from] log::Error),
    #[error("an `Idempotency-Key` belongs to an account: send credentials, or leave the key out")]
    KeyNeedsCredentials,
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Error {
    /// Returns `true` if the request was not published. Then no outcome can follow.
    pub(crate) fn is_before_sending(&self) -> bool {
        matches!(self, Self::Exchange(error) if error.is_before_sending())
    }
}

/// Turns a failed computation into an error, for callers that asked to compute. A look-up shows the
/// failure as the computation's status.
pub(crate) fn unless_failed(computation: Computation) -> Result<Computation, Error> {
    match computation.error {
        Some(failure) => {
            Err(Error::ComputationFailed { code: failure.code, message: failure.message })
        }
        None => Ok(computation),
    }
}

/// An error, with the id of the request if the request has an id.
#[derive(Debug)]
pub(crate) struct FailedRequest {
    pub(crate) request_id: Option<Uuid>,
    pub(crate) error: Error,
}

impl FailedRequest {
    /// Returns a function that adds a request's id to an error, for `map_err`.
    pub(crate) fn with_request_id<E: Into<Error>>(id: Uuid) -> impl FnOnce(E) -> Self {
        move |error| Self { request_id: Some(id), error: error.into() }
    }
}

impl<E: Into<Error>> From<E> for FailedRequest {
    fn from(error: E) -> Self {
        Self { request_id: None, error: error.into() }
    }
}
