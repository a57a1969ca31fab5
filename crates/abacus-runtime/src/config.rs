//! Configuration sections of every service, and the traits for reading configurations.

use std::net::SocketAddr;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::environment::Environment;
use crate::setting::Setting;

/// A configuration or a section, read from the environment.
pub trait Config: Sized {
    /// Reads every setting. Problems are recorded in `env`.
    fn read(env: &mut Environment) -> Self;
}

/// The configuration of a whole service.
pub trait ServiceConfig: Config {
    /// Section of the admin server.
    fn admin(&self) -> &AdminConfig;
    /// Section of the logs.
    fn log(&self) -> &LogConfig;
}

/// Settings of the admin server, which serves health and metrics.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    /// Address of the admin server; port 0 takes any free port.
    pub listen: SocketAddr,
}

impl AdminConfig {
    /// Reads the section. The default port differs from service to service.
    pub fn read(env: &mut Environment, default: &'static str) -> Self {
        let meaning = "Address on which /livez, /readyz and /metrics are served";
        Self { listen: env.get("ABACUS_ADMIN_LISTEN", default, meaning) }
    }
}

/// Settings of the logs.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// Format of the lines.
    pub format: LogFormat,
    /// Filter of the logged events.
    pub filter: LogFilter,
}

impl Config for LogConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            format: env.get("ABACUS_LOG_FORMAT", "json", "Format of the log lines: json or text"),
            filter: env.get(
                "ABACUS_LOG",
                "info",
                "Lowest level to log, optionally by module: info,abacus_kafka=debug",
            ),
        }
    }
}

/// Format of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object per line.
    Json,
    /// Text for people at a terminal.
    Text,
}

impl Setting for LogFormat {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("expected `json` or `text`".to_owned()),
        }
    }
}

/// Filter of the logged events, in the syntax of
/// [`EnvFilter`](https://docs.rs/tracing-subscriber/0.3/tracing_subscriber/filter/struct.EnvFilter.html#directives).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    pub(crate) fn directives(&self) -> &str {
        &self.0
    }
}

impl Setting for LogFilter {
    fn parse(text: &str) -> Result<Self, String> {
        match EnvFilter::builder().parse(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err("expected a log filter such as `info,abacus_kafka=debug`".to_owned()),
        }
    }
}

/// Time limits of a shutdown.
#[derive(Clone, Debug)]
pub struct ShutdownConfig {
    /// Time between the failed readiness and the request to the first task to stop.
    pub grace: Duration,
    /// Time between the signal and the forced exit.
    pub timeout: Duration,
}

impl Config for ShutdownConfig {
    fn read(env: &mut Environment) -> Self {
        let config = Self {
            grace: env.get(
                "ABACUS_SHUTDOWN_GRACE",
                "0s",
                "Time between /readyz answering 503 and the stop of intake, for load balancers",
            ),
            timeout: env.get(
                "ABACUS_SHUTDOWN_TIMEOUT",
                "30s",
                "Hard deadline of a shutdown; later the process exits with 1",
            ),
        };
        if config.grace >= config.timeout {
            env.problem("ABACUS_SHUTDOWN_GRACE", "expected less than ABACUS_SHUTDOWN_TIMEOUT");
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grace_as_long_as_the_deadline_is_a_problem() {
        let mut env = Environment::from_pairs([
            ("ABACUS_SHUTDOWN_GRACE", "5s"),
            ("ABACUS_SHUTDOWN_TIMEOUT", "5s"),
        ]);
        let _ = ShutdownConfig::read(&mut env);
        assert!(env.finish().unwrap_err().to_string().contains("ABACUS_SHUTDOWN_GRACE"));
    }

    #[test]
    fn a_filter_that_does_not_parse_is_a_problem() {
        let mut env = Environment::from_pairs([("ABACUS_LOG", "info,x=loud")]);
        let _ = LogConfig::read(&mut env);
        assert!(env.finish().unwrap_err().to_string().contains("ABACUS_LOG"));
    }
}
