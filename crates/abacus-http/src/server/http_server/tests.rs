//! The server over real connections, with a router for tests.

use std::future::pending;
use std::io;

use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;
use crate::edge::body_guard::hold_until_written;
use crate::problem::Problem;

/// More bytes than sockets take before the client reads.
const LARGE: usize = 64 << 20;
const SOON: Duration = Duration::from_millis(100);
const NEVER: Duration = Duration::from_hours(1);
const PATIENT: Timeouts = Timeouts { head: NEVER, idle: NEVER, write: NEVER, pace: 1 };

/// A running server.
struct Running {
    address: SocketAddr,
    runtime: Runtime,
    metrics: Metrics,
    /// Has a second owner while the answer of `/held` is in memory.
    held: Arc<()>,
}

impl Running {
    fn start(timeouts: Timeouts, settings: &[(&str, &str)]) -> Self {
        let mut env = Environment::from_pairs(settings.iter().copied());
        let edge = EdgeConfig::read(&mut env);
        let mut config = ServerConfig::read(&mut env);
        env.finish().unwrap();
        config.listen.set_port(0);
        config.timeouts = timeouts;
        let held = Arc::new(());
        let counted = Arc::clone(&held);
        let answer = move || {
            let held = Arc::clone(&counted);
            async move { hold_until_written("x".repeat(LARGE).into(), held) }
        };
        let router = Router::new()
            .route("/held", get(answer))
            .route("/", get(|| async { "hello" }))
            .route("/large", get(|| async { "x".repeat(LARGE) }))
            .route("/read", post(|body: axum::body::Bytes| async move { body.len().to_string() }))
            .route("/wait", get(pending::<()>));
        let metrics = Metrics::unregistered();
        let opened = HttpServer::open(&config, &edge, metrics.clone(), router, refusal).unwrap();
        let address = opened.listener.local_addr().unwrap();
        let runtime = Runtime::new();
        opened.spawn(&runtime, || {});
        Self { address, runtime, metrics, held }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    fn ended(&self, reason: &str) -> u64 {
        self.metrics.connections_ended.with_label_values(&[reason]).get()
    }
}

mod limits {
    crate::problem_types! {
        BUSY: SERVICE_UNAVAILABLE, "temporary-reduced-capacity", "The server is busy",
            "Too many connections are open.",
            "Try again in a moment.",
            Safe;
    }
}

fn refusal() -> Response {
    Problem::new(&limits::BUSY.silent(), "too many connections").into_response()
}

async fn ask(connection: &mut TcpStream, path: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
}

/// Reads until the connection ends.
async fn read_to_end(connection: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A cut connection may be reset.
    let _ = connection.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

async fn read_until(connection: &mut TcpStream, end: &str) -> io::Result<String> {
    let mut text = String::new();
    while !text.ends_with(end) {
        text.push(connection.read_u8().await?.into());
    }
    Ok(text)
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_ends_its_connection() {
    let server = Running::start(Timeouts { head: SOON, ..PATIENT }, &[]);
    let mut silent = server.connect().await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
    let mut trickling = server.connect().await;
    let trickle = async {
        while trickling.write_all(b"G").await.is_ok() {
            tokio::time::sleep(SOON / 10).await;
        }
    };
    let (silent, slow, ()) =
        tokio::join!(read_to_end(&mut silent), read_to_end(&mut slow), trickle);
    assert_eq!((silent.as_str(), slow.as_str()), ("", ""));
    assert_eq!((server.ended("head"), server.ended("idle")), (3, 0));
    assert_eq!(server.metrics.connections.get(), 0);
}

#[tokio::test]
async fn a_connection_may_rest_between_requests_longer_than_a_head_may_take() {
    let timeouts = Timeouts { head: SOON, idle: 10 * SOON, ..PATIENT };
    let server = Running::start(timeouts, &[]);
    let mut connection = server.connect().await;
    for _ in 0..3 {
        ask(&mut connection, "/").await;
        assert!(read_until(&mut connection, "hello").await.unwrap().starts_with("HTTP/1.1 200"));
        tokio::time::sleep(SOON * 3 / 2).await;
    }
    connection.write_all(b"GET").await.unwrap();
    assert_eq!(read_to_end(&mut connection).await, "");
    assert_eq!((server.ended("head"), server.ended("idle")), (1, 0));
    let mut idle = server.connect().await;
    ask(&mut idle, "/").await;
    read_to_end(&mut idle).await;
    assert_eq!((server.ended("head"), server.ended("idle")), (1, 1));
}

#[tokio::test]
async fn a_request_that_is_worked_on_has_all_the_time_it_needs() {
    let server = Running::start(Timeouts { head: SOON, idle: SOON, write: SOON, ..PATIENT }, &[]);
    let mut connection = server.connect().await;
    ask(&mut connection, "/wait").await;
    let answer = tokio::time::timeout(SOON * 5, read_to_end(&mut connection)).await;
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(server.metrics.connections.get(), 1);
    drop(connection);
}

#[tokio::test]
async fn an_answer_that_nobody_reads_ends_its_connection() {
    let server = Running::start(Timeouts { write: SOON, ..PATIENT }, &[]);
    let mut connection = server.connect().await;
    ask(&mut connection, "/large").await;
    while server.ended("write") == 0 {
        tokio::time::sleep(SOON / 10).await;
    }
    assert!(read_to_end(&mut connection).await.len() < LARGE);
}

#[tokio::test]
async fn an_answer_that_is_read_in_drops_ends_its_connection() {
    let pace = 1 << 40;
    let server = Running::start(Timeouts { write: 5 * SOON, pace, ..PATIENT }, &[]);
    let mut connection = server.connect().await;
    ask(&mut connection, "/large").await;
    let mut drop = vec![0; 256 * 1024];
    let mut read = 0;
    while server.ended("write") == 0 {
        read += connection.read(&mut drop).await.unwrap_or(0);
        assert!(read < LARGE, "all of it was read in drops");
        tokio::time::sleep(SOON / 10).await;
    }
}

#[tokio::test]
async fn an_answer_is_held_until_its_reader_has_it() {
    let server = Running::start(PATIENT, &[]);
    // The test and the route keep the first two.
    let is_held = || Arc::strong_count(&server.held) > 2;
    let mut connection = server.connect().await;
    ask(&mut connection, "/held").await;
    read_until(&mut connection, "\r\n\r\n").await.unwrap();
    let mut body = vec![0; LARGE];
    let (most, rest) = body.split_at_mut(LARGE / 2);
    connection.read_exact(most).await.unwrap();
    assert!(is_held(), "half of it is not read");
    connection.read_exact(rest).await.unwrap();
    while is_held() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_are_told_so_and_closed() {
    let settings = [("ABACUS_MAX_CONNECTIONS_PER_ADDRESS", "2")];
    let server = Running::start(PATIENT, &settings);
    let mut open = [server.connect().await, server.connect().await];
    for connection in &mut open {
        ask(connection, "/").await;
        read_until(connection, "hello").await.unwrap();
    }
    let mut third = server.connect().await;
    ask(&mut third, "/").await;
    let answer = read_to_end(&mut third).await;
    for part in
        ["HTTP/1.1 503", "retry-after: 1", "connection: close", "temporary-reduced-capacity"]
    {
        assert!(answer.contains(part), "{answer}");
    }
    drop(open);
    while server.metrics.connections.get() > 0 {
        tokio::time::sleep(SOON / 10).await;
    }
    let mut again = server.connect().await;
    ask(&mut again, "/").await;
    assert!(read_until(&mut again, "hello").await.is_ok());
}

#[tokio::test]
async fn requests_sent_at_once_are_answered_in_order() {
    let server = Running::start(Timeouts { head: SOON, idle: SOON, ..PATIENT }, &[]);
    let mut connection = server.connect().await;
    let request = "POST /read HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc";
    connection.write_all(request.repeat(5).as_bytes()).await.unwrap();
    let answers = read_to_end(&mut connection).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 5, "{answers}");
}

#[tokio::test]
async fn the_shutdown_ends_idle_connections_and_refuses_new_ones() {
    let server = Running::start(PATIENT, &[]);
    let mut idle = server.connect().await;
    ask(&mut idle, "/").await;
    read_until(&mut idle, "hello").await.unwrap();
    let mut half = server.connect().await;
    half.write_all(b"GET / HT").await.unwrap();
    let failures = server.runtime.stop().await;
    assert!(failures.is_empty(), "{failures:?}");
    assert_eq!(read_to_end(&mut idle).await, "");
    assert_eq!(read_to_end(&mut half).await, "");
    assert!(TcpStream::connect(server.address).await.is_err());
}

/// Bytes in the kernel's send buffer of the server's connection to `client`, as Linux counts them.
fn send_queue(server: SocketAddr, client: SocketAddr) -> u64 {
    let port = |address: SocketAddr| format!(":{:04X}", address.port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let mut queues = table.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, remote, _, queues, ..] = fields[..] else { return None };
        let is_it = local.ends_with(&port(server)) && remote.ends_with(&port(client));
        is_it.then(|| u64::from_str_radix(queues.split(':').next().unwrap(), 16).unwrap())
    });
    queues.next().unwrap()
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_little_memory_of_the_kernel() {
    let server = Running::start(PATIENT, &[]);
    let mut client = server.connect().await;
    client.write_all(b"GET /large HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    let mut queued = [0, u64::MAX];
    while queued[0] != queued[1] || queued[0] == 0 {
        queued = [send_queue(server.address, client.local_addr().unwrap()), queued[0]];
        tokio::time::sleep(SOON).await;
    }
    assert!(queued[0] <= 256 << 10, "{} bytes", queued[0]);
}
