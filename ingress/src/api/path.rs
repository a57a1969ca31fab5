//! Readers of paths and queries.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query};
use uuid::Uuid;

use crate::problems::Error;

/// A part of the path, as text.
pub(super) type TextPath = Result<Path<String>, PathRejection>;

/// Returns the part of the path.
pub(super) fn read_path(path: TextPath) -> Result<String, Error> {
    let Path(text) = path.map_err(|rejection| Error::MalformedUrl(rejection.body_text()))?;
    Ok(text)
}

/// Returns the request id in the path.
pub(super) fn read_id(path: TextPath) -> Result<Uuid, Error> {
    let given = read_path(path)?;
    Uuid::parse_str(&given).map_err(|_| Error::MalformedId { given })
}

/// Returns the query.
pub(super) fn read_query<Q>(query: Result<Query<Q>, QueryRejection>) -> Result<Q, Error> {
    let Query(query) = query.map_err(|rejection| Error::MalformedUrl(rejection.body_text()))?;
    Ok(query)
}
