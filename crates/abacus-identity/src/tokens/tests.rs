use abacus_runtime::SecretString;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;

fn ring(keys: &str) -> KeyRing {
    KeyRing::parse(&SecretString::from(keys)).unwrap()
}

fn key(id: &str) -> String {
    format!("{id}:{}", base64::engine::general_purpose::STANDARD.encode(id.repeat(32)))
}

fn tokens(keys: &str) -> Tokens {
    Tokens::new(ring(keys), Duration::from_mins(15)).unwrap()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": Uuid::nil(), "username": "ada", "role": "user",
        "generation": 1, "iat": now(), "nbf": now(), "exp": now() + 60, "jti": Uuid::nil(),
    })
}

fn header() -> Header {
    Header { typ: Some(TYPE.into()), kid: Some("a".into()), ..Header::new(Algorithm::HS256) }
}

fn signed(header: &Header, claims: &Value) -> String {
    encode(header, claims, &ring(&key("a")).signing().encoding).unwrap()
}

#[test]
fn a_token_reads_as_what_was_written() {
    let tokens = tokens(&key("a"));
    let user = Uuid::now_v7();
    let session = tokens.read(&tokens.issue(user, "ada", Role::Admin, 7).unwrap()).unwrap();
    assert_eq!((session.user_id, &*session.name, session.generation), (user, "ada", 7));
    assert_eq!(session.role, Role::Admin);
    assert!(session.ends_at > SystemTime::now() + Duration::from_mins(15));
}

#[test]
fn every_claim_that_is_relied_on_is_required_and_checked() {
    let tokens = tokens(&key("a"));
    assert!(tokens.read(&signed(&header(), &claims())).is_ok());
    for claim in claims().as_object().unwrap().keys() {
        let mut without = claims();
        without.as_object_mut().unwrap().remove(claim);
        assert_eq!(
            tokens.read(&signed(&header(), &without)),
            Err(CredentialFault::Forged),
            "{claim}"
        );
    }
    for (claim, value, fault) in [
        ("exp", json!(now() - LEEWAY - 2), CredentialFault::Expired),
        ("exp", json!((now() + 60).to_string()), CredentialFault::Forged),
        ("exp", json!(now() + 25 * 3600), CredentialFault::Forged),
        ("nbf", json!(now() + LEEWAY + 10), CredentialFault::Forged),
        ("nbf", json!("now"), CredentialFault::Forged),
        ("iss", json!("somebody"), CredentialFault::Forged),
        ("aud", json!("something"), CredentialFault::Forged),
        ("aud", json!([]), CredentialFault::Forged),
        ("role", json!("root"), CredentialFault::Forged),
        ("sub", json!("ada"), CredentialFault::Forged),
    ] {
        let mut changed = claims();
        changed[claim] = value;
        assert_eq!(tokens.read(&signed(&header(), &changed)), Err(fault), "{changed}");
    }
}

#[test]
fn other_algorithms_types_and_keys_are_refused() {
    let tokens = tokens(&key("a"));
    let good = signed(&header(), &claims());
    let parts: Vec<&str> = good.split('.').collect();
    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt","kid":"a"}"#);
    let other_key = encode(&header(), &claims(), &ring(&key("b")).signing().encoding).unwrap();
    for token in [
        format!("{unsigned}.{}.", parts[1]),
        format!("{unsigned}.{}.{}", parts[1], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        signed(&Header { alg: Algorithm::HS384, ..header() }, &claims()),
        signed(&Header { typ: Some("JWT".into()), ..header() }, &claims()),
        signed(&Header { typ: None, ..header() }, &claims()),
        signed(&Header { kid: None, ..header() }, &claims()),
        signed(&Header { kid: Some("b".into()), ..header() }, &claims()),
        signed(&Header { crit: Some(vec!["exp".into()]), ..header() }, &claims()),
        other_key,
        String::new(),
        "a.b.c".to_owned(),
    ] {
        assert_eq!(tokens.read(&token), Err(CredentialFault::Forged), "{token}");
    }
}

#[test]
fn one_changed_bit_anywhere_is_refused() {
    let tokens = tokens(&key("a"));
    let token = tokens.issue(Uuid::nil(), "ada", Role::User, 1).unwrap();
    for index in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        // The last character of each part has bits that belong to no byte.
        let next = bytes.get(index + 1);
        if bytes[index] == b'.' || next.is_none_or(|next| *next == b'.') {
            continue;
        }
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(tokens.read(&changed).is_err(), "{changed}");
    }
}

#[test]
fn old_tokens_are_valid_for_as_long_as_their_key_is_in_the_ring() {
    let old = tokens(&key("a")).issue(Uuid::nil(), "ada", Role::User, 1).unwrap();
    let both = tokens(&format!("{},{}", key("b"), key("a")));
    assert!(both.read(&old).is_ok());
    let new = both.issue(Uuid::nil(), "ada", Role::User, 1).unwrap();
    let only_new = tokens(&key("b"));
    assert!(only_new.read(&new).is_ok());
    assert_eq!(only_new.read(&old), Err(CredentialFault::Forged));
}
