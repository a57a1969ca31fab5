//! Connections to Postgres: the request log, accounts and idempotency keys.

use std::str::FromStr;
use std::time::Duration;

use abacus_runtime::{Config, Environment, ExposeSecret, SecretString};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::NoTls;

/// How long connecting may take, and how long the other end may leave something unacknowledged.
const CONNECTING: Duration = Duration::from_secs(3);
/// How long a connection may be silent before the server is asked whether it is there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Where it is.
#[derive(Clone, Debug)]
pub(crate) struct PostgresConfig {
    pub(crate) url: SecretString,
}

impl Config for PostgresConfig {
    fn read(env: &mut Environment) -> Self {
        let url = env.secret(
            "ABACUS_POSTGRES_URL",
            "postgres://abacus:abacus@127.0.0.1:5432/abacus",
            "Postgres with the request log, for look-ups",
        );
        if let Err(error) = tokio_postgres::Config::from_str(url.expose_secret()) {
            env.problem("ABACUS_POSTGRES_URL", format!("expected a Postgres URL: {error}"));
        }
        Self { url }
    }
}

/// Up to so many connections, opened on first use, each statement on which may take `longest`.
pub(crate) fn pool(
    config: &PostgresConfig,
    connections: usize,
    longest: Duration,
) -> anyhow::Result<Pool> {
    let mut postgres = tokio_postgres::Config::from_str(config.url.expose_secret())?;
    // A connection whose other end vanished is noticed as soon as a question on it goes unanswered.
    postgres
        .application_name("abacus-ingress")
        .connect_timeout(CONNECTING)
        .tcp_user_timeout(CONNECTING)
        .keepalives_idle(KEEPALIVE);
    // One that nobody waits for any more is not worked on either.
    let options = postgres.get_options().unwrap_or_default();
    let options = format!("{options} -c statement_timeout={}", longest.as_millis());
    postgres.options(options);
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(postgres, NoTls, recycling);
    Ok(Pool::builder(manager).max_size(connections).build()?)
}
