//! Redis as a cache: with bounded memory, and empty after a restart.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::health::Health;
use crate::programs;
use crate::stack::Stack;
use crate::supervisor::{Launch, Part};

/// Returns the Redis of `stack`.
pub(crate) fn part(stack: &Stack) -> Result<Part> {
    let data = stack.data("redis");
    fs::create_dir_all(&data)?;
    let port = stack.port("redis")?;
    let program = programs::on_path("redis-server").context("redis-server is not installed")?;
    let launch = Launch::new(program, &data)
        .arguments(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .arguments(["--save", "", "--appendonly", "no"])
        .arguments(["--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"]);
    Ok(Part {
        name: "redis".to_owned(),
        address: stack.redis_url()?,
        launch,
        health: health(stack)?,
        start_timeout: Duration::from_secs(20),
    })
}

pub(crate) fn health(stack: &Stack) -> Result<Health> {
    Ok(Health::RedisPing { port: stack.port("redis")? })
}
