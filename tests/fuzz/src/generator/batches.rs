//! Batches by hand.

use abacus_testkit::{Random, RawBatch, RawRecord, Unreadable};

use super::{Generator, PARTITIONS};
use crate::avro::random_bytes;
use crate::kind::Kind;
use crate::requests;
use crate::shot::{Expected, Form, Shot, Target};

/// A time in 2026, in milliseconds since the Unix epoch.
const USUAL_TIME: i64 = 1_790_000_000_000;
/// Largest number of records in a batch.
const RECORDS: u64 = 5;

impl Generator {
    /// Requests in a batch that librdkafka cannot read: one dead letter stands for all.
    pub(super) fn unreadable_batch(&self, number: u64, random: &mut Random) -> Shot {
        let values: Vec<Vec<u8>> = (0..random.between(1, RECORDS))
            .map(|_| self.own(&requests::usual(random), random).payload.unwrap_or_default())
            .collect();
        let kind = *random.one_of(&[Unreadable::WrongChecksum, Unreadable::TwoMembers]);
        let slices: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        let expected = vec![Expected::DeadLetter; values.len()];
        batch(
            number,
            Kind::UnreadableBatch,
            random,
            RawBatch::unreadable(kind, &slices, USUAL_TIME),
            expected,
        )
    }

    /// A batch with names of headers that are no text, and with random numbers in its head. A broker
    /// refuses most of these batches.
    pub(super) fn raw_batch(&self, number: u64, random: &mut Random) -> Shot {
        let records: Vec<RawRecord> =
            (0..random.between(1, RECORDS)).map(|_| self.raw_record(random)).collect();
        let mut batch_of = RawBatch::new(&records, USUAL_TIME);
        match random.below(8) {
            0 => batch_of.attributes = (random.bits() as u16).cast_signed(),
            1 => batch_of.first_timestamp = requests::time(random),
            2 => batch_of.largest_timestamp = requests::time(random),
            3 => batch_of.count = (random.bits() as u32).cast_signed(),
            4 => batch_of.last_offset_delta = i32::try_from(random.below(10)).unwrap(),
            5 => batch_of.records.extend(random_bytes(random, 10)),
            _ => {}
        }
        let expected = records
            .into_iter()
            .map(|record| Expected::Either(record.value.unwrap_or_default()))
            .collect();
        batch(number, Kind::RawBatch, random, batch_of, expected)
    }

    fn raw_record(&self, random: &mut Random) -> RawRecord {
        let draft = self.own(&requests::usual(random), random);
        let mut headers = vec![(b"from".to_vec(), None), (b"a\0b".to_vec(), Some(Vec::new()))];
        if random.below(2) == 0 {
            headers.push((random_bytes(random, 30), Some(random_bytes(random, 30))));
        }
        let value = if random.below(8) == 0 { None } else { draft.payload };
        let timestamp_delta = *random.one_of(&[0, 0, 1, -1, i64::MAX, i64::MIN]);
        RawRecord { timestamp_delta, key: None, value, headers }
    }
}

fn batch(
    number: u64,
    kind: Kind,
    random: &mut Random,
    batch: RawBatch,
    expected: Vec<Expected>,
) -> Shot {
    Shot {
        number,
        kind,
        target: Target::Requested,
        partition: i32::try_from(random.below(PARTITIONS)).unwrap(),
        form: Form::Batch(batch),
        expected,
        question: None,
    }
}
