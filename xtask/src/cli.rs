//! The command line.

use clap::{Args, Parser, Subcommand};

use crate::stack::{DEV, Provider};
use crate::workspace::Profile;

/// Runs, tests and measures Abacus. State, logs and downloads are in `.abacus`.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Starts the whole system, sends a sample request, and prints the addresses
    Up(Up),
    /// Stops the system
    Down(Down),
    /// Prints the state and the address of every part
    Status,
    /// Prints the log of a part: kafka, registry, postgres, redis, ingress, processor, projector, ...
    Logs(Logs),
    /// Prints addresses and credentials as shell lines: eval "$(cargo xtask env)"
    Env,
    /// Runs the tests on separate servers
    Test(Test),
    /// Checks guarantees under faults, imports, documentation, and a fresh machine
    #[command(subcommand)]
    Check(Check),
    /// Runs all checks of a change, including the tests
    Ci,
    /// Measures the whole system against a bare request-reply echo
    Bench(Bench),
    /// Registers the schemas of the events
    #[command(subcommand)]
    Schemas(Schemas),
    /// Lists and replays dead letters of the running system; see `list --help` and `replay --help`
    #[command(disable_help_flag = true)]
    DeadLetters(DeadLetters),
    /// Runs the servers without the services, as a stack with a name
    #[command(subcommand)]
    Stack(StackCommand),
    /// Installs missing system packages
    Packages,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Number of processors; more processors than partitions (4) stay idle [default: the last number, initially 1]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) processors: Option<u16>,
    /// Number of ingresses, on ports 8080, 8084 and so on [default: the last number, initially 1]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=8))]
    pub(crate) ingresses: Option<u16>,
    /// Provider of the parts [default: the last provider, initially native]
    #[arg(long)]
    pub(crate) provider: Option<Provider>,
    /// Build profile of the services (native)
    #[arg(long, default_value = "release")]
    pub(crate) profile: Profile,
}

#[derive(Debug, Args)]
pub(crate) struct Down {
    /// Deletes the data as well
    #[arg(long)]
    pub(crate) wipe: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Name of a part, as in `cargo xtask status`; `processor` is the first processor
    pub(crate) service: String,
    /// Prints new lines as they arrive
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Number of lines printed first
    #[arg(short = 'n', long, default_value_t = 200)]
    pub(crate) lines: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Leaves the servers running afterwards
    #[arg(long)]
    pub(crate) keep: bool,
    /// Arguments for `cargo test`
    #[arg(last = true)]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Bench {
    #[command(subcommand)]
    pub(crate) part: Option<BenchPart>,
    /// Leaves the system running afterwards
    #[arg(long)]
    pub(crate) keep: bool,
    /// Number of processors
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) processors: u16,
    /// Arguments for the measuring program
    #[arg(last = true)]
    pub(crate) arguments: Vec<String>,
}

/// A measurement of a part. Without a part, `bench` measures the whole system.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchPart {
    /// Measures the operations against GMP, by digits of the result
    Arithmetic,
    /// Measures the rate of processors at a backlog, against a bare consume-transform-produce loop
    Backlog(Measurement),
    /// Measures the rate of the projector at a backlog, in rows
    Rows(Measurement),
    /// Measures light requests alone, and beside a long computation in each partition
    Heavy(Measurement),
    /// Measures the cost of authentication, against anonymous calls
    Identity(Measurement),
    /// Measures the waits of callers after processors were killed
    Failover(Measurement),
    /// Measures a caller alone, and beside a flood of requests and slow connections
    Protection(Measurement),
}

#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Measurement {
    /// Leaves the servers running afterwards; must be the first argument
    #[arg(long)]
    pub(crate) keep: bool,
    /// Arguments for the measuring program, for example --rounds 3; --help lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Schemas {
    /// Registers the schemas with the registry of the running system, or with `$ABACUS_REGISTRY_URL`
    Register,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Check {
    /// Shows under faults that every request is completed once and every caller answered
    ExactlyOnce(ExactlyOnce),
    /// Writes hostile records to a running system and accounts for each of them
    Fuzz(Fuzz),
    /// Finds circles of imports between the modules of a crate
    Modules,
    /// Compares the dependencies between crates with the allowed ones
    Walls,
    /// Counts vague words in documentation
    Words(Words),
    /// Runs the two commands of the README in a bare Debian system
    Fresh(Fresh),
}

