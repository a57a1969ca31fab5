//! A proxy of the registry that can hide a schema.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use abacus_testkit::{Client, Response};

/// A registry that forwards every call to the real one, except calls for a hidden schema.
pub(crate) struct ForgetfulRegistry {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    forgotten: Option<u32>,
    hides_subjects: bool,
    asked: BTreeMap<u32, usize>,
}

impl ForgetfulRegistry {
    /// Starts a proxy of the registry at `real`.
    pub(crate) fn before(real: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (real, state) = (Client::at(real), Arc::<Mutex<State>>::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (real, state) = (real.clone(), Arc::clone(&shared));
                thread::spawn(move || serve(&connection.unwrap(), &real, &state));
            }
        });
        Self { url, state }
    }

    /// Hides the schema `id`, or no schema.
    pub(crate) fn forget(&self, id: Option<u32>) {
        self.state.lock().unwrap().forgotten = id;
    }

    /// Hides the schemas of all subjects from look-ups, or none.
    pub(crate) fn forget_subjects(&self, hides_subjects: bool) {
        self.state.lock().unwrap().hides_subjects = hides_subjects;
    }

    /// Number of calls for the schema `id`.
    pub(crate) fn asked(&self, id: u32) -> usize {
        self.state.lock().unwrap().asked.get(&id).copied().unwrap_or_default()
    }
}

fn serve(connection: &TcpStream, real: &Client, state: &Mutex<State>) {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut words = line.split(' ');
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return };
    let mut body = vec![0; body_len(&mut reader)];
    reader.read_exact(&mut body).unwrap();
    let (status, body) = answer(method, path, String::from_utf8(body).unwrap(), real, state);
    let head = "content-type: application/json\r\nconnection: close";
    let length = body.len();
    let mut connection = connection;
    write!(connection, "HTTP/1.1 {status} .\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}")
        .unwrap();
}

/// Reads the headers. Returns the length of the body.
fn body_len(reader: &mut impl std::io::BufRead) -> usize {
    let mut length = 0;
    let lines = reader.lines().map(Result::unwrap).take_while(|line| !line.is_empty());
    for line in lines {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    length
}

fn answer(
    method: &str,
    path: &str,
    body: String,
    real: &Client,
    state: &Mutex<State>,
) -> (u16, String) {
    if let Some(id) = path.strip_prefix("/schemas/ids/").and_then(|id| id.parse().ok()) {
        let mut state = state.lock().unwrap();
        *state.asked.entry(id).or_default() += 1;
        if state.forgotten == Some(id) {
            return (404, r#"{"error_code":40403,"message":"Schema not found"}"#.to_owned());
        }
    }
    if method == "POST" && state.lock().unwrap().hides_subjects {
        return (404, r#"{"error_code":40401,"message":"Subject not found"}"#.to_owned());
    }
    let Response { status, body, .. } = match method {
        "GET" => real.get(path),
        _ => real.post(path, "application/vnd.schemaregistry.v1+json", body),
    };
    (status, body)
}
