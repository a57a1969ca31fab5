//! Unreadable records, and requests without a result. No record stops a partition.

use std::collections::BTreeMap;

use abacus_schemas::{CacheLevel, ComputeCompleted, ComputeRequested, Outcome, Timestamp, headers};
use abacus_testkit::{
    Isolation, NewRecord, PATIENCE, Position, Record, System, request, wait_until,
};

/// All records go to one partition, so each could block the next.
pub(crate) const PARTITION: i32 = 1;

/// A system, and a topic for replies. All records go to one partition.
pub(crate) struct Setting {
    pub(crate) system: System,
    pub(crate) reply_topic: String,
}

impl Setting {
    pub(crate) fn new() -> Self {
        let system = System::new();
        let reply_topic = format!("abacus.replies.{}", system.name());
        system.kafka.create_topic(&reply_topic, 1);
        Self { system, reply_topic }
    }

    pub(crate) fn record(&self, payload: impl Into<Vec<u8>>) -> NewRecord {
        NewRecord {
            topic: self.system.topics.requested.clone(),
            partition: Some(PARTITION),
            key: b"a key".to_vec(),
            payload: payload.into(),
            headers: vec![("from".to_owned(), b"a stranger".to_vec())],
        }
    }

    pub(crate) fn request(&self, request: &ComputeRequested) -> NewRecord {
        self.record(self.system.events.encode(request))
    }

    /// Adds reply headers with `correlation_id`.
    pub(crate) fn with_reply(&self, mut record: NewRecord, correlation_id: &str) -> NewRecord {
        record.headers.extend([
            (headers::CORRELATION_ID.to_owned(), correlation_id.into()),
            (headers::REPLY_TOPIC.to_owned(), self.reply_topic.clone().into()),
        ]);
        record
    }

    /// Waits for the reply with `correlation_id`.
    #[track_caller]
    pub(crate) fn reply(&self, correlation_id: &str) -> Outcome {
        let mut replies = self.system.kafka.follow(&self.reply_topic, Isolation::Uncommitted);
        let reply = replies.wait_until(&format!("reply {correlation_id}"), PATIENCE, |replies| {
            let mine = |reply: &&Record| reply.header(headers::CORRELATION_ID) == correlation_id;
            replies.iter().find(mine).cloned().ok_or_else(|| format!("{} others", replies.len()))
        });
        self.system.events.completed(&reply).outcome
    }

    /// Waits until the group has committed the end of the partition.
    #[track_caller]
    pub(crate) fn wait_until_done(&self) {
        let System { kafka, topics, .. } = &self.system;
        wait_until("the partition to be done", PATIENCE, || {
            let committed = kafka.committed(self.system.processor_group(), &topics.requested);
            let committed = committed[usize::try_from(PARTITION).unwrap()];
            let end = kafka.end_offsets(&topics.requested)[usize::try_from(PARTITION).unwrap()];
            if committed == Some(end) { Ok(()) } else { Err(format!("{committed:?} of {end}")) }
        });
    }

    /// Asserts that the dead letters equal `expected`, byte for byte, in this order.
    #[track_caller]
    fn assert_dead_letters(&self, expected: &[(NewRecord, Position, &str)]) {
        let mut dead_letters =
            self.system.kafka.scan(&self.system.topics.dead_letter, Isolation::Committed);
        dead_letters.sort_by_key(|dead_letter| {
            dead_letter.header(headers::ORIGIN_OFFSET).parse::<i64>().unwrap()
        });
        assert_eq!(dead_letters.len(), expected.len(), "{dead_letters:?}");
        for (dead_letter, (original, position, class)) in dead_letters.iter().zip(expected) {
            assert_eq!(dead_letter.payload, original.payload);
            assert_eq!(dead_letter.key, original.key);
            assert_eq!(dead_letter.headers[..original.headers.len()], original.headers);
            assert_eq!(dead_letter.header(headers::ERROR_CLASS), *class, "{original:?}");
            assert_ne!(dead_letter.header(headers::ERROR_MESSAGE), "");
            assert_eq!(dead_letter.header(headers::ORIGIN_TOPIC), self.system.topics.requested);
            assert_eq!(
                dead_letter.header(headers::ORIGIN_PARTITION),
                position.partition.to_string()
            );
            assert_eq!(dead_letter.header(headers::ORIGIN_OFFSET), position.offset.to_string());
        }
    }
}

