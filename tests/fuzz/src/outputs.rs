//! The outputs of the services, read from their topics during the run.

use std::collections::{HashMap, HashSet};

use abacus_check::Question;
use abacus_schemas::{ComputeCompleted, ComputeRequested, Outcome};
use abacus_testkit::{Follower, Isolation, Position, Record, System};

use crate::evidence::{Answer, Channel, Completion, DeadLetter, HonestCall, Written};
use crate::headers::correlation_of_caller;
use crate::shot::{Content, Target};

/// Readers of all topics with outputs.
pub(crate) struct Outputs<'a> {
    system: &'a System,
    completed: Follower,
    dead_letters: Follower,
    heavy: Follower,
    replies: Follower,
    found: Found,
}

/// Outputs found so far, records of strangers included.
#[derive(Default)]
pub(crate) struct Found {
    /// `None` for a record that is no completion.
    completions: Vec<(Position, Option<Completion>)>,
    dead_letters: Vec<(Position, Option<DeadLetter>)>,
    /// Answers by correlation id.
    replies: HashMap<String, Answer>,
}

impl<'a> Outputs<'a> {
    pub(crate) fn follow(system: &'a System, reply_topic: &str) -> Self {
        let follow = |topic: &str| system.kafka.follow(topic, Isolation::Committed);
        Self {
            completed: follow(&system.topics.completed),
            dead_letters: follow(&system.topics.dead_letter),
            heavy: follow(&system.topics.requested_heavy),
            replies: follow(reply_topic),
            system,
            found: Found::default(),
        }
    }

    /// Reads what has come since the last call.
    pub(crate) fn poll(&mut self) {
        self.read(Follower::take);
    }

    /// Reads everything up to the ends of the topics.
    pub(crate) fn read_to_end(&mut self) {
        self.read(Follower::take_rest);
    }

    /// Offsets after the last record of the topic, by partition.
    pub(crate) fn ends(&self, target: Target) -> Vec<i64> {
        match target {
            Target::Heavy => self.heavy.next_offsets().to_vec(),
            Target::Completed => self.completed.next_offsets().to_vec(),
            // Written without transactions: the last offset is of a record.
            other => self.system.kafka.end_offsets(other.topic(&self.system.topics)),
        }
    }

    fn read(&mut self, take: impl Fn(&mut Follower) -> Vec<Record>) {
        take(&mut self.heavy);
        for record in take(&mut self.completed) {
            let completion = completion(self.system, &record);
            self.found.completions.push((record.position, completion));
        }
        for record in take(&mut self.dead_letters) {
            let letter = DeadLetter::read(&self.system.topics, |name| last(&record, name));
            self.found.dead_letters.push((record.position, letter));
        }
        for record in take(&mut self.replies) {
            let correlation = last(&record, "correlation-id");
            let reply = self.system.events.try_completed(&record);
            if let Some((correlation, reply)) = correlation.zip(reply) {
                self.found.replies.insert(correlation, answer(reply));
            }
        }
    }

    pub(crate) fn into_found(self) -> Found {
        self.found
    }
}

impl Found {
    /// Completions that are not among `written`.
    pub(crate) fn completions(&self, written: &[Written]) -> Vec<Completion> {
        let foreign = positions(written, Target::Completed);
        let own = self.completions.iter().filter(|(position, _)| !foreign.contains(position));
        own.filter_map(|(_, completion)| *completion).collect()
    }

    /// Dead letters that are not among `written`.
    pub(crate) fn dead_letters(&self, written: &[Written]) -> Vec<DeadLetter> {
        let foreign = positions(written, Target::DeadLetter);
        let own = self.dead_letters.iter().filter(|(position, _)| !foreign.contains(position));
        own.filter_map(|(_, letter)| letter.clone()).collect()
    }

    /// Number of records in the topic of completions, and of readable ones among them.
    pub(crate) fn completion_counts(&self) -> (usize, usize) {
        let readable = self.completions.iter().filter(|(_, completion)| completion.is_some());
        (self.completions.len(), readable.count())
    }

    /// The calls of honest callers over Kafka.
    pub(crate) fn calls(&self, questions: Vec<(u64, Question)>) -> Vec<HonestCall> {
        let call = |(number, question)| {
            let answer = self.replies.get(&correlation_of_caller(number)).cloned();
            let answer = answer.unwrap_or_else(|| Answer::None("no reply".to_owned()));
            HonestCall { question, channel: Channel::Kafka(number), answer }
        };
        questions.into_iter().map(call).collect()
    }
}

fn positions(written: &[Written], target: Target) -> HashSet<Position> {
    let there = written.iter().filter(|written| written.target == target);
    there.map(|written| written.position).collect()
}

/// The last header `name` as text.
fn last(record: &Record, name: &str) -> Option<String> {
    let header = record.headers.iter().rfind(|(key, _)| key == name);
    header.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
}

fn completion(system: &System, record: &Record) -> Option<Completion> {
    let event = system.events.try_completed(record)?;
    let is_shortened = matches!(
        &event.outcome,
        Outcome::Failed { code, .. } if code == "record-too-large"
    );
    let content = Content::of(&request_of(event))?;
    Some(Completion { position: record.position, content, is_shortened })
}

/// The request that a completion repeats.
fn request_of(event: ComputeCompleted) -> ComputeRequested {
    ComputeRequested {
        request_id: event.request_id,
        operation: event.operation,
        operands: event.operands,
        requester: event.requester,
        source: event.source,
        requested_at: event.requested_at,
    }
}

fn answer(reply: ComputeCompleted) -> Answer {
    let id = reply.request_id.parse().ok();
    match reply.outcome {
        Outcome::Succeeded { result, .. } => Answer::Told(id, Ok(result)),
        Outcome::Failed { code, .. } => Answer::Told(id, Err(code)),
    }
}
