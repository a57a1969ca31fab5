//! A TCP proxy with faults.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// The fault of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No fault: bytes pass.
    None,
    /// Open connections are closed, and new ones are closed at once.
    Cut,
    /// Connections stay open, and no byte passes.
    Blackhole,
}

/// A proxy in front of one server.
pub struct FaultProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    fault: Fault,
    /// Both ends of every open connection.
    open: Vec<(TcpStream, TcpStream)>,
    hit: usize,
    is_closed: bool,
}

impl FaultProxy {
    /// A proxy in front of `target`, on a free port.
    pub fn in_front_of(target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = State { fault: Fault::None, open: Vec::new(), hit: 0, is_closed: false };
        let shared = Arc::new(Shared { target, state: Mutex::new(state), changed: Condvar::new() });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if !accepting.take(connection) {
                    return;
                }
            }
        });
        Self { address, shared }
    }

    /// Address of the proxy.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins or ends a fault.
    pub fn set(&self, fault: Fault) {
        let mut state = self.shared.state.lock().unwrap();
        state.fault = fault;
        if fault == Fault::Cut {
            state.hit += state.close_all();
        }
        self.shared.changed.notify_all();
    }

    /// Number of connections hit by a fault: closed, refused, or held with data to send.
    pub fn hits(&self) -> usize {
        self.shared.state.lock().unwrap().hit
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock().unwrap();
        state.is_closed = true;
        state.close_all();
        drop(state);
        self.shared.changed.notify_all();
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn close_all(&mut self) -> usize {
        for (client, server) in &self.open {
            let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
        }
        std::mem::take(&mut self.open).len()
    }
}

impl Shared {
    /// Accepts a new connection. Returns `false` once the proxy is dropped.
    fn take(self: &Arc<Self>, client: TcpStream) -> bool {
        let mut state = self.state.lock().unwrap();
        if state.is_closed {
            return false;
        }
        if state.fault == Fault::Cut {
            state.hit += 1;
            return true;
        }
        let Ok(server) = TcpStream::connect(self.target) else { return true };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        self.pump(&client, &server);
        self.pump(&server, &client);
        state.open.push((client, server));
        true
    }

    fn pump(self: &Arc<Self>, from: &TcpStream, to: &TcpStream) {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let shared = Arc::clone(self);
        thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                shared.hold();
                if to.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        });
    }

    /// Blocks until bytes may pass.
    fn hold(&self) {
        let mut state = self.state.lock().unwrap();
        if state.fault == Fault::Blackhole {
            state.hit += 1;
        }
        while state.fault == Fault::Blackhole && !state.is_closed {
            state = self.changed.wait(state).unwrap();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::time::Duration;

    use super::*;

    /// A server that echoes every line.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || {
                    let mut lines = BufReader::new(stream.try_clone().unwrap());
                    let mut line = String::new();
                    while lines.read_line(&mut line).is_ok_and(|count| count > 0) {
                        (&stream).write_all(line.as_bytes()).unwrap();
                        line.clear();
                    }
                });
            }
        });
        address
    }

    fn ask(stream: &mut TcpStream) -> std::io::Result<usize> {
        stream.write_all(b"hello\n")?;
        stream.read(&mut [0; 16])
    }

    #[test]
    fn bytes_pass_until_it_is_cut_and_again_afterwards() {
        let proxy = FaultProxy::in_front_of(echo());
        let mut stream = TcpStream::connect(proxy.address()).unwrap();
        assert_eq!(ask(&mut stream).unwrap(), 6);
        proxy.set(Fault::Cut);
        assert_eq!(proxy.hits(), 1);
        assert!(!ask(&mut stream).is_ok_and(|count| count > 0));
        let mut refused = TcpStream::connect(proxy.address()).unwrap();
        assert!(!ask(&mut refused).is_ok_and(|count| count > 0));
        assert_eq!(proxy.hits(), 2);
        proxy.set(Fault::None);
        let mut stream = TcpStream::connect(proxy.address()).unwrap();
        assert_eq!(ask(&mut stream).unwrap(), 6);
    }

    #[test]
    fn a_blackhole_holds_bytes_and_lets_them_go_later() {
        let proxy = FaultProxy::in_front_of(echo());
        let mut stream = TcpStream::connect(proxy.address()).unwrap();
        assert_eq!(ask(&mut stream).unwrap(), 6);
        proxy.set(Fault::Blackhole);
        stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        assert!(ask(&mut stream).is_err());
        assert_eq!(proxy.hits(), 1);
        proxy.set(Fault::None);
        stream.set_read_timeout(None).unwrap();
        assert_eq!(stream.read(&mut [0; 16]).unwrap(), 6);
    }
}
