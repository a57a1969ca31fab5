//! The operands of one request, checked against the declaration of the operation.

use std::collections::BTreeMap;

use crate::wording::{count, cut, quote};
use crate::{Domain, Integer, Limits, OperandSpec, Refusal};

/// All declared operands of an operation, each within its domain, in declared order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operands {
    operation: &'static str,
    values: Vec<(&'static str, Integer)>,
}

impl Operands {
    /// Checks the names, then the values.
    pub(crate) fn read(
        operation: &'static str,
        specs: &[OperandSpec],
        texts: &BTreeMap<String, String>,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        refuse_unexpected(operation, specs, texts)?;
        let values = specs.iter().map(|spec| {
            let text = texts.get(spec.name).ok_or_else(|| missing(operation, spec))?;
            Ok((spec.name, read_operand(spec, text, limits)?))
        });
        Ok(Self { operation, values: values.collect::<Result<_, Refusal>>()? })
    }

    /// Returns the operand with this name. Refuses only names that the operation does not declare.
    pub fn get(&self, name: &'static str) -> Result<&Integer, Refusal> {
        let value = self.values.iter().find(|(declared, _)| *declared == name);
        value.map(|(_, value)| value).ok_or(Refusal::MissingOperand {
            operation: self.operation,
            operand: name,
            meaning: "an integer",
        })
    }

    /// The request in normal form, `operation(value,value)`. Equal requests give equal texts,
    /// regardless of spelling.
    pub(crate) fn canonical(&self) -> String {
        let values: Vec<String> = self.values.iter().map(|(_, value)| value.to_string()).collect();
        format!("{}({})", self.operation, values.join(","))
    }
}

fn refuse_unexpected(
    operation: &'static str,
    specs: &[OperandSpec],
    texts: &BTreeMap<String, String>,
) -> Result<(), Refusal> {
    let expected: Vec<&'static str> = specs.iter().map(|spec| spec.name).collect();
    match texts.keys().find(|name| !expected.contains(&name.as_str())) {
        Some(name) => Err(Refusal::UnexpectedOperand { operation, operand: cut(name), expected }),
        None => Ok(()),
    }
}

fn missing(operation: &'static str, spec: &OperandSpec) -> Refusal {
    Refusal::MissingOperand { operation, operand: spec.name, meaning: spec.meaning }
}

/// Reads one operand. The length is checked first, so no check takes longer than the limit allows.
fn read_operand(spec: &OperandSpec, text: &str, limits: &Limits) -> Result<Integer, Refusal> {
    let out_of_range = |reason| Refusal::OperandOutOfRange { operand: spec.name, reason };
    if text.strip_prefix('-').unwrap_or(text).len() as u64 > limits.max_operand_digits {
        let (length, limit) = (count(text.len() as f64), count(limits.max_operand_digits as f64));
        let reason = format!("may have at most {limit} digits; it has {length} characters");
        return Err(out_of_range(reason));
    }
    let value = Integer::parse(text).map_err(|reason| Refusal::MalformedOperand {
        operand: spec.name,
        value: quote(text),
        reason,
    })?;
    if spec.domain == Domain::NonNegative && value.is_negative() {
        return Err(out_of_range(format!("must be 0 or more, not {}", quote(text))));
    }
    Ok(value)
}
