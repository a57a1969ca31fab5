//! Dead letters as seen by operators, and the outcome of a replay.

use std::collections::BTreeMap;

use abacus_schemas::{ComputeRequested, headers};
use abacus_testkit::{
    Isolation, NewRecord, PATIENCE, Position, Record, Service, System, request, wait_until,
};
use serde_json::Value;

use crate::evolution::{newer_requested, register};
use crate::poison::Setting;
use crate::registry::ForgetfulRegistry;

/// Runs `abacus-admin dead-letters`. Returns the output, and `true` after a success.
#[track_caller]
fn dead_letters(system: &System, arguments: &[&str]) -> (String, bool) {
    let output = system.admin(&[&["dead-letters"], arguments].concat());
    let printed = [output.stdout, output.stderr].concat();
    (String::from_utf8(printed).unwrap(), output.status.success())
}

#[track_caller]
fn replay(system: &System, arguments: &[&str]) -> String {
    let (printed, succeeded) = dead_letters(system, &[&["replay"], arguments].concat());
    assert!(succeeded, "{printed}");
    printed
}

/// Returns the dead letters shown by `list`.
#[track_caller]
fn list(system: &System, arguments: &[&str]) -> Vec<Value> {
    let (printed, succeeded) = dead_letters(system, &[&["list", "--json"], arguments].concat());
    assert!(succeeded, "{printed}");
    let json: Value = serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{e}: {printed}"));
    json["letters"].as_array().unwrap().clone()
}

fn name(record: &Value) -> String {
    format!("{}:{}", record["partition"], record["offset"])
}

fn scan_dead_letters(system: &System) -> Vec<Record> {
    system.kafka.scan(&system.topics.dead_letter, Isolation::Committed)
}

fn requests(system: &System) -> Vec<Record> {
    system.kafka.scan(&system.topics.requested, Isolation::Committed)
}

#[track_caller]
fn wait_for_dead_letters(system: &System, count: usize) -> Vec<Record> {
    wait_until(&format!("{count} dead letters"), PATIENCE, || {
        let records = scan_dead_letters(system);
        if records.len() == count { Ok(records) } else { Err(format!("{records:?}")) }
    })
}

fn header(record: &Record, name: &str) -> Option<String> {
    let (_, value) = record.headers.iter().find(|(found, _)| found == name)?;
    Some(String::from_utf8(value.clone()).unwrap())
}

fn to_requested(system: &System, payload: impl Into<Vec<u8>>) -> NewRecord {
    let headers = [
        ("from", "a stranger"),
        (headers::DEADLINE_MS, "1700000000000"),
        (headers::CORRELATION_ID, "c"),
        (headers::REPLY_TOPIC, &system.topics.replies),
    ];
    NewRecord {
        topic: system.topics.requested.clone(),
        partition: Some(1),
        key: b"a key".to_vec(),
        payload: payload.into(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.into())).to_vec(),
    }
}

/// A dead letter as written by a processor, about a record at `origin`.
fn dead_letter(
    system: &System,
    topic: &str,
    origin: Position,
    payload: impl Into<Vec<u8>>,
) -> NewRecord {
    let (partition, offset) = (origin.partition.to_string(), origin.offset.to_string());
    let headers = [
        ("from", "a stranger"),
        (headers::ORIGIN_TOPIC, topic),
        (headers::ORIGIN_PARTITION, &partition),
        (headers::ORIGIN_OFFSET, &offset),
        (headers::ERROR_CLASS, "malformed"),
        (headers::ERROR_MESSAGE, "no \u{1b}[31mAvro"),
    ];
    NewRecord {
        topic: system.topics.dead_letter.clone(),
        partition: Some(0),
        key: b"a key".to_vec(),
        payload: payload.into(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.into())).to_vec(),
    }
}

const SOMEWHERE: Position = Position { partition: 2, offset: 7 };

/// Registers a newer schema, and encodes a request with it.
fn newer(system: &System, request: &ComputeRequested) -> (u32, Vec<u8>) {
    let registered = register(system, &system.topics.requested, &newer_requested());
    let id = u32::try_from(registered.json()["id"].as_u64().unwrap()).unwrap();
    let priority = [0];
    let known = system.events.encode(request);
    (id, [&[0], &id.to_be_bytes()[..], &known[5..], &priority].concat())
}

