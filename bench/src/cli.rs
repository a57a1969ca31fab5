//! The command line.

use clap::{Args, Parser, Subcommand};

use crate::backlog;
use crate::failover;
use crate::heavy;
use crate::identity;
use crate::processes::Processes;
use crate::protection;

/// Measures the whole system against a bare Kafka request-reply echo on the same broker.
#[derive(Debug, Parser)]
#[command(name = "abacus-bench", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    /// Kafka brokers: host:port, separated by commas
    #[arg(long, env = "ABACUS_KAFKA_BOOTSTRAP", default_value = "127.0.0.1:9092", global = true)]
    pub(crate) bootstrap: String,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) options: Options,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Answer the floor's requests until standard input is closed; started by the measurement
    #[command(hide = true)]
    Echo {
        /// Topic of the requests
        requests: String,
    },
    /// Drain requests by a bare loop until SIGTERM; started by the measurement
    #[command(hide = true)]
    Bare {
        /// Prefix of every topic name
        #[arg(long, env = "ABACUS_TOPIC_PREFIX")]
        prefix: String,
        /// Consumer group
        #[arg(long)]
        group: String,
    },
    /// Measure how fast processors drain a backlog, against a bare consume-transform-produce loop
    Backlog(backlog::Options),
    /// Measure how fast the projector writes the rows of a backlog
    Rows(backlog::RowOptions),
    /// Measure the cost of credentials, against anonymous calls
    Identity(identity::Options),
    /// Measure light requests alone, and beside one long computation in each partition
    Heavy(heavy::Options),
    /// Measure the waits of callers after processors were killed
    Failover(failover::Options),
    /// Measure one caller alone, and beside a flood and slow connections of another caller
    Protection(protection::Options),
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// URL of the running system
    #[arg(long, env = "ABACUS_URL", default_value = "http://127.0.0.1:8080")]
    pub(crate) url: String,
    /// Token or API key of the caller; anonymous without one
    #[arg(long, env = "ABACUS_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Processes to report memory and CPU time of: name=pid, separated by commas
    #[arg(long, env = "ABACUS_BENCH_PIDS", default_value = "")]
    pub(crate) pids: Processes,
    /// Number of rounds; the report shows medians over the rounds
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    /// Length of each measurement, in seconds
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) seconds: u64,
    /// Numbers of requests in flight
    #[arg(long, default_values_t = [1, 16, 64, 256], value_delimiter = ',',
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) concurrency: Vec<u32>,
    /// Measure the floor alone, without a running system
    #[arg(long)]
    pub(crate) floor_only: bool,
    /// Print JSON with every single measurement instead of tables
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn concurrency_is_a_list() {
        let cli = Cli::parse_from(["abacus-bench", "--concurrency", "1,256"]);
        assert_eq!(cli.options.concurrency, [1, 256]);
    }

    #[test]
    fn the_echo_is_told_its_topic_and_broker() {
        let cli = Cli::parse_from(["abacus-bench", "echo", "--bootstrap", "kafka:1", "in"]);
        let Some(Command::Echo { requests }) = cli.command else { panic!("{:?}", cli.command) };
        assert_eq!(requests, "in");
        assert_eq!(cli.bootstrap, "kafka:1");
    }
}
