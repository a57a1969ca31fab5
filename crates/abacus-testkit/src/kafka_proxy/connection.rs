//! A client's connection through the proxy.

use std::io::{Read, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use super::frame::Frame;

/// Both ends of a connection.
pub(super) struct Connection {
    client: TcpStream,
    broker: TcpStream,
    /// Correlation id of the request whose answer is held up.
    held: Mutex<Option<[u8; 4]>>,
    /// Receives the broker's answers once the client has lost the connection.
    abandoned: Mutex<Option<Sender<Frame>>>,
}

impl Connection {
    pub(super) fn new(client: TcpStream, broker: TcpStream) -> Self {
        Self { client, broker, held: Mutex::default(), abandoned: Mutex::default() }
    }

    pub(super) fn client_stream(&self) -> impl Read {
        &self.client
    }

    pub(super) fn broker_stream(&self) -> impl Read {
        &self.broker
    }

    /// Passes a request on. Returns whether the broker's end is open.
    pub(super) fn ask(&self, request: &Frame) -> bool {
        (&self.broker).write_all(request.bytes()).is_ok()
    }

    /// Passes an answer on. Returns whether the receiving end is open.
    pub(super) fn answer(&self, answer: Frame) -> bool {
        match &*self.abandoned.lock().unwrap() {
            Some(answers) => answers.send(answer).is_ok(),
            None => (&self.client).write_all(answer.bytes()).is_ok(),
        }
    }

    /// Holds up the answer to a request.
    pub(super) fn hold_answer(&self, correlation: Option<[u8; 4]>) {
        *self.held.lock().unwrap() = correlation;
    }

    /// Returns once whether the answer is held up.
    pub(super) fn holds(&self, answer: &Frame) -> bool {
        self.held.lock().unwrap().take_if(|held| answer.answers(*held)).is_some()
    }

    /// Diverts the broker's further answers from the client.
    pub(super) fn divert_answers(&self) -> Receiver<Frame> {
        let (sender, receiver) = channel();
        *self.abandoned.lock().unwrap() = Some(sender);
        receiver
    }

    /// Closes the client's end alone.
    pub(super) fn lose_client(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
    }

    pub(super) fn close(&self) {
        let _ = (self.client.shutdown(Shutdown::Both), self.broker.shutdown(Shutdown::Both));
    }
}
