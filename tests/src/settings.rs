//! Comparison of `.env.example` with the settings of all services, with defaults and descriptions.
//!
//! `ABACUS_UPDATE=1 cargo xtask test -- -p abacus-tests settings` writes the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use abacus_ingress::IngressConfig;
use abacus_processor::ProcessorConfig;
use abacus_projector::ProjectorConfig;
use abacus_runtime::{SettingDoc, settings};

const EXPLANATION: &str = "\
# Every setting of the services, with its default. Services read the environment, not this file;
# copy what you change. For a secret, `NAME_FILE` instead of `NAME` names a file that holds it.
";

fn services() -> [(&'static str, Vec<SettingDoc>); 3] {
    [
        ("abacus-ingress", settings::<IngressConfig>()),
        ("abacus-processor", settings::<ProcessorConfig>()),
        ("abacus-projector", settings::<ProjectorConfig>()),
    ]
}

/// Renders the file: settings of all services first, then the settings of each service.
fn example() -> String {
    let services = services();
    let mut uses: BTreeMap<(&str, Option<&str>, &str), usize> = BTreeMap::new();
    for setting in services.iter().flat_map(|(_, settings)| settings) {
        *uses.entry((setting.name, setting.default, setting.meaning)).or_default() += 1;
    }
    let is_shared = |setting: &SettingDoc| {
        uses[&(setting.name, setting.default, setting.meaning)] == services.len()
    };
    let mut text = EXPLANATION.to_owned();
    let (_, first) = &services[0];
    section(&mut text, "All services", first.iter().filter(|setting| is_shared(setting)));
    for (service, settings) in &services {
        section(&mut text, service, settings.iter().filter(|setting| !is_shared(setting)));
    }
    text
}

fn section<'a>(text: &mut String, title: &str, settings: impl Iterator<Item = &'a SettingDoc>) {
    writeln!(text, "\n# {title}\n").unwrap();
    for setting in settings {
        let secret = if setting.secret { " (secret)" } else { "" };
        writeln!(text, "# {}{secret}", setting.meaning).unwrap();
        match setting.default {
            Some(default) => writeln!(text, "{}={default}", setting.name).unwrap(),
            None => writeln!(text, "# {}=", setting.name).unwrap(),
        }
    }
}

#[test]
fn the_example_environment_holds_every_setting() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.env.example");
    if std::env::var_os("ABACUS_UPDATE").is_some() {
        std::fs::write(&path, example()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == example(),
        ".env.example is not what the services read; `ABACUS_UPDATE=1` with this test writes it"
    );
}
