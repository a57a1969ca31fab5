use std::io::Write as _;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::*;

const NOTHING: [(&str, &str); 0] = [];

#[test]
fn a_value_that_is_not_set_is_the_default() {
    let mut env = Environment::from_pairs(NOTHING);
    assert_eq!(env.get::<u16>("ABACUS_PORT", "8080", "Port"), 8080);
    assert_eq!(env.optional::<u16>("ABACUS_OTHER", "Other port"), None);
    assert!(env.finish().is_ok());
}

#[test]
fn a_value_that_is_set_is_read() {
    let mut env = Environment::from_pairs([("ABACUS_WAIT", "2s"), ("ABACUS_OTHER", "1")]);
    assert_eq!(env.get::<Duration>("ABACUS_WAIT", "1s", "Wait"), Duration::from_secs(2));
    assert_eq!(env.optional::<u16>("ABACUS_OTHER", "Other port"), Some(1));
    assert_eq!(env.finish().unwrap().to_string(), "ABACUS_WAIT=2s ABACUS_OTHER=1");
}

#[test]
fn a_value_that_is_empty_counts_as_not_set() {
    let mut env = Environment::from_pairs([("ABACUS_PORT", "")]);
    assert_eq!(env.get::<u16>("ABACUS_PORT", "8080", "Port"), 8080);
    assert_eq!(env.finish().unwrap().settings()[0].source, Source::Default);
}

#[test]
fn all_problems_are_reported_at_once_with_name_expectation_and_value() {
    let mut env = Environment::from_pairs([("ABACUS_PORT", "many"), ("ABACUS_WAIT", "soon")]);
    assert_eq!(env.get::<u16>("ABACUS_PORT", "8080", "Port"), 8080);
    let _: Option<Duration> = env.optional("ABACUS_WAIT", "Wait");
    env.problem("ABACUS_MODE", "expected it to go with ABACUS_PORT");
    assert_eq!(
        env.finish().unwrap_err().to_string(),
        "the configuration has 3 problem(s):\
         \n  ABACUS_PORT: expected a whole number from 0 to 65535, got `many`\
         \n  ABACUS_WAIT: expected a duration such as `250ms` or `30s`, got `soon`\
         \n  ABACUS_MODE: expected it to go with ABACUS_PORT"
    );
}

#[test]
fn a_value_that_is_not_text_is_a_problem() {
    use std::os::unix::ffi::OsStringExt as _;
    let mut env = Environment::from_pairs([("ABACUS_PORT", OsString::from_vec(vec![0xff]))]);
    let _: u16 = env.get("ABACUS_PORT", "8080", "Port");
    assert!(env.finish().unwrap_err().to_string().contains("ABACUS_PORT: expected UTF-8"));
}

#[test]
#[should_panic(expected = "the default of ABACUS_PORT must parse")]
fn a_default_that_does_not_parse_is_a_mistake_in_the_code() {
    let _: u16 = Environment::from_pairs(NOTHING).get("ABACUS_PORT", "none", "Port");
}

#[test]
fn a_secret_never_shows() {
    let mut env = Environment::from_pairs([("ABACUS_PASSWORD", "hunter2")]);
    let secret = env.secret("ABACUS_PASSWORD", "", "Password");
    assert_eq!(secret.expose_secret(), "hunter2");
    assert!(!format!("{env:?} {secret:?}").contains("hunter2"));
    let effective = env.finish().unwrap();
    assert_eq!(effective.to_string(), "ABACUS_PASSWORD=[redacted]");
    assert!(!format!("{effective:?}").contains("hunter2"));
}

#[test]
fn a_secret_may_come_from_a_file_without_its_line_end() {
    let path = std::env::temp_dir().join(format!("abacus-secret-{}", std::process::id()));
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(b" hunter2 \n").unwrap();
    let mut env = Environment::from_pairs([("ABACUS_PASSWORD_FILE", path.as_os_str())]);
    let secret = env.secret("ABACUS_PASSWORD", "", "Password");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(secret.expose_secret(), " hunter2 ");
    assert_eq!(env.finish().unwrap().settings()[0].source, Source::File);
}

#[test]
fn a_secret_in_two_places_or_in_a_missing_file_is_a_problem() {
    let mut env = Environment::from_pairs([
        ("ABACUS_PASSWORD", "hunter2"),
        ("ABACUS_PASSWORD_FILE", "/a"),
        ("ABACUS_KEY_FILE", "/does/not/exist"),
    ]);
    let _ = env.secret("ABACUS_PASSWORD", "", "Password");
    let _ = env.secret("ABACUS_KEY", "", "Key");
    let problems = env.finish().unwrap_err();
    let names: Vec<_> = problems.iter().map(|problem| problem.name.as_str()).collect();
    assert_eq!(names, ["ABACUS_PASSWORD", "ABACUS_KEY_FILE"]);
    assert!(!problems.to_string().contains("hunter2"));
}

#[test]
fn a_setting_that_two_sections_read_is_documented_once() {
    let mut env = Environment::from_pairs(NOTHING);
    let _: (u16, u16) = (env.get("ABACUS_PORT", "1", "Port"), env.get("ABACUS_PORT", "1", "Port"));
    let doc =
        SettingDoc { name: "ABACUS_PORT", default: Some("1"), meaning: "Port", secret: false };
    assert_eq!(env.settings(), [doc]);
    assert_eq!(env.finish().unwrap().settings().len(), 1);
}
