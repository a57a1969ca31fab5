//! A batch that no client can read, in front of records.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Mutex;

use super::*;
use crate::unreadable::UnreadableBatch;

/// Publishes each record unchanged, and keeps the unreadable batches.
#[derive(Default)]
struct Keeper(Mutex<Vec<UnreadableBatch>>);

impl Handler for Keeper {
    fn on_record(&self, record: &InboundRecord<'_>, ack: AckHandle) {
        Echo.on_record(record, ack);
    }

    fn on_unreadable(&self, batch: &UnreadableBatch, ack: AckHandle) {
        self.0.lock().unwrap().push(batch.clone());
        ack.finish(None);
    }
}

/// A batch of `count` records which claims to be compressed. The mock cluster checks no content.
fn garbage(codec: i16, count: i32) -> Vec<u8> {
    let content = b"neither LZ4 nor Zstandard";
    let checked: Vec<u8> = [
        &codec.to_be_bytes()[..],
        &(count - 1).to_be_bytes(),
        &[0; 16],    // timestamps
        &[0xff; 14], // no producer
        &count.to_be_bytes(),
        content,
    ]
    .concat();
    let length = i32::try_from(4 + 1 + 4 + checked.len()).unwrap();
    let (base, epoch, magic, crc) = ([0; 8], [0xff; 4], [2], [0; 4]);
    [&base[..], &length.to_be_bytes(), &epoch, &magic, &crc, &checked].concat()
}

/// Writes a batch to the input by a produce request (version 7) made by hand.
fn produce_raw(cluster: &Cluster, batch: &[u8]) {
    let text = |text: &str| {
        [&u16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
    };
    let length = u32::try_from(batch.len()).unwrap().to_be_bytes();
    let request: Vec<u8> = [
        &[0, 0, 0, 7][..], // Produce, version 7
        &[0, 0, 0, 1],
        &text("by hand"),
        &[0xff, 0xff], // no transaction
        &[0xff, 0xff], // acks=all
        &[0, 0, 0x10, 0],
        &[0, 0, 0, 1],
        &text("in"),
        &[0, 0, 0, 1],
        &[0, 0, 0, 0], // partition
        &length,
        batch,
    ]
    .concat();
    let mut socket = TcpStream::connect(cluster.0.bootstrap_servers()).unwrap();
    socket.write_all(&u32::try_from(request.len()).unwrap().to_be_bytes()).unwrap();
    socket.write_all(&request).unwrap();
    let mut answer = [0; 4 + 4 + 4 + 2 + 2 + 4 + 4 + 2];
    socket.read_exact(&mut answer).unwrap();
    assert_eq!(answer[answer.len() - 2..], [0, 0], "{answer:?}");
}

#[test]
fn an_unreadable_batch_is_handed_over_and_its_partition_goes_on() {
    for_each([(3, ExactlyOnce), (4, AtLeastOnce)], |(codec, guarantee)| {
        let cluster = Cluster::new();
        cluster.produce();
        produce_raw(&cluster, &garbage(codec, 7));
        produce_raw(&cluster, &garbage(codec, 1));
        cluster.produce();
        let handler = Keeper::default();
        let mut config = cluster.config();
        config.skip_unreadable_after = Duration::from_secs(1);
        let expected = 2 * RECORDS + 2;
        let outcome = run_with_config(&config, settings(guarantee), &handler, |metrics| {
            metrics.committed.get() >= expected
        });
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        assert_eq!(outcome.committed, expected, "a batch counts as a record");
        assert_eq!((outcome.failed, outcome.rewinds), (0, 0));
        let skipped = handler.0.into_inner().unwrap();
        let ranges: Vec<_> = skipped.iter().map(|batch| (batch.offset, batch.last())).collect();
        assert_eq!(ranges, [(10, 16), (17, 17)]);
        assert!(skipped.iter().all(|batch| batch.error.contains("Decompression")), "{skipped:?}");
    });
}
