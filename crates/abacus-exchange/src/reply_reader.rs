//! Decodes replies, and reads the request that a reply is about.
//!
//! The correlation id of a reply comes from the headers of some request, and any producer may write
//! a request under the correlation id of another. So the content of a reply must name the request
//! too.

use abacus_schemas::{DecodeError, Decoder, Event};
use uuid::Uuid;

/// Bytes before the first field: the magic byte and the schema id.
const PREFIX_BYTES: usize = 5;

/// The request that a reply is about, by the content of the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplySubject<'a> {
    /// Id of the request.
    pub request_id: &'a str,
    /// Operation of the request; empty if the processor could not read the request.
    pub operation: &'a str,
}

/// Reads the subject of a reply; `None` for replies without a subject, which are not checked.
pub type SubjectOf<R> = fn(&R) -> Option<ReplySubject<'_>>;

/// Decodes and checks replies.
pub struct ReplyReader<R: Event> {
    /// Decodes replies.
    pub decoder: Decoder<R>,
    /// Reads the subject of a decoded reply.
    pub subject: SubjectOf<R>,
}

/// Result of comparing a reply with its correlation id.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The reply is about the request with this operation.
    Operation(String),
    /// The reply is about another request, or is not readable.
    Other,
    /// The subject is not known: the reply has none, or an unknown schema.
    Unknown,
}

impl<R: Event> ReplyReader<R> {
    /// Compares the subject of a reply with the request `id`.
    pub(crate) fn subject(&self, id: Uuid, reply: &[u8]) -> Subject {
        let event = match self.decoder.decode(reply) {
            Ok(event) => event,
            Err(DecodeError::UnknownSchema(_)) => return Subject::Unknown,
            Err(DecodeError::Malformed(_) | DecodeError::TooLarge(_)) => return Subject::Other,
        };
        match (self.subject)(&event) {
            Some(subject) if is_about(id, subject) => Subject::Operation(subject.operation.into()),
            Some(_) => Subject::Other,
            None => Subject::Unknown,
        }
    }

    /// Returns false for a reply about another request than `id`.
    pub(crate) fn is_about(&self, id: Uuid, event: &R) -> bool {
        (self.subject)(event).is_none_or(|subject| is_about(id, subject))
    }
}

fn is_about(id: Uuid, subject: ReplySubject<'_>) -> bool {
    Uuid::try_parse(subject.request_id) == Ok(id)
}

/// Reads the operation of a reply whose first two fields are the request id `id` and the operation,
/// as in the current schema: a comparison of bytes in place of a decoding. Returns `None` for any
/// other reply. In a foreign schema the second field may be another string, so an unexpected
/// operation proves nothing.
pub(crate) fn leading_operation(id: Uuid, reply: &[u8]) -> Option<&str> {
    let fields = reply.get(PREFIX_BYTES..)?;
    let (request_id, fields) = text(fields)?;
    let mut buffer = Uuid::encode_buffer();
    if request_id != id.hyphenated().encode_lower(&mut buffer).as_bytes() {
        return None;
    }
    let (operation, _) = text(fields)?;
    std::str::from_utf8(operation).ok()
}

/// Splits a short Avro string from the front: a zigzag length of one byte, and as many bytes.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let is_short = length & 0x81 == 0;
    is_short.then(|| rest.split_at_checked(usize::from(length / 2))).flatten()
}

#[cfg(test)]
mod tests;
