//! `abacus-admin topics apply` on existing topics.

use abacus_testkit::{Isolation, NewRecord, PATIENCE, System, request, wait_until};

/// Runs `topics apply`. Returns the output, and `true` after a success.
fn apply(system: &System, arguments: &[&str]) -> (String, bool) {
    let output = system.admin(&[&["topics", "apply"], arguments].concat());
    let printed = [output.stdout, output.stderr].concat();
    (String::from_utf8(printed).unwrap(), output.status.success())
}

/// Numbers of partitions of completions and of requests.
fn partitions(system: &System) -> (usize, usize) {
    let count = |topic| system.kafka.end_offsets(topic).len();
    (count(&system.topics.completed), count(&system.topics.requested))
}

#[test]
fn partitions_are_added_when_asked_for_and_never_taken_away() {
    let system = System::new();
    let (printed, _) = apply(&system, &["--partitions", "6"]);
    let differs = format!("differs  {}: 4 partitions, asked for 6", system.topics.requested);
    assert!(printed.contains(&differs), "{printed}");
    assert_eq!(partitions(&system), (4, 4));
    let (printed, succeeded) = apply(&system, &["--partitions", "6", "--add-partitions"]);
    assert!(succeeded, "{printed}");
    assert_eq!(partitions(&system), (6, 6));
    let (printed, succeeded) = apply(&system, &["--partitions", "5", "--add-partitions"]);
    assert!(!succeeded && printed.contains("cannot take partitions away"), "{printed}");
    assert_eq!(partitions(&system), (6, 6));
}

/// Sends one request to each partition, and waits for the completions.
fn complete_in_each(system: &System, partitions: i32) {
    let before = system.kafka.scan(&system.topics.completed, Isolation::Committed).len();
    let ask = |partition| NewRecord {
        topic: system.topics.requested.clone(),
        partition: Some(partition),
        payload: system.events.encode(&request("fibonacci", &[("n", "30")])),
        ..NewRecord::default()
    };
    let records: Vec<NewRecord> = (0..partitions).map(ask).collect();
    system.kafka.producer().produce_all(&records);
    wait_until("all completions", PATIENCE, || {
        let completed = system.kafka.scan(&system.topics.completed, Isolation::Committed).len();
        let added = completed - before;
        if added == records.len() { Ok(()) } else { Err(format!("{added} of {partitions}")) }
    });
}

#[test]
fn a_processor_at_work_writes_to_partitions_that_were_added_since_it_began() {
    let system = System::new();
    let mut processor = system.start(&system.processor());
    wait_until("all partitions", PATIENCE, || match processor.assigned_partitions() {
        Some(4) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    complete_in_each(&system, 4);
    let (printed, succeeded) = apply(&system, &["--partitions", "6", "--add-partitions"]);
    assert!(succeeded, "{printed}");
    // A rebalance tells the group about new partitions, but not the producer of completions.
    let second = system.processor().set("ABACUS_INSTANCE_ID", format!("{}-2", system.name()));
    let mut second = system.start(&second);
    wait_until("the second to have some", PATIENCE, || match second.assigned_partitions() {
        Some(1..) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    second.terminate();
    wait_until("all partitions again", PATIENCE, || match processor.assigned_partitions() {
        Some(6) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    complete_in_each(&system, 6);
    processor.wait_logged("asking about a partition that is not known");
    processor.terminate();
}

#[test]
fn requests_get_no_partition_that_completions_lack() {
    let system = System::new();
    system.kafka.delete_topic(&system.topics.requested);
    let (printed, succeeded) = apply(&system, &["--partitions", "6"]);
    assert!(!succeeded && printed.contains("goes to the partition of its request"), "{printed}");
    let (printed, succeeded) = apply(&system, &["--partitions", "6", "--add-partitions"]);
    assert!(succeeded, "{printed}");
    assert_eq!(partitions(&system), (6, 6));
}

#[test]
fn settings_changed_by_hand_are_reported_and_set_only_when_asked_for() {
    let system = System::new();
    let topic = &system.topics.dead_letter;
    system.kafka.set_topic_settings(topic, &[("retention.ms", "60000"), ("segment.ms", "70000")]);
    let (printed, succeeded) = apply(&system, &[]);
    let differs = format!("differs  {topic}: retention.ms 60000, asked for 604800000");
    assert!(succeeded && printed.contains(&differs), "{printed}");
    assert_eq!(system.kafka.topic_settings(topic)["retention.ms"], "60000");
    let (printed, succeeded) = apply(&system, &["--update-settings"]);
    assert!(succeeded && printed.contains(&format!("changed  {topic}: had retention.ms")));
    let settings = system.kafka.topic_settings(topic);
    assert_eq!(settings["retention.ms"], "604800000");
    assert_eq!(settings["segment.ms"], "70000", "what is not ours stays");
    assert!(!apply(&system, &[]).0.contains("differs"));
}