#[derive(Debug, Args)]
pub(crate) struct Words {
    /// List the vaguest blocks of each crate
    #[arg(long)]
    pub(crate) list: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Fresh {
    /// Stop after `cargo xtask up`
    #[arg(long)]
    pub(crate) skip_tests: bool,
    /// Build profile of `cargo xtask up`
    #[arg(long, value_enum, default_value_t = Profile::Release)]
    pub(crate) profile: Profile,
    /// Keep the system after the check
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExactlyOnce {
    /// Requests, some over HTTP, most over Kafka
    #[arg(long, default_value_t = 100_000)]
    pub(crate) requests: u64,
    /// Processors to kill, at any moment and at named points; other faults come in proportion
    #[arg(long, default_value_t = 20)]
    pub(crate) kills: u64,
    /// Brokers, of which one at a time is killed or stopped; one that is alone is only killed
    #[arg(long, default_value_t = 3)]
    pub(crate) brokers: u16,
    /// What all choices follow from [default: another each time, and said]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// A setting of the services, as NAME=VALUE; with ABACUS_DELIVERY=at-least-once the check must fail
    #[arg(long = "set")]
    pub(crate) settings: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Fuzz {
    /// Time of writing, in seconds
    #[arg(long, default_value_t = 60)]
    pub(crate) seconds: u64,
    /// Seed of all records [default: a new seed]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Write only the record with this number, as named in a report
    #[arg(long, requires = "seed")]
    pub(crate) only: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct DeadLetters {
    /// Arguments for `abacus-admin dead-letters`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StackCommand {
    /// Starts servers for tests and prints the settings of the tests
    Up(StackName),
    /// Stops the servers and deletes their data
    Down(StackName),
    /// Prints the settings of the tests
    Env(StackName),
}

#[derive(Debug, Args)]
pub(crate) struct StackName {
    /// Name of the stack
    #[arg(long, default_value = "scratch", value_parser = parse_scratch_name)]
    pub(crate) name: String,
}

fn parse_scratch_name(name: &str) -> Result<String, String> {
    if name == DEV {
        return Err(format!("`{DEV}` is the stack of `cargo xtask up` and `down`"));
    }
    Ok(name.to_owned())
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
    fn arguments_behind_two_dashes_go_to_cargo_test() {
        let cli = Cli::parse_from(["xtask", "test", "--", "--test", "flow"]);
        let Command::Test(test) = cli.command else { panic!("{:?}", cli.command) };
        assert_eq!(test.arguments, ["--test", "flow"]);
    }

    #[test]
    fn a_part_can_be_measured_alone() {
        let cli = Cli::parse_from(["xtask", "bench", "arithmetic"]);
        let Command::Bench(bench) = cli.command else { panic!("{:?}", cli.command) };
        assert!(matches!(bench.part, Some(BenchPart::Arithmetic)));
        let cli = Cli::parse_from(["xtask", "bench", "--keep", "--", "--rounds", "1"]);
        let Command::Bench(bench) = cli.command else { panic!("{:?}", cli.command) };
        assert!(bench.part.is_none() && bench.keep && bench.arguments.len() == 2);
    }

    #[test]
    fn a_check_takes_its_size_and_its_seed() {
        let words = ["xtask", "check", "exactly-once", "--requests", "500", "--seed", "7"];
        let Command::Check(Check::ExactlyOnce(options)) = Cli::parse_from(words).command else {
            panic!("{words:?} is no check");
        };
        assert_eq!((options.requests, options.kills, options.seed), (500, 20, Some(7)));
        assert_eq!(options.brokers, 3);
    }

    #[test]
    fn a_record_of_the_fuzzer_is_repeated_by_its_seed_and_number() {
        let parse = |words: &str| Cli::try_parse_from(words.split(' '));
        let Command::Check(Check::Fuzz(options)) =
            parse("xtask check fuzz --seed 7 --only 12").unwrap().command
        else {
            panic!("no check")
        };
        assert_eq!((options.seed, options.only, options.seconds), (Some(7), Some(12), 60));
        assert!(parse("xtask check fuzz --only 12").is_err());
    }

    #[test]
    fn everything_behind_dead_letters_goes_to_the_program() {
        for words in [&["list", "--limit", "3"][..], &["replay", "--help"], &["--help"]] {
            let cli = Cli::parse_from([&["xtask", "dead-letters"], words].concat());
            let Command::DeadLetters(letters) = cli.command else { panic!("{:?}", cli.command) };
            assert_eq!(letters.arguments, words);
        }
    }

    #[test]
    fn arguments_behind_a_measurement_go_to_the_measuring_program() {
        let cli = Cli::parse_from(["xtask", "bench", "backlog", "--keep", "--requests", "7"]);
        let Command::Bench(bench) = cli.command else { panic!("{:?}", cli.command) };
        let Some(BenchPart::Backlog(measurement)) = bench.part else { panic!("{:?}", bench.part) };
        assert_eq!(
            (measurement.keep, measurement.arguments),
            (true, vec!["--requests".into(), "7".into()])
        );
    }

    #[test]
    fn the_scratch_commands_keep_off_the_users_stack() {
        assert!(Cli::try_parse_from(["xtask", "stack", "down", "--name", DEV]).is_err());
    }
}
