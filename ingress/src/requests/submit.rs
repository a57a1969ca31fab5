//! The one path of a computation: prepare, admit, publish, wait for the reply.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use abacus_exchange::Answer;
use abacus_http::fields::traceparent;
use abacus_operations::{Operation, Prepared};
use abacus_schemas::headers::TraceContext;
use abacus_schemas::{ComputeRequested, Timestamp};
use uuid::Uuid;

use super::error::{Error, Failed};
use super::idempotency::fingerprint;
use super::service::Requests;
use crate::quotas::{Client, Load, Permit};
use crate::representation::Computation;

/// `source` of requests that come over HTTP.
const SOURCE: &str = "http";

/// Copies of the operands in memory: in the request, in its record until that is written, and in the reply.
const COPIES: u64 = 3;

/// An operation and its operands, as the caller wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ComputationRequest {
    pub(crate) operation: String,
    pub(crate) operands: BTreeMap<String, String>,
}

/// A validated request, before admission.
#[derive(Debug)]
pub(crate) struct Submission<'a> {
    /// Id of the request, unless its key stands for an earlier one.
    pub(crate) id: Uuid,
    pub(super) client: &'a Client,
    pub(super) event: ComputeRequested,
    pub(super) load: Load,
    pub(super) key: Option<SubmissionKey<'a>>,
    pub(super) options: SubmitOptions<'a>,
}

/// How the caller wants a request handled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SubmitOptions<'a> {
    pub(crate) idempotency_key: Option<&'a str>,
    /// The caller's trace context; without one, the request's id makes the trace.
    pub(crate) trace: Option<TraceContext<'a>>,
    /// Longest wait for the reply; zero waits for the acknowledgement alone.
    pub(crate) wait: Duration,
}

/// An idempotency key and the hash of the computation under it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SubmissionKey<'a> {
    pub(super) text: &'a str,
    pub(super) fingerprint: [u8; 32],
}

/// What came of a submission.
pub(crate) struct Outcome {
    pub(crate) computation: Computation,
    /// Permit of the computation, to be held until the answer is made; `None` for the answer to an earlier request.
    pub(crate) permit: Option<Permit>,
    /// When the idempotency key expires, if the request has one.
    pub(crate) key_expires_at: Option<SystemTime>,
}

impl Outcome {
    /// Whether this is the answer to an earlier request under the same idempotency key.
    pub(crate) fn is_replay(&self) -> bool {
        self.permit.is_none()
    }
}

impl<'a> Submission<'a> {
    /// `prepared` comes of [`Requests::prepare`] for this `request`.
    pub(crate) fn new(
        client: &'a Client,
        request: ComputationRequest,
        prepared: &Prepared,
        options: SubmitOptions<'a>,
    ) -> Self {
        let id = Uuid::now_v7();
        let key = options
            .idempotency_key
            .map(|text| SubmissionKey { text, fingerprint: fingerprint(prepared) });
        let load = load(prepared, &request);
        Self { id, client, event: event(id, request, client), load, key, options }
    }
}

impl Requests {
    /// Validates a request by the rules that the processors use.
    pub(crate) fn prepare(&self, request: &ComputationRequest) -> Result<Prepared, Error> {
        Ok(abacus_operations::prepare(&request.operation, &request.operands, &self.limits)?)
    }

    /// Admits a request, publishes it and waits for its reply. Under an idempotency key, an earlier request with the
    /// key gives its own outcome.
    pub(crate) async fn submit(&self, submission: Submission<'_>) -> Result<Outcome, Failed> {
        if let Some(key) = submission.key {
            return self.submit_keyed(&submission, key).await;
        }
        let permit = self.admit(&submission).await?;
        let (id, options) = (submission.id, submission.options);
        let published = self.publish(permit, id, submission.event, options).await;
        let (computation, permit) = published.map_err(Failed::of(id))?;
        Ok(Outcome { computation, permit: Some(permit), key_expires_at: None })
    }

    /// Takes the permit and charges the quota of a computation.
    pub(super) async fn admit(&self, submission: &Submission<'_>) -> Result<Permit, Error> {
        Ok(self.quotas.admit(submission.client, submission.load).await?)
    }

    /// Publishes an admitted request and waits for its reply. Without a reply in time the computation is pending.
    pub(super) async fn publish(
        &self,
        mut permit: Permit,
        id: Uuid,
        event: ComputeRequested,
        options: SubmitOptions<'_>,
    ) -> Result<(Computation, Permit), Error> {
        let own = traceparent::of(id);
        let trace = options.trace.or_else(|| TraceContext::new(own.as_bytes(), None));
        let operation = abacus_operations::find(&event.operation).map(Operation::name);
        let question = abacus_exchange::Submission {
            id,
            request: &event,
            operation,
            trace,
            wait: options.wait,
        };
        let computation = match self.exchange.ask(question).await? {
            Answer::Replied(reply) => {
                permit.mark_answered();
                Computation::completed(id, reply)
            }
            Answer::Accepted => Computation::pending(id, event),
        };
        Ok((computation, permit))
    }
}

/// Makes the event of a request.
fn event(id: Uuid, request: ComputationRequest, client: &Client) -> ComputeRequested {
    ComputeRequested {
        request_id: id.to_string(),
        operation: request.operation,
        operands: request.operands,
        requester: client.caller.requester().map(str::to_owned),
        source: SOURCE.to_owned(),
        requested_at: Timestamp::now(),
    }
}

/// Estimates the work and the memory of a computation.
fn load(prepared: &Prepared, request: &ComputationRequest) -> Load {
    let operands: usize = request.operands.values().map(String::len).sum();
    let operands = u64::try_from(operands).unwrap_or(u64::MAX).saturating_mul(COPIES);
    let bytes = prepared.estimated_digits().saturating_add(operands);
    Load { cost: prepared.cost(), bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_take_up_room_like_results() {
        let n = "0".repeat(100_000);
        let operands = [("n".to_owned(), n)].into();
        let asked = ComputationRequest { operation: "factorial".to_owned(), operands };
        let limits = abacus_operations::Limits { max_digits: 10, max_operand_digits: 1_000_000 };
        let prepared =
            abacus_operations::prepare(&asked.operation, &asked.operands, &limits).unwrap();
        assert!(load(&prepared, &asked).bytes > COPIES * 100_000);
    }
}
