//! Registers the schemas of producers, as a producer with `auto.register.schemas` does.

use abacus_schemas::Topics;
use abacus_schemas::topics::value_subject;
use abacus_testkit::{Client, System};
use serde_json::{Value, json};

use crate::generator::Catalog;
use crate::writer_schema::{REFERENCE, WriterSchema};

/// Schemas, and the number of refusals.
pub(crate) struct Registered {
    pub(crate) catalog: Catalog,
    pub(crate) refused: usize,
}

/// Offers `count` random schemas of `seed` to the registry, under the subject of the requests.
pub(crate) fn register(system: &System, seed: u64, count: u64) -> Registered {
    let registrar = Registrar::new(system);
    let subject = value_subject(&system.topics.requested);
    let bomb = registrar.offer(&subject, &WriterSchema::bomb());
    let mut writers = Vec::new();
    let mut schemas: Vec<_> = (0..count).map(|number| WriterSchema::random(seed, number)).collect();
    // Apicurio compares no schema with an earlier version that has references: those come last.
    schemas.sort_by_key(WriterSchema::has_reference);
    for schema in schemas {
        let id = registrar.offer(&subject, &schema);
        writers.extend(id.map(|id| (id, schema)));
    }
    let refused = usize::try_from(count).unwrap() - writers.len();
    let Topics { requested, completed, .. } = &system.topics;
    let catalog = Catalog {
        requested: registrar.first_version(requested),
        completed: registrar.first_version(completed),
        writers,
        bomb: bomb.expect("the registry takes new fields with defaults"),
    };
    Registered { catalog, refused }
}

struct Registrar {
    registry: Client,
    /// Subject of the referenced type.
    references: String,
}

impl Registrar {
    fn new(system: &System) -> Self {
        let registry = Client::at(&system.stack.registry);
        let references = format!("{}-referenced", system.name());
        let (namespace, name) = REFERENCE.rsplit_once('.').expect("a full name");
        let schema = json!({
            "type": "record", "name": name, "namespace": namespace,
            "fields": [{ "name": "code", "type": "string" }],
        });
        let body = json!({ "schema": schema.to_string() });
        let answer = registry.post_json(&format!("/subjects/{references}/versions"), &body);
        assert_eq!(answer.status, 200, "the registry refuses the type to refer to: {answer:?}");
        Self { registry, references }
    }

    /// Returns the id of the schema, or `None` if the registry refuses the schema.
    fn offer(&self, subject: &str, schema: &WriterSchema) -> Option<u32> {
        let mut body = json!({ "schema": schema.json().to_string() });
        if schema.has_reference() {
            let reference = json!({ "name": REFERENCE, "subject": self.references, "version": 1 });
            body["references"] = json!([reference]);
        }
        let answer = self.registry.post_json(&format!("/subjects/{subject}/versions"), &body);
        if answer.status != 200 {
            return None;
        }
        Some(id(&answer.json()))
    }

    /// Returns the id of the first version: the schema of the services.
    fn first_version(&self, topic: &str) -> u32 {
        let path = format!("/subjects/{}/versions/1", value_subject(topic));
        id(&self.registry.get(&path).json())
    }
}

fn id(answer: &Value) -> u32 {
    let id = answer["id"].as_u64().and_then(|id| u32::try_from(id).ok());
    id.unwrap_or_else(|| panic!("the registry names no id: {answer}"))
}
