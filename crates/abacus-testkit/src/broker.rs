//! An Apache Kafka of a test's own, to be stopped and started.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use uuid::Uuid;

use crate::process::Process;
use crate::redis_server::free_port;
use crate::stack::Stack;
use crate::wait::{PATIENCE, wait_until};

/// One node, broker and controller; what it has written outlives its process, not the test.
pub struct Broker {
    stack: Stack,
    folder: PathBuf,
    port: u16,
    process: Option<Process>,
}

impl Broker {
    /// Starts one on free ports.
    pub fn start(stack: &Stack) -> Self {
        let folder = std::env::temp_dir().join(format!("abacus-broker-{}", Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        let port = free_port();
        fs::write(folder.join("server.properties"), properties(port, free_port(), &folder))
            .unwrap();
        let mut broker = Self { stack: stack.clone(), folder, port, process: None };
        broker.format();
        broker.start_again();
        broker
    }

    /// Its `host:port`.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// SIGKILL.
    pub fn stop(&mut self) {
        self.process.take().expect("a running broker").kill();
    }

    /// SIGTERM: it hands over what it has, writes its files, and ends.
    #[track_caller]
    pub fn terminate(&mut self) {
        let mut process = self.process.take().expect("a running broker");
        process.ask_to_stop();
        process.wait_for_exit(PATIENCE);
    }

    /// SIGSTOP: it keeps its connections and says nothing.
    pub fn pause(&self) {
        self.process.as_ref().expect("a running broker").pause();
    }

    /// SIGCONT.
    pub fn resume(&self) {
        self.process.as_ref().expect("a running broker").resume();
    }

    /// Starts it with what it had.
    pub fn start_again(&mut self) {
        let mut command = Process::command(&self.stack.java);
        command.args(["-Xms128m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        command.args(["-cp", &self.stack.kafka_classes, "kafka.Kafka"]).arg(self.settings());
        command.stdin(Stdio::null()).stdout(self.log()).stderr(self.log());
        self.process = Some(Process::spawn("kafka", command));
        let probe: BaseConsumer =
            ClientConfig::new().set("bootstrap.servers", self.bootstrap()).create().unwrap();
        wait_until("the broker to answer", PATIENCE, || {
            let metadata = probe.fetch_metadata(None, std::time::Duration::from_secs(1));
            metadata.map(drop).map_err(|error| error.to_string())
        });
    }

    fn format(&self) {
        let status = Command::new(&self.stack.java)
            .args(["-XX:TieredStopAtLevel=1", "-cp", &self.stack.kafka_classes])
            .args(["kafka.tools.StorageTool", "format", "--standalone"])
            .args(["--cluster-id", "abacus-test-cluster-01", "--config"])
            .arg(self.settings())
            .stdout(self.log())
            .stderr(self.log())
            .status()
            .expect("java runs");
        let log = || fs::read_to_string(self.folder.join("log.txt")).unwrap_or_default();
        assert!(status.success(), "Kafka's storage was not formatted: {}", log());
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    fn log(&self) -> Stdio {
        let log = File::options().create(true).append(true).open(self.folder.join("log.txt"));
        log.unwrap().into()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.process = None;
        if std::thread::panicking() {
            eprintln!("the broker's log is in {}", self.folder.display());
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn properties(port: u16, controller: u16, folder: &Path) -> String {
    let listeners = format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}");
    let settings = [
        ("process.roles", "broker,controller"),
        ("node.id", "1"),
        ("controller.quorum.bootstrap.servers", &format!("127.0.0.1:{controller}")),
        ("controller.listener.names", "CONTROLLER"),
        ("listeners", &listeners),
        ("advertised.listeners", &listeners),
        ("log.dirs", &folder.join("data").display().to_string()),
        ("auto.create.topics.enable", "false"),
        ("offsets.topic.replication.factor", "1"),
        ("offsets.topic.num.partitions", "2"),
        ("transaction.state.log.replication.factor", "1"),
        ("transaction.state.log.min.isr", "1"),
        ("transaction.state.log.num.partitions", "2"),
        ("share.coordinator.state.topic.replication.factor", "1"),
        ("share.coordinator.state.topic.min.isr", "1"),
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.min.session.timeout.ms", "1000"),
        ("log.cleaner.enable", "false"),
        // Alone in its cluster and stopping in order, a broker answers that there are no brokers, which
        // librdkafka may never get over (its issue 5301).
        ("controlled.shutdown.enable", "false"),
        ("message.max.bytes", "8388608"),
    ];
    settings.map(|(name, value)| format!("{name}={value}\n")).concat()
}
