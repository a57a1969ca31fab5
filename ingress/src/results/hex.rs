//! Decimal to hexadecimal. Long numbers take a while: they are converted beside the async threads, a
//! few at a time, and none beyond a bound.

use abacus_arithmetic::Natural;
use num_bigint::BigUint;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::error::Error;

/// Up to this many digits a conversion takes some hundred microseconds.
const QUICK: usize = 5_000;
/// Longer results are given in decimal only.
const MOST_DIGITS: u64 = 2_000_000;
/// How many long numbers are converted at a time.
static TURNS: Semaphore = Semaphore::const_new(2);

/// Refuses results of `digits` decimal digits where that is too many.
pub(super) fn check(digits: u64) -> Result<(), Error> {
    if digits <= MOST_DIGITS { Ok(()) } else { Err(Error::TooLongForHex { limit: MOST_DIGITS }) }
}

pub(super) async fn from_decimal(decimal: String) -> Result<String, Error> {
    check(u64::try_from(decimal.len()).unwrap_or(u64::MAX).saturating_sub(1))?;
    if decimal.len() <= QUICK {
        return Ok(convert(&decimal));
    }
    // It is never closed. The turn lasts as long as the work, which goes on if the caller leaves.
    let turn = TURNS.acquire().await;
    let work = spawn_blocking(move || {
        let _turn = turn;
        convert(&decimal)
    });
    // The task is never aborted; a panic in it is ours to report.
    work.await.map_err(|_| Error::Panicked)
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
        assert!(decimal.len() > QUICK);
        assert_eq!(from_decimal(decimal).await.unwrap(), format!("-{}", long.to_str_radix(16)));
    }

    #[tokio::test]
    async fn there_is_an_end_to_it() {
        let long = "9".repeat(usize::try_from(MOST_DIGITS).unwrap() + 2);
        assert!(matches!(from_decimal(long).await, Err(Error::TooLongForHex { .. })));
    }
}
