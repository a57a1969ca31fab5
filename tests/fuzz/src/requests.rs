//! Random requests, from usual to hostile.

use std::collections::BTreeMap;

use abacus_schemas::{ComputeRequested, Timestamp};
use abacus_testkit::Random;
use uuid::Uuid;

/// A number of operands below the limit of decoding: 10,000 values.
const MANY_OPERANDS: u64 = 9_000;
/// A time in 2026, in microseconds since the Unix epoch.
const USUAL_TIME: i64 = 1_790_000_000_000_000;

/// Points in time at the ends of calendars and numbers, in microseconds since the Unix epoch.
const TIMES: [i64; 12] = [
    0,
    -1,
    i64::MIN,
    i64::MAX,
    i64::MIN + 1,
    -210_866_803_200_000_001,
    -62_135_596_800_000_001,
    253_402_300_800_000_000,
    9_223_371_331_200_000_000,
    -9_223_372_036_854_000_000,
    1,
    USUAL_TIME,
];

/// A random request id.
pub(crate) fn request_id(random: &mut Random) -> Uuid {
    let bits = u128::from(random.bits()) << 64 | u128::from(random.bits());
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
}

/// An ordinary request with a small result, or with a failure.
pub(crate) fn usual(random: &mut Random) -> ComputeRequested {
    let n = random.below(300).to_string();
    let (operation, operands) = match random.below(4) {
        0 => ("fibonacci", vec![("n", n)]),
        1 => ("factorial", vec![("n", n)]),
        2 => ("pow", vec![("base", n), ("exponent", random.below(60).to_string())]),
        // Above the least cost of the heavy lane.
        _ => ("fibonacci", vec![("n", (17_000 + random.below(3000)).to_string())]),
    };
    ComputeRequested {
        request_id: request_id(random).to_string(),
        operation: operation.to_owned(),
        operands: operands.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        requester: None,
        source: "fuzz".to_owned(),
        requested_at: Timestamp::from_micros(USUAL_TIME),
    }
}

/// A request with hostile values. The request id is a UUID.
pub(crate) fn hostile(random: &mut Random) -> ComputeRequested {
    let mut request = usual(random);
    let id = request_id(random);
    request.request_id = spelled(id, random);
    request.requested_at = Timestamp::from_micros(time(random));
    if random.below(2) == 0 {
        request.operation = text(random);
    }
    if random.below(2) == 0 {
        request.requester = Some(text(random));
    }
    if random.below(2) == 0 {
        request.source = text(random);
    }
    if random.below(2) == 0 {
        request.operands = operands(random);
    }
    request
}

/// A random point in time, often at the end of a calendar.
pub(crate) fn time(random: &mut Random) -> i64 {
    match random.below(4) {
        0 => random.bits().cast_signed(),
        _ => *random.one_of(&TIMES),
    }
}

/// The forms in which a UUID may be written.
fn spelled(id: Uuid, random: &mut Random) -> String {
    match random.below(8) {
        0 => id.simple().to_string(),
        1 => id.urn().to_string(),
        2 => id.braced().to_string(),
        3 => id.to_string().to_uppercase(),
        _ => id.to_string(),
    }
}

fn operands(random: &mut Random) -> BTreeMap<String, String> {
    let count = *random.one_of(&[0, 0, 1, 1, 2, 2, 3, 30, 1000, MANY_OPERANDS]);
    let is_long = count < 30;
    let mut short = |n: u64| (format!("o{n}"), random.below(100).to_string());
    if !is_long {
        return (0..count).map(&mut short).collect();
    }
    let name = |random: &mut Random| match random.below(3) {
        0 => text(random),
        _ => (*random.one_of(&["n", "base", "exponent", "N", " n"])).to_owned(),
    };
    (0..count).map(|_| (name(random), value(random))).collect()
}

/// A value of an operand.
fn value(random: &mut Random) -> String {
    match random.below(10) {
        0 => "9".repeat(usize::try_from(random.between(1, 20_000)).unwrap()),
        1 => format!("-{}", random.below(100)),
        2 => i64::MIN.to_string(),
        3 => u64::MAX.to_string(),
        4 => "0".repeat(5000),
        5 => "\u{ff11}\u{ff12}".to_owned(), // digits of full width
        _ => text(random),
    }
}

/// A text that parsers, databases and terminals get wrong.
pub(crate) fn text(random: &mut Random) -> String {
    const TEXTS: [&str; 16] = [
        "",
        "\0",
        "a\0b\0",
        "\u{1}\u{7f}\u{1b}[31m",
        "\\ud800\\udc00",
        "\\u0000",
        "\"'\\{}[]",
        "' OR 1=1; --",
        "\u{202e}\u{200b}\u{feff}",
        "\u{10ffff}\u{fffd}",
        "1e9",
        "+1",
        "-0",
        " 1 ",
        "NaN",
        "\r\n\t",
    ];
    match random.below(6) {
        0 => "\u{1}".repeat(usize::try_from(random.below(20_000)).unwrap()),
        1 => "\u{1f9ee}".repeat(usize::try_from(random.below(2000)).unwrap()),
        _ => (*random.one_of(&TEXTS)).to_owned(),
    }
}
