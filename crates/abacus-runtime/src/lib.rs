#![doc = include_str!("../README.md")]

mod admin;
mod circuit_breaker;
mod config;
mod environment;
mod log_limit;
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
pub use crate::log_limit::LogLimit;
pub use crate::logging::announce;
pub use crate::readiness::ReadinessGate;
pub use crate::run::{run, settings};
pub use crate::runtime::Runtime;
pub use crate::setting::{Setting, to_usize};
pub use crate::shared_settings::RedisConfig;
pub use crate::shutdown::Shutdown;
pub use crate::tasks::TaskFailure;
