//! Who asks, and what they may do: accounts, sessions, API keys and roles.
//!
//! A caller shows a session token ([`tokens`]) or an API key ([`api_keys`]). Both are checked in
//! memory, against what was ended before its time ([`revocations`], which the [`feed`] keeps up to
//! date from Postgres), so computing needs Postgres neither for tokens nor for keys seen before.
//! Whatever changes an account or a credential goes through the [`store`], and leaves a row there
//! ([`audit`]).
//!
//! **Invariants:** bad credentials are refused, never taken for none; what was ended on one instance
//! is refused by all within two seconds, or administrators lose their power there until it is known
//! again; no secret is logged, stored in the clear or shown twice.

mod api_keys;
mod audit;
mod bootstrap;
mod caller;
mod config;
mod credentials;
mod error;
mod feed;
mod handlers;
mod housekeeping;
mod input;
mod key_ring;
mod metrics;
mod name;
mod page;
mod password;
mod revocations;
mod store;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use abacus_runtime::Runtime;
use axum::http::HeaderMap;
use deadpool_postgres::Pool;

use self::api_keys::ApiKeys;
use self::bootstrap::Bootstrap;
use self::config::Registrars;
use self::credentials::Presented;
use self::error::Fault;
use self::feed::Feed;
use self::housekeeping::Housekeeping;
use self::key_ring::KeyRing;
use self::metrics::Metrics;
use self::password::Hasher;
use self::revocations::{Freshness, Revocations};
use self::store::Store;
use self::tokens::{Session, Tokens};

#[cfg(test)]
pub(crate) use caller::Role;
pub(crate) use caller::{Admin, Caller, Credential, User};
pub(crate) use config::IdentityConfig;
pub(crate) use error::{CHALLENGE, Error};
pub(crate) use feed::LONG_TIMEOUT as FEED_TIMEOUT;
pub(crate) use handlers::routes;

const FEED_BUDGET: Duration = Duration::from_secs(3);

/// Tells callers by their credentials.
pub(crate) struct Identity {
    anonymous: bool,
    tokens: Tokens,
    keys: ApiKeys,
    revocations: Arc<Revocations>,
    store: Arc<Store>,
    hasher: Hasher,
    bootstrap: Bootstrap,
    registrars: Registrars,
    metrics: Metrics,
}

/// Somebody whose credentials are good.
enum Known {
    Session(Session),
    Key(User),
}

/// Connections to Postgres: some for everything, and one that nothing else uses.
pub(crate) struct Pools {
    pub(crate) shared: Pool,
    pub(crate) feed: Pool,
}

impl Identity {
    /// Starts following the revocations. Postgres need not be there yet; until it is, nobody is
    /// known.
    pub(crate) fn open(
        config: &IdentityConfig,
        pools: Pools,
        runtime: &Runtime,
    ) -> anyhow::Result<Self> {
        let metrics = Metrics::register(runtime.metrics())?;
        let revocations = Arc::new(Revocations::new(config.grace));
        let identity = Self::new_with(config, pools.shared, Arc::clone(&revocations), &metrics)?;
        let gate = (!config.anonymous).then(|| runtime.readiness("identity"));
        let store = Arc::clone(&identity.store);
        let housekeeping = Housekeeping { store, revocations: Arc::clone(&revocations) };
        let feed = Feed { pool: pools.feed, revocations, metrics, gate };
        runtime.spawn("revocations", FEED_BUDGET, |shutdown| feed.follow(shutdown));
        runtime.spawn("identity-housekeeping", FEED_BUDGET, |shutdown| housekeeping.run(shutdown));
        Ok(identity)
    }

    fn new_with(
        config: &IdentityConfig,
        pool: Pool,
        revocations: Arc<Revocations>,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let store = Arc::new(Store::new(pool));
        Ok(Self {
            anonymous: config.anonymous,
            tokens: Tokens::new(key_ring(config)?, config.lifetime)?,
            keys: ApiKeys::new(Arc::clone(&store), metrics.clone()),
            revocations,
            store,
            hasher: Hasher::new(config.hashers, config.hash_queue, metrics.clone())?,
            registrars: config.registrars,
            bootstrap: Bootstrap::new(config.bootstrap.as_ref()),
            metrics: metrics.clone(),
        })
    }

    /// The caller that the `Authorization` header names; anonymous if there is none and the settings
    /// allow that.
    pub(crate) async fn identify(&self, headers: &HeaderMap) -> Result<Caller, Error> {
        match self.user(headers).await? {
            Some(user) => Ok(Caller::User(user)),
            None if self.anonymous => Ok(Caller::Anonymous),
            None => Err(Error::Unauthenticated),
        }
    }

    /// Whether it is known at the moment who is still an administrator. While it is not, nobody
    /// counts as one.
    pub(crate) fn knows_administrators(&self) -> bool {
        self.revocations.freshness() == Freshness::Fresh
    }

    /// Whether Postgres has to be asked about the credentials.
    fn must_look_up(&self, headers: &HeaderMap) -> bool {
        matches!(Presented::of(headers), Ok(Presented::Key(key)) if !self.keys.remembers(&key))
    }

    /// The user that the credentials are of; `None` if there are none.
    async fn user(&self, headers: &HeaderMap) -> Result<Option<User>, Error> {
        Ok(match self.known(headers).await? {
            Some(Known::Session(session)) => Some(self.user_of(session)),
            Some(Known::Key(user)) => Some(user),
            None => None,
        })
    }

    /// The session that the credentials are of, for what a key may not do.
    async fn session(&self, headers: &HeaderMap) -> Result<Session, Error> {
        match self.known(headers).await? {
            Some(Known::Session(session)) => Ok(session),
            Some(Known::Key(_)) => Err(Error::SessionRequired),
            None => Err(Error::Unauthenticated),
        }
    }

    async fn known(&self, headers: &HeaderMap) -> Result<Option<Known>, Error> {
        let known = self.present(headers).await;
        known.inspect_err(|error| self.count_fault(error))
    }

    async fn present(&self, headers: &HeaderMap) -> Result<Option<Known>, Error> {
        match Presented::of(headers)? {
            Presented::Nothing => Ok(None),
            Presented::Token(token) => Ok(Some(Known::Session(self.session_of(token)?))),
            Presented::Key(key) => {
                self.check_freshness()?;
                Ok(Some(Known::Key(self.keys.identify(key, &self.revocations).await?)))
            }
        }
    }

    fn session_of(&self, token: &str) -> Result<Session, Error> {
        let session = self.tokens.read(token)?;
        self.check_freshness()?;
        if self.revocations.has_ended(&session) {
            return Err(Fault::Ended.into());
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
        "ABACUS_TOKEN_KEYS is not set: tokens are signed with a random key, and are of no use after \
         a restart or on other instances"
    );
    Ok(KeyRing::random()?)
}

#[cfg(test)]
mod tests;
