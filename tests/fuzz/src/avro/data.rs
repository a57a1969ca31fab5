//! Random data in Avro's binary encoding.

use abacus_testkit::Random;

use super::types::Type;

/// Limits on random data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataLimits {
    /// Largest number of items of an array or a map.
    pub(crate) items: u64,
    /// Largest length of a recursive list.
    pub(crate) list: u64,
}

/// Writes a random value of `of`.
pub(crate) fn write(of: &Type, random: &mut Random, limits: DataLimits, to: &mut Vec<u8>) {
    match of {
        Type::Null => {}
        Type::Boolean => to.push(u8::from(random.below(2) == 0)),
        Type::Int | Type::Logical("int", _) => put_long(to, i64::from(random_int(random))),
        Type::Long | Type::Logical("long", _) => put_long(to, random.bits().cast_signed()),
        Type::Float => to.extend((random.bits() as u32).to_le_bytes()),
        Type::Double => to.extend(random.bits().to_le_bytes()),
        Type::Bytes | Type::Decimal => put_bytes(to, &random_bytes(random, 20)),
        Type::Text => put_text(to, &"ä".repeat(usize::try_from(random.below(9)).unwrap())),
        Type::Logical(..) => put_text(to, "01890a5d-ac96-774b-bcce-b302099a8057"),
        Type::Array(items) => blocks(random, limits, to, |random, limits, to| {
            write(items, random, limits, to);
        }),
        Type::Map(values) => blocks(random, limits, to, |random, limits, to| {
            put_text(to, &format!("k{}", random.below(1000)));
            write(values, random, limits, to);
        }),
        Type::Union(branches) => {
            let branch = random.below(branches.len() as u64);
            put_long(to, branch.cast_signed());
            write(&branches[usize::try_from(branch).unwrap()], random, limits, to);
        }
        Type::Enum(_, symbols) => put_long(to, random.below(*symbols).cast_signed()),
        Type::Fixed(_, size) => to.extend(vec![0xa5; *size]),
        Type::Record(_, fields) => {
            for (_, field) in fields {
                write(field, random, limits, to);
            }
        }
        Type::List(_) => list(random, limits.list, to),
        Type::Reference(_) => put_text(to, "a code"),
    }
}

fn random_int(random: &mut Random) -> i32 {
    (random.bits() as u32).cast_signed()
}

/// At most `most` random bytes.
pub(crate) fn random_bytes(random: &mut Random, most: u64) -> Vec<u8> {
    (0..random.below(most + 1)).map(|_| random.bits() as u8).collect()
}

/// Items in blocks: sometimes several, sometimes with the size of a block in bytes.
fn blocks(
    random: &mut Random,
    limits: DataLimits,
    to: &mut Vec<u8>,
    mut item: impl FnMut(&mut Random, DataLimits, &mut Vec<u8>),
) {
    let inner = DataLimits { items: limits.items / 2, ..limits };
    for _ in 0..random.below(3) {
        let count = random.between(1, limits.items.max(1)).cast_signed();
        let mut block = Vec::new();
        (0..count).for_each(|_| item(random, inner, &mut block));
        if random.below(2) == 0 {
            put_long(to, count);
        } else {
            put_long(to, -count);
            put_long(to, i64::try_from(block.len()).unwrap());
        }
        to.extend(block);
    }
    put_long(to, 0);
}

fn list(random: &mut Random, most: u64, to: &mut Vec<u8>) {
    put_long(to, 1);
    for _ in 0..random.below(most + 1) {
        put_long(to, 1);
        put_long(to, random.bits().cast_signed());
    }
    put_long(to, 0);
}

/// Writes a number: zigzag, seven bits a byte.
pub(crate) fn put_long(to: &mut Vec<u8>, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while left >= 0x80 {
        to.push((left & 0x7f) as u8 | 0x80);
        left >>= 7;
    }
    to.push((left & 0x7f) as u8);
}

/// Writes bytes after their length.
pub(crate) fn put_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    put_long(to, i64::try_from(bytes.len()).unwrap());
    to.extend_from_slice(bytes);
}

/// Writes a text after its length.
pub(crate) fn put_text(to: &mut Vec<u8>, text: &str) {
    put_bytes(to, text.as_bytes());
}
