use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::*;

/// Returns the answer to one GET over a real socket, from the status line to the body.
async fn get(runtime: &Runtime, path: &'static str) -> String {
    send(runtime, "GET", path).await
}

async fn send(runtime: &Runtime, method: &'static str, path: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve(listener, runtime.clone()));
    let answer = tokio::task::spawn_blocking(move || fetch(address, method, path)).await.unwrap();
    server.abort();
    answer
}

fn fetch(address: SocketAddr, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[tokio::test]
async fn a_process_that_is_not_ready_is_alive() {
    let runtime = Runtime::new();
    let _gate = runtime.readiness("replies");
    assert!(get(&runtime, "/livez").await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn readiness_is_503_until_every_component_is_ready_and_again_at_shutdown() {
    let runtime = Runtime::new();
    let gate = runtime.readiness("replies");
    let answer = get(&runtime, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.ends_with(r#"{"status":"not ready","components":{"replies":"starting"}}"#));

    gate.ready();
    let answer = get(&runtime, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with(r#"{"status":"ready","components":{"replies":"ready"}}"#));

    runtime.stop().await;
    assert!(get(&runtime, "/readyz").await.starts_with("HTTP/1.1 503"));
}

#[tokio::test]
async fn metrics_are_in_the_text_format() {
    let runtime = Runtime::new();
    let counter = prometheus::IntCounter::new("abacus_test_total", "Things.").unwrap();
    runtime.metrics().register(Box::new(counter)).unwrap();
    let answer = get(&runtime, "/metrics").await;
    assert!(answer.contains("content-type: text/plain; version=0.0.4"), "{answer}");
    assert!(answer.contains("# HELP abacus_test_total Things.\n"), "{answer}");
}

#[tokio::test]
async fn an_address_in_use_is_an_error_that_names_the_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = AdminConfig { listen: taken.local_addr().unwrap() };
    let error = open(&config, &Runtime::new()).unwrap_err();
    assert!(error.to_string().contains("ABACUS_ADMIN_LISTEN"), "{error}");
}

#[tokio::test]
async fn probes_are_answered_while_the_threads_of_the_service_are_busy() {
    let runtime = Runtime::new();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen = free.local_addr().unwrap();
    drop(free);
    open(&AdminConfig { listen }, &runtime).unwrap();
    // The only thread of this tokio runtime waits here.
    let answer = fetch(listen, "GET", "/livez");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(runtime.stop().await.is_empty());
}

#[tokio::test]
async fn an_unknown_path_is_404_for_every_method() {
    let runtime = Runtime::new();
    for method in ["GET", "HEAD", "POST", "DELETE"] {
        let answer = send(&runtime, method, "/live").await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{method}: {answer}");
        assert!(!answer.contains("allow:"), "{method}: {answer}");
    }
}

#[tokio::test]
async fn another_method_than_get_and_head_is_405_with_the_allowed_methods() {
    let runtime = Runtime::new();
    for path in ["/livez", "/readyz", "/metrics"] {
        let answer = send(&runtime, "POST", path).await;
        assert!(answer.starts_with("HTTP/1.1 405"), "{path}: {answer}");
        assert!(answer.contains("\r\nallow: GET, HEAD\r\n"), "{path}: {answer}");
    }
    let answer = send(&runtime, "HEAD", "/livez").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn an_outage_begins_once_until_its_end() {
    let mut outage = Outage::default();
    assert!(outage.begin());
    assert!(!outage.begin());
    outage.end();
    assert!(outage.begin());
}
