//! The service held to its own `OpenAPI` document: schemathesis makes requests from it, good and bad,
//! and checks every answer against what the document says of it.

use std::path::Path;
use std::process::Command;

use abacus_testkit::{Client, Stack, System};
use serde_json::{Value, json};

use crate::identity;
use crate::roles::Callers;

/// How many requests are made up for each operation, besides those of the fixed phases.
const EXAMPLES: &str = "10";

/// The methods that a path can have.
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

#[test]
fn nobody_gets_an_answer_that_the_document_does_not_describe() {
    let system = System::new();
    let [mut ingress, _processor, _projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    examine(&system.stack, &format!("http://{}", ingress.address("http")), None);
}

#[test]
fn users_and_administrators_get_none_either() {
    let system = identity::system();
    let [mut ingress, _processor, _projector] =
        system.start_all([system.ingress(), system.processor(), system.projector()]);
    let callers = Callers::sign_up(&ingress.http());
    let base = format!("http://{}", ingress.address("http"));
    for client in [&callers.user, &callers.admin] {
        // A session would end at the first request that signs out.
        let made = client.post_json("/v1/api-keys", &json!({"label": "examination"})).json();
        examine(&system.stack, &base, Some(made["key"].as_str().expect("a key")));
    }
}

/// Every operation of the service's own document, such as `GET /v1/operations`.
pub(crate) fn operations(client: &Client) -> Vec<String> {
    let document = client.get("/openapi.json").json();
    let paths = document["paths"].as_object().expect("paths");
    let each = paths.iter().flat_map(|(path, item)| {
        let methods = METHODS.iter().filter(|method| item[**method] != Value::Null);
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    each.collect()
}

/// Runs schemathesis with all its checks on the service at `base`, as whoever has `token`.
#[track_caller]
pub(crate) fn examine(stack: &Stack, base: &str, token: Option<&str>) {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/schemathesis.toml");
    let mut command = Command::new(stack.python.with_file_name("st"));
    command.arg("--config-file").arg(config);
    command.args(["run", &format!("{base}/openapi.json"), "--checks", "all"]);
    command.args(["--max-examples", EXAMPLES, "--request-timeout", "60", "--continue-on-failure"]);
    // Not in the folder of the tests: it remembers what it found.
    command.args(["--generation-database", "none"]).current_dir(std::env::temp_dir());
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let output = command.output().expect("schemathesis is installed");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
    // The document itself is read first, and not examined.
    let count = operations(&Client::at(base)).len() - 1;
    assert!(
        report.contains(&format!("Tested: {count}\n")),
        "not all {count} operations:\n{report}"
    );
}
