//! The HTTP/1.1 server: listens, serves, and drains at a shutdown.
//!
//! The server closes connections without progress (`timeouts`), and refuses connections beyond the
//! limits (`connections`). The router of the service answers the requests.

mod connection;
mod connections;
mod http_server;
mod listener;
mod timeouts;

pub use connection::close_connection;
pub use http_server::{HttpServer, ServerConfig};
