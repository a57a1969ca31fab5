//! Passwords: policy and hashing.
//!
//! A password is kept in Unicode's normalization form C (RFC 8265, section 4.2.2): keyboards differ in the code points of a
//! character.
//!
//! **Invariants:** the number of hashes computed at a time, each with 19 MiB of memory, and the number of waiting
//! hashes are bounded; further hashes are refused. A sign-in costs a hash even with an unknown name.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use abacus_runtime::{ExposeSecret as _, SecretString};
use anyhow::{Context as _, anyhow};
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{Error as HashError, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Deserializer};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use unicode_normalization::UnicodeNormalization as _;

use crate::error::Error;
use crate::metrics::Metrics;
use crate::name::UserName;

/// Parameters of Argon2id: OWASP's first choice, 19 MiB, two passes, parallelism of one.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const PARALLELISM: u32 = 1;

/// Lengths of a password, in characters. A password is never truncated.
const LENGTHS: RangeInclusive<usize> = 8..=1024;

/// The most common passwords of sufficient length, in lower case, sorted by bytes. `common_passwords.LICENSE` names the
/// source.
const COMMON: &str = include_str!("common_passwords.txt");

/// A typed password. Never shown, neither in logs nor in errors.
#[derive(Clone)]
pub struct Password(SecretString);

impl Password {
    fn new(typed: &str) -> Self {
        Self(SecretString::from(typed.nfc().collect::<String>()))
    }

    /// Refuses an easily guessed password (NIST SP 800-63B, section 3.1.1.2). There are no rules on characters.
    pub(crate) fn check(&self, name: &UserName) -> Result<(), Error> {
        let text = self.0.expose_secret();
        let (length, lower) = (text.chars().count(), text.to_lowercase());
        Err(Error::WeakPassword(if length < *LENGTHS.start() {
            "the password is too short; take at least 8 characters, better 15"
        } else if length > *LENGTHS.end() {
            "the password is too long; take at most 1024 characters"
        } else if COMMON.lines().any(|common| common == lower) {
            "the password is one of the most common; take another"
        } else if is_name_with_digits(&lower, name) {
            "the password is the name, or the name and digits; take another"
        } else {
            return Ok(());
        }))
    }
}

/// Returns true for the name itself, and for the name with digits behind it.
fn is_name_with_digits(lower: &str, name: &UserName) -> bool {
    let rest = lower.strip_prefix(name.as_str());
    rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

impl<'de> Deserialize<'de> for Password {
    /// The error does not show the value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer) {
            Ok(text) => Ok(Self::new(&text)),
            Err(_) => Err(serde::de::Error::custom("a password is a string")),
        }
    }
}

/// Result of comparing a password with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Right,
    /// The password is right, but the hash has outdated parameters.
    RightButOutdated,
    Wrong,
}

/// Hashes passwords on blocking threads.
pub(crate) struct Hasher {
    /// Permits of running and waiting hashes.
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
    /// Hash of a random password, for unknown accounts.
    unknown: Arc<str>,
    metrics: Metrics,
}

impl Hasher {
    /// Runs at most `workers` hashes at a time, with up to `queue` waiting. Computes a first hash.
    pub(crate) fn new(workers: usize, queue: usize, metrics: Metrics) -> anyhow::Result<Self> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        Ok(Self {
            admitted: Arc::new(Semaphore::new(workers.saturating_add(queue))),
            running: Arc::new(Semaphore::new(workers)),
            unknown: hash(&secret)?.into(),
            metrics,
        })
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, password: Password) -> Result<String, Error> {
        self.run(move || hash(password.0.expose_secret().as_bytes())).await
    }

    /// Compares a password with the stored hash of an account. `None` is an unknown account, and takes as long.
    pub(crate) async fn verify(
        &self,
        password: Password,
        stored: Option<&str>,
    ) -> Result<Verdict, Error> {
        let is_there = stored.is_some();
        let stored = stored.map_or_else(|| Arc::clone(&self.unknown), Arc::from);
        if password.0.expose_secret().chars().count() > *LENGTHS.end() {
            return Ok(Verdict::Wrong);
        }
        let verdict = self.run(move || verify(&password, &stored)).await?;
        Ok(if is_there { verdict } else { Verdict::Wrong })
    }

    /// Runs `work`. A disconnected caller does not free the permits of a running hash.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let admitted = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| {
            self.metrics.hashes_refused.inc();
            Error::Busy
        })?;
        let running = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Error::Busy)?;
        let metrics = self.metrics.clone();
        let hashing = spawn_blocking(move || {
            let timer = metrics.hashes.start_timer();
            let result = work();
            timer.observe_duration();
            drop((admitted, running));
            result
        });
        hashing.await.context("hashing").flatten().map_err(Error::Internal)
    }
}

