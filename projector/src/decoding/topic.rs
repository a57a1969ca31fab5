//! Decoding of one topic, with a memory of the schemas that cannot be used for the topic.

use std::collections::HashMap;
use std::sync::Arc;

use abacus_runtime::LogLimit;
use abacus_schemas::{DecodeError, DecodeLimits, Decoder, Event, SchemaError, SchemaId};

use super::skip::Skip;
use crate::entry::SkipReason;

/// Decoder of a topic.
pub(super) struct Topic<E: Event> {
    name: Arc<str>,
    decoder: Decoder<E>,
    /// Schema ids of the current batch without a usable schema, with the reasons: a burst of bad
    /// records then causes a single question to the registry. Each topic has a list, because a
    /// schema without use here may be right for another topic.
    useless: HashMap<SchemaId, String>,
    skip_log: LogLimit,
}

impl<E: Event> Topic<E> {
    pub(super) fn new(name: &str, limits: DecodeLimits) -> Result<Self, SchemaError> {
        let decoder = Decoder::with_limits(limits)?;
        let (useless, skip_log) = (HashMap::new(), LogLimit::default());
        Ok(Self { name: name.into(), decoder, useless, skip_log })
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn skip_log(&self) -> &LogLimit {
        &self.skip_log
    }

    /// Forgets unusable schemas, which may have been registered since.
    pub(super) fn begin_batch(&mut self) {
        self.useless.clear();
    }

    /// Decodes `payload`. `teach` supplies an unknown schema: the inner error is the reason for a
    /// missing schema, and the outer error ends the projection.
    pub(super) fn event<F>(
        &mut self,
        payload: &[u8],
        mut teach: impl FnMut(&Decoder<E>, SchemaId) -> Result<Result<(), String>, F>,
    ) -> Result<Result<E, Skip>, F> {
        loop {
            let id = match self.decoder.decode(payload) {
                Ok(event) => return Ok(Ok(event)),
                Err(DecodeError::Malformed(text)) => {
                    return Ok(Err(Skip(SkipReason::Malformed, text)));
                }
                Err(DecodeError::TooLarge(text)) => {
                    return Ok(Err(Skip(SkipReason::TooLarge, text)));
                }
                Err(DecodeError::UnknownSchema(id)) => id,
            };
            if let Some(text) = self.useless.get(&id) {
                return Ok(Err(Skip(SkipReason::UnknownSchema, text.clone())));
            }
            if let Err(text) = teach(&self.decoder, id)? {
                self.useless.insert(id, text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use abacus_schemas::{ComputeRequested, Encoder, Timestamp};

    use super::*;

    type Answer = Result<Result<(), String>, Infallible>;

    fn request() -> ComputeRequested {
        ComputeRequested {
            request_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
            operation: "fibonacci".to_owned(),
            operands: [("n".to_owned(), "10".to_owned())].into(),
            requester: None,
            source: "test".to_owned(),
            requested_at: Timestamp::from_micros(0),
        }
    }

    fn record(id: u32) -> Vec<u8> {
        Encoder::new(SchemaId(id)).unwrap().encode(&request()).unwrap()
    }

    fn teach(decoder: &Decoder<ComputeRequested>, id: SchemaId) -> Result<(), String> {
        decoder.learn(id, ComputeRequested::SCHEMA_JSON).map_err(|error| error.to_string())
    }

    fn teach_only_7(decoder: &Decoder<ComputeRequested>, id: SchemaId) -> Result<(), String> {
        if id == SchemaId(7) { teach(decoder, id) } else { Err(format!("no schema {id}")) }
    }

    #[test]
    fn a_schema_is_asked_for_once() {
        let mut topic = Topic::new("t", DecodeLimits::default()).unwrap();
        let event = topic.event(&record(7), |decoder, id| -> Answer { Ok(teach(decoder, id)) });
        assert_eq!(event.unwrap(), Ok(request()));
        let nobody = |_: &_, _| -> Answer { panic!("asked again") };
        assert_eq!(topic.event(&record(7), nobody).unwrap(), Ok(request()));
    }

    #[test]
    fn a_useless_schema_is_asked_for_once_a_batch_and_stops_no_other() {
        let mut topic = Topic::new("t", DecodeLimits::default()).unwrap();
        let mut questions = 0;
        for id in [8, 8, 7] {
            let event = topic.event(&record(id), |decoder, id| -> Answer {
                questions += 1;
                Ok(teach_only_7(decoder, id))
            });
            let expected = match id {
                7 => Ok(request()),
                _ => Err(Skip(SkipReason::UnknownSchema, "no schema 8".to_owned())),
            };
            assert_eq!(event.unwrap(), expected);
        }
        assert_eq!(questions, 2);
        topic.begin_batch();
        let event = topic.event(&record(8), |decoder, id| -> Answer { Ok(teach(decoder, id)) });
        assert_eq!(event.unwrap(), Ok(request()), "it was registered meanwhile");
    }
}
