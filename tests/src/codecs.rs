//! Compressed batches: every codec of Kafka is read. An unreadable batch is skipped, and reading of
//! the partition continues.

use abacus_schemas::{Outcome, Timestamp, headers};
use abacus_testkit::{Isolation, PATIENCE, RawBatch, Service, Unreadable, request, wait_until};

use crate::poison::{PARTITION, Setting};

const CODECS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

/// Long enough to see a partition stand still, short enough to wait for.
const SKIP_AFTER: &str = "4s";

#[track_caller]
fn assert_answered(setting: &Setting, correlation_id: &str) {
    let told = setting.reply(correlation_id);
    assert!(
        matches!(&told, Outcome::Succeeded { result, .. } if result == "2432902008176640000"),
        "{correlation_id}: {told:?}"
    );
}

fn ask(setting: &Setting, codec: &str, correlation_id: &str) {
    let record = setting.request(&request("factorial", &[("n", "20")]));
    let record = setting.with_reply(record, correlation_id);
    setting.system.kafka.producer_with_compression(codec).produce(&record);
}

#[test]
fn requests_of_every_codec_are_answered_and_logged() {
    let setting = Setting::new();
    let _services =
        setting.system.start_all([setting.system.processor(), setting.system.projector()]);
    for codec in CODECS {
        ask(&setting, codec, codec);
    }
    for codec in CODECS {
        assert_answered(&setting, codec);
    }
    setting.wait_until_done();
    let rows = setting.system.database.wait_for_log(CODECS.len(), PATIENCE);
    assert!(rows.iter().all(|row| row.result.is_some()), "{rows:?}");
}

/// Waits until `/readyz` names the partition and the offset.
#[track_caller]
fn wait_until_blocked(service: &mut Service, topic: &str, offset: i64) {
    let admin = service.admin();
    let expected = format!("{topic}/{PARTITION} stands still at offset {offset}");
    wait_until("a partition to stand still", PATIENCE, || {
        let answer = admin.get("/readyz").body;
        if answer.contains(&expected) { Ok(()) } else { Err(answer) }
    });
}

#[track_caller]
fn wait_until_ready(service: &mut Service) {
    let admin = service.admin();
    wait_until("the service to be ready again", PATIENCE, || {
        let answer = admin.get("/readyz");
        if answer.status == 200 { Ok(()) } else { Err(answer.body) }
    });
}

/// Writes a good request, an unreadable batch and a good request to one partition.
#[track_caller]
fn an_unreadable_batch_is_put_aside(kind: Unreadable, expected_error: &str) {
    let setting = Setting::new();
    let skip_after = ("ABACUS_KAFKA_SKIP_UNREADABLE_AFTER", SKIP_AFTER);
    let set = |setup: abacus_testkit::ServiceSetup| setup.set(skip_after.0, skip_after.1);
    let [mut processor, mut projector] = setting
        .system
        .start_all([set(setting.system.processor()), set(setting.system.projector())]);
    let topic = setting.system.topics.requested.clone();
    ask(&setting, "none", "before");
    assert_answered(&setting, "before");
    let payload = setting.request(&request("factorial", &[("n", "20")])).payload;
    let values = [payload.as_slice(); 3];
    let batch = RawBatch::unreadable(kind, &values, Timestamp::now().as_micros() / 1000);
    let offset = batch.produce(&setting.system.stack.kafka, &topic, PARTITION).unwrap();
    ask(&setting, "lz4", "after");

    wait_until_blocked(&mut processor, &topic, offset);
    wait_until_blocked(&mut projector, &topic, offset);
    assert_answered(&setting, "after");
    setting.wait_until_done();
    wait_until_ready(&mut processor);
    wait_until_ready(&mut projector);

    let dead_letters =
        setting.system.kafka.scan(&setting.system.topics.dead_letter, Isolation::Committed);
    let [dead_letter] = &dead_letters[..] else { panic!("{dead_letters:?}") };
    assert_eq!(dead_letter.header(headers::ERROR_CLASS), "unreadable-batch");
    assert_eq!(dead_letter.header(headers::ORIGIN_TOPIC), topic);
    assert_eq!(dead_letter.header(headers::ORIGIN_PARTITION), PARTITION.to_string());
    assert_eq!(dead_letter.header(headers::ORIGIN_OFFSET), offset.to_string());
    let message = dead_letter.header(headers::ERROR_MESSAGE);
    let range = format!("offsets {offset} to {}: ", offset + 2);
    assert!(message.starts_with(&range) && message.contains(expected_error), "{message}");
    let rows = setting.system.database.wait_for_log(2, PATIENCE);
    assert!(rows.iter().all(|row| row.result.is_some()), "{rows:?}");
    let labels = [("topic", topic.as_str())];
    for service in [&mut processor, &mut projector] {
        assert_eq!(service.count("abacus_kafka_unreadable_batches_total", &labels), 1);
        assert_eq!(service.count("abacus_kafka_unreadable_offsets_total", &labels), 3);
        assert_eq!(service.count("abacus_kafka_blocked_partitions", &labels), 0);
    }
    let skipped = [("reason", "unreadable-batch")];
    assert_eq!(projector.count("abacus_projector_skipped_records_total", &skipped), 1);
}

#[test]
fn a_batch_that_cannot_be_decompressed_is_put_aside_and_its_partition_goes_on() {
    an_unreadable_batch_is_put_aside(Unreadable::WrongChecksum, "Decompression");
}

#[test]
fn a_batch_without_an_error_and_without_a_record_is_put_aside_and_its_partition_goes_on() {
    an_unreadable_batch_is_put_aside(Unreadable::TwoMembers, "librdkafka can read none");
}
