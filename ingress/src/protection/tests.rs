use super::*;

fn from(last: u8) -> ClientAddress {
    ClientAddress([192, 0, 2, last].into())
}

fn violated(result: Result<(), Error>) -> &'static str {
    match result {
        Ok(()) => "none",
        Err(Error::QuotaExceeded { policy, .. }) => policy.name,
        Err(_) => "another",
    }
}

#[tokio::test]
async fn attempts_are_limited_by_address_and_by_account() {
    let limits = [("ABACUS_LIMIT_AUTH_ADDRESS", "3/1h"), ("ABACUS_LIMIT_AUTH_ACCOUNT", "2/1h")];
    let protection = Protection::of(&limits);
    for (address, name, expected) in [
        (1, "ada", "none"),
        (2, "Ada", "none"),
        (3, "ada", AUTH_ACCOUNT),
        (1, "bob", "none"),
        (1, "cy", "none"),
        (1, "dan", AUTH_ADDRESS),
        (4, "bob", "none"),
    ] {
        let attempt = protection.admit_attempt(from(address), name).await;
        assert_eq!(violated(attempt), expected, "{name} from {address}");
    }
}

#[tokio::test]
async fn computing_and_reading_are_limited_apart() {
    let limits = [("ABACUS_LIMIT_COMPUTE", "10/1h"), ("ABACUS_LIMIT_READS", "1/1h")];
    let protection = Protection::of(&limits);
    let caller = Caller::Anonymous;
    let compute = |operations| {
        let load = Load { cost: Cost::from_word_operations(operations), bytes: 1 };
        protection.admit(&caller, from(1), load)
    };
    assert!(compute(8 * UNIT).await.is_ok());
    assert_eq!(violated(compute(UNIT).await.map(drop)), COMPUTE, "it costs two, and one is left");
    assert!(compute(0).await.is_ok());
    assert_eq!(violated(protection.admit_read(&caller, from(1)).await), "none");
    assert_eq!(violated(protection.admit_read(&caller, from(1)).await), READS);
}

#[tokio::test]
async fn a_limit_can_be_off() {
    let protection =
        Protection::of(&[("ABACUS_LIMIT_AUTH_ADDRESS", "off"), ("ABACUS_LIMIT_COMPUTE", "off")]);
    for number in 0..1_000 {
        let attempt = protection.admit_attempt(from(1), &number.to_string()).await;
        assert_eq!(violated(attempt), "none");
    }
    let load = Load { cost: Cost::from_word_operations(u64::MAX), bytes: 1 };
    let permit = protection.admit(&Caller::Anonymous, from(1), load).await.unwrap();
    let mut headers = HeaderMap::new();
    permit.write(&mut headers);
    assert!(headers.is_empty());
}
