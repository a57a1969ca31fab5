//! Connections lost during a transaction.
//!
//! librdkafka repeats a request after the loss of its connection. The broker may receive the lost
//! request late, after the repeated one, and during a later transaction with the same producer
//! epoch: a late `EndTxn` ends the later transaction, and a late `TxnOffsetCommit` moves its offsets
//! back. KIP-890 closes this gap in the protocol, and librdkafka 2.12 does not implement the client's
//! part. A producer that has lost a connection in a transaction must therefore be replaced:
//! `init_transactions` raises the epoch, and the broker refuses late requests.
//!
//! librdkafka suppresses repeated error events, but its debug log has a line for each lost
//! connection. The client's queue holds the lines until a poll, and no transactional call polls.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};

/// Longest time for reading the events of a client.
const READING: Duration = Duration::from_millis(100);
/// Part of the line for a connection in use; connections that fail to open have another state.
const WAS_UP: &str = " in state UP";
/// Part of the line for the first connection of a client, which carries no request of a transaction
/// and is closed once the brokers are known.
const BOOTSTRAP: &str = "/bootstrap: ";
/// Part of the line for a connection without a request for a long time, closed by the client.
const IDLE: &str = "max idle time exceeded";

/// Number of connections that a client has lost.
#[derive(Debug, Default)]
pub(crate) struct LostConnections(AtomicU64);

impl LostConnections {
    /// Enables the log lines about connections.
    pub(crate) fn enable(config: &mut ClientConfig) {
        let debug = match config.get("debug") {
            Some(contexts) if !contexts.is_empty() => format!("{contexts},broker"),
            _ => "broker".to_owned(),
        };
        config.set("debug", debug).set_log_level(RDKafkaLogLevel::Debug);
    }

    /// Reads a line of the client's log.
    pub(crate) fn read_log(&self, facility: &str, message: &str) {
        let is_planned = message.contains(IDLE) || message.contains(BOOTSTRAP);
        if facility == "FAIL" && message.contains(WAS_UP) && !is_planned {
            self.0.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Calls `run`, a step of a transaction. Returns the result, and true if the client lost a
    /// connection meanwhile. `read_event` polls the client if events are queued or records are in
    /// flight, and returns false otherwise.
    pub(crate) fn during<T>(
        &self,
        run: impl FnOnce() -> T,
        read_event: impl Fn() -> bool,
    ) -> (T, bool) {
        let before = self.count();
        let result = run();
        // A poll reads one event. Records stay in flight only in a failed transaction.
        let deadline = Instant::now() + READING;
        while read_event() && Instant::now() < deadline {}
        (result, self.count() != before)
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use rdkafka::ClientContext;
    use rdkafka::message::DeliveryResult;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{
        BaseProducer, BaseRecord, DefaultProducerContext, Producer as _, ProducerContext,
    };

    use super::*;

    #[derive(Default)]
    struct Context(LostConnections);

    impl ClientContext for Context {
        fn log(&self, _: RDKafkaLogLevel, facility: &str, message: &str) {
            self.0.read_log(facility, message);
        }
    }

    impl ProducerContext for Context {
        type DeliveryOpaque = ();
        fn delivery(&self, _: &DeliveryResult<'_>, (): ()) {}
    }

    /// A producer with no queued event.
    fn producer(cluster: &MockCluster<'_, DefaultProducerContext>) -> BaseProducer<Context> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", cluster.bootstrap_servers());
        LostConnections::enable(&mut config);
        let producer: BaseProducer<Context> =
            config.create_with_context(Context::default()).unwrap();
        // A record opens a connection other than the first.
        producer.send(BaseRecord::<(), ()>::to("topic")).map_err(|(error, _)| error).unwrap();
        producer.flush(Duration::from_secs(10)).unwrap();
        while read_event(&producer) {}
        producer
    }

    fn read_event(producer: &BaseProducer<Context>) -> bool {
        let has_event = producer.in_flight_count() > 0;
        if has_event {
            producer.poll(Duration::ZERO);
        }
        has_event
    }

    #[test]
    fn only_connections_in_use_are_counted() {
        let lost = LostConnections::default();
        let name = "[thrd:TxnCoordinator]: TxnCoordinator: 127.0.0.1:9092: ";
        for (facility, message) in [
            ("FAIL", "Disconnected (after 8123ms in state UP) (_TRANSPORT)"),
            ("FAIL", "1 request(s) timed out: disconnect (after 60003ms in state UP) (_TIMED_OUT)"),
        ] {
            lost.read_log(facility, &format!("{name}{message}"));
        }
        assert_eq!(lost.count(), 2);
        for (facility, message) in [
            (
                "FAIL",
                "Connection max idle time exceeded (30001ms since last activity) \
                      (after 31234ms in state UP) (_TRANSPORT)",
            ),
            (
                "FAIL",
                "Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state \
                      CONNECT) (_TRANSPORT)",
            ),
            ("STATE", "Broker changed state CONNECT -> UP"),
        ] {
            lost.read_log(facility, &format!("{name}{message}"));
        }
        assert_eq!(lost.count(), 2);
    }

    #[test]
    fn a_loss_during_a_call_is_seen_although_the_call_does_not_poll() {
        let cluster = MockCluster::new(1).unwrap();
        let producer = producer(&cluster);
        let lost = &producer.context().0;
        assert_eq!(lost.during(|| 7, || read_event(&producer)), (7, false));
        let disconnect = || {
            let before = producer.in_flight_count();
            cluster.broker_down(1).unwrap();
            while producer.in_flight_count() == before {
                thread::park_timeout(Duration::from_millis(5));
            }
        };
        assert_eq!(lost.during(disconnect, || read_event(&producer)), ((), true));
    }

    #[test]
    fn the_operators_debug_contexts_are_kept() {
        let mut config = ClientConfig::new();
        LostConnections::enable(&mut config);
        assert_eq!(config.get("debug"), Some("broker"));
        config.set("debug", "eos");
        LostConnections::enable(&mut config);
        assert_eq!(config.get("debug"), Some("eos,broker"));
    }
}
