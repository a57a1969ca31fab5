use std::time::Duration;

use proptest::prelude::*;

use super::*;

const LIMITS: ReplyLimits =
    ReplyLimits { backlog: 20, backlog_bytes: 1000, topics: 3, memory: Duration::from_secs(30) };
const TOPIC: &str = "abacus.replies.t";

fn topics() -> ReplyTopics<u32> {
    ReplyTopics::new(LIMITS)
}

/// A table with one topic of four partitions.
fn with_topic(now: Instant) -> ReplyTopics<u32> {
    let topics = topics();
    assert_eq!(topics.defer(TOPIC, 1, 1, now), Deferral::LookUp);
    assert_eq!(topics.resolve(TOPIC, Some(4), now), [1]);
    topics
}

fn admitted(topics: &ReplyTopics<u32>, bytes: usize, now: Instant) -> Option<Token> {
    match topics.admit(TOPIC, None, bytes, now) {
        Admission::Admitted(token) => Some(token),
        Admission::Refused(Refusal::Backlog) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_missing_topic_is_looked_up_once_and_then_refused_for_a_time() {
    let (topics, now) = (topics(), Instant::now());
    assert_eq!(topics.admit(TOPIC, None, 1, now), Admission::Unknown);
    assert_eq!(topics.defer(TOPIC, 1, 1, now), Deferral::LookUp);
    assert_eq!(topics.admit(TOPIC, None, 1, now), Admission::Unknown);
    assert_eq!(topics.defer(TOPIC, 2, 1, now), Deferral::Waiting);
    assert_eq!(topics.resolve(TOPIC, None, now), [1, 2]);
    for _ in 0..150_000 {
        assert_eq!(topics.admit(TOPIC, None, 1, now), Admission::Refused(Refusal::NoSuchTopic));
    }
    let later = now + LIMITS.memory;
    assert_eq!(topics.admit(TOPIC, None, 1, later), Admission::Unknown);
    assert_eq!(topics.defer(TOPIC, 3, 1, later), Deferral::LookUp);
    assert_eq!(topics.resolve(TOPIC, Some(1), later), [3]);
    assert!(matches!(topics.admit(TOPIC, None, 1, later), Admission::Admitted(_)));
}

#[test]
fn replies_that_wait_have_a_limited_number_of_bytes() {
    let (topics, now) = (topics(), Instant::now());
    let refused = |reply| Deferral::Refused(reply, Refusal::Backlog);
    assert_eq!(topics.defer(TOPIC, 1, 5000, now), Deferral::LookUp);
    assert_eq!(topics.defer(TOPIC, 2, 1, now), refused(2));
    assert_eq!(topics.defer("another", 3, 600, now), Deferral::LookUp);
    assert_eq!(topics.defer("another", 4, usize::MAX, now), refused(4));
    assert_eq!(topics.defer("another", 5, 400, now), Deferral::Waiting);
    assert_eq!(topics.defer("another", 6, 1, now), refused(6));
    assert_eq!(topics.give_up("another", now), [3, 5]);
}

#[test]
fn replies_that_wait_have_a_limited_number() {
    let (topics, now) = (topics(), Instant::now());
    assert_eq!(topics.defer(TOPIC, 0, 1, now), Deferral::LookUp);
    for _ in 1..LIMITS.backlog {
        assert_eq!(topics.defer(TOPIC, 0, 1, now), Deferral::Waiting);
    }
    assert_eq!(topics.defer(TOPIC, 0, 1, now), Deferral::Refused(0, Refusal::Backlog));
}

#[test]
fn a_partition_that_does_not_exist_is_refused() {
    let now = Instant::now();
    let topics = with_topic(now);
    assert!(matches!(topics.admit(TOPIC, Some(3), 1, now), Admission::Admitted(_)));
    let refused = Admission::Refused(Refusal::NoSuchPartition);
    assert_eq!(topics.admit(TOPIC, Some(4), 1, now), refused);
    // A later look-up may find new partitions.
    assert_eq!(topics.admit(TOPIC, Some(4), 1, now + LIMITS.memory), Admission::Unknown);
}

#[test]
fn a_known_topic_is_looked_up_again_while_replies_go_on() {
    let now = Instant::now();
    let topics = with_topic(now);
    let later = now + LIMITS.memory;
    assert!(matches!(topics.admit(TOPIC, None, 1, later), Admission::AdmittedForLookup(_)));
    assert!(matches!(topics.admit(TOPIC, None, 1, later), Admission::Admitted(_)));
    assert!(topics.resolve(TOPIC, None, later).is_empty());
    assert_eq!(topics.admit(TOPIC, None, 1, later), Admission::Refused(Refusal::NoSuchTopic));
}

#[test]
fn a_topic_has_a_limited_number_of_unwritten_replies() {
    let now = Instant::now();
    let topics = with_topic(now);
    let tokens: Vec<Token> = std::iter::from_fn(|| admitted(&topics, 1, now)).collect();
    assert_eq!(tokens.len(), LIMITS.backlog);
    topics.settle(tokens[0], Fate::Written, now);
    assert!(admitted(&topics, 1, now).is_some() && admitted(&topics, 1, now).is_none());
}

#[test]
fn a_topic_has_a_limited_number_of_unwritten_bytes() {
    let now = Instant::now();
    let topics = with_topic(now);
    let large = admitted(&topics, 5000, now).expect("an idle topic takes a reply of any size");
    assert_eq!(admitted(&topics, 1, now), None);
    topics.settle(large, Fate::Failed, now);
    assert!(admitted(&topics, 600, now).is_some() && admitted(&topics, 600, now).is_none());
}

#[test]
fn a_stalled_topic_has_a_tenth_of_the_limits() {
    let now = Instant::now();
    let topics = with_topic(now);
    let tokens = [(); 10].map(|()| admitted(&topics, 1, now).unwrap());
    let later = now + Duration::from_secs(3);
    assert_eq!(admitted(&topics, 1, later), None);
    topics.settle(tokens[0], Fate::Failed, later);
    assert_eq!(admitted(&topics, 1, later), None);
    topics.settle(tokens[1], Fate::Written, later);
    assert!(admitted(&topics, 1, later).is_some());
}

#[test]
fn a_topic_that_was_deleted_is_refused_after_the_first_failure() {
    let now = Instant::now();
    let topics = with_topic(now);
    let token = admitted(&topics, 1, now).unwrap();
    topics.settle(token, Fate::NoSuchTopic, now);
    assert_eq!(topics.admit(TOPIC, None, 1, now), Admission::Refused(Refusal::NoSuchTopic));
}

#[test]
fn missing_topics_are_forgotten_before_topics_in_use() {
    let now = Instant::now();
    let topics = with_topic(now);
    let _unwritten = admitted(&topics, 1, now);
    for number in 0..100_u32 {
        let name = format!("abacus.replies.{number}");
        assert_eq!(topics.defer(&name, number, 1, now), Deferral::LookUp);
        assert_eq!(topics.resolve(&name, None, now), [number]);
        assert!(topics.len() <= LIMITS.topics);
    }
    assert!(admitted(&topics, 1, now).is_some());
}

#[test]
fn new_topics_are_refused_while_too_many_are_looked_up() {
    let (topics, now) = (topics(), Instant::now());
    for name in ["a", "b", "c"] {
        assert_eq!(topics.defer(name, 0, 1, now), Deferral::LookUp);
    }
    assert_eq!(topics.defer("d", 7, 1, now), Deferral::Refused(7, Refusal::TooManyTopics));
    assert_eq!(topics.give_up("a", now), [0]);
    assert_eq!(topics.defer("d", 7, 1, now), Deferral::LookUp);
}

proptest! {
    #[test]
    fn a_token_keeps_its_parts(number in any::<u64>(), bytes in any::<usize>()) {
        prop_assert_eq!(Token::new(number, bytes).parts(), (number, bytes));
    }

    #[test]
    fn all_bounds_hold_and_every_reply_comes_back(
        steps in prop::collection::vec((0..6_u8, 0..6_u8, 0..400_usize), 1..300),
    ) {
        let (topics, mut now) = (topics(), Instant::now());
        let (mut waiting, mut unwritten) = (0, Vec::new());
        for (step, topic, bytes) in steps {
            let name = format!("t{topic}");
            match step {
                0 => match topics.admit(&name, None, bytes, now) {
                    Admission::Admitted(token) | Admission::AdmittedForLookup(token) => {
                        unwritten.push(token);
                    }
                    Admission::Refused(_) => {}
                    Admission::Unknown => match topics.defer(&name, 0, bytes, now) {
                        Deferral::Waiting | Deferral::LookUp => waiting += 1,
                        Deferral::Refused(..) => {}
                    },
                },
                1 => waiting -= topics.resolve(&name, Some(1), now).len(),
                2 => waiting -= topics.resolve(&name, None, now).len(),
                3 => waiting -= topics.give_up(&name, now).len(),
                4 => now += Duration::from_secs(bytes as u64 / 10),
                _ => if let Some(token) = unwritten.pop() {
                    let fate = [Fate::Written, Fate::Failed, Fate::NoSuchTopic][bytes % 3];
                    topics.settle(token, fate, now);
                },
            }
            prop_assert!(topics.len() <= LIMITS.topics);
        }
        for topic in 0..6 {
            waiting -= topics.give_up(&format!("t{topic}"), now).len();
        }
        prop_assert_eq!(waiting, 0);
        prop_assert_eq!(topics.state.lock().lookups, 0);
        for token in unwritten.drain(..) {
            topics.settle(token, Fate::Written, now);
        }
        let state = topics.state.lock();
        prop_assert!(state.topics.values().all(|topic| topic.flight.is_idle()));
        prop_assert_eq!(state.names.len(), state.topics.len());
    }
}
