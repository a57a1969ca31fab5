//! Ten thousand callers at once without a processor. Each is answered at its deadline, the ingress
//! stays small, and a processor started later completes all requests.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use abacus_testkit::{PATIENCE, Service, System, wait_until};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::history::History;

const CALLERS: usize = 10_000;
/// Long enough for all callers to connect before the first answer.
const WAIT: Duration = Duration::from_secs(45);
/// Open files of a process besides the connections of the callers.
const OTHER_FILES: u64 = 500;
/// Largest memory of the ingress while all callers wait.
const MOST_BYTES: u64 = 400 << 20;
/// Number of connections opened at a time. More would overrun the listener's queue.
const AT_ONCE: usize = 200;

/// The answer to one caller.
struct Answer {
    status: u16,
    id: String,
    took: Duration,
}

#[test]
fn ten_thousand_callers_wait_without_a_processor_and_all_are_completed_with_one() {
    raise_file_limit();
    let system = System::new();
    let setup = system.ingress().set("ABACUS_WAIT", format!("{}s", WAIT.as_secs()));
    // All callers use one address.
    let setup = setup.set("ABACUS_MAX_CONNECTIONS_PER_ADDRESS", (CALLERS + AT_ONCE).to_string());
    let [mut ingress, _projector] = system.start_all([setup, system.projector()]);
    let address = ingress.http_address();
    let crowd = thread::spawn(move || ask_all(address));

    let waiting = wait_for_waiters(&mut ingress, CALLERS);
    let held = ingress.resident_bytes();
    println!("{} MiB with {waiting} callers waiting", held >> 20);
    assert!(held < MOST_BYTES, "{held} bytes");

    let answers = crowd.join().unwrap();
    let slowest = answers.iter().map(|answer| answer.took).max();
    println!("the last one was answered after {slowest:?}");
    for Answer { status, id, took } in &answers {
        assert_eq!(*status, 202, "{id}");
        assert!(*took >= WAIT, "{id} was sent away after {took:?}");
    }
    let ids: BTreeSet<String> = answers.into_iter().map(|answer| answer.id).collect();
    assert_eq!(ids.len(), CALLERS, "callers share requests");
    assert_eq!(ingress.count("abacus_ingress_waiters", &[]), 0);

    let _processor = system.start(&system.processor());
    let history = History::complete(&system, PATIENCE);
    assert_eq!(history.completed.into_keys().collect::<BTreeSet<_>>(), ids);
}

#[track_caller]
fn wait_for_waiters(ingress: &mut Service, count: usize) -> u64 {
    wait_until("everybody to wait", WAIT, || match ingress.count("abacus_ingress_waiters", &[]) {
        waiting if waiting >= count as u64 => Ok(waiting),
        waiting => Err(format!("{waiting} wait")),
    })
}

/// Sends a different computation on each connection.
fn ask_all(address: SocketAddr) -> Vec<Answer> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut callers = JoinSet::new();
        let connecting = Arc::new(Semaphore::new(AT_ONCE));
        for number in 0..CALLERS {
            callers.spawn(ask(address, number, Arc::clone(&connecting)));
        }
        callers.join_all().await.into_iter().map(Result::unwrap).collect()
    })
}

async fn ask(address: SocketAddr, number: usize, connecting: Arc<Semaphore>) -> io::Result<Answer> {
    let permit = connecting.acquire().await;
    let mut connection = TcpStream::connect(address).await?;
    drop(permit);
    let asked = Instant::now();
    let request =
        format!("GET /v1/pow/{number}/3 HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    let took = asked.elapsed();
    let head = answer.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let id = head.lines().find_map(|line| line.strip_prefix("x-request-id: "));
    Ok(Answer { status, id: id.unwrap_or_default().to_owned(), took })
}

/// Raises the limit of open files. Child processes inherit the limit.
fn raise_file_limit() {
    let needed = CALLERS as u64 + OTHER_FILES;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < needed) {
        let raised = Rlimit { current: Some(needed), maximum };
        setrlimit(Resource::Nofile, raised)
            .unwrap_or_else(|error| panic!("needs {needed} open files: {error}"));
    }
}
