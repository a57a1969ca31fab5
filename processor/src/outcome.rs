//! The outcome of a job.

use abacus_schemas::{CacheLevel, Outcome};

use crate::cache::Cached;

/// A result or a failure, with its source and cost. Cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct JobOutcome {
    pub(crate) result: Result<Cached, Failure>,
    pub(crate) compute_micros: i64,
    pub(crate) cache: CacheLevel,
}

/// A failed request.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    code: String,
    message: String,
}

impl JobOutcome {
    /// A failure without a computation.
    pub(crate) fn failed(code: &str, message: impl Into<String>) -> Self {
        let failure = Failure { code: code.to_owned(), message: message.into() };
        Self { result: Err(failure), compute_micros: 0, cache: CacheLevel::None }
    }

    /// A result from the cache.
    pub(crate) fn found(result: Cached, cache: CacheLevel) -> Self {
        Self { result: Ok(result), compute_micros: 0, cache }
    }

    /// The outcome for a job that waited for another job's computation.
    pub(crate) fn shared(self) -> Self {
        match self.result {
            Ok(_) => Self { compute_micros: 0, cache: CacheLevel::Memory, ..self },
            Err(_) => self,
        }
    }

    /// The outcome as a member of the completed event.
    pub(crate) fn into_event(self) -> Outcome {
        match self.result {
            Ok(cached) => Outcome::Succeeded {
                result: cached.decimal.to_string(),
                digits: i64::try_from(cached.digits()).unwrap_or(i64::MAX),
                bits: i64::try_from(cached.bits).unwrap_or(i64::MAX),
            },
            Err(Failure { code, message }) => Outcome::Failed { code, message },
        }
    }
}
