//! The table of errors: status, code and log level of every error.

use abacus_exchange::Error as ExchangeError;
use abacus_http::problem::{Class, LogLevel, ProblemType};
use abacus_identity::Error as IdentityError;

use super::error::Error;
use super::types::{idempotency, identity, limits, operands, requests, service};
use crate::log::KeyError;
use crate::quotas::Error as QuotaError;
use crate::representation::Error as RepresentationError;
use crate::requests::Error as RequestError;

impl Error {
    /// Returns the row of this error.
    #[rustfmt::skip]
    pub(crate) fn class(&self) -> Class {
        use LogLevel::{Debug, Error, Warn};
        match self {
            Self::Requests(error) => match error {
                RequestError::Refused(refusal) => refused(refusal.code()),
                RequestError::ComputationFailed { code, .. } => failed(code),
                RequestError::Quota(error) => quota(error),
                RequestError::Exchange(error) => exchange(error),
                RequestError::NoSuchComputation { .. } => requests::NO_SUCH_COMPUTATION.silent(),
                RequestError::LogBehind { .. } => service::REQUEST_LOG_BEHIND.logged(Debug),
                RequestError::Log(_) => service::REQUEST_LOG_UNAVAILABLE.logged(Warn),
                RequestError::KeyNeedsCredentials => idempotency::IDEMPOTENCY_KEY_NEEDS_CREDENTIALS.silent(),
                RequestError::Key(KeyError::Reused) => idempotency::IDEMPOTENCY_KEY_REUSED.silent(),
                RequestError::Key(KeyError::Unavailable(_) | KeyError::Unsearchable(_)) => idempotency::IDEMPOTENCY_UNAVAILABLE.logged(Warn),
            },
            Self::Representation(error) => match error {
                RepresentationError::TooLongForHex { .. } => requests::TOO_LONG_FOR_HEX.silent(),
                RepresentationError::NoSuchRange { .. } => requests::NO_SUCH_RANGE.silent(),
                RepresentationError::PreconditionFailed => requests::PRECONDITION_FAILED.silent(),
                RepresentationError::ConversionFailed => service::INTERNAL.silent(),
            },
            Self::Identity(error) => match error {
                IdentityError::Unauthenticated => identity::UNAUTHENTICATED.silent(),
                IdentityError::InvalidCredentials(_) => identity::INVALID_CREDENTIALS.silent(),
                IdentityError::WrongCredentials => identity::WRONG_CREDENTIALS.silent(),
                IdentityError::WrongPassword => identity::WRONG_PASSWORD.silent(),
                IdentityError::AccountDisabled => identity::ACCOUNT_DISABLED.silent(),
                IdentityError::AdminsOnly => identity::ADMINS_ONLY.silent(),
                IdentityError::RoleNotAllowed => identity::ROLE_NOT_ALLOWED.silent(),
                IdentityError::RegistrationClosed => identity::REGISTRATION_CLOSED.silent(),
                IdentityError::SessionRequired => identity::SESSION_REQUIRED.silent(),
                IdentityError::NameTaken { .. } => identity::NAME_TAKEN.silent(),
                IdentityError::LastAdmin { .. } => identity::LAST_ADMIN.silent(),
                IdentityError::TooManyKeys { .. } => identity::TOO_MANY_KEYS.silent(),
                IdentityError::MalformedName => identity::MALFORMED_NAME.silent(),
                IdentityError::WeakPassword(_) => identity::WEAK_PASSWORD.silent(),
                IdentityError::MalformedLabel => identity::MALFORMED_LABEL.silent(),
                IdentityError::NothingToChange => identity::NOTHING_TO_CHANGE.silent(),
                IdentityError::NoSuchUser { .. } => identity::NO_SUCH_USER.silent(),
                IdentityError::NoSuchKey { .. } => identity::NO_SUCH_KEY.silent(),
                IdentityError::Busy => identity::SIGN_IN_BUSY.logged(Debug),
                IdentityError::Stale => identity::IDENTITY_STALE.logged(Debug),
                IdentityError::Unavailable(_) => identity::IDENTITY_UNAVAILABLE.logged(Warn),
                IdentityError::Internal(_) => service::INTERNAL.logged(Error),
            },
            Self::Plain(problem, _) => problem.silent(),
            Self::OperandType { .. } => operands::MALFORMED_OPERAND.silent(),
            Self::RepeatedOperand { .. } => operands::REPEATED_OPERAND.silent(),
            Self::BatchSize { .. } => requests::BATCH_SIZE.silent(),
            Self::BodyTooLarge { .. } => requests::BODY_TOO_LARGE.silent(),
            Self::UrlTooLong { .. } => limits::URL_TOO_LONG.silent(),
            Self::HeadersTooLarge { .. } => limits::HEADERS_TOO_LARGE.silent(),
            Self::TooManyConnections => limits::TEMPORARY_REDUCED_CAPACITY.silent(),
            Self::InvalidParameter { .. } => requests::INVALID_PARAMETER.silent(),
        }
    }
}

fn exchange(error: &ExchangeError) -> Class {
    use LogLevel::{Debug, Error, Warn};
    match error {
        ExchangeError::Full => service::TOO_MANY_WAITING.logged(Debug),
        ExchangeError::Unreachable => service::EVENT_LOG_UNREACHABLE.logged(Debug),
        ExchangeError::QueueFull => service::QUEUE_FULL.logged(Debug),
        ExchangeError::TooLarge => requests::REQUEST_TOO_LARGE.silent(),
        ExchangeError::NotSent(_) => service::NOT_SENT.logged(Error),
        ExchangeError::NotWritten { .. } => service::NOT_WRITTEN.logged(Warn),
        ExchangeError::Unconfirmed => service::UNCONFIRMED.logged(Warn),
        ExchangeError::Encode(_) => service::INTERNAL.logged(Error),
        ExchangeError::UnreadableReply(_) | ExchangeError::MismatchedReply => {
            service::UNREADABLE_REPLY.logged(Error)
        }
        ExchangeError::UnknownReplySchema(_) => service::UNKNOWN_REPLY_SCHEMA.logged(Error),
    }
}

fn quota(error: &QuotaError) -> Class {
    match error {
        QuotaError::QuotaExceeded { .. } | QuotaError::TooManyAtOnce { .. } => {
            limits::QUOTA_EXCEEDED.silent()
        }
        QuotaError::Overloaded { .. } | QuotaError::OutOfMemory => {
            limits::TEMPORARY_REDUCED_CAPACITY.silent()
        }
    }
}

/// Returns the class of a request refused by validation, in the ingress or in the processor.
fn refused(code: &str) -> Class {
    refusal(code).unwrap_or(operands::REFUSED).silent()
}

/// Returns the class of a failure in the processor's answer. The processor's codes are an open set.
fn failed(code: &str) -> Class {
    match refusal(code) {
        Some(problem) => problem.silent(),
        None if code == service::EXPIRED.code() => service::EXPIRED.logged(LogLevel::Warn),
        None => service::COMPUTATION_FAILED.logged(LogLevel::Error),
    }
}

/// Returns the problem type with the code of a refusal.
fn refusal(code: &str) -> Option<&'static ProblemType> {
    let known = [
        operands::UNKNOWN_OPERATION,
        operands::MISSING_OPERAND,
        operands::UNEXPECTED_OPERAND,
        operands::MALFORMED_OPERAND,
        operands::OPERAND_OUT_OF_RANGE,
        operands::RESULT_TOO_LARGE,
    ];
    known.into_iter().find(|problem| problem.code() == code)
}

#[cfg(test)]
mod tests;
