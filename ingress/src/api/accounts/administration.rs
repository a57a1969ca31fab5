//! Administration of accounts, and the audit log.

use abacus_http::edge::proxies::ClientAddress;
use abacus_identity::{AccountChange, AccountEntry, AuditEntry, Page, Role, UserName, next_cursor};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::input::{Input, non_null};
use super::respond;
use crate::api::caller::Admin;
use crate::api::path::{TextPath, read_path, read_query};
use crate::api::state::Shared;
use crate::problems::{Error, Failure, On, types};

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

/// Selection of a page of accounts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountsQuery {
    /// Largest number of entries.
    #[serde(default, deserialize_with = "non_null")]
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// `next` of the previous page; absent for the first page.
    #[serde(default, deserialize_with = "non_null")]
    #[param(pattern = "^[a-z0-9][a-z0-9._-]{2,63}$")]
    cursor: Option<String>,
}

/// Selection of a page of the audit log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    /// Largest number of entries.
    #[serde(default, deserialize_with = "non_null")]
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// `next` of the previous page; absent for the first page.
    #[serde(default, deserialize_with = "non_null")]
    #[param(pattern = "^[1-9][0-9]{0,17}$")]
    cursor: Option<String>,
}

type PageQuery<Q> = Result<Query<Q>, QueryRejection>;

/// List all accounts
///
/// Sorted by name.
#[utoipa::path(
    get, path = "/v1/admin/users", tag = "administration", operation_id = "listUsers",
    security(("bearer" = [])), params(AccountsQuery),
    responses(
        (status = 200, description = "A page of accounts", body = AccountList),
        On<400>, On<401>, On<403>, On<503>,
    )
)]
pub(super) async fn list_users(
    State(state): State<Shared>,
    _: Admin,
    query: PageQuery<AccountsQuery>,
) -> Result<Response, Failure> {
    let query = read_query(query)?;
    let page = page(query.cursor.as_deref(), query.limit, user_name)?;
    let (limit, users) = (page.limit, state.identity.accounts(page).await?);
    let next = next_cursor(limit, &users, |user| user.username.clone());
    Ok(respond::json(StatusCode::OK, AccountList { users, next }))
}

/// Change an account's role, disable it or enable it
///
/// Ends the sessions of the account, on every instance within two seconds. The last administrator
/// keeps the role and stays enabled.
#[utoipa::path(
    patch, path = "/v1/admin/users/{username}", tag = "administration",
    operation_id = "changeUser", security(("bearer" = [])),
    params(("username" = String, Path, description = "Name of the account")),
    request_body = ChangeRequest,
    responses(
        (status = 200, description = "The account after the change", body = AccountEntry),
        On<400>, On<401>, On<403>, On<404>, On<409>, On<413>, On<415>,
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
        On<400>, On<401>, On<403>, On<404>, On<503>,
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
    security(("bearer" = [])), params(AuditQuery),
    responses(
        (status = 200, description = "A page of the audit log", body = AuditList),
        On<400>, On<401>, On<403>, On<503>,
    )
)]
pub(super) async fn list_audit(
    State(state): State<Shared>,
    _: Admin,
    query: PageQuery<AuditQuery>,
) -> Result<Response, Failure> {
    let query = read_query(query)?;
    let page = page(query.cursor.as_deref(), query.limit, audit_id)?;
    let (limit, entries) = (page.limit, state.identity.audit(page).await?);
    let next = next_cursor(limit, &entries, |entry| entry.id);
    Ok(respond::json(StatusCode::OK, AuditList { entries, next }))
}

/// Returns the requested page. `key` reads a cursor.
fn page<K>(
    cursor: Option<&str>,
    limit: Option<i64>,
    key: impl Fn(&str) -> Option<K>,
) -> Result<Page<K>, Error> {
    let after = cursor.map(|cursor| key(cursor).ok_or_else(malformed_cursor)).transpose();
    let page = Page::new(None, limit).ok_or_else(malformed_limit)?;
    Ok(Page { after: after?, ..page })
}

fn malformed_cursor() -> Error {
    let detail = "the cursor does not come from a list; leave `cursor` out to begin at the start";
    Error::new(types::identity::MALFORMED_CURSOR, detail)
}

fn malformed_limit() -> Error {
    let detail = "a page has 1 to 100 entries; give a `limit` in this range";
    Error::new(types::identity::MALFORMED_LIMIT, detail)
}

/// Reads the name of an account in a cursor.
fn user_name(cursor: &str) -> Option<String> {
    Some(UserName::parse(cursor).ok()?.as_str().to_owned())
}

/// Reads the id of an audit entry in a cursor.
fn audit_id(cursor: &str) -> Option<i64> {
    cursor.parse().ok().filter(|id: &i64| *id > 0 && id.to_string() == cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<K>(page: Result<Page<K>, Error>) -> &'static str {
        page.err().map_or("none", |error| error.class().code)
    }

    #[test]
    fn a_malformed_cursor_is_refused_with_the_malformed_cursor_problem() {
        for cursor in ["", "0", "-1", "+1", "007", "1.5", "x", "9223372036854775808"] {
            assert_eq!(code(page(Some(cursor), None, audit_id)), "malformed-cursor", "{cursor}");
        }
        for cursor in ["", "ab", "-ada", "a b", "ada\n"] {
            assert_eq!(code(page(Some(cursor), None, user_name)), "malformed-cursor", "{cursor}");
        }
    }

    #[test]
    fn a_page_begins_after_its_cursor_and_has_1_to_100_entries() {
        let page_of = |cursor, limit| page(cursor, limit, audit_id);
        let first = page_of(None, None).unwrap();
        assert_eq!((first.after, first.limit), (None, 50));
        let second = page_of(Some("7"), Some(100)).unwrap();
        assert_eq!((second.after, second.limit), (Some(7), 100));
        let users = page(Some("ada"), None, user_name).unwrap();
        assert_eq!(users.after.as_deref(), Some("ada"));
        for limit in [0, -1, 101] {
            assert_eq!(code(page_of(None, Some(limit))), "malformed-limit", "{limit}");
        }
    }
}