#[test]
fn a_mended_dead_letter_is_computed_exactly_once_and_a_broken_one_comes_back() {
    let system = System::new();
    let registry = ForgetfulRegistry::before(&system.stack.registry);
    let setup = system.processor().set("ABACUS_REGISTRY_URL", registry.url.clone());
    let [mut processor, _projector] = system.start_all([setup.clone(), system.projector()]);
    let asked = request("pow", &[("base", "11"), ("exponent", "5")]);
    let (schema, payload) = newer(&system, &asked);
    registry.forget(Some(schema));
    let producer = system.kafka.producer();
    let unreadable = producer.produce(&to_requested(&system, payload.clone()));
    producer.produce(&to_requested(&system, "garbage"));
    wait_for_dead_letters(&system, 2);

    let listed = list(&system, &["--class", "unknown-schema"]);
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["origin"]["topic"], system.topics.requested);
    assert_eq!(listed[0]["origin"]["offset"], unreadable.offset);
    assert_eq!((&listed[0]["handled"], &listed[0]["replayed_from"]), (&false.into(), &Value::Null));
    let (table, _) = dead_letters(&system, &["list", "--since", "1h"]);
    assert!(table.contains("unknown-schema  1        0"), "{table}");

    registry.forget(None);
    processor.terminate();
    let _processor = system.start(&setup);
    let printed = replay(&system, &["--all"]);
    assert!(printed.contains("replayed 2 letters: 1 malformed, 1 unknown-schema"), "{printed}");
    let back = wait_for_dead_letters(&system, 3);
    let back = back.iter().find(|record| header(record, headers::REPLAYED_FROM).is_some()).unwrap();
    assert_eq!(
        (back.payload.as_slice(), back.header(headers::ERROR_CLASS)),
        (&b"garbage"[..], "malformed")
    );
    let states: Vec<_> =
        list(&system, &[]).iter().map(|record| record["handled"].clone()).collect();
    assert_eq!(states, [true, true, false], "the letter that came back is a new one");

    let printed = replay(&system, &["--all"]);
    assert!(printed.contains("replayed 1 letter: 1 malformed"), "{printed}");
    wait_for_dead_letters(&system, 4);
    let completed = system.kafka.scan(&system.topics.completed, Isolation::Committed);
    assert_eq!(completed.len(), 1, "{completed:?}");
    assert_eq!(completed[0].position.partition, 1);
    assert_eq!(system.events.completed(&completed[0]).request_id, asked.request_id);
    let rows = system.database.wait_for_log(1, PATIENCE);
    assert_eq!(rows[0].result.as_deref(), Some("161051"));

    let written = requests(&system);
    let again: Vec<_> = written.iter().filter(|record| record.payload == payload).collect();
    let names: Vec<_> = again[1].headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((again.len(), names), (2, vec!["from", headers::REPLAYED_FROM]));
    assert_eq!(again[1].header(headers::REPLAYED_FROM), name(&listed[0]));
    assert_eq!((again[1].key.as_slice(), again[1].position.partition), (&b"a key"[..], 1));
}

#[test]
fn what_did_not_come_from_a_topic_of_requests_is_refused() {
    let system = System::new();
    let elsewhere = dead_letter(&system, &system.topics.completed, SOMEWHERE, "x");
    let unlabelled = NewRecord { headers: Vec::new(), ..elsewhere.clone() };
    system.kafka.producer().produce_all([&elsewhere, &unlabelled]);
    for which in [&["0:0", "0:1", "0:2"][..], &["--all"]] {
        let (printed, succeeded) = dead_letters(&system, &[&["replay"], which].concat());
        assert!(!succeeded && printed.contains("none of this system's topics"), "{printed}");
        assert!(printed.contains("no processor has put it there"), "{printed}");
        assert!(printed.contains("replayed 0 letters"), "{printed}");
    }
    let (printed, succeeded) = dead_letters(&system, &["replay", "0:2"]);
    assert!(!succeeded && printed.contains("there is no such letter"), "{printed}");
    assert_eq!(system.kafka.end_offsets(&system.topics.completed), [0; 4]);
    let (table, _) = dead_letters(&system, &["list"]);
    assert!(table.contains("no  [31mAvro") && table.contains("foreign"), "{table}");
}

/// Counts the replays of each dead letter.
fn replays(system: &System) -> BTreeMap<String, usize> {
    let mut replays = BTreeMap::new();
    for record in requests(system) {
        *replays.entry(record.header(headers::REPLAYED_FROM).to_owned()).or_default() += 1;
    }
    replays
}

