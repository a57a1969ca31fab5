//! Results in Redis, against a stranger who can write there.

use abacus_testkit::{PATIENCE, RedisServer, Service, System, wait_until};

use crate::history::History;
use crate::oracle;

const ASKED: &str = "fibonacci(100001)";
const PATH: &str = "/v1/fibonacci/100001";
/// Another computation.
const OTHER: (&str, &str) = ("fibonacci(100002)", "/v1/fibonacci/100002");

/// Bytes of the tag in a stored result, after the version.
const TAG: std::ops::Range<usize> = 1..33;

/// Waits until Redis holds another value than `forged`.
#[track_caller]
fn wait_for_value(redis: &RedisServer, key: &str, forged: &[u8]) -> Vec<u8> {
    wait_until(key, PATIENCE, || match redis.read(key) {
        Some(value) if value != forged => Ok(value),
        other => Err(format!("{} bytes", other.unwrap_or_default().len())),
    })
}

fn lookups(processor: &mut Service, result: &str) -> u64 {
    let labels = [("level", "redis"), ("result", result)];
    processor.count("abacus_processor_cache_lookups_total", &labels)
}

#[test]
fn a_writer_to_redis_does_not_choose_a_result() {
    let mut system = System::new();
    let redis = RedisServer::start(&system.stack);
    system.set("ABACUS_REDIS_URL", redis.url());
    // A small memory cache, so that lookups go to Redis.
    system.set("ABACUS_CACHE_MEMORY", "1");
    let [mut ingress, mut processor, _projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let client = ingress.http();
    let question = ("fibonacci".to_owned(), [("n".to_owned(), "100001".to_owned())].into());
    let right = oracle::answers(&system.stack, [question]).into_values().next().unwrap();
    let key = |canonical: &str| format!("{}:{canonical}", system.name());
    // Asks until a lookup in Redis has ended with `result`. Writes `forged` before each question, because
    // the processor may still be writing the result of an earlier question.
    let mut ask_until = |result, forged: Option<&[u8]>| {
        let before = lookups(&mut processor, result);
        wait_until(&format!("a Redis {result}"), PATIENCE, || {
            if let Some(forged) = forged {
                redis.write(&key(ASKED), forged).unwrap();
            }
            let answer = client.get(PATH);
            assert_eq!(answer.json()["result"], right.as_str(), "after a Redis {result}");
            match lookups(&mut processor, result) {
                now if now > before => Ok(()),
                now => Err(format!("{now} as before")),
            }
        });
    };
    assert_eq!(client.get(OTHER.1).status, 200);
    let replayed = wait_for_value(&redis, &key(OTHER.0), b"");
    let mut made_up = replayed.clone();
    made_up[TAG].fill(7);
    for forged in [b"7".to_vec(), made_up, replayed] {
        ask_until("invalid", Some(&forged));
        wait_for_value(&redis, &key(ASKED), &forged);
    }
    ask_until("hit", None);
    let history = History::complete(&system, PATIENCE);
    history.assert_right(&system);
    history.assert_logged(&system, PATIENCE);
}
