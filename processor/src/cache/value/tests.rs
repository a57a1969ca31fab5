use proptest::prelude::*;

use super::*;

fn value(decimal: &str) -> Cached {
    Cached { decimal: decimal.into(), bits: 8 }
}

fn key() -> CacheKey {
    CacheKey::new(&"the key of the tests".to_owned().into())
}

fn stored(decimal: &str, canonical: &str) -> Vec<u8> {
    value(decimal).to_bytes(canonical, &key()).unwrap()
}

fn read(canonical: &str, bytes: &[u8]) -> Option<Cached> {
    Cached::from_bytes(canonical, bytes, &key())
}

/// Encodes any content with a valid tag.
fn sealed(canonical: &str, content: &[u8]) -> Vec<u8> {
    [&[VERSION], &key().tag(canonical, content)[..], content].concat()
}

/// The encoding of version 2: a checksum without a key, which anybody can compute.
fn stored_with_checksum(canonical: &str, content: &[u8]) -> Vec<u8> {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    hasher.update(&(canonical.len() as u64).to_le_bytes());
    hasher.update(canonical.as_bytes());
    hasher.update(content);
    [&[2], &hasher.digest().to_le_bytes()[..], content].concat()
}

#[test]
fn a_sign_is_not_a_digit() {
    assert_eq!((value("-123").digits(), value("123").digits()), (3, 3));
}

#[test]
fn what_is_stored_is_found() {
    for decimal in ["0", "-128", "128", "121393", &"9".repeat(1000)] {
        let bytes = stored(decimal, "pow(-2,7)");
        assert_eq!(read("pow(-2,7)", &bytes), Some(value(decimal)));
    }
}

#[test]
fn a_large_result_takes_less_than_half_of_its_text() {
    assert_eq!(stored(&"7".repeat(1_000_000), "factorial(205023)").len(), 421_056 + SIGN_END);
}

#[test]
fn a_value_under_another_key_is_a_miss() {
    let bytes = stored("128", "pow(2,7)");
    assert_eq!(read("pow(2,8)", &bytes), None);
}

#[test]
fn a_value_tagged_with_another_key_is_a_miss() {
    let forged = value("7").to_bytes("fibonacci(100001)", &CacheKey::random()).unwrap();
    assert_eq!(read("fibonacci(100001)", &forged), None);
}

#[test]
fn a_value_of_another_version_is_a_miss() {
    let content = &stored("128", "pow(2,7)")[TAG_END..];
    assert_eq!(read("pow(2,7)", &stored_with_checksum("pow(2,7)", content)), None);
    let mut newer = stored("128", "pow(2,7)");
    newer[0] = VERSION + 1;
    assert_eq!(read("pow(2,7)", &newer), None);
}

#[test]
fn a_value_that_is_no_number_is_a_miss_even_under_a_right_tag() {
    let bits = 8_u64.to_le_bytes();
    let one = 1_u64.to_le_bytes();
    let key = "pow(2,7)";
    let right = sealed(key, &[&bits[..], &[0], &one].concat());
    assert_eq!(read(key, &right), Some(value("1")));
    for content in [
        vec![],
        bits.to_vec(),
        [&bits[..], &[0]].concat(),
        [&bits[..], &[2], &one].concat(),
        [&bits[..], &[0], &[255; 8]].concat(),
        [&bits[..], &[0], &one, b"more"].concat(),
    ] {
        assert_eq!(read(key, &sealed(key, &content)), None, "{content:?}");
    }
}

#[test]
fn what_is_no_number_is_not_stored() {
    for decimal in ["", "-", "007", "1e9", "--1"] {
        assert_eq!(value(decimal).to_bytes("pow(2,7)", &key()), None, "{decimal}");
    }
}

proptest! {
    #[test]
    fn any_number_comes_back(decimal in "-?[1-9][0-9]{0,300}", bits in any::<u64>()) {
        let cached = Cached { decimal: decimal.as_str().into(), bits };
        let bytes = cached.to_bytes("fibonacci(26)", &key()).unwrap();
        prop_assert_eq!(read("fibonacci(26)", &bytes), Some(cached));
    }

    #[test]
    fn a_value_that_was_cut_or_changed_is_a_miss(
        decimal in "-?[1-9][0-9]{0,100}",
        cut in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let bytes = stored(&decimal, "fibonacci(26)");
        let cut = &bytes[..cut.index(bytes.len())];
        prop_assert_eq!(read("fibonacci(26)", cut), None);
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] ^= flip;
        prop_assert_eq!(read("fibonacci(26)", &changed), None);
    }

    #[test]
    fn foreign_bytes_are_a_miss(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assert_eq!(read("pow(2,7)", &bytes), None);
    }
}
