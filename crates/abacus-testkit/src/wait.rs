//! Waiting for something to become true, and saying what was last seen if it does not.

use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for what takes a second or two on an idle machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// How long one answer of the broker may take.
pub(crate) const BROKER_CALL: Duration = Duration::from_secs(30);

const INTERVAL: Duration = Duration::from_millis(20);

/// Asks `probe` until it gives a value, and panics with the last thing it said if that takes
/// longer than `patience`.
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
