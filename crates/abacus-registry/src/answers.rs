//! Answers of the registry about schema ids, shared by concurrent questions.
//!
//! A producer with a wrong schema id sends thousands of records with this id. Concurrent questions
//! about an id wait for a single answer, and an answer is kept for a few seconds, so a flood costs
//! the registry one request in that time. A failed request is not kept: all waiting callers get
//! the error, and the next caller asks again.

use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use abacus_schemas::SchemaId;
use moka::future::Cache;
use moka::policy::EvictionPolicy;

use crate::error::Error;

/// Lifetime of an answer. A schema that is registered late is found after this time.
pub(crate) const ANSWER_TTL: Duration = Duration::from_secs(5);
/// Largest number of answers. The least recently used answer is dropped first.
const MAX_ANSWERS: u64 = 1000;

/// A schema id, and the event that its records are read as: a schema without use for one event may
/// be right for another.
pub(crate) type Question = (TypeId, SchemaId);

/// Answer of the registry about a schema id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The decoder has learned the schema.
    Learned,
    /// The schema does not exist.
    Unknown,
    /// The schema cannot be read as the event, for this reason.
    Unusable(Arc<str>),
}

/// Recent answers, and the requests in flight.
#[derive(Debug)]
pub(crate) struct Answers {
    recent: Cache<Question, Answer>,
}

impl Answers {
    pub(crate) fn new(ttl: Duration) -> Self {
        let recent = Cache::builder()
            .max_capacity(MAX_ANSWERS)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(ttl)
            .build();
        Self { recent }
    }

    /// Returns the kept answer to `question`, the answer of a request in flight, or the answer of
    /// `fetch`.
    pub(crate) async fn get(
        &self,
        question: Question,
        fetch: impl Future<Output = Result<Answer, Error>>,
    ) -> Result<Answer, Error> {
        self.recent.try_get_with(question, fetch).await.map_err(Error::Shared)
    }

    /// Drops the kept answer to `question`.
    pub(crate) async fn forget(&self, question: Question) {
        self.recent.invalidate(&question).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::task::JoinSet;

    use super::*;

    fn question(id: u32) -> Question {
        (TypeId::of::<()>(), SchemaId(id))
    }

    async fn slowly(asked: &AtomicU32, answer: Result<Answer, Error>) -> Result<Answer, Error> {
        asked.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(50)).await;
        answer
    }

    fn away() -> Result<Answer, Error> {
        let source = std::io::Error::other("away");
        Err(Error::unavailable("http://registry", "schema 7", source))
    }

    #[tokio::test]
    async fn many_who_ask_at_once_share_one_question_even_if_it_fails() {
        for unavailable in [false, true] {
            let answers = Arc::new(Answers::new(ANSWER_TTL));
            let asked = Arc::new(AtomicU32::new(0));
            let mut tasks = JoinSet::new();
            for _ in 0..100 {
                let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
                tasks.spawn(async move {
                    let answer = if unavailable { away() } else { Ok(Answer::Unknown) };
                    answers.get(question(7), slowly(&asked, answer)).await
                });
            }
            for answer in tasks.join_all().await {
                match answer {
                    Ok(answer) => assert_eq!((answer, unavailable), (Answer::Unknown, false)),
                    Err(error) => assert!(error.is_transient() && unavailable, "{error}"),
                }
            }
            assert_eq!(asked.load(Ordering::Relaxed), 1);
        }
    }

    #[tokio::test]
    async fn an_answer_holds_for_its_time_and_a_failure_not_at_all() {
        let answers = Answers::new(Duration::from_millis(500));
        let asked = AtomicU32::new(0);
        assert!(answers.get(question(7), slowly(&asked, away())).await.is_err());
        for _ in 0..3 {
            let answer = answers.get(question(7), slowly(&asked, Ok(Answer::Unknown))).await;
            assert_eq!(answer.unwrap(), Answer::Unknown);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2, "one failure, one answer");
        tokio::time::sleep(Duration::from_millis(600)).await;
        let schema = Answer::Learned;
        let answer = answers.get(question(7), slowly(&asked, Ok(schema.clone()))).await;
        assert_eq!(answer.unwrap(), schema);
    }

    #[tokio::test]
    async fn a_flood_of_different_ids_does_not_fill_the_memory() {
        let answers = Answers::new(ANSWER_TTL);
        for id in 0..5000 {
            let unknown = async { Ok(Answer::Unknown) };
            answers.get(question(id), unknown).await.unwrap();
        }
        answers.recent.run_pending_tasks().await;
        assert!(answers.recent.entry_count() <= MAX_ANSWERS, "{}", answers.recent.entry_count());
    }
}
