//! Schemas as returned by the registry, together with all referenced schemas.

use std::collections::HashSet;

use abacus_schemas::{Decoder, Event, SchemaError, SchemaId};
use serde::Deserialize;

/// Answer of the registry about a schema.
#[derive(Debug, Deserialize)]
pub(crate) struct FoundSchema {
    /// Id of the schema; absent in an answer about an id.
    pub(crate) id: Option<u32>,
    pub(crate) schema: String,
    #[serde(default)]
    pub(crate) references: Vec<Reference>,
}

/// A version of a subject that a schema refers to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(crate) struct Reference {
    pub(crate) subject: String,
    pub(crate) version: u32,
}

/// A schema and its references. A reference comes after its own references.
#[derive(Debug)]
pub(crate) struct SchemaText {
    pub(crate) text: String,
    pub(crate) references: Vec<String>,
}

impl SchemaText {
    pub(crate) fn teach<E: Event>(
        &self,
        decoder: &Decoder<E>,
        id: SchemaId,
    ) -> Result<(), SchemaError> {
        let references: Vec<&str> = self.references.iter().map(String::as_str).collect();
        decoder.learn_with_references(id, &self.text, &references)
    }
}

/// A walk over the references of a schema, depth first.
#[derive(Debug, Default)]
pub(crate) struct ReferenceWalk {
    steps: Vec<Step>,
    seen: HashSet<Reference>,
    /// Texts whose references are all in front of them.
    done: Vec<String>,
}

#[derive(Debug)]
enum Step {
    Visit(Reference),
    Finish(String),
}

impl ReferenceWalk {
    pub(crate) fn new(references: Vec<Reference>) -> Self {
        let mut walk = Self::default();
        walk.visit(references);
        walk
    }

    /// Returns the next reference to fetch, or `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Reference> {
        loop {
            match self.steps.pop()? {
                Step::Finish(text) => self.done.push(text),
                Step::Visit(reference) => {
                    if self.seen.insert(reference.clone()) {
                        return Some(reference);
                    }
                }
            }
        }
    }

    /// Number of different references so far.
    pub(crate) fn len(&self) -> usize {
        self.seen.len()
    }

    /// Adds the schema of the reference that [`next`](Self::next) returned last.
    pub(crate) fn found(&mut self, schema: FoundSchema) {
        self.steps.push(Step::Finish(schema.schema));
        self.visit(schema.references);
    }

    /// Returns the texts, after the end of the walk.
    pub(crate) fn into_texts(self) -> Vec<String> {
        self.done
    }

    /// The first reference is visited first.
    fn visit(&mut self, references: Vec<Reference>) {
        self.steps.extend(references.into_iter().rev().map(Step::Visit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(name: &str) -> Reference {
        Reference { subject: name.to_owned(), version: 1 }
    }

    /// Walks a graph of one-letter schemas; `edges` are pairs of a schema and its reference.
    fn walked(edges: &[&str]) -> Vec<String> {
        let of = |name: &str| {
            let edges = edges.iter().filter(|edge| edge.starts_with(name));
            edges.map(|edge| reference(&edge[1..])).collect::<Vec<_>>()
        };
        let mut walk = ReferenceWalk::new(of("A"));
        while let Some(Reference { subject, .. }) = walk.next() {
            let references = of(&subject);
            walk.found(FoundSchema { id: None, schema: subject, references });
        }
        walk.into_texts()
    }

    #[test]
    fn a_schema_comes_after_its_references() {
        assert_eq!(walked(&["AB", "AC", "CB", "BD"]), ["D", "B", "C"]);
        assert_eq!(walked(&["AC", "AB", "CB", "BD"]), ["D", "B", "C"]);
        assert!(walked(&[]).is_empty());
    }

    #[test]
    fn a_circle_of_references_ends() {
        assert_eq!(walked(&["AB", "BC", "CB", "CC"]), ["C", "B"]);
    }
}
