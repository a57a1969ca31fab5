//! The sections that every service has, and the traits by which configurations are read.

use std::net::SocketAddr;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::environment::Environment;
use crate::setting::Setting;

/// A configuration, or a section of one, that reads itself out of the environment.
pub trait Config: Sized {
    /// Reads every setting; what is wrong is left with `env`.
    fn read(env: &mut Environment) -> Self;
}

/// The configuration of a whole service.
pub trait ServiceConfig: Config {
    /// Where health and metrics are served.
    fn admin(&self) -> &AdminConfig;
    /// What is logged, and how.
    fn log(&self) -> &LogConfig;
}

/// Where health and metrics are served.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    /// The address of the admin server; port 0 takes any free one.
    pub listen: SocketAddr,
}

impl AdminConfig {
    /// Reads the section; each service has a default port of its own.
    pub fn read(env: &mut Environment, default: &'static str) -> Self {
        let meaning = "Address on which /livez, /readyz and /metrics are served";
        Self { listen: env.get("ABACUS_ADMIN_LISTEN", default, meaning) }
    }
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// JSON lines or text.
    pub format: LogFormat,
    /// Which events are logged.
    pub filter: LogFilter,
}

impl Config for LogConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            format: env.get("ABACUS_LOG_FORMAT", "json", "Form of the log lines: json or text"),
            filter: env.get(
                "ABACUS_LOG",
                "info",
                "Least level to log, also by module: info,abacus_kafka=debug",
            ),
        }
    }
}

/// The form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a person at a terminal.
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

/// Which events are logged, in the notation of
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

/// How long a stop may take.
#[derive(Clone, Debug)]
pub struct ShutdownConfig {
    /// From readiness turning red to the first task being asked to stop.
    pub grace: Duration,
    /// From the signal to the forced exit.
    pub timeout: Duration,
}

impl Config for ShutdownConfig {
    fn read(env: &mut Environment) -> Self {
        let config = Self {
            grace: env.get(
                "ABACUS_SHUTDOWN_GRACE",
                "0s",
                "Wait between /readyz answering 503 and the stop of intake, for load balancers",
            ),
            timeout: env.get(
                "ABACUS_SHUTDOWN_TIMEOUT",
                "30s",
                "Hard deadline of a shutdown; past it the process exits with 1",
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
