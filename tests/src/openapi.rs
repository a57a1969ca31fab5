//! The service compared with the service's `OpenAPI` document. schemathesis generates valid and
//! invalid requests from the document and checks every answer.

use std::path::Path;
use std::process::Command;

use abacus_testkit::{Client, Stack, System};
use serde_json::{Value, json};

use crate::identity;
use crate::roles::Callers;

/// Number of generated requests for each operation, besides the fixed phases.
const EXAMPLES: &str = "10";

/// HTTP methods of a path.
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
        // A session would end at the first sign-out.
        let made = client.post_json("/v1/api-keys", &json!({"label": "examination"})).json();
        examine(&system.stack, &base, Some(made["key"].as_str().expect("a key")));
    }
}

/// Lists all operations of the document, such as `GET /v1/operations`.
pub(crate) fn operations(client: &Client) -> Vec<String> {
    let document = client.get("/openapi.json").json();
    let paths = document["paths"].as_object().expect("paths");
    let each = paths.iter().flat_map(|(path, item)| {
        let methods = METHODS.iter().filter(|method| item[**method] != Value::Null);
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    each.collect()
}

/// Runs all checks of schemathesis on the service at `base`, as the owner of `token`.
#[track_caller]
pub(crate) fn examine(stack: &Stack, base: &str, token: Option<&str>) {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/schemathesis.toml");
    let mut command = Command::new(stack.python.with_file_name("st"));
    command.arg("--config-file").arg(config);
    command.args(["run", &format!("{base}/openapi.json"), "--checks", "all"]);
    command.args(["--max-examples", EXAMPLES, "--request-timeout", "60", "--continue-on-failure"]);
    // schemathesis stores findings in the current folder.
    command.args(["--generation-database", "none"]).current_dir(std::env::temp_dir());
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let output = command.output().expect("schemathesis is installed");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
    // schemathesis fetches the document first and does not examine this operation.
    let count = operations(&Client::at(base)).len() - 1;
    assert!(
        report.contains(&format!("Tested: {count}\n")),
        "not all {count} operations:\n{report}"
    );
}
