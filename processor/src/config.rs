//! Settings of the processor.

use std::time::Duration;

use abacus_kafka::KafkaConfig;
use abacus_kafka::stream::{GroupProtocol, Guarantee};
use abacus_operations::Limits;
use abacus_registry::{RegistryConfig, topics};
use abacus_runtime::{
    AdminConfig, ByteSize, Config, Environment, LogConfig, ServiceConfig, shared_settings,
};
use abacus_schemas::Topics;

use crate::cache_config::CacheConfig;
use crate::dead_letter::DeadLetterLimits;
use crate::lane::Lane;
use crate::reply_limits::ReplyLimits;

/// Settings of the processor.
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
    pub(crate) reply_limits: ReplyLimits,
    admin: AdminConfig,
    log: LogConfig,
}

/// Consuming requests and committing completions.
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

/// Thresholds for the treatment of a computation, in estimated word operations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CostConfig {
    /// Cost from which results are read from and stored in Redis.
    pub(crate) redis: u64,
    /// Cost from which the heavy lane computes a request; 0 for never.
    pub(crate) heavy: u64,
}

/// Numbers of computing threads, the memory for their results, and the memory of request ids.
#[derive(Debug)]
pub(crate) struct WorkerConfig {
    main: usize,
    heavy: usize,
    pub(crate) uncommitted_results: ByteSize,
    /// Remembered request ids of each partition.
    pub(crate) repeat_window: usize,
}

/// Lower bound of the commit interval: shorter transactions would be all overhead.
const SHORTEST_COMMIT_INTERVAL: Duration = Duration::from_millis(1);

impl Config for StreamConfig {
    fn read(env: &mut Environment) -> Self {
        let stream = Self {
            group: env.get(
                "ABACUS_PROCESSOR_GROUP",
                "abacus-processor",
                "Consumer group; the heavy lane appends .heavy. A new name starts at the oldest request \
                 and completes all requests again",
            ),
            instance: shared_settings::instance_id(env, "processor-1"),
            delivery: env.get(
                "ABACUS_DELIVERY",
                "exactly-once",
                "Guarantee for completions: exactly-once (in transactions), or at-least-once (a crash \
                 writes some again)",
            ),
            protocol: env.get(
                "ABACUS_GROUP_PROTOCOL",
                "classic",
                "Protocol of the consumer group, equal for all members: classic, or consumer (KIP-848, \
                 Kafka 4.0 and later)",
            ),
            commit_interval: env.get(
                "ABACUS_COMMIT_INTERVAL",
                "100ms",
                "Longest wait of a finished request for its transaction",
            ),
            commit_records: env.get(
                "ABACUS_COMMIT_RECORDS",
                "20000",
                "Number of finished requests that starts a transaction early",
            ),
            commit_bytes: env.get(
                "ABACUS_COMMIT_BYTES",
                "8MiB",
                "Size of finished completions that starts a transaction early",
            ),
            partition_backlog: env.get(
                "ABACUS_PARTITION_BACKLOG",
                "10000",
                "Uncommitted requests of one partition at which the partition is paused",
            ),
            partition_backlog_bytes: env.get(
                "ABACUS_PARTITION_BACKLOG_BYTES",
                "16MiB",
                "Size of the uncommitted requests of one partition at which the partition is paused",
            ),
            drain: env.get("ABACUS_DRAIN", "5s", "Longest wait for unfinished requests at shutdown"),
            hand_over: env.get(
                "ABACUS_HAND_OVER",
                "500ms",
                "Longest wait for the unfinished requests of a partition before it moves to another processor",
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

impl Config for CostConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            redis: env.get(
                "ABACUS_REDIS_MINIMUM_COST",
                "100000",
                "Smallest estimated cost for a Redis lookup, in word operations; below, computing is faster",
            ),
            heavy: shared_settings::heavy_minimum_cost(env),
        }
    }
}

impl Config for DeadLetterLimits {
    fn read(env: &mut Environment) -> Self {
        let limits = Self {
            consecutive: env.get(
                "ABACUS_DEAD_LETTER_CONSECUTIVE",
                "100",
                "Consecutive unreadable records at which the processor asks the registry for its own schema; it \
                 stops reading only while the registry lacks the schema; 0 for no limit",
            ),
            percent: env.get(
                "ABACUS_DEAD_LETTER_PERCENT",
                "50",
                "Percentage of unreadable records, in a thousand, at which the processor asks the registry for its \
                 own schema; 0 for no limit",
            ),
            retry: env.get(
                "ABACUS_DEAD_LETTER_RETRY",
                "10s",
                "Longest time between two such questions; a stopped processor goes on after a good answer",
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
            main: env.get("ABACUS_WORKERS", "0", "Computing threads of the main lane; 0 for one per core"),
            heavy: env.get(
                "ABACUS_HEAVY_WORKERS",
                "0",
                "Computing threads of the heavy lane, in addition and with the lowest priority; 0 for one \
                 per four cores, at least one",
            ),
            uncommitted_results: env.get(
                "ABACUS_HELD_RESULTS",
                "256MiB",
                "Memory for uncommitted results of each lane; at the limit, further requests wait",
            ),
            repeat_window: env.get(
                "ABACUS_REPEAT_WINDOW",
                "50000",
                "Latest request ids of each partition that are remembered, at 80 bytes each: a request written \
                 again gets its reply and no second completion; 0 for none",
            ),
        };
        if workers.uncommitted_results.as_u64() == 0 {
            env.problem("ABACUS_HELD_RESULTS", "expected at least 1");
        }
        workers
    }
}

impl WorkerConfig {
    /// Returns the configured number of threads, or a number derived from the available cores.
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
                max_digits: shared_settings::max_digits(env).get(),
                ..Limits::default()
            },
            workers: WorkerConfig::read(env),
            reply_topics: env.get(
                "ABACUS_REPLY_TOPICS",
                "abacus.replies.*",
                "Topics allowed for replies to direct producers, in addition to the ingress's reply topic; a \
                 * at the end matches any text",
            ),
            reply_limits: ReplyLimits::read(env),
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
