use num_bigint::BigUint;
use proptest::prelude::*;

use super::*;

fn natural(text: &str) -> Natural {
    Natural::from_digits(text)
}

fn binary(text: &str) -> BigUint {
    text.parse().unwrap()
}

proptest! {
    #[test]
    fn arithmetic_is_that_of_binary_integers(x in "[0-9]{1,200}", y in "[0-9]{1,200}", w: u64) {
        let (big_x, big_y) = (binary(&x), binary(&y));
        let (x, y) = (natural(&x), natural(&y));
        prop_assert_eq!(x.clone().plus(&y).to_decimal(0), (&big_x + &big_y).to_string());
        prop_assert_eq!(x.times(&y).to_decimal(0), (&big_x * &big_y).to_string());
        prop_assert_eq!(x.squared().to_decimal(0), (&big_x * &big_x).to_string());
        prop_assert_eq!(x.clone().times_word(w).to_decimal(0), (&big_x * w).to_string());
        let difference = if big_x > big_y { &big_x - &big_y } else { BigUint::ZERO };
        prop_assert_eq!(x.clone().minus(&y).to_decimal(0), difference.to_string());
        prop_assert_eq!(x.cmp(&y), big_x.cmp(&big_y));
    }

    #[test]
    fn bits_are_those_of_the_binary_integer(digits in "[1-9][0-9]{0,150}", zeros in 0_usize..40) {
        let number = binary(&format!("{digits}{}", "0".repeat(zeros)));
        prop_assert_eq!(natural(&digits).bits(zeros), number.bits());
    }

    #[test]
    fn powers_are_those_of_the_binary_integer(base in "[1-9][0-9]{0,40}", exponent in 0_u32..200) {
        let expected = binary(&base).pow(exponent).to_string();
        prop_assert_eq!(natural(&base).power(exponent.into()).to_decimal(0), expected);
    }

    #[test]
    fn conversions_are_inverse(words in proptest::collection::vec(any::<u32>(), 0..600)) {
        let number = BigUint::new(words);
        let decimal = Natural::from(&number);
        prop_assert_eq!(decimal.to_decimal(0), number.to_string());
        prop_assert_eq!(BigUint::from(&decimal), number);
    }
}

#[test]
fn bits_are_exact_next_to_powers_of_two() {
    for exponent in (1..400).chain([1_000, 3_321, 10_007, 33_219, 100_003]) {
        let power = Natural::from(2).power(exponent);
        assert_eq!(power.bits(0), exponent + 1, "2^{exponent}");
        assert_eq!(power.clone().plus(&Natural::from(1)).bits(0), exponent + 1);
        assert_eq!(power.minus(&Natural::from(1)).bits(0), exponent);
    }
    for zeros in 0..60 {
        let number = BigUint::from(10_u8).pow(zeros) * 8_u8;
        assert_eq!(natural("8").bits(zeros as usize), number.bits());
    }
    assert_eq!((natural("0").bits(0), natural("0").bits(7), natural("1").bits(0)), (0, 0, 1));
}

#[test]
fn conversions_are_inverse_around_every_cut() {
    for words in [1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300, 1_025] {
        for number in
            [BigUint::from(2_u8).pow(64 * words), BigUint::from(2_u8).pow(64 * words) - 1_u8]
        {
            let decimal = Natural::from(&number);
            assert_eq!(decimal.to_decimal(0), number.to_string(), "{words} words");
            assert_eq!(BigUint::from(&decimal), number, "{words} words");
        }
    }
}

#[test]
fn zero_behaves() {
    let (zero, seven) = (Natural::default(), Natural::from(7));
    assert!(zero.is_zero() && natural("000").is_zero() && seven.times(&zero).is_zero());
    assert_eq!(zero.squared().to_decimal(0), "0");
    assert_eq!(zero.clone().plus(&seven), seven);
    assert!(seven.clone().minus(&seven).is_zero());
    assert!(seven.clone().times_word(0).is_zero());
    assert_eq!((zero.power(0), zero.power(5)), (Natural::from(1), zero.clone()));
    assert_eq!(Natural::from(u64::MAX).to_decimal(0), u64::MAX.to_string());
    assert_eq!((zero.digits(), Natural::from(u64::MAX).digits()), (1, 20));
}

#[test]
fn a_power_can_be_ended_between_its_products() {
    let asked = std::cell::Cell::new(0);
    let check = || {
        asked.set(asked.get() + 1);
        if asked.get() > 3 { Err("enough") } else { Ok(()) }
    };
    assert_eq!(Natural::from(3).try_power(1 << 30, check), Err("enough"));
}
