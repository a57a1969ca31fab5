//! Protection against floods, slow connections and forged addresses. Other callers notice nothing.
//!
//! The test acts as a trusted proxy and forwards the addresses of different callers.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

use abacus_testkit::{Client, PATIENCE, RedisServer, Response, Service, System, wait_until};

const PROXY: &str = "127.0.0.1";
const PATH: &str = "/v1/pow/2/10";

/// Sends a request as the caller at `address`.
fn ask_as(client: &Client, address: &str) -> Response {
    client.get_with(PATH, ("x-forwarded-for", address))
}

#[track_caller]
fn assert_problem(response: &Response, status: u16, code: &str) {
    assert_eq!(response.status, status, "{}", response.body);
    assert_eq!(response.header("content-type"), "application/problem+json");
    assert_eq!(response.json()["code"], code);
    assert!(!response.header("x-request-id").is_empty());
    assert_eq!(response.header("x-content-type-options"), "nosniff");
}

#[test]
fn two_instances_share_one_allowance() {
    let mut system = System::new();
    system.set("ABACUS_LIMIT_COMPUTE", "20/1h");
    let [mut first, mut second, _processor] = system.start_all([
        system.ingress(),
        system.ingress().set("ABACUS_INSTANCE_ID", format!("{}-ingress-2", system.name())),
        system.processor(),
    ]);
    let clients = [first.http(), second.http()];
    let answers: Vec<Response> =
        (0..30).map(|number: usize| clients[number % 2].get(PATH)).collect();
    let allowed = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(allowed, 20);
    for client in &clients {
        let refused = client.get(PATH);
        assert_problem(&refused, 429, "quota-exceeded");
        assert_eq!(refused.json()["violated-policies"], serde_json::json!(["compute"]));
        let policy = "\"compute\";q=20;w=3600;qu=\"cost-units\"";
        assert_eq!(refused.header("ratelimit-policy"), policy);
        let retry_after = refused.header("retry-after");
        assert_eq!(refused.header("ratelimit"), format!("\"compute\";r=0;t={retry_after}"));
        assert!((1..=180).contains(&retry_after.parse::<u32>().unwrap()), "{retry_after}");
    }
    assert!(answers[0].header("ratelimit").starts_with("\"compute\";r=19;t="));
}

#[test]
fn who_comes_back_when_told_is_let_in() {
    let mut system = System::new();
    system.set("ABACUS_LIMIT_COMPUTE", "2/4s");
    let [mut ingress, _processor] = system.start_all([system.ingress(), system.processor()]);
    let client = ingress.http();
    let refused = wait_until("a refusal", PATIENCE, || match client.get(PATH) {
        refused if refused.status == 429 => Ok(refused),
        other => Err(other.status.to_string()),
    });
    assert!(["1", "2"].contains(&refused.header("retry-after")), "{:?}", refused.headers);
    wait_until("the end of the wait", PATIENCE, || match client.get(PATH) {
        allowed if allowed.status == 200 => Ok(()),
        other => Err(other.body),
    });
}