#[test]
fn a_dead_letter_is_replayed_once_however_it_is_named() {
    let system = System::new();
    let topic = &system.topics.requested;
    let records: Vec<_> = (0..4).map(|_| dead_letter(&system, topic, SOMEWHERE, "x")).collect();
    system.kafka.producer().produce_all(&records);
    let printed = replay(&system, &["--all", "--dry-run"]);
    assert!(printed.contains("would replay 4 letters") && replays(&system).is_empty(), "{printed}");
    let printed = replay(&system, &["0:2", "0:2", "0:1"]);
    assert!(printed.contains("replayed 2 letters"), "{printed}");
    let printed = replay(&system, &["0:1", "0:3"]);
    assert!(printed.contains("replayed 1 letter: 1 malformed\nleft out 1 letter"), "{printed}");
    let printed = replay(&system, &["--class", "unknown-schema"]);
    assert!(printed.contains("replayed 0 letters\n"), "{printed}");
    let printed = replay(&system, &["--class", "malformed"]);
    assert!(printed.contains("replayed 1 letter: 1 malformed\nleft out 3 letters"), "{printed}");
    for which in [&["--all"][..], &["--class", "malformed"], &["0:0"]] {
        assert!(replay(&system, which).contains("replayed 0 letters"));
    }
    assert_eq!(replays(&system).into_values().collect::<Vec<_>>(), [1, 1, 1, 1]);
    assert!(list(&system, &[]).iter().all(|record| record["handled"] == true));
    assert!(replay(&system, &["0:0", "--again"]).contains("replayed 1 letter"));
    assert!(replay(&system, &["--all", "--again"]).contains("replayed 4 letters"));
}

#[test]
fn a_dead_letter_whose_transaction_was_aborted_is_none() {
    let system = System::new();
    let record = dead_letter(&system, &system.topics.requested, SOMEWHERE, "x");
    system.kafka.produce_and_abort([&record]);
    assert!(dead_letters(&system, &["list"]).0.contains("no dead letters"));
    assert!(replay(&system, &["--all"]).contains("replayed 0 letters"));
    let (printed, succeeded) = dead_letters(&system, &["replay", "0:0"]);
    assert!(!succeeded && printed.contains("there is no such letter"), "{printed}");
}

#[test]
fn a_replay_that_is_killed_goes_on_and_does_no_dead_letter_twice() {
    const DEAD_LETTERS: usize = 20_000;
    let system = System::new();
    let record = dead_letter(&system, &system.topics.requested, SOMEWHERE, "x");
    system.kafka.producer().produce_all((0..DEAD_LETTERS).map(|_| &record));
    let mut killed = system.spawn_admin(&["dead-letters", "replay", "--all"]);
    wait_until("the first replayed dead letters", PATIENCE, || {
        let ends = system.kafka.end_offsets(&system.topics.requested);
        if ends.iter().sum::<i64>() > 0 { Ok(()) } else { Err("none".to_owned()) }
    });
    killed.kill();
    let before = requests(&system).len();
    assert!(before < DEAD_LETTERS, "the replay had ended before it was killed");
    let printed = replay(&system, &["--all"]);
    assert!(printed.contains(&format!("replayed {} letters", DEAD_LETTERS - before)), "{printed}");
    let replays = replays(&system);
    assert_eq!(replays.len(), DEAD_LETTERS);
    assert!(replays.values().all(|count| *count == 1));
}

#[test]
fn what_did_not_fit_a_dead_letter_is_read_again_from_where_it_came_from() {
    const HUGE: usize = 12 << 20;
    let system = System::new();
    let _processor = system.start(&system.processor());
    let producer = system.kafka.producer_with_compression("gzip");
    let huge = to_requested(&system, "9".repeat(HUGE));
    producer.produce(&huge);
    let left_out = wait_for_dead_letters(&system, 1).remove(0);
    assert!(left_out.payload.is_empty());
    let listed = list(&system, &[]);
    assert!(replay(&system, &[&name(&listed[0])]).contains("replayed 1 letter"));
    let written = requests(&system);
    assert_eq!(written.len(), 2);
    assert!(written.iter().all(|record| record.payload == huge.payload && record.key == huge.key));
    assert_eq!(header(&written[1], "from").as_deref(), Some("a stranger"));
    wait_for_dead_letters(&system, 2);
    let back = list(&system, &[]).remove(1);
    assert_eq!(back["replayed_from"], name(&listed[0]));
    assert!(replay(&system, &[&name(&back)]).contains("replayed 1 letter"));
    assert_eq!(requests(&system)[2].header(headers::REPLAYED_FROM), name(&back));

    let mut gone = dead_letter(&system, &system.topics.requested, SOMEWHERE, "");
    gone.key.clear();
    gone.headers.remove(0);
    let position = producer.produce(&gone);
    let named = format!("{}:{}", position.partition, position.offset);
    let (printed, succeeded) = dead_letters(&system, &["replay", &named]);
    assert!(!succeeded && printed.contains("no longer at"), "{printed}");
}

