//! Ports and addresses of the parts of a stack.

use anyhow::{Context, Result};

use crate::ports::{self, Holder};
use crate::stack::Stack;
use crate::stack::name::{BENCH, DEV, TEST};

/// Path of the registry's Confluent-compatible API.
pub(super) const REGISTRY_API: &str = "/apis/ccompat/v7";

/// Name of the Postgres superuser, its password, and the first database. The server listens on the
/// loopback interface only.
pub(super) const POSTGRES_NAME: &str = "abacus";

impl Stack {
    /// Returns the port called `name`. Fails before the port is claimed.
    pub(crate) fn port(&self, name: &str) -> Result<u16> {
        self.state.ports.get(name).with_context(|| {
            format!("the stack `{}` has no port for {name} yet: it was never started", self.name())
        })
    }

    /// Claims the port called `name` for the part `part`. A claimed port is kept.
    pub(super) fn claim_port(&mut self, name: &str, part: &str, preferred: u16) -> Result<()> {
        let holder = match self.supervisor().running(part) {
            Some(_) => Holder::Running,
            None => Holder::Stopped,
        };
        self.state.ports.claim(name, preferred, holder, ports::is_free)?;
        self.save()
    }

    pub(crate) fn kafka_bootstrap(&self) -> Result<String> {
        Ok(format!("127.0.0.1:{}", self.port("kafka")?))
    }

    pub(crate) fn registry_url(&self) -> Result<String> {
        Ok(format!("http://127.0.0.1:{}{}", self.port("registry")?, REGISTRY_API))
    }

    pub(crate) fn postgres_url(&self) -> Result<String> {
        self.database_url(POSTGRES_NAME)
    }

    /// Returns the URL of a database of the stack's Postgres, for the superuser.
    pub(super) fn database_url(&self, database: &str) -> Result<String> {
        let port = self.port("postgres")?;
        Ok(format!("postgres://{POSTGRES_NAME}:{POSTGRES_NAME}@127.0.0.1:{port}/{database}"))
    }

    pub(crate) fn redis_url(&self) -> Result<String> {
        Ok(format!("redis://127.0.0.1:{}", self.port("redis")?))
    }

    /// Returns the URL of the Redis for rate limits.
    pub(super) fn limits_url(&self) -> Result<String> {
        Ok(format!("redis://127.0.0.1:{}", self.port("limits")?))
    }

    /// Returns the URL of the first ingress.
    pub(crate) fn ingress_url(&self) -> Result<String> {
        self.url_of_ingress(1)
    }

    /// Returns the URL of an ingress. Numbers start at one.
    pub(crate) fn url_of_ingress(&self, number: u16) -> Result<String> {
        Ok(format!("http://127.0.0.1:{}", self.port(&ingress_port_name(number))?))
    }

    /// Returns the address of a part, for people.
    pub(crate) fn address_of(&self, name: &str) -> Result<String> {
        match name {
            "kafka" => self.kafka_bootstrap(),
            "registry" => self.registry_url(),
            "postgres" => self.postgres_url(),
            "redis" => self.redis_url(),
            "limits" => self.limits_url(),
            _ if name.starts_with("ingress-") => self.url_of_ingress(number_of(name)),
            _ => Ok(format!("http://127.0.0.1:{}/metrics", self.port(&format!("{name}-admin"))?)),
        }
    }

    pub(super) fn claim_server_ports(&mut self) -> Result<()> {
        let preferred = ports_of(self.name());
        self.claim_port("kafka", "kafka", preferred.kafka)?;
        self.claim_port("kafka-controller", "kafka", preferred.kafka_controller)?;
        self.claim_port("registry", "registry", preferred.registry)?;
        self.claim_port("postgres", "postgres", preferred.postgres)?;
        self.claim_port("redis", "redis", preferred.redis)?;
        self.claim_port("limits", "limits", preferred.limits)
    }
}

/// Returns the name of an ingress's port.
pub(super) fn ingress_port_name(number: u16) -> String {
    if number == 1 { "ingress".to_owned() } else { format!("ingress-{number}") }
}

/// Returns the number at the end of a service's name, for example of `processor-2`.
pub(super) fn number_of(name: &str) -> u16 {
    name.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(1)
}

/// Preferred ports of a stack; a port in use is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PreferredPorts {
    pub(super) kafka: u16,
    pub(super) kafka_controller: u16,
    pub(super) registry: u16,
    pub(super) postgres: u16,
    pub(super) redis: u16,
    pub(super) limits: u16,
    pub(super) ingress: u16,
    pub(super) ingress_admin: u16,
    /// Port of the first processor. Further processors take the ports after the projector's port.
    pub(super) processor_admin: u16,
    pub(super) projector_admin: u16,
}

const fn ports_from(base: u16) -> PreferredPorts {
    PreferredPorts {
        kafka: base + 92,
        kafka_controller: base + 93,
        registry: base + 81,
        postgres: base + 432,
        redis: base + 379,
        limits: base + 378,
        ingress: base + 80,
        ingress_admin: base + 180,
        processor_admin: base + 181,
        projector_admin: base + 182,
    }
}

pub(super) fn ports_of(stack: &str) -> PreferredPorts {
    match stack {
        DEV => PreferredPorts {
            kafka: 29_092,
            kafka_controller: 29_093,
            registry: 28_081,
            postgres: 25_432,
            redis: 26_379,
            limits: 26_378,
            ingress: 8080,
            ingress_admin: 9080,
            processor_admin: 9081,
            projector_admin: 9082,
        },
        TEST => ports_from(19_000),
        BENCH => ports_from(20_000),
        _ => ports_from(21_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stacks_of_one_checkout_prefer_different_ports() {
        assert_ne!(ports_of(DEV).kafka, ports_of(TEST).kafka);
        assert_ne!(ports_of(TEST).kafka, ports_of(BENCH).kafka);
        assert_ne!(ports_of(BENCH).kafka, ports_of("mine").kafka);
    }
}
