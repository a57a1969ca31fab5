//! Notation and length of a result.

use abacus_operations::Prepared;
use serde::Deserialize;
use serde::de::IntoDeserializer as _;
use serde::de::value::{self, StrDeserializer};
use utoipa::ToSchema;

use super::computation::Computation;
use super::error::Error;
use super::radix;

/// Notation of an integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub(crate) enum Radix {
    #[default]
    #[serde(rename = "dec")]
    Decimal,
    /// The magnitude in lower case, after the sign, without a prefix.
    #[serde(rename = "hex")]
    Hexadecimal,
}

impl Radix {
    /// Returns the notation with this name in a query.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        let name: StrDeserializer<'_, value::Error> = name.into_deserializer();
        Self::deserialize(name).ok()
    }
}

/// Requested notation and length of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) radix: Radix,
    /// Number of leading digits in the answer; `None` for all digits.
    pub(crate) preview: Option<usize>,
}

impl View {
    /// Refuses, before any work, a computation with a result too long for this view.
    pub(crate) fn check(self, prepared: &Prepared) -> Result<(), Error> {
        match self.radix {
            Radix::Decimal => Ok(()),
            Radix::Hexadecimal => radix::check(prepared.estimated_digits()),
        }
    }

    /// Converts and cuts the result.
    pub(crate) async fn apply(self, mut computation: Computation) -> Result<Computation, Error> {
        let Some(mut result) = computation.result.take() else { return Ok(computation) };
        if self.radix == Radix::Hexadecimal {
            result = radix::from_decimal(result).await?;
            computation.format = Some("hex");
        }
        if let Some(count) = self.preview {
            computation.truncated = Some(cut(&mut result, count));
        }
        computation.result = Some(result);
        Ok(computation)
    }
}

/// Keeps the sign and the first `count` digits. Returns `true` if digits were cut.
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
