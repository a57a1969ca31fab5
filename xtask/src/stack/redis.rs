//! Two servers of Redis, with bounded memory and empty after a restart: the cache of the processors,
//! and the rate limits of the ingresses. A full cache evicts keys, and an evicted limit would start
//! anew.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::health::Health;
use crate::programs;
use crate::stack::Stack;
use crate::supervisor::{Launch, Part};

/// Name of the cache.
pub(super) const CACHE: &str = "redis";
/// Name of the server for rate limits.
pub(super) const LIMITS: &str = "limits";

/// Returns the server called `name` of `stack`.
pub(crate) fn part(stack: &Stack, name: &str) -> Result<Part> {
    let data = stack.data(name);
    fs::create_dir_all(&data)?;
    let port = stack.port(name)?;
    let program = programs::on_path("redis-server").context("redis-server is not installed")?;
    let (memory, policy) = memory(name);
    let launch = Launch::new(program, &data)
        .arguments(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .arguments(["--save", "", "--appendonly", "no"])
        .arguments(["--maxmemory", memory, "--maxmemory-policy", policy]);
    Ok(Part {
        name: name.to_owned(),
        address: stack.address_of(name)?,
        launch,
        health: health(stack, name)?,
        start_timeout: Duration::from_secs(20),
    })
}

/// Returns the memory of a server, and the policy for a full memory.
fn memory(name: &str) -> (&'static str, &'static str) {
    if name == LIMITS { ("64mb", "noeviction") } else { ("256mb", "allkeys-lru") }
}

pub(crate) fn health(stack: &Stack, name: &str) -> Result<Health> {
    Ok(Health::RedisPing { port: stack.port(name)? })
}
