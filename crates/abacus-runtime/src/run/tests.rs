use super::*;
use crate::config::{AdminConfig, Config, LogConfig};

struct Example {
    admin: AdminConfig,
    log: LogConfig,
}

impl Config for Example {
    fn read(env: &mut Environment) -> Self {
        let _ = env.secret("ABACUS_EXAMPLE_PASSWORD", "", "A password");
        let _: Option<u16> = env.optional("ABACUS_EXAMPLE_LIMIT", "A limit");
        Self { admin: AdminConfig::read(env, "127.0.0.1:9080"), log: LogConfig::read(env) }
    }
}

impl ServiceConfig for Example {
    fn admin(&self) -> &AdminConfig {
        &self.admin
    }
    fn log(&self) -> &LogConfig {
        &self.log
    }
}

fn request(arguments: &[&str]) -> Request {
    Request::from_arguments(arguments.iter().map(ToString::to_string))
}

#[test]
fn arguments_ask_for_help_version_or_nothing() {
    assert_eq!(request(&[]), Request::Serve);
    assert_eq!(request(&["--help"]), Request::Help);
    assert_eq!(request(&["-V"]), Request::Version);
    assert_eq!(request(&["serve"]), Request::Unknown("serve".to_owned()));
}

#[test]
fn help_shows_every_setting_with_default_and_meaning() {
    let text = help("abacus-example", "1.2.3", &settings::<Example>());
    let row = |name: &str| -> Vec<String> {
        let line = text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(Into::into).collect()
    };
    assert!(text.starts_with("abacus-example 1.2.3\n"));
    assert_eq!(
        row("ABACUS_EXAMPLE_PASSWORD"),
        ["ABACUS_EXAMPLE_PASSWORD", "(empty)", "A password"]
    );
    assert_eq!(row("ABACUS_EXAMPLE_LIMIT")[1], "(not set)");
    assert_eq!(row("ABACUS_ADMIN_LISTEN")[1], "127.0.0.1:9080");
    assert_eq!(row("ABACUS_SHUTDOWN_TIMEOUT")[1], "30s");
    for setting in settings::<Example>() {
        assert_eq!(row(setting.name).last().unwrap(), setting.meaning);
    }
}

#[test]
fn problems_of_the_service_and_of_the_runtime_are_reported_together() {
    let env = Environment::from_pairs([
        ("ABACUS_ADMIN_LISTEN", "here"),
        ("ABACUS_LOG_FORMAT", "xml"),
        ("ABACUS_SHUTDOWN_TIMEOUT", "never"),
    ]);
    let problems = Settings::<Example>::read(env).err().unwrap();
    let names: Vec<_> = problems.iter().map(|problem| problem.name.as_str()).collect();
    assert_eq!(names, ["ABACUS_ADMIN_LISTEN", "ABACUS_LOG_FORMAT", "ABACUS_SHUTDOWN_TIMEOUT"]);
}

#[test]
fn a_process_says_which_service_and_version_it_is() {
    let registry = prometheus::Registry::new();
    let metrics = ProcessMetrics::register(&registry).unwrap();
    metrics.build_info.with_label_values(&["abacus-example", "1.2.3"]).set(1);
    assert_eq!(registry.gather().len(), 2);
}
