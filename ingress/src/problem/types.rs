//! Every problem type there is: what it is called, what it means, and what to do about it.
//!
//! **Invariant:** a [`Class`] is made of a row of these tables, and a row is in [`all`] by being
//! written: no error can get out that has no page under `/problems/`. Each file of the folder is a
//! section, and each section one line of the registry below.

use axum::http::StatusCode;

use crate::error::LogLevel;

/// A problem type (RFC 9457), as its page describes it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ProblemType {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    happened: &'static str,
    remedy: &'static str,
    retry: Retry,
}

/// What comes of sending the same request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    /// The same answer.
    Useless,
    /// Possibly a result, and no harm.
    Safe,
    /// Possibly a result; the first request may be on its way.
    MayRepeat,
}

/// What an error is to callers and operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) status: StatusCode,
    /// A stable name for programs, and the end of the problem's `type`.
    pub(crate) code: &'static str,
    /// The same for every problem of this code.
    pub(crate) title: &'static str,
    pub(crate) log: LogLevel,
    /// Only a row makes one.
    listed: Listed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listed;

impl ProblemType {
    /// The class of an error that is the caller's affair.
    pub(crate) fn silent(&self) -> Class {
        self.logged(LogLevel::Silent)
    }

    /// The class of an error that operators hear about.
    pub(crate) fn logged(&self, log: LogLevel) -> Class {
        Class { status: self.status, code: self.code, title: self.title, log, listed: Listed }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn title(&self) -> &'static str {
        self.title
    }

    /// What has happened, in whole sentences of Markdown.
    pub(crate) fn happened(&self) -> &'static str {
        self.happened
    }

    /// What the caller can do about it.
    pub(crate) fn remedy(&self) -> &'static str {
        self.remedy
    }

    pub(crate) fn retry(&self) -> Retry {
        self.retry
    }
}

impl Retry {
    /// For people.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Useless => "No: the same request gets the same answer. Change it first.",
            Self::Safe => {
                "Yes: nothing was started. Wait as long as `Retry-After` says, and longer each time."
            }
            Self::MayRepeat => {
                "Yes, and with the same `Idempotency-Key` it stays one request. Without a key the \
                 first one may still be computed and recorded besides the second."
            }
        }
    }
}

/// Every problem type, in the order in which people are shown them.
pub(crate) fn all() -> impl Iterator<Item = &'static ProblemType> {
    SECTIONS.iter().copied().flatten().copied()
}

/// The problem type of that code, if there is one.
pub(crate) fn find(code: &str) -> Option<&'static ProblemType> {
    all().find(|problem| problem.code == code)
}

/// Declares a section's problem types, and lists them.
macro_rules! problem_types {
    ($($name:ident: $status:ident, $code:literal, $title:literal,
        $happened:literal, $remedy:literal, $retry:ident;)*) => {
        $(pub(crate) const $name: &$crate::problem::types::ProblemType =
            &$crate::problem::types::ProblemType {
                status: axum::http::StatusCode::$status,
                code: $code,
                title: $title,
                happened: $happened,
                remedy: $remedy,
                retry: $crate::problem::types::Retry::$retry,
            };)*

        pub(super) const ALL: &[&$crate::problem::types::ProblemType] = &[$($name),*];
    };
}

/// Declares the sections, and lists them.
macro_rules! sections {
    ($($section:ident,)+) => {
        $(pub(crate) mod $section;)+

        const SECTIONS: &[&[&ProblemType]] = &[$($section::ALL),+];
    };
}

sections! {
    operands,
    requests,
    idempotency,
    identity,
    protection,
    service,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_fit_a_path() {
        let codes: BTreeSet<_> = all().map(ProblemType::code).collect();
        assert_eq!(codes.len(), all().count());
        for code in codes {
            assert!(code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{code}");
            assert_eq!(find(code).map(ProblemType::code), Some(code));
        }
    }

    #[test]
    fn every_problem_says_what_happened_and_what_to_do() {
        for problem in all() {
            let status = problem.status;
            assert!(status.is_client_error() || status.is_server_error(), "{problem:?}");
            assert!(
                problem.happened.ends_with('.') && problem.remedy.ends_with('.'),
                "{problem:?}"
            );
            assert!(!problem.title.is_empty() && !problem.title.ends_with('.'), "{problem:?}");
        }
    }

    #[test]
    fn what_is_unavailable_is_worth_another_try() {
        let unavailable = all().filter(|problem| problem.status == StatusCode::SERVICE_UNAVAILABLE);
        for problem in unavailable {
            assert_ne!(problem.retry, Retry::Useless, "{problem:?}");
        }
    }
}
