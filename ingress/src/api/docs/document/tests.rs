use std::collections::BTreeSet;
use std::path::Path;

use axum::http::StatusCode;
use serde_json::Value;

use super::*;
use crate::api::docs::api::finish;
use crate::api::router::described;

fn document() -> Value {
    serde_json::from_str(&text()).unwrap()
}

fn text() -> String {
    write(&finish(described().into_openapi()))
}

/// Returns method and path of every operation, with the description.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let each = paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap();
        operations.iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    each.collect()
}

/// `ABACUS_UPDATE=1 cargo test -p abacus-ingress document` writes the copy.
#[test]
fn the_committed_copy_is_what_is_served() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let expected = text() + "\n";
    if std::env::var_os("ABACUS_UPDATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == expected,
        "ingress/openapi.json is not what the code serves; `ABACUS_UPDATE=1` with this test writes it"
    );
}

#[test]
fn every_operation_can_be_told_apart_and_says_what_it_does() {
    let document = document();
    let mut ids = BTreeSet::new();
    let tags: Vec<&Value> =
        document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{name}: {id} is taken");
        assert!(operation["summary"].is_string(), "{name}");
        assert!(tags.contains(&&operation["tags"][0]), "{name}: {}", operation["tags"]);
        assert!(operation["responses"]["500"].is_object(), "{name}");
    }
}

#[test]
fn every_operation_of_the_registry_is_there_under_both_prefixes_with_its_example() {
    let document = document();
    for operation in abacus_operations::documented() {
        for prefix in ["/v1", ""] {
            let query = format!("{prefix}/{}", operation.name());
            let path = format!("{query}{}", crate::api::catalog::operand_path(operation));
            for path in [path, query] {
                let parameters = &document["paths"][&path]["get"]["parameters"];
                // Operands are required; parameters of the form are optional.
                let required =
                    parameters.as_array().unwrap().iter().filter(|p| p["required"] == true);
                let examples = required.map(|p| {
                    (p["name"].as_str().unwrap().to_owned(), p["example"].as_str().unwrap().into())
                });
                assert_eq!(
                    examples.collect::<std::collections::BTreeMap<_, String>>(),
                    operation.example()
                );
            }
        }
    }
    assert!(!text().contains("for tests only"));
}

#[test]
fn every_failure_is_described_as_a_problem() {
    let document = document();
    for (name, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(!response["description"].as_str().unwrap().is_empty(), "{name} {status}");
            if status.as_str() >= "400" && !["414", "431"].contains(&status.as_str()) {
                let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Problem", "{name} {status}");
            }
        }
    }
}

#[test]
fn who_needs_credentials_can_be_told_so() {
    let document = document();
    for (name, operation) in operations(&document) {
        if operation["security"].is_array() {
            assert!(operation["responses"]["401"].is_object(), "{name}");
        }
    }
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
}

#[test]
fn who_sends_a_body_may_be_too_slow_and_who_shows_credentials_may_meet_a_server_that_cannot_tell() {
    let document = document();
    for (name, operation) in operations(&document) {
        let is_described = |status: &str| operation["responses"][status].is_object();
        assert_eq!(operation["requestBody"].is_object(), is_described("408"), "{name}");
        let schemes = operation["security"].as_array().into_iter().flatten();
        let asks_who = schemes.into_iter().any(|scheme| scheme["bearer"].is_array());
        assert!(!asks_who || is_described("503"), "{name}");
    }
}

#[test]
fn every_status_of_a_problem_is_described_somewhere() {
    let document = document();
    let all = operations(&document);
    for problem in crate::problems::types::all() {
        // Every described operation exists, so no description has this status.
        if problem.status() == StatusCode::METHOD_NOT_ALLOWED {
            continue;
        }
        let status = problem.status().as_str().to_owned();
        let mut responses = all.iter().map(|(_, operation)| &operation["responses"]);
        assert!(responses.any(|responses| responses[&status].is_object()), "{status}");
    }
}

#[test]
fn accounts_and_history_are_there_without_the_version_too() {
    let document = document();
    for (alias, method, path) in [
        ("/register", "post", "/v1/register"),
        ("/login", "post", "/v1/login"),
        ("/logout", "post", "/v1/logout"),
        ("/secure-history", "get", "/v1/admin/history"),
    ] {
        let alias = &document["paths"][alias][method];
        let described = &document["paths"][path][method];
        assert_eq!(alias["tags"][0], "aliases", "{path}");
        assert!(described["responses"].is_object(), "{path}");
        assert_eq!(alias["responses"], described["responses"], "{path}");
    }
}

#[test]
fn no_reference_leads_nowhere() {
    let document = document();
    let text = document.to_string();
    let references = text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
    for reference in references {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
}
