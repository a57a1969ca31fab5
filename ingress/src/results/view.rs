//! A result in the notation and to the length that were asked for.

use abacus_operations::Prepared;

use super::hex;
use crate::computations::computation::Computation;
use crate::error::Error;

/// A notation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Radix {
    #[default]
    Decimal,
    /// The magnitude in lower case, after the sign, without a prefix.
    Hexadecimal,
}

/// How a result is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) radix: Radix,
    /// Only this many digits of it, the first ones.
    pub(crate) preview: Option<usize>,
}

impl View {
    /// Refuses what would be refused once it is computed.
    pub(crate) fn check(self, prepared: &Prepared) -> Result<(), Error> {
        match self.radix {
            Radix::Decimal => Ok(()),
            Radix::Hexadecimal => hex::check(prepared.estimated_digits()),
        }
    }

    /// The computation as it is wanted.
    pub(crate) async fn of(self, mut computation: Computation) -> Result<Computation, Error> {
        let Some(result) = &mut computation.result else { return Ok(computation) };
        if self.radix == Radix::Hexadecimal {
            result.result = hex::from_decimal(std::mem::take(&mut result.result)).await?;
            result.format = Some("hex");
        }
        if let Some(count) = self.preview {
            result.truncated = Some(cut(&mut result.result, count));
        }
        Ok(computation)
    }
}

/// Leaves the first `count` digits, and the sign: whether there were more.
fn cut(text: &mut String, count: usize) -> bool {
    let kept = count.saturating_add(usize::from(text.starts_with('-')));
    let is_longer = text.len() > kept;
    text.truncate(kept);
    is_longer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_is_not_a_digit() {
        for (text, count, left, is_cut) in [
            ("12345", 3, "123", true),
            ("-12345", 3, "-123", true),
            ("-123", 3, "-123", false),
            ("0", 1, "0", false),
            ("12", usize::MAX, "12", false),
            ("-12", usize::MAX, "-12", false),
        ] {
            let mut text = text.to_owned();
            assert_eq!((cut(&mut text, count), text.as_str()), (is_cut, left));
        }
    }
}
