//! Products by Fourier transforms in doubles.
//!
//! Numbers are cut into pieces of four digits, balanced: from -5,000 to 4,999. The product of two
//! polynomials with such coefficients is taken modulo t²ᴹ + 1, as complex polynomials of half the
//! length. Piece j is the real part of element j, and piece j + M is its imaginary part. Element j
//! is multiplied by the weight exp(iπj / 2M) before the transform of length M, and divided by it
//! after the transform. This is the "right-angle convolution" of Crandall and Fagin, "Discrete
//! weighted transforms and large-integer arithmetic", Mathematics of Computation 62 (1994). A
//! product has at most 2M pieces, so no piece wraps around.
//!
//! # Rounding
//!
//! Colin Percival, "Rapid multiplication modulo the sum and difference of highly composite
//! numbers", Mathematics of Computation 72 (2003), bounds the error of every element of a
//! convolution of vectors x and y, by transforms of length M = 2ⁿ:
//!
//! ‖x‖ ‖y‖ ((1 + ε)³ⁿ (1 + ε√5)³ⁿ⁺¹ (1 + β)³ⁿ - 1)
//!
//! Here ε = 2⁻⁵³, and β is the error of the tabulated roots of unity. The weights add three complex
//! products with roots of unity. `rustfft` computes a root from an angle of up to 2π with an error
//! of at most 2.4 roundings: β ≤ 2π · 2.4 ε + ε < 17 ε. The norms of two numbers with P pieces
//! together are at most 5,000² P / 2. [`error_bound`] is this bound. Up to
//! [`MAX_LENGTH`](crate::plan::MAX_LENGTH) it is below 1/2, and rounding gives the exact
//! coefficients.
//!
//! The theorem does not cover lengths with factors 3 and 5; they count as the next power of two.
//! Two more guards cover these lengths, and faults. A coefficient further from an integer than
//! [`MAX_DISTANCE`] fails the product: at a million digits the distance is 10⁻⁵ for random numbers,
//! and 10⁻³ if every piece is the largest. And the caller checks every product modulo a prime.

use std::cell::RefCell;

use rustfft::num_complex::Complex;

use crate::limbs::BASE;
use crate::plan::Plan;

/// Number of pieces of four digits in a limb.
pub(crate) const PIECES: usize = 4;
/// Largest distance of a coefficient from an integer.
const MAX_DISTANCE: f64 = 0.125;

/// 5,000 in every piece of a limb.
const HALVES: u64 = 5_000_500_050_005_000;
/// A summand that rounds a double below 2⁵¹ to an integer. The low bits of the sum hold the
/// integer.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

thread_local! {
    static BUFFERS: RefCell<Buffers> = const { RefCell::new(Buffers::new()) };
}

/// Memory kept from one product to the next.
struct Buffers {
    one: Vec<Complex<f64>>,
    other: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl Buffers {
    const fn new() -> Self {
        Self { one: Vec::new(), other: Vec::new(), scratch: Vec::new() }
    }
}

/// Multiplies. The product has as many limbs as both factors together. Returns `None` if the
/// rounding was not safe.
pub(crate) fn multiply(plan: &Plan, one: &[u64], other: &[u64]) -> Option<Vec<u64>> {
    multiply_all(plan, one, std::iter::once(other)).pop()?
}

/// Multiplies one factor with several others, in their order. The transform of the common factor is
/// made once.
pub(crate) fn multiply_all<'a>(
    plan: &Plan,
    one: &[u64],
    others: impl Iterator<Item = &'a [u64]>,
) -> Vec<Option<Vec<u64>>> {
    BUFFERS.with_borrow_mut(|Buffers { one: fixed, other: spectrum, scratch }| {
        forward(plan, one, fixed, scratch);
        let product = |other: &[u64]| {
            forward(plan, other, spectrum, scratch);
            for (x, y) in spectrum.iter_mut().zip(fixed.iter()) {
                *x = (*x * y).conj();
            }
            backward(plan, spectrum, scratch, one.len() + other.len())
        };
        others.map(product).collect()
    })
}

/// Squares. The square has twice as many limbs. Returns `None` if the rounding was not safe.
pub(crate) fn square(plan: &Plan, limbs: &[u64]) -> Option<Vec<u64>> {
    BUFFERS.with_borrow_mut(|Buffers { one: spectrum, scratch, .. }| {
        forward(plan, limbs, spectrum, scratch);
        for x in spectrum.iter_mut() {
            *x = (*x * *x).conj();
        }
        backward(plan, spectrum, scratch, 2 * limbs.len())
    })
}

/// Transforms the weighted pieces of a number. To balance the pieces, 5,000 is added to the whole
/// number at every piece, with carries, and then subtracted from each piece. The last carry is an
/// additional piece.
fn forward(
    plan: &Plan,
    limbs: &[u64],
    spectrum: &mut Vec<Complex<f64>>,
    scratch: &mut Vec<Complex<f64>>,
) {
    let half = limbs.len().min(plan.length() / PIECES);
    let (low, high) = limbs.split_at_checked(half).unwrap_or((limbs, &[]));
    let mut carry = 0;
    spectrum.clear();
    let pieces = low.iter().flat_map(|limb| balanced(*limb, &mut carry));
    spectrum.extend(pieces.map(|piece| Complex::new(piece, 0.0)));
    spectrum.resize(plan.length(), Complex::default());
    let pieces = high.iter().flat_map(|limb| balanced(*limb, &mut carry));
    for (piece, element) in pieces.zip(spectrum.iter_mut()) {
        element.im = piece;
    }
    set_piece(carry as f64, spectrum, limbs.len() * PIECES);
    for (element, weight) in spectrum.iter_mut().zip(&plan.weights) {
        *element *= weight;
    }
    transform(plan, spectrum, scratch);
}

