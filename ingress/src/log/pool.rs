//! Connection pools to Postgres.

use std::str::FromStr;
use std::time::Duration;

use abacus_runtime::{ExposeSecret as _, SecretString};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use tokio_postgres::NoTls;

/// Time limit for connecting, and for the acknowledgement of sent data.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Silence after which the kernel probes a connection.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Creates a pool of up to `connections` connections, opened on first use. The server ends every
/// statement after `longest`.
pub(crate) fn pool(
    url: &SecretString,
    connections: usize,
    longest: Duration,
) -> anyhow::Result<Pool> {
    let mut postgres = tokio_postgres::Config::from_str(url.expose_secret())?;
    // TCP reports a vanished server when sent data stays unacknowledged.
    postgres
        .application_name("abacus-ingress")
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_user_timeout(CONNECT_TIMEOUT)
        .keepalives_idle(KEEPALIVE);
    // The server also ends a statement after the caller has given up.
    let options = postgres.get_options().unwrap_or_default();
    let options = format!("{options} -c statement_timeout={}", longest.as_millis());
    postgres.options(options);
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(postgres, NoTls, recycling);
    Ok(Pool::builder(manager).max_size(connections).build()?)
}
