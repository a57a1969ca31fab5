//! Acts on accounts and credentials: registration, sign-in, passwords, API keys and administration.
//!
//! Each act leaves a row in the audit log, and takes effect on this instance at once. The service applies rate limits
//! before an act.

mod administration;
mod keys;

use std::net::IpAddr;
use std::time::Duration;

use abacus_runtime::{ExposeSecret as _, SecretString};

use crate::audit::{Act, Event};
use crate::caller::{Role, User};
use crate::config::RegistrationPolicy;
use crate::error::{CredentialFault, Error};
use crate::identity::Identity;
use crate::metrics::{DISABLED, REFUSED, SUCCEEDED};
use crate::name::UserName;
use crate::password::{Password, Verdict};
use crate::store::{Account, NewAccount, RegistrationGrant};
use crate::tokens::Session;

pub use keys::CreatedKey;

/// An account to be made.
#[derive(Debug)]
pub struct Registration {
    /// Name of the account.
    pub name: UserName,
    /// Password.
    pub password: Password,
    /// Role of the account.
    pub role: Role,
    /// One-time token for registering the first administrator.
    pub bootstrap_token: Option<SecretString>,
}

/// A new session.
#[derive(Debug)]
pub struct SignedIn {
    /// Session token.
    pub token: SecretString,
    /// Time until the session expires.
    pub lifetime: Duration,
    /// Name of the account.
    pub username: String,
    /// Role of the account.
    pub role: Role,
}

impl Identity {
    /// Counts an attempt to make an account.
    pub fn count_registration<T, E>(&self, outcome: &Result<T, E>) {
        let label = if outcome.is_ok() { SUCCEEDED } else { REFUSED };
        self.metrics.registrations.with_label_values(&[label]).inc();
    }

    /// Makes an account. `by` is the signed-in caller. Returns the account's name.
    pub async fn register(
        &self,
        registration: Registration,
        by: Option<&User>,
        from: IpAddr,
    ) -> Result<UserName, Error> {
        let Registration { name, role, .. } = registration;
        let event = Event::new(Act::Register, from);
        let grant = match self.grant(by, role, registration.bootstrap_token.as_ref()) {
            Err(error) => {
                self.record_refusal(event, &error).await?;
                return Err(error);
            }
            Ok(grant) => grant,
        };
        registration.password.check(&name)?;
        let hash = self.hasher.hash(registration.password).await?;
        let new = NewAccount { name: &name, role, password_hash: &hash, grant };
        let event = match (grant, by) {
            (RegistrationGrant::Bootstrap(_), _) => event.with("as admin, by the bootstrap token"),
            (_, Some(by)) => event.by(&by.name),
            (_, None) => event,
        };
        self.store.create(&new, &event.on(name.as_str())).await?;
        Ok(name)
    }

    /// Returns the right by which `by` may make an account with `role`.
    fn grant(
        &self,
        by: Option<&User>,
        role: Role,
        token: Option<&SecretString>,
    ) -> Result<RegistrationGrant, Error> {
        match (role, by) {
            (_, Some(by)) if by.role == Role::Admin => {
                if role == Role::Admin {
                    by.require_session()?;
                }
                Ok(RegistrationGrant::Administrator)
            }
            (Role::User, _) if self.registration == RegistrationPolicy::Open => {
                Ok(RegistrationGrant::Open)
            }
            (_, Some(_)) if !self.knows_administrators() => Err(Error::Stale),
            (Role::User, _) => Err(Error::RegistrationClosed),
            (Role::Admin, _) => token
                .and_then(|token| self.bootstrap.check(token.expose_secret()))
                .map(RegistrationGrant::Bootstrap)
                .ok_or(Error::RoleNotAllowed),
        }
    }

