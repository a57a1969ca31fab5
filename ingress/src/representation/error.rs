//! Why a computation cannot be given in the form that the caller asked for.

/// Why a computation has no representation.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Error {
    #[error("results of more than {limit} digits are given in decimal only; leave `format` away")]
    TooLongForHex { limit: u64 },
    #[error(
        "the result has {len} bytes, and none of them is in the range; `Content-Range` says so"
    )]
    NoSuchRange { len: usize },
    #[error("the server failed while it worked on this request")]
    ConversionFailed,
}
