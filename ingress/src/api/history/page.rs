//! The JSON form of a page of a list.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::parameters::ListParameters;
use crate::log::{ComputationFailure, ListPage, ListedRequest, Status};
use crate::representation::LOCATION;

const NO_STORE: HeaderValue = HeaderValue::from_static("private, no-store");

/// A page of past requests, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryPage)]
pub(super) struct Page {
    computations: Vec<Entry>,
    /// Path of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri-reference")]
    next: Option<String>,
}

/// A past request. Members without a value are absent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryEntry)]
pub(super) struct Entry {
    request_id: Uuid,
    /// Path of the whole request.
    #[schema(format = "uri-reference")]
    href: String,
    status: Status,
    operation: String,
    /// An operand of more than 60 digits is cut and ends in `…`.
    operands: BTreeMap<String, String>,
    /// Name of the requester; absent for an anonymous request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    requester: Option<String>,
    /// Origin of the request: `http` for a request over HTTP.
    source: String,
    /// Whether an ingress signed the request. The requester and source of an unsigned request are claims of its producer.
    authenticated: bool,
    /// First 60 characters of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    result_preview: Option<String>,
    /// Number of digits of the whole result.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    digits: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<ComputationFailure>,
    #[schema(format = DateTime)]
    requested_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    completed_at: Option<String>,
    /// Microseconds of computing; 0 for a cached result.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    compute_micros: Option<i64>,
}

impl Page {
    /// Creates the page for `parameters` at `path`.
    pub(super) fn new(page: ListPage, path: &str, parameters: &ListParameters) -> Self {
        let next = page.next.map(|cursor| format!("{path}?{}", parameters.next_query(&cursor)));
        Self { computations: page.requests.into_iter().map(Entry::from).collect(), next }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
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

impl From<ListedRequest> for Entry {
    fn from(request: ListedRequest) -> Self {
        Self {
            request_id: request.request_id,
            href: format!("{LOCATION}{}", request.request_id),
            status: request.status,
            operation: request.operation,
            operands: request.operands,
            requester: request.requester,
            source: request.source,
            authenticated: request.authenticated,
            result_preview: request.result_preview,
            digits: request.digits,
            error: request.failure,
            requested_at: request.requested_at,
            completed_at: request.completed_at,
            compute_micros: request.compute_micros,
        }
    }
}
