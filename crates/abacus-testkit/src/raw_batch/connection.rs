//! A connection for one request.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use super::bytes::len;
use crate::wait::BROKER_CALL;

/// Sends a request to the broker. Returns the response.
pub(super) fn exchange(bootstrap: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut socket = TcpStream::connect(bootstrap)?;
    socket.set_read_timeout(Some(BROKER_CALL))?;
    socket.write_all(&len(body).to_be_bytes())?;
    socket.write_all(body)?;
    let mut size = [0; 4];
    socket.read_exact(&mut size)?;
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(size)).unwrap()];
    socket.read_exact(&mut answer)?;
    Ok(answer)
}
