//! Client of the registry.
//!
//! `schema_registry_converter` handles subjects and registration. Plain HTTP requests set the
//! compatibility, which the library does not support, and fetch schemas: the library hides the
//! status, and only the status tells a missing schema from a failing registry. The library also
//! reads an answer of any size.

use std::any::TypeId;
use std::collections::HashMap;
use std::time::Duration;

use abacus_schemas::topics::value_subject;
use abacus_schemas::{DecodeLimits, Decoder, Encoder, Event, SchemaId};
use parking_lot::Mutex;
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_all_versions, perform_sr_call, post_schema,
};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{SchemaType, SrCall, SuppliedSchema};

use crate::answers::{ANSWER_TTL, Answer, Answers};
use crate::config::RegistryConfig;
use crate::error::{Error, is_not_found, is_refusal};
use crate::http::{Fetched, Http};
use crate::schema_text::{FoundSchema, ReferenceWalk, SchemaText};

/// Time limit of a request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Every version can read every version, because the log is replayed and services are updated
/// separately.
const COMPATIBILITY: &str = "FULL_TRANSITIVE";

/// Client of a schema registry.
#[derive(Debug)]
pub struct SchemaRegistry {
    url: String,
    settings: SrSettings,
    http: Http,
    limits: DecodeLimits,
    answers: Answers,
    /// Ids of the schemas of this version by subject, as first answered.
    own_ids: Mutex<HashMap<String, SchemaId>>,
}

impl SchemaRegistry {
    /// Creates a client without a request.
    pub fn new(config: &RegistryConfig) -> Result<Self, Error> {
        let url = config.url.clone();
        let http = Http::new(&url, TIMEOUT, config.limits.schema_bytes)?;
        let settings = SrSettings::new_builder(url.clone())
            .no_proxy()
            .set_timeout(TIMEOUT)
            .build()
            .map_err(|error| Error::unavailable(&url, "creating the client", error))?;
        let (answers, own_ids) = (Answers::new(ANSWER_TTL), Mutex::default());
        Ok(Self { url, settings, http, limits: config.limits, answers, own_ids })
    }

    /// Looks up the schema of this version for `topic`. Returns an encoder with its id.
    pub async fn encoder<E: Event>(&self, topic: &str) -> Result<Encoder<E>, Error> {
        Ok(Encoder::new(self.own_id::<E>(topic).await?)?)
    }

    /// Checks that the registry has the schema of this version for `topic`, under the id of the
    /// first answer.
    pub async fn check<E: Event>(&self, topic: &str) -> Result<(), Error> {
        self.own_id::<E>(topic).await.map(drop)
    }

    /// Returns the id of the schema of this version for `topic`. Refuses an id other than the first.
    async fn own_id<E: Event>(&self, topic: &str) -> Result<SchemaId, Error> {
        let subject = value_subject(topic);
        let body =
            serde_json::json!({ "schema": E::SCHEMA_JSON, "schemaType": "AVRO" }).to_string();
        let found = perform_sr_call(&self.settings, SrCall::PostForVersion(&subject, &body)).await;
        let now = match found.map(|schema| schema.id) {
            Ok(Some(id)) => SchemaId(id),
            Ok(None) => return Err(Error::NotRegistered { subject }),
            Err(error) if is_not_found(&error) => return Err(Error::NotRegistered { subject }),
            Err(error) => {
                return Err(self.unavailable(format!("the schema id for {subject}"), error));
            }
        };
        let before = *self.own_ids.lock().entry(subject.clone()).or_insert(now);
        if before == now { Ok(now) } else { Err(Error::Replaced { subject, before, now }) }
    }

    /// Returns a decoder with the newest versions that are registered for `topic`. A version that
    /// cannot be read as the event concerns only its own records, and is left out.
    pub async fn decoder<E: Event>(&self, topic: &str) -> Result<Decoder<E>, Error> {
        let subject = value_subject(topic);
        let decoder = Decoder::with_limits(self.limits)?;
        let mut versions = match get_all_versions(&self.settings, subject.clone()).await {
            Ok(versions) => versions,
            Err(error) if is_not_found(&error) => return Err(Error::NotRegistered { subject }),
            Err(error) => {
                return Err(self.unavailable(format!("the versions of {subject}"), error));
            }
        };
        versions.sort_unstable();
        let oldest = versions.len().saturating_sub(self.limits.schemas);
        for version in versions.into_iter().skip(oldest) {
            if let Err(reason) = self.learn_version(&decoder, &subject, version).await? {
                tracing::warn!(
                    schema.subject = subject,
                    schema.version = version,
                    "a version is left out: {reason}"
                );
            }
        }
        match self.own_id::<E>(topic).await {
            Ok(id) => decoder.learn(id, E::SCHEMA_JSON)?,
            Err(error) if error.is_not_registered() => tracing::warn!("{error}"),
            Err(error) => return Err(error),
        }
        Ok(decoder)
    }

    /// Teaches `decoder` a version. The inner error is the reason for leaving the version out.
    async fn learn_version<E: Event>(
        &self,
        decoder: &Decoder<E>,
        subject: &str,
        version: u32,
    ) -> Result<Result<(), String>, Error> {
        let fetched = self.http.version(subject, version).await?;
        Ok(match self.learn(decoder, fetched, None).await? {
            Answer::Learned => Ok(()),
            Answer::Unknown => Err("it was deleted".to_owned()),
            Answer::Unusable(reason) => Err(reason.to_string()),
        })
    }

