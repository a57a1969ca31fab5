//! Plans of transforms: data shared by all transforms of one length, made once per process.

use std::f64::consts::FRAC_PI_2;
use std::sync::{Arc, OnceLock};

use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};

/// Factors of the lengths, to be multiplied by a power of two. Of the products of small primes,
/// these take less time than every greater length, measured with AVX.
const FACTORS: [usize; 4] = [16, 20, 25, 27];
/// The power of two of the shortest lengths. It makes every length a multiple of four.
const SMALLEST_POWER: usize = 2;
const OCTAVES: usize = 13;

static PLANS: [OnceLock<Plan>; FACTORS.len() * OCTAVES] =
    [const { OnceLock::new() }; FACTORS.len() * OCTAVES];

/// A transform of one length, with the weights before and after it.
pub(crate) struct Plan {
    pub(crate) fft: Arc<dyn Fft<f64>>,
    /// exp(iπj / 2M) for a transform of length M.
    pub(crate) weights: Vec<Complex<f64>>,
}

impl Plan {
    /// Returns the plan with the least length of at least `length`, or `None` beyond the last of
    /// [`lengths`].
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

/// All lengths, in rising order: 64, 80, 100, 108, 128 and so on.
pub(crate) fn lengths() -> impl Iterator<Item = usize> {
    let octaves = SMALLEST_POWER..SMALLEST_POWER + OCTAVES;
    let lengths = octaves.flat_map(|power| FACTORS.map(|factor| factor << power));
    lengths.take_while(|length| *length <= MAX_LENGTH)
}

/// The longest transform with a proven bound on its error: see [`crate::transform`].
pub(crate) const MAX_LENGTH: usize = 1 << 17;
