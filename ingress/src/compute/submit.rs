//! What happens to every computation that is asked for over HTTP: it is checked, let in, exchanged for
//! its answer, and given in the form that was asked for.

use std::time::SystemTime;

use abacus_operations::Prepared;
use abacus_schemas::{ComputeRequested, Timestamp};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use uuid::Uuid;

use crate::computations::computation::Computation;
use crate::exchange::Submission;
use crate::idempotency::{self, Keyed};
use crate::identity::Caller;
use crate::problem::Failure;
use crate::protection::{Load, Permit};
use crate::request::body::Asked;
use crate::request::call::Call;
use crate::request::prefer::PREFERENCE_APPLIED;
use crate::request::traceparent::{self, TRACEPARENT};
use crate::results::{Rendering, Tag, not_modified};
use crate::state::AppState;

/// How requests that come in here are marked in the log.
const SOURCE: &str = "http";

/// The operands are held by the request, by its record until that is written, and by the reply.
const COPIES: u64 = 3;

/// Says that an answer is that to an earlier request.
pub(crate) const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Says from when on a key stands for nothing.
pub(crate) const IDEMPOTENCY_EXPIRES: HeaderName = HeaderName::from_static("idempotency-expires");

/// What a request is known by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a> {
    /// Its id, unless it is one that was sent again.
    pub(crate) id: Uuid,
    pub(crate) traceparent: &'a HeaderValue,
}

/// Computes one thing and says what came of it.
pub(crate) async fn submit(
    state: &AppState,
    asked: Asked,
    call: &Call,
    name: Name<'_>,
) -> Result<Response, Failure> {
    let format = call.format()?;
    let prepared = abacus_operations::prepare(&asked.operation, &asked.operands, &state.limits)?;
    call.view.check(&prepared)?;
    let (view, conditions) = (call.view, &call.conditions);
    let tag = conditions.is_safe.then(|| Tag::of_question(prepared.canonical(), format, view));
    let rendering = Rendering { format, view, conditions, tag, began: call.began };
    // A key stands for a request, which is there to be made whatever the caller has.
    if call.key.is_none()
        && let Some(tag) = rendering.known()
    {
        return Ok(not_modified(tag));
    }
    let load = load(&prepared, &asked);
    let fingerprint = call.key.as_ref().map(|_| idempotency::fingerprint(&prepared));
    // It holds the operands once more, for which there is no use while the answer is waited for.
    drop(prepared);
    let request = request(name.id, asked, &call.caller);
    let most = state.exchange.wait;
    let submission = Submission {
        id: name.id,
        request: &request,
        traceparent: Some(name.traceparent.as_bytes()),
        wait: call.prefer.patience(most),
    };
    let Some((key, fingerprint)) = call.key.as_ref().zip(fingerprint) else {
        let mut permit = state.protection.admit(&call.caller, call.from, load).await?;
        let computation = ask(state, submission).await?;
        mark_answered(&mut permit, &computation);
        return render(computation, rendering, call, most).await;
    };
    let keyed = Keyed { key, fingerprint: &fingerprint, load };
    let outcome = idempotency::run(state, call, keyed, submission).await?;
    let id = outcome.computation.request_id;
    let rendered = render(outcome.computation, rendering, call, most).await;
    let mut response = rendered.unwrap_or_else(Failure::into_response);
    if call.traceparent.is_none() {
        response.headers_mut().insert(TRACEPARENT, traceparent::of(id));
    }
    mark(&mut response, outcome.permit.is_none(), outcome.expires_at);
    Ok(response)
}

/// Exchanges a request for its answer, or for the promise of one.
pub(crate) async fn ask(
    state: &AppState,
    submission: Submission<'_>,
) -> Result<Computation, Failure> {
    let id = submission.id;
    match state.exchange.ask(submission).await.map_err(Failure::of(id))? {
        Some(event) => Ok(Computation::of(id, event)),
        None => Ok(Computation::pending(id, submission.request.clone())),
    }
}

async fn render(
    computation: Computation,
    rendering: Rendering<'_>,
    call: &Call,
    most: std::time::Duration,
) -> Result<Response, Failure> {
    let id = computation.request_id;
    let applied = call.prefer.applied(most, computation.is_pending());
    let computation = computation.unless_failed().map_err(Failure::of(id))?;
    let mut response = rendering.render(computation).await?;
    response.headers_mut().extend(applied.map(|applied| (PREFERENCE_APPLIED, applied)));
    Ok(response)
}

/// Notes that a place is taken no longer than it took to get a reply.
pub(crate) fn mark_answered(permit: &mut Permit, computation: &Computation) {
    if !computation.is_pending() {
        permit.mark_answered();
    }
}

/// The event for what is asked.
pub(crate) fn request(id: Uuid, asked: Asked, caller: &Caller) -> ComputeRequested {
    ComputeRequested {
        request_id: id.to_string(),
        operation: asked.operation,
        operands: asked.operands,
        requester: caller.requester().map(str::to_owned),
        source: SOURCE.to_owned(),
        requested_at: Timestamp::now(),
    }
}

/// What a computation takes of us.
pub(crate) fn load(prepared: &Prepared, asked: &Asked) -> Load {
    let operands: usize = asked.operands.values().map(String::len).sum();
    let operands = u64::try_from(operands).unwrap_or(u64::MAX).saturating_mul(COPIES);
    let bytes = prepared.estimated_digits().saturating_add(operands);
    Load { cost: prepared.cost(), bytes }
}

fn mark(response: &mut Response, is_replay: bool, expires_at: SystemTime) {
    let headers = response.headers_mut();
    if is_replay {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    let expires = HeaderValue::from_str(&httpdate::fmt_http_date(expires_at)).ok();
    headers.extend(expires.map(|expires| (IDEMPOTENCY_EXPIRES, expires)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_take_up_room_like_results() {
        let n = "0".repeat(100_000);
        let operands = [("n".to_owned(), n)].into();
        let asked = Asked { operation: "factorial".to_owned(), operands };
        let limits = abacus_operations::Limits { max_digits: 10, max_operand_digits: 1_000_000 };
        let prepared =
            abacus_operations::prepare(&asked.operation, &asked.operands, &limits).unwrap();
        assert!(load(&prepared, &asked).bytes > COPIES * 100_000);
    }
}
