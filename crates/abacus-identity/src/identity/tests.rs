use std::time::{Instant, SystemTime};

use abacus_runtime::{Config as _, Environment, ExposeSecret as _};
use deadpool_postgres::{Config, Runtime as PoolRuntime};
use uuid::Uuid;

use super::*;
use crate::api_key::NewApiKey;
use crate::caller::Role;
use crate::revocations::{Ended, Revocation};

impl Identity {
    /// Identity with anonymous callers, and without a database.
    fn open_to_all() -> Self {
        Self::with(&[("ABACUS_ANONYMOUS", "true")])
    }

    fn with(settings: &[(&str, &str)]) -> Self {
        let mut env = Environment::from_pairs(settings.iter().copied());
        let config = IdentityConfig::read(&mut env);
        let url = Some("postgres://nobody@127.0.0.1:1/nothing".to_owned());
        let nowhere = Config { url, ..Config::default() };
        let pool = nowhere.create_pool(Some(PoolRuntime::Tokio1), tokio_postgres::NoTls).unwrap();
        Self::without_tasks(&config, pool, Metrics::unregistered()).unwrap()
    }

    /// Marks the revocations as just read.
    fn refreshed(self) -> Self {
        self.revocations.mark_read(Instant::now());
        self
    }
}

fn known() -> Identity {
    Identity::with(&[("ABACUS_TOKEN_KEYS", "a:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")])
}

fn bearer(credential: &str) -> String {
    format!("Bearer {credential}")
}

fn nothing() -> Credentials<'static> {
    Credentials::parse([])
}

fn header(text: &str) -> Credentials<'_> {
    Credentials::parse([text.as_bytes()])
}

fn token(identity: &Identity, role: Role) -> (Uuid, String) {
    let id = Uuid::now_v7();
    (id, bearer(&identity.tokens.issue(id, "ada", role, 1).unwrap()))
}

#[tokio::test]
async fn no_credentials_are_anonymous_where_that_is_allowed_and_bad_ones_never() {
    let open = Identity::open_to_all().refreshed();
    assert_eq!(open.identify(nothing()).await.unwrap(), Caller::Anonymous);
    let refused = open.identify(header(&bearer("nonsense"))).await.unwrap_err();
    assert!(matches!(refused, Error::InvalidCredentials(CredentialFault::Forged)), "{refused}");
    let closed = known().refreshed().identify(nothing()).await.unwrap_err();
    assert!(matches!(closed, Error::Unauthenticated), "{closed}");
}

#[tokio::test]
async fn a_token_is_known_without_a_database_until_its_session_or_account_ends() {
    let identity = known().refreshed();
    let (user_id, headers) = token(&identity, Role::Admin);
    let Caller::User(user) = identity.identify(header(&headers)).await.unwrap() else {
        panic!("nobody")
    };
    assert_eq!((user.id, &*user.name, user.role), (user_id, "ada", Role::Admin));
    let ended = Ended::Before { user_id, generation: 2, spared: None };
    let expires_at = SystemTime::now() + Duration::from_mins(1);
    identity.revocations.apply([Revocation { ended, expires_at }]);
    let refused = identity.identify(header(&headers)).await.unwrap_err();
    assert!(matches!(refused, Error::InvalidCredentials(CredentialFault::Ended)), "{refused}");
}

#[tokio::test]
async fn before_the_revocations_were_read_nobody_is_known() {
    let identity = known();
    let (_, headers) = token(&identity, Role::User);
    let refused = identity.identify(header(&headers)).await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable(_)), "{refused}");
}

#[tokio::test]
async fn while_the_revocations_are_old_administrators_are_users() {
    let mut identity = known().refreshed();
    Arc::get_mut(&mut identity.revocations).unwrap().age(Duration::from_secs(30));
    let (_, headers) = token(&identity, Role::Admin);
    let Caller::User(user) = identity.identify(header(&headers)).await.unwrap() else {
        panic!("nobody")
    };
    assert_eq!(user.role, Role::User);
    assert!(!identity.knows_administrators());
}

#[tokio::test]
async fn a_key_that_cannot_be_looked_up_is_not_refused_but_unavailable() {
    let identity = known().refreshed();
    let key = NewApiKey::generate().unwrap().text;
    let unknown = identity.identify(header(&bearer(key.expose_secret()))).await.unwrap_err();
    assert!(matches!(unknown, Error::Unavailable(_)), "{unknown}");
}
