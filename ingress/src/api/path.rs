//! Readers of paths and queries.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query};
use uuid::Uuid;

use crate::problems::{Error, types};

/// A part of the path, as text.
pub(super) type TextPath = Result<Path<String>, PathRejection>;

/// Returns the parameters in the path.
pub(super) fn read_path<P>(path: Result<Path<P>, PathRejection>) -> Result<P, Error> {
    let Path(parameters) = path.map_err(|rejection| malformed_url(&rejection.body_text()))?;
    Ok(parameters)
}

/// Returns the request id in the path.
pub(super) fn read_id(path: TextPath) -> Result<Uuid, Error> {
    let given = read_path(path)?;
    Uuid::parse_str(&given).map_err(|_| {
        let detail = format!("`{given}` is not a request id; write the id as a UUID");
        Error::new(types::requests::MALFORMED_ID, detail)
    })
}

/// Returns the query.
pub(super) fn read_query<Q>(query: Result<Query<Q>, QueryRejection>) -> Result<Q, Error> {
    let Query(query) = query.map_err(|rejection| malformed_url(&rejection.body_text()))?;
    Ok(query)
}

fn malformed_url(cause: &str) -> Error {
    let detail = format!("{cause}; write the URL in percent-encoded UTF-8");
    Error::new(types::requests::MALFORMED_URL, detail)
}
