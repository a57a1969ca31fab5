//! The history of a system: full scans of the topics and of the request log, compared with the
//! expected history.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use abacus_schemas::{ComputeCompleted, ComputeRequested, Outcome};
use abacus_testkit::{Isolation, LogRow, System};

use crate::oracle;

/// All requests and completions, by request id.
pub(crate) struct History {
    pub(crate) requested: BTreeMap<String, ComputeRequested>,
    pub(crate) completed: BTreeMap<String, ComputeCompleted>,
}

impl History {
    /// Waits until every readable request is completed, then scans the topics. Fails on a repeated
    /// completion, or on a completion without a request.
    #[track_caller]
    pub(crate) fn complete(system: &System, patience: Duration) -> Self {
        let requests = system.kafka.scan(&system.topics.requested, Isolation::Committed);
        let requested = unique(
            requests.iter().filter_map(|record| system.events.requested(record)),
            |request| &request.request_id,
        );
        wait_for_completions(system, requested.len(), patience);
        let completions = system.kafka.scan(&system.topics.completed, Isolation::Committed);
        let completed = unique(
            completions.iter().map(|record| system.events.completed(record)),
            |completion| &completion.request_id,
        );
        let asked: Vec<&String> = requested.keys().collect();
        let answered: Vec<&String> = completed.keys().collect();
        assert_eq!(asked, answered, "requests and completions differ");
        let history = Self { requested, completed };
        history.assert_echoes();
        history
    }

    fn assert_echoes(&self) {
        for (id, request) in &self.requested {
            let completion = &self.completed[id];
            assert_eq!(echo_of_request(request), echo_of_completion(completion));
        }
    }

    /// Compares every success with the oracle. Fails without any success.
    #[track_caller]
    pub(crate) fn assert_right(&self, system: &System) {
        let question = |c: &ComputeCompleted| (c.operation.clone(), c.operands.clone());
        let succeeded: Vec<(&ComputeCompleted, &String)> = self
            .completed
            .values()
            .filter_map(|completion| match &completion.outcome {
                Outcome::Succeeded { result, .. } => Some((completion, result)),
                Outcome::Failed { .. } => None,
            })
            .collect();
        assert!(!succeeded.is_empty(), "nothing succeeded");
        let questions: HashSet<_> = succeeded.iter().map(|(c, _)| question(c)).collect();
        let answers = oracle::answers(&system.stack, questions);
        for (completion, result) in succeeded {
            assert_eq!(*result, answers[&question(completion)], "{}", completion.request_id);
        }
    }

    /// Waits until the log has caught up, and compares every field of every row with the events.
    #[track_caller]
    pub(crate) fn assert_logged(&self, system: &System, patience: Duration) {
        let rows = system.database.wait_for_log(self.requested.len(), patience);
        let expected: Vec<LogRow> =
            self.requested.iter().map(|(id, request)| row(request, &self.completed[id])).collect();
        assert_eq!(rows, expected);
    }
}

#[track_caller]
fn wait_for_completions(system: &System, count: usize, patience: Duration) {
    let mut completed = system.kafka.follow(&system.topics.completed, Isolation::Committed);
    completed.wait_until(&format!("{count} completions"), patience, |records| {
        let ids: HashSet<&[u8]> = records.iter().map(|record| record.key.as_slice()).collect();
        if ids.len() >= count { Ok(()) } else { Err(format!("{} of them", ids.len())) }
    });
}

#[track_caller]
fn unique<T>(events: impl Iterator<Item = T>, id: impl Fn(&T) -> &String) -> BTreeMap<String, T> {
    let mut by_id = BTreeMap::new();
    for event in events {
        let id = id(&event).clone();
        assert!(by_id.insert(id.clone(), event).is_none(), "{id} is there twice");
    }
    by_id
}

type Echo<'a> = (&'a str, &'a BTreeMap<String, String>, Option<&'a str>, &'a str, i64);

fn echo_of_request(event: &ComputeRequested) -> Echo<'_> {
    let ComputeRequested { operation, operands, requester, source, requested_at, .. } = event;
    (operation, operands, requester.as_deref(), source, requested_at.as_micros())
}

fn echo_of_completion(event: &ComputeCompleted) -> Echo<'_> {
    let ComputeCompleted { operation, operands, requester, source, requested_at, .. } = event;
    (operation, operands, requester.as_deref(), source, requested_at.as_micros())
}

fn row(request: &ComputeRequested, completion: &ComputeCompleted) -> LogRow {
    let (status, success, failure) = match &completion.outcome {
        Outcome::Succeeded { result, digits, bits } => {
            ("succeeded", Some((result.clone(), *digits, *bits)), None)
        }
        Outcome::Failed { code, message } => {
            ("failed", None, Some((code.clone(), message.clone())))
        }
    };
    LogRow {
        request_id: request.request_id.clone(),
        operation: request.operation.clone(),
        operands: request.operands.clone(),
        requester: request.requester.clone(),
        source: request.source.clone(),
        requested_at: request.requested_at.as_micros(),
        completed_at: Some(completion.completed_at.as_micros()),
        status: status.to_owned(),
        result: success.as_ref().map(|(result, ..)| result.clone()),
        error_code: failure.as_ref().map(|(code, _)| code.clone()),
        error_message: failure.map(|(_, message)| message),
        compute_micros: Some(completion.compute_micros),
        cache: Some(completion.cache.as_str().to_owned()),
        digits: success.as_ref().map(|(_, digits, _)| *digits),
        bits: success.map(|(.., bits)| bits),
        processor: Some(completion.processor.clone()),
    }
}
