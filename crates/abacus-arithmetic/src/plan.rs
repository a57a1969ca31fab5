//! What transforms of one length share, made once in the life of a process.

use std::f64::consts::FRAC_PI_2;
use std::sync::{Arc, OnceLock};

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

/// Lengths are these times a power of two: those among the products of small primes that take
/// less time than every greater one, measured with AVX.
const FACTORS: [usize; 4] = [16, 20, 25, 27];
/// The power of two of the shortest lengths, which makes every length a multiple of four.
const SMALLEST_POWER: usize = 2;
const OCTAVES: usize = 13;

static PLANS: [OnceLock<Plan>; FACTORS.len() * OCTAVES] =
    [const { OnceLock::new() }; FACTORS.len() * OCTAVES];

/// A transform of one length, and the weights before and after it.
pub(crate) struct Plan {
    pub(crate) fft: Arc<dyn Fft<f64>>,
    /// exp(iπj / 2M) for a transform of length M.
    pub(crate) weights: Vec<Complex<f64>>,
}

impl Plan {
    /// The shortest plan at least that long, or none: see [`lengths`].
    pub(crate) fn at_least(length: usize) -> Option<&'static Self> {
        let index = lengths().position(|candidate| candidate >= length)?;
        let chosen = lengths().nth(index)?;
        Some(PLANS.get(index)?.get_or_init(|| Self::new(chosen)))
    }

    fn new(length: usize) -> Self {
        let step = FRAC_PI_2 / length as f64;
        let weight = |index: usize| {
            let (sine, cosine) = (step * index as f64).sin_cos();
            Complex::new(cosine, sine)
        };
        Self {
            fft: FftPlanner::new().plan_fft_forward(length),
            weights: (0..length).map(weight).collect(),
        }
    }

    pub(crate) fn length(&self) -> usize {
        self.weights.len()
    }
}

/// All lengths, rising: 64, 80, 100, 108, 128 and so on.
pub(crate) fn lengths() -> impl Iterator<Item = usize> {
    let octaves = SMALLEST_POWER..SMALLEST_POWER + OCTAVES;
    let lengths = octaves.flat_map(|power| FACTORS.map(|factor| factor << power));
    lengths.take_while(|length| *length <= MAX_LENGTH)
}

/// The longest transform whose error is proven to be small enough: see [`crate::transform`].
pub(crate) const MAX_LENGTH: usize = 1 << 17;
