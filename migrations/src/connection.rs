//! Connecting to the database, with retries while the database is away.

use std::thread;
use std::time::{Duration, Instant};

use postgres::config::Host;
use postgres::error::SqlState;
use postgres::{Client, Config, NoTls};

use crate::error::Error;

const RETRY_INTERVAL: Duration = Duration::from_millis(500);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects to the database. Tries again for `wait` while the server is unreachable or starting.
/// Statements of the connection wait up to `wait` for a lock.
pub fn connect(config: &Config, wait: Duration) -> Result<Client, Error> {
    let mut config = config.clone();
    config.application_name("abacus-migrate").connect_timeout(ATTEMPT_TIMEOUT);
    let refused = |source| Error::Connection { address: address(&config), source };
    let mut client = retry(wait, || config.connect(NoTls)).map_err(refused)?;
    let lock_timeout = format!("SET lock_timeout = {}", wait.as_millis().max(1));
    client.batch_execute(&lock_timeout).map_err(refused)?;
    Ok(client)
}

fn retry<T>(
    wait: Duration,
    mut attempt: impl FnMut() -> Result<T, postgres::Error>,
) -> Result<T, postgres::Error> {
    let deadline = Instant::now() + wait;
    loop {
        match attempt() {
            Err(error) if is_away(&error) && Instant::now() < deadline => {
                thread::park_timeout(RETRY_INTERVAL);
            }
            outcome => return outcome,
        }
    }
}

/// Returns `true` if a later attempt can succeed: the server is unreachable, starting, stopping or
/// full. A wrong password or database name is permanent.
fn is_away(error: &postgres::Error) -> bool {
    error.code().is_none_or(|code| {
        [SqlState::CANNOT_CONNECT_NOW, SqlState::ADMIN_SHUTDOWN, SqlState::TOO_MANY_CONNECTIONS]
            .contains(code)
    })
}

/// Returns the address of the database, without the password.
fn address(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "(no host)".to_owned(),
    };
    let port = config.get_ports().first().unwrap_or(&5432);
    format!("{host}:{port}/{}", config.get_dbname().unwrap_or_default())
}
