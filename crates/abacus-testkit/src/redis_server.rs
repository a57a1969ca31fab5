//! A Redis server for one test, to be stopped and started.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;

use crate::ports::free_port;
use crate::process::Process;
use crate::stack::Stack;
use crate::wait::{PATIENCE, wait_until};

/// A `redis-server` without persistence.
#[derive(Debug)]
pub struct RedisServer {
    program: PathBuf,
    arguments: Vec<String>,
    port: u16,
    process: Option<Process>,
}

impl RedisServer {
    /// Starts a server on a free port.
    pub fn start(stack: &Stack) -> Self {
        Self::start_with(stack, &[])
    }

    /// Starts a server with additional arguments on a free port.
    pub fn start_with(stack: &Stack, arguments: &[&str]) -> Self {
        let program = stack.redis_server.clone();
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let mut server = Self { program, arguments, port: free_port(), process: None };
        server.start_again();
        server
    }

    /// URL of the server.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends SIGKILL and waits for the end of the process.
    pub fn stop(&mut self) {
        self.process.take().expect("a running Redis").kill();
    }

    /// Starts an empty server on the previous port.
    pub fn start_again(&mut self) {
        let mut command = Process::command(&self.program);
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no", "--dir", "/"]);
        command.args(&self.arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        self.process = Some(Process::spawn("redis-server", command));
        wait_until("Redis to answer", PATIENCE, || self.connect().map(drop));
    }

    /// Address of the server.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Reads the value of a key.
    pub fn read(&self, key: &str) -> Option<Vec<u8>> {
        redis::cmd("GET").arg(key).query(&mut self.connect().unwrap()).unwrap()
    }

    /// Writes the value of a key. Fails if the memory is full.
    pub fn write(&self, key: &str, value: &[u8]) -> Result<(), String> {
        let mut connection = self.connect()?;
        let written = redis::cmd("SET").arg(key).arg(value).exec(&mut connection);
        written.map_err(|error| error.to_string())
    }

    /// Number of keys.
    pub fn size(&self) -> usize {
        redis::cmd("DBSIZE").query(&mut self.connect().unwrap()).unwrap()
    }

    /// Changes the last byte of every value. Returns the number of values.
    pub fn corrupt(&self) -> usize {
        let mut connection = self.connect().unwrap();
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut connection).unwrap();
        for key in &keys {
            let mut value: Vec<u8> = redis::cmd("GET").arg(key).query(&mut connection).unwrap();
            *value.last_mut().expect("a value") ^= 1;
            redis::cmd("SET").arg(key).arg(value).exec(&mut connection).unwrap();
        }
        keys.len()
    }

    fn connect(&self) -> Result<redis::Connection, String> {
        let client = redis::Client::open(self.url()).unwrap();
        client.get_connection().map_err(|error| error.to_string())
    }
}
