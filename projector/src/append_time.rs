//! Times by the clock of the broker. A producer may claim any time for its request, and a
//! stranger's clock must not sort, page or measure the request log.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use abacus_kafka::RecordTime;

/// First millisecond of the year 9999, the last year of RFC 3339.
const LAST_MS: i64 = 253_370_764_800_000;

/// Returns the time at which Kafka appended a record. In a topic with times by the producers' clocks
/// this time is a claim too: never before 1970, and never after `now`, the clock of the projector.
pub(crate) fn append_time(time: Option<RecordTime>, now: SystemTime) -> SystemTime {
    match time {
        Some(RecordTime::Appended(ms)) => from_ms(ms),
        Some(RecordTime::Created(ms)) => from_ms(ms).min(now),
        None => now,
    }
}

/// Returns the time closest to `claimed` that is at most `tolerance` away from `appended`.
pub(crate) fn bounded(
    claimed: SystemTime,
    appended: SystemTime,
    tolerance: Duration,
) -> SystemTime {
    let earliest = appended.checked_sub(tolerance).unwrap_or(UNIX_EPOCH);
    let latest = appended.checked_add(tolerance).unwrap_or(appended);
    claimed.max(earliest).min(latest)
}

fn from_ms(ms: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(ms.clamp(0, LAST_MS).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> SystemTime {
        let distance = Duration::from_millis(ms.unsigned_abs());
        if ms < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
    }

    #[test]
    fn the_clock_of_a_producer_is_not_ahead_of_the_projector() {
        let now = at(1_000);
        assert_eq!(append_time(Some(RecordTime::Created(5_000)), now), now);
        assert_eq!(append_time(Some(RecordTime::Created(900)), now), at(900));
        assert_eq!(append_time(Some(RecordTime::Created(-7)), now), UNIX_EPOCH);
        assert_eq!(append_time(Some(RecordTime::Appended(5_000)), now), at(5_000));
        assert_eq!(append_time(None, now), now);
    }

    proptest! {
        #[test]
        fn a_recorded_time_is_close_to_its_append_time(
            claimed in -60_000_000_000_000_i64..300_000_000_000_000,
            appended in any::<i64>(),
            tolerance in 0..1_000_000_u64,
        ) {
            let appended = append_time(Some(RecordTime::Appended(appended)), UNIX_EPOCH);
            let limit = Duration::from_millis(tolerance);
            let recorded = bounded(at(claimed), appended, limit);
            let distance = recorded.duration_since(appended).unwrap_or_else(|e| e.duration());
            prop_assert!(distance <= limit);
            let claim = at(claimed).duration_since(appended).unwrap_or_else(|e| e.duration());
            prop_assert!(claim > limit || recorded == at(claimed), "a credible claim is kept");
        }
    }
}
