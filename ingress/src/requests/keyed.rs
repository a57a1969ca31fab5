//! Computations under an idempotency key, from the claim to the outcome.

use std::time::Duration;

use abacus_exchange::Progress;
use abacus_schemas::ComputeRequested;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::error::{Error, FailedRequest};
use super::service::Requests;
use super::submit::{Outcome, Submission, SubmissionKey, Target};
use crate::log::{IdempotencyEntry, KeyClaim, KeyError};
use crate::quotas::Permit;
use crate::representation::Computation;

/// Pause between two reads of a key, while the request is not in the event log.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

impl Requests {
    /// Computes unless an earlier request with the key exists. A new request gets the submission's
    /// id; an earlier request keeps the first id. A call that computes is admitted as a
    /// computation; every other call counts as a look-up.
    pub(super) async fn submit_keyed(
        &self,
        submission: &Submission<'_>,
        key: SubmissionKey<'_>,
    ) -> Result<Outcome, FailedRequest> {
        let requester = submission.client.caller.requester().ok_or(Error::KeyNeedsCredentials)?;
        let claim = KeyClaim {
            requester,
            key: key.text,
            fingerprint: &key.fingerprint,
            id: submission.id,
            requested_at: submission.event.requested_at,
            partition: self.exchange.transport.partitioner.partition(),
        };
        let began = Instant::now();
        self.quotas.admit_read(submission.client).await.map_err(Error::from)?;
        loop {
            let keys = &self.idempotency.keys;
            let found = keys.find(claim).await.inspect_err(|error| self.count_refusal(error));
            let (entry, permit) = if let Some(entry) = found.map_err(Error::from)? {
                (entry, None)
            } else {
                let permit = self.admit(submission).await?;
                let claimed = keys.claim(claim).await;
                let claimed = claimed.inspect_err(|error| self.count_refusal(error));
                (claimed.map_err(Error::from)?, Some(permit))
            };
            let outcome = match permit {
                Some(permit) if entry.is_ours => {
                    self.publish_claimed(submission, &entry, permit, began).await
                }
                _ => self.await_claimed(submission, &entry, began).await,
            };
            if let Some(outcome) = outcome.map_err(FailedRequest::with_request_id(entry.id))? {
                return Ok(outcome);
            }
        }
    }

    /// Publishes the request; this instance holds the lease. A taken-over request keeps the first
    /// id, time and partition, and is published only if the crashed instance did not write it.
    /// Returns `None` if the key must be read again.
    async fn publish_claimed(
        &self,
        submission: &Submission<'_>,
        entry: &IdempotencyEntry,
        permit: Permit,
        began: Instant,
    ) -> Result<Option<Outcome>, Error> {
        let is_new = entry.id == submission.id;
        let progress = match self.exchange.progress(entry.id) {
            None if !is_new => self.find_written(entry).await?,
            progress => progress,
        };
        if let Some(progress) = progress {
            drop(permit);
            let entry = self.rejoin_publication(entry, progress);
            return self.await_claimed(submission, &entry, began).await;
        }
        self.count(if is_new { "claimed" } else { "taken-over" });
        let event = first_event(&submission.event, entry);
        let deliveries = &self.idempotency.deliveries;
        deliveries.expect(entry.id, entry.leased_until);
        let target = Target { id: entry.id, partition: Some(entry.partition) };
        let published = self.publish(permit, event, target, submission.options).await;
        let (computation, permit) = published.inspect_err(|error| {
            // The producer reports the delivery of a sent record.
            if error.is_before_sending() {
                deliveries.mark_failed(entry.id);
            }
        })?;
        let key_expires_at = Some(entry.expires_at);
        Ok(Some(Outcome { computation, permit: Some(permit), key_expires_at }))
    }

    /// Searches the event log for the request of a crashed instance. After a failed search, gives the
    /// lease back: the request may be in the event log.
    async fn find_written(&self, entry: &IdempotencyEntry) -> Result<Option<Progress>, Error> {
        match self.idempotency.event_log.contains(entry).await {
            Ok(true) => {
                self.count("found");
                Ok(Some(Progress::Written))
            }
            Ok(false) => Ok(None),
            Err(error) => {
                let deliveries = &self.idempotency.deliveries;
                deliveries.expect(entry.id, entry.leased_until);
                deliveries.mark_failed(entry.id);
                let error = KeyError::Unsearchable(error);
                self.count_refusal(&error);
                Err(error.into())
            }
        }
    }

    /// Renews the lease of a request that this instance has already published, to avoid a second
    /// publication. Returns the entry to wait for.
    fn rejoin_publication(&self, entry: &IdempotencyEntry, progress: Progress) -> IdempotencyEntry {
        let deliveries = &self.idempotency.deliveries;
        let is_written = progress == Progress::Written;
        if is_written {
            // No report of the delivery reached Postgres in time.
            deliveries.expect(entry.id, entry.leased_until);
            deliveries.mark_written(entry.id);
        } else {
            deliveries.renew(entry.id, entry.leased_until);
        }
        let lease_left = self.idempotency.keys.lease();
        IdempotencyEntry { is_ours: false, is_written, lease_left, ..entry.clone() }
    }

    /// Waits for the outcome of a request published by another call. Returns `None` if the key must
    /// be read again.
    async fn await_claimed(
        &self,
        submission: &Submission<'_>,
        entry: &IdempotencyEntry,
        began: Instant,
    ) -> Result<Option<Outcome>, Error> {
        let full_wait = submission.options.wait;
        let wait = full_wait.saturating_sub(began.elapsed());
        let entry_wait = if entry.is_written { wait } else { wait.min(entry.lease_left) };
        let replay = |computation| {
            self.count("replayed");
            Some(Outcome { computation, permit: None, key_expires_at: Some(entry.expires_at) })
        };
        if let Some(computation) =
            self.completed_within(entry.id, submission.client, entry_wait).await?
        {
            return Ok(replay(computation));
        }
        if entry.is_written {
            let event = first_event(&submission.event, entry);
            return Ok(replay(Computation::pending(entry.id, event)));
        }
        // Only a request in the event log may be answered with 202.
        if began.elapsed() >= full_wait + self.exchange.acceptance {
            return Err(abacus_exchange::Error::Unconfirmed.into());
        }
        sleep(RETRY_PAUSE).await;
        Ok(None)
    }

    fn count_refusal(&self, error: &KeyError) {
        self.count(match error {
            KeyError::Reused => "reused",
            KeyError::Unavailable(_) | KeyError::Unsearchable(_) => "unavailable",
        });
    }

    fn count(&self, outcome: &'static str) {
        self.metrics.keyed.with_label_values(&[outcome]).inc();
    }
}

/// Returns the event with the id and time of the first request under the key.
fn first_event(event: &ComputeRequested, entry: &IdempotencyEntry) -> ComputeRequested {
    ComputeRequested {
        request_id: Uuid::to_string(&entry.id),
        requested_at: entry.requested_at,
        ..event.clone()
    }
}
