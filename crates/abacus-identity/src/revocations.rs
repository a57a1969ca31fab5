//! Ended sessions and keys, in the memory of this instance.
//!
//! Postgres is the source of truth. The [feed](crate::feed) copies revocations from Postgres into memory; revocations
//! made by this instance are added at once.
//!
//! **Invariants:** a revocation stays in memory until the ended credential has expired. Every revocation from before
//! the last read is in memory: while the last read is younger than [`BOUND`], no revocation older than [`BOUND`] is
//! missed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::RwLock;
use uuid::Uuid;

use crate::caller::Role;
use crate::tokens::Session;

/// Time within which every instance knows a revocation.
pub(crate) const BOUND: Duration = Duration::from_secs(2);

/// A revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Revocation {
    pub(crate) ended: Ended,
    /// Time at which the last ended credential expires.
    pub(crate) expires_at: SystemTime,
}

/// The credentials ended by a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Session(Uuid),
    ApiKey(Uuid),
    /// All sessions and keys of an account from before its `generation`, except the session `spared`.
    Before {
        user_id: Uuid,
        generation: i64,
        spared: Option<Uuid>,
    },
}

/// Age of the revocations in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Read from Postgres within [`BOUND`].
    Fresh,
    /// Older. Postgres is probably away, and without Postgres no instance can revoke a credential.
    Stale,
    /// Older than the grace period of the settings, or never read.
    Lost,
}

/// The revocations in memory.
pub(crate) struct Revocations {
    ended: RwLock<EndedCredentials>,
    grace: Duration,
    started: Instant,
    /// Begin of the last read, in milliseconds after `started`, plus one; 0 for never.
    read: AtomicU64,
}

/// Ended credentials and changed accounts, each with the end of its revocation.
#[derive(Default)]
struct EndedCredentials {
    sessions: HashMap<Uuid, SystemTime>,
    keys: HashMap<Uuid, SystemTime>,
    users: HashMap<Uuid, Change>,
}

/// The latest change of an account.
struct Change {
    generation: i64,
    spared: Option<Uuid>,
    expires_at: SystemTime,
}

impl Revocations {
    /// No revocations, never read.
    pub(crate) fn new(grace: Duration) -> Self {
        let (ended, read) = (RwLock::default(), AtomicU64::new(0));
        Self { ended, grace, started: Instant::now(), read }
    }

    /// Adds revocations.
    pub(crate) fn apply(&self, revocations: impl IntoIterator<Item = Revocation>) {
        let mut credentials = self.ended.write();
        for Revocation { ended, expires_at } in revocations {
            credentials.add(ended, expires_at);
        }
    }

    /// Records a read: every revocation from before `began` is in memory.
    pub(crate) fn mark_read(&self, began: Instant) {
        let millis = began.saturating_duration_since(self.started).as_millis();
        self.read.store(u64::try_from(millis).unwrap_or(u64::MAX - 1) + 1, Ordering::Release);
    }

    /// Returns the age of the revocations.
    pub(crate) fn freshness(&self) -> Freshness {
        let read = self.read.load(Ordering::Acquire);
        let Some(began) = read.checked_sub(1).map(Duration::from_millis) else {
            return Freshness::Lost;
        };
        match self.started.elapsed().saturating_sub(began) {
            age if age <= BOUND => Freshness::Fresh,
            age if age <= BOUND.max(self.grace) => Freshness::Stale,
            _ => Freshness::Lost,
        }
    }

    /// Returns the effective role of an account with `role`. Without fresh revocations, administrators are treated as
    /// users.
    pub(crate) fn role_now(&self, role: Role) -> Role {
        match self.freshness() {
            Freshness::Fresh => role,
            Freshness::Stale | Freshness::Lost => Role::User,
        }
    }

    /// Returns true if a session was ended, alone or by a change of the account.
    pub(crate) fn has_ended(&self, session: &Session) -> bool {
        let ended = self.ended.read();
        ended.sessions.contains_key(&session.id)
            || ended.users.get(&session.user_id).is_some_and(|change| {
                session.generation < change.generation && change.spared != Some(session.id)
            })
    }

    /// Returns true if an API key was revoked.
    pub(crate) fn is_revoked(&self, key: Uuid) -> bool {
        self.ended.read().keys.contains_key(&key)
    }

    /// Returns true if an account has changed since `generation`.
    pub(crate) fn has_changed_since(&self, user: Uuid, generation: i64) -> bool {
        self.ended.read().users.get(&user).is_some_and(|change| change.generation > generation)
    }

