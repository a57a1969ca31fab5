//! Identification of callers by session tokens and API keys.

use std::sync::Arc;
use std::time::Duration;

use abacus_runtime::Runtime;
use deadpool_postgres::Pool;

use crate::api_keys::ApiKeys;
use crate::bootstrap::Bootstrap;
use crate::caller::{Caller, Credential, User};
use crate::config::{IdentityConfig, RegistrationPolicy};
use crate::credentials::{Credentials, Presented};
use crate::error::{CredentialFault, Error};
use crate::feed::Feed;
use crate::housekeeping::Housekeeping;
use crate::key_ring::KeyRing;
use crate::metrics::Metrics;
use crate::password::Hasher;
use crate::revocations::{Freshness, Revocations};
use crate::store::Store;
use crate::tokens::{Session, Tokens};

const FEED_BUDGET: Duration = Duration::from_secs(3);

/// Identifies callers, and keeps their accounts.
pub struct Identity {
    anonymous: bool,
    pub(crate) tokens: Tokens,
    keys: ApiKeys,
    pub(crate) revocations: Arc<Revocations>,
    pub(crate) store: Arc<Store>,
    pub(crate) hasher: Hasher,
    pub(crate) bootstrap: Bootstrap,
    pub(crate) registration: RegistrationPolicy,
    pub(crate) metrics: Metrics,
}

/// A caller with valid credentials.
enum Authenticated {
    Session(Session),
    Key(User),
}

/// Connections to Postgres.
pub struct Pools {
    /// Connections for all questions.
    pub shared: Pool,
    /// A single connection, only for the feed of revocations.
    pub feed: Pool,
}

impl Identity {
    /// Starts the tasks for following the revocations and deleting expired rows. Postgres may be away; until the first
    /// answer, no caller with credentials is admitted.
    pub fn open(
        config: &IdentityConfig,
        pools: Pools,
        runtime: &Runtime,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        let identity = Self::new(config, pools.shared, metrics.clone())?;
        let revocations = Arc::clone(&identity.revocations);
        let gate = (!config.anonymous).then(|| runtime.readiness("identity"));
        let store = Arc::clone(&identity.store);
        let housekeeping = Housekeeping { store, revocations: Arc::clone(&revocations) };
        let feed = Feed { pool: pools.feed, revocations, metrics, gate };
        runtime.spawn("revocations", FEED_BUDGET, |shutdown| feed.follow(shutdown));
        runtime.spawn("identity-housekeeping", FEED_BUDGET, |shutdown| housekeeping.run(shutdown));
        Ok(identity)
    }

    /// Identity without the tasks, for tests of handlers: revocations from other instances never arrive.
    #[cfg(any(test, feature = "testing"))]
    pub fn without_tasks(
        config: &IdentityConfig,
        pool: Pool,
        metrics: Metrics,
    ) -> anyhow::Result<Self> {
        Self::new(config, pool, metrics)
    }

    fn new(config: &IdentityConfig, pool: Pool, metrics: Metrics) -> anyhow::Result<Self> {
        let store = Arc::new(Store::new(pool));
        Ok(Self {
            anonymous: config.anonymous,
            tokens: Tokens::new(key_ring(config)?, config.lifetime)?,
            keys: ApiKeys::new(Arc::clone(&store), metrics.clone()),
            revocations: Arc::new(Revocations::new(config.grace)),
            store,
            hasher: Hasher::new(config.hashers, config.hash_queue, metrics.clone())?,
            registration: config.registration,
            bootstrap: Bootstrap::new(config.bootstrap.as_ref()),
            metrics,
        })
    }

    /// Returns the caller with these credentials. Without credentials the caller is anonymous, if the settings allow
    /// anonymous callers.
    pub async fn identify(&self, credentials: Credentials<'_>) -> Result<Caller, Error> {
        match self.user(credentials).await? {
            Some(user) => Ok(Caller::User(user)),
            None if self.anonymous => Ok(Caller::Anonymous),
            None => Err(Error::Unauthenticated),
        }
    }

    /// Returns the user with these credentials; `None` without credentials.
    pub async fn user(&self, credentials: Credentials<'_>) -> Result<Option<User>, Error> {
        Ok(match self.authenticate(credentials).await? {
            Some(Authenticated::Session(session)) => Some(self.user_of(session)),
            Some(Authenticated::Key(user)) => Some(user),
            None => None,
        })
    }

    /// Returns the session with these credentials. An API key is refused.
    pub async fn session(&self, credentials: Credentials<'_>) -> Result<Session, Error> {
        match self.authenticate(credentials).await? {
            Some(Authenticated::Session(session)) => Ok(session),
            Some(Authenticated::Key(_)) => Err(Error::SessionRequired),
            None => Err(Error::Unauthenticated),
        }
    }

    /// Returns true if this instance knows the current administrators. Otherwise the instance admits no administrator.
    pub fn knows_administrators(&self) -> bool {
        self.revocations.freshness() == Freshness::Fresh
    }

    /// Returns true if the credentials need a look-up in Postgres.
    pub fn must_look_up(&self, credentials: &Credentials<'_>) -> bool {
        matches!(&credentials.0, Ok(Presented::Key(key)) if !self.keys.remembers(key))
    }

    async fn authenticate(
        &self,
        credentials: Credentials<'_>,
    ) -> Result<Option<Authenticated>, Error> {
        let authenticated = self.check(credentials).await;
        authenticated.inspect_err(|error| self.count_fault(error))
    }

    async fn check(&self, credentials: Credentials<'_>) -> Result<Option<Authenticated>, Error> {
        match credentials.0? {
            Presented::Nothing => Ok(None),
            Presented::Token(token) => Ok(Some(Authenticated::Session(self.session_of(token)?))),
            Presented::Key(key) => {
                self.check_freshness()?;
                let user = self.keys.identify(key, &self.revocations).await?;
                Ok(Some(Authenticated::Key(user)))
            }
        }
    }

    fn session_of(&self, token: &str) -> Result<Session, Error> {
        let session = self.tokens.read(token)?;
        self.check_freshness()?;
        if self.revocations.has_ended(&session) {
            return Err(CredentialFault::Ended.into());
        }
        Ok(session)
    }

    fn user_of(&self, session: Session) -> User {
        let role = self.revocations.role_now(session.role);
        let credential = Credential::Session(session.id);
        User { id: session.user_id, name: session.name, role, credential }
    }

    fn check_freshness(&self) -> Result<(), Error> {
        match self.revocations.freshness() {
            Freshness::Fresh | Freshness::Stale => Ok(()),
            Freshness::Lost => {
                Err(Error::Unavailable(anyhow::anyhow!("revocations were not read lately")))
            }
        }
    }

    fn count_fault(&self, error: &Error) {
        if let Error::InvalidCredentials(fault) = error {
            self.metrics.refused_credentials.with_label_values(&[fault.label()]).inc();
            tracing::debug!(fault = fault.label(), "credentials were refused");
        }
    }
}

fn key_ring(config: &IdentityConfig) -> anyhow::Result<KeyRing> {
    if let Some(keys) = &config.keys {
        return KeyRing::parse(keys).map_err(|problem| anyhow::anyhow!(problem));
    }
    tracing::warn!(
        "ABACUS_TOKEN_KEYS is not set: tokens are signed with a random key, and are invalid after a restart \
         and on other instances"
    );
    Ok(KeyRing::random()?)
}

#[cfg(test)]
mod tests;
