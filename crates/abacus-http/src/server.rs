//! The HTTP/1.1 server: listens, serves, and drains at a shutdown.
//!
//! A connection is served while it moves (`timeouts`) and while the number of connections is within its limits. The
//! router of the service answers the requests.

mod connection;
mod connections;
mod http_server;
mod listener;
mod timeouts;

pub use connection::close_connection;
pub use http_server::{HttpServer, ServerConfig};
