//! Tests of the pages about the service.

use super::harness::Harness;
use crate::problems::types;

#[tokio::test]
async fn every_problem_that_an_error_can_be_has_a_page() {
    let harness = Harness::new();
    let list = String::from_utf8(harness.get("/problems").await.body).unwrap();
    for problem in types::all() {
        // The path of the page is the `type` of the problem documents.
        let path = format!("/problems/{}", problem.silent().code);
        let answer = harness.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.headers["content-type"], "text/html; charset=utf-8");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(String::from_utf8(answer.body).unwrap().contains("What to do"), "{path}");
        assert!(list.contains(&format!("href=\"{path}\"")), "{path}");
    }
    assert_eq!(Harness::problem(&harness.get("/problems/gamma").await).1, "no-such-problem");
}

#[tokio::test]
async fn the_index_leads_to_what_is_there() {
    let harness = Harness::new();
    let request = axum::extract::Request::get("/").header("accept", "application/json");
    let answer = harness.send(request.body(axum::body::Body::empty()).unwrap()).await;
    let links = answer.json()["links"].as_array().unwrap().clone();
    assert!(links.len() >= 4);
    for link in links {
        let path = link["href"].as_str().unwrap();
        assert_eq!(harness.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn the_browser_of_the_api_has_all_its_files_here() {
    let harness = Harness::new();
    assert_eq!(harness.get("/docs").await.headers["location"], "/docs/");
    let page = harness.get("/docs/").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self';") && !policy.contains("http"), "{policy}");
    let html = String::from_utf8(page.body).unwrap();
    assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
    let files = html.split(['"', '\'']).filter(|part| {
        part.rsplit_once('.').is_some_and(|(_, kind)| ["js", "css"].contains(&kind))
    });
    let mut count = 0;
    for file in files {
        let answer = harness.get(&format!("/docs/{}", file.trim_start_matches("./"))).await;
        assert_eq!(answer.status, 200, "{file}");
        count += 1;
    }
    assert!(count >= 4);
    let settings = harness.get("/docs/swagger-initializer.js").await.body;
    let settings = String::from_utf8(settings).unwrap();
    assert!(settings.contains(r#""url": "/openapi.json""#), "{settings}");
    assert!(settings.contains(r#""persistAuthorization": false"#), "{settings}");
    assert_eq!(Harness::problem(&harness.get("/docs/nothing.js").await).1, "no-such-path");
}
