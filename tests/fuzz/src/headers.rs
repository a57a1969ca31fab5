//! Random headers: of callers that wait for a reply, of traces, of this project, and of nobody.

use abacus_testkit::Random;

use crate::avro::random_bytes;

/// A header; the value may be missing.
pub(crate) type Header = (String, Option<Vec<u8>>);

/// Names of the correlation id, the topic and the partition of a reply, by family of clients.
const FAMILIES: [[&str; 3]; 3] = [
    ["correlation-id", "reply-topic", "reply-partition"],
    ["kafka_correlationId", "kafka_replyTopic", "kafka_replyPartition"],
    ["REPLY_CORRELATION_ID", "REPLY_TOPIC", "REPLY_PARTITION"],
];

const OTHERS: [&str; 12] = [
    "traceparent",
    "tracestate",
    "deadline-ms",
    "abacus-signature",
    "abacus-content-digest",
    "abacus-replayed-from",
    "abacus-reply",
    "abacus-repeat",
    "origin-offset",
    "error-class",
    "value.schemaId",
    "",
];

/// Topics that a stranger may name for replies.
#[derive(Clone, Debug)]
pub(crate) struct ReplyTopics {
    /// A topic that exists, and is allowed.
    pub(crate) existing: String,
    /// The topic of the ingress.
    pub(crate) of_ingress: String,
}

/// The correlation id of the honest caller `number`.
pub(crate) fn correlation_of_caller(number: u64) -> String {
    format!("honest-{number}")
}

/// Hostile headers of a request.
pub(crate) fn hostile(random: &mut Random, topics: &ReplyTopics) -> Vec<Header> {
    let mut headers = Vec::new();
    for _ in 0..random.below(3) {
        reply_headers(random, topics, &mut headers);
    }
    for _ in 0..random.below(6) {
        let name = (*random.one_of(&OTHERS)).to_owned();
        headers.push((name, Some(value(random))));
    }
    if random.below(20) == 0 {
        let many = random.between(100, 600);
        headers.extend((0..many).map(|n| (format!("h{n}"), Some(n.to_be_bytes().to_vec()))));
    }
    for header in &mut headers {
        if random.below(12) == 0 {
            header.1 = None;
        }
    }
    if random.below(4) == 0 {
        random.shuffle(&mut headers);
    }
    headers
}

/// Reply headers of a family, complete or not, some of them twice.
fn reply_headers(random: &mut Random, topics: &ReplyTopics, headers: &mut Vec<Header>) {
    let [correlation, topic, partition] = *random.one_of(&FAMILIES);
    if random.below(8) != 0 {
        headers.push((correlation.to_owned(), Some(correlation_id(random))));
    }
    if random.below(8) != 0 {
        headers.push((topic.to_owned(), Some(reply_topic(random, topics))));
    }
    if random.below(2) == 0 {
        headers.push((partition.to_owned(), Some(reply_partition(random))));
    }
    if random.below(6) == 0
        && let Some(repeated) = headers.last().cloned()
    {
        headers.push(repeated);
    }
}

fn correlation_id(random: &mut Random) -> Vec<u8> {
    match random.below(4) {
        0 => Vec::new(),
        1 => vec![7; 300],
        2 => random_bytes(random, 40),
        _ => format!("fuzz-{}", random.bits()).into_bytes(),
    }
}

fn reply_topic(random: &mut Random, topics: &ReplyTopics) -> Vec<u8> {
    match random.below(8) {
        0 => random_bytes(random, 300),
        1 => b"a.topic.of.others".to_vec(),
        2 => format!("abacus.replies.missing-{}", random.below(5)).into_bytes(),
        3 => topics.of_ingress.clone().into_bytes(),
        4 => b"abacus.replies./\\ \0".to_vec(),
        _ => topics.existing.clone().into_bytes(),
    }
}

fn reply_partition(random: &mut Random) -> Vec<u8> {
    match random.below(6) {
        0 => 0_i32.to_be_bytes().to_vec(),
        1 => b"0".to_vec(),
        2 => 99_i32.to_be_bytes().to_vec(),
        3 => b"2147483648".to_vec(),
        4 => (-1_i32).to_be_bytes().to_vec(),
        _ => random_bytes(random, 10),
    }
}

fn value(random: &mut Random) -> Vec<u8> {
    const VALUES: [&str; 12] = [
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        "vendor=1,other=2",
        "9999999999999",
        "9223372036854775807",
        "-9223372036854775808",
        "1",
        "soon",
        "0:0",
        "\0",
        "",
    ];
    match random.below(4) {
        0 => random_bytes(random, 64),
        1 => vec![b'x'; usize::try_from(random.below(30_000)).unwrap()],
        _ => random.one_of(&VALUES).as_bytes().to_vec(),
    }
}
