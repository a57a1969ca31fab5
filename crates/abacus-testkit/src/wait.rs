//! Waiting for a condition. A failed wait reports the last state.

use std::thread;
use std::time::{Duration, Instant};

/// Longest wait of a test for an event that takes a second or two on an idle machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Longest wait for one answer of a broker.
pub(crate) const BROKER_CALL: Duration = Duration::from_secs(30);

const INTERVAL: Duration = Duration::from_millis(20);

/// Calls `probe` until it returns a value. Panics with the last error after `patience`.
///
/// ```
/// use abacus_testkit::{PATIENCE, wait_until};
///
/// let mut missing = 3;
/// let done = wait_until("all parts", PATIENCE, || {
///     missing -= 1;
///     if missing == 0 { Ok("complete") } else { Err(format!("{missing} missing")) }
/// });
/// assert_eq!(done, "complete");
/// ```
#[track_caller]
pub fn wait_until<T>(
    what: &str,
    patience: Duration,
    mut probe: impl FnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + patience;
    loop {
        match probe() {
            Ok(value) => return value,
            Err(seen) if Instant::now() >= deadline => {
                panic!("waited {patience:?} for {what}; last seen: {seen}")
            }
            Err(_) => thread::park_timeout(INTERVAL),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_with_the_first_value() {
        let mut left = 3;
        let value = wait_until("zero", PATIENCE, || {
            left -= 1;
            if left == 0 { Ok("done") } else { Err(left.to_string()) }
        });
        assert_eq!((value, left), ("done", 0));
    }

    #[test]
    #[should_panic(expected = "for the moon; last seen: clouds")]
    fn it_says_what_was_seen_last() {
        wait_until("the moon", Duration::ZERO, || Err::<(), _>("clouds".to_owned()));
    }
}
