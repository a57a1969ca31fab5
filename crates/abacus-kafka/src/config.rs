//! The brokers' addresses, and the settings of every client.

use std::time::Duration;

use abacus_runtime::{Config, Environment, ExposeSecret, SecretString};
use rdkafka::ClientConfig;

use crate::group_protocol::GroupProtocol;

/// Largest record a client sends or fetches, in bytes: the limit of the topics.
const MAX_RECORD_BYTES: &str = "8388608";

/// Longest wait for the cluster's answer to one call.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait of a poll: the polling loops check for shutdown at this interval.
pub(crate) const POLL_INTERVAL: Duration = Duration::from_millis(100);

const SESSION_TIMEOUT: &str = "ABACUS_KAFKA_SESSION_TIMEOUT";
/// Lower bound of the session timeout: a pause of the process may last a second.
const SHORTEST_SESSION: Duration = Duration::from_secs(1);
/// Heartbeats of a member within its session timeout. Also limits the time until a member hears of a
/// rebalance.
const HEARTBEATS: u32 = 10;

const PROPERTIES: &str = "ABACUS_KAFKA_PROPERTIES";

/// Settings reserved for this crate: the operator's properties may not change them.
const RESERVED: [&str; 12] = [
    "acks",
    "auto.offset.reset",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.idempotence",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "isolation.level",
    "partition.assignment.strategy",
    "transaction.timeout.ms",
    "transactional.id",
];

/// The brokers' addresses, and additional client settings.
#[derive(Clone, Debug)]
pub struct KafkaConfig {
    /// `host:port` of one or more brokers, separated by commas.
    pub bootstrap: String,
    /// Additional librdkafka settings, for example TLS and SASL with passwords. Override the built-in
    /// settings.
    pub properties: Vec<(String, SecretString)>,
    /// Time after which a batch that cannot be read is skipped.
    pub skip_unreadable_after: Duration,
    /// Time without a heartbeat after which a consumer group removes a member (classic protocol).
    pub session_timeout: Duration,
    /// Static membership of consumer groups (classic protocol, KIP-345).
    pub static_membership: bool,
}

impl Config for KafkaConfig {
    fn read(env: &mut Environment) -> Self {
        let bootstrap = env.get(
            "ABACUS_KAFKA_BOOTSTRAP",
            "127.0.0.1:9092",
            "Kafka bootstrap brokers: host:port, separated by commas",
        );
        let text = env.secret(
            PROPERTIES,
            "",
            "librdkafka settings that override the built-in settings: name=value, separated by commas or newlines",
        );
        let mut properties = Vec::new();
        for pair in pairs(text.expose_secret()) {
            match pair {
                Ok((name, _)) if RESERVED.contains(&name) => env.problem(
                    PROPERTIES,
                    format!("{name} cannot be changed: the delivery guarantees depend on it"),
                ),
                Ok((name, value)) => properties.push((name.to_owned(), value.into())),
                Err(position) => env.problem(
                    PROPERTIES,
                    format!("setting {position} does not have the form name=value"),
                ),
            }
        }
        let skip_unreadable_after = env.get(
            "ABACUS_KAFKA_SKIP_UNREADABLE_AFTER",
            "60s",
            "Time after which a batch that no client can read (damaged, or compressed in an unknown \
             way) is put aside, so that its partition goes on",
        );
        let session_timeout: Duration = env.get(
            SESSION_TIMEOUT,
            "6s",
            "Time after which a consumer group gives the partitions of a dead member to others; at \
             least the brokers' group.min.session.timeout.ms",
        );
        if session_timeout < SHORTEST_SESSION {
            env.problem(SESSION_TIMEOUT, format!("expected at least {SHORTEST_SESSION:?}"));
        }
        let static_membership = env.get(
            "ABACUS_KAFKA_STATIC_MEMBERSHIP",
            "false",
            "Whether a process that restarts within the session timeout gets its partitions back at once \
             (KIP-345); needs an ABACUS_INSTANCE_ID that is the same after the restart",
        );
        Self { bootstrap, properties, skip_unreadable_after, session_timeout, static_membership }
    }
}

/// Splits `text` into names and values. An item without `=` gives its position instead. Text of
/// several lines is split by line, so a value may hold a comma.
fn pairs(text: &str) -> impl Iterator<Item = Result<(&str, &str), usize>> {
    let separator = if text.trim().contains('\n') { '\n' } else { ',' };
    let settings = text.split(separator).map(str::trim).filter(|setting| !setting.is_empty());
    settings.enumerate().map(|(index, setting)| {
        let (name, value) = setting.split_once('=').ok_or(index + 1)?;
        Ok((name.trim(), value.trim()))
    })
}

