//! JSON bodies of requests about accounts. Unexpected members are refused.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::api::body;
use crate::api::state::Shared;
use crate::problems::{Failure, types};

/// Largest body, in bytes: more than two of the longest passwords.
const LARGEST_BODY: u64 = 16 * 1024;

/// A body that was read as `T`.
pub(super) struct Input<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Shared> for Input<T> {
    type Rejection = Failure;

    async fn from_request(mut request: Request, state: &Shared) -> Result<Self, Failure> {
        let content_type = body::check_content_type(request.headers());
        let limit = LARGEST_BODY.min(state.max_body);
        DefaultBodyLimit::max(usize::try_from(limit).unwrap_or(usize::MAX)).apply(&mut request);
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| body::refuse_part(&rejection, limit))?;
        content_type?;
        let form = "the members of the body are wrong";
        Ok(Self(
            serde_json::from_slice(&bytes)
                .map_err(|error| body::refuse(&error, types::identity::INVALID_MEMBERS, form))?,
        ))
    }
}

/// Reads a member that may be absent, but not `null`.
pub(super) fn non_null<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
