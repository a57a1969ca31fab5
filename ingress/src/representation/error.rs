//! Errors of representation.

/// Reason why a computation cannot be given in the requested form, or under the requested condition.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("results of more than {limit} digits are given in decimal only; leave `format` out")]
    TooLongForHex { limit: u64 },
    #[error("the requested range holds no byte of the result; the result has {len} bytes")]
    NoSuchRange { len: usize },
    #[error("the answer has another entity tag, or none; send its strong `ETag`, or no `If-Match`")]
    PreconditionFailed,
    #[error("the server failed during this request")]
    ConversionFailed,
}