fn argon2() -> anyhow::Result<Argon2<'static>> {
    let params =
        Params::new(MEMORY_KIB, PASSES, PARALLELISM, None).map_err(|error| anyhow!(error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &[u8]) -> anyhow::Result<String> {
    let hash = argon2()?.hash_password(password).map_err(|error| anyhow!(error))?;
    Ok(hash.to_string())
}

fn verify(password: &Password, stored: &str) -> anyhow::Result<Verdict> {
    let stored = PasswordHash::new(stored).map_err(|error| anyhow!("a stored hash: {error}"))?;
    match argon2()?.verify_password(password.0.expose_secret().as_bytes(), &stored) {
        Ok(()) if is_of_today(&stored) => Ok(Verdict::Right),
        Ok(()) => Ok(Verdict::RightButOutdated),
        Err(HashError::PasswordInvalid) => Ok(Verdict::Wrong),
        Err(error) => Err(anyhow!("a stored hash: {error}")),
    }
}

fn is_of_today(stored: &PasswordHash) -> bool {
    let today = (MEMORY_KIB, PASSES, PARALLELISM);
    stored.algorithm == Algorithm::Argon2id.ident()
        && Params::try_from(stored)
            .is_ok_and(|params| (params.m_cost(), params.t_cost(), params.p_cost()) == today)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher(workers: usize, queue: usize) -> Hasher {
        Hasher::new(workers, queue, Metrics::unregistered()).unwrap()
    }

    #[test]
    fn short_long_and_common_passwords_are_refused() {
        let name = UserName::parse("ada.lovelace").unwrap();
        for good in ["correct horse", "ünïcödé!", &"x".repeat(1024)] {
            assert!(Password::new(good).check(&name).is_ok(), "{good}");
        }
        let bad = ["", "7letter", "Password1", "12345678", "Ada.Lovelace", "ada.lovelace1815"];
        for bad in bad.iter().copied().chain(["password2", "Princess123", &"x".repeat(1025)]) {
            assert!(Password::new(bad).check(&name).is_err(), "{bad}");
        }
        assert!(Password::new("ada.lovelace and 1815").check(&name).is_ok());
    }

    #[test]
    fn common_passwords_are_many_allowed_by_length_and_in_lower_case() {
        let common: Vec<_> = COMMON.lines().collect();
        assert!(common.len() >= 3000, "{}", common.len());
        assert!(common.is_sorted());
        for word in common {
            assert!(LENGTHS.contains(&word.chars().count()), "{word}");
            assert_eq!(word, word.to_lowercase());
        }
    }

    #[tokio::test]
    async fn composed_and_decomposed_characters_are_one_password() {
        let read = |text: &str| serde_json::from_value::<Password>(text.into()).unwrap();
        let (composed, decomposed) = ("caf\u{e9} cr\u{e8}me", "cafe\u{301} cre\u{300}me");
        let hasher = hasher(1, 1);
        // A hash from before the normalization.
        let stored = super::hash(composed.as_bytes()).unwrap();
        for typed in [composed, decomposed] {
            let verdict = hasher.verify(read(typed), Some(&stored)).await;
            assert_eq!(verdict.unwrap(), Verdict::Right, "{typed}");
        }
        let plain = hasher.verify(read("cafe creme"), Some(&stored)).await.unwrap();
        assert_eq!(plain, Verdict::Wrong);
    }

    #[test]
    fn nothing_shows_a_password() {
        assert_eq!(format!("{:?}", Password::new("hunter22")), "Password");
        let error = serde_json::from_str::<Password>("12345678").unwrap_err();
        assert!(!error.to_string().contains("12345678"), "{error}");
    }

    #[tokio::test]
    async fn a_hash_fits_its_password_and_no_other() {
        let hasher = hasher(1, 1);
        let hash = hasher.hash(Password::new("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let verify = |text| hasher.verify(Password::new(text), Some(&hash));
        assert_eq!(verify("correct horse").await.unwrap(), Verdict::Right);
        assert_eq!(verify("Correct horse").await.unwrap(), Verdict::Wrong);
        let nobody = hasher.verify(Password::new("correct horse"), None).await.unwrap();
        assert_eq!(nobody, Verdict::Wrong);
        assert_eq!(hasher.metrics.hashes.get_sample_count(), 4);
    }

    #[tokio::test]
    async fn a_hash_of_other_parameters_is_outdated() {
        let params = Params::new(64, 1, 1, None).unwrap();
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = weak.hash_password(b"correct horse").unwrap().to_string();
        let verdict = hasher(1, 1).verify(Password::new("correct horse"), Some(&hash)).await;
        assert_eq!(verdict.unwrap(), Verdict::RightButOutdated);
    }

    #[tokio::test]
    async fn beyond_the_queue_there_is_no_waiting() {
        let hasher = hasher(1, 1);
        let hash = || hasher.hash(Password::new("correct horse"));
        let (first, second, third) = tokio::join!(hash(), hash(), hash());
        assert!(first.is_ok() && second.is_ok());
        assert!(matches!(third, Err(Error::Busy)), "{third:?}");
        assert_eq!(hasher.metrics.hashes_refused.get(), 1);
        assert!(hash().await.is_ok());
    }
}
