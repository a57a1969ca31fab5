//! A computation under a key, from the claim to the answer.

use std::time::{Duration, SystemTime};

use abacus_schemas::ComputeRequested;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::store::{Entry, Wanted};
use super::{Key, owner};
use crate::attach::{self, left};
use crate::call::Call;
use crate::computation::Computation;
use crate::error::Error;
use crate::exchange::Submission;
use crate::problem::Failure;
use crate::state::AppState;

/// How often a key is looked at while its request is on its way into the event log.
const PAUSE: Duration = Duration::from_millis(50);

/// What came of a request under a key.
pub(crate) struct Outcome {
    pub(crate) computation: Computation,
    /// Whether this is the answer to an earlier request.
    pub(crate) is_replay: bool,
    /// From when on the key stands for nothing.
    pub(crate) expires_at: SystemTime,
}

/// Computes what `submission` asks for unless that was done under `key` before. The submission's id
/// is that of a new request; an earlier one keeps its own.
pub(crate) async fn run(
    state: &AppState,
    call: &Call,
    key: &Key,
    fingerprint: &[u8; 32],
    submission: Submission<'_>,
) -> Result<Outcome, Failure> {
    let wanted = Wanted {
        requester: owner(&call.caller)?,
        key: key.as_str(),
        fingerprint,
        id: submission.id,
        requested_at: submission.request.requested_at,
    };
    let began = Instant::now();
    loop {
        let entry = state.idempotency.store.claim(wanted).await.inspect_err(|error| {
            count(
                state,
                if matches!(error, super::Error::Reused) { "reused" } else { "unavailable" },
            );
        })?;
        if entry.is_ours {
            return write(state, &entry, submission).await.map_err(Failure::of(entry.id));
        }
        if let Some(outcome) =
            wait(state, call, &entry, submission, began).await.map_err(Failure::of(entry.id))?
        {
            count(state, "replayed");
            return Ok(outcome);
        }
    }
}

/// It is ours to write the request, under its first id and time, should it be another's that is
/// taken over.
async fn write(
    state: &AppState,
    entry: &Entry,
    submission: Submission<'_>,
) -> Result<Outcome, Error> {
    let Submission { id, request, .. } = submission;
    count(state, if entry.id == id { "claimed" } else { "taken-over" });
    let request = named(request, entry);
    let submission = Submission { id: entry.id, request: &request, ..submission };
    let deliveries = &state.idempotency.deliveries;
    deliveries.expect(entry.id);
    let answer = state.exchange.ask(submission).await.inspect_err(|error| {
        // Of what was sent the producer tells.
        if error.is_before_sending() {
            deliveries.mark_failed(entry.id);
        }
    })?;
    let computation = match answer {
        Some(event) => Computation::of(entry.id, event),
        None => Computation::pending(entry.id, request),
    };
    Ok(Outcome { computation, is_replay: false, expires_at: entry.expires_at })
}

/// Another has claimed the key: waits for the answer; `None` if the key is worth another look.
async fn wait(
    state: &AppState,
    call: &Call,
    entry: &Entry,
    submission: Submission<'_>,
    began: Instant,
) -> Result<Option<Outcome>, Error> {
    let wait = left(began, submission.wait);
    let patience = if entry.is_written { wait } else { wait.min(entry.lease_left) };
    let replay =
        |computation| Some(Outcome { computation, is_replay: true, expires_at: entry.expires_at });
    if let Some(computation) = attach::outcome(state, entry.id, call, patience).await? {
        return Ok(replay(computation));
    }
    if entry.is_written {
        return Ok(replay(Computation::pending(entry.id, named(submission.request, entry))));
    }
    // An answer is promised only for what is in the event log.
    if left(began, submission.wait + state.exchange.acceptance).is_zero() {
        return Err(Error::Unconfirmed);
    }
    sleep(PAUSE).await;
    Ok(None)
}

/// The request as it was first made.
fn named(request: &ComputeRequested, entry: &Entry) -> ComputeRequested {
    ComputeRequested {
        request_id: Uuid::to_string(&entry.id),
        requested_at: entry.requested_at,
        ..request.clone()
    }
}

fn count(state: &AppState, outcome: &'static str) {
    state.metrics.keyed.with_label_values(&[outcome]).inc();
}
