//! Problem documents (RFC 9457): types, classes, documents, and their description in OpenAPI.
//!
//! A service declares the rows of its problem types with [`problem_types!`](crate::problem_types!), one module for each
//! section, and lists the sections with [`problem_sections!`](crate::problem_sections!). Each error of the service maps
//! to a [`Class`], which only a row can make.

mod document;
mod problem_type;
pub mod responses;

/// For [`problem_types!`](crate::problem_types!).
#[doc(hidden)]
pub use axum::http::StatusCode;
pub use document::{MEDIA_TYPE, Problem, cut};
pub use problem_type::{Class, LogLevel, ProblemType, Retry};
pub use responses::On;
