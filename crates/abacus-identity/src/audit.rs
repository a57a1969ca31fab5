//! Audit events: acts on accounts and credentials. Each becomes a row in the audit log and a line in the process log,
//! both without secrets.

use std::net::IpAddr;

use serde::Serialize;
use utoipa::ToSchema;

/// An act, done or refused.
#[derive(Clone, Debug)]
pub(crate) struct Event<'a> {
    pub(crate) act: Act,
    pub(crate) outcome: ActOutcome,
    /// Name of the acting account.
    pub(crate) actor: Option<&'a str>,
    /// Name of the affected account. Only names of existing accounts are recorded: people type passwords into the name
    /// field.
    pub(crate) subject: Option<&'a str>,
    pub(crate) detail: Option<String>,
    pub(crate) client: IpAddr,
}

/// Outcome of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Outcome)]
pub enum ActOutcome {
    /// The act was done.
    Done,
    /// The act was refused.
    Refused,
}

/// Kinds of acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Register,
    Login,
    Logout,
    ChangePassword,
    CreateKey,
    RevokeKey,
    ChangeRole,
    Disable,
    Enable,
    EndSessions,
    Administer,
}

impl Act {
    /// Name in the audit log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Register => "registered",
            Self::Login => "login",
            Self::Logout => "logout",
            Self::ChangePassword => "password-changed",
            Self::CreateKey => "api-key-created",
            Self::RevokeKey => "api-key-revoked",
            Self::ChangeRole => "role-changed",
            Self::Disable => "disabled",
            Self::Enable => "enabled",
            Self::EndSessions => "sessions-ended",
            Self::Administer => "account-changed",
        }
    }
}

impl ActOutcome {
    /// Name in the audit log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

impl<'a> Event<'a> {
    /// An act without an actor and a subject.
    pub(crate) fn new(act: Act, client: IpAddr) -> Self {
        Self { act, outcome: ActOutcome::Done, actor: None, subject: None, detail: None, client }
    }

    /// Sets the acting account.
    pub(crate) fn by(self, actor: &'a str) -> Self {
        Self { actor: Some(actor), ..self }
    }

    /// Sets the affected account.
    pub(crate) fn on(self, subject: &'a str) -> Self {
        Self { subject: Some(subject), ..self }
    }

    /// Sets the detail.
    pub(crate) fn with(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// Marks the act as refused.
    pub(crate) fn refused(self, reason: &str) -> Self {
        Self { outcome: ActOutcome::Refused, ..self.with(reason) }
    }

    /// Writes the line of the process log.
    pub(crate) fn log(&self) {
        let (act, outcome) = (self.act.name(), self.outcome.name());
        let (actor, subject, detail) = (self.actor, self.subject, self.detail.as_deref());
        let client = tracing::field::display(self.client);
        match self.outcome {
            ActOutcome::Done => {
                tracing::info!(act, outcome, actor, subject, detail, client, "audit");
            }
            ActOutcome::Refused => {
                tracing::warn!(act, outcome, actor, subject, detail, client, "audit");
            }
        }
    }
}
