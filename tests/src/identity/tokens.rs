//! Acceptance of session tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use abacus_testkit::{PATIENCE, TOKEN_KEYS};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};

use super::*;

fn signing_key() -> EncodingKey {
    EncodingKey::from_base64_secret(TOKEN_KEYS.split_once(':').unwrap().1).unwrap()
}

fn header() -> Header {
    let (typ, kid) = (Some("at+jwt".to_owned()), Some("test".to_owned()));
    Header { typ, kid, ..Header::new(Algorithm::HS256) }
}

/// The claims of a real token.
fn claims(client: &Client) -> Value {
    let payload = client.token().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn forged_tokens_are_refused() {
    let system = system();
    let (mut ingress, client) = start(&system);
    let ada = user(&client, "ada");
    let claims = claims(&ada);
    let sign = |header: &Header, claims: &Value| encode(header, claims, &signing_key()).unwrap();
    // An unchanged token is accepted, so a refusal below is due to the change.
    assert_lets_in(&client.with_token(sign(&header(), &claims)));
    let with = |claim: &str, value: Value| {
        let mut changed = claims.clone();
        changed[claim] = value;
        sign(&header(), &changed)
    };
    let own = ada.token().unwrap().to_owned();
    let (signed, signature) = own.rsplit_once('.').unwrap();
    let payload = signed.split_once('.').unwrap().1;
    let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"at+jwt","kid":"test"}"#);
    let as_admin = with("role", json!("admin"));
    let as_admin = as_admin.rsplit_once('.').unwrap().0;
    let other_key = EncodingKey::from_secret(&[7; 32]);
    for token in [
        format!("{as_admin}.{signature}"),
        format!("{unsigned}.{payload}."),
        format!("{unsigned}.{payload}.{signature}"),
        format!("{signed}."),
        signed.to_owned(),
        encode(&header(), &claims, &other_key).unwrap(),
        sign(&Header { typ: Some("JWT".to_owned()), ..header() }, &claims),
        sign(&Header { kid: Some("other".to_owned()), ..header() }, &claims),
        sign(&Header { kid: None, ..header() }, &claims),
        sign(&Header { alg: Algorithm::HS512, ..header() }, &claims),
        with("exp", json!(now() - 60)),
        with("exp", json!(now() + 2 * 24 * 3600)),
        with("nbf", json!(now() + 60)),
        with("iss", json!("somebody")),
        with("aud", json!("something")),
        with("exp", Value::Null),
    ] {
        assert_refuses(&client.with_token(&token));
    }
    let forged = [("fault", "forged")];
    assert!(ingress.count("abacus_ingress_credentials_refused_total", &forged) > 10);
}

#[test]
fn a_token_expires() {
    let mut system = system();
    system.set("ABACUS_TOKEN_LIFETIME", "1s");
    let (_ingress, client) = start(&system);
    let ada = user(&client, "ada");
    let answer = wait_until("the session to end", PATIENCE, || match ada.get("/v1/me") {
        answer if answer.status == 401 => Ok(answer),
        answer => Err(answer.status.to_string()),
    });
    assert!(answer.body.contains("expired"), "{}", answer.body);
    assert!(answer.header("www-authenticate").contains("invalid_token"));
}

#[test]
fn keys_are_changed_without_ending_sessions() {
    let mut system = system();
    let (mut ingress, client) = start(&system);
    let old = user(&client, "ada");
    ingress.terminate();

    let new_key = "new:YW5vdGhlci1rZXktb2YtdGhlLXRlc3RzLTMyLWJ5dGVz";
    system.set("ABACUS_TOKEN_KEYS", format!("{new_key},{TOKEN_KEYS}"));
    let (mut ingress, client) = start(&system);
    let old_here = client.with_token(old.token().unwrap());
    assert_lets_in(&old_here);
    let new = login(&client, "ada");
    ingress.terminate();

    system.set("ABACUS_TOKEN_KEYS", new_key);
    let (_ingress, client) = start(&system);
    assert_lets_in(&client.with_token(new.token().unwrap()));
    assert_refuses(&client.with_token(old.token().unwrap()));
}

#[test]
fn without_keys_there_is_no_service_unless_everybody_is_served() {
    let mut system = System::new();
    system.set("ABACUS_TOKEN_KEYS", "");
    let setup = system.ingress().set("ABACUS_ANONYMOUS", "false");
    let mut refused = system.spawn(&setup);
    assert_eq!(refused.wait_for_exit(), Some(2));
    refused.wait_logged("ABACUS_TOKEN_KEYS");
    let (ingress, client) = start(&system);
    ingress.wait_logged("random key");
    assert_lets_in(&user(&client, "ada"));
    // Even with anonymous callers, bad credentials are refused.
    assert_problem(&client.with_token("nonsense").get(QUESTION), 401, "invalid-credentials");
    let basic = client.get_with(QUESTION, ("authorization", "Basic YTpi"));
    assert_problem(&basic, 401, "invalid-credentials");
}
