//! Conversion of decimal digits to hexadecimal digits. Long numbers are converted on blocking
//! threads, a few at a time. Numbers with more than [`MAX_DIGITS`] digits are refused.

use abacus_arithmetic::Natural;
use num_bigint::BigUint;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::error::Error;

/// Largest number of digits for a conversion on the async thread. The conversion takes at most some
/// hundred microseconds.
const MAX_INLINE_DIGITS: usize = 5_000;
/// Largest number of digits for a conversion.
const MAX_DIGITS: u64 = 2_000_000;
/// Permits for concurrent conversions of long numbers.
static CONVERSIONS: Semaphore = Semaphore::const_new(2);

/// Refuses a result of `digits` decimal digits if a conversion would take too long.
pub(super) fn check(digits: u64) -> Result<(), Error> {
    if digits <= MAX_DIGITS { Ok(()) } else { Err(Error::TooLongForHex { limit: MAX_DIGITS }) }
}

/// Returns the hexadecimal digits of a decimal number, after the sign.
pub(super) async fn from_decimal(decimal: String) -> Result<String, Error> {
    check(u64::try_from(decimal.len()).unwrap_or(u64::MAX).saturating_sub(1))?;
    if decimal.len() <= MAX_INLINE_DIGITS {
        return Ok(convert(&decimal));
    }
    // The semaphore is never closed. The work holds the permit, because the work continues after
    // the caller has disconnected.
    let permit = CONVERSIONS.acquire().await;
    let work = spawn_blocking(move || {
        let _permit = permit;
        convert(&decimal)
    });
    // The task is never aborted, so an error is a panic.
    work.await.map_err(|_| Error::ConversionFailed)
}

fn convert(decimal: &str) -> String {
    let (sign, digits) = match decimal.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", decimal),
    };
    format!("{sign}{}", BigUint::from(&Natural::from_digits(digits)).to_str_radix(16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn numbers_of_all_lengths_are_the_same_in_hexadecimal() {
        for (decimal, hex) in [("0", "0"), ("255", "ff"), ("-4096", "-1000"), ("-1", "-1")] {
            assert_eq!(from_decimal(decimal.to_owned()).await.unwrap(), hex);
        }
        let long = BigUint::from(3_u32).pow(40_000);
        let decimal = format!("-{long}");
        assert!(decimal.len() > MAX_INLINE_DIGITS);
        assert_eq!(from_decimal(decimal).await.unwrap(), format!("-{}", long.to_str_radix(16)));
    }

    #[tokio::test]
    async fn there_is_an_end_to_it() {
        let long = "9".repeat(usize::try_from(MAX_DIGITS).unwrap() + 2);
        assert!(matches!(from_decimal(long).await, Err(Error::TooLongForHex { .. })));
    }
}
