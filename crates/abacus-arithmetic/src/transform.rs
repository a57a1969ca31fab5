//! Products by Fourier transforms in doubles.
//!
//! Numbers are cut into pieces of four digits, balanced: from -5,000 to 4,999. The product of two
//! such polynomials of real coefficients is taken modulo t²ᴹ + 1, that is as complex polynomials of
//! half the length: piece j is the real part of element j, piece j + M its imaginary part, and
//! element j is weighted by exp(iπj / 2M) before the transform of length M and by the inverse after
//! it (the "right-angle convolution" of Crandall and Fagin, "Discrete weighted transforms and
//! large-integer arithmetic", Mathematics of Computation 62 (1994)). No product has more than 2M
//! pieces, so nothing wraps around.
//!
//! # Rounding
//!
//! Colin Percival, "Rapid multiplication modulo the sum and difference of highly composite numbers",
//! Mathematics of Computation 72 (2003): of a convolution of vectors x and y by transforms of
//! length M = 2ⁿ, no element is off by more than
//!
//! ‖x‖ ‖y‖ ((1 + ε)³ⁿ (1 + ε√5)³ⁿ⁺¹ (1 + β)³ⁿ - 1)
//!
//! with ε = 2⁻⁵³ and β the error of the tabulated roots of unity. The weights add three complex
//! products by such roots. `rustfft` computes a root from an angle of up to 2π that is off by at most
//! 2.4 roundings: β ≤ 2π · 2.4 ε + ε < 17 ε. The norms of two numbers with P pieces together are at
//! most 5,000² P / 2. [`error_bound`] is this bound; up to [`MAX_LENGTH`](crate::plan::MAX_LENGTH) it
//! is below 1/2, and rounding gives the exact coefficients. Lengths with factors 3 and 5 are beyond the
//! theorem's wording and counted as the next power of two. For those, and for faults, there are two
//! more guards: a coefficient further from an integer than [`MAX_DISTANCE`] fails the product (at a
//! million digits the distance is 10⁻⁵ for random ones, and 10⁻³ where every piece is the largest), and
//! the caller checks every product modulo a prime.

use std::cell::RefCell;

use rustfft::num_complex::Complex;

use crate::limbs::BASE;
use crate::plan::Plan;

/// Pieces of four digits in a limb.
pub(crate) const PIECES: usize = 4;
/// How far from an integer a coefficient may be.
const MAX_DISTANCE: f64 = 0.125;

/// 5,000 in every piece of a limb.
const HALVES: u64 = 5_000_500_050_005_000;
/// Added to a double below 2⁵¹, it makes the sum round to an integer, which its low bits then hold.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

thread_local! {
    static BUFFERS: RefCell<Buffers> = const { RefCell::new(Buffers::new()) };
}

/// Memory of the products before, for the next one.
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

/// The product, with as many limbs as both factors together; none if the rounding was not safe.
pub(crate) fn multiply(plan: &Plan, one: &[u64], other: &[u64]) -> Option<Vec<u64>> {
    multiply_all(plan, one, std::iter::once(other)).pop()?
}

/// The products of one factor with others, in their order: its transform is made once.
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

/// The square, with twice as many limbs; none if the rounding was not safe.
pub(crate) fn square(plan: &Plan, limbs: &[u64]) -> Option<Vec<u64>> {
    BUFFERS.with_borrow_mut(|Buffers { one: spectrum, scratch, .. }| {
        forward(plan, limbs, spectrum, scratch);
        for x in spectrum.iter_mut() {
            *x = (*x * *x).conj();
        }
        backward(plan, spectrum, scratch, 2 * limbs.len())
    })
}

/// The weighted transform of a number's pieces. Adding 5,000 to every piece, carries included, and
/// taking it away from each piece again is what balances them; the last carry is a piece of its own.
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
    place(carry as f64, spectrum, limbs.len() * PIECES);
    for (element, weight) in spectrum.iter_mut().zip(&plan.weights) {
        *element *= weight;
    }
    transform(plan, spectrum, scratch);
}

/// Puts the piece with that index where it is looked for.
fn place(piece: f64, spectrum: &mut [Complex<f64>], index: usize) {
    let length = spectrum.len();
    if let Some(element) = spectrum.get_mut(index) {
        element.re = piece;
    } else if let Some(element) = spectrum.get_mut(index - length) {
        element.im = piece;
    }
}

/// The pieces of a limb with the carry into it; `carry` is then the one out of it.
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

/// The limbs behind a conjugated spectrum: the transform of the conjugate is the conjugate of the
/// inverse transform, so that one plan does for both directions.
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
    // What the last carry and the elements above add up to is zero: the product has no more limbs.
    let _ = self::carry(high, spectrum, |element| element.im, carry);
    Some(limbs)
}

/// Takes the weights away, conjugates, and leaves integers with [`ROUNDER`] added. Gives the largest
/// distance from an integer, taken over four elements side by side, which processors are better at.
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

/// One instruction, where `f64::max` is several: there is no answer for what is no number.
fn larger(one: f64, other: f64) -> f64 {
    if one > other { one } else { other }
}

/// Limbs from rounded coefficients, two divisions by 10⁸ each; gives the last carry.
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

/// The quotient, rounded down, and the remainder by 10⁸ of a number between -10¹⁷ and 10¹⁸.
fn divide(number: i64) -> (i64, u64) {
    const OFFSET: i64 = 1_000_000_000;
    let raised = (number + OFFSET * 100_000_000) as u64;
    ((raised / 100_000_000) as i64 - OFFSET, raised % 100_000_000)
}

/// The bound of the module's description for transforms of this length.
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
