//! Problem documents (RFC 9457): types, classes, documents, and the description in `OpenAPI`.
//!
//! A service declares the rows of problem types with [`problem_types!`](crate::problem_types!), a
//! module for each section, and lists the sections with
//! [`problem_sections!`](crate::problem_sections!). Each error of the service maps to a [`Class`];
//! only a row makes a class.

mod document;
mod problem_type;
pub mod responses;

/// For [`problem_types!`](crate::problem_types!).
#[doc(hidden)]
pub use axum::http::StatusCode;
pub use document::{Problem, cut};
pub use problem_type::{Class, LogLevel, ProblemType, Retry};
pub use responses::On;
