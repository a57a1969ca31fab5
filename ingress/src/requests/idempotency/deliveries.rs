//! Delivery reports of requests with an idempotency key. The producer reports each delivery, and a
//! task stores the report in Postgres, also after the caller has disconnected. If a report cannot
//! be stored in time, the written request shows later in the request log.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use abacus_runtime::Shutdown;
use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, interval, sleep};
use uuid::Uuid;

use crate::log::{DELETED_AT_ONCE, IdempotencyKeys};

/// Interval between two deletions of expired keys.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(30);
/// Number of delivery reports stored by one statement.
const BATCH: usize = 1_000;
/// Time limit for storing delivery reports. Afterwards the lease has ended, and the request log
/// decides.
const STORE_TIME_LIMIT: Duration = Duration::from_secs(30);
/// Pause before the next attempt to store reports, and before the next batch of expired keys.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// Expected deliveries of requests with a key.
pub(crate) struct Deliveries {
    /// Number of expected deliveries. While zero, a report for a request without a key takes no
    /// lock.
    count: AtomicUsize,
    /// End of the lease of each request, by request id.
    expected: Mutex<HashMap<Uuid, SystemTime>>,
    reports: UnboundedSender<Delivery>,
}

/// Receiver of delivery reports.
pub(crate) struct DeliveryReports(UnboundedReceiver<Delivery>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    Written(Uuid),
    Failed(Uuid, SystemTime),
}

impl Deliveries {
    /// Creates the expected deliveries, and the receiver of reports for [`report_deliveries`]. The
    /// receiver holds at most one report for each record in flight.
    pub(crate) fn new() -> (Self, DeliveryReports) {
        let (sender, receiver) = unbounded_channel();
        let expected = Mutex::new(HashMap::new());
        (Self { count: AtomicUsize::new(0), expected, reports: sender }, DeliveryReports(receiver))
    }

    /// Expects the delivery of `id`, published under a lease until `leased_until`.
    pub(crate) fn expect(&self, id: Uuid, leased_until: SystemTime) {
        if self.expected.lock().insert(id, leased_until).is_none() {
            self.count.fetch_add(1, Ordering::Release);
        }
    }

    /// Renews the lease of an expected delivery.
    pub(crate) fn renew(&self, id: Uuid, leased_until: SystemTime) {
        if let Some(lease) = self.expected.lock().get_mut(&id) {
            *lease = leased_until;
        }
    }

    /// Reports the request as written to the event log.
    pub(crate) fn mark_written(&self, id: Uuid) {
        self.report(id, |_| Delivery::Written(id));
    }

    /// Reports the request as given up or never sent.
    pub(crate) fn mark_failed(&self, id: Uuid) {
        self.report(id, |lease| Delivery::Failed(id, lease));
    }

    fn report(&self, id: Uuid, delivery: impl FnOnce(SystemTime) -> Delivery) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let Some(lease) = self.expected.lock().remove(&id) else { return };
        self.count.fetch_sub(1, Ordering::Release);
        let _ = self.reports.send(delivery(lease));
    }
}

/// Stores delivery reports in Postgres, and deletes expired keys, until the shutdown.
pub(crate) async fn report_deliveries(
    keys: IdempotencyKeys,
    mut reports: DeliveryReports,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    let mut sweep = interval(EXPIRY_INTERVAL);
    let mut deliveries = Vec::new();
    loop {
        tokio::select! {
            biased;
            () = shutdown.requested() => break,
            count = reports.0.recv_many(&mut deliveries, BATCH) => {
                if count == 0 {
                    break;
                }
                store(&keys, &deliveries, &shutdown).await;
                deliveries.clear();
            }
            _ = sweep.tick() => tokio::select! {
                biased;
                () = shutdown.requested() => break,
                is_done = delete_expired(&keys) => if !is_done {
                    sweep.reset_after(RETRY_PAUSE);
                },
            },
        }
    }
    while reports.0.try_recv().map(|delivery| deliveries.push(delivery)).is_ok() {}
    store(&keys, &deliveries, &shutdown).await;
    Ok(())
}

async fn store(keys: &IdempotencyKeys, deliveries: &[Delivery], shutdown: &Shutdown) {
    let (mut written, mut failed, mut leases) = (Vec::new(), Vec::new(), Vec::new());
    for delivery in deliveries {
        match delivery {
            Delivery::Written(id) => written.push(*id),
            Delivery::Failed(id, lease) => {
                failed.push(*id);
                leases.push(*lease);
            }
        }
    }
    let began = Instant::now();
    while let Err(error) = try_store(keys, &written, (&failed, &leases)).await {
        if began.elapsed() > STORE_TIME_LIMIT || shutdown.is_requested() {
            let (count, error) = (deliveries.len(), format!("{error:#}"));
            tracing::warn!(
                count,
                error,
                "delivery reports are not stored; the request log decides"
            );
            return;
        }
        sleep(RETRY_PAUSE).await;
    }
}

async fn try_store(
    keys: &IdempotencyKeys,
    written: &[Uuid],
    (failed, leases): (&[Uuid], &[SystemTime]),
) -> anyhow::Result<()> {
    keys.mark_written(written).await?;
    keys.release(failed, leases).await
}

/// Deletes a batch of expired keys. Returns `true` if no expired key is left.
async fn delete_expired(keys: &IdempotencyKeys) -> bool {
    match keys.delete_expired().await {
        Ok(0) => true,
        Ok(count) => {
            tracing::debug!(count, "deleted expired idempotency keys");
            count < DELETED_AT_ONCE
        }
        Err(error) => {
            let error = format!("{error:#}");
            tracing::debug!(error, "expired idempotency keys cannot be deleted yet");
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn only_what_is_expected_is_told_and_once() {
        let (deliveries, mut reports) = Deliveries::new();
        let [first, second, other] = [1, 2, 3].map(Uuid::from_u128);
        deliveries.mark_written(first);
        deliveries.expect(first, UNIX_EPOCH);
        deliveries.expect(second, UNIX_EPOCH);
        let renewed = UNIX_EPOCH + RETRY_PAUSE;
        deliveries.renew(second, renewed);
        deliveries.renew(other, renewed);
        deliveries.mark_written(other);
        deliveries.mark_written(first);
        deliveries.mark_failed(first);
        deliveries.mark_failed(second);
        assert_eq!(reports.0.try_recv(), Ok(Delivery::Written(first)));
        assert_eq!(reports.0.try_recv(), Ok(Delivery::Failed(second, renewed)));
        assert!(reports.0.try_recv().is_err());
        assert_eq!(deliveries.count.load(Ordering::Acquire), 0);
    }
}
