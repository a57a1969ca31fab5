//! Random types.

use abacus_testkit::Random;

use super::types::Type;

const PLAIN: [Type; 8] = [
    Type::Null,
    Type::Boolean,
    Type::Int,
    Type::Long,
    Type::Float,
    Type::Double,
    Type::Bytes,
    Type::Text,
];

const LOGICAL: [(&str, &str); 10] = [
    ("int", "date"),
    ("int", "time-millis"),
    ("long", "time-micros"),
    ("long", "timestamp-millis"),
    ("long", "timestamp-micros"),
    ("long", "timestamp-nanos"),
    ("long", "local-timestamp-millis"),
    ("long", "local-timestamp-micros"),
    ("string", "uuid"),
    ("long", "a-logical-type-of-nobody"),
];

/// A random type with at most `depth` levels. Names of types begin with `prefix`, which is unique in the
/// schema.
pub(crate) fn random_type(random: &mut Random, depth: u32, prefix: &str) -> Type {
    let choices = if depth == 0 { 6 } else { 10 };
    match random.below(choices) {
        0 | 1 => random.one_of(&PLAIN).clone(),
        2 => {
            let (base, logical) = *random.one_of(&LOGICAL);
            Type::Logical(base, logical)
        }
        3 => Type::Decimal,
        4 => Type::Enum(format!("{prefix}E"), random.between(1, 5)),
        5 => Type::Fixed(format!("{prefix}F"), *random.one_of(&[0, 1, 16, 300])),
        6 => Type::Array(Box::new(random_type(random, depth - 1, &format!("{prefix}A")))),
        7 => Type::Map(Box::new(random_type(random, depth - 1, &format!("{prefix}M")))),
        8 => union(random, depth - 1, prefix),
        _ => record_or_list(random, depth - 1, prefix),
    }
}

fn record_or_list(random: &mut Random, depth: u32, prefix: &str) -> Type {
    if random.below(3) == 0 {
        return Type::List(format!("{prefix}L"));
    }
    let field = |number| {
        let name = format!("f{number}");
        let field = random_type(random, depth, &format!("{prefix}R{number}"));
        (name, field)
    };
    let fields = (0..4).map(field).collect();
    Type::Record(format!("{prefix}R"), fields)
}

/// A union of types of different kinds, which no union has twice.
fn union(random: &mut Random, depth: u32, prefix: &str) -> Type {
    let mut branches = vec![Type::Null, Type::Long, Type::Text];
    branches.push(Type::Array(Box::new(random_type(random, depth, &format!("{prefix}U")))));
    branches.push(Type::Fixed(format!("{prefix}UF"), 3));
    random.shuffle(&mut branches);
    branches.truncate(usize::try_from(random.between(1, 5)).unwrap());
    Type::Union(branches)
}
