use super::*;
use crate::plan::lengths;
use crate::schoolbook;

#[test]
fn the_error_bound_is_below_a_half_for_every_length() {
    for length in lengths() {
        assert!(error_bound(length) < 0.4, "{length}: {}", error_bound(length));
    }
    assert!(error_bound(2 * crate::plan::MAX_LENGTH) > 0.5);
}

#[test]
fn pieces_are_balanced_and_add_up() {
    for limb in [0, 1, 4_999, 5_000, 49_995_000, 99_999_999, HALVES, HALVES - 1, BASE - 1] {
        for carry in [0, 1] {
            let mut out = carry;
            let pieces = balanced(limb, &mut out);
            assert!(pieces.iter().all(|piece| (-5_000.0..5_000.0).contains(piece)));
            let sum = pieces.iter().rev().fold(0.0, |sum, piece| sum * 10_000.0 + piece);
            let carried = i128::from(out) * i128::from(BASE);
            assert_eq!(sum as i128 + carried, i128::from(limb + carry), "{limb}");
        }
    }
}

#[test]
fn divisions_round_down() {
    for number in
        [-100_000_000_000_000_000, -100_000_001, -1, 0, 1, 99_999_999, 100_000_000, 1 << 59]
    {
        let (quotient, remainder) = divide(number);
        assert_eq!(quotient, number.div_euclid(100_000_000));
        assert_eq!(remainder as i64, number.rem_euclid(100_000_000));
    }
}

#[test]
fn every_length_gives_the_schoolbooks_product_up_to_its_last_limb() {
    for length in lengths().take_while(|length| *length <= 1 << 11) {
        let plan = Plan::at_least(length).unwrap();
        assert_eq!(plan.length(), length);
        let most = (length - 1) / 2;
        let number: Vec<u64> = (0..most as u64).map(|i| BASE - 1 - i * i * 0x1_2345_6789).collect();
        for cut in [1, most / 5, most / 2] {
            let (one, other) = number.split_at(cut);
            let expected = schoolbook::multiply(one, other);
            assert_eq!(multiply(plan, one, other), Some(expected), "{length} {cut}");
        }
        let half = &number[..most / 2];
        assert_eq!(square(plan, half), Some(schoolbook::square(half)), "{length}");
    }
}

#[test]
fn coefficients_stay_close_to_integers_however_large_they_are() {
    let length = crate::plan::MAX_LENGTH;
    let plan = Plan::at_least(length).unwrap();
    let (mut spectrum, mut scratch) = (vec![], vec![]);
    forward(plan, &vec![HALVES; (length - 1) / 4], &mut spectrum, &mut scratch);
    for x in &mut spectrum {
        *x = (*x * *x).conj();
    }
    transform(plan, &mut spectrum, &mut scratch);
    let distance = round(&mut spectrum, &plan.weights);
    assert!(distance > 0.0 && distance < MAX_DISTANCE / 10.0, "{distance}");
}

#[test]
fn a_coefficient_between_two_integers_fails_the_product() {
    let plan = Plan::at_least(64).unwrap();
    let mut spectrum = vec![Complex::default(); plan.length()];
    spectrum[0].re = plan.length() as f64 * 0.3;
    assert_eq!(backward(plan, &mut spectrum, &mut vec![], 8), None);
}
