//! Tests against a registry that counts requests.

mod versions;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use abacus_schemas::ComputeRequested;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::*;

const ID: SchemaId = SchemaId(7);

/// A registry with the schema 7 or none, and without subjects.
struct Registry {
    url: String,
    asked: Arc<AtomicU32>,
}

impl Registry {
    async fn start(body: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(connection, Arc::clone(&counted), body.clone()));
            }
        });
        Self { url, asked }
    }

    fn client(&self) -> Arc<SchemaRegistry> {
        Arc::new(SchemaRegistry::new(&RegistryConfig::at(self.url.clone())).unwrap())
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn answer(mut connection: TcpStream, asked: Arc<AtomicU32>, body: Option<String>) {
    let mut request = vec![0; 8192];
    let read = connection.read(&mut request).await.unwrap();
    let is_by_id = request[..read].starts_with(b"GET /schemas/ids/7 ");
    if is_by_id {
        asked.fetch_add(1, Ordering::Relaxed);
    }
    // Long enough for all callers to ask.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (status, body) = match body.filter(|_| is_by_id) {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", r#"{"error_code":40403,"message":"none"}"#.to_owned()),
    };
    let head = "content-type: application/json\r\nconnection: close";
    let length = body.len();
    let response = format!("HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}");
    connection.write_all(response.as_bytes()).await.unwrap();
}

/// Returns the results of two hundred concurrent calls.
async fn ask_at_once(
    client: &Arc<SchemaRegistry>,
    decoder: &Arc<Decoder<ComputeRequested>>,
) -> Vec<Result<(), Error>> {
    let mut tasks = JoinSet::new();
    for _ in 0..200 {
        let (client, decoder) = (Arc::clone(client), Arc::clone(decoder));
        tasks.spawn(async move { client.resolve(&decoder, ID).await });
    }
    tasks.join_all().await
}

#[tokio::test]
async fn a_schema_that_many_records_name_at_once_is_fetched_once() {
    let body = serde_json::json!({ "schema": ComputeRequested::SCHEMA_JSON }).to_string();
    let registry = Registry::start(Some(body)).await;
    let decoder = Arc::new(Decoder::new().unwrap());
    let results = ask_at_once(&registry.client(), &decoder).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert!(decoder.has_learned(ID));
    assert_eq!(registry.asked(), 1);
}

#[tokio::test]
async fn an_id_that_does_not_exist_is_remembered() {
    let registry = Registry::start(None).await;
    let (client, decoder) = (registry.client(), Arc::new(Decoder::new().unwrap()));
    for _ in 0..3 {
        for result in ask_at_once(&client, &decoder).await {
            assert!(matches!(result, Err(Error::UnknownSchema(ID))), "{result:?}");
        }
    }
    assert_eq!(registry.asked(), 1);
}

#[tokio::test]
async fn a_registry_that_is_away_is_asked_again() {
    let registry = Registry::start(Some("no JSON".to_owned())).await;
    let (client, decoder) = (registry.client(), Arc::new(Decoder::new().unwrap()));
    for asked in 1..=2 {
        for result in ask_at_once(&client, &decoder).await {
            let error = result.unwrap_err();
            assert!(error.is_transient(), "{error}");
            assert!(error.to_string().contains("did not answer: schema 7"), "{error}");
        }
        assert_eq!(registry.asked(), asked);
    }
}

#[tokio::test]
async fn a_registry_that_lacks_our_schema_is_not_believed() {
    let registry = Registry::start(None).await;
    let (client, decoder) = (registry.client(), Decoder::<ComputeRequested>::new().unwrap());
    for asked in 1..=2 {
        let error = client.resolve_on("topic", &decoder, ID).await.unwrap_err();
        assert!(error.is_not_registered() && !error.is_transient(), "{error}");
        assert_eq!(registry.asked(), asked, "what is not believed is not remembered");
    }
}
