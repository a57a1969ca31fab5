//! Problem types and the classes of errors.

use axum::http::StatusCode;

/// A problem type (RFC 9457): status, code, title, and the texts of the type's page.
#[derive(Debug, PartialEq, Eq)]
pub struct ProblemType {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    happened: &'static str,
    remedy: &'static str,
    retry: Retry,
}

/// Effect of repeating the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// An identical answer.
    Useless,
    /// Possibly a result, and no harm.
    Safe,
    /// Possibly a result; the first request may be in progress.
    MayRepeat,
}

/// Log level of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Not logged: an error of the caller, or an error already logged at the source.
    Silent,
    /// For diagnosis: metrics count the error, and under load the error is frequent.
    Debug,
    /// A failure of another system.
    Warn,
    /// A failure of the service.
    Error,
}

/// Status, code, title and log level of an error. Only a [`ProblemType`] makes a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable name for programs, and the end of the problem's `type`.
    pub code: &'static str,
    /// Title of the problem type.
    pub title: &'static str,
    /// Log level of the error.
    pub log: LogLevel,
    /// Prevents construction outside this module.
    made_by_type: MadeByType,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MadeByType;

impl ProblemType {
    /// A problem type. The macro [`problem_types!`](crate::problem_types!) calls this and lists the
    /// type.
    #[doc(hidden)]
    pub const fn new(
        (status, code): (StatusCode, &'static str),
        title: &'static str,
        happened: &'static str,
        remedy: &'static str,
        retry: Retry,
    ) -> Self {
        Self { status, code, title, happened, remedy, retry }
    }

    /// Class of an error caused by the caller.
    pub fn silent(&self) -> Class {
        self.logged(LogLevel::Silent)
    }

    /// Class of an error logged for operators.
    pub fn logged(&self, log: LogLevel) -> Class {
        let Self { status, code, title, .. } = *self;
        Class { status, code, title, log, made_by_type: MadeByType }
    }

    /// HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Stable name for programs.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Title.
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// Cause, in sentences of Markdown.
    pub fn happened(&self) -> &'static str {
        self.happened
    }

    /// Advice for the caller, in sentences of Markdown.
    pub fn remedy(&self) -> &'static str {
        self.remedy
    }

    /// Effect of repeating the request.
    pub fn retry(&self) -> Retry {
        self.retry
    }
}

impl Retry {
    /// Advice for people.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Useless => "No: the same request gets the same answer. Change the request first.",
            Self::Safe => {
                "Yes: nothing was started. Wait as long as `Retry-After` says, and longer each time."
            }
            Self::MayRepeat => {
                "Yes. With the same `Idempotency-Key` the second request stays one with the first. Without a key \
                 the first request may still be computed and recorded besides the second."
            }
        }
    }
}

/// Declares the problem types of a section as constants, and lists the constants in `ALL`.
///
/// Each row has: name, status, code, title, cause, advice and [`Retry`].
#[macro_export]
macro_rules! problem_types {
    ($($name:ident: $status:ident, $code:literal, $title:literal,
        $happened:literal, $remedy:literal, $retry:ident;)*) => {
        $(
            #[doc = $title]
            pub(crate) const $name: &$crate::problem::ProblemType = &$crate::problem::ProblemType::new(
                ($crate::problem::StatusCode::$status, $code),
                $title,
                $happened,
                $remedy,
                $crate::problem::Retry::$retry,
            );
        )*

        /// Every problem type of this section.
        #[allow(dead_code, reason = "a service without sections does not list its types")]
        pub(crate) const ALL: &[&$crate::problem::ProblemType] = &[$($name),*];
    };
}

/// Declares the sections of problem types as modules, with the functions `all` and `find` over the
/// rows.
#[macro_export]
macro_rules! problem_sections {
    ($($section:ident,)+) => {
        $(pub(crate) mod $section;)+

        /// Every problem type, in the order for people.
        pub(crate) fn all() -> impl Iterator<Item = &'static $crate::problem::ProblemType> {
            const SECTIONS: &[&[&$crate::problem::ProblemType]] = &[$($section::ALL),+];
            SECTIONS.iter().copied().flatten().copied()
        }

        /// The problem type with this code.
        pub(crate) fn find(code: &str) -> Option<&'static $crate::problem::ProblemType> {
            all().find(|problem| problem.code() == code)
        }
    };
}
