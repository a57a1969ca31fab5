//! Lists of past requests, over a log written by the test.

use std::collections::BTreeSet;

use abacus_testkit::{Client, Fault, FaultProxy, Response, Service, System};
use serde_json::json;

use crate::identity;
use crate::roles::Callers;

/// Number of requests of each user.
const REQUESTS: i32 = 60;

/// Sixty requests each of `user` and `other`, alternating every second. Every third is a factorial,
/// every tenth failed, every twelfth is pending, and two have equal times.
const FILL: &str = "
    INSERT INTO compute_requested (request_id, operation, operands, requester, source,
           requested_at, kafka_partition, kafka_offset, recorded_at, authenticated)
    SELECT md5(who || i)::uuid, CASE WHEN i % 3 = 0 THEN 'factorial' ELSE 'pow' END,
           jsonb_build_object('n', repeat('7', 100)), who, 'http',
           timestamptz '2026-01-01 00:00:00Z' + (i / 2) * interval '1 second', 0, i,
           timestamptz '2026-01-01 00:00:00Z' + (i / 2) * interval '1 second', true
      FROM generate_series(1, $1::int) AS i, unnest(ARRAY['user', 'other']) AS who;
";
const FILL_COMPLETED: &str = "
    INSERT INTO compute_completed
    SELECT md5(who || i)::uuid, CASE WHEN i % 10 = 0 THEN 'failed' ELSE 'succeeded' END,
           CASE WHEN i % 10 = 0 THEN NULL ELSE repeat('9', 500) END, 500, 1661,
           CASE WHEN i % 10 = 0 THEN 'expired' END, CASE WHEN i % 10 = 0 THEN 'too late' END,
           timestamptz '2026-01-01 01:00:00Z', 5, 'NONE', 'p', 0, i
      FROM generate_series(1, $1::int) AS i, unnest(ARRAY['user', 'other']) AS who
     WHERE i % 12 <> 0;
";

struct Log {
    callers: Callers,
    _ingress: Service,
    _system: System,
}

impl Log {
    fn filled(system: System) -> Self {
        let mut database = system.database.connect();
        database.execute(FILL, &[&REQUESTS]).unwrap();
        database.execute(FILL_COMPLETED, &[&REQUESTS]).unwrap();
        let mut ingress = system.start(&system.ingress());
        let callers = Callers::sign_up(&ingress.http());
        Self { callers, _ingress: ingress, _system: system }
    }
}

/// Returns requester and id of every entry from `path` on, following `next` to the end.
#[track_caller]
fn walk(client: &Client, path: &str) -> Vec<(String, String)> {
    let mut next = Some(path.to_owned());
    let mut entries = Vec::new();
    while let Some(path) = next {
        let answer = client.get(&path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let page = answer.json();
        next = page["next"].as_str().map(str::to_owned);
        let link = next.as_ref().map(|next| format!("<{next}>; rel=\"next\""));
        assert_eq!(answer.header("link"), link.unwrap_or_default());
        for entry in page["computations"].as_array().unwrap() {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            entries.push((text("requester"), text("request_id")));
        }
    }
    let unique: BTreeSet<_> = entries.iter().collect();
    assert_eq!(unique.len(), entries.len(), "an entry is there twice");
    entries
}

#[track_caller]
fn problem(answer: &Response) -> (u16, String) {
    (answer.status, answer.json()["code"].as_str().unwrap().to_owned())
}

#[test]
fn users_see_their_own_requests_and_administrators_everybodys() {
    let log = Log::filled(identity::system());
    let Callers { nobody, user, admin, .. } = &log.callers;
    for limit in [1, 7, 59, 60, 200] {
        let own = walk(user, &format!("/v1/computations?limit={limit}"));
        assert_eq!(own.len(), 60, "pages of {limit}");
        assert!(own.iter().all(|(requester, _)| requester == "user"));
    }
    for path in ["/v1/admin/history", "/secure-history"] {
        assert_eq!(walk(admin, &format!("{path}?limit=50")).len(), 120);
        assert_eq!(walk(admin, &format!("{path}?requester=other&limit=50")).len(), 60);
        assert_eq!(problem(&user.get(path)), (403, "admins-only".to_owned()));
        assert_eq!(nobody.get(path).status, 401);
    }
    assert_eq!(walk(admin, "/v1/computations").len(), 0);
    assert_eq!(nobody.get("/v1/computations").status, 401);
    let asked_for_others = user.get("/v1/computations?requester=other");
    assert_eq!(problem(&asked_for_others), (400, "invalid-parameter".to_owned()));
    let cursor = admin.get("/v1/admin/history?limit=1").json()["next"].as_str().unwrap().to_owned();
    let (_, query) = cursor.split_once('?').unwrap();
    let own = walk(user, &format!("/v1/computations?{query}"));
    assert!(own.iter().all(|(requester, _)| requester == "user"), "a cursor lends no rights");
}

#[test]
fn filters_hold_alone_and_together() {
    let log = Log::filled(identity::system());
    for (query, count) in [
        ("operation=factorial", 20),
        ("operation=gamma", 0),
        ("status=pending", 5),
        // The sixtieth is both a tenth and a twelfth, and therefore pending.
        ("status=failed", 5),
        ("status=succeeded", 50),
        ("status=failed&operation=factorial", 1),
        ("from=2026-01-01T00:00:10Z", 41),
        ("to=2026-01-01T00:00:10Z", 19),
        ("from=2026-01-01T01:00:10%2B01:00&to=2026-01-01T00:00:11Z", 2),
    ] {
        let found = walk(&log.callers.user, &format!("/v1/computations?limit=3&{query}"));
        assert_eq!(found.len(), count, "{query}");
    }
}

#[test]
fn an_entry_has_previews_and_leads_to_all_of_it() {
    let log = Log::filled(identity::system());
    let user = &log.callers.user;
    let entry = &user.get("/v1/computations?status=succeeded&limit=1").json()["computations"][0];
    assert_eq!((&entry["result_preview"], &entry["digits"]), (&json!("9".repeat(60)), &json!(500)));
    assert_eq!(entry["operands"]["n"], "7".repeat(60) + "…");
    let whole = user.get(entry["href"].as_str().unwrap()).json();
    assert_eq!(whole["result"], "9".repeat(500));
    let failed = &user.get("/v1/computations?status=failed&limit=1").json()["computations"][0];
    assert_eq!(failed["error"], json!({ "code": "expired", "message": "too late" }));
}

#[test]
fn lists_say_that_the_log_is_away() {
    let mut system = identity::system();
    let (server, _) = system.stack.postgres.rsplit_once('/').unwrap();
    let (_, address) = server.rsplit_once('@').unwrap();
    let proxy = FaultProxy::in_front_of(address.parse().unwrap());
    system.set("ABACUS_POSTGRES_URL", system.database.url_through(proxy.address()));
    let log = Log::filled(system);
    assert_eq!(log.callers.user.get("/v1/computations").status, 200);
    proxy.set(Fault::Cut);
    let answer = log.callers.user.get("/v1/computations");
    assert_eq!(problem(&answer), (503, "request-log-unavailable".to_owned()));
    assert_eq!(answer.header("retry-after"), "1");
}
