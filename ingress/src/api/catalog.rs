//! `GET /v1/operations`: operations and limits, serialized once from the registry of operations.

use std::collections::BTreeMap;

use abacus_operations::{Domain, Limits, OperandSpec, Operation};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::state::Shared;

/// Operations and limits.
#[derive(Serialize, ToSchema)]
struct Catalog {
    operations: Vec<Entry>,
    limits: Maxima,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Operation)]
struct Entry {
    name: &'static str,
    /// One line of Markdown.
    summary: &'static str,
    /// All operands are required.
    operands: Vec<Operand>,
    /// Path of the operation.
    #[schema(example = "/v1/pow/{base}/{exponent}")]
    path: String,
    example: Example,
}

#[derive(Serialize, ToSchema)]
struct Operand {
    name: &'static str,
    meaning: &'static str,
    domain: &'static str,
}

/// A body for `POST /v1/computations`.
#[derive(Serialize, ToSchema)]
struct Example {
    operation: &'static str,
    operands: BTreeMap<String, String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Limits)]
struct Maxima {
    /// Decimal digits of a result.
    result_digits: u64,
    /// Decimal digits of an operand.
    operand_digits: u64,
    /// Bytes of a request's body.
    body_bytes: u64,
}

/// List operations
///
/// Every operation with its operands and an example, and the limits of this server.
#[utoipa::path(
    get,
    path = "/v1/operations",
    operation_id = "listOperations",
    tag = "about",
    responses((status = 200, description = "The operations", body = Catalog))
)]
pub(super) async fn list(State(state): State<Shared>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], state.catalog.clone())
}

/// Serializes the answer.
pub(crate) fn write(limits: &Limits, max_body: u64) -> Result<Bytes, serde_json::Error> {
    let operations = abacus_operations::all().iter().map(|operation| entry(*operation)).collect();
    let limits = Maxima {
        result_digits: limits.max_digits,
        operand_digits: limits.max_operand_digits,
        body_bytes: max_body,
    };
    serde_json::to_vec(&Catalog { operations, limits }).map(Bytes::from)
}

/// Returns the path of an operation, such as `/v1/pow/{base}/{exponent}`.
pub(super) fn path(operation: &dyn Operation) -> String {
    format!("/v1/{}{}", operation.name(), operand_path(operation))
}

/// Returns the part of the path for the operands.
pub(super) fn operand_path(operation: &dyn Operation) -> String {
    let names = operation.operands().iter().map(|operand| operand.name);
    names.flat_map(|name| ["/{", name, "}"]).collect()
}

fn entry(operation: &dyn Operation) -> Entry {
    Entry {
        name: operation.name(),
        summary: operation.summary(),
        operands: operation.operands().iter().map(operand).collect(),
        path: path(operation),
        example: Example { operation: operation.name(), operands: operation.example() },
    }
}

fn operand(spec: &OperandSpec) -> Operand {
    let domain = match spec.domain {
        Domain::Any => "any integer",
        Domain::NonNegative => "0 or more",
    };
    Operand { name: spec.name, meaning: spec.meaning, domain }
}
