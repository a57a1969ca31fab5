//! Protection at the edge of a service: trusted proxies, CORS, security headers, limits of size and
//! time, rules of HTTP/1.1.

pub mod body_guard;
pub mod body_pace;
mod config;
pub mod cors;
pub mod limits;
pub mod message;
pub mod proxies;
pub mod security_headers;

pub use config::EdgeConfig;
