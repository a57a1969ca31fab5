//! The three services: build, preparation of the servers, start, and a sample request.

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::command;
use crate::health::Health;
use crate::http::Request;
use crate::progress::Progress;
use crate::stack::Stack;
use crate::stack::addresses::{ingress_port_name, number_of, ports_of};
use crate::supervisor::{Launch, Part};
use crate::workspace::{Profile, Workspace};

/// Packages of the programs of a system.
const PACKAGES: [&str; 5] =
    ["abacus-ingress", "abacus-processor", "abacus-projector", "abacus-migrations", "abacus-admin"];

/// Distance between the ports of two ingresses. Convention reserves the ports between for the
/// services.
const PORTS_PER_INGRESS: u16 = 4;

/// Sample request; its response proves the whole flow.
const SAMPLE: &str = "/v1/fibonacci/100";

/// Compiles the programs of a system.
pub(crate) fn build(workspace: &Workspace, progress: &Progress, profile: Profile) -> Result<()> {
    progress.section(&format!("build the services ({})", profile.name()), || {
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--bins", "--profile", profile.name()]);
        cargo.args(PACKAGES.iter().flat_map(|package| ["--package", package]));
        command::run(&mut cargo)
    })
}

impl Stack {
    /// Returns the settings with the addresses of the stack's servers.
    pub(crate) fn server_environment(&self) -> Result<Vec<(String, String)>> {
        Ok(vec![
            ("ABACUS_KAFKA_BOOTSTRAP".to_owned(), self.kafka_bootstrap()?),
            ("ABACUS_KAFKA_SESSION_TIMEOUT".to_owned(), "2500ms".to_owned()),
            ("ABACUS_REGISTRY_URL".to_owned(), self.registry_url()?),
            ("ABACUS_POSTGRES_URL".to_owned(), self.postgres_url()?),
            ("ABACUS_REDIS_URL".to_owned(), self.redis_url()?),
        ])
    }

    /// Applies migrations, topics and schemas to the running servers.
    pub(crate) fn prepare_servers(&self, binaries: &Path, progress: &Progress) -> Result<()> {
        let runs: [(&str, &str, &[&str]); 3] = [
            ("apply migrations", "abacus-migrate", &[]),
            ("apply topics", "abacus-admin", &["topics", "apply"]),
            ("register schemas", "abacus-admin", &["schemas", "register"]),
        ];
        for (title, program, arguments) in runs {
            progress.step(title, |step| {
                let mut run = Command::new(binaries.join(program));
                run.args(arguments).envs(self.server_environment()?);
                let log = self.supervisor().log(&title.replace(' ', "-"));
                command::run_logged(&mut run, &log, step)
            })?;
        }
        Ok(())
    }

    /// Starts the services in the configured numbers, stops surplus services, and waits until all
    /// are ready.
    pub(crate) fn start_services(&mut self, binaries: &Path, progress: &Progress) -> Result<()> {
        self.stop_surplus("processor", self.processors())?;
        self.stop_surplus("ingress", self.ingresses())?;
        let preferred = ports_of(self.name());
        let mut parts = vec![
            self.service("projector", 1, preferred.projector_admin, binaries)?,
            self.service("processor", 1, preferred.processor_admin, binaries)?,
        ];
        for number in 2..=self.processors() {
            let port = preferred.projector_admin + number - 1;
            parts.push(self.service("processor", number, port, binaries)?);
        }
        for number in 1..=self.ingresses() {
            parts.push(self.ingress(number, binaries)?);
        }
        self.start(&parts, progress)
    }

    /// Stops the instances of `service` with a number above `wanted`.
    fn stop_surplus(&self, service: &str, wanted: u16) -> Result<()> {
        for name in self.supervisor().started() {
            let is_one = name.strip_prefix(service).is_some_and(|rest| rest.starts_with('-'));
            if is_one && number_of(&name) > wanted {
                self.supervisor().stop(&name)?;
            }
        }
        Ok(())
    }

    /// Returns an ingress. The ports are 8080, 8084 and so on; each ingress has a separate reply
    /// partition.
    fn ingress(&mut self, number: u16, binaries: &Path) -> Result<Part> {
        let preferred = ports_of(self.name());
        let step = PORTS_PER_INGRESS * (number - 1);
        let port_name = ingress_port_name(number);
        self.claim_port(&port_name, &format!("ingress-{number}"), preferred.ingress + step)?;
        let mut part = self.service("ingress", number, preferred.ingress_admin + step, binaries)?;
        let listen = format!("127.0.0.1:{}", self.port(&port_name)?);
        let partition = (number - 1).to_string();
        let settings = [
            ("ABACUS_HTTP_LISTEN", listen),
            ("ABACUS_REPLY_PARTITION", partition),
            ("ABACUS_REDIS_URL", self.limits_url()?),
        ];
        let environment = &mut part.launch.environment;
        environment.extend(settings.map(|(name, value)| (name.to_owned(), value)));
        environment.extend(self.credentials()?.settings());
        if self.state.anonymous {
            environment.push(("ABACUS_ANONYMOUS".to_owned(), "true".to_owned()));
        }
        part.launch.configuration = inherited_settings(environment);
        part.address = self.url_of_ingress(number)?;
        Ok(part)
    }

