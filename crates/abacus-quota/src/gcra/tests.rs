use proptest::prelude::*;

use super::*;

fn quota(units: u64, seconds: u64) -> Quota {
    Quota::new(units, Duration::from_secs(seconds)).unwrap()
}

#[test]
fn a_setting_is_units_for_a_time_or_off() {
    assert_eq!(Limit::parse("600/1m"), Ok(Limit(Some(quota(600, 60)))));
    assert_eq!(Limit::parse("off"), Ok(Limit(None)));
    for text in ["600", "600/", "/1m", "0/1m", "600/0s", "-1/1s", "many/1m"] {
        assert!(Limit::parse(text).unwrap_err().contains("`600/60s`"), "{text}");
    }
}

#[test]
fn all_units_may_be_used_at_once_and_come_back_evenly() {
    let (quota, now) = (quota(10, 10), Instant::now());
    let mut used = Gcra::default();
    assert_eq!(used.left(quota, now), 10);
    assert_eq!(used.take(quota, 10, now), Ok(()));
    assert_eq!(used.take(quota, 1, now), Err(Duration::from_secs(1)));
    assert_eq!(used.take(quota, 3, now), Err(Duration::from_secs(3)));
    let later = now + Duration::from_secs(3);
    assert_eq!(used.left(quota, later), 3);
    assert_eq!(used.take(quota, 3, later), Ok(()));
    assert!(used.take(quota, 1, later).is_err());
    let much_later = now + Duration::from_hours(1);
    assert_eq!(used.left(quota, much_later), 10);
}

#[test]
fn what_somebody_else_allowed_never_leaves_a_debt() {
    let (quota, now) = (quota(10, 10), Instant::now());
    let mut used = Gcra::default();
    (0..100).for_each(|_| used.charge(quota, 7, now));
    assert_eq!(used.left(quota, now), 0);
    assert_eq!(used.take(quota, 1, now + Duration::from_secs(1)), Ok(()));
}

proptest! {
    /// Over any stretch of time, the allowed units are at most the quota and the units that came back meanwhile.
    #[test]
    fn no_more_is_allowed_than_there_is(
        units in 1_u64..1_000,
        window in 1_u64..100,
        asked in prop::collection::vec((1_u64..50, 0_u64..3_000), 1..200),
    ) {
        let quota = quota(units, window);
        let start = Instant::now();
        let mut used = Gcra::default();
        let mut now = start;
        let mut allowed = 0;
        for (units, pause) in asked {
            now += Duration::from_millis(pause);
            if used.take(quota, units.min(quota.units()), now).is_ok() {
                allowed += units.min(quota.units());
            }
            // The products avoid the rounding of a division.
            let passed = u64::try_from((now - start).as_millis()).unwrap();
            let window = window * 1_000;
            prop_assert!(allowed * window <= quota.units() * (window + passed));
        }
    }

    /// A refused request is allowed after the returned wait, and not a nanosecond before.
    #[test]
    fn the_wait_that_is_said_is_enough_and_not_too_long(
        units in 1_u64..1_000,
        window in 1_u64..100,
        asked in prop::collection::vec((1_u64..50, 0_u64..300), 1..200),
    ) {
        let quota = quota(units, window);
        let mut used = Gcra::default();
        let mut now = Instant::now();
        for (units, pause) in asked {
            now += Duration::from_millis(pause);
            let units = units.min(quota.units());
            if let Err(wait) = used.take(quota, units, now) {
                let mut early = used;
                let almost = now + wait.saturating_sub(Duration::from_nanos(1));
                prop_assert!(early.take(quota, units, almost).is_err());
                prop_assert_eq!(used.take(quota, units, now + wait), Ok(()));
                now += wait;
            }
        }
    }
}
