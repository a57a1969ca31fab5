//! Claims of producers: times, request ids, requesters and sources. No claim misleads the request
//! log.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use abacus_schemas::{ComputeRequested, RecordKeys, Timestamp, headers};
use abacus_testkit::{
    Client, Isolation, LogRow, NewRecord, PATIENCE, RECORD_KEY, System, request, wait_until,
};
use uuid::Uuid;

use crate::identity;
use crate::roles::Callers;

/// Microseconds of a year.
const YEAR: i64 = 31_556_952_000_000;

fn record(system: &System, request: &ComputeRequested, partition: i32) -> NewRecord {
    NewRecord {
        topic: system.topics.requested.clone(),
        partition: Some(partition),
        key: request.request_id.clone().into_bytes(),
        payload: system.events.encode(request),
        headers: Vec::new(),
    }
}

/// Adds the signature of an ingress for `signed`.
fn with_signature(mut record: NewRecord, signed: &ComputeRequested) -> NewRecord {
    let signature = RecordKeys::parse(RECORD_KEY).unwrap().sign(signed);
    record.headers.push((headers::SIGNATURE.to_owned(), signature.to_vec()));
    record
}

/// Microseconds since the Unix epoch that no good clock shows.
fn wrong_times() -> Vec<i64> {
    let years = [-4000, -1980, -1969, 0, 900, 8029, 8990];
    years.map(|year| year * YEAR).into_iter().chain([i64::MIN, i64::MAX]).collect()
}

