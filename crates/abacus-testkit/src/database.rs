//! A database for a test, with the request log.

use std::collections::BTreeMap;
use std::time::Duration;

use postgres::{Client, NoTls};

/// A migrated database. Dropping this drops the database.
pub struct Database {
    name: String,
    server: String,
    url: String,
}

/// A row of the view `request_log`. Times are microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the view's columns have comments")]
pub struct LogRow {
    pub request_id: String,
    pub operation: String,
    pub operands: BTreeMap<String, String>,
    pub requester: Option<String>,
    pub source: String,
    pub requested_at: i64,
    pub completed_at: Option<i64>,
    pub status: String,
    pub result: Option<String>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub compute_micros: Option<i64>,
    pub cache: Option<String>,
    pub digits: Option<i64>,
    pub bits: Option<i64>,
    pub processor: Option<String>,
}

const LOG: &str = "
    SELECT request_id::text, operation, operands, requester, source,
           (extract(epoch FROM requested_at) * 1000000)::bigint,
           (extract(epoch FROM completed_at) * 1000000)::bigint,
           status, result, error_code, error_message, compute_micros, cache, digits, bits, processor
    FROM request_log ORDER BY request_id";

impl Database {
    /// Creates and migrates the database `name` on `server`.
    pub(crate) fn create(server: &str, name: &str) -> Self {
        let (base, _) = server.rsplit_once('/').expect("a Postgres URL names a database");
        let database = Self {
            name: name.to_owned(),
            server: server.to_owned(),
            url: format!("{base}/{name}"),
        };
        connect(server).batch_execute(&format!("CREATE DATABASE \"{name}\"")).unwrap();
        abacus_migrations::apply(&mut database.connect()).expect("migrations");
        database
    }

    /// URL of the database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// URL of the database at another address, such as a proxy's.
    pub fn url_through(&self, address: std::net::SocketAddr) -> String {
        let (head, _) = self.url.rsplit_once('@').expect("a Postgres URL names a user");
        format!("{head}@{address}/{}", self.name)
    }

    /// Opens a connection.
    pub fn connect(&self) -> Client {
        connect(&self.url)
    }

    /// Reads the whole request log, ordered by request id.
    pub fn log(&self) -> Vec<LogRow> {
        self.connect().query(LOG, &[]).unwrap().iter().map(to_row).collect()
    }

    /// Counts the rows of each status.
    pub fn statuses(&self) -> BTreeMap<String, i64> {
        let rows = self.connect().query("SELECT status, count(*) FROM request_log GROUP BY 1", &[]);
        rows.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Waits until the log holds `count` requests and none is pending. Returns the log.
    #[track_caller]
    pub fn wait_for_log(&self, count: usize, patience: Duration) -> Vec<LogRow> {
        crate::wait::wait_until(&format!("{count} finished rows"), patience, || {
            let statuses = self.statuses();
            let rows: i64 = statuses.values().sum();
            let is_done = !statuses.contains_key("pending") && usize::try_from(rows) == Ok(count);
            if is_done { Ok(()) } else { Err(format!("{statuses:?}")) }
        });
        self.log()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Ok(mut server) = Client::connect(&self.server, NoTls) {
            let _ = server.batch_execute(&format!("DROP DATABASE \"{}\" WITH (FORCE)", self.name));
        }
    }
}

fn connect(url: &str) -> Client {
    Client::connect(url, NoTls).unwrap_or_else(|error| panic!("Postgres: {error:?}"))
}

fn to_row(row: &postgres::Row) -> LogRow {
    let operands: serde_json::Value = row.get(2);
    LogRow {
        request_id: row.get(0),
        operation: row.get(1),
        operands: serde_json::from_value(operands).expect("an object of strings"),
        requester: row.get(3),
        source: row.get(4),
        requested_at: row.get(5),
        completed_at: row.get(6),
        status: row.get(7),
        result: row.get(8),
        error_code: row.get(9),
        error_message: row.get(10),
        compute_micros: row.get(11),
        cache: row.get(12),
        digits: row.get(13),
        bits: row.get(14),
        processor: row.get(15),
    }
}