    fn service(
        &mut self,
        service: &str,
        number: u16,
        admin_port: u16,
        binaries: &Path,
    ) -> Result<Part> {
        let name = format!("{service}-{number}");
        let admin = format!("{name}-admin");
        self.claim_port(&admin, &name, admin_port)?;
        let port = self.port(&admin)?;
        let folder = self.data(service);
        std::fs::create_dir_all(&folder)?;
        let mut launch = Launch::new(binaries.join(format!("abacus-{service}")), &folder);
        launch.environment = self.server_environment()?;
        launch.environment.push(("ABACUS_INSTANCE_ID".to_owned(), name.clone()));
        launch.environment.push(("ABACUS_ADMIN_LISTEN".to_owned(), format!("127.0.0.1:{port}")));
        if service == "processor" {
            launch.environment.push(self.credentials()?.cache_setting());
        } else {
            launch.environment.extend(self.credentials()?.record_settings());
        }
        let address = format!("http://127.0.0.1:{port}/metrics");
        launch.configuration = inherited_settings(&launch.environment);
        let health = health(self, &name)?;
        Ok(Part { name, address, launch, health, start_timeout: Duration::from_mins(1) })
    }

    /// Registers the accounts and sends the sample request to the first ingress. Returns the
    /// response and a `curl` line for this request.
    pub(crate) fn send_sample_request(&self, progress: &Progress) -> Result<(String, String)> {
        self.send_sample_request_to(self.port("ingress")?, progress)
    }

    /// Registers the accounts and sends the sample request, with the ingress on `port`.
    pub(crate) fn send_sample_request_to(
        &self,
        port: u16,
        progress: &Progress,
    ) -> Result<(String, String)> {
        let credentials =
            progress.step("register the accounts", |_| self.register_accounts(port))?;
        let key = credentials.user.api_key.unwrap_or_default();
        let answer = progress.step(&format!("request {SAMPLE}"), |_| send_sample(port, &key))?;
        Ok((answer, curl_line(&format!("http://127.0.0.1:{port}"), &key)))
    }
}

/// Returns the health check of a service: its readiness on the admin port.
pub(crate) fn health(stack: &Stack, name: &str) -> Result<Health> {
    Ok(Health::Http { port: stack.port(&format!("{name}-admin"))?, path: "/readyz" })
}

/// Returns a `curl` line for the sample request to the ingress at `url`.
fn curl_line(url: &str, token: &str) -> String {
    format!("curl -H 'Authorization: Bearer {token}' {url}{SAMPLE}")
}

/// Sends the sample request to the ingress on `port`. Returns the response.
fn send_sample(port: u16, token: &str) -> Result<String> {
    let question = Request::get(SAMPLE).with_token(token);
    let response = question.send(port, Duration::from_secs(30))?;
    if response.status != 200 {
        bail!("{SAMPLE} answers {}: {}", response.status, response.body.trim());
    }
    Ok(response.body.trim().to_owned())
}

/// Variables printed by `cargo xtask env` that are no settings of services.
const PRINTED_BY_ENV: [&str; 3] = ["ABACUS_URL", "ABACUS_TOKEN", "ABACUS_ADMIN_TOKEN"];

/// Returns the settings in the user's environment, for example `ABACUS_LOG`. Services inherit these
/// settings, so a change makes `up` restart the services. Settings of the part itself and the
/// output of `cargo xtask env` do not count.
fn inherited_settings(own: &[(String, String)]) -> String {
    let mut settings: Vec<String> = env::vars()
        .filter(|(name, _)| name.starts_with("ABACUS_") && !PRINTED_BY_ENV.contains(&name.as_str()))
        .filter(|(name, _)| !own.iter().any(|(setting, _)| setting == name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    settings.sort();
    settings.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_not_200_is_an_error_with_its_words() {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 512]).unwrap();
            stream.write_all(b"HTTP/1.0 503 No\r\n\r\nKafka is away").unwrap();
        });
        assert!(send_sample(port, "key").unwrap_err().to_string().contains("Kafka is away"));
    }
}