/// Stores the piece with this index: in a real part, or in an imaginary part of the second half.
fn set_piece(piece: f64, spectrum: &mut [Complex<f64>], index: usize) {
    let length = spectrum.len();
    if let Some(element) = spectrum.get_mut(index) {
        element.re = piece;
    } else if let Some(element) = spectrum.get_mut(index - length) {
        element.im = piece;
    }
}

/// Cuts a limb plus `carry` into balanced pieces. Sets `carry` to the carry out of the limb.
fn balanced(limb: u64, carry: &mut u64) -> [f64; PIECES] {
    let sum = limb + HALVES + *carry;
    *carry = u64::from(sum >= BASE);
    let limb = if sum >= BASE { sum - BASE } else { sum };
    let (high, low) = ((limb / 100_000_000) as u32, (limb % 100_000_000) as u32);
    [low % 10_000, low / 10_000, high % 10_000, high / 10_000]
        .map(|piece| f64::from(piece as i32 - 5_000))
}

fn transform(plan: &Plan, spectrum: &mut [Complex<f64>], scratch: &mut Vec<Complex<f64>>) {
    let length = plan.fft.get_inplace_scratch_len();
    if scratch.len() < length {
        scratch.resize(length, Complex::default());
    }
    plan.fft.process_with_scratch(spectrum, scratch);
}

/// Computes the limbs of a conjugated spectrum. The transform of the conjugate is the conjugate of
/// the inverse transform, so one plan serves both directions.
fn backward(
    plan: &Plan,
    spectrum: &mut [Complex<f64>],
    scratch: &mut Vec<Complex<f64>>,
    length: usize,
) -> Option<Vec<u64>> {
    transform(plan, spectrum, scratch);
    if round(spectrum, &plan.weights) > MAX_DISTANCE {
        return None;
    }
    let mut limbs = vec![0; length];
    let (low, high) = limbs.split_at_mut(length.min(plan.length() / PIECES));
    let carry = carry(low, spectrum, |element| element.re, 0);
    // The last carry and the elements above add up to zero: the product has no more limbs.
    let _ = self::carry(high, spectrum, |element| element.im, carry);
    Some(limbs)
}

/// Removes the weights, conjugates, and leaves integers with [`ROUNDER`] added. Returns the largest
/// distance from an integer. Four elements are processed side by side, which is faster.
fn round(spectrum: &mut [Complex<f64>], weights: &[Complex<f64>]) -> f64 {
    let scale = 1.0 / spectrum.len() as f64;
    let mut largest = [Complex::new(0.0_f64, 0.0); PIECES];
    let fours = spectrum.chunks_exact_mut(PIECES).zip(weights.chunks_exact(PIECES));
    for (elements, weights) in fours {
        for ((element, weight), largest) in elements.iter_mut().zip(weights).zip(&mut largest) {
            let value = (*element * weight).conj() * scale;
            *element = value + Complex::new(ROUNDER, ROUNDER);
            largest.re = larger(largest.re, (element.re - ROUNDER - value.re).abs());
            largest.im = larger(largest.im, (element.im - ROUNDER - value.im).abs());
        }
    }
    largest.iter().fold(0.0, |distance, largest| larger(distance, larger(largest.re, largest.im)))
}

/// Returns the larger number, in one instruction; `f64::max` takes several to treat NaN.
fn larger(one: f64, other: f64) -> f64 {
    if one > other { one } else { other }
}

/// Computes limbs from rounded coefficients, by two divisions by 10⁸ each. Returns the last carry.
fn carry(
    limbs: &mut [u64],
    spectrum: &[Complex<f64>],
    part: impl Fn(&Complex<f64>) -> f64,
    mut carry: i64,
) -> i64 {
    let coefficient = |element| part(element).to_bits().wrapping_sub(ROUNDER.to_bits()) as i64;
    for (limb, elements) in limbs.iter_mut().zip(spectrum.chunks_exact(PIECES)) {
        let [one, two, three, four] = elements else { continue };
        let low = coefficient(one) + 10_000 * coefficient(two) + carry;
        let (quotient, low) = divide(low);
        let high = coefficient(three) + 10_000 * coefficient(four) + quotient;
        let (quotient, high) = divide(high);
        *limb = low + 100_000_000 * high;
        carry = quotient;
    }
    carry
}

/// Divides a number between -10¹⁷ and 10¹⁸ by 10⁸. Returns the quotient, rounded down, and the
/// remainder.
fn divide(number: i64) -> (i64, u64) {
    const OFFSET: i64 = 1_000_000_000;
    let raised = (number + OFFSET * 100_000_000) as u64;
    ((raised / 100_000_000) as i64 - OFFSET, raised % 100_000_000)
}

/// Error bound of the module's documentation, for transforms of this length.
#[cfg(test)]
fn error_bound(length: usize) -> f64 {
    let epsilon = f64::EPSILON / 2.0;
    let (levels, root) = (f64::from(length.next_power_of_two().ilog2()), 17.0 * epsilon);
    let norms = 5_000_f64.powi(2) * length as f64;
    let logarithms = 3.0 * levels * epsilon.ln_1p()
        + (3.0 * levels + 4.0) * (epsilon * 5_f64.sqrt()).ln_1p()
        + (3.0 * levels + 3.0) * root.ln_1p()
        + 2.0 * epsilon.ln_1p();
    norms * logarithms.exp_m1()
}

#[cfg(test)]
mod tests;
