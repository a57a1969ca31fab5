//! The processor's settings.

use std::time::Duration;

use abacus_kafka::KafkaConfig;
use abacus_kafka::stream::{GroupProtocol, Guarantee};
use abacus_operations::Limits;
use abacus_registry::{RegistryConfig, topics};
use abacus_runtime::{
    AdminConfig, ByteSize, Config, Environment, LogConfig, SecretString, ServiceConfig,
};
use abacus_schemas::Topics;

use crate::dead_letter::DeadLetterLimits;
use crate::lane::Lane;

/// The processor's settings.
#[derive(Debug)]
pub struct ProcessorConfig {
    pub(crate) kafka: KafkaConfig,
    pub(crate) registry: RegistryConfig,
    pub(crate) topics: Topics,
    pub(crate) stream: StreamConfig,
    pub(crate) cache: CacheConfig,
    pub(crate) costs: CostConfig,
    pub(crate) dead_letters: DeadLetterLimits,
    pub(crate) limits: Limits,
    pub(crate) workers: WorkerConfig,
    pub(crate) reply_topics: Vec<String>,
    admin: AdminConfig,
    log: LogConfig,
}

/// How requests are consumed and completions committed.
#[derive(Debug)]
pub(crate) struct StreamConfig {
    pub(crate) group: String,
    pub(crate) instance: String,
    pub(crate) delivery: Guarantee,
    pub(crate) protocol: GroupProtocol,
    pub(crate) commit_interval: Duration,
    pub(crate) commit_records: usize,
    pub(crate) commit_bytes: ByteSize,
    pub(crate) partition_backlog: usize,
    pub(crate) partition_backlog_bytes: ByteSize,
    pub(crate) drain: Duration,
    pub(crate) hand_over: Duration,
}

/// What is remembered, and where.
#[derive(Debug)]
pub(crate) struct CacheConfig {
    pub(crate) memory: ByteSize,
    pub(crate) redis_url: SecretString,
    pub(crate) redis_prefix: String,
    pub(crate) redis_timeout: Duration,
    pub(crate) redis_ttl: Duration,
}

/// Where the treatment of a computation changes, in estimated word operations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CostConfig {
    /// From here on Redis is asked, and told.
    pub(crate) redis: u64,
    /// From here on the heavy lane computes it; 0 is never.
    pub(crate) heavy: u64,
}

/// How many threads compute, and how much they may have finished.
#[derive(Debug)]
pub(crate) struct WorkerConfig {
    main: usize,
    heavy: usize,
    pub(crate) uncommitted_results: ByteSize,
}

/// Shorter, transactions would do nothing but begin and end.
const SHORTEST_COMMIT_INTERVAL: Duration = Duration::from_millis(1);

impl Config for StreamConfig {
    fn read(env: &mut Environment) -> Self {
        let stream = Self {
            group: env.get(
                "ABACUS_PROCESSOR_GROUP",
                "abacus-processor",
                "Consumer group; the heavy lane's has .heavy behind it. A new name begins at the oldest \
                 request and completes all of them again",
            ),
            instance: env.get(
                "ABACUS_INSTANCE_ID",
                "processor-1",
                "Name of this instance: the same after a restart, unique among those running",
            ),
            delivery: env.get(
                "ABACUS_DELIVERY",
                "exactly-once",
                "Whether completions are written in transactions, each once, or without, when a crash \
                 repeats some: exactly-once or at-least-once",
            ),
            protocol: env.get(
                "ABACUS_GROUP_PROTOCOL",
                "classic",
                "How the group's members share the partitions, the same for all: classic, or consumer \
                 (KIP-848, Kafka 4.0 and later)",
            ),
            commit_interval: env.get(
                "ABACUS_COMMIT_INTERVAL",
                "100ms",
                "Longest wait of a finished request for its transaction",
            ),
            commit_records: env.get(
                "ABACUS_COMMIT_RECORDS",
                "20000",
                "Finished requests that start a transaction before its time",
            ),
            commit_bytes: env.get(
                "ABACUS_COMMIT_BYTES",
                "8MiB",
                "Size of finished completions that starts a transaction before its time",
            ),
            partition_backlog: env.get(
                "ABACUS_PARTITION_BACKLOG",
                "10000",
                "Requests of one partition in work or waiting to be committed before it is paused",
            ),
            partition_backlog_bytes: env.get(
                "ABACUS_PARTITION_BACKLOG_BYTES",
                "16MiB",
                "The same in bytes of requests",
            ),
            drain: env.get("ABACUS_DRAIN", "5s", "Longest wait for work under way at shutdown"),
            hand_over: env.get(
                "ABACUS_HAND_OVER",
                "500ms",
                "Longest wait for a partition's work under way before it moves to another processor",
            ),
        };
        if stream.commit_interval < SHORTEST_COMMIT_INTERVAL {
            env.problem(
                "ABACUS_COMMIT_INTERVAL",
                format!("expected at least {SHORTEST_COMMIT_INTERVAL:?}"),
            );
        }
        if stream.partition_backlog == 0 {
            env.problem("ABACUS_PARTITION_BACKLOG", "expected at least 1");
        }
        for (name, size) in [
            ("ABACUS_PARTITION_BACKLOG_BYTES", stream.partition_backlog_bytes),
            ("ABACUS_COMMIT_BYTES", stream.commit_bytes),
        ] {
            if size.as_u64() == 0 {
                env.problem(name, "expected at least 1");
            }
        }
        stream
    }
}

