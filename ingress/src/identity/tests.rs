use std::time::{Instant, SystemTime};

use abacus_runtime::prometheus::Registry;
use abacus_runtime::{Config as _, Environment};
use axum::http::header;
use uuid::Uuid;

use super::revocations::{Ended, Revocation};
use super::*;
use crate::postgres::{PostgresConfig, pool};

impl Identity {
    /// One that serves everybody and reaches no database.
    pub(crate) fn new() -> Self {
        Self::with(&[("ABACUS_ANONYMOUS", "true")])
    }

    fn with(settings: &[(&str, &str)]) -> Self {
        let mut env = Environment::from_pairs(settings.iter().copied());
        let config = IdentityConfig::read(&mut env);
        let url = [("ABACUS_POSTGRES_URL", "postgres://nobody@127.0.0.1:1/nothing")];
        let nowhere = PostgresConfig::read(&mut Environment::from_pairs(url));
        let metrics = Metrics::register(&Registry::new()).unwrap();
        let revocations = Arc::new(Revocations::new(config.grace));
        Self::new_with(&config, pool(&nowhere, 1, Duration::ZERO).unwrap(), revocations, &metrics)
            .unwrap()
    }

    /// As if Postgres had just been read.
    fn refreshed(self) -> Self {
        self.revocations.mark_read(Instant::now());
        self
    }
}

fn known() -> Identity {
    Identity::with(&[("ABACUS_TOKEN_KEYS", "a:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=")])
}

fn bearer(credential: &str) -> HeaderMap {
    HeaderMap::from_iter([(header::AUTHORIZATION, format!("Bearer {credential}").parse().unwrap())])
}

fn token(identity: &Identity, role: Role) -> (Uuid, HeaderMap) {
    let id = Uuid::now_v7();
    (id, bearer(&identity.tokens.issue(id, "ada", role, 1).unwrap()))
}

#[tokio::test]
async fn no_credentials_are_anonymous_where_that_is_allowed_and_bad_ones_never() {
    let open = Identity::new().refreshed();
    assert_eq!(open.identify(&HeaderMap::new()).await.unwrap(), Caller::Anonymous);
    let refused = open.identify(&bearer("nonsense")).await.unwrap_err();
    assert!(matches!(refused, Error::InvalidCredentials(Fault::Forged)), "{refused}");
    let closed = known().refreshed().identify(&HeaderMap::new()).await.unwrap_err();
    assert!(matches!(closed, Error::Unauthenticated), "{closed}");
}

#[tokio::test]
async fn a_token_is_known_without_a_database_until_its_session_or_account_ends() {
    let identity = known().refreshed();
    let (user_id, headers) = token(&identity, Role::Admin);
    let Caller::User(user) = identity.identify(&headers).await.unwrap() else { panic!("nobody") };
    assert_eq!((user.id, &*user.name, user.role), (user_id, "ada", Role::Admin));
    let ended = Ended::Before { user_id, generation: 2, spared: None };
    let expires_at = SystemTime::now() + Duration::from_mins(1);
    identity.revocations.apply([Revocation { ended, expires_at }]);
    let refused = identity.identify(&headers).await.unwrap_err();
    assert!(matches!(refused, Error::InvalidCredentials(Fault::Ended)), "{refused}");
}

#[tokio::test]
async fn before_the_revocations_were_read_nobody_is_known() {
    let identity = known();
    let (_, headers) = token(&identity, Role::User);
    let refused = identity.identify(&headers).await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable(_)), "{refused}");
}

#[tokio::test]
async fn while_the_revocations_are_old_administrators_are_users() {
    let mut identity = known().refreshed();
    Arc::get_mut(&mut identity.revocations).unwrap().age(Duration::from_secs(30));
    let (_, headers) = token(&identity, Role::Admin);
    let Caller::User(user) = identity.identify(&headers).await.unwrap() else { panic!("nobody") };
    assert_eq!(user.role, Role::User);
    assert!(!identity.knows_administrators());
}

#[tokio::test]
async fn a_key_that_cannot_be_looked_up_is_not_refused_but_unavailable() {
    let identity = known().refreshed();
    let key = api_keys::NewApiKey::generate().unwrap().text;
    let unknown = identity.identify(&bearer(&key)).await.unwrap_err();
    assert!(matches!(unknown, Error::Unavailable(_)), "{unknown}");
}

/// What a route answers and asks for is in the document; that it is true is for the tests of the
/// whole service.
#[test]
fn every_route_is_described_with_its_problems() {
    let document = serde_json::to_value(routes().into_openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(operation["security"].is_array(), "{path}");
            assert!(operation["summary"].is_string(), "{path}");
            let unavailable = &operation["responses"]["503"]["content"];
            let problem = &unavailable["application/problem+json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{path}");
            operations.push(format!("{method} {path}"));
        }
    }
    operations.sort();
    let expected = [
        "delete /v1/admin/users/{username}/sessions",
        "delete /v1/api-keys/{id}",
        "get /v1/admin/audit",
        "get /v1/admin/users",
        "get /v1/api-keys",
        "get /v1/me",
        "patch /v1/admin/users/{username}",
        "post /v1/api-keys",
        "post /v1/login",
        "post /v1/logout",
        "post /v1/register",
        "put /v1/me/password",
    ];
    assert_eq!(operations, expected);
}
