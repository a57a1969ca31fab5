//! Clients with the reply headers of their frameworks, and producers whose requests get no reply.

mod programs;

use std::thread;
use std::time::Instant;

use abacus_schemas::{ComputeCompleted, ComputeRequested, Outcome, headers};
use abacus_testkit::{Isolation, NewRecord, PATIENCE, Record, System, request, wait_until};

use crate::history::History;
use crate::poison::{Setting, completion};

const OURS: [&str; 3] = ["correlation-id", "reply-topic", "reply-partition"];
const SPRINGS: [&str; 3] = ["kafka_correlationId", "kafka_replyTopic", "kafka_replyPartition"];
const SMALLRYES: [&str; 3] = ["REPLY_CORRELATION_ID", "REPLY_TOPIC", "REPLY_PARTITION"];

/// A topic for replies with three partitions.
fn create_reply_topic(system: &System) -> String {
    let topic = format!("abacus.replies.{}.three", system.name());
    system.kafka.create_topic(&topic, 3);
    topic
}

fn with_headers(mut record: NewRecord, added: &[(&str, &[u8])]) -> NewRecord {
    let added = added.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec()));
    record.headers.extend(added);
    record
}

/// Waits for `count` replies.
#[track_caller]
fn replies(system: &System, topic: &str, count: usize) -> Vec<Record> {
    let mut replies = system.kafka.follow(topic, Isolation::Uncommitted);
    replies.wait_until("the replies", PATIENCE, |records| {
        if records.len() >= count {
            Ok(records.to_vec())
        } else {
            Err(format!("{}", records.len()))
        }
    })
}

fn completions(system: &System) -> Vec<(Record, ComputeCompleted)> {
    let records = system.kafka.scan(&system.topics.completed, Isolation::Committed);
    let event = |record: Record| (record.clone(), system.events.completed(&record));
    records.into_iter().map(event).collect()
}

#[test]
fn every_family_of_clients_is_answered_under_its_own_header_names() {
    let Setting { system, .. } = Setting::new();
    let topic = create_reply_topic(&system);
    let _processor = system.start(&system.processor());
    let producer = system.kafka.producer();
    // SmallRye writes a UUID as text, and NestJS a partition in digits.
    let families: [([&str; 3], &str, &[u8]); 4] = [
        (OURS, "ours", &[0, 0, 0, 1]),
        (SPRINGS, "spring's", &[0, 0, 0, 1]),
        (SPRINGS, "nest's", b"1"),
        (SMALLRYES, "0b5d6f3e-63a1-4a5e-9d6e-2f1c1c1d2e3f", &[0, 0, 0, 1]),
    ];
    for (names, correlation_id, partition) in families {
        let record = NewRecord {
            topic: system.topics.requested.clone(),
            payload: system.events.encode(&request("factorial", &[("n", "20")])),
            ..NewRecord::default()
        };
        producer.produce(&with_headers(
            record,
            &[
                (names[0], correlation_id.as_bytes()),
                (names[1], topic.as_bytes()),
                (names[2], partition),
            ],
        ));
    }
    let replies = replies(&system, &topic, families.len());
    for (names, correlation_id, _) in families {
        let is_meant = |reply: &&Record| reply.key == correlation_id.as_bytes();
        let reply = replies.iter().find(is_meant).unwrap_or_else(|| panic!("{replies:?}"));
        assert_eq!(reply.headers, [(names[0].to_owned(), correlation_id.as_bytes().to_vec())]);
        assert_eq!(reply.position.partition, 1);
    }
}

#[test]
fn the_last_of_repeated_reply_headers_counts() {
    let Setting { system, reply_topic } = Setting::new();
    let _processor = system.start(&system.processor());
    let record = NewRecord {
        topic: system.topics.requested.clone(),
        payload: system.events.encode(&request("factorial", &[("n", "20")])),
        ..NewRecord::default()
    };
    system.kafka.producer().produce(&with_headers(
        record,
        &[
            ("reply-topic", b"nowhere"),
            ("correlation-id", b"first"),
            ("deadline-ms", b"1"),
            ("reply-topic", reply_topic.as_bytes()),
            ("correlation-id", b"last"),
            ("deadline-ms", b"9999999999999"),
        ],
    ));
    let reply = &replies(&system, &reply_topic, 1)[0];
    assert_eq!(reply.headers, [("correlation-id".to_owned(), b"last".to_vec())]);
    assert!(matches!(system.events.completed(reply).outcome, Outcome::Succeeded { .. }));
}

