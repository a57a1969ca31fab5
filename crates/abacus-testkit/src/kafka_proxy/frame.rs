//! A request or an answer of the Kafka protocol, with its length.

use std::io::Read;

/// Numbers of the requests known here. librdkafka sends both without flexible fields.
const ADD_OFFSETS_TO_TXN: i16 = 25;
const END_TXN: i16 = 26;
/// Place of the client's name in a request: after length, kind, version and correlation id.
const CLIENT_NAME: usize = 12;
/// Place of the error code in the answer to an `EndTxn`: after length, correlation id and throttling
/// time.
const ERROR_CODE: usize = 12;
/// Longest request or answer, in bytes.
const LONGEST: usize = 256 << 20;

/// A request or an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame(Vec<u8>);

impl Frame {
    /// Reads the next frame. Returns `None` at the end of the connection.
    pub(super) fn read(stream: &mut impl Read) -> Option<Self> {
        let mut bytes = vec![0; 4];
        stream.read_exact(&mut bytes).ok()?;
        let length = usize::try_from(i32::from_be_bytes(bytes[..4].try_into().unwrap())).ok()?;
        if length > LONGEST {
            return None;
        }
        bytes.resize(4 + length, 0);
        stream.read_exact(&mut bytes[4..]).ok()?;
        Some(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Correlation id of a request.
    pub(super) fn correlation(&self) -> Option<[u8; 4]> {
        self.0.get(8..12)?.try_into().ok()
    }

    /// Returns whether this is the answer to the request with `correlation`.
    pub(super) fn answers(&self, correlation: [u8; 4]) -> bool {
        self.0.get(4..8) == Some(&correlation[..])
    }

    /// Error code of the answer to an `EndTxn`; 0 means success.
    pub(super) fn error_code(&self) -> Option<i16> {
        self.number(ERROR_CODE)
    }

    /// The `transactional.id`, if this request is an `EndTxn`.
    pub(super) fn ended_transaction(&self) -> Option<&[u8]> {
        self.transactional_id(END_TXN)
    }

    /// The `transactional.id`, if this request is an `AddOffsetsToTxn`.
    pub(super) fn transaction_with_offsets(&self) -> Option<&[u8]> {
        self.transactional_id(ADD_OFFSETS_TO_TXN)
    }

    fn transactional_id(&self, kind: i16) -> Option<&[u8]> {
        if self.number(4)? != kind {
            return None;
        }
        // A missing name has the length -1.
        let name = usize::try_from(self.number(CLIENT_NAME)?).unwrap_or(0);
        let at = CLIENT_NAME + 2 + name;
        let length = usize::try_from(self.number(at)?).ok()?;
        self.0.get(at + 2..at + 2 + length)
    }

    fn number(&self, at: usize) -> Option<i16> {
        Some(i16::from_be_bytes(self.0.get(at..at + 2)?.try_into().ok()?))
    }
}
