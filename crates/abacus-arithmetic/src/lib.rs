//! Big integers in decimal, for results that leave as decimal text.
//!
//! A binary library spends most of its time on such a result in the conversion. A [`Natural`] is
//! made of decimal limbs, so that its text is there for the reading, and its products are as fast as
//! binary ones:
//!
//! | operands | product |
//! |---|---|
//! | short | the schoolbook's, column by column (`schoolbook`) |
//! | longer | by a Fourier transform in doubles (`transform`), checked modulo a prime (`check`) |
//! | of very different lengths | by pieces of the longer, each as above |
//! | too long for the transform's error bound | Karatsuba's, of such products |
//!
//! Pure: no I/O, no clock, no metrics. Nothing panics. A product that fails its check, which no input
//! is known to cause, is computed again by `num-bigint`, and counted: [`recomputed_products`].
//! Plans of transforms are kept for the process's lifetime, buffers for the thread's.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "limbs, remainders and rounded doubles are in ranges that the code around them states"
)]

mod binary;
mod bits;
mod check;
mod decimal;
mod limbs;
mod natural;
mod plan;
mod power;
mod product;
mod schoolbook;
mod text;
mod transform;

pub use natural::Natural;
pub use product::recomputed_products;
