use super::*;

/// The example of an added operation. It is not in the registry.
#[path = "../../../../examples/add-operation/lucas.rs"]
mod lucas;

fn request(operation: &str, operands: &[(&str, &str)]) -> Result<Prepared, Refusal> {
    prepare(operation, &texts(operands), &Limits::default())
}

fn texts(operands: &[(&str, &str)]) -> BTreeMap<String, String> {
    operands.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn refusal(operation: &str, operands: &[(&str, &str)]) -> (&'static str, String) {
    let refusal = request(operation, operands).unwrap_err();
    (refusal.code(), refusal.to_string())
}

#[test]
fn known_results_come_out() {
    let thousand = request("factorial", &[("n", "1000")]).unwrap().answer(&|| false).unwrap();
    assert_eq!((thousand.digits, thousand.bits), (2_568, 8_530));
    assert!(thousand.decimal.starts_with("402387260077093773543702"));
    assert!(thousand.decimal.ends_with(&"0".repeat(249)));
    let fibonacci = request("fibonacci", &[("n", "100000")]).unwrap().answer(&|| false).unwrap();
    assert_eq!((fibonacci.digits, &fibonacci.decimal[..10]), (20_899, "2597406934"));
    let zero = request("fibonacci", &[("n", "0")]).unwrap().answer(&|| false).unwrap();
    assert_eq!((zero.decimal.as_str(), zero.digits, zero.bits), ("0", 1, 0));
}

#[test]
fn an_interrupted_computation_has_no_answer() {
    let prepared = request("fibonacci", &[("n", "1000")]).unwrap();
    assert_eq!(prepared.answer(&|| true), Err(Interrupted));
}

#[test]
fn prepared_computations_may_move_between_threads() {
    fn is_shareable<T: Send + Sync>() {}
    is_shareable::<Prepared>();
}

#[test]
fn the_canonical_form_has_no_spelling() {
    let canonical = |base, exponent| {
        let operands = [("base", base), ("exponent", exponent)];
        request("pow", &operands).unwrap().canonical().to_owned()
    };
    assert_eq!(canonical("-0005", "03"), "pow(-5,3)");
    assert_eq!(canonical("-0", "-00"), "pow(0,0)");
}

#[test]
fn an_unknown_operation_is_told_the_known_ones() {
    let (code, text) = refusal("gamma", &[("n", "5")]);
    assert_eq!(code, "unknown-operation");
    let known = "there is no operation `gamma`; choose one of `pow`, `fibonacci`";
    assert!(text.starts_with(known), "{text}");
    assert!(text.contains("`factorial`"), "{text}");
}

#[test]
fn missing_and_unexpected_operands_are_named() {
    let (code, text) = refusal("pow", &[("base", "2")]);
    assert_eq!(code, "missing-operand");
    assert_eq!(text, "pow needs the operand `exponent`: the power to raise it to");
    let (code, text) = refusal("pow", &[("base", "2"), ("exp", "5")]);
    assert_eq!(code, "unexpected-operand");
    assert_eq!(text, "pow has no operand `exp`; it takes `base` and `exponent`");
}

#[test]
fn negative_indices_are_out_of_range() {
    let (code, text) = refusal("fibonacci", &[("n", "-1")]);
    assert_eq!(code, "operand-out-of-range");
    assert_eq!(text, "the operand `n` must be 0 or more, not `-1`");
}

#[test]
fn over_long_operands_are_refused_before_they_are_looked_at() {
    let (code, text) = refusal("factorial", &[("n", &"x".repeat(1_000_001))]);
    assert_eq!(code, "operand-out-of-range");
    assert_eq!(
        text,
        "the operand `n` may have at most 1,000,000 digits; it has 1,000,001 characters"
    );
    let longest = format!("-{}", "9".repeat(1_000_000));
    assert!(request("pow", &[("base", &longest), ("exponent", "1")]).is_ok());
}

#[test]
fn astronomic_operands_are_too_large_not_malformed() {
    let huge = format!("1{}", "0".repeat(30));
    let longest = "9".repeat(1_000_000);
    for (operation, operands, digits) in [
        ("fibonacci", vec![("n", huge.as_str())], "about 2.09e29"),
        ("factorial", vec![("n", huge.as_str())], "about 2.96e31"),
        ("pow", vec![("base", "2"), ("exponent", &huge)], "about 3.01e29"),
        ("pow", vec![("base", "10"), ("exponent", "1000000")], "1,000,001"),
        ("pow", vec![("base", &longest), ("exponent", &longest)], "more than 1e308"),
        ("fibonacci", vec![("n", &longest)], "more than 1e308"),
        ("factorial", vec![("n", &longest)], "more than 1e308"),
    ] {
        let (code, text) = refusal(operation, &operands);
        assert_eq!(code, "result-too-large");
        assert_eq!(
            text,
            format!(
                "{operation} of these operands would have {digits} digits, and at most \
                 1,000,000 are allowed; use smaller operands"
            )
        );
    }
}

#[test]
fn every_example_has_the_size_that_was_estimated() {
    for operation in all().iter().filter(|operation| operation.name() != "panic") {
        let example = operation.example();
        let prepared = prepare(operation.name(), &example, &Limits::default()).unwrap();
        let answer = prepared.answer(&|| false).unwrap();
        assert_eq!(answer.digits, prepared.estimated_digits());
        assert!((prepared.estimated_bits() - answer.bits as f64).abs() <= 1.0);
    }
}

#[test]
fn the_example_of_an_added_operation_works_from_its_file_alone() {
    let index = |n: &str| BTreeMap::from([("n".to_owned(), n.to_owned())]);
    let request = |n| prepare_operation(&lucas::Lucas, &index(n), &Limits::default());
    let answer = |n| request(n).unwrap().answer(&|| false).unwrap();
    assert_eq!(answer("0").decimal, "2");
    assert_eq!(answer("100").decimal, "792070839848372253127");
    let prepared = request("0100000").unwrap();
    assert_eq!(prepared.canonical(), "lucas(100000)");
    assert_eq!(prepared.answer(&|| false).unwrap().digits, prepared.estimated_digits());
    assert_eq!(prepared.answer(&|| true), Err(Interrupted));
    assert_eq!(request("-1").unwrap_err().code(), "operand-out-of-range");
    assert_eq!(request("99999999").unwrap_err().code(), "result-too-large");
    assert!(find("lucas").is_none());
}
