//! Kafka headers of requests, replies and dead letters. Reply headers have the names of this
//! project, of Spring and `NestJS`, or of `SmallRye` and Quarkus, so their clients get replies
//! without a change. Of repeated headers the last one counts.

mod names;
mod repeated;
mod reply_to;
mod trace;

pub use names::{
    CONTENT_DIGEST, CORRELATION_ID, DEADLINE_MS, ERROR_CLASS, ERROR_MESSAGE, ORIGIN_OFFSET,
    ORIGIN_PARTITION, ORIGIN_TOPIC, REPEAT, REPLAYED_FROM, REPLY_PARTITION, REPLY_REFUSED,
    REPLY_TOPIC, SIGNATURE, TRACEPARENT, TRACESTATE,
};
pub use repeated::last;
pub use reply_to::{InvalidReplyTo, ReplyTo};
pub use trace::{TraceContext, is_traceparent};

/// Returns `true` for a header of a waiting caller: reply destination or deadline.
pub fn is_wait_header(name: &str) -> bool {
    name == DEADLINE_MS || reply_to::is_reply_header(name)
}

/// Returns the caller's deadline in milliseconds since the Unix epoch; `None` for a missing or
/// invalid header.
pub fn deadline_ms<'a>(headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>) -> Option<i64> {
    std::str::from_utf8(last(headers, DEADLINE_MS)?).ok()?.parse().ok()
}

/// Returns the headers of a request that another lane will answer.
pub fn forwarded(
    reply_to: Option<&ReplyTo>,
    deadline_ms: Option<i64>,
    trace: Option<TraceContext<'_>>,
) -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    let deadline = deadline_ms.map(|moment| (DEADLINE_MS, moment.to_string().into_bytes()));
    let trace = trace.into_iter().flat_map(TraceContext::to_headers);
    let trace = trace.map(|(name, value)| (name, value.to_vec()));
    reply_to.into_iter().flat_map(ReplyTo::to_headers).chain(deadline).chain(trace)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_deadline_is_decimal_digits() {
        let read = |value: &'static [u8]| deadline_ms([(DEADLINE_MS, Some(value))].into_iter());
        assert_eq!(read(b"1700000000000"), Some(1_700_000_000_000));
        assert_eq!(read(b"soon"), None);
        assert_eq!(read(&[255]), None);
    }

    #[test]
    fn the_last_deadline_counts() {
        let read = |values: [&'static [u8]; 2]| {
            deadline_ms(values.into_iter().map(|value| (DEADLINE_MS, Some(value))))
        };
        assert_eq!(read([b"1", b"2"]), Some(2));
        assert_eq!(read([b"1", b"soon"]), None);
    }

    #[test]
    fn what_concerns_a_waiting_caller_is_known_under_every_name() {
        for name in ["deadline-ms", "reply-topic", "kafka_replyTopic", "REPLY_CORRELATION_ID"] {
            assert!(is_wait_header(name), "{name}");
        }
        assert!(!is_wait_header("traceparent") && !is_wait_header("Reply-Topic"));
    }

    #[test]
    fn what_is_forwarded_reads_the_same() {
        let traceparent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = TraceContext::new(traceparent, Some(b"vendor=1"));
        for correlation_header in [CORRELATION_ID, "kafka_correlationId", "REPLY_CORRELATION_ID"] {
            for partition in [None, Some(70_000)] {
                let topic = "replies".to_owned();
                let correlation_id = b"abc".to_vec();
                let reply_to = ReplyTo { correlation_id, correlation_header, topic, partition };
                let sent: Vec<_> = forwarded(Some(&reply_to), Some(17), trace).collect();
                let received = || sent.iter().map(|(name, value)| (*name, Some(value.as_slice())));
                assert_eq!(ReplyTo::from_headers(received()), Ok(Some(reply_to)));
                assert_eq!(deadline_ms(received()), Some(17));
                assert_eq!(TraceContext::from_headers(received()), trace);
            }
        }
        assert_eq!(forwarded(None, None, None).count(), 0);
    }

    proptest! {
        #[test]
        fn any_headers_are_read_without_a_panic(headers in prop::collection::vec(
            (
                prop_oneof![
                    prop::sample::select(vec![
                        "correlation-id", "reply-topic", "reply-partition", "deadline-ms",
                        "traceparent", "tracestate", "kafka_correlationId", "kafka_replyTopic",
                        "kafka_replyPartition", "REPLY_CORRELATION_ID", "REPLY_TOPIC",
                        "REPLY_PARTITION",
                    ]).prop_map(str::to_owned),
                    any::<String>(),
                ],
                prop::option::of(prop::collection::vec(any::<u8>(), 0..300)),
            ),
            0..20,
        )) {
            let read = || headers.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
            let reply_to = ReplyTo::from_headers(read());
            let (deadline, trace) = (deadline_ms(read()), TraceContext::from_headers(read()));
            if let Ok(reply_to) = reply_to {
                let sent: Vec<_> = forwarded(reply_to.as_ref(), deadline, trace).collect();
                let again = || sent.iter().map(|(name, value)| (*name, Some(value.as_slice())));
                prop_assert_eq!(ReplyTo::from_headers(again()), Ok(reply_to));
                prop_assert_eq!(deadline_ms(again()), deadline);
                prop_assert_eq!(TraceContext::from_headers(again()), trace);
            }
        }
    }
}
