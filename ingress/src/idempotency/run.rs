//! A computation under a key, from the claim to the answer.

use std::time::{Duration, SystemTime};

use abacus_schemas::ComputeRequested;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::store::{Entry, Wanted};
use super::{Key, owner};
use crate::computations::attach::{self, left};
use crate::computations::computation::Computation;
use crate::compute::submit::mark_answered;
use crate::error::Error;
use crate::exchange::Submission;
use crate::exchange::waiters::Progress;
use crate::problem::Failure;
use crate::protection::{Load, Permit};
use crate::request::call::Call;
use crate::request::traceparent;
use crate::state::AppState;

/// How often a key is looked at while its request is on its way into the event log.
const PAUSE: Duration = Duration::from_millis(50);

/// What came of a request under a key.
pub(crate) struct Outcome {
    pub(crate) computation: Computation,
    /// Held by who computed it; without one, this is the answer to an earlier request.
    pub(crate) permit: Option<Permit>,
    /// From when on the key stands for nothing.
    pub(crate) expires_at: SystemTime,
}

/// A key, what it is to stand for, and what that takes of us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keyed<'a> {
    pub(crate) key: &'a Key,
    pub(crate) fingerprint: &'a [u8; 32],
    pub(crate) load: Load,
}

/// Computes what `submission` asks for unless that was done under the key before. The submission's id
/// is that of a new request; an earlier one keeps its own. Only who is to compute needs the room for
/// it: asking again costs as much as looking up.
pub(crate) async fn run(
    state: &AppState,
    call: &Call,
    keyed: Keyed<'_>,
    submission: Submission<'_>,
) -> Result<Outcome, Failure> {
    let wanted = Wanted {
        requester: owner(&call.caller)?,
        key: keyed.key.as_str(),
        fingerprint: keyed.fingerprint,
        id: submission.id,
        requested_at: submission.request.requested_at,
    };
    let began = Instant::now();
    let store = &state.idempotency.store;
    state.protection.admit_read(&call.caller, call.from).await?;
    loop {
        let standing = store.look(wanted).await.inspect_err(|error| refused(state, error))?;
        let (entry, permit) = if let Some(entry) = standing {
            (entry, None)
        } else {
            let permit = state.protection.admit(&call.caller, call.from, keyed.load).await?;
            let claimed = store.claim(wanted).await;
            (claimed.inspect_err(|error| refused(state, error))?, Some(permit))
        };
        let entry_id = entry.id;
        let outcome = match permit {
            Some(permit) if entry.is_ours => {
                write(state, call, entry, (submission, permit), began).await
            }
            _ => wait(state, call, &entry, submission, began).await,
        };
        if let Some(outcome) = outcome.map_err(Failure::of(entry_id))? {
            return Ok(outcome);
        }
    }
}

/// It is ours to write the request, under its first id and time, should it be another's that is
/// taken over; `None` if the key is worth another look.
async fn write(
    state: &AppState,
    call: &Call,
    entry: Entry,
    (submission, mut permit): (Submission<'_>, Permit),
    began: Instant,
) -> Result<Option<Outcome>, Error> {
    let Submission { id, request, traceparent, .. } = submission;
    if let Some(progress) = state.exchange.waiters.progress(entry.id) {
        drop(permit);
        let entry = rejoin(state, &entry, progress);
        return wait(state, call, &entry, submission, began).await;
    }
    count(state, if entry.id == id { "claimed" } else { "taken-over" });
    let request = named(request, &entry);
    let own = traceparent::of(entry.id);
    let traceparent = if call.traceparent.is_some() { traceparent } else { Some(own.as_bytes()) };
    let submission = Submission { id: entry.id, request: &request, traceparent, ..submission };
    let deliveries = &state.idempotency.deliveries;
    deliveries.expect(entry.id, entry.leased_until);
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
    mark_answered(&mut permit, &computation);
    Ok(Some(Outcome { computation, permit: Some(permit), expires_at: entry.expires_at }))
}

/// The lease is over, but the request is on its way from here: it is not sent twice.
fn rejoin(state: &AppState, entry: &Entry, progress: Progress) -> Entry {
    let deliveries = &state.idempotency.deliveries;
    let is_written = progress == Progress::Written;
    if is_written {
        // Postgres was not told, or not in time.
        deliveries.expect(entry.id, entry.leased_until);
        deliveries.mark_written(entry.id);
    } else {
        deliveries.renew(entry.id, entry.leased_until);
    }
    Entry { is_ours: false, is_written, lease_left: state.idempotency.store.lease, ..entry.clone() }
}

/// The request is another's to write, or was before: waits for the answer; `None` if the key is worth
/// another look.
async fn wait(
    state: &AppState,
    call: &Call,
    entry: &Entry,
    submission: Submission<'_>,
    began: Instant,
) -> Result<Option<Outcome>, Error> {
    let wait = left(began, submission.wait);
    let patience = if entry.is_written { wait } else { wait.min(entry.lease_left) };
    let replay = |computation| {
        count(state, "replayed");
        Some(Outcome { computation, permit: None, expires_at: entry.expires_at })
    };
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

fn refused(state: &AppState, error: &super::Error) {
    let is_reused = matches!(error, super::Error::Reused);
    count(state, if is_reused { "reused" } else { "unavailable" });
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
