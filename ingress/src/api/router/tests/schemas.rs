//! Replies in a schema registered after the start of this instance.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use abacus_schemas::{ComputeCompleted, Event as _, SchemaId};

use super::*;

const CALLERS: usize = 30;

/// Starts a registry with one schema. Returns the URL, and the number of requests so far.
fn registry() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        let body = json!({ "schema": ComputeCompleted::SCHEMA_JSON }).to_string();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]).unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            connection.write_all(answer.as_bytes()).unwrap();
        }
    });
    (url, asked)
}

#[tokio::test]
async fn a_schema_not_seen_before_is_looked_up_once_for_all_callers() {
    let (url, asked) = registry();
    let harness = Harness::with_registry(&url);
    let calls = (0..CALLERS).map(|_| harness.get("/v1/pow/2/10"));
    let replies = async {
        while harness.waiters.published().len() < CALLERS {
            tokio::task::yield_now().await;
        }
        for id in harness.waiters.published() {
            harness.reply_in(SchemaId(7), id, succeeded());
        }
    };
    let (answers, ()) = tokio::join!(futures_util::future::join_all(calls), replies);
    for answer in answers {
        assert_eq!((answer.status, &answer.json()["result"]), (StatusCode::OK, &json!("1024")));
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}
