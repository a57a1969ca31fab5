//! Reaching the database, with patience where it is only away.

use std::thread;
use std::time::{Duration, Instant};

use postgres::config::Host;
use postgres::error::SqlState;
use postgres::{Client, Config, NoTls};

use crate::error::Error;

const RETRY_INTERVAL: Duration = Duration::from_millis(500);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connects, trying for `wait` while nobody answers or the server is starting. Statements on the
/// connection wait as long for a lock.
pub fn connect(config: &Config, wait: Duration) -> Result<Client, Error> {
    let mut config = config.clone();
    config.application_name("abacus-migrate").connect_timeout(ATTEMPT_TIMEOUT);
    let refused = |source| Error::Connection { place: place(&config), source };
    let mut client = patiently(wait, || config.connect(NoTls)).map_err(refused)?;
    let lock_timeout = format!("SET lock_timeout = {}", wait.as_millis().max(1));
    client.batch_execute(&lock_timeout).map_err(refused)?;
    Ok(client)
}

fn patiently<T>(
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

/// Whether waiting can help: nobody answers, or the server says that it is starting or stopping. A
/// wrong password or database does not get better.
fn is_away(error: &postgres::Error) -> bool {
    error.code().is_none_or(|code| {
        [SqlState::CANNOT_CONNECT_NOW, SqlState::ADMIN_SHUTDOWN, SqlState::TOO_MANY_CONNECTIONS]
            .contains(code)
    })
}

/// Where the database should be, without the password.
fn place(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(host)) => host.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "(no host)".to_owned(),
    };
    let port = config.get_ports().first().unwrap_or(&5432);
    format!("{host}:{port}/{}", config.get_dbname().unwrap_or_default())
}
