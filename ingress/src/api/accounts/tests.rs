use super::*;

/// Checks the descriptions of the routes. Tests of the whole service check the answers.
#[test]
fn every_route_is_described_with_its_problems() {
    let document = serde_json::to_value(routes().into_openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(operation["security"].is_array(), "{path}");
            assert!(operation["summary"].is_string(), "{path}");
            let unavailable = &operation["responses"]["503"]["content"];
            let problem = &unavailable["application/problem+json"]["schema"]["$ref"];
            assert_eq!(problem, "#/components/schemas/Problem", "{path}");
            operations.push(format!("{method} {path}"));
        }
    }
    operations.sort();
    let expected = [
        "delete /v1/admin/users/{username}/sessions",
        "delete /v1/api-keys/{id}",
        "get /v1/admin/audit",
        "get /v1/admin/users",
        "get /v1/api-keys",
        "get /v1/me",
        "patch /v1/admin/users/{username}",
        "post /v1/api-keys",
        "post /v1/login",
        "post /v1/logout",
        "post /v1/register",
        "put /v1/me/password",
    ];
    assert_eq!(operations, expected);
}
