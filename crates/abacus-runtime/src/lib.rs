//! The process scaffold of every Abacus service.
//!
//! A service's `main` is one line, [`run`]: it reads the configuration, sets up logs, serves health
//! and metrics on the admin port, lets the service wire and spawn its tasks, and then waits for a
//! signal or a failure and stops everything in order. What a service is made of is not known here.
//!
//! - [`Environment`] reads settings and reports every problem at once.
//! - [`Runtime`] is the handle through which a service spawns tasks, opens [`ReadinessGate`]s and
//!   registers metrics.
//! - [`metrics!`] declares the metrics of a crate as typed fields.

mod admin;
mod circuit_breaker;
mod config;
mod environment;
mod logging;
pub mod metrics;
mod readiness;
mod run;
mod runtime;
mod setting;
pub mod shared_settings;
mod shutdown;
mod tasks;
mod watchdog;

pub use bytesize::ByteSize;
pub use prometheus;
pub use secrecy::{ExposeSecret, SecretString};

pub use crate::circuit_breaker::{Change, CircuitBreaker};
pub use crate::config::{
    AdminConfig, Config, LogConfig, LogFilter, LogFormat, ServiceConfig, ShutdownConfig,
};
pub use crate::environment::{
    ConfigProblem, ConfigProblems, Effective, EffectiveSetting, Environment, SettingDoc, Source,
};
pub use crate::logging::announce;
pub use crate::readiness::ReadinessGate;
pub use crate::run::{run, settings};
pub use crate::runtime::Runtime;
pub use crate::setting::Setting;
pub use crate::shared_settings::RedisConfig;
pub use crate::shutdown::Shutdown;
pub use crate::tasks::TaskFailure;
