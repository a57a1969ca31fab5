//! JSON bodies of requests about accounts. Unexpected members are refused.

use abacus_http::fields::content_type;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use crate::api::state::Shared;
use crate::problems::{Error, Failure};

/// Largest body, in bytes: more than two of the longest passwords.
const LARGEST_BODY: u64 = 16 * 1024;

/// A body that was read as `T`.
pub(super) struct Input<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Shared> for Input<T> {
    type Rejection = Failure;

    async fn from_request(mut request: Request, state: &Shared) -> Result<Self, Failure> {
        let is_json = content_type::is_json(request.headers());
        let limit = LARGEST_BODY.min(state.max_body);
        DefaultBodyLimit::max(usize::try_from(limit).unwrap_or(usize::MAX)).apply(&mut request);
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Error::BodyTooLarge { limit }
            } else {
                Error::IncompleteBody
            }
        })?;
        if !is_json {
            return Err(Error::UnsupportedMediaType.into());
        }
        Ok(Self(serde_json::from_slice(&bytes).map_err(refuse)?))
    }
}

/// Reads a member that may be absent, but not `null`.
pub(super) fn non_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn refuse(error: serde_json::Error) -> Error {
    match error.classify() {
        Category::Data => Error::InvalidMembers(error.to_string()),
        Category::Io | Category::Syntax | Category::Eof => Error::MalformedJson(error),
    }
}
