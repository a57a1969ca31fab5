//! The produce request.

use super::bytes::{len, put_i16, put_i32, put_string};
use super::connection::exchange;

/// Sends `batch`. Returns the offset of its first record, or the reason of a refusal.
pub(super) fn produce(
    bootstrap: &str,
    topic: &str,
    partition: i32,
    batch: &[u8],
) -> Result<i64, String> {
    let answer = exchange(bootstrap, &request(topic, partition, batch))
        .map_err(|error| format!("the broker closes the connection: {error}"))?;
    // Correlation id, number of topics, name, number of partitions, partition, error, offset.
    let at = 4 + 4 + 2 + topic.len() + 4 + 4;
    let error = i16::from_be_bytes(answer[at..at + 2].try_into().unwrap());
    match error {
        0 => Ok(i64::from_be_bytes(answer[at + 2..at + 10].try_into().unwrap())),
        code => Err(format!("error code {code}")),
    }
}

fn request(topic: &str, partition: i32, batch: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    put_i16(&mut body, 0); // Produce
    put_i16(&mut body, 7);
    put_i32(&mut body, 1); // correlation id
    put_string(&mut body, "abacus-tests");
    put_i16(&mut body, -1); // no transactional id
    put_i16(&mut body, -1); // acks=all
    put_i32(&mut body, 10_000);
    put_i32(&mut body, 1);
    put_string(&mut body, topic);
    put_i32(&mut body, 1);
    put_i32(&mut body, partition);
    put_i32(&mut body, len(batch));
    body.extend_from_slice(batch);
    body
}
