//! What administrators do with accounts, and what was done.

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::Error;
use super::super::audit::{Act, Event};
use super::super::caller::{Admin, Role};
use super::super::input::{Input, given};
use super::super::name::UserName;
use super::super::page::{self, Page};
use super::super::store::{AccountEntry, AuditEntry, Change};
use super::answer;
use crate::error::Error as Problem;
use crate::problem::Failure;
use crate::problem::On;
use crate::protection::ClientAddress;
use crate::state::Shared;

/// What to change of an account; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
pub(crate) struct AccountChange {
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    role: Option<Role>,
    /// A disabled account cannot sign in, and its API keys are refused.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    disabled: Option<bool>,
}

/// A part of the accounts.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountList {
    users: Vec<AccountEntry>,
    /// To be given as `cursor` for the part after this; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A part of the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditList {
    entries: Vec<AuditEntry>,
    /// To be given as `cursor` for the part after this; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Which part of the accounts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountsQuery {
    /// How many entries to give.
    #[serde(default, deserialize_with = "given")]
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// `next` of the part before; without it, the list from its start.
    #[serde(default, deserialize_with = "given")]
    #[param(pattern = "^[a-z0-9][a-z0-9._-]{2,63}$")]
    cursor: Option<String>,
}

/// Which part of the audit log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    /// How many entries to give.
    #[serde(default, deserialize_with = "given")]
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// `next` of the part before; without it, the list from its start.
    #[serde(default, deserialize_with = "given")]
    #[param(pattern = "^[1-9][0-9]{0,17}$")]
    cursor: Option<String>,
}

type Asked<Q> = Result<Query<Q>, QueryRejection>;
type Named = Result<Path<String>, PathRejection>;

/// List all accounts
///
/// By name.
#[utoipa::path(
    get, path = "/v1/admin/users", tag = "administration", operation_id = "listUsers",
    security(("bearer" = [])), params(AccountsQuery),
    responses(
        (status = 200, description = "A part of the accounts", body = AccountList),
        On<400>, On<401>, On<403>, On<503>,
    )
)]
pub(crate) async fn list_users(
    State(state): State<Shared>,
    _: Admin,
    query: Asked<AccountsQuery>,
) -> Result<Response, Failure> {
    let query = read(query)?;
    let name = |cursor: &str| Some(UserName::parse(cursor).ok()?.as_str().to_owned());
    let page = Page::read(query.limit, query.cursor.as_deref(), name)?;
    let (limit, users) = (page.limit, state.identity.store.accounts(page).await?);
    let next = page::next(limit, &users, |user| user.username.clone());
    Ok(answer(StatusCode::OK, AccountList { users, next }))
}

/// Change an account's role, disable it or enable it
///
/// Ends its sessions, on every instance within two seconds. The last administrator stays one.
#[utoipa::path(
    patch, path = "/v1/admin/users/{username}", tag = "administration",
    operation_id = "changeUser", security(("bearer" = [])),
    params(("username" = String, Path, description = "The name of the account")),
    request_body = AccountChange,
    responses(
        (status = 200, description = "The account as it is now", body = AccountEntry),
        On<400>, On<401>, On<403>, On<404>, On<409>, On<413>, On<415>,
        On<422>, On<503>,
    )
)]
pub(crate) async fn change_user(
    State(state): State<Shared>,
    from: ClientAddress,
    Admin(admin): Admin,
    path: Named,
    Input(asked): Input<AccountChange>,
) -> Result<Response, Failure> {
    let name = name(path)?;
    let change = Change { role: asked.role, disabled: asked.disabled };
    if change.role.is_none() && change.disabled.is_none() {
        return Err(Error::NothingToChange.into());
    }
    let event = Event::new(Act::Administer, from.0).by(&admin.name).on(name.as_str());
    let changed = state.identity.store.change(&name, change, &event).await;
    if matches!(changed, Err(Error::LastAdmin { .. })) {
        state.identity.store.record(&event.refused("last-admin")).await?;
    }
    let changed = changed?;
    state.identity.revocations.apply(changed.revocation);
    Ok(answer(StatusCode::OK, changed.account))
}

/// End all sessions of an account
///
/// On every instance within two seconds. The user can sign in again; API keys stay.
#[utoipa::path(
    delete, path = "/v1/admin/users/{username}/sessions", tag = "administration",
    operation_id = "endSessions", security(("bearer" = [])),
    params(("username" = String, Path, description = "The name of the account")),
    responses(
        (status = 204, description = "The sessions are over"),
        On<400>, On<401>, On<403>, On<404>, On<503>,
    )
)]
pub(crate) async fn end_sessions(
    State(state): State<Shared>,
    from: ClientAddress,
    Admin(admin): Admin,
    path: Named,
) -> Result<Response, Failure> {
    let name = name(path)?;
    let event = Event::new(Act::EndSessions, from.0).by(&admin.name).on(name.as_str());
    let ended = state.identity.store.end_sessions(&name, &event).await?;
    state.identity.revocations.apply([ended]);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Read the audit log
///
/// Who did what to accounts and credentials, and what was refused; the latest first.
#[utoipa::path(
    get, path = "/v1/admin/audit", tag = "administration", operation_id = "listAudit",
    security(("bearer" = [])), params(AuditQuery),
    responses(
        (status = 200, description = "A part of the audit log", body = AuditList),
        On<400>, On<401>, On<403>, On<503>,
    )
)]
pub(crate) async fn list_audit(
    State(state): State<Shared>,
    _: Admin,
    query: Asked<AuditQuery>,
) -> Result<Response, Failure> {
    let query = read(query)?;
    let page = Page::read(query.limit, query.cursor.as_deref(), audit_id)?;
    let (limit, entries) = (page.limit, state.identity.store.audit(page).await?);
    let next = page::next(limit, &entries, |entry| entry.id);
    Ok(answer(StatusCode::OK, AuditList { entries, next }))
}

fn read<Q>(query: Asked<Q>) -> Result<Q, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::MalformedUrl(rejection.body_text()))?;
    Ok(query)
}

/// The id of an audit entry, as [`page::next`] writes it.
fn audit_id(cursor: &str) -> Option<i64> {
    cursor.parse().ok().filter(|id: &i64| *id > 0 && id.to_string() == cursor)
}

/// The account in the path. What is no name is nobody's.
fn name(path: Named) -> Result<UserName, Problem> {
    let Path(given) = path.map_err(|rejection| Problem::MalformedUrl(rejection.body_text()))?;
    UserName::parse(&given).map_err(|_| Error::NoSuchUser { name: given }.into())
}
