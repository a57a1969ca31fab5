//! The declaration of one operand: name, meaning and accepted integers.

/// The declaration of one operand of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperandSpec {
    /// The key in the operands of a request.
    pub name: &'static str,
    /// Half a sentence for people, without the domain.
    pub meaning: &'static str,
    /// The accepted integers.
    pub domain: Domain,
    /// A value for documentation.
    pub example: &'static str,
}

/// The integers that an operand accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Every integer.
    Any,
    /// Zero and above.
    NonNegative,
}
