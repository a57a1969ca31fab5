//! What the registry says of schema ids, asked once for all who want to know.
//!
//! One producer with a wrong schema id sends thousands of records that name it. All that come while
//! the question is under way wait for its one answer, and an answer is remembered for a few
//! seconds: so such a flood costs the registry one question in that time. A registry that does not
//! answer is no answer: everybody who waited hears of it, and the next may ask again.

use std::sync::Arc;
use std::time::Duration;

use abacus_schemas::SchemaId;
use moka::future::Cache;
use moka::policy::EvictionPolicy;

use crate::error::Error;

/// How long an answer holds. A schema that is registered late is found after this time.
pub(crate) const KEPT_FOR: Duration = Duration::from_secs(5);
/// How many answers are kept. Beyond, the one that was asked for longest ago goes first.
const MOST: u64 = 1000;

/// What the registry says of an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Its schema.
    Schema(Arc<str>),
    /// There is no such schema.
    Unknown,
}

/// Recent answers, and the questions under way.
#[derive(Debug)]
pub(crate) struct Answers {
    recent: Cache<SchemaId, Answer>,
}

impl Answers {
    pub(crate) fn new(kept_for: Duration) -> Self {
        let recent = Cache::builder()
            .max_capacity(MOST)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(kept_for)
            .build();
        Self { recent }
    }

    /// The answer for `id`: remembered, or that of the question under way, or of `question`.
    pub(crate) async fn get(
        &self,
        id: SchemaId,
        question: impl Future<Output = Result<Answer, Error>>,
    ) -> Result<Answer, Error> {
        self.recent.try_get_with(id, question).await.map_err(Error::Shared)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::task::JoinSet;

    use super::*;

    const ID: SchemaId = SchemaId(7);

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
            let answers = Arc::new(Answers::new(KEPT_FOR));
            let asked = Arc::new(AtomicU32::new(0));
            let mut tasks = JoinSet::new();
            for _ in 0..100 {
                let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
                tasks.spawn(async move {
                    let answer = if unavailable { away() } else { Ok(Answer::Unknown) };
                    answers.get(ID, slowly(&asked, answer)).await
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
        assert!(answers.get(ID, slowly(&asked, away())).await.is_err());
        for _ in 0..3 {
            let answer = answers.get(ID, slowly(&asked, Ok(Answer::Unknown))).await;
            assert_eq!(answer.unwrap(), Answer::Unknown);
        }
        assert_eq!(asked.load(Ordering::Relaxed), 2, "one failure, one answer");
        tokio::time::sleep(Duration::from_millis(600)).await;
        let schema = Answer::Schema("now it is there".into());
        let answer = answers.get(ID, slowly(&asked, Ok(schema.clone()))).await;
        assert_eq!(answer.unwrap(), schema);
    }

    #[tokio::test]
    async fn a_flood_of_different_ids_does_not_fill_the_memory() {
        let answers = Answers::new(KEPT_FOR);
        for id in 0..5000 {
            let unknown = async { Ok(Answer::Unknown) };
            answers.get(SchemaId(id), unknown).await.unwrap();
        }
        answers.recent.run_pending_tasks().await;
        assert!(answers.recent.entry_count() <= MOST, "{}", answers.recent.entry_count());
    }
}
