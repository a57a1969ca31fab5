//! Administration of accounts, and the audit log.

use abacus_http::edge::proxies::ClientAddress;
use abacus_identity::{AccountChange, AccountEntry, AuditEntry, Role, UserName};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::{Input, non_null};
use super::respond;
use crate::api::caller::Admin;
use crate::api::page::{self, Page, PageKey, PageParameters, PageQuery};
use crate::api::path::{TextPath, read_path, read_query};
use crate::api::state::Shared;
use crate::problems::{Failure, On};

/// A change of an account. An absent member leaves the account unchanged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountChange, min_properties = 1)]
pub(super) struct ChangeRequest {
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false)]
    role: Option<Role>,
    /// A disabled account cannot sign in, and its API keys are refused.
    #[serde(default, deserialize_with = "non_null")]
    #[schema(nullable = false)]
    disabled: Option<bool>,
}

/// A page of accounts.
#[derive(Serialize, ToSchema)]
pub(super) struct AccountList {
    users: Vec<AccountEntry>,
    /// `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditList {
    entries: Vec<AuditEntry>,
    /// `cursor` of the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Id of an entry of the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AuditId(i64);

impl PageKey for UserName {
    const PATTERN: &'static str = "^[a-z0-9][a-z0-9._-]{2,63}$";

    fn parse(cursor: &str) -> Option<Self> {
        Self::parse(cursor).ok()
    }
}

impl PageKey for AuditId {
    const PATTERN: &'static str = "^[1-9][0-9]{0,17}$";

    fn parse(cursor: &str) -> Option<Self> {
        let id = cursor.parse().ok().filter(|id: &i64| *id > 0 && id.to_string() == cursor)?;
        Some(Self(id))
    }
}

type Paging = Result<Query<PageQuery>, QueryRejection>;

/// List all accounts
///
/// Sorted by name.
#[utoipa::path(
    get, path = "/v1/admin/users", tag = "administration", operation_id = "listUsers",
    security(("bearer" = [])), params(PageParameters<UserName>),
    responses(
        (status = 200, description = "A page of accounts", body = AccountList),
        On<400>, On<401>, On<403>, On<503>,
    )
)]
pub(super) async fn list_users(
    State(state): State<Shared>,
    _: Admin,
    query: Paging,
) -> Result<Response, Failure> {
    let Page { after, limit } = read_query(query)?.page()?;
    let users = state.identity.accounts(after, limit.into()).await?;
    let next = page::next_cursor(limit, &users, |user| user.username.clone());
    Ok(respond::json(StatusCode::OK, AccountList { users, next }))
}

/// Change an account's role, disable it or enable it
///
/// Ends the sessions of the account, on every instance within two seconds. The last administrator
/// keeps the role and stays enabled. A change of the role needs a session, not an API key.
#[utoipa::path(
    patch, path = "/v1/admin/users/{username}", tag = "administration",
    operation_id = "changeUser", security(("bearer" = [])),
    params(("username" = String, Path, description = "Name of the account")),
    request_body = ChangeRequest,
    responses(
        (status = 200, description = "The account after the change", body = AccountEntry),
        On<400>, On<401>, On<403>, On<404>, On<409>, On<412>, On<413>, On<415>,
        On<422>, On<503>,
    )
)]
pub(super) async fn change_user(
    State(state): State<Shared>,
    from: ClientAddress,
    Admin(admin): Admin,
    path: TextPath,
    Input(body): Input<ChangeRequest>,
) -> Result<Response, Failure> {
    let name = read_path(path)?;
    let change = AccountChange { role: body.role, disabled: body.disabled };
    let account = state.identity.change_account(&admin, &name, change, from.0).await?;
    Ok(respond::json(StatusCode::OK, account))
}

/// End all sessions of an account
///
/// Takes effect on every instance within two seconds. The user can sign in again; API keys stay
/// valid.
#[utoipa::path(
    delete, path = "/v1/admin/users/{username}/sessions", tag = "administration",
    operation_id = "endSessions", security(("bearer" = [])),
    params(("username" = String, Path, description = "Name of the account")),
    responses(
        (status = 204, description = "The sessions have ended"),
        On<400>, On<401>, On<403>, On<404>, On<412>, On<503>,
    )
)]
pub(super) async fn end_sessions(
    State(state): State<Shared>,
    from: ClientAddress,
    Admin(admin): Admin,
    path: TextPath,
) -> Result<Response, Failure> {
    let name = read_path(path)?;
    state.identity.end_sessions(&admin, &name, from.0).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Read the audit log
///
/// Actions on accounts and credentials, completed and refused, newest first.
#[utoipa::path(
    get, path = "/v1/admin/audit", tag = "administration", operation_id = "listAudit",
    security(("bearer" = [])), params(PageParameters<AuditId>),
    responses(
        (status = 200, description = "A page of the audit log", body = AuditList),
        On<400>, On<401>, On<403>, On<503>,
    )
)]
pub(super) async fn list_audit(
    State(state): State<Shared>,
    _: Admin,
    query: Paging,
) -> Result<Response, Failure> {
    let Page { after, limit } = read_query(query)?.page()?;
    let after = after.map(|AuditId(id)| id);
    let entries = state.identity.audit(after, limit.into()).await?;
    let next = page::next_cursor(limit, &entries, |entry| entry.id.to_string());
    Ok(respond::json(StatusCode::OK, AuditList { entries, next }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_cursor_is_no_key() {
        for cursor in ["", "0", "-1", "+1", "007", "1.5", "x", "9223372036854775808"] {
            assert_eq!(<AuditId as PageKey>::parse(cursor), None, "{cursor}");
        }
        assert_eq!(<AuditId as PageKey>::parse("7"), Some(AuditId(7)));
        for cursor in ["", "ab", "-ada", "a b", "ada\n"] {
            assert_eq!(<UserName as PageKey>::parse(cursor), None, "{cursor}");
        }
        let ada = <UserName as PageKey>::parse("ada").unwrap();
        assert_eq!(ada.as_str(), "ada");
    }
}
