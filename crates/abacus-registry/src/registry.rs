//! The registry's client: `schema_registry_converter` for schemas, one plain call for the
//! compatibility setting, which it does not cover.

use std::time::Duration;

use abacus_schemas::topics::value_subject;
use abacus_schemas::{Decoder, Encoder, Event, SchemaId};
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_all_versions, get_schema_by_id, perform_sr_call, post_schema,
};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{SchemaType, SrCall, SuppliedSchema};

use crate::config::RegistryConfig;
use crate::error::{Error, is_not_found, is_refusal};

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Every version reads, and is read by, every other: the log is replayed, and services are
/// updated one by one.
const COMPATIBILITY: &str = "FULL_TRANSITIVE";

/// A schema registry.
#[derive(Debug)]
pub struct SchemaRegistry {
    url: String,
    settings: SrSettings,
    http: reqwest::Client,
}

impl SchemaRegistry {
    /// A client for the registry; nothing is asked yet.
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
        Ok(Self { url, settings, http })
    }

    /// An encoder for the events of `topic`, once the registry has shown that it has our schema.
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

    /// A decoder that has learned every version registered for `topic`.
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

    /// Teaches `decoder` the schema `id`, which a record named.
    pub async fn resolve<E: Event>(&self, decoder: &Decoder<E>, id: SchemaId) -> Result<(), Error> {
        let schema = match get_schema_by_id(id.0, &self.settings).await {
            Ok(schema) => schema,
            Err(error) if is_not_found(&error) => return Err(Error::UnknownSchema(id)),
            Err(error) => return Err(self.unavailable(format!("schema {id}"), error)),
        };
        Ok(decoder.learn(id, &schema.schema)?)
    }

    /// Registers our schema for `topic`, held to full compatibility from its first version on.
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
        let what = || format!("the compatibility of {subject}");
        response.map(drop).map_err(|error| Error::unavailable(&self.url, what(), error))
    }

    fn unavailable(&self, what: String, error: SRCError) -> Error {
        Error::unavailable(&self.url, what, error)
    }
}
