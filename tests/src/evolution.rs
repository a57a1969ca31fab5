//! Events in older and newer versions of the schemas, from producers updated before or after the
//! services.

use std::collections::BTreeSet;
use std::thread;

use abacus_schemas::topics::value_subject;
use abacus_schemas::{ComputeCompleted, ComputeRequested, Event, headers};
use abacus_testkit::{Client, Isolation, NewRecord, PATIENCE, System, wait_until};
use serde_json::{Value, json};

use crate::direct::{Job, ask};
use crate::history::History;
use crate::poison::completion;

fn schema<E: Event>() -> Value {
    serde_json::from_str(E::SCHEMA_JSON).expect("a schema is JSON")
}

fn fields(schema: &mut Value) -> &mut Vec<Value> {
    schema["fields"].as_array_mut().expect("a record has fields")
}

/// A possible later version, with an additional field.
pub(crate) fn newer_requested() -> Value {
    let mut newer = schema::<ComputeRequested>();
    fields(&mut newer).push(json!({ "name": "priority", "type": "int", "default": 0 }));
    newer
}

/// A possible earlier version, without the fields that have defaults.
fn older_requested() -> Value {
    let mut older = schema::<ComputeRequested>();
    fields(&mut older).retain(|field| field.get("default").is_none());
    older
}

pub(crate) fn register(system: &System, topic: &str, schema: &Value) -> abacus_testkit::Response {
    let path = format!("/subjects/{}/versions", value_subject(topic));
    Client::at(&system.stack.registry).post_json(&path, &json!({ "schema": schema.to_string() }))
}

#[test]
fn requests_in_an_older_and_in_a_newer_schema_are_computed() {
    let system = System::new();
    let _services = system.start_all([system.processor(), system.projector()]);
    let reply_topic = format!("abacus.replies.{}", system.name());
    system.kafka.create_topic(&reply_topic, 1);
    for schema in [older_requested(), newer_requested()] {
        let (mut request, _) = ask("mine", "pow", &[("base", "11"), ("exponent", "5")]);
        request["event"]["priority"] = 7.into();
        let job = Job {
            schema: Some(schema),
            reply_topic: Some(&reply_topic),
            requests: vec![request],
            replies: 1,
            ..Job::on(&system)
        };
        let report = job.run(&system);
        assert_eq!(report.replies.len(), 1);
        assert_eq!(report.replies[0].event["outcome"]["result"], "161051");
    }
    let schemas: BTreeSet<Vec<u8>> = system
        .kafka
        .scan(&system.topics.requested, Isolation::Committed)
        .iter()
        .map(|record| record.payload[1..5].to_vec())
        .collect();
    assert_eq!(schemas.len(), 2, "both were written with one schema");
    let history = History::complete(&system, PATIENCE);
    let sources: BTreeSet<_> = history.requested.values().map(|r| r.source.as_str()).collect();
    assert_eq!(sources.into_iter().collect::<Vec<_>>(), ["tests", "unknown"]);
    history.assert_logged(&system, PATIENCE);
}

#[test]
fn the_registry_takes_no_schema_that_somebody_could_not_read() {
    let system = System::new();
    let mut without_default = schema::<ComputeRequested>();
    fields(&mut without_default).push(json!({ "name": "priority", "type": "int" }));
    let mut without_operands = schema::<ComputeRequested>();
    fields(&mut without_operands).retain(|field| field["name"] != "operands");
    for incompatible in [without_default, without_operands] {
        let response = register(&system, &system.topics.requested, &incompatible);
        assert_eq!(response.status, 409, "{}", response.body);
    }
}

/// A value of a newer schema with one additional field, a string at the end.
fn with_new_field(value: &[u8], schema_id: u32) -> Vec<u8> {
    [&[0], &schema_id.to_be_bytes()[..], &value[5..], &[2, b'x']].concat()
}

