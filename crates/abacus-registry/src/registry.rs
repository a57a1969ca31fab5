//! Client of the registry.
//!
//! `schema_registry_converter` handles subjects and registration. Plain HTTP requests set the
//! compatibility, which the library does not support, and fetch a schema by id: the library hides
//! the status, and only the status tells a missing schema from a failing registry.

use std::time::Duration;

use abacus_schemas::topics::value_subject;
use abacus_schemas::{Decoder, Encoder, Event, SchemaId};
use reqwest::StatusCode;
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_all_versions, perform_sr_call, post_schema,
};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{SchemaType, SrCall, SuppliedSchema};

use crate::answers::{ANSWER_TTL, Answer, Answers};
use crate::config::RegistryConfig;
use crate::error::{Error, is_not_found, is_refusal};

/// Time limit of a request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Every version can read every version, because the log is replayed and services are updated
/// separately.
const COMPATIBILITY: &str = "FULL_TRANSITIVE";

/// Body of an answer about a schema id.
#[derive(serde::Deserialize)]
struct FoundSchema {
    schema: String,
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

/// Client of a schema registry.
#[derive(Debug)]
pub struct SchemaRegistry {
    url: String,
    settings: SrSettings,
    http: reqwest::Client,
    answers: Answers,
}

impl SchemaRegistry {
    /// Creates a client without a request.
    pub fn new(config: &RegistryConfig) -> Result<Self, Error> {
        let url = config.url.clone();
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .build()
            .map_err(|error| Error::unavailable(&url, "creating the client", error))?;
        let settings = SrSettings::new_builder(url.clone())
            .no_proxy()
            .set_timeout(TIMEOUT)
            .build()
            .map_err(|error| Error::unavailable(&url, "creating the client", error))?;
        Ok(Self { url, settings, http, answers: Answers::new(ANSWER_TTL) })
    }

    /// Looks up the schema of this version for `topic`. Returns an encoder with its id.
    pub async fn encoder<E: Event>(&self, topic: &str) -> Result<Encoder<E>, Error> {
        let subject = value_subject(topic);
        let body =
            serde_json::json!({ "schema": E::SCHEMA_JSON, "schemaType": "AVRO" }).to_string();
        let found = perform_sr_call(&self.settings, SrCall::PostForVersion(&subject, &body)).await;
        match found.map(|schema| schema.id) {
            Ok(Some(id)) => Ok(Encoder::new(SchemaId(id))?),
            Ok(None) => Err(Error::NotRegistered { subject }),
            Err(error) if is_not_found(&error) => Err(Error::NotRegistered { subject }),
            Err(error) => Err(self.unavailable(format!("the schema id for {subject}"), error)),
        }
    }

    /// Returns a decoder with all versions that are registered for `topic`.
    pub async fn decoder<E: Event>(&self, topic: &str) -> Result<Decoder<E>, Error> {
        let subject = value_subject(topic);
        let decoder = Decoder::new()?;
        let versions = match get_all_versions(&self.settings, subject.clone()).await {
            Ok(versions) => versions,
            Err(error) if is_not_found(&error) => return Err(Error::NotRegistered { subject }),
            Err(error) => {
                return Err(self.unavailable(format!("the versions of {subject}"), error));
            }
        };
        for version in versions {
            let call = SrCall::GetBySubjectAndVersion(&subject, version);
            let found = perform_sr_call(&self.settings, call)
                .await
                .map_err(|e| self.unavailable(format!("{subject} version {version}"), e))?;
            if let (Some(id), Some(schema)) = (found.id, found.schema) {
                decoder.learn(SchemaId(id), &schema)?;
            }
        }
        Ok(decoder)
    }

    /// Teaches `decoder` the schema `id`. Concurrent and repeated calls within a few seconds cause
    /// a single request.
    pub async fn resolve<E: Event>(&self, decoder: &Decoder<E>, id: SchemaId) -> Result<(), Error> {
        if decoder.has_learned(id) {
            return Ok(());
        }
        let answer = self.answers.get(id, self.fetch(id)).await?;
        Self::teach(decoder, id, &answer)
    }

    /// Teaches `decoder` the schema `id`, like [`resolve`](Self::resolve), and checks a negative
    /// answer: the registry must have the schema of this version for `topic`. Returns
    /// [`Error::NotRegistered`] otherwise, because a wrong or emptied registry would turn every
    /// record into an unreadable one.
    pub async fn resolve_on<E: Event>(
        &self,
        topic: &str,
        decoder: &Decoder<E>,
        id: SchemaId,
    ) -> Result<(), Error> {
        if decoder.has_learned(id) {
            return Ok(());
        }
        let fetch = async {
            let answer = self.fetch(id).await?;
            if answer == Answer::Unknown {
                self.encoder::<E>(topic).await?;
            }
            Ok(answer)
        };
        let answer = self.answers.get(id, fetch).await?;
        Self::teach(decoder, id, &answer)
    }

    async fn fetch(&self, id: SchemaId) -> Result<Answer, Error> {
        let unavailable = |error| Error::unavailable(&self.url, format!("schema {id}"), error);
        let url = format!("{}/schemas/ids/{id}", self.url);
        let response = self.http.get(url).send().await.map_err(unavailable)?;
        if is_final(response.status()) {
            return Ok(Answer::Unknown);
        }
        let response = response.error_for_status().map_err(unavailable)?;
        let found: FoundSchema = response.json().await.map_err(unavailable)?;
        Ok(Answer::Schema(found.schema.into()))
    }

    /// Teaches the schema of `answer`. After a shared request, only the first caller parses the
    /// text.
    fn teach<E: Event>(decoder: &Decoder<E>, id: SchemaId, answer: &Answer) -> Result<(), Error> {
        match answer {
            Answer::Unknown => Err(Error::UnknownSchema(id)),
            Answer::Schema(_) if decoder.has_learned(id) => Ok(()),
            Answer::Schema(schema) => Ok(decoder.learn(id, schema)?),
        }
    }

    /// Registers the schema of this version for `topic`, with full transitive compatibility from
    /// the first version on.
    pub async fn register<E: Event>(&self, topic: &str) -> Result<SchemaId, Error> {
        let subject = value_subject(topic);
        self.set_compatibility(&subject).await?;
        let schema = SuppliedSchema::new(None, SchemaType::Avro, E::SCHEMA_JSON.to_owned());
        match post_schema(&self.settings, subject.clone(), schema).await {
            Ok(registered) => Ok(SchemaId(registered.id)),
            Err(source) if is_refusal(&source) => Err(Error::Refused { subject, source }),
            Err(error) => Err(self.unavailable(format!("registering {subject}"), error)),
        }
    }

    async fn set_compatibility(&self, subject: &str) -> Result<(), Error> {
        let response = self
            .http
            .put(format!("{}/config/{subject}", self.url))
            .json(&serde_json::json!({ "compatibility": COMPATIBILITY }))
            .send()
            .await
            .and_then(reqwest::Response::error_for_status);
        let purpose = || format!("the compatibility of {subject}");
        response.map(drop).map_err(|error| Error::unavailable(&self.url, purpose(), error))
    }

    fn unavailable(&self, purpose: String, error: SRCError) -> Error {
        Error::unavailable(&self.url, purpose, error)
    }
}

#[cfg(test)]
mod tests;