    /// Teaches `decoder` the schema `id`. Concurrent and repeated calls within a few seconds cause
    /// a single request.
    pub async fn resolve<E: Event>(&self, decoder: &Decoder<E>, id: SchemaId) -> Result<(), Error> {
        self.teach(decoder, id, || self.fetch(decoder, id)).await
    }

    /// Teaches `decoder` the schema `id`, like [`resolve`](Self::resolve), and checks a negative
    /// answer with [`check`](Self::check): a wrong or emptied registry would turn every record into
    /// an unreadable one.
    pub async fn resolve_on<E: Event>(
        &self,
        topic: &str,
        decoder: &Decoder<E>,
        id: SchemaId,
    ) -> Result<(), Error> {
        let checked = || async {
            let answer = self.fetch(decoder, id).await?;
            if answer != Answer::Learned {
                self.check::<E>(topic).await?;
            }
            Ok(answer)
        };
        self.teach(decoder, id, checked).await
    }

    /// Asks for the schema `id`, unless the decoder has the schema or an answer is kept. Asks again
    /// if the decoder has dropped a schema since the kept answer.
    async fn teach<E: Event, F>(
        &self,
        decoder: &Decoder<E>,
        id: SchemaId,
        fetch: impl Fn() -> F,
    ) -> Result<(), Error>
    where
        F: Future<Output = Result<Answer, Error>>,
    {
        let question = (TypeId::of::<E>(), id);
        for _ in 0..2 {
            if decoder.has_learned(id) {
                return Ok(());
            }
            match self.answers.get(question, fetch()).await? {
                Answer::Unknown => return Err(Error::UnknownSchema(id)),
                Answer::Unusable(reason) => return Err(Error::Unusable { id, reason }),
                Answer::Learned if decoder.has_learned(id) => return Ok(()),
                Answer::Learned => self.answers.forget(question).await,
            }
        }
        Err(Error::Unusable { id, reason: "too many schemas are in use".into() })
    }

    async fn fetch<E: Event>(&self, decoder: &Decoder<E>, id: SchemaId) -> Result<Answer, Error> {
        self.learn(decoder, self.http.schema(id).await?, Some(id)).await
    }

    /// Teaches `decoder` a fetched schema with its references. `None` takes the id from the fetched
    /// schema.
    async fn learn<E: Event>(
        &self,
        decoder: &Decoder<E>,
        fetched: Fetched,
        id: Option<SchemaId>,
    ) -> Result<Answer, Error> {
        let unusable = |reason: String| Ok(Answer::Unusable(reason.into()));
        let found = match fetched {
            Fetched::Schema(found) => found,
            Fetched::Missing => return Ok(Answer::Unknown),
            Fetched::Unusable(reason) => return unusable(reason),
        };
        let Some(id) = id.or(found.id.map(SchemaId)) else {
            return unusable("it has no id".to_owned());
        };
        match self.with_references(found).await? {
            Ok(text) => match text.teach(decoder, id) {
                Ok(()) => Ok(Answer::Learned),
                Err(error) => unusable(error.to_string()),
            },
            Err(reason) => unusable(reason),
        }
    }

    /// Fetches the references of a schema. The inner error is the reason for a schema without use.
    async fn with_references(
        &self,
        found: FoundSchema,
    ) -> Result<Result<SchemaText, String>, Error> {
        let mut walk = ReferenceWalk::new(found.references);
        let mut bytes = found.schema.len();
        while let Some(reference) = walk.next() {
            if walk.len() > self.limits.schema_references {
                let most = self.limits.schema_references;
                return Ok(Err(format!("the schema has more than {most} references")));
            }
            match self.http.version(&reference.subject, reference.version).await? {
                Fetched::Schema(schema) => {
                    bytes += schema.schema.len();
                    if bytes > self.limits.schema_bytes {
                        return Ok(Err("the schema and its references are too large".to_owned()));
                    }
                    walk.found(schema);
                }
                Fetched::Missing => {
                    let subject = reference.subject;
                    return Ok(Err(format!("the referenced subject {subject} is missing")));
                }
                Fetched::Unusable(reason) => return Ok(Err(reason)),
            }
        }
        Ok(Ok(SchemaText { text: found.schema, references: walk.into_texts() }))
    }

    /// Registers the schema of this version for `topic`, with full transitive compatibility from
    /// the first version on.
    pub async fn register<E: Event>(&self, topic: &str) -> Result<SchemaId, Error> {
        let subject = value_subject(topic);
        self.http.set_compatibility(&subject, COMPATIBILITY).await?;
        let schema = SuppliedSchema::new(None, SchemaType::Avro, E::SCHEMA_JSON.to_owned());
        match post_schema(&self.settings, subject.clone(), schema).await {
            Ok(registered) => Ok(SchemaId(registered.id)),
            Err(source) if is_refusal(&source) => Err(Error::Refused { subject, source }),
            Err(error) => Err(self.unavailable(format!("registering {subject}"), error)),
        }
    }

    fn unavailable(&self, purpose: String, error: SRCError) -> Error {
        Error::unavailable(&self.url, purpose, error)
    }
}

#[cfg(test)]
mod tests;
