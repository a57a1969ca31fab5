#![doc = include_str!("../README.md")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "limbs, remainders and rounded doubles are in ranges stated beside the code"
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
