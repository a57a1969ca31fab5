//! The three services and what has to be done before they start.

use std::env;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::command;
use crate::health::Health;
use crate::http;
use crate::progress::Progress;
use crate::stack::Stack;
use crate::stack::addresses::ports_of;
use crate::supervisor::{Launch, Part};
use crate::workspace::{Profile, Workspace};

/// The packages whose binaries a running system is made of.
const PACKAGES: [&str; 5] =
    ["abacus-ingress", "abacus-processor", "abacus-projector", "abacus-migrations", "abacus-admin"];

/// A question whose answer shows that the whole flow works.
const QUESTION: &str = "/v1/fibonacci/100";

/// Compiles the binaries that a system is made of.
pub(crate) fn build(workspace: &Workspace, progress: &Progress, profile: Profile) -> Result<()> {
    progress.section(&format!("build the services ({})", profile.name()), || {
        let mut cargo = workspace.cargo();
        cargo.args(["build", "--bins", "--profile", profile.name()]);
        cargo.args(PACKAGES.iter().flat_map(|package| ["--package", package]));
        command::run(&mut cargo)
    })
}

impl Stack {
    /// The settings by which programs find the servers of this stack.
    pub(crate) fn server_environment(&self) -> Result<Vec<(String, String)>> {
        Ok(vec![
            ("ABACUS_KAFKA_BOOTSTRAP".to_owned(), self.kafka_bootstrap()?),
            ("ABACUS_REGISTRY_URL".to_owned(), self.registry_url()?),
            ("ABACUS_POSTGRES_URL".to_owned(), self.postgres_url()?),
            ("ABACUS_REDIS_URL".to_owned(), self.redis_url()?),
        ])
    }

    /// Applies migrations, topics and schemas to servers that are up.
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

    /// Has the services run, as many processors as the stack is set to, and waits until all are ready.
    pub(crate) fn start_services(&mut self, binaries: &Path, progress: &Progress) -> Result<()> {
        self.stop_surplus_processors()?;
        let preferred = ports_of(self.name());
        self.claim_port("ingress", "ingress-1", preferred.ingress)?;
        let mut parts = vec![
            self.service("projector", 1, preferred.projector_admin, binaries)?,
            self.service("processor", 1, preferred.processor_admin, binaries)?,
        ];
        for number in 2..=self.processors() {
            let port = preferred.projector_admin + number - 1;
            parts.push(self.service("processor", number, port, binaries)?);
        }
        parts.push(self.service("ingress", 1, preferred.ingress_admin, binaries)?);
        self.start(&parts, progress)
    }

    fn stop_surplus_processors(&self) -> Result<()> {
        for name in self.supervisor().started() {
            let number = name.strip_prefix("processor-").and_then(|text| text.parse::<u16>().ok());
            if number.is_some_and(|number| number > self.processors()) {
                self.supervisor().stop(&name)?;
            }
        }
        Ok(())
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
        let mut address = format!("http://127.0.0.1:{port}/metrics");
        if service == "ingress" {
            let listen = format!("127.0.0.1:{}", self.port("ingress")?);
            launch.environment.push(("ABACUS_HTTP_LISTEN".to_owned(), listen));
            address = self.ingress_url()?;
        }
        launch.configuration = settings_of_the_user(&launch.environment);
        let health = health(self, &name)?;
        Ok(Part { name, address, launch, health, patience: Duration::from_mins(1) })
    }

    /// Makes one real computation through HTTP and returns the answer.
    pub(crate) fn ask_a_question(&self, progress: &Progress) -> Result<String> {
        progress.step(&format!("ask {QUESTION}"), |_| ask(self.port("ingress")?))
    }

    /// The line that a user can copy to ask the same.
    pub(crate) fn question_line(&self) -> Result<String> {
        Ok(format!("curl {}{QUESTION}", self.ingress_url()?))
    }
}

/// Every service tells on its admin port whether it is ready.
pub(crate) fn health(stack: &Stack, name: &str) -> Result<Health> {
    Ok(Health::Http { port: stack.port(&format!("{name}-admin"))?, path: "/readyz" })
}

/// Asks the ingress on `port` for a real computation.
pub(crate) fn ask(port: u16) -> Result<String> {
    let response = http::get(port, QUESTION, Duration::from_secs(30))?;
    if response.status != 200 {
        bail!("{QUESTION} answers {}: {}", response.status, response.body.trim());
    }
    Ok(response.body.trim().to_owned())
}

/// Settings in the user's own environment, such as `ABACUS_LOG`, which services inherit. A change of them makes
/// `up` start the services anew; those that `cargo xtask env` prints say nothing new.
fn settings_of_the_user(ours: &[(String, String)]) -> String {
    let mut settings: Vec<String> = env::vars()
        .filter(|(name, _)| name.starts_with("ABACUS_") && name != "ABACUS_URL")
        .filter(|(name, _)| !ours.iter().any(|(known, _)| known == name))
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
        assert!(ask(port).unwrap_err().to_string().contains("Kafka is away"));
    }
}
