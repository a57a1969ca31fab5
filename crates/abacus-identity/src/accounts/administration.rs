//! Acts of administrators, and the audit log.

use std::net::IpAddr;

use crate::audit::{Act, Event};
use crate::caller::User;
use crate::error::Error;
use crate::identity::Identity;
use crate::name::UserName;
use crate::store::{AccountChange, AccountEntry, AuditEntry};

impl Identity {
    /// Returns up to `limit` accounts after the name `after`, by name.
    pub async fn accounts(
        &self,
        after: Option<UserName>,
        limit: i64,
    ) -> Result<Vec<AccountEntry>, Error> {
        self.store.accounts(after.as_ref(), limit).await
    }

    /// Changes the role of an account, or disables or enables the account. Any change ends the sessions. The last
    /// administrator cannot be disabled or demoted. A change of the role needs a session.
    pub async fn change_account(
        &self,
        admin: &User,
        username: &str,
        change: AccountChange,
        from: IpAddr,
    ) -> Result<AccountEntry, Error> {
        let name = known_name(username)?;
        if change.role.is_none() && change.disabled.is_none() {
            return Err(Error::NothingToChange);
        }
        let event = Event::new(Act::Administer, from).by(&admin.name).on(name.as_str());
        let may_change = if change.role.is_some() { admin.require_session() } else { Ok(()) };
        let changed = match may_change {
            Ok(()) => self.store.change(&name, change, &event).await,
            Err(error) => Err(error),
        };
        let changed = match changed {
            Ok(changed) => changed,
            Err(error) => {
                self.record_refusal(event, &error).await?;
                return Err(error);
            }
        };
        self.revocations.apply(changed.revocation);
        Ok(changed.account)
    }

    /// Ends all sessions of an account.
    pub async fn end_sessions(
        &self,
        admin: &User,
        username: &str,
        from: IpAddr,
    ) -> Result<(), Error> {
        let name = known_name(username)?;
        let event = Event::new(Act::EndSessions, from).by(&admin.name).on(name.as_str());
        let ended = self.store.end_sessions(&name, &event).await?;
        self.revocations.apply([ended]);
        Ok(())
    }

    /// Returns up to `limit` entries of the audit log, the latest first. The entries are older than the entry
    /// `after`.
    pub async fn audit(&self, after: Option<i64>, limit: i64) -> Result<Vec<AuditEntry>, Error> {
        self.store.audit(after, limit).await
    }
}

/// Reads the name of an existing account. A malformed name is unknown.
fn known_name(given: &str) -> Result<UserName, Error> {
    UserName::parse(given).map_err(|_| Error::NoSuchUser { name: given.to_owned() })
}
