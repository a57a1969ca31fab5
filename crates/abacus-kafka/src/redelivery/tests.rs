use std::ops::ControlFlow;

use rdkafka::error::RDKafkaErrorCode;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr as Answer};

use super::*;
use crate::producer::Duplicates;
use crate::record::Header;
use crate::scan::{ScanStart, TopicScan};

const PATIENCE: Duration = Duration::from_secs(30);
/// Time limit of librdkafka's own retries.
const TRY: Duration = Duration::from_secs(1);
/// An error without retries by librdkafka.
const REFUSAL: Answer = Answer::RD_KAFKA_RESP_ERR_UNKNOWN;

struct Fixture {
    cluster: MockCluster<'static, DefaultProducerContext>,
    producer: PersistentProducer,
    heard: Arc<Mutex<Vec<Redelivery>>>,
}

impl Fixture {
    fn new(limit_bytes: usize) -> Self {
        let cluster = MockCluster::new(1).unwrap();
        cluster.create_topic("replies", 2, 1).unwrap();
        let settings = ProducerSettings {
            name: "test".to_owned(),
            delivery_timeout: TRY,
            duplicates: Duplicates::Possible,
            queue_bytes: 1 << 20,
        };
        let heard = Arc::<Mutex<Vec<Redelivery>>>::default();
        let hearing = Arc::clone(&heard);
        let config = KafkaConfig::new(cluster.bootstrap_servers());
        let producer = PersistentProducer::connect(&config, &settings, limit_bytes, move |what| {
            hearing.lock().push(what);
        });
        Self { cluster, producer: producer.unwrap(), heard }
    }

    fn refuse(&self, times: usize) {
        self.cluster.request_errors(Api::Produce, &vec![REFUSAL; times]);
    }

    fn send(&self, time: Duration) {
        let headers = [Header { name: "correlation", value: b"7" }];
        let outgoing = Outgoing {
            topic: "replies",
            partition: Some(1),
            key: b"key",
            payload: b"payload",
            headers: &headers,
        };
        self.producer.send(&outgoing, time).unwrap();
    }

    fn settle(&self) {
        self.producer.flush(PATIENCE).unwrap();
    }

    fn heard(&self) -> Vec<Redelivery> {
        self.heard.lock().clone()
    }

    fn written(&self) -> usize {
        let config = KafkaConfig::new(self.cluster.bootstrap_servers());
        let scan = TopicScan::open(&config, "scan", "replies", &ScanStart::Beginning).unwrap();
        let mut count = 0;
        scan.run::<Error>(|record| {
            let content = (record.partition(), record.key(), record.payload());
            assert_eq!(content, (1, &b"key"[..], &b"payload"[..]));
            assert_eq!(record.header("correlation"), Some(&b"7"[..]));
            count += 1;
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
        count
    }
}

#[test]
fn what_was_not_written_is_sent_again_as_it_was() {
    let fixture = Fixture::new(1000);
    fixture.refuse(3);
    fixture.send(PATIENCE);
    fixture.settle();
    assert_eq!(fixture.heard(), [Redelivery::Again(RDKafkaErrorCode::Unknown); 3]);
    assert_eq!(fixture.written(), 1);
}

#[test]
fn a_broker_that_is_away_for_longer_than_a_try_is_waited_for() {
    let fixture = Fixture::new(1000);
    fixture.cluster.broker_down(1).unwrap();
    fixture.send(PATIENCE);
    while fixture.heard().is_empty() {
        std::thread::park_timeout(PAUSE / 10);
    }
    fixture.cluster.broker_up(1).unwrap();
    fixture.settle();
    assert!(!fixture.heard().iter().any(|what| matches!(what, Redelivery::Lost(_))));
    assert_eq!(fixture.written(), 1);
}

#[test]
fn what_nobody_wants_any_more_is_given_up_once_and_reported() {
    let fixture = Fixture::new(1000);
    fixture.refuse(100);
    fixture.send(PAUSE * 3);
    fixture.settle();
    let heard = fixture.heard();
    let lost = heard.iter().filter(|what| matches!(what, Redelivery::Lost(_))).count();
    assert_eq!((lost, heard.last()), (1, Some(&Redelivery::Lost(RDKafkaErrorCode::Unknown))));
    assert!(heard.len() > 1, "it was not sent again: {heard:?}");
}

#[test]
fn beyond_the_limit_of_memory_it_is_given_up() {
    let fixture = Fixture::new(5);
    fixture.refuse(1);
    fixture.send(PATIENCE);
    fixture.settle();
    assert_eq!(fixture.heard(), [Redelivery::Lost(RDKafkaErrorCode::Unknown)]);
}

#[test]
fn what_is_refused_for_good_is_not_sent_again() {
    let fixture = Fixture::new(1000);
    let refusal = Answer::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    fixture.cluster.request_errors(Api::Produce, &[refusal]);
    fixture.send(PATIENCE);
    fixture.settle();
    let code = RDKafkaErrorCode::TopicAuthorizationFailed;
    assert_eq!(fixture.heard(), [Redelivery::Lost(code)]);
}
