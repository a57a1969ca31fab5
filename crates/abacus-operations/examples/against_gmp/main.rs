//! Measures the operations against GMP, in one run: `cargo xtask bench arithmetic`.
//!
//! Both sides compute equal results and write them as decimal text, each on one thread, timed by
//! the thread's CPU clock. Rounds of both sides alternate case by case, so noise of the machine
//! hits both. The ratio is the median of the rounds' ratios. Checksums compare the texts. The last
//! columns compare the cost model with the clock: a word operation is meant to take a nanosecond.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

mod case;
mod clock;
mod gmp;

use std::env;
use std::error::Error;

use crate::case::Case;
use crate::gmp::Gmp;

const DIGITS: [u64; 13] = [
    10, 100, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 300_000, 500_000,
    1_000_000,
];
const ROUNDS: usize = 7;
/// Time for each side, case and round.
const MILLISECONDS: u64 = 30;

fn main() -> Result<(), Box<dyn Error>> {
    let python = env::args().nth(1).ok_or("usage: against_gmp PYTHON, one that has gmpy2")?;
    let mut gmp = Gmp::start(&python)?;
    println!("| result | digits | ours, ms | GMP, ms | ratio | cost, Mword op. | cost / ns |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for operation in ["fibonacci", "pow", "factorial"] {
        for digits in DIGITS {
            println!("{}", compare(&Case::with_digits(operation, digits)?, &mut gmp)?);
        }
    }
    Ok(())
}

/// Renders one line of the table.
fn compare(case: &Case, gmp: &mut Gmp) -> Result<String, Box<dyn Error>> {
    let (mut ours, mut theirs, mut ratios) = (f64::MAX, f64::MAX, vec![]);
    for _ in 0..ROUNDS {
        let mine = case.least_time(MILLISECONDS)?;
        let (other, checksum) = gmp.least_time(case, MILLISECONDS)?;
        if checksum != case.checksum()? {
            return Err(format!("{} is not what GMP computes", case.name()).into());
        }
        ratios.push(mine / other);
        (ours, theirs) = (ours.min(mine), theirs.min(other));
    }
    let cost = case.cost();
    Ok(format!(
        "| {} | {} | {:.4} | {:.4} | {:.2} | {:.4} | {:.2} |",
        case.name(),
        case.digits(),
        ours / 1e6,
        theirs / 1e6,
        median(ratios),
        cost / 1e6,
        cost / ours
    ))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
