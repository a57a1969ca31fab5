//! Requests about schemas, with answers of bounded size.

use std::time::Duration;

use abacus_schemas::SchemaId;
use reqwest::{Response, StatusCode, Url};
use tokio::sync::Semaphore;

use crate::error::Error;
use crate::schema_text::FoundSchema;

/// Part of an answer beside the schema, in bytes.
const ANSWER_OVERHEAD: usize = 64 << 10;

/// Largest number of concurrent requests about schemas. Each record can name an id of its own, and
/// must not open a connection of its own.
const MAX_REQUESTS: usize = 8;

/// Answer about a schema.
pub(crate) enum Fetched {
    Schema(FoundSchema),
    /// The registry has no such schema.
    Missing,
    /// The schema exceeds a limit, for this reason.
    Unusable(String),
}

/// Client of the registry's API.
#[derive(Debug)]
pub(crate) struct Http {
    url: String,
    client: reqwest::Client,
    max_answer_bytes: usize,
    permits: Semaphore,
}

impl Http {
    /// Creates a client without a request. `schema_bytes` is the largest schema.
    pub(crate) fn new(url: &str, timeout: Duration, schema_bytes: usize) -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .timeout(timeout)
            .no_proxy()
            .build()
            .map_err(|error| Error::unavailable(url, "creating the client", error))?;
        // A schema is a JSON text in a JSON text, so each quotation mark has a backslash.
        let max_answer_bytes = schema_bytes.saturating_mul(2).saturating_add(ANSWER_OVERHEAD);
        let permits = Semaphore::new(MAX_REQUESTS);
        Ok(Self { url: url.to_owned(), client, max_answer_bytes, permits })
    }

    pub(crate) async fn schema(&self, id: SchemaId) -> Result<Fetched, Error> {
        self.get(&["schemas", "ids", &id.to_string()], &format!("schema {id}")).await
    }

    pub(crate) async fn version(&self, subject: &str, version: u32) -> Result<Fetched, Error> {
        let path = ["subjects", subject, "versions", &version.to_string()];
        self.get(&path, &format!("{subject} version {version}")).await
    }

    pub(crate) async fn set_compatibility(&self, subject: &str, level: &str) -> Result<(), Error> {
        let purpose = format!("the compatibility of {subject}");
        let unavailable = |error| Error::unavailable(&self.url, purpose.clone(), error);
        let request = self.client.put(self.endpoint(&["config", subject], &purpose)?);
        let body = serde_json::json!({ "compatibility": level });
        let response = request.json(&body).send().await.map_err(unavailable)?;
        response.error_for_status().map(drop).map_err(unavailable)
    }

    async fn get(&self, path: &[&str], purpose: &str) -> Result<Fetched, Error> {
        let unavailable = |error| Error::unavailable(&self.url, purpose, error);
        let permit = self.permits.acquire().await;
        let _permit = permit.map_err(|error| Error::unavailable(&self.url, purpose, error))?;
        let response =
            self.client.get(self.endpoint(path, purpose)?).send().await.map_err(unavailable)?;
        if is_final(response.status()) {
            return Ok(Fetched::Missing);
        }
        let response = response.error_for_status().map_err(unavailable)?;
        let Some(body) = self.body(response).await.map_err(unavailable)? else {
            let most = self.max_answer_bytes;
            return Ok(Fetched::Unusable(format!("{purpose} exceeds {most} bytes")));
        };
        let found = serde_json::from_slice(&body);
        found.map(Fetched::Schema).map_err(|error| Error::unavailable(&self.url, purpose, error))
    }

    /// Returns the body, or `None` for a body above the limit.
    async fn body(&self, mut response: Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > self.max_answer_bytes {
                return Ok(None);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Some(body))
    }

    /// Returns the URL of an endpoint. A subject may contain any character.
    fn endpoint(&self, path: &[&str], purpose: &str) -> Result<Url, Error> {
        let mut url =
            Url::parse(&self.url).map_err(|error| Error::unavailable(&self.url, purpose, error))?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        Ok(url)
    }
}

/// Returns `true` if every repetition of the request gets an equal answer: the cause is the
/// request itself, and neither credentials nor load.
fn is_final(status: StatusCode) -> bool {
    status.is_client_error()
        && !matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
        )
}