#[test]
fn a_reply_that_is_refused_is_told_on_the_completion() {
    let setting = Setting::new();
    let system = &setting.system;
    let mut processor = system.start(&system.processor());
    let reasons = [
        ("nobody.may.write.here", None, "forbidden"),
        ("abacus.replies.missing", None, "no-such-topic"),
        (setting.reply_topic.as_str(), Some(b"7"), "no-such-partition"),
    ];
    let producer = system.kafka.producer();
    for (topic, partition, reason) in reasons {
        let mut headers =
            vec![("correlation-id", reason.as_bytes()), ("reply-topic", topic.as_bytes())];
        headers.extend(partition.map(|number| ("reply-partition", &number[..])));
        let record = setting.request(&request("factorial", &[("n", "20")]));
        producer.produce(&with_headers(NewRecord { key: reason.into(), ..record }, &headers));
    }
    let history = History::complete(system, PATIENCE);
    assert_eq!(history.completed.len(), reasons.len());
    let mut told: Vec<String> = completions(system)
        .iter()
        .map(|(record, _)| record.header(headers::REPLY_REFUSED).to_owned())
        .collect();
    told.sort();
    let expected = ["forbidden", "no-such-partition", "no-such-topic"];
    assert_eq!(told, expected.map(|reason| format!("refused: {reason}")));
    for reason in expected {
        assert_eq!(processor.count("abacus_processor_replies_total", &[("result", reason)]), 1);
    }
}

