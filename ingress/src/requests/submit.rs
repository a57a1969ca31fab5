//! The path of every computation: prepare, admit, publish, wait for the reply.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use abacus_exchange::Answer;
use abacus_http::fields::traceparent;
use abacus_operations::{Operation, Prepared};
use abacus_schemas::headers::TraceContext;
use abacus_schemas::{ComputeRequested, Timestamp};
use uuid::Uuid;

use super::error::{Error, FailedRequest};
use super::idempotency::fingerprint;
use super::service::Requests;
use crate::quotas::{Client, Load, Permit};
use crate::representation::Computation;

/// `source` of requests over HTTP.
const SOURCE: &str = "http";

/// Copies of the operands in memory: in the request, in the unwritten record, and in the reply.
const OPERAND_COPIES: u64 = 3;

/// An operation and its operands, as written by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ComputationRequest {
    pub(crate) operation: String,
    pub(crate) operands: BTreeMap<String, String>,
}

/// A validated request, before admission.
#[derive(Debug)]
pub(crate) struct Submission<'a> {
    /// Id of a new request. An earlier request under the key keeps the earlier id.
    pub(crate) id: Uuid,
    pub(super) client: &'a Client,
    pub(super) event: ComputeRequested,
    pub(super) load: Load,
    pub(super) key: Option<SubmissionKey<'a>>,
    pub(super) options: SubmitOptions<'a>,
}

/// The caller's options for a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SubmitOptions<'a> {
    pub(crate) idempotency_key: Option<&'a str>,
    /// The caller's trace context. If absent, the request's id becomes the trace id.
    pub(crate) trace: Option<TraceContext<'a>>,
    /// Longest wait for the reply. Zero waits for the acknowledgement of the event log only.
    pub(crate) wait: Duration,
}

/// An idempotency key and the hash of the computation under it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SubmissionKey<'a> {
    pub(super) text: &'a str,
    pub(super) fingerprint: [u8; 32],
}

/// Id and partition of a request's record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) id: Uuid,
    /// `None` for the partition of the moment.
    pub(super) partition: Option<i32>,
}

impl Target {
    fn any(id: Uuid) -> Self {
        Self { id, partition: None }
    }
}

/// Outcome of a submission.
pub(crate) struct Outcome {
    pub(crate) computation: Computation,
    /// Permit of the computation, held until the answer is rendered; `None` for the answer to an
    /// earlier request.
    pub(crate) permit: Option<Permit>,
    /// Expiry of the idempotency key, if the request has a key.
    pub(crate) key_expires_at: Option<SystemTime>,
}

impl Outcome {
    /// Returns `true` for the answer to an earlier request under the idempotency key.
    pub(crate) fn is_replay(&self) -> bool {
        self.permit.is_none()
    }
}

impl<'a> Submission<'a> {
    /// Creates a submission. `prepared` is the result of [`Requests::prepare`] for `request`.
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
    /// Validates a request by the rules of the processors.
    pub(crate) fn prepare(&self, request: &ComputationRequest) -> Result<Prepared, Error> {
        Ok(abacus_operations::prepare(&request.operation, &request.operands, &self.limits)?)
    }

    /// Admits a request, publishes the request and waits for the reply. Under an idempotency key,
    /// an earlier request with the key gives the outcome.
    pub(crate) async fn submit(
        &self,
        submission: Submission<'_>,
    ) -> Result<Outcome, FailedRequest> {
        if let Some(key) = submission.key {
            return self.submit_keyed(&submission, key).await;
        }
        let permit = self.admit(&submission).await?;
        let (id, options) = (submission.id, submission.options);
        let published = self.publish(permit, submission.event, Target::any(id), options).await;
        let (computation, permit) = published.map_err(FailedRequest::with_request_id(id))?;
        Ok(Outcome { computation, permit: Some(permit), key_expires_at: None })
    }

    /// Takes the permit and charges the quota of a computation.
    pub(super) async fn admit(&self, submission: &Submission<'_>) -> Result<Permit, Error> {
        Ok(self.quotas.admit(submission.client, submission.load).await?)
    }

    /// Publishes an admitted request and waits for the reply. Without a reply in time, returns a
    /// pending computation.
    pub(super) async fn publish(
        &self,
        mut permit: Permit,
        event: ComputeRequested,
        target: Target,
        options: SubmitOptions<'_>,
    ) -> Result<(Computation, Permit), Error> {
        let Target { id, partition } = target;
        let generated = traceparent::for_request(id);
        let trace = options.trace.or_else(|| TraceContext::new(generated.as_bytes(), None));
        let operation = abacus_operations::find(&event.operation).map(Operation::name);
        let question = abacus_exchange::Submission {
            id,
            request: &event,
            operation,
            trace,
            partition,
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
    let operands = u64::try_from(operands).unwrap_or(u64::MAX).saturating_mul(OPERAND_COPIES);
    let bytes = prepared.estimated_digits().saturating_add(operands);
    Load { cost: prepared.cost(), bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_count_as_memory_like_results() {
        let n = "0".repeat(100_000);
        let operands = [("n".to_owned(), n)].into();
        let asked = ComputationRequest { operation: "factorial".to_owned(), operands };
        let limits = abacus_operations::Limits { max_digits: 10, max_operand_digits: 1_000_000 };
        let prepared =
            abacus_operations::prepare(&asked.operation, &asked.operands, &limits).unwrap();
        assert!(load(&prepared, &asked).bytes > OPERAND_COPIES * 100_000);
    }
}