    /// Starts a session. An unknown name and a wrong password give the same error, after the same time.
    pub async fn sign_in(
        &self,
        username: &str,
        password: Password,
        from: IpAddr,
    ) -> Result<SignedIn, Error> {
        let event = Event::new(Act::Login, from);
        let found = match UserName::parse(username) {
            Ok(name) => self.store.find(name.as_str()).await?,
            // A malformed name is answered like an unknown one.
            Err(_) => None,
        };
        let event = match &found {
            Some(account) => event.on(&account.name),
            None => event,
        };
        let account = match self.check_password(found.as_ref(), password).await {
            Ok(account) => account,
            Err(error) => {
                self.count_refused_login(&error);
                self.record_refusal(event, &error).await?;
                return Err(error);
            }
        };
        let (role, generation) = (account.role, account.generation);
        let token = self.tokens.issue(account.user_id, &account.name, role, generation);
        let token = SecretString::from(token.map_err(Error::Internal)?);
        self.store.record(&event.by(&account.name)).await?;
        self.metrics.logins.with_label_values(&[SUCCEEDED]).inc();
        let lifetime = self.tokens.lifetime();
        Ok(SignedIn { token, lifetime, username: account.name.clone(), role })
    }

    /// Returns the account if the password is right and the account is not disabled. An unknown account takes as long.
    async fn check_password<'a>(
        &self,
        found: Option<&'a Account>,
        password: Password,
    ) -> Result<&'a Account, Error> {
        let stored = found.map(|account| account.password_hash.as_str());
        let verdict = self.hasher.verify(password.clone(), stored).await?;
        let account = found.filter(|_| verdict != Verdict::Wrong).ok_or(Error::WrongCredentials)?;
        if account.is_disabled {
            return Err(Error::AccountDisabled);
        }
        if verdict == Verdict::RightButOutdated {
            let hash = self.hasher.hash(password).await?;
            self.store.rehash(account, &hash).await?;
        }
        Ok(account)
    }

    fn count_refused_login(&self, error: &Error) {
        let label = match error {
            Error::WrongCredentials => REFUSED,
            Error::AccountDisabled => DISABLED,
            _ => return,
        };
        self.metrics.logins.with_label_values(&[label]).inc();
    }

    /// Writes a refused act to the audit log, if the refusal has an audit row.
    async fn record_refusal(&self, event: Event<'_>, error: &Error) -> Result<(), Error> {
        match error.audit_reason() {
            Some(reason) => self.store.record(&event.refused(reason)).await,
            None => Ok(()),
        }
    }

    /// Ends a session.
    pub async fn sign_out(&self, session: &Session, from: IpAddr) -> Result<(), Error> {
        let event = Event::new(Act::Logout, from).by(&session.name).on(&session.name);
        let revocation = self.store.end_session(session, &event).await?;
        self.revocations.apply([revocation]);
        Ok(())
    }

    /// Changes a password, and ends every other session of the account.
    pub async fn change_password(
        &self,
        session: &Session,
        current: Password,
        new: Password,
        from: IpAddr,
    ) -> Result<(), Error> {
        new.check(&UserName::parse(&session.name)?)?;
        let account = self.store.find(&session.name).await?;
        let account = account
            .filter(|account| !account.is_disabled)
            .ok_or(Error::InvalidCredentials(CredentialFault::Ended))?;
        let event = Event::new(Act::ChangePassword, from).by(&session.name).on(&session.name);
        let stored = Some(account.password_hash.as_str());
        if self.hasher.verify(current, stored).await? == Verdict::Wrong {
            self.record_refusal(event, &Error::WrongPassword).await?;
            return Err(Error::WrongPassword);
        }
        let hash = self.hasher.hash(new).await?;
        let ended = self.store.set_password(&account, &hash, session, &event).await?;
        self.revocations.apply([ended]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn debug_texts_show_no_secret() {
        let secret = || SecretString::from("swordfish");
        let (name, role) = (UserName::parse("ada").unwrap(), Role::User);
        let password = serde_json::from_str(r#""swordfish""#).unwrap();
        let registration = Registration { name, password, role, bootstrap_token: Some(secret()) };
        let (lifetime, username) = (Duration::from_mins(15), "ada".to_owned());
        let session = SignedIn { token: secret(), lifetime, username, role };
        let key = CreatedKey { id: Uuid::nil(), label: "job".to_owned(), text: secret() };
        let texts = format!("{registration:?} {session:?} {key:?}");
        assert!(texts.contains("ada") && texts.contains("job"), "{texts}");
        assert!(!texts.contains("swordfish"), "{texts}");
    }
}
