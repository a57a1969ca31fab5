//! JSON bodies of the routes of identity: members that are not expected are refused.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use super::Error;
use crate::error::Error as Problem;
use crate::problem::Failure;
use crate::request::body::check_content_type;
use crate::state::Shared;

/// In bytes; two of the longest passwords, and more.
const LARGEST_BODY: u64 = 16 * 1024;

/// A body that was read as `T`.
pub(crate) struct Input<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Shared> for Input<T> {
    type Rejection = Failure;

    async fn from_request(mut request: Request, state: &Shared) -> Result<Self, Failure> {
        let is_json = check_content_type(request.headers());
        let limit = LARGEST_BODY.min(state.max_body);
        DefaultBodyLimit::max(usize::try_from(limit).unwrap_or(usize::MAX)).apply(&mut request);
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Problem::BodyTooLarge { limit }
            } else {
                Problem::IncompleteBody
            }
        })?;
        is_json?;
        Ok(Self(serde_json::from_slice(&bytes).map_err(refuse)?))
    }
}

/// A member that may be left out, but is not `null`.
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn refuse(error: serde_json::Error) -> Problem {
    match error.classify() {
        Category::Data => Error::InvalidMembers(error.to_string()).into(),
        Category::Io | Category::Syntax | Category::Eof => Problem::MalformedJson(error),
    }
}