#[test]
fn a_flood_of_requests_for_a_missing_reply_topic_takes_no_reply_from_others() {
    // A small queue in place of a large flood.
    let mut setting = Setting::new();
    setting.system.set("ABACUS_KAFKA_PROPERTIES", "queue.buffering.max.messages=1000");
    let Setting { system, reply_topic } = setting;
    let mut processor = system.start(&system.processor());
    let mut ingress = system.start(&system.ingress());
    let producer = system.kafka.producer();
    let flood: Vec<NewRecord> = (0..5000)
        .map(|_| {
            let record = NewRecord {
                topic: system.topics.requested.clone(),
                payload: system.events.encode(&request("pow", &[("base", "2"), ("exponent", "3")])),
                ..NewRecord::default()
            };
            let headers =
                [("correlation-id", &b"x"[..]), ("reply-topic", b"abacus.replies.missing")];
            with_headers(record, &headers)
        })
        .collect();
    producer.produce_all(&flood);
    wait_until("the flood to be refused", PATIENCE, || {
        let labels = [("result", "no-such-topic")];
        let refused = processor.count("abacus_processor_replies_total", &labels);
        if refused >= 2000 { Ok(()) } else { Err(format!("{refused} refused")) }
    });
    let began = Instant::now();
    let client = ingress.http();
    for n in 1000..1020 {
        let answer = client.get(&format!("/v1/fibonacci/{n}"));
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    // A measurement for readers of the output; no time is asserted.
    eprintln!("20 callers after the flood: {:?}", began.elapsed());
    let record = NewRecord {
        topic: system.topics.requested.clone(),
        payload: system.events.encode(&request("factorial", &[("n", "20")])),
        ..NewRecord::default()
    };
    let headers = [("correlation-id", &b"c"[..]), ("reply-topic", reply_topic.as_bytes())];
    producer.produce(&with_headers(record, &headers));
    assert_eq!(replies(&system, &reply_topic, 1)[0].key, b"c");
    assert_eq!(processor.count("abacus_processor_replies_undelivered_total", &[]), 0);
}

#[test]
fn a_request_that_is_written_twice_is_completed_once_and_answered_twice() {
    let setting = Setting::new();
    let system = &setting.system;
    let mut processor = system.start(&system.processor());
    let first = request("factorial", &[("n", "20")]);
    let conflict = ComputeRequested {
        request_id: first.request_id.clone(),
        ..request("factorial", &[("n", "21")])
    };
    let producer = system.kafka.producer();
    for (event, correlation_id) in [(&first, "first"), (&first, "repeat"), (&conflict, "conflict")]
    {
        producer.produce(&setting.with_reply(setting.request(event), correlation_id));
    }
    let result =
        Outcome::Succeeded { result: "2432902008176640000".to_owned(), digits: 19, bits: 62 };
    assert_eq!(setting.reply("first"), result);
    assert_eq!(setting.reply("repeat"), result);
    let Outcome::Failed { code, .. } = setting.reply("conflict") else { panic!("a result") };
    assert_eq!(code, "request-id-conflict");
    setting.wait_until_done();
    let completed: Vec<_> = completions(system).into_iter().map(|(_, event)| event).collect();
    assert_eq!(completed.len(), 2, "{completed:?}");
    assert_eq!((&completed[0].operands, &completed[0].outcome), (&first.operands, &result));
    assert_eq!(completed[1].operands, conflict.operands);
    for kind in ["repeat", "conflict"] {
        let labels = [("kind", kind)];
        assert_eq!(processor.count("abacus_processor_repeated_requests_total", &labels), 1);
    }
}

#[test]
fn a_costly_request_that_is_written_twice_is_completed_once_and_answered_twice() {
    let mut setting = Setting::new();
    setting.system.set("ABACUS_HEAVY_MINIMUM_COST", "10000");
    let system = &setting.system;
    let _processor = system.start(&system.processor());
    let event = request("fibonacci", &[("n", "30001")]);
    let producer = system.kafka.producer();
    for correlation_id in ["first", "repeat"] {
        producer.produce(&setting.with_reply(setting.request(&event), correlation_id));
    }
    assert_eq!(setting.reply("first"), setting.reply("repeat"));
    setting.wait_until_done();
    wait_until("the completion", PATIENCE, || match completions(system).len() {
        1 => Ok(()),
        count => Err(format!("{count} completions")),
    });
    let heavy = system.kafka.scan(&system.topics.requested_heavy, Isolation::Committed);
    assert_eq!(heavy.len(), 2);
}

#[test]
fn a_reply_about_another_request_leaves_the_caller_waiting() {
    let system = System::new();
    let mut ingress = system.start(&system.ingress());
    let client = ingress.http();
    let caller = thread::spawn(move || client.get("/v1/pow/6/7"));
    let mut requests = system.kafka.follow(&system.topics.requested, Isolation::Committed);
    let record = requests.wait_until("the request", PATIENCE, |records| {
        records.first().cloned().ok_or_else(|| "nothing".to_owned())
    });
    let asked = system.events.requested(&record).expect("a request");
    let header = |name: &str| record.headers.iter().find(|(n, _)| n == name).unwrap().1.clone();
    let partition: [u8; 4] = header(headers::REPLY_PARTITION).try_into().unwrap();
    let reply = |event: &ComputeRequested, result: &str| {
        let outcome = Outcome::Succeeded { result: result.to_owned(), digits: 2, bits: 6 };
        let event = ComputeCompleted { outcome, ..completion(event) };
        let correlation_id = (headers::CORRELATION_ID.to_owned(), header(headers::CORRELATION_ID));
        NewRecord {
            topic: system.topics.replies.clone(),
            partition: Some(i32::from_be_bytes(partition)),
            payload: system.events.encode_completed(&event),
            headers: vec![correlation_id],
            ..NewRecord::default()
        }
    };
    let another = request("pow", &[("base", "1"), ("exponent", "11")]);
    let other_operation = ComputeRequested { operation: "factorial".to_owned(), ..asked.clone() };
    let garbage = NewRecord { payload: b"garbage".to_vec(), ..reply(&asked, "") };
    let producer = system.kafka.producer();
    producer.produce_all([&reply(&another, "11"), &reply(&other_operation, "22"), &garbage]);
    producer.produce(&reply(&asked, "42"));
    let answer = caller.join().unwrap();
    assert_eq!((answer.status, answer.json()["result"].as_str()), (200, Some("42")));
    let labels = [("kind", "mismatched")];
    assert_eq!(ingress.count("abacus_ingress_replies_total", &labels), 3);
}
