//! A reply, together with the record that is finished once the fate of the reply is known.

use abacus_kafka::stream::AckHandle;
use abacus_kafka::{OutboundRecord, failpoint};
use abacus_schemas::headers::{REPLY_REFUSED, ReplyTo};

use crate::refusal::Refusal;

/// A reply to send, and the record to finish afterwards.
pub(crate) struct Answer {
    pub(crate) to: Option<ReplyTo>,
    /// Time at which the caller stops waiting, in milliseconds since the Unix epoch.
    pub(crate) deadline_ms: Option<i64>,
    /// Content of the reply; `None` for the content of the completion.
    pub(crate) reply: Option<Vec<u8>>,
    pub(crate) output: Output,
    pub(crate) ack: AckHandle,
}

/// The record to publish for a finished request.
pub(crate) enum Output {
    /// A completion, which tells of a refused reply in a header.
    Completion(OutboundRecord),
    /// A dead letter, which keeps the headers of the original.
    DeadLetter(OutboundRecord),
    /// No record, beside the content of the reply: the request is completed already.
    Nothing(Vec<u8>),
}

impl Output {
    fn payload(&self) -> &[u8] {
        match self {
            Self::Completion(record) | Self::DeadLetter(record) => &record.payload,
            Self::Nothing(payload) => payload,
        }
    }

    fn into_record(self, refusal: Option<Refusal>) -> Option<OutboundRecord> {
        match self {
            Self::Completion(mut record) => {
                if let Some(refusal) = refusal {
                    let value = format!("refused: {}", refusal.as_str()).into_bytes();
                    record.headers.push((REPLY_REFUSED.to_owned(), value));
                }
                Some(record)
            }
            Self::DeadLetter(record) => Some(record),
            Self::Nothing(_) => None,
        }
    }
}

impl Answer {
    pub(super) fn payload(&self) -> &[u8] {
        self.reply.as_deref().unwrap_or_else(|| self.output.payload())
    }

    /// Size of the reply with its key, in bytes.
    pub(super) fn reply_bytes(&self) -> usize {
        self.to.as_ref().map_or(0, |to| to.correlation_id.len()) + self.payload().len()
    }

    /// Finishes the record.
    pub(super) fn finish(self, refusal: Option<Refusal>) {
        failpoint::reach("processor::after_reply");
        self.ack.finish(self.output.into_record(refusal));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_reply_is_told_on_the_completion_alone() {
        let record = || OutboundRecord {
            topic: "topic".into(),
            partition: None,
            key: Vec::new(),
            payload: Vec::new(),
            headers: Vec::new(),
        };
        let headers = |output: Output, refusal| output.into_record(refusal).map(|r| r.headers);
        let told = vec![("abacus-reply".to_owned(), b"refused: no-such-topic".to_vec())];
        let refusal = Some(Refusal::NoSuchTopic);
        assert_eq!(headers(Output::Completion(record()), refusal), Some(told));
        assert_eq!(headers(Output::Completion(record()), None), Some(vec![]));
        assert_eq!(headers(Output::DeadLetter(record()), refusal), Some(vec![]));
        assert_eq!(headers(Output::Nothing(Vec::new()), refusal), None);
    }
}
