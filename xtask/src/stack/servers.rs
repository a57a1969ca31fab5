//! Start and health of the servers of a stack.

use anyhow::Result;

use crate::health::Health;
use crate::progress::Progress;
use crate::stack::{Setup, Stack, kafka, postgres, redis, registry, services};

impl Stack {
    /// Returns the health check of a part.
    pub(crate) fn health_of(&self, name: &str) -> Result<Health> {
        Ok(match name {
            "kafka" => kafka::health(self)?,
            "registry" => registry::health(self)?,
            "postgres" => postgres::health(self)?,
            redis::CACHE | redis::LIMITS => redis::health(self, name)?,
            _ => services::health(self, name)?,
        })
    }

    /// Starts the servers, except running servers, and waits until all are healthy.
    pub(crate) fn start_servers(&mut self, setup: &Setup, progress: &Progress) -> Result<()> {
        self.claim_server_ports()?;
        let parts = progress.step("prepare the servers", |step| {
            let parts = [
                kafka::part(self, setup, step)?,
                registry::part(self, setup)?,
                postgres::part(self, step)?,
                redis::part(self, redis::CACHE)?,
                redis::part(self, redis::LIMITS)?,
            ];
            step.note("");
            Ok(parts)
        })?;
        self.start(&parts, progress)?;
        postgres::ensure_database(self)
    }
}
