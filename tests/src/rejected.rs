//! Records that the request log cannot hold. Each is put aside, and all others are written.

use abacus_schemas::ComputeRequested;
use abacus_testkit::{PATIENCE, Position, Service, request, wait_until};

use crate::poison::{PARTITION, Setting};

/// A value of 60,000 bytes in JSON and 10,000 bytes in the record.
fn control_characters() -> String {
    "\u{1}".repeat(10_000)
}

fn good() -> ComputeRequested {
    request("factorial", &[("n", "20")])
}

fn bad() -> ComputeRequested {
    request("factorial", &[("n", &control_characters())])
}

/// Writes good requests around a bad one. Returns the bad request and its position.
fn produce(setting: &Setting) -> (ComputeRequested, Position) {
    let producer = setting.system.kafka.producer();
    let bad = bad();
    let before: Vec<_> = (0..20).map(|_| setting.request(&good())).collect();
    producer.produce_all(&before);
    let position = producer.produce(&setting.request(&bad));
    let after: Vec<_> = (0..20).map(|_| setting.request(&good())).collect();
    producer.produce_all(&after);
    (bad, position)
}

/// Waits until all good requests have rows. Returns the rejections, as reason and position.
#[track_caller]
fn rejected(setting: &Setting, bad: &ComputeRequested, good: usize) -> Vec<(String, Position)> {
    let mut database = setting.system.database.connect();
    wait_until("all good requests to have rows", PATIENCE, || {
        let rows = database.query_one("SELECT count(*) FROM compute_requested", &[]).unwrap();
        let rows: i64 = rows.get(0);
        if usize::try_from(rows) == Ok(good) { Ok(()) } else { Err(format!("{rows} rows")) }
    });
    let select = "SELECT reason, kafka_partition, kafka_offset FROM rejected_records
                  WHERE topic = $1 AND request_id::text = $2 AND detail <> ''";
    let topic = &setting.system.topics.requested;
    wait_until("the rejection to be written", PATIENCE, || {
        let rows = database.query(select, &[topic, &bad.request_id]).unwrap();
        let found: Vec<_> = rows
            .iter()
            .map(|row| (row.get(0), Position { partition: row.get(1), offset: row.get(2) }))
            .collect();
        if found.is_empty() { Err("none".to_owned()) } else { Ok(found) }
    })
}

#[track_caller]
fn assert_counted(projector: &mut Service, reason: &str, count: u64) {
    let labels = [("reason", reason)];
    wait_until("the rejection to be counted", PATIENCE, || {
        match projector.count("abacus_projector_skipped_records_total", &labels) {
            counted if counted == count => Ok(()),
            counted => Err(counted.to_string()),
        }
    });
    projector.wait_logged("record rejected");
}

#[test]
fn a_row_above_the_limit_is_put_aside_before_postgres_is_asked() {
    let setting = Setting::new();
    let projector = setting.system.projector().set("ABACUS_MAX_ROW", "50KiB");
    let mut projector = setting.system.start(&projector);
    let (bad, position) = produce(&setting);
    assert_eq!(position.partition, PARTITION);
    assert_eq!(rejected(&setting, &bad, 40), [("too-large".to_owned(), position)]);
    assert_counted(&mut projector, "too-large", 1);
    let labels = [("kind", "unanswered")];
    assert_eq!(projector.count("abacus_projector_database_errors_total", &labels), 0);
}

/// Makes Postgres fail with `error` at each row with a bad request.
fn fail_at_bad_rows(setting: &Setting, error: &str) {
    let trigger = format!(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF length(NEW.operands ->> 'n') > 100 THEN
                 RAISE EXCEPTION 'no' USING ERRCODE = '{error}';
             END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER fail BEFORE INSERT ON compute_requested
             FOR EACH ROW EXECUTE FUNCTION fail();"
    );
    setting.system.database.connect().batch_execute(&trigger).unwrap();
}

#[test]
fn a_record_that_postgres_does_not_take_is_found_and_put_aside() {
    // A value, the memory of the server, an internal error.
    for (error, reason) in [("22000", "refused"), ("53200", "unwritable"), ("XX000", "unwritable")]
    {
        let setting = Setting::new();
        fail_at_bad_rows(&setting, error);
        let mut projector = setting.system.start(&setting.system.projector());
        let (bad, position) = produce(&setting);
        assert_eq!(rejected(&setting, &bad, 40), [(reason.to_owned(), position)], "{error}");
        assert_counted(&mut projector, reason, 1);
        projector.wait_ready();
    }
}

#[test]
fn nothing_is_put_aside_while_the_server_is_at_fault() {
    let setting = Setting::new();
    // Disk full, for every table of the log.
    setting
        .system
        .database
        .connect()
        .batch_execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 RAISE EXCEPTION 'no' USING ERRCODE = '53100';
             END $$;
             CREATE TRIGGER fail BEFORE INSERT ON compute_requested
                 FOR EACH STATEMENT EXECUTE FUNCTION fail();",
        )
        .unwrap();
    let mut projector = setting.system.start(&setting.system.projector());
    let (bad, _) = produce(&setting);
    let labels = [("kind", "away")];
    wait_until("many attempts", PATIENCE, || {
        match projector.count("abacus_projector_database_errors_total", &labels) {
            5.. => Ok(()),
            errors => Err(format!("{errors} errors")),
        }
    });
    let mut database = setting.system.database.connect();
    database.batch_execute("DROP TRIGGER fail ON compute_requested").unwrap();
    wait_until("all requests to have rows", PATIENCE, || {
        let rows = database.query_one("SELECT count(*) FROM compute_requested", &[]).unwrap();
        let rows: i64 = rows.get(0);
        if rows == 41 { Ok(()) } else { Err(format!("{rows} rows")) }
    });
    let rejected = "SELECT count(*) FROM rejected_records";
    assert_eq!(database.query_one(rejected, &[]).unwrap().get::<_, i64>(0), 0, "{bad:?}");
}
