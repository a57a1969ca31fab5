//! The schema registry: Apicurio, with its Confluent-compatible API.
//!
//! The built-in storage is an H2 database in memory. Here the database is a file, so schemas keep
//! their ids over `down` and `up`: records in Kafka contain the ids.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::health::Health;
use crate::stack::{Setup, Stack};
use crate::supervisor::{Launch, Part};

/// Returns the registry of `stack`.
pub(crate) fn part(stack: &Stack, setup: &Setup) -> Result<Part> {
    let data = stack.data("registry");
    fs::create_dir_all(&data)?;
    let port = stack.port("registry")?;
    let jar = setup.dist.registry_jar()?;
    let folder = jar.parent().context("the registry's jar has no folder")?;
    let mut launch = Launch::new(&setup.java, folder)
        .arguments(["-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar"])
        .arguments([&jar]);
    launch.environment = [
        ("QUARKUS_HTTP_HOST", "127.0.0.1".to_owned()),
        ("HTTP_PORT", port.to_string()),
        ("REGISTRY_DATASOURCE_URL", format!("jdbc:h2:file:{}", data.join("registry").display())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec();
    Ok(Part {
        name: "registry".to_owned(),
        address: stack.registry_url()?,
        launch,
        health: health(stack)?,
        start_timeout: Duration::from_secs(90),
    })
}

pub(crate) fn health(stack: &Stack) -> Result<Health> {
    Ok(Health::Http { port: stack.port("registry")?, path: "/apis/ccompat/v7/subjects" })
}