impl Config for CacheConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            memory: env.get("ABACUS_CACHE_MEMORY", "64MiB", "Memory for results"),
            redis_url: env.secret(
                "ABACUS_REDIS_URL",
                "redis://127.0.0.1:6379",
                "Redis, shared by all processors; computing goes on without it",
            ),
            redis_prefix: env.get(
                "ABACUS_REDIS_PREFIX",
                "abacus:result:",
                "Text in front of every Redis key",
            ),
            redis_timeout: env.get(
                "ABACUS_REDIS_TIMEOUT",
                "25ms",
                "Longest wait for Redis before it counts as a miss",
            ),
            redis_ttl: env.get("ABACUS_REDIS_TTL", "1day", "How long Redis keeps a result"),
        }
    }
}

impl Config for CostConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            redis: env.get(
                "ABACUS_REDIS_MINIMUM_COST",
                "100000",
                "Estimated word operations from which asking Redis pays; below, computing is faster",
            ),
            heavy: env.get(
                "ABACUS_HEAVY_MINIMUM_COST",
                "10000000",
                "Estimated word operations from which a request is handed to the heavy lane; 0 for never",
            ),
        }
    }
}

impl Config for DeadLetterLimits {
    fn read(env: &mut Environment) -> Self {
        let limits = Self {
            consecutive: env.get(
                "ABACUS_DEAD_LETTER_CONSECUTIVE",
                "100",
                "Unreadable records one after the other from which the processor stops reading until it is \
                 restarted; 0 for no limit",
            ),
            percent: env.get(
                "ABACUS_DEAD_LETTER_PERCENT",
                "50",
                "Percent of a thousand records, unreadable, from which it does; 0 for no limit",
            ),
        };
        if limits.percent > 100 {
            env.problem("ABACUS_DEAD_LETTER_PERCENT", "expected at most 100");
        }
        limits
    }
}

impl Config for WorkerConfig {
    fn read(env: &mut Environment) -> Self {
        let workers = Self {
            main: env.get("ABACUS_WORKERS", "0", "Computing threads; 0 for one a core"),
            heavy: env.get(
                "ABACUS_HEAVY_WORKERS",
                "0",
                "Computing threads of the heavy lane, beside the others and after them in priority; \
                 0 for one for every four cores, at least one",
            ),
            uncommitted_results: env.get(
                "ABACUS_HELD_RESULTS",
                "256MiB",
                "Results of each lane that may wait for their transaction before more are computed",
            ),
        };
        if workers.uncommitted_results.as_u64() == 0 {
            env.problem("ABACUS_HELD_RESULTS", "expected at least 1");
        }
        workers
    }
}

impl WorkerConfig {
    /// As many threads as set, or as the cores that this process may use ask for.
    pub(crate) fn threads(&self, lane: Lane) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        match lane {
            Lane::Main if self.main > 0 => self.main,
            Lane::Main => cores,
            Lane::Heavy if self.heavy > 0 => self.heavy,
            Lane::Heavy => (cores / 4).max(1),
        }
    }
}

impl Config for ProcessorConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            kafka: KafkaConfig::read(env),
            registry: RegistryConfig::read(env),
            topics: topics(env),
            stream: StreamConfig::read(env),
            cache: CacheConfig::read(env),
            costs: CostConfig::read(env),
            dead_letters: DeadLetterLimits::read(env),
            limits: Limits {
                max_digits: env.get(
                    "ABACUS_MAX_DIGITS",
                    "1000000",
                    "Most decimal digits of a result",
                ),
                ..Limits::default()
            },
            workers: WorkerConfig::read(env),
            reply_topics: env.get(
                "ABACUS_REPLY_TOPICS",
                "abacus.replies.*",
                "Topics that direct producers may name for replies, beside the ingress' own; \
                 a * at the end stands for any text",
            ),
            admin: AdminConfig::read(env, "127.0.0.1:9081"),
            log: LogConfig::read(env),
        }
    }
}

impl ServiceConfig for ProcessorConfig {
    fn admin(&self) -> &AdminConfig {
        &self.admin
    }

    fn log(&self) -> &LogConfig {
        &self.log
    }
}
