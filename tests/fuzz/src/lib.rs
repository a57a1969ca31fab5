#![doc = include_str!("../README.md")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a checker: any failure of its own fails the check; random bits are cut to size"
)]

mod avro;
mod evidence;
mod generator;
mod headers;
mod http_callers;
mod judge;
mod kind;
mod outputs;
mod plan;
mod progress;
mod projected;
mod registrar;
mod report;
mod requests;
mod run;
mod sender;
mod services;
mod shot;
mod verdict;
mod writer_schema;

pub use evidence::Channel;
pub use kind::Kind;
pub use plan::{Length, Plan};
pub use report::Report;
pub use run::run;
pub use verdict::{KindCounts, Verdict, Violation};