#[test]
fn without_redis_each_instance_keeps_the_limits_and_computing_goes_on() {
    let mut system = System::new();
    let mut redis = RedisServer::start(&system.stack);
    system.set("ABACUS_REDIS_URL", redis.url());
    system.set("ABACUS_LIMIT_COMPUTE", "50/1h");
    let [mut ingress, _processor] = system.start_all([system.ingress(), system.processor()]);
    let client = ingress.http();
    let ask = |times| (0..times).map(|_| client.get(PATH).status).collect::<Vec<_>>();
    assert_eq!(ask(10), [200; 10]);
    redis.stop();
    assert_eq!(ask(40), [200; 40], "the limit, or computing, did not outlive Redis");
    assert_eq!(ask(5), [429; 5], "what was used before counts for nothing");
    ingress.wait_logged("keeps the rate limits by itself");
    assert_eq!(ingress.count("abacus_ingress_limit_fallbacks_total", &[]), 1);
    assert_eq!(ingress.count("abacus_ingress_limits_local", &[]), 1);

    redis.start_again();
    wait_until("the truth in Redis", PATIENCE, || {
        client.get(PATH);
        match ingress.try_count("abacus_ingress_limits_local", &[]) {
            Some(0) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
}

#[test]
fn only_a_trusted_proxy_says_who_asks() {
    let mut system = System::new();
    system.set("ABACUS_LIMIT_COMPUTE", "5/1h");
    let _processor = system.start(&system.processor());
    let mut open = system.start(&system.ingress());
    let statuses = |ingress: &mut Service| {
        let client = ingress.http();
        (0..10).map(|last| ask_as(&client, &format!("192.0.2.{last}")).status).collect::<Vec<_>>()
    };
    assert_eq!(statuses(&mut open), [200, 200, 200, 200, 200, 429, 429, 429, 429, 429]);
    drop(open);
    let mut behind = system.start(&system.ingress().set("ABACUS_TRUSTED_PROXIES", PROXY));
    assert_eq!(statuses(&mut behind), [200; 10]);
    // The proxy appends the address to the list sent by the caller.
    let client = behind.http();
    let forged = |number: usize| ask_as(&client, &format!("9.9.9.{number}, 198.51.100.7")).status;
    assert_eq!((0..6).map(forged).collect::<Vec<_>>(), [200, 200, 200, 200, 200, 429]);
}

#[test]
fn one_caller_cannot_take_all_waiters() {
    let mut system = System::new();
    system.set("ABACUS_TRUSTED_PROXIES", PROXY);
    system.set("ABACUS_MAX_WAITERS", "10");
    system.set("ABACUS_WAIT", "8s");
    let mut ingress = system.start(&system.ingress());
    let client = ingress.http();
    let waiting: Vec<JoinHandle<Response>> = (0..5)
        .map(|_| {
            let client = client.clone();
            thread::spawn(move || ask_as(&client, "192.0.2.1"))
        })
        .collect();
    wait_for_waiters(&mut ingress, 5);
    let refused = ask_as(&client, "192.0.2.1");
    assert_problem(&refused, 429, "quota-exceeded");
    assert_eq!(
        refused.header("ratelimit-policy"),
        "\"concurrency\";q=5;qu=\"concurrent-requests\""
    );
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(ask_as(&client, "192.0.2.2").status, 202, "another caller was refused too");
    for answer in waiting {
        assert_eq!(answer.join().unwrap().status, 202);
    }
    assert_eq!(ingress.count("abacus_ingress_shed_total", &[("reason", "caller")]), 1);
    assert_eq!(ingress.count("abacus_ingress_in_flight_bytes", &[]), 0);
}

fn wait_for_waiters(ingress: &mut Service, count: u64) {
    wait_until("the waiters", PATIENCE, || match ingress.count("abacus_ingress_waiters", &[]) {
        waiting if waiting == count => Ok(()),
        waiting => Err(waiting.to_string()),
    });
}

/// A flood by one caller, until stopped.
struct Flood {
    stop: Arc<AtomicBool>,
    refused: Arc<AtomicUsize>,
    callers: Vec<JoinHandle<()>>,
}

impl Flood {
    fn start(client: &Client) -> Self {
        let (stop, refused) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let callers = (0..4).map(|_| {
            let (client, stop, refused) = (client.clone(), Arc::clone(&stop), Arc::clone(&refused));
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let is_refused = ask_as(&client, "192.0.2.1").status == 429;
                    refused.fetch_add(usize::from(is_refused), Ordering::Relaxed);
                }
            })
        });
        Self { callers: callers.collect(), stop, refused }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.callers.into_iter().for_each(|caller| caller.join().unwrap());
    }
}

#[test]
fn a_flood_and_slow_connections_are_not_the_others_affair() {
    let mut system = System::new();
    system.set("ABACUS_TRUSTED_PROXIES", PROXY);
    system.set("ABACUS_LIMIT_COMPUTE", "200/1h");
    system.set("ABACUS_HEADER_TIMEOUT", "1s");
    let [mut ingress, _processor] = system.start_all([system.ingress(), system.processor()]);
    let slow: Vec<TcpStream> =
        (0..200).map(|_| send(ingress.address("http"), "GET / HTTP/1.1\r\nx: ")).collect();
    let client = ingress.http();
    let flood = Flood::start(&client);
    wait_until("the flood to be refused", PATIENCE, || {
        let refused = flood.refused.load(Ordering::Relaxed);
        (refused > 100).then_some(()).ok_or_else(|| refused.to_string())
    });
    for number in 0..150 {
        let answer = ask_as(&client, "192.0.2.2");
        assert_eq!(answer.status, 200, "the other caller's request {number}: {}", answer.body);
    }
    let cut: Vec<String> = slow.into_iter().map(read_to_end).collect();
    assert_eq!(cut, vec![String::new(); 200]);
    let ended = [("reason", "head")];
    assert!(ingress.count("abacus_ingress_connections_ended_total", &ended) >= 200);
    flood.stop();
}