fn good() -> ComputeRequested {
    request("factorial", &[("n", "20")])
}

/// A completion as a processor could write.
pub(crate) fn completion(request: &ComputeRequested) -> ComputeCompleted {
    ComputeCompleted {
        request_id: request.request_id.clone(),
        operation: request.operation.clone(),
        operands: request.operands.clone(),
        requester: request.requester.clone(),
        source: request.source.clone(),
        requested_at: request.requested_at,
        outcome: Outcome::Succeeded { result: "42".to_owned(), digits: 2, bits: 6 },
        completed_at: Timestamp::now(),
        compute_micros: 7,
        cache: CacheLevel::None,
        processor: "tests".to_owned(),
    }
}

const TWENTY_FACTORIAL: &str = "2432902008176640000";

fn is_twenty_factorial(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Succeeded { result, .. } if result == TWENTY_FACTORIAL)
}

/// Values that are not requests, with the expected error class.
fn undecodable(setting: &Setting) -> Vec<(NewRecord, &'static str)> {
    let events = &setting.system.events;
    let valid = events.encode(&good());
    let with_id = |id: u32| {
        let mut bytes = valid.clone();
        bytes[1..5].copy_from_slice(&id.to_be_bytes());
        bytes
    };
    let body = |bytes: &[u8]| [&valid[..5], bytes].concat();
    let completed = events.encode_completed(&completion(&good()));
    let named = |request_id: &str| {
        events.encode(&ComputeRequested { request_id: request_id.to_owned(), ..good() })
    };
    let mut not_utf8 = valid.clone();
    not_utf8[7] = 0xff;
    let payloads = [
        (b"garbage".to_vec(), "malformed"),
        (Vec::new(), "malformed"),
        (valid[..3].to_vec(), "malformed"),
        (valid[..valid.len() / 2].to_vec(), "malformed"),
        ([valid.as_slice(), b"more"].concat(), "malformed"),
        ([&[1], &valid[1..]].concat(), "malformed"),
        (not_utf8, "malformed"),
        // A string with a stated length of 2^62 bytes.
        (body(&[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), "malformed"),
        (with_id(999_999_999), "unknown-schema"),
        (with_id(u32::MAX), "unknown-schema"),
        // The schema id of the other event.
        ([&completed[..5], &valid[5..]].concat(), "unknown-schema"),
        (named(""), "invalid-request-id"),
        (named("no uuid"), "invalid-request-id"),
        (named("\0"), "invalid-request-id"),
    ];
    payloads.into_iter().map(|(payload, class)| (setting.record(payload), class)).collect()
}

#[test]
fn what_is_no_request_is_put_aside_byte_for_byte_and_stops_nothing() {
    let setting = Setting::new();
    let [mut processor, _projector] =
        setting.system.start_all([setting.system.processor(), setting.system.projector()]);
    let producer = setting.system.kafka.producer();
    let mut dead_letters = Vec::new();
    for (number, (poison, class)) in undecodable(&setting).into_iter().enumerate() {
        let poison = setting.with_reply(poison, &format!("poison {number}"));
        dead_letters.push((poison.clone(), producer.produce(&poison), class));
        let good = setting.with_reply(setting.request(&good()), &format!("good {number}"));
        producer.produce(&good);
    }
    for (number, (poison, _, class)) in dead_letters.iter().enumerate() {
        assert!(is_twenty_factorial(&setting.reply(&format!("good {number}"))), "{poison:?}");
        let told = setting.reply(&format!("poison {number}"));
        assert!(matches!(&told, Outcome::Failed { code, .. } if code == class), "{told:?}");
    }
    setting.wait_until_done();
    setting.assert_dead_letters(&dead_letters);
    let counted = processor.count("abacus_processor_dead_letters_total", &[]);
    assert_eq!(counted, dead_letters.len() as u64);
    let rows = setting.system.database.wait_for_log(dead_letters.len(), PATIENCE);
    assert!(rows.iter().all(|row| row.result.as_deref() == Some(TWENTY_FACTORIAL)));
}

/// Requests answered with a failure, by the code of the failure.
fn unanswerable() -> Vec<(ComputeRequested, &'static str)> {
    let mut nul = request("po\0w", &[("ba\0se", "\0"), ("\0", "2")]);
    nul.requester = Some("some\0body".to_owned());
    nul.source.clone_from(&nul.operation);
    let mut long_name = request("pow", &[("base", "2")]);
    long_name.requester = Some("x".repeat(5000));
    long_name.requested_at = Timestamp::from_micros(i64::MIN);
    let mut far_future = request("pow", &[("base", "2"), ("exponent", "1e9")]);
    far_future.requested_at = Timestamp::from_micros(i64::MAX);
    vec![
        (request("no such operation", &[("n", "1")]), "unknown-operation"),
        (request("", &[]), "unknown-operation"),
        (nul, "unknown-operation"),
        (long_name, "missing-operand"),
        (request("factorial", &[("n", "1"), ("m", "2")]), "unexpected-operand"),
        (far_future, "malformed-operand"),
        (request("factorial", &[("n", "\0")]), "malformed-operand"),
        (request("factorial", &[("n", "")]), "malformed-operand"),
        (request("factorial", &[("n", "-1")]), "operand-out-of-range"),
        (request("fibonacci", &[("n", "99999999999999999999999")]), "result-too-large"),
    ]
}

#[test]
fn a_request_that_has_no_result_is_answered_with_the_reason_and_logged() {
    let setting = Setting::new();
    let _services =
        setting.system.start_all([setting.system.processor(), setting.system.projector()]);
    let producer = setting.system.kafka.producer();
    let requests = unanswerable();
    for (number, (request, _)) in requests.iter().enumerate() {
        let record = setting.request(request);
        producer.produce(&setting.with_reply(record, &format!("request {number}")));
    }
    producer.produce(&setting.with_reply(setting.request(&good()), "good"));
    for (number, (request, expected)) in requests.iter().enumerate() {
        let told = setting.reply(&format!("request {number}"));
        let is_told = matches!(&told, Outcome::Failed { code, .. } if code == expected);
        assert!(is_told, "{request:?} is answered {told:?}");
    }
    assert!(is_twenty_factorial(&setting.reply("good")));
    setting.wait_until_done();
    setting.assert_dead_letters(&[]);
    let rows = setting.system.database.wait_for_log(requests.len() + 1, PATIENCE);
    let rows: BTreeMap<_, _> = rows.iter().map(|row| (&row.request_id, row)).collect();
    for (request, code) in &requests {
        let row = rows[&request.request_id];
        assert_eq!(row.error_code.as_deref(), Some(*code));
        assert_eq!(row.operation, request.operation.replace('\0', "\u{fffd}"));
    }
}

#[test]
fn of_requests_with_one_id_each_is_answered_and_the_first_is_completed_and_logged() {
    let setting = Setting::new();
    let [_processor, mut projector] =
        setting.system.start_all([setting.system.processor(), setting.system.projector()]);
    let producer = setting.system.kafka.producer();
    let first = request("pow", &[("base", "7"), ("exponent", "2")]);
    let mut other = request("pow", &[("base", "7"), ("exponent", "3")]);
    other.request_id.clone_from(&first.request_id);
    for (number, request) in [&first, &first, &other].into_iter().enumerate() {
        let record = setting.request(request);
        producer.produce(&setting.with_reply(record, &format!("request {number}")));
    }
    for (number, expected) in ["49", "49"].into_iter().enumerate() {
        let told = setting.reply(&format!("request {number}"));
        assert!(
            matches!(&told, Outcome::Succeeded { result, .. } if result == expected),
            "{told:?}"
        );
    }
    let told = setting.reply("request 2");
    assert!(
        matches!(&told, Outcome::Failed { code, .. } if code == "request-id-conflict"),
        "{told:?}"
    );
    setting.wait_until_done();
    let completed =
        setting.system.kafka.scan(&setting.system.topics.completed, Isolation::Committed);
    assert_eq!(completed.len(), 2, "one completion for each content");
    wait_until("the clash to be counted", PATIENCE, || {
        let labels = [("table", "compute_requested")];
        let clashes = projector.count("abacus_projector_clashes_total", &labels);
        if clashes == 1 { Ok(()) } else { Err(clashes.to_string()) }
    });
    let rows = setting.system.database.wait_for_log(1, PATIENCE);
    assert_eq!(rows[0].operands, first.operands);
    assert_eq!(rows[0].result.as_deref(), Some("49"));
}

#[test]
fn a_reply_that_cannot_be_delivered_stops_nothing() {
    let setting = Setting::new();
    let mut processor = setting.system.start(&setting.system.processor());
    let producer = setting.system.kafka.producer();
    let asking_for = |headers: &[(&str, &[u8])]| {
        let mut record = setting.request(&good());
        record.headers =
            headers.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
        record
    };
    let own = setting.reply_topic.as_bytes();
    let undeliverable = [
        asking_for(&[("correlation-id", b"1"), ("reply-topic", b"abacus.replies.nowhere")]),
        asking_for(&[("correlation-id", b"2"), ("reply-topic", b"abacus.replies./\\\0 ")]),
        asking_for(&[("correlation-id", b"3"), ("reply-topic", &[0xff])]),
        asking_for(&[("reply-topic", own)]),
        asking_for(&[("correlation-id", &[7; 1000]), ("reply-topic", own)]),
        asking_for(&[
            ("correlation-id", b"4"),
            ("reply-topic", own),
            ("reply-partition", &[0, 0, 0, 99]),
        ]),
        asking_for(&[("correlation-id", b"5"), ("reply-topic", own), ("reply-partition", b"x")]),
    ];
    producer.produce_all(&undeliverable);
    producer.produce(&setting.with_reply(setting.request(&good()), "good"));
    assert!(is_twenty_factorial(&setting.reply("good")));
    setting.wait_until_done();
    let completed =
        setting.system.kafka.scan(&setting.system.topics.completed, Isolation::Committed);
    assert_eq!(completed.len(), undeliverable.len() + 1);
    let invalid = processor.count("abacus_processor_replies_total", &[("result", "invalid")]);
    assert_eq!(invalid, 4);
}

#[test]
fn a_request_past_its_deadline_is_answered_without_computing() {
    let setting = Setting::new();
    let mut processor = setting.system.start(&setting.system.processor());
    let producer = setting.system.kafka.producer();
    let mut late = setting.with_reply(setting.request(&good()), "late");
    late.headers.push((headers::DEADLINE_MS.to_owned(), b"1700000000000".to_vec()));
    let mut in_time = setting.with_reply(setting.request(&good()), "in time");
    in_time.headers.push((headers::DEADLINE_MS.to_owned(), b"99999999999999".to_vec()));
    producer.produce_all([&late, &in_time]);
    let told = setting.reply("late");
    assert!(matches!(&told, Outcome::Failed { code, .. } if code == "expired"), "{told:?}");
    assert!(is_twenty_factorial(&setting.reply("in time")));
    assert_eq!(processor.count("abacus_processor_computed_total", &[]), 1);
}

/// The topic's limit includes the batch around the record.
const LARGEST_PAYLOAD: usize = abacus_schemas::topics::MAX_REQUEST_BYTES - 150;

#[test]
fn a_record_as_large_as_the_topic_takes_stops_nothing() {
    let setting = Setting::new();
    let mut processor = setting.system.start(&setting.system.processor());
    let producer = setting.system.kafka.producer();
    let garbage = setting.record(vec![b'x'; LARGEST_PAYLOAD]);
    let position = producer.produce(&garbage);
    let overhead = setting.request(&request("pow", &[("base", "")])).payload.len();
    let base = "9".repeat(LARGEST_PAYLOAD - overhead - 8);
    producer.produce(&setting.request(&request("pow", &[("base", &base)])));
    producer.produce(&setting.with_reply(setting.request(&good()), "good"));
    assert!(is_twenty_factorial(&setting.reply("good")));
    setting.wait_until_done();
    setting.assert_dead_letters(&[(garbage, position, "malformed")]);
    assert_eq!(processor.count("abacus_stream_rewinds_total", &[]), 0);
}

#[test]
fn a_record_that_is_small_on_the_wire_and_huge_when_unpacked_stops_nothing() {
    const HUGE: usize = 12 << 20;
    let setting = Setting::new();
    let [mut processor, _projector] =
        setting.system.start_all([setting.system.processor(), setting.system.projector()]);
    let producer = setting.system.kafka.producer_with_compression("gzip");
    let huge = || "9".repeat(HUGE);
    let mut huge_key = setting.record("garbage");
    huge_key.key = huge().into();
    let mut huge_header = setting.record("garbage");
    huge_header.headers.push(("huge".to_owned(), huge().into()));
    let garbage = [setting.record(huge()), huge_key, huge_header];
    let requests = [
        request("factorial", &[("n", &huge())]),
        request("factorial", &[(&huge(), "1")]),
        request(&huge(), &[]),
        ComputeRequested { source: huge(), ..good() },
        ComputeRequested { requester: Some(huge()), ..good() },
    ];
    let requests: Vec<NewRecord> = requests.iter().map(|r| setting.request(r)).collect();
    for (number, poison) in garbage.iter().chain(&requests).enumerate() {
        producer.produce(poison);
        let good = setting.with_reply(setting.request(&good()), &format!("good {number}"));
        producer.produce(&good);
        assert!(is_twenty_factorial(&setting.reply(&format!("good {number}"))));
        setting.wait_until_done();
    }
    let dead_letters =
        setting.system.kafka.scan(&setting.system.topics.dead_letter, Isolation::Committed);
    assert_eq!(dead_letters.len(), garbage.len());
    let rows = setting.system.database.wait_for_log(garbage.len() + 2 * requests.len(), PATIENCE);
    assert_eq!(
        rows.iter().filter(|row| row.result.is_some()).count(),
        garbage.len() + requests.len()
    );
    assert_eq!(processor.count("abacus_stream_rewinds_total", &[]), 0);
}

/// Characters of an operand above the limit of decoding. Each takes six bytes in JSON, more in total
/// than Postgres takes in a message.
const CONTROL_CHARACTERS: usize = 200_000_000;

#[test]
fn a_record_that_unpacks_to_more_than_the_limit_of_decoding_is_put_aside_by_all() {
    let setting = Setting::new();
    let [mut processor, mut projector] =
        setting.system.start_all([setting.system.processor(), setting.system.projector()]);
    let producer = setting.system.kafka.producer_with_compression("gzip");
    let huge = request("factorial", &[("n", &"\u{1}".repeat(CONTROL_CHARACTERS))]);
    let huge = setting.with_reply(setting.request(&huge), "huge");
    let position = producer.produce(&huge);
    producer.produce(&setting.with_reply(setting.request(&good()), "good"));
    let told = setting.reply("huge");
    assert!(matches!(&told, Outcome::Failed { code, .. } if code == "too-large"), "{told:?}");
    assert!(is_twenty_factorial(&setting.reply("good")));
    setting.wait_until_done();
    let topic = &setting.system.topics.dead_letter;
    let dead_letters = setting.system.kafka.scan(topic, Isolation::Committed);
    let [dead_letter] = &dead_letters[..] else { panic!("{} dead letters", dead_letters.len()) };
    assert_eq!(dead_letter.header(headers::ERROR_CLASS), "too-large");
    assert_eq!(dead_letter.header(headers::ORIGIN_OFFSET), position.offset.to_string());
    assert!(dead_letter.payload.is_empty());
    setting.system.database.wait_for_log(1, PATIENCE);
    let labels = [("reason", "too-large")];
    assert_eq!(projector.count("abacus_projector_skipped_records_total", &labels), 1);
    assert_eq!(processor.count("abacus_stream_rewinds_total", &[]), 0);
}
