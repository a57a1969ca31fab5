//! Headers with the address of the reply, equal to the system's headers.

use rdkafka::Message;
use rdkafka::message::{Header, Headers, OwnedHeaders};

const CORRELATION_ID: &str = "correlation-id";
const REPLY_TOPIC: &str = "reply-topic";
const REPLY_PARTITION: &str = "reply-partition";

/// The address of a reply, and the id of the answered request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReplyTo<'a> {
    pub(crate) correlation_id: &'a [u8],
    pub(crate) topic: &'a str,
    pub(crate) partition: i32,
}

impl<'a> ReplyTo<'a> {
    /// The headers of the request.
    pub(crate) fn to_headers(self) -> OwnedHeaders {
        let partition = self.partition.to_be_bytes();
        OwnedHeaders::new_with_capacity(3)
            .insert(Header { key: CORRELATION_ID, value: Some(self.correlation_id) })
            .insert(Header { key: REPLY_TOPIC, value: Some(self.topic) })
            .insert(Header { key: REPLY_PARTITION, value: Some(&partition) })
    }

    /// Reads the address from the headers of a request. Returns `None` if a header is missing.
    pub(crate) fn of(headers: &'a impl Headers) -> Option<Self> {
        Some(Self {
            correlation_id: value(headers, CORRELATION_ID)?,
            topic: str::from_utf8(value(headers, REPLY_TOPIC)?).ok()?,
            partition: i32::from_be_bytes(value(headers, REPLY_PARTITION)?.try_into().ok()?),
        })
    }

    /// The headers of the reply.
    pub(crate) fn reply_headers(self) -> OwnedHeaders {
        OwnedHeaders::new_with_capacity(1)
            .insert(Header { key: CORRELATION_ID, value: Some(self.correlation_id) })
    }
}

/// Reads the correlation id of a reply.
pub(crate) fn correlation_id(reply: &impl Message) -> Option<u64> {
    let id = value(reply.headers()?, CORRELATION_ID)?;
    Some(u64::from_be_bytes(id.try_into().ok()?))
}

fn value<'a>(headers: &'a impl Headers, name: &str) -> Option<&'a [u8]> {
    headers.iter().find(|header| header.key == name)?.value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_carries_the_address_of_its_reply() {
        let address = ReplyTo { correlation_id: &[7; 8], topic: "replies", partition: 3 };
        assert_eq!(ReplyTo::of(&address.to_headers()), Some(address));
        assert_eq!(ReplyTo::of(&address.reply_headers()), None);
    }
}