#[test]
fn a_newer_processor_is_understood_by_this_ingress_and_projector() {
    let system = System::new();
    let [mut ingress, _projector] = system.start_all([system.ingress(), system.projector()]);
    let mut newer = schema::<ComputeCompleted>();
    fields(&mut newer).push(json!({ "name": "host", "type": "string", "default": "" }));
    let response = register(&system, &system.topics.completed, &newer);
    let schema_id = u32::try_from(response.json()["id"].as_u64().unwrap()).unwrap();

    let client = ingress.http();
    let caller = thread::spawn(move || client.get("/v1/pow/6/7"));
    let mut requests = system.kafka.follow(&system.topics.requested, Isolation::Committed);
    let request = requests.wait_until("the request", PATIENCE, |records| {
        records.first().cloned().ok_or_else(|| "nothing".to_owned())
    });
    let event = system.events.requested(&request).expect("a request");
    let value = system.events.encode_completed(&completion(&event));
    let value = with_new_field(&value, schema_id);
    let header = |name: &str| request.headers.iter().find(|(n, _)| n == name).unwrap().1.clone();
    let reply_to: [u8; 4] = header(headers::REPLY_PARTITION).try_into().unwrap();
    let correlation_id = header(headers::CORRELATION_ID);
    let reply = NewRecord {
        topic: system.topics.replies.clone(),
        partition: Some(i32::from_be_bytes(reply_to)),
        payload: value.clone(),
        headers: vec![(headers::CORRELATION_ID.to_owned(), correlation_id)],
        ..NewRecord::default()
    };
    let completed = NewRecord {
        topic: system.topics.completed.clone(),
        key: event.request_id.clone().into_bytes(),
        payload: value,
        ..NewRecord::default()
    };
    system.kafka.producer().produce_all([&reply, &completed]);

    let response = caller.join().unwrap();
    assert_eq!((response.status, response.json()["result"].as_str()), (200, Some("42")));
    wait_until("the row", PATIENCE, || match system.database.log().as_slice() {
        [row] if row.result.as_deref() == Some("42") => Ok(()),
        rows => Err(format!("{rows:?}")),
    });
}

#[test]
fn unreadable_versions_under_the_topic_stop_no_service() {
    let system = System::new();
    let registry = Client::at(&system.stack.registry);
    let mut moved = schema::<ComputeRequested>();
    moved["namespace"] = "com.example".into();
    let referred = json!({ "type": "record", "name": "Label", "fields": [] });
    let subject = format!("{}-label", system.name());
    let path = format!("/subjects/{subject}/versions");
    assert_eq!(registry.post_json(&path, &json!({ "schema": referred.to_string() })).status, 200);
    let mut referring = schema::<ComputeRequested>();
    let optional = json!(["null", "Label"]);
    fields(&mut referring).push(json!({ "name": "label", "type": optional, "default": null }));
    referring["namespace"] = "".into();
    let reference = json!({ "name": "Label", "subject": subject, "version": 1 });
    let another = json!({ "type": "record", "name": "Another", "fields": [] });
    let subject = value_subject(&system.topics.requested);
    let none = json!({ "compatibility": "NONE" });
    registry.put_json(&format!("/config/{subject}"), &none);
    let mut ids = Vec::new();
    for version in [
        json!({ "schema": moved.to_string() }),
        json!({ "schema": referring.to_string(), "references": [reference] }),
        json!({ "schema": another.to_string() }),
    ] {
        let response = registry.post_json(&format!("/subjects/{subject}/versions"), &version);
        assert_eq!(response.status, 200, "{}", response.body);
        ids.push(u32::try_from(response.json()["id"].as_u64().unwrap()).unwrap());
    }
    let _services = system.start_all([system.processor(), system.projector()]);
    let producer = system.kafka.producer();
    let mut request = abacus_testkit::request("pow", &[("base", "11"), ("exponent", "5")]);
    for (id, tail) in [(ids[0], &[][..]), (ids[1], &[0][..])] {
        request.request_id = uuid::Uuid::now_v7().to_string();
        let own = system.events.encode(&request);
        let payload = [&[0], &id.to_be_bytes()[..], &own[5..], tail].concat();
        let topic = system.topics.requested.clone();
        producer.produce(&NewRecord { topic, payload, ..NewRecord::default() });
    }
    let rows = system.database.wait_for_log(2, PATIENCE);
    assert!(rows.iter().all(|row| row.result.as_deref() == Some("161051")), "{rows:?}");
}
