//! Settings of identity.

use std::time::Duration;

use abacus_runtime::{Config, Environment, ExposeSecret as _, SecretString, Setting};

use crate::key_ring::KeyRing;
use crate::tokens::LONGEST_LIFETIME;

const KEYS: &str = "ABACUS_TOKEN_KEYS";
const LIFETIME: &str = "ABACUS_TOKEN_LIFETIME";
const BOOTSTRAP: &str = "ABACUS_BOOTSTRAP_TOKEN";

/// Shortest token, in characters: the output of `openssl rand -base64 18`. A shorter token can be guessed.
const SHORTEST_BOOTSTRAP: usize = 24;

/// Registration policy: the callers with the right to make accounts with the role `user`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationPolicy {
    /// Every caller.
    Open,
    /// Administrators only.
    Administrators,
}

impl Setting for RegistrationPolicy {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "open" => Ok(Self::Open),
            "admins" => Ok(Self::Administrators),
            _ => Err("expected `open` or `admins`".to_owned()),
        }
    }
}

/// Settings of identity.
#[derive(Clone, Debug)]
pub struct IdentityConfig {
    pub(crate) anonymous: bool,
    /// `None` for a random key.
    pub(crate) keys: Option<SecretString>,
    pub(crate) lifetime: Duration,
    pub(crate) grace: Duration,
    pub(crate) bootstrap: Option<SecretString>,
    pub(crate) registration: RegistrationPolicy,
    pub(crate) hashers: usize,
    pub(crate) hash_queue: usize,
}

impl IdentityConfig {
    /// Returns whether callers without credentials are served.
    pub fn serves_anonymous(&self) -> bool {
        self.anonymous
    }
}

impl Config for IdentityConfig {
    fn read(env: &mut Environment) -> Self {
        let anonymous = env.get(
            "ABACUS_ANONYMOUS",
            "false",
            "Whether callers without credentials may compute and look up anonymous requests",
        );
        Self {
            anonymous,
            keys: keys(env, anonymous),
            lifetime: lifetime(env),
            grace: env.get(
                "ABACUS_IDENTITY_GRACE",
                "5m",
                "How long known users are served while Postgres cannot tell which sessions were ended",
            ),
            bootstrap: bootstrap(env),
            registration: env.get(
                "ABACUS_REGISTRATION",
                "open",
                "Registration policy: every caller makes accounts for users (open), or only administrators (admins)",
            ),
            hashers: at_least_one(
                env,
                "ABACUS_PASSWORD_HASHERS",
                "2",
                "Passwords hashed at a time, each with 19 MiB of memory",
            ),
            hash_queue: env.get(
                "ABACUS_PASSWORD_QUEUE",
                "64",
                "Passwords that may wait to be hashed; further ones are answered 503",
            ),
        }
    }
}

fn keys(env: &mut Environment, anonymous: bool) -> Option<SecretString> {
    let keys = env.secret(
        KEYS,
        "",
        "Keys of session tokens, id:base64[,id:base64...], of 32 bytes or more, the same on all instances: the first signs, all verify. Required unless ABACUS_ANONYMOUS",
    );
    if keys.expose_secret().is_empty() {
        if !anonymous {
            env.problem(
                KEYS,
                "expected id:base64[,id:base64...], such as `2026-01:` and the output of `openssl \
                 rand -base64 32`, got nothing",
            );
        }
        return None;
    }
    if let Err(problem) = KeyRing::parse(&keys) {
        env.problem(KEYS, problem);
    }
    Some(keys)
}

fn lifetime(env: &mut Environment) -> Duration {
    let lifetime = env.get(LIFETIME, "15m", "How long a session lasts after signing in");
    if !(Duration::from_secs(1)..=LONGEST_LIFETIME).contains(&lifetime) {
        env.problem(LIFETIME, "expected a duration from 1s to 24h");
    }
    lifetime
}

fn bootstrap(env: &mut Environment) -> Option<SecretString> {
    let token = env.secret(BOOTSTRAP, "", "One-time token for registering the first administrator");
    match token.expose_secret().chars().count() {
        0 => None,
        1..SHORTEST_BOOTSTRAP => {
            let problem = format!("expected at least {SHORTEST_BOOTSTRAP} random characters");
            env.problem(BOOTSTRAP, problem);
            None
        }
        _ => Some(token),
    }
}

fn at_least_one(
    env: &mut Environment,
    name: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> usize {
    let number = env.get(name, default, meaning);
    if number == 0 {
        env.problem(name, "expected at least 1");
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(pairs: &[(&str, &str)]) -> String {
        let mut env = Environment::from_pairs(pairs.iter().copied());
        let _ = IdentityConfig::read(&mut env);
        env.finish().err().map_or_else(String::new, |problems| problems.to_string())
    }

    #[test]
    fn keys_may_be_left_out_only_where_anonymous_callers_are_served() {
        assert!(problems(&[]).contains("ABACUS_TOKEN_KEYS: expected id:base64"));
        assert_eq!(problems(&[("ABACUS_ANONYMOUS", "true")]), "");
        assert!(problems(&[(KEYS, "a:c2hvcnQ=")]).contains("fewer than 32 bytes"));
    }

    #[test]
    fn a_secret_that_can_be_guessed_is_refused_and_never_shown() {
        let text = problems(&[("ABACUS_ANONYMOUS", "true"), (BOOTSTRAP, "letmein")]);
        assert!(text.contains("at least 24") && !text.contains("letmein"), "{text}");
    }

    #[test]
    fn no_session_outlasts_a_day() {
        for lifetime in ["0s", "25h"] {
            let text = problems(&[("ABACUS_ANONYMOUS", "true"), (LIFETIME, lifetime)]);
            assert!(text.contains("from 1s to 24h"), "{text}");
        }
    }
}
