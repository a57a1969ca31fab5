//! A page of a list, as callers see it.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::cursor::Cursor;
use super::parameters::Parameters;
use crate::computations::computation::{ErrorMembers, LOCATION, Status};

const NO_STORE: HeaderValue = HeaderValue::from_static("private, no-store");

/// A page of past requests, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryPage)]
pub(super) struct Page {
    pub(super) computations: Vec<Entry>,
    /// Where the next page is; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri-reference")]
    pub(super) next: Option<String>,
    #[serde(skip)]
    pub(super) after: Option<Cursor>,
}

/// A past request; members that do not apply are absent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryEntry)]
pub(super) struct Entry {
    pub(super) request_id: Uuid,
    /// Where all of it is.
    #[schema(format = "uri-reference")]
    pub(super) href: String,
    pub(super) status: Status,
    pub(super) operation: String,
    /// Those of more than 60 digits are cut, and end in `…`.
    pub(super) operands: BTreeMap<String, String>,
    /// Who asked; absent if anonymous.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) requester: Option<String>,
    /// Which way the request came in; `http` from here.
    pub(super) source: String,
    /// The first 60 characters of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) result_preview: Option<String>,
    /// How many digits all of the result has.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) digits: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) error: Option<ErrorMembers>,
    #[schema(format = DateTime)]
    pub(super) requested_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub(super) completed_at: Option<String>,
    /// Microseconds of computing; 0 from a cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) compute_micros: Option<i64>,
}

impl Page {
    /// The answer to `parameters` at `path`.
    pub(super) fn into_response(mut self, path: &str, parameters: &Parameters) -> Response {
        self.next = self.after.map(|cursor| format!("{path}?{}", parameters.next_query(&cursor)));
        let link = self.next.as_ref().map(|next| format!("<{next}>; rel=\"next\""));
        let mut response = Json(self).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, NO_STORE);
        headers.insert(header::VARY, HeaderValue::from_static("authorization"));
        let link = link.and_then(|link| HeaderValue::try_from(link).ok());
        headers.extend(link.map(|link| (header::LINK, link)));
        response
    }
}

/// Where all of a request is.
pub(super) fn href(id: Uuid) -> String {
    format!("{LOCATION}{id}")
}
