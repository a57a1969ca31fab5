//! What is written down about acts on accounts and credentials: a row in the audit log and a line
//! in the process' log, both without secrets.

use std::net::IpAddr;

use serde::Serialize;
use utoipa::ToSchema;

/// Something that was done or tried.
#[derive(Clone, Debug)]
pub(crate) struct Event<'a> {
    pub(crate) act: Act,
    pub(crate) outcome: Outcome,
    /// The account that did it.
    pub(crate) actor: Option<&'a str>,
    /// The account it is about. Never what was merely typed as a name: people type passwords there.
    pub(crate) subject: Option<&'a str>,
    pub(crate) detail: Option<String>,
    pub(crate) client: IpAddr,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Done,
    Refused,
}

/// What there is to do.
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
    /// The name in the audit log.
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

impl Outcome {
    /// The name in the audit log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

impl<'a> Event<'a> {
    /// An act of nobody in particular on nobody in particular.
    pub(crate) fn new(act: Act, client: IpAddr) -> Self {
        Self { act, outcome: Outcome::Done, actor: None, subject: None, detail: None, client }
    }

    pub(crate) fn by(self, actor: &'a str) -> Self {
        Self { actor: Some(actor), ..self }
    }

    pub(crate) fn on(self, subject: &'a str) -> Self {
        Self { subject: Some(subject), ..self }
    }

    pub(crate) fn with(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }

    /// The same, but refused.
    pub(crate) fn refused(self, why: &str) -> Self {
        Self { outcome: Outcome::Refused, ..self.with(why) }
    }

    /// Writes the line.
    pub(crate) fn log(&self) {
        let (act, outcome) = (self.act.name(), self.outcome.name());
        let (actor, subject, detail) = (self.actor, self.subject, self.detail.as_deref());
        let client = tracing::field::display(self.client);
        match self.outcome {
            Outcome::Done => {
                tracing::info!(act, outcome, actor, subject, detail, client, "audit");
            }
            Outcome::Refused => {
                tracing::warn!(act, outcome, actor, subject, detail, client, "audit");
            }
        }
    }
}
