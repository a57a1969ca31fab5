use proptest::prelude::*;

use super::*;
use crate::headers::CORRELATION_ID;

const OURS: [&str; 3] = [CORRELATION_ID, REPLY_TOPIC, REPLY_PARTITION];
const SPRINGS: [&str; 3] = ["kafka_correlationId", "kafka_replyTopic", "kafka_replyPartition"];
const SMALLRYES: [&str; 3] = ["REPLY_CORRELATION_ID", "REPLY_TOPIC", "REPLY_PARTITION"];

fn read(headers: &[(&str, &[u8])]) -> Result<Option<ReplyTo>, InvalidReplyTo> {
    ReplyTo::from_headers(headers.iter().map(|(name, value)| (*name, Some(*value))))
}

fn reply_to(correlation_header: &'static str, partition: i32) -> ReplyTo {
    ReplyTo {
        correlation_id: b"abc".to_vec(),
        correlation_header,
        topic: "replies".to_owned(),
        partition: Some(partition),
    }
}

#[test]
fn no_reply_topic_asks_for_no_reply() {
    assert_eq!(read(&[(CORRELATION_ID, b"abc")]), Ok(None));
}

#[test]
fn the_names_of_every_family_of_clients_say_the_same() {
    for names in [OURS, SPRINGS, SMALLRYES] {
        for (bytes, number) in [
            (&[0, 0, 1, 2][..], 258),
            (b"7", 7),
            (b"12", 12),
            (b"1234", 1234),
            (b"0000000012", 12),
            (&[0, 0, 0, 0], 0),
        ] {
            let reply = read(&[(names[0], b"abc"), (names[1], b"replies"), (names[2], bytes)]);
            assert_eq!(reply, Ok(Some(reply_to(names[0], number))));
        }
    }
}

#[test]
fn the_names_of_the_reply_topic_come_before_the_others() {
    let headers: [(&str, &[u8]); 5] = [
        ("kafka_replyTopic", b"replies"),
        ("kafka_correlationId", b"abc"),
        ("kafka_replyPartition", b"3"),
        (CORRELATION_ID, b"of the gateway"),
        (REPLY_PARTITION, b"9"),
    ];
    assert_eq!(read(&headers), Ok(Some(reply_to("kafka_correlationId", 3))));
}

#[test]
fn names_may_be_mixed() {
    let headers: [(&str, &[u8]); 3] =
        [("REPLY_TOPIC", b"replies"), (CORRELATION_ID, b"abc"), ("kafka_replyPartition", b"3")];
    assert_eq!(read(&headers), Ok(Some(reply_to(CORRELATION_ID, 3))));
}

#[test]
fn the_last_of_repeated_headers_counts() {
    let headers: [(&str, &[u8]); 6] = [
        (REPLY_TOPIC, b"earlier"),
        (CORRELATION_ID, b"earlier"),
        (REPLY_PARTITION, b"garbage"),
        (REPLY_TOPIC, b"replies"),
        (CORRELATION_ID, b"abc"),
        (REPLY_PARTITION, &[0, 0, 0, 1]),
    ];
    assert_eq!(read(&headers), Ok(Some(reply_to(CORRELATION_ID, 1))));
    let none = [(REPLY_TOPIC, Some(&b"replies"[..])), (REPLY_TOPIC, None)];
    assert_eq!(ReplyTo::from_headers(none.into_iter()), Ok(None));
}

#[test]
fn an_empty_or_missing_correlation_id_is_refused() {
    assert_eq!(read(&[(REPLY_TOPIC, b"t")]), Err(InvalidReplyTo::CorrelationId));
    assert_eq!(
        read(&[(REPLY_TOPIC, b"t"), (CORRELATION_ID, b"")]),
        Err(InvalidReplyTo::CorrelationId)
    );
}

#[test]
fn a_partition_that_is_not_one_is_refused() {
    for bytes in [&b""[..], b"x", b"-1", b"99999999999", &[255; 4], &[0; 5], &[0; 3]] {
        let headers = [(REPLY_TOPIC, &b"t"[..]), (CORRELATION_ID, b"c"), (REPLY_PARTITION, bytes)];
        assert_eq!(read(&headers), Err(InvalidReplyTo::Partition), "{bytes:?}");
    }
}

proptest! {
    #[test]
    fn the_last_header_wins(
        family in 0..3_usize,
        repeated in prop::collection::vec((0..3_usize, "[a-z]{1,9}"), 0..9),
        last in "[a-z]{1,9}",
    ) {
        let names = [OURS, SPRINGS, SMALLRYES][family];
        let mut headers: Vec<(&str, &[u8])> =
            repeated.iter().map(|(index, value)| (names[*index], value.as_bytes())).collect();
        headers.extend([(names[0], last.as_bytes()), (names[1], last.as_bytes()), (names[2], b"5")]);
        let reply_to = read(&headers).unwrap().unwrap();
        prop_assert_eq!(&reply_to.topic, &last);
        prop_assert_eq!(&reply_to.correlation_id, last.as_bytes());
        prop_assert_eq!(reply_to.partition, Some(5));
    }

    #[test]
    fn any_partition_is_read_in_both_forms(number in 0..=i32::MAX) {
        let digits = number.to_string();
        prop_assert_eq!(partition_number(digits.as_bytes()), Ok(number));
        // Four bytes that are digits too belong to partitions beyond eight hundred million.
        if number < 0x3030_3030 {
            prop_assert_eq!(partition_number(&number.to_be_bytes()), Ok(number));
        }
    }
}