/// Walks a list one request at a time. Returns id and time of each.
#[track_caller]
fn walk(client: &Client, path: &str) -> Vec<(String, String)> {
    let mut next = Some(format!("{path}?limit=1"));
    let mut found = Vec::new();
    while let Some(path) = next {
        let answer = client.get(&path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let page = answer.json();
        next = page["next"].as_str().map(str::to_owned);
        for entry in page["computations"].as_array().unwrap() {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            found.push((text("request_id"), text("requested_at")));
        }
    }
    found
}

#[test]
fn a_strangers_clock_neither_ends_a_list_early_nor_hides_a_log_behind() {
    let system = identity::system();
    let [mut ingress, _processor, mut projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let callers = Callers::sign_up(&ingress.http());
    let producer = system.kafka.producer();
    let mut ids = BTreeSet::new();
    for (number, micros) in wrong_times().into_iter().enumerate() {
        for micros in [micros, Timestamp::now().as_micros()] {
            let mut request = request("factorial", &[("n", "3")]);
            request.requested_at = Timestamp::from_micros(micros);
            ids.insert(request.request_id.clone());
            producer.produce(&record(&system, &request, i32::try_from(number % 2).unwrap()));
        }
    }
    let rows = system.database.wait_for_log(ids.len(), PATIENCE);
    let far_future = |row: &&LogRow| row.requested_at > 9000 * YEAR;
    assert_eq!(rows.iter().filter(far_future).count(), 1, "the claim is kept");
    let found = walk(&callers.admin, "/v1/admin/history");
    let listed: BTreeSet<_> = found.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!((found.len(), listed), (ids.len(), ids));
    let times: Vec<_> = found.iter().map(|(_, at)| at.clone()).collect();
    assert!(times.iter().all(|at| at.len() == 27 && at.starts_with("20")), "{times:?}");
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");

    projector.terminate();
    // Two requests of this instance, and time for the second to be due.
    for n in [50, 51] {
        assert_eq!(callers.user.get(&format!("/v1/fibonacci/{n}")).status, 200);
        std::thread::park_timeout(Duration::from_millis(3_200));
    }
    let unknown = format!("/v1/computations/{}", Uuid::now_v7());
    wait_until("the log to be behind", PATIENCE, || match callers.user.get(&unknown) {
        answer if answer.status == 503 => Ok(()),
        answer => Err(format!("{} {}", answer.status, answer.body)),
    });
}

#[test]
fn operands_and_result_of_one_id_are_of_one_request() {
    let system = System::new();
    let producer = system.kafka.producer();
    let ids: Vec<String> = (0..40).map(|_| Uuid::now_v7().to_string()).collect();
    // Each id for two computations, on two partitions and in both orders.
    let records = |(number, id): (usize, &String)| {
        [0, 1].map(|partition| {
            let n = if (number + partition) % 2 == 0 { "5" } else { "6" };
            let request =
                ComputeRequested { request_id: id.clone(), ..request("factorial", &[("n", n)]) };
            record(&system, &request, i32::try_from(partition).unwrap())
        })
    };
    let records: Vec<_> = ids.iter().enumerate().flat_map(records).collect();
    producer.produce_all(&records);
    // Completions come first, so that requests and completions meet in every order.
    let _processor = system.start(&system.processor());
    system.kafka.follow(&system.topics.completed, Isolation::Committed).wait_until(
        "80 completions",
        PATIENCE,
        |records| if records.len() == 80 { Ok(()) } else { Err(records.len().to_string()) },
    );
    let mut projector = system.start(&system.projector());
    let rows = system.database.wait_for_log(ids.len(), PATIENCE);
    for row in rows {
        let expected =
            if row.operands == BTreeMap::from([("n".into(), "5".into())]) { "120" } else { "720" };
        assert_eq!(row.result.as_deref(), Some(expected), "{row:?}");
    }
    wait_until("the conflicts to be counted", PATIENCE, || {
        let labels = [("table", "compute_requested")];
        match projector.count("abacus_projector_clashes_total", &labels) {
            40 => Ok(()),
            count => Err(count.to_string()),
        }
    });
    let listed = "SELECT count(DISTINCT conflict.request_id) FROM request_conflicts AS conflict
                  JOIN compute_completed AS completed USING (request_id, content_digest)
                  JOIN compute_requested AS requested USING (request_id)
                  WHERE requested.content_digest <> conflict.content_digest";
    let listed = system.database.connect().query_one(listed, &[]).unwrap();
    assert_eq!(listed.get::<_, i64>(0), 40);
}

#[test]
fn a_copy_of_a_request_is_no_row_conflict() {
    let system = System::new();
    let [mut ingress, _processor, mut projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    assert_eq!(ingress.http().get("/v1/pow/2/3").status, 200);
    let written = system.kafka.scan(&system.topics.requested, Isolation::Committed);
    let original = system.events.requested(&written[0]).expect("a request");
    let time = Timestamp::from_micros(original.requested_at.as_micros() + 1);
    let copy = ComputeRequested { requested_at: time, ..original.clone() };
    let operands = request("pow", &[("base", "2"), ("exponent", "4")]).operands;
    let other = ComputeRequested { operands, ..original };
    let records = [&copy, &other].map(|event| record(&system, event, 0));
    system.kafka.producer().produce_all(&records);
    wait_until("the conflict to be counted", PATIENCE, || {
        let labels = [("table", "compute_requested")];
        match projector.count("abacus_projector_clashes_total", &labels) {
            1 => Ok(()),
            count => Err(count.to_string()),
        }
    });
    let listed = "SELECT requested.content_digest <> conflict.content_digest
                  FROM request_conflicts AS conflict
                  JOIN compute_requested AS requested USING (request_id)";
    let listed = system.database.connect().query(listed, &[]).unwrap();
    assert_eq!(listed.iter().map(|row| row.get(0)).collect::<Vec<bool>>(), [true]);
}

/// Source, requester and mark of a row.
fn author(system: &System, id: &str) -> (String, Option<String>, bool) {
    let select =
        "SELECT source, requester, authenticated FROM request_log WHERE request_id::text = $1";
    let mut database = system.database.connect();
    wait_until(&format!("the row of {id}"), PATIENCE, || {
        let row = database.query_opt(select, &[&id]).unwrap().ok_or("no row")?;
        Ok((row.get(0), row.get(1), row.get(2)))
    })
}

#[test]
fn a_request_is_in_the_list_of_its_requester_only_with_the_signature_of_an_ingress() {
    let system = identity::system();
    let [mut ingress, _processor, mut projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let callers = Callers::sign_up(&ingress.http());
    assert_eq!(callers.user.get("/v1/factorial/5").status, 200);
    let claim = || ComputeRequested {
        requester: Some("user".to_owned()),
        source: "http".to_owned(),
        ..request("factorial", &[("n", "6")])
    };
    let (unsigned, forged, signed, own) = (claim(), claim(), claim(), claim());
    let stolen = with_signature(record(&system, &forged, 0), &claim());
    let named = ComputeRequested { source: "batch".to_owned(), ..own };
    // A stranger takes the id of a request before it.
    let squatter = ComputeRequested { requester: None, ..signed.clone() };
    system.kafka.producer().produce_all(&[
        record(&system, &unsigned, 0),
        stolen,
        record(&system, &named, 0),
        record(&system, &squatter, 0),
        with_signature(record(&system, &signed, 0), &signed),
    ]);
    let user = || Some("user".to_owned());
    assert_eq!(author(&system, &unsigned.request_id), ("kafka".to_owned(), user(), false));
    assert_eq!(author(&system, &forged.request_id), ("kafka".to_owned(), user(), false));
    assert_eq!(author(&system, &named.request_id), ("batch".to_owned(), user(), false));
    wait_until("the signed request", PATIENCE, || {
        let author = author(&system, &signed.request_id);
        if author == ("http".to_owned(), user(), true) {
            Ok(())
        } else {
            Err(format!("{author:?}"))
        }
    });
    let rows = system.database.wait_for_log(5, PATIENCE);
    let through_http = rows.iter().find(|row| row.result.as_deref() == Some("120")).unwrap();
    assert_eq!(author(&system, &through_http.request_id), ("http".to_owned(), user(), true));
    let own: BTreeSet<_> =
        walk(&callers.user, "/v1/computations").into_iter().map(|(id, _)| id).collect();
    assert_eq!(own, BTreeSet::from([through_http.request_id.clone(), signed.request_id]));
    let all = callers.admin.get("/v1/admin/history").json();
    let entries = all["computations"].as_array().unwrap();
    let marks: Vec<_> =
        entries.iter().filter_map(|entry| entry["authenticated"].as_bool()).collect();
    assert_eq!((marks.len(), marks.iter().filter(|mark| **mark).count()), (5, 2), "{all}");
    let count = |author| projector.count("abacus_projector_requests_total", &[("author", author)]);
    assert_eq!(["signed", "unsigned", "forged"].map(count), [2, 3, 1]);
}

#[test]
fn without_a_key_no_request_is_trusted_and_no_ingress_with_accounts_starts() {
    let mut system = identity::system();
    system.set("ABACUS_RECORD_KEY", "");
    let mut ingress = system.spawn(&system.ingress());
    assert_eq!(ingress.wait_for_exit(), Some(2));
    ingress.wait_logged("ABACUS_RECORD_KEY");
    let projector = system.start(&system.projector());
    projector.wait_logged("ABACUS_RECORD_KEY is not set");
    let claim = ComputeRequested { source: "http".to_owned(), ..request("pow", &[]) };
    let claim = with_signature(record(&system, &claim, 0), &claim);
    system.kafka.producer().produce(&claim);
    let id = String::from_utf8(claim.key).unwrap();
    assert_eq!(author(&system, &id), ("kafka".to_owned(), None, false));
}
