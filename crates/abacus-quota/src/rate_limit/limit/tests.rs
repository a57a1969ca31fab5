use super::*;

fn limiter(units: u64, keys: u64) -> RateLimit {
    let quota = Quota::new(units, Duration::from_hours(1)).unwrap();
    let metrics = Metrics::unregistered();
    RateLimit::new("compute", quota, keys, None, metrics)
}

fn subject(last: u8) -> Subject {
    Subject::address("address", [192, 0, 2, last].into())
}

#[tokio::test]
async fn each_caller_has_a_quota_of_their_own() {
    let limiter = limiter(3, 100);
    for left in [2, 1, 0] {
        assert_eq!(limiter.take(&subject(1), 1).await.unwrap().remaining, left);
    }
    let Exceeded(status) = limiter.take(&subject(1), 1).await.unwrap_err();
    assert_eq!(status.remaining, 0);
    assert!(status.reset_after <= Duration::from_mins(20) && !status.reset_after.is_zero());
    assert!(limiter.take(&subject(2), 3).await.is_ok());
    let count = |outcome| limiter.metrics.limits.with_label_values(&["compute", outcome]).get();
    assert_eq!((count("allowed"), count("refused")), (4, 1));
}

#[tokio::test]
async fn what_costs_more_than_the_quota_takes_all_of_it() {
    let limiter = limiter(10, 100);
    assert_eq!(limiter.take(&subject(1), 1_000).await.unwrap().remaining, 0);
    assert!(limiter.take(&subject(1), 1).await.is_err());
}

#[tokio::test]
async fn callers_are_remembered_up_to_a_number() {
    let limiter = limiter(10, 50);
    for last in 0..=255 {
        limiter.take(&subject(last), 1).await.unwrap();
    }
    limiter.allowances.run_pending_tasks();
    assert!(limiter.allowances.entry_count() <= 50);
}
