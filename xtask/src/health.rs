//! Health checks of the parts of a stack.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::command;
use crate::http;

const LIMIT: Duration = Duration::from_secs(2);

/// Health check of a part.
#[derive(Debug, Clone)]
pub(crate) enum Health {
    /// Healthy if a GET of the path answers 200.
    Http { port: u16, path: &'static str },
    /// Healthy if Redis answers PING.
    RedisPing { port: u16 },
    /// Healthy if the log of this run contains `text` and the port accepts connections.
    Announced { port: u16, log: PathBuf, text: &'static str },
    /// Healthy if the program succeeds.
    Program { program: PathBuf, arguments: Vec<String> },
}

impl Health {
    /// Checks once. The error is a reason for the user.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self {
            Self::Http { port, path } => check_http(*port, path),
            Self::RedisPing { port } => check_redis(*port),
            Self::Announced { port, log, text } => {
                let text_so_far = fs::read(log).unwrap_or_default();
                if !String::from_utf8_lossy(&text_so_far).contains(text) {
                    return Err("starting".to_owned());
                }
                connect(*port).map(|_| ())
            }
            Self::Program { program, arguments } => {
                let is_up = command::succeeds(Command::new(program).args(arguments));
                is_up.then_some(()).ok_or_else(|| "starting".to_owned())
            }
        }
    }
}

fn check_http(port: u16, path: &str) -> Result<(), String> {
    let response = http::Request::get(path).send(port, LIMIT).map_err(|error| error.to_string())?;
    match response.status {
        200 => Ok(()),
        status => Err(format!("{path} answers {status}: {}", response.body.trim())),
    }
}

fn check_redis(port: u16) -> Result<(), String> {
    let mut stream = connect(port)?;
    let mut answer = [0; 7];
    let mut ask = || -> std::io::Result<()> {
        stream.set_read_timeout(Some(LIMIT))?;
        stream.write_all(b"PING\r\n")?;
        stream.read_exact(&mut answer)
    };
    ask().map_err(|error| error.to_string())?;
    (&answer == b"+PONG\r\n").then_some(()).ok_or_else(|| "does not answer PING".to_owned())
}

fn connect(port: u16) -> Result<TcpStream, String> {
    TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), LIMIT)
        .map_err(|_| format!("nothing answers on port {port}"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn server_that_says(answer: &'static [u8]) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 512]).unwrap();
            stream.write_all(answer).unwrap();
        });
        port
    }

    #[test]
    fn a_service_that_is_not_ready_gives_its_reason() {
        let port = server_that_says(b"HTTP/1.0 503 No\r\n\r\n{\"kafka\":\"connecting\"}");
        let reason = Health::Http { port, path: "/readyz" }.check().unwrap_err();
        assert!(reason.contains("503") && reason.contains("connecting"), "{reason}");
    }

    #[test]
    fn only_a_pong_makes_a_redis() {
        let port = server_that_says(b"+PONG\r\n");
        assert_eq!(Health::RedisPing { port }.check(), Ok(()));
        let port = server_that_says(b"-NOAUTH");
        assert!(Health::RedisPing { port }.check().is_err());
    }
}