/// Opens a connection and sends `text`.
pub(crate) fn send(address: SocketAddr, text: &str) -> TcpStream {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    connection.write_all(text.as_bytes()).unwrap();
    connection
}

pub(crate) fn read_to_end(mut connection: TcpStream) -> String {
    let mut bytes = Vec::new();
    connection.read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn requests_beyond_their_bounds_are_problems() {
    let mut system = System::new();
    system.set("ABACUS_MAX_BODY", "1KiB");
    system.set("ABACUS_BODY_PAUSE", "300ms");
    let mut ingress = system.start(&system.ingress());
    let client = ingress.http();
    let digits = "1".repeat(40_000);
    let long_url = client.get(&format!("/v1/fibonacci?n={digits}"));
    assert_problem(&long_url, 414, "url-too-long");
    let long_header = client.get_with("/v1/operations", ("x-padding", &digits));
    assert_problem(&long_header, 431, "headers-too-large");
    let long_body = client.post("/v1/computations", "application/json", digits);
    assert_problem(&long_body, 413, "body-too-large");

    let head = "POST /v1/computations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let slow = read_to_end(send(
        ingress.address("http"),
        &format!("{head}content-length: 100\r\n\r\n{{\"operation\""),
    ));
    for part in ["HTTP/1.1 408", "application/problem+json", "body-too-slow", "connection: close"] {
        assert!(slow.contains(part), "{slow}");
    }
    // A request too long to read is refused without a document.
    let padding = "x: 1\r\n".repeat(100_000);
    let mut endless = TcpStream::connect(ingress.address("http")).unwrap();
    let _ = endless.write_all(format!("GET / HTTP/1.1\r\n{padding}").as_bytes());
    let mut answer = String::new();
    let _ = endless.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert_eq!(client.get("/v1/operations").status, 200);
}

#[test]
fn only_pages_of_listed_sites_may_use_the_api() {
    let mut system = System::new();
    system.set("ABACUS_CORS_ORIGINS", "https://app.example");
    system.set("ABACUS_HSTS", "365d");
    let mut ingress = system.start(&system.ingress());
    let client = ingress.http();
    let listed = client.get_with("/nothing", ("origin", "https://app.example"));
    assert_problem(&listed, 404, "no-such-path");
    assert_eq!(listed.header("access-control-allow-origin"), "https://app.example");
    let exposed = listed.header("access-control-expose-headers");
    for name in ["location", "retry-after", "ratelimit", "ratelimit-policy", "etag", "x-request-id"]
    {
        assert!(exposed.split(',').any(|known| known == name), "{name}: {exposed}");
    }
    assert_eq!(listed.header("strict-transport-security"), "max-age=31536000");
    let other = client.get_with("/nothing", ("origin", "https://evil.example"));
    assert_eq!(other.header("access-control-allow-origin"), "");

    let preflight = "OPTIONS /v1/computations HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                     origin: https://app.example\r\naccess-control-request-method: POST\r\n\
                     access-control-request-headers: authorization\r\n\r\n";
    let allowed = read_to_end(send(ingress.address("http"), preflight));
    assert!(allowed.starts_with("HTTP/1.1 200"), "{allowed}");
    for part in ["access-control-allow-origin: https://app.example", "authorization", "POST"] {
        assert!(allowed.contains(part), "{allowed}");
    }
}

#[test]
fn requests_under_way_at_the_end_of_the_drain_are_promised_an_answer() {
    let mut system = System::new();
    system.set("ABACUS_HEADER_TIMEOUT", "1h");
    let mut ingress = system.start(&system.ingress());
    let client = ingress.http();
    let waiting: Vec<JoinHandle<Response>> = (0..20)
        .map(|_| {
            let client = client.clone();
            thread::spawn(move || client.get(PATH))
        })
        .collect();
    wait_for_waiters(&mut ingress, 20);
    // The drain does not wait for an incomplete request.
    let half = send(ingress.address("http"), "GET / HTTP/1.1\r\nx: ");
    ingress.terminate();
    for answer in waiting {
        let answer = answer.join().unwrap();
        assert_eq!(answer.status, 202, "{}", answer.body);
        assert_eq!(answer.header("connection"), "close");
        assert!(answer.header("location").starts_with("/v1/computations/"));
    }
    assert_eq!(read_to_end(half), "");
    assert!(!ingress.has_logged("connections were cut"));
}
