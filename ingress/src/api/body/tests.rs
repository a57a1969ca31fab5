use axum::http::header;

use super::*;

fn operands(json: &str) -> Result<Vec<(String, String)>, Error> {
    let body = format!(r#"{{"operation": "pow", "operands": {json}}}"#);
    read(body.as_bytes()).map(|asked| asked.operands.into_iter().collect())
}

fn error(body: &str) -> (u16, &'static str, String) {
    let error = read(body.as_bytes()).unwrap_err();
    let class = error.class();
    (class.status.as_u16(), class.code, error.to_string())
}

#[test]
fn integers_keep_all_their_digits_in_strings_and_in_numbers() {
    let digits = "9".repeat(5_000);
    let read = operands(&format!(r#"{{"base": -{digits}, "exponent": "{digits}"}}"#)).unwrap();
    assert_eq!(read[0], ("base".to_owned(), format!("-{digits}")));
    assert_eq!(read[1], ("exponent".to_owned(), digits));
}

#[test]
fn floats_and_exponents_reach_the_operations_as_written() {
    let read = operands(r#"{"a": 1e9, "b": 1.50, "c": "\u0031"}"#).unwrap();
    let texts: Vec<&str> = read.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["1e9", "1.50", "1"]);
}

#[test]
fn other_json_values_are_named() {
    for (json, found) in
        [("null", "null"), ("true", "a boolean"), ("[1]", "an array"), ("{}", "an object")]
    {
        let Err(Error::OperandType { operand, found: named }) =
            operands(&format!(r#"{{"n": {json}}}"#))
        else {
            panic!("{json} was taken");
        };
        assert_eq!((operand.as_str(), named), ("n", found));
    }
}

#[test]
fn a_repeated_operand_is_refused_not_overwritten() {
    let result = operands(r#"{"n": 1, "n": 2}"#);
    assert!(matches!(result, Err(Error::RepeatedOperand { operand }) if operand == "n"));
}

#[test]
fn broken_json_is_told_apart_from_json_of_another_shape() {
    for body in ["", "{", "{operation: pow}", r#"{"operation": "pow", "operands": {"n": 01}}"#] {
        let (status, code, _) = error(body);
        assert_eq!((status, code), (400, "malformed-json"), "{body}");
    }
    for (body, hint) in [
        ("[]", "expected"),
        ("null", "expected"),
        (r#"{"operation": "pow"}"#, "missing field `operands`"),
        (r#"{"operation": 7, "operands": {}}"#, "expected a string"),
        (r#"{"operation": "pow", "operands": [1]}"#, "an object of operands by name"),
        (r#"{"operation": "pow", "operands": {}, "x": 1}"#, "unknown field `x`"),
    ] {
        let (status, code, text) = error(body);
        assert_eq!((status, code), (422, "invalid-body"), "{body}");
        assert!(text.contains(hint), "{body}: {text}");
    }
}

#[test]
fn only_json_media_types_are_read() {
    let check = |value: &str| {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, value.parse().unwrap())]);
        check_content_type(&headers).is_ok()
    };
    assert!(check("application/json"));
    assert!(check("Application/JSON; charset=utf-8"));
    assert!(check("application/vnd.abacus+json"));
    assert!(!check("text/json"));
    assert!(!check("application/x-www-form-urlencoded"));
    assert!(check_content_type(&HeaderMap::new()).is_err());
}
