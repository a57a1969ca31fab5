//! What became of the records of requests with a key: the producer reports it, and a task tells
//! Postgres, whether or not the caller is still there. What it does not get to say, for want of
//! time or of Postgres, the request log says later.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use abacus_runtime::Shutdown;
use parking_lot::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, interval, sleep};
use uuid::Uuid;

use super::store::{SWEEP as SWEPT, Store};

/// How often expired keys are looked for.
const SWEEP: Duration = Duration::from_secs(30);
/// How many fates are told in one statement.
const TOLD: usize = 1_000;
/// How long a fate is tried to be told: then the lease is over and the request log tells.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(500);

/// The records with a key that are on their way.
pub(crate) struct Deliveries {
    /// How many there are, so that those without a key need no lock.
    count: AtomicUsize,
    /// Each with the lease it is written under.
    expected: Mutex<HashMap<Uuid, SystemTime>>,
    fates: UnboundedSender<Fate>,
}

/// The other end of [`Deliveries`].
pub(crate) struct Feed(UnboundedReceiver<Fate>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Written(Uuid),
    Failed(Uuid, SystemTime),
}

impl Deliveries {
    /// With the feed for [`keep`]. It holds no more than there are records on their way.
    pub(crate) fn new() -> (Self, Feed) {
        let (fates, feed) = unbounded_channel();
        let expected = Mutex::new(HashMap::new());
        (Self { count: AtomicUsize::new(0), expected, fates }, Feed(feed))
    }

    /// The record of `id` is about to be sent, under a lease until then.
    pub(super) fn expect(&self, id: Uuid, leased_until: SystemTime) {
        if self.expected.lock().insert(id, leased_until).is_none() {
            self.count.fetch_add(1, Ordering::Release);
        }
    }

    /// The record of `id`, if it is on its way still, is so under another lease.
    pub(super) fn renew(&self, id: Uuid, leased_until: SystemTime) {
        if let Some(lease) = self.expected.lock().get_mut(&id) {
            *lease = leased_until;
        }
    }

    /// It is in the event log.
    pub(crate) fn mark_written(&self, id: Uuid) {
        self.tell(id, |_| Fate::Written(id));
    }

    /// It was given up, or was never sent.
    pub(crate) fn mark_failed(&self, id: Uuid) {
        self.tell(id, |lease| Fate::Failed(id, lease));
    }

    fn tell(&self, id: Uuid, fate: impl FnOnce(SystemTime) -> Fate) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let Some(lease) = self.expected.lock().remove(&id) else { return };
        self.count.fetch_sub(1, Ordering::Release);
        let _ = self.fates.send(fate(lease));
    }
}

/// Tells Postgres what became of records, and deletes expired keys, until the shutdown.
pub(crate) async fn keep(store: Store, mut feed: Feed, shutdown: Shutdown) -> anyhow::Result<()> {
    let mut sweep = interval(SWEEP);
    let mut fates = Vec::new();
    loop {
        tokio::select! {
            biased;
            () = shutdown.requested() => break,
            count = feed.0.recv_many(&mut fates, TOLD) => {
                if count == 0 {
                    break;
                }
                tell(&store, &fates, &shutdown).await;
                fates.clear();
            }
            _ = sweep.tick() => tokio::select! {
                biased;
                () = shutdown.requested() => break,
                is_done = clean(&store) => if !is_done {
                    sweep.reset_after(PAUSE);
                },
            },
        }
    }
    while feed.0.try_recv().map(|fate| fates.push(fate)).is_ok() {}
    tell(&store, &fates, &shutdown).await;
    Ok(())
}

async fn tell(store: &Store, fates: &[Fate], shutdown: &Shutdown) {
    let (mut written, mut failed, mut leases) = (Vec::new(), Vec::new(), Vec::new());
    for fate in fates {
        match fate {
            Fate::Written(id) => written.push(*id),
            Fate::Failed(id, lease) => {
                failed.push(*id);
                leases.push(*lease);
            }
        }
    }
    let began = Instant::now();
    while let Err(error) = try_tell(store, &written, (&failed, &leases)).await {
        if began.elapsed() > PATIENCE || shutdown.is_requested() {
            let (count, error) = (fates.len(), format!("{error:#}"));
            tracing::warn!(count, error, "idempotency keys are left to the request log");
            return;
        }
        sleep(PAUSE).await;
    }
}

async fn try_tell(
    store: &Store,
    written: &[Uuid],
    (failed, leases): (&[Uuid], &[SystemTime]),
) -> anyhow::Result<()> {
    store.mark_written(written).await?;
    store.release(failed, leases).await
}

/// Deletes some expired keys; whether those are all for now.
async fn clean(store: &Store) -> bool {
    match store.expire().await {
        Ok(0) => true,
        Ok(count) => {
            tracing::debug!(count, "expired idempotency keys are deleted");
            count < SWEPT
        }
        Err(error) => {
            let error = format!("{error:#}");
            tracing::debug!(error, "expired idempotency keys stay for now");
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
        let (deliveries, mut feed) = Deliveries::new();
        let [first, second, other] = [1, 2, 3].map(Uuid::from_u128);
        deliveries.mark_written(first);
        deliveries.expect(first, UNIX_EPOCH);
        deliveries.expect(second, UNIX_EPOCH);
        let renewed = UNIX_EPOCH + PAUSE;
        deliveries.renew(second, renewed);
        deliveries.renew(other, renewed);
        deliveries.mark_written(other);
        deliveries.mark_written(first);
        deliveries.mark_failed(first);
        deliveries.mark_failed(second);
        assert_eq!(feed.0.try_recv(), Ok(Fate::Written(first)));
        assert_eq!(feed.0.try_recv(), Ok(Fate::Failed(second, renewed)));
        assert!(feed.0.try_recv().is_err());
        assert_eq!(deliveries.count.load(Ordering::Acquire), 0);
    }
}