    /// Number of revocations.
    pub(crate) fn len(&self) -> usize {
        let ended = self.ended.read();
        ended.sessions.len() + ended.keys.len() + ended.users.len()
    }

    /// Removes expired revocations.
    pub(crate) fn forget_expired(&self, now: SystemTime) {
        let mut ended = self.ended.write();
        ended.sessions.retain(|_, expires_at| *expires_at > now);
        ended.keys.retain(|_, expires_at| *expires_at > now);
        ended.users.retain(|_, change| change.expires_at > now);
    }
}

impl EndedCredentials {
    fn add(&mut self, ended: Ended, expires_at: SystemTime) {
        match ended {
            Ended::Session(id) => _ = self.sessions.insert(id, expires_at),
            Ended::ApiKey(id) => _ = self.keys.insert(id, expires_at),
            Ended::Before { user_id, generation, spared } => {
                let change = Change { generation, spared, expires_at };
                let known = self.users.get(&user_id);
                if known.is_none_or(|known| known.generation < generation) {
                    self.users.insert(user_id, change);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    impl Revocations {
        /// Makes all times earlier.
        pub(crate) fn age(&mut self, time: Duration) {
            self.started = self.started.checked_sub(time).unwrap();
        }
    }

    fn session(user_id: Uuid, generation: i64) -> Session {
        let (id, ends_at) = (Uuid::new_v4(), SystemTime::now() + DAY);
        Session { user_id, name: "ada".into(), role: Role::User, generation, id, ends_at }
    }

    fn end(revocations: &Revocations, ended: Ended) {
        revocations.apply([Revocation { ended, expires_at: SystemTime::now() + DAY }]);
    }

    #[test]
    fn a_session_ends_by_itself_or_with_its_account() {
        let revocations = Revocations::new(DAY);
        let user_id = Uuid::now_v7();
        let [first, second, third] = [1, 1, 2].map(|generation| session(user_id, generation));
        end(&revocations, Ended::Session(first.id));
        assert!(revocations.has_ended(&first) && !revocations.has_ended(&second));
        end(&revocations, Ended::Before { user_id, generation: 2, spared: None });
        assert!(revocations.has_ended(&second) && !revocations.has_ended(&third));
        assert!(revocations.has_changed_since(user_id, 1));
        assert!(!revocations.has_changed_since(user_id, 2));
        assert!(!revocations.has_ended(&session(Uuid::now_v7(), 1)));
    }

    #[test]
    fn a_spared_session_goes_on_until_the_next_change() {
        let revocations = Revocations::new(DAY);
        let user_id = Uuid::now_v7();
        let own = session(user_id, 1);
        end(&revocations, Ended::Before { user_id, generation: 2, spared: Some(own.id) });
        assert!(!revocations.has_ended(&own) && revocations.has_ended(&session(user_id, 1)));
        end(&revocations, Ended::Before { user_id, generation: 3, spared: None });
        assert!(revocations.has_ended(&own));
        // Changes may come in any order.
        end(&revocations, Ended::Before { user_id, generation: 2, spared: Some(own.id) });
        assert!(revocations.has_ended(&own));
    }

    #[test]
    fn what_has_expired_is_forgotten_and_nothing_else() {
        let revocations = Revocations::new(DAY);
        let [user_id, key, other] = [(); 3].map(|()| Uuid::now_v7());
        end(&revocations, Ended::ApiKey(key));
        end(&revocations, Ended::Before { user_id, generation: 2, spared: None });
        let ended = Ended::ApiKey(other);
        revocations.apply([Revocation { ended, expires_at: SystemTime::now() }]);
        revocations.forget_expired(SystemTime::now());
        assert_eq!(revocations.len(), 2);
        assert!(revocations.is_revoked(key) && !revocations.is_revoked(other));
        revocations.forget_expired(SystemTime::now() + DAY);
        assert_eq!(revocations.len(), 0);
    }

    #[test]
    fn without_a_recent_read_nothing_is_fresh() {
        let grace = Duration::from_mins(5);
        let mut revocations = Revocations::new(grace);
        assert_eq!(revocations.freshness(), Freshness::Lost);
        let now = Instant::now();
        for (age, freshness) in [
            (Duration::ZERO, Freshness::Fresh),
            (BOUND, Freshness::Stale),
            (grace, Freshness::Lost),
        ] {
            revocations.started = now.checked_sub(grace + age + BOUND).unwrap();
            revocations.mark_read(now.checked_sub(age).unwrap());
            assert_eq!(revocations.freshness(), freshness, "{age:?}");
        }
    }
}
