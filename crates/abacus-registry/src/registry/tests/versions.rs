//! Tests with the versions of a subject that a registry accepts.

use std::collections::HashMap;

use abacus_schemas::DecodeError;
use serde_json::{Value, json};

use super::*;

/// Answers by path; all other paths are missing.
type Pages = Arc<std::sync::Mutex<HashMap<String, String>>>;

const SUBJECT: &str = "/subjects/t-value";

/// A registry that serves `pages`.
async fn serve(pages: &Pages) -> RegistryConfig {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let pages = Arc::clone(pages);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = vec![0; 16 << 10];
            let read = connection.read(&mut request).await.unwrap();
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            let path = request.split(' ').nth(1).unwrap().split('?').next().unwrap();
            let page = pages.lock().unwrap().get(path).cloned();
            let (status, body) = match page {
                Some(body) => ("200 OK", body),
                None => ("404 Not Found", r#"{"error_code":40403,"message":"none"}"#.to_owned()),
            };
            let head = "content-type: application/json\r\nconnection: close";
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}");
            // The client stops reading an answer above its limit.
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    RegistryConfig::at(url)
}

/// A registry whose subject has `versions`, the first with the id 1. `own` is the id of our schema.
fn pages(versions: &[Value], own: u32) -> Pages {
    let numbers: Vec<usize> = (1..=versions.len()).collect();
    let mut pages = HashMap::from([(format!("{SUBJECT}/versions"), json!(numbers).to_string())]);
    for (number, version) in numbers.into_iter().zip(versions) {
        let mut version = version.clone();
        version["id"] = json!(number);
        version["version"] = json!(number);
        version["subject"] = json!("t-value");
        pages.insert(format!("{SUBJECT}/versions/{number}"), version.to_string());
        pages.insert(format!("/schemas/ids/{number}"), version.to_string());
    }
    let own = json!({ "subject": "t-value", "id": own, "version": 1, "schema": "\"string\"" });
    pages.insert(SUBJECT.to_owned(), own.to_string());
    Arc::new(std::sync::Mutex::new(pages))
}

fn ours() -> Value {
    serde_json::from_str(ComputeRequested::SCHEMA_JSON).unwrap()
}

fn version(schema: &Value) -> Value {
    json!({ "schema": schema.to_string() })
}

/// Our schema with a field of a type that only another subject defines.
fn referring() -> Value {
    let mut schema = ours();
    let field = json!({ "name": "label", "type": "com.example.Label", "default": {} });
    schema["fields"].as_array_mut().unwrap().push(field);
    let reference = json!({ "name": "com.example.Label", "subject": "a/label", "version": 3 });
    json!({ "schema": schema.to_string(), "references": [reference] })
}

fn label() -> String {
    let fields = json!([{ "name": "text", "type": "string" }]);
    let label = json!({ "type": "record", "name": "com.example.Label", "fields": fields });
    json!({ "subject": "a/label", "version": 3, "id": 9, "schema": label.to_string() }).to_string()
}

#[tokio::test]
async fn a_version_that_cannot_be_read_stops_no_other() {
    let mut moved = ours();
    moved["namespace"] = json!("com.example");
    let another = json!({ "type": "record", "name": "Another", "fields": [] });
    let protobuf = json!({ "schema": "syntax = \"proto3\";", "schemaType": "PROTOBUF" });
    let versions = [version(&ours()), version(&moved), version(&another), referring(), protobuf];
    let pages = pages(&versions, 1);
    let client = SchemaRegistry::new(&serve(&pages).await).unwrap();
    let decoder = client.decoder::<ComputeRequested>("t").await.unwrap();
    let learned = [1, 2, 3, 4, 5].map(|id| decoder.has_learned(SchemaId(id)));
    assert_eq!(learned, [true, true, false, false, false]);
    let error = client.resolve(&decoder, SchemaId(3)).await.unwrap_err();
    assert!(!error.is_transient() && error.to_string().contains("another record"), "{error}");
    let error = client.resolve(&decoder, SchemaId(4)).await.unwrap_err().to_string();
    assert!(error.contains("a/label is missing"), "{error}");
}