impl KafkaConfig {
    /// A configuration for the brokers at `bootstrap`, without additional settings.
    pub fn new(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            properties: Vec::new(),
            skip_unreadable_after: Duration::from_mins(1),
            session_timeout: Duration::from_secs(6),
            static_membership: false,
        }
    }

    /// Settings of every client. `socket.nagle.disable` and short back-offs keep single records fast.
    /// The operator's properties come last and override the others.
    fn client(&self, name: &str, own: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("client.id", name)
            .set("socket.nagle.disable", "true")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("allow.auto.create.topics", "false");
        for (key, value) in own {
            config.set(*key, *value);
        }
        for (key, value) in &self.properties {
            config.set(key, value.expose_secret());
        }
        config
    }

    /// A producer, idempotent unless `own` disables it: retries write no duplicates, and a record
    /// counts as delivered once all in-sync replicas have it.
    pub(crate) fn producer(&self, name: &str, own: &[(&str, &str)]) -> ClientConfig {
        let shared = [
            ("enable.idempotence", "true"),
            ("acks", "all"),
            ("message.max.bytes", MAX_RECORD_BYTES),
            ("retry.backoff.ms", "10"),
        ];
        self.client(name, &[&shared, own].concat())
    }

    /// A consumer without automatic commits. `fetch.wait.max.ms` limits the wait of a newly
    /// assigned, sought or resumed partition for the fetch in flight.
    pub(crate) fn consumer(&self, name: &str, own: &[(&str, &str)]) -> ClientConfig {
        let shared = [
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "earliest"),
            ("fetch.wait.max.ms", "20"),
            ("fetch.queue.backoff.ms", "5"),
            ("fetch.error.backoff.ms", "50"),
            ("fetch.message.max.bytes", MAX_RECORD_BYTES),
        ];
        self.client(name, &[&shared, own].concat())
    }

    /// A member of a group, reading committed records with cooperative rebalancing.
    ///
    /// With static membership (KIP-345), a process restarted under the client `name` receives its
    /// partitions at once, and a process that ends must leave by [`leave`](crate::membership::leave).
    /// librdkafka may send a join request twice after the loss of a connection. The broker then fences
    /// the member, and the owner of the consumer must join again by a new consumer ([`crate::fencing`]).
    /// With the consumer protocol the broker sets the session timeout, and refuses a static member until
    /// the session of its predecessor has ended, so membership is dynamic; librdkafka refuses the classic
    /// protocol's settings.
    pub(crate) fn group_consumer(
        &self,
        name: &str,
        group: &str,
        protocol: GroupProtocol,
        own: &[(&str, &str)],
    ) -> ClientConfig {
        let shared = [("group.id", group), ("isolation.level", "read_committed")];
        let session = self.session_timeout.as_millis().to_string();
        let heartbeat = (self.session_timeout / HEARTBEATS).as_millis().to_string();
        let of_protocol: &[_] = match protocol {
            GroupProtocol::Classic => &[
                ("partition.assignment.strategy", "cooperative-sticky"),
                ("session.timeout.ms", session.as_str()),
                ("heartbeat.interval.ms", heartbeat.as_str()),
            ],
            GroupProtocol::Consumer => &[("group.protocol", "consumer")],
        };
        let is_static = self.static_membership && protocol == GroupProtocol::Classic;
        let instance: &[_] = if is_static { &[("group.instance.id", name)] } else { &[] };
        self.consumer(name, &[&shared, of_protocol, instance, own].concat())
    }

    /// A client for metadata and administration.
    pub(crate) fn admin(&self) -> ClientConfig {
        self.client("abacus-admin", &[])
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::consumer::BaseConsumer;

    use super::*;

    fn problems(properties: &str) -> String {
        let mut env = Environment::from_pairs([("ABACUS_KAFKA_PROPERTIES", properties)]);
        let _ = KafkaConfig::read(&mut env);
        env.finish().err().map(|problems| problems.to_string()).unwrap_or_default()
    }

    #[test]
    fn properties_are_laid_over_ours() {
        let mut env = Environment::from_pairs([(
            "ABACUS_KAFKA_PROPERTIES",
            "security.protocol=SSL, socket.keepalive.enable=false",
        )]);
        let config = KafkaConfig::read(&mut env).consumer("c", &[]);
        assert_eq!(config.get("security.protocol"), Some("SSL"));
        assert_eq!(config.get("socket.keepalive.enable"), Some("false"));
    }

    #[test]
    fn a_password_may_hold_a_comma_and_is_never_shown() {
        let text = "sasl.password=hush,hush\nsasl.username=abacus";
        let mut env = Environment::from_pairs([(PROPERTIES, text)]);
        let config = KafkaConfig::read(&mut env);
        assert_eq!(config.consumer("c", &[]).get("sasl.password"), Some("hush,hush"));
        assert!(!format!("{config:?}{}", env.finish().unwrap()).contains("hush"));
        assert!(!problems("hush").contains("hush"));
    }

    #[test]
    fn every_codec_of_kafka_can_be_read() {
        let client = ClientConfig::new().create_native_config().unwrap();
        let features = client.get("builtin.features").unwrap();
        for codec in ["gzip", "snappy", "lz4", "zstd"] {
            assert!(features.split(',').any(|feature| feature == codec), "{codec}: {features}");
        }
    }

    #[test]
    fn each_group_protocol_has_the_settings_that_it_allows() {
        let mut config = KafkaConfig::new("127.0.0.1:1");
        config.static_membership = false;
        let dynamic = config.group_consumer("c", "g", GroupProtocol::Classic, &[]);
        assert_eq!(dynamic.get("group.instance.id"), None);
        config.static_membership = true;
        let classic = config.group_consumer("c", "g", GroupProtocol::Classic, &[]);
        assert_eq!(classic.get("partition.assignment.strategy"), Some("cooperative-sticky"));
        assert_eq!(classic.get("group.instance.id"), Some("c"), "a restart is one member");
        assert_eq!(classic.get("session.timeout.ms"), Some("6000"));
        assert_eq!(classic.get("heartbeat.interval.ms"), Some("600"));
        let newer = config.group_consumer("c", "g", GroupProtocol::Consumer, &[]);
        assert_eq!(newer.get("group.protocol"), Some("consumer"));
        assert_eq!(newer.get("group.instance.id"), None);
        for config in [classic, newer] {
            assert_eq!(config.get("isolation.level"), Some("read_committed"));
            let _: BaseConsumer = config.create().unwrap();
        }
    }

    #[test]
    fn properties_that_would_break_a_promise_are_refused() {
        for setting in RESERVED {
            assert!(problems(&format!("{setting}=latest")).contains(setting), "{setting}");
        }
        assert!(problems("nonsense").contains("name=value"));
        assert_eq!(problems("security.protocol=SSL"), "");
    }
}