#[test]
fn many_records_with_an_unknown_schema_are_one_question_to_the_registry() {
    const NOBODYS: u32 = 999_999_999;
    const RECORDS: usize = 1000;
    let system = System::new();
    let registry = ForgetfulRegistry::before(&system.stack.registry);
    let setup = system
        .processor()
        .set("ABACUS_REGISTRY_URL", registry.url.clone())
        .set("ABACUS_DEAD_LETTER_CONSECUTIVE", "0")
        .set("ABACUS_DEAD_LETTER_PERCENT", "0");
    let _processor = system.start(&setup);
    let payload = [&[0], &NOBODYS.to_be_bytes()[..], b"whatever"].concat();
    let record = NewRecord { headers: Vec::new(), ..to_requested(&system, payload) };
    system.kafka.producer().produce_all((0..RECORDS).map(|_| &record));
    wait_for_dead_letters(&system, RECORDS);
    assert!((1..=2).contains(&registry.asked(NOBODYS)), "asked {} times", registry.asked(NOBODYS));
}

const BURST: usize = 300;

/// Writes a burst of unreadable records, and a request behind them, to one partition.
fn produce_burst(setting: &Setting) {
    let producer = setting.system.kafka.producer();
    let garbage: Vec<_> = (0..BURST).map(|_| setting.record(b"garbage")).collect();
    producer.produce_all(&garbage);
    producer.produce(&setting.request(&request("factorial", &[("n", "20")])));
}

#[track_caller]
fn wait_for_status(processor: &mut Service, status: u16) {
    wait_until(&format!("/readyz to answer {status}"), PATIENCE, || {
        let answer = processor.admin().get("/readyz");
        if answer.status == status { Ok(()) } else { Err(answer.body) }
    });
}

#[test]
fn a_burst_of_unreadable_records_stops_nothing_and_is_told() {
    let setting = Setting::new();
    let system = &setting.system;
    let setup = system.processor().set("ABACUS_DEAD_LETTER_CONSECUTIVE", "20");
    let mut processor = system.start(&setup);
    produce_burst(&setting);
    setting.wait_until_done();
    assert_eq!(scan_dead_letters(system).len(), BURST);
    let completed = system.kafka.scan(&system.topics.completed, Isolation::Committed);
    assert_eq!(completed.len(), 1, "{completed:?}");
    processor.wait_logged("a producer writes them");
    let bursts = "abacus_processor_dead_letter_bursts_total";
    assert_eq!(processor.count(bursts, &[("cause", "producer")]), 1);
    assert_eq!(processor.count(bursts, &[("cause", "registry")]), 0);
    wait_for_status(&mut processor, 200);
}

#[test]
fn a_registry_without_our_schema_stops_the_intake_until_the_schema_is_back() {
    let setting = Setting::new();
    let system = &setting.system;
    let registry = ForgetfulRegistry::before(&system.stack.registry);
    let setup = system
        .processor()
        .set("ABACUS_REGISTRY_URL", registry.url.clone())
        .set("ABACUS_DEAD_LETTER_CONSECUTIVE", "20")
        .set("ABACUS_DEAD_LETTER_RETRY", "1s");
    let mut processor = system.start(&setup);
    registry.forget_subjects(true);
    produce_burst(&setting);
    wait_for_status(&mut processor, 503);
    processor.wait_logged("No more are taken");
    registry.forget_subjects(false);
    setting.wait_until_done();
    assert_eq!(scan_dead_letters(system).len(), BURST);
    let completed = system.kafka.scan(&system.topics.completed, Isolation::Committed);
    assert_eq!(completed.len(), 1, "{completed:?}");
    wait_for_status(&mut processor, 200);
}