#[tokio::test]
async fn references_are_fetched() {
    let pages = pages(&[version(&ours()), referring()], 1);
    pages.lock().unwrap().insert("/subjects/a%2Flabel/versions/3".to_owned(), label());
    let client = SchemaRegistry::new(&serve(&pages).await).unwrap();
    let decoder = client.decoder::<ComputeRequested>("t").await.unwrap();
    assert!(decoder.has_learned(SchemaId(2)), "at the start");
    let decoder = Decoder::<ComputeRequested>::new().unwrap();
    client.resolve(&decoder, SchemaId(2)).await.unwrap();
    let unread = decoder.decode(&[0, 0, 0, 0, 2]);
    assert!(matches!(unread, Err(DecodeError::Malformed(_))), "{unread:?}");
}

#[tokio::test]
async fn only_the_newest_versions_are_learned_at_the_start_and_ours() {
    let versions: Vec<Value> = (0..20).map(|_| version(&ours())).collect();
    let pages = pages(&versions, 1);
    let mut config = serve(&pages).await;
    config.limits.schemas = 5;
    let client = SchemaRegistry::new(&config).unwrap();
    let decoder = client.decoder::<ComputeRequested>("t").await.unwrap();
    let learned: Vec<u32> = (1..=20).filter(|id| decoder.has_learned(SchemaId(*id))).collect();
    assert!(learned.contains(&1) && learned.contains(&20) && learned.len() <= 6, "{learned:?}");
}

#[tokio::test]
async fn an_answer_above_the_limit_is_not_read_to_the_end() {
    let large = json!({ "schema": "x".repeat(4 << 20) });
    let pages = pages(&[version(&ours()), large], 1);
    let client = SchemaRegistry::new(&serve(&pages).await).unwrap();
    let decoder = client.decoder::<ComputeRequested>("t").await.unwrap();
    let error = client.resolve(&decoder, SchemaId(2)).await.unwrap_err();
    assert!(!error.is_transient() && error.to_string().contains("exceeds"), "{error}");
}

#[tokio::test]
async fn a_registry_with_another_id_for_our_schema_is_not_believed() {
    let pages = pages(&[version(&ours())], 1);
    let client = SchemaRegistry::new(&serve(&pages).await).unwrap();
    let decoder = client.decoder::<ComputeRequested>("t").await.unwrap();
    let error = client.resolve_on("t", &decoder, SchemaId(44)).await.unwrap_err();
    assert!(matches!(error, Error::UnknownSchema(_)), "{error}");
    let replaced = json!({ "subject": "t-value", "id": 5, "version": 1, "schema": "\"string\"" });
    pages.lock().unwrap().insert(SUBJECT.to_owned(), replaced.to_string());
    let error = client.resolve_on("t", &decoder, SchemaId(45)).await.unwrap_err();
    assert!(error.is_not_registered() && error.to_string().contains("under id 5"), "{error}");
    assert!(client.check::<ComputeRequested>("t").await.is_err());
}

#[tokio::test]
async fn ids_without_end_do_not_become_connections_without_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let client = Arc::new(SchemaRegistry::new(&RegistryConfig::at(url)).unwrap());
    let decoder = Arc::new(Decoder::<ComputeRequested>::new().unwrap());
    let mut tasks = JoinSet::new();
    for id in 0..200 {
        let (client, decoder) = (Arc::clone(&client), Arc::clone(&decoder));
        tasks.spawn(async move { client.resolve(&decoder, SchemaId(id)).await });
    }
    // Connections that get no answer, until none is opened for a while.
    let mut open = Vec::new();
    let quiet = Duration::from_millis(500);
    while let Ok(accepted) = tokio::time::timeout(quiet, listener.accept()).await {
        open.push(accepted.unwrap());
    }
    assert_eq!(open.len(), 8);
}
