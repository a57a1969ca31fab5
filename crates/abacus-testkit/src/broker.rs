//! A Kafka broker for one test, to be stopped and started: alone, or as a node of a
//! [`Cluster`](crate::Cluster).

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::metadata::MetadataPartition;
use uuid::Uuid;

use crate::kafka_proxy::KafkaProxy;
use crate::login::{SUPER_USER, broker_settings, client_settings};
use crate::ports::free_port;
use crate::process::Process;
use crate::stack::Stack;
use crate::wait::{PATIENCE, wait_until};

const ANSWER: Duration = Duration::from_millis(500);

/// A node in the roles of broker and controller. Data outlives the process and is deleted with the
/// test.
pub struct Broker {
    stack: Stack,
    folder: PathBuf,
    port: u16,
    /// User of the test on a broker with access lists.
    user: Option<&'static str>,
    process: Option<Process>,
    /// Client of the broker, renewed with each start, as a client may never recover from the stop
    /// of a lone broker.
    probe: BaseConsumer,
}

/// Id and ports of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    id: u16,
    broker: u16,
    controller: u16,
    /// Listener for clients behind a proxy.
    proxied: Option<Proxied>,
}

/// A listener behind a proxy.
#[derive(Clone, Copy, Debug)]
struct Proxied {
    listener: u16,
    /// Port of the proxy, told to the clients of this listener.
    proxy: u16,
}

impl Node {
    /// A node on free ports.
    pub(crate) fn new(id: u16) -> Self {
        Self { id, broker: free_port(), controller: free_port(), proxied: None }
    }

    /// A node with a second address behind a proxy. `proxy` starts the proxy for a listener's
    /// address.
    pub(crate) fn behind(
        id: u16,
        proxy: impl FnOnce(SocketAddr) -> KafkaProxy,
    ) -> (Self, KafkaProxy) {
        let listener = free_port();
        let proxy = proxy((Ipv4Addr::LOCALHOST, listener).into());
        let proxied = Some(Proxied { listener, proxy: proxy.address().port() });
        (Self { proxied, ..Self::new(id) }, proxy)
    }

    /// The listeners, `clients` among them: as bound, and as told to clients.
    fn listeners(self, clients: &str) -> (String, String) {
        let Self { broker, controller, .. } = self;
        let own = format!("{clients}://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}");
        match self.proxied {
            Some(Proxied { listener, proxy }) => (
                format!("{own},PROXIED://127.0.0.1:{listener}"),
                format!("{own},PROXIED://127.0.0.1:{proxy}"),
            ),
            None => (own.clone(), own),
        }
    }
}

impl Broker {
    /// Starts a lone broker on free ports and waits until it serves.
    pub fn start(stack: &Stack) -> Self {
        Self::start_alone(stack, None)
    }

    /// Starts a lone broker with access lists for [`SUPER_USER`] and `users`. The users have no
    /// permission.
    pub fn start_with_access_lists(stack: &Stack, users: &[&str]) -> Self {
        Self::start_alone(stack, Some(users))
    }

    fn start_alone(stack: &Stack, users: Option<&[&str]>) -> Self {
        let node = Node::new(1);
        let (mut broker, mut formatting) = Self::prepare(stack, node, &[node], users);
        broker.assert_formatted(&mut formatting);
        broker.start_again();
        broker
    }

    /// Prepares one of `nodes`. Returns the broker and the process that formats its storage.
    pub(crate) fn prepare(
        stack: &Stack,
        node: Node,
        nodes: &[Node],
        users: Option<&[&str]>,
    ) -> (Self, Child) {
        let folder = std::env::temp_dir().join(format!("abacus-broker-{}", Uuid::new_v4()));
        fs::create_dir_all(&folder).unwrap();
        let settings = properties(node, nodes, &folder, users);
        fs::write(folder.join("server.properties"), settings).unwrap();
        let (port, user) = (node.broker, users.map(|_| SUPER_USER));
        let probe = probe(port, user);
        let broker = Self { stack: stack.clone(), folder, port, user, process: None, probe };
        let formatting = broker.format();
        (broker, formatting)
    }

    /// The `host:port` of the broker.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Sends SIGKILL and waits for the end of the process.
    pub fn stop(&mut self) {
        self.process.take().expect("a running broker").kill();
    }

    /// Sends SIGTERM. The broker hands over its partitions, writes its files, and exits.
    pub fn ask_to_stop(&self) {
        self.process.as_ref().expect("a running broker").ask_to_stop();
    }

    /// Returns whether the process has ended.
    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(|process| process.exit_status().is_some())
    }

    /// Sends SIGSTOP. The broker keeps its connections and does not answer.
    pub fn pause(&self) {
        self.process.as_ref().expect("a running broker").pause();
    }

    /// Sends SIGCONT.
    pub fn resume(&self) {
        self.process.as_ref().expect("a running broker").resume();
    }

    /// Starts a lone broker again with its data, and waits until it serves.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.launch();
        wait_until("the broker to serve", PATIENCE, || self.sees_all_in_sync(1));
    }

    /// Starts the broker again with its data, without waiting.
    pub fn launch(&mut self) {
        let mut command = Process::command(&self.stack.java);
        command.args(["-Xms96m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        command.args(["-cp", &self.stack.kafka_classes, "kafka.Kafka"]).arg(self.settings());
        command.stdin(Stdio::null()).stdout(self.log()).stderr(self.log());
        self.process = Some(Process::spawn("kafka", command));
        self.probe = probe(self.port, self.user);
    }

    /// Checks whether the broker knows `brokers` brokers and all replicas are in sync. The error
    /// names the first gap.
    pub fn sees_all_in_sync(&self, brokers: usize) -> Result<(), String> {
        let metadata =
            self.probe.fetch_metadata(None, ANSWER).map_err(|error| error.to_string())?;
        if metadata.brokers().len() != brokers {
            return Err(format!("{} of {brokers} brokers", metadata.brokers().len()));
        }
        let is_behind = |partition: &MetadataPartition| {
            partition.leader() < 0 || partition.isr().len() < partition.replicas().len()
        };
        for topic in metadata.topics() {
            if let Some(partition) = topic.partitions().iter().find(|p| is_behind(p)) {
                let (isr, replicas) = (partition.isr(), partition.replicas());
                let (name, id) = (topic.name(), partition.id());
                return Err(format!("{name}/{id} has {isr:?} of {replicas:?} in sync"));
            }
        }
        Ok(())
    }

    fn format(&self) -> Child {
        Command::new(&self.stack.java)
            .args(["-XX:TieredStopAtLevel=1", "-cp", &self.stack.kafka_classes])
            .args(["kafka.tools.StorageTool", "format"])
            .args(["--cluster-id", "abacus-test-cluster-01", "--config"])
            .arg(self.settings())
            .stdout(self.log())
            .stderr(self.log())
            .spawn()
            .expect("java runs")
    }

    pub(crate) fn assert_formatted(&self, formatting: &mut Child) {
        let status = formatting.wait().expect("a child can be waited for");
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

fn probe(port: u16, user: Option<&str>) -> BaseConsumer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", format!("127.0.0.1:{port}")).set("log_level", "0");
    config.extend(user.into_iter().flat_map(client_settings).map(owned));
    config.create().expect("a client")
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn properties(node: Node, nodes: &[Node], folder: &Path, users: Option<&[&str]>) -> String {
    let (listeners, advertised) = node.listeners(users.map_or("PLAINTEXT", |_| "CLIENTS"));
    let voter = |node: &Node| format!("{}@127.0.0.1:{}", node.id, node.controller);
    let voters: Vec<String> = nodes.iter().map(voter).collect();
    // Each node holds a replica of every partition. Writes continue without one node.
    let replicas = nodes.len().to_string();
    let in_sync = nodes.len().div_ceil(2).to_string();
    // During an orderly stop, a lone broker answers with an empty list of brokers. librdkafka may
    // never recover from this answer (librdkafka issue 5301).
    let hands_over = (nodes.len() > 1).to_string();
    let settings = [
        ("process.roles", "broker,controller"),
        ("node.id", &node.id.to_string()),
        ("controller.quorum.voters", &voters.join(",")),
        ("controller.listener.names", "CONTROLLER"),
        ("listeners", &listeners),
        ("advertised.listeners", &advertised),
        (
            "listener.security.protocol.map",
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT",
        ),
        ("inter.broker.listener.name", "PLAINTEXT"),
        ("log.dirs", &folder.join("data").display().to_string()),
        ("auto.create.topics.enable", "false"),
        ("default.replication.factor", &replicas),
        ("min.insync.replicas", &in_sync),
        ("offsets.topic.replication.factor", &replicas),
        ("offsets.topic.num.partitions", "3"),
        ("transaction.state.log.replication.factor", &replicas),
        ("transaction.state.log.min.isr", &in_sync),
        ("transaction.state.log.num.partitions", "3"),
        ("share.coordinator.state.topic.replication.factor", &replicas),
        ("share.coordinator.state.topic.min.isr", &in_sync),
        // Within the time of a test, the cluster notices a dead broker and gives leadership back to
        // a returned broker.
        ("broker.heartbeat.interval.ms", "500"),
        ("broker.session.timeout.ms", "3000"),
        ("leader.imbalance.check.interval.seconds", "5"),
        ("leader.imbalance.per.broker.percentage", "0"),
        ("group.initial.rebalance.delay.ms", "0"),
        ("group.min.session.timeout.ms", "1000"),
        ("log.cleaner.enable", "false"),
        ("controlled.shutdown.enable", &hands_over),
        ("message.max.bytes", "8388608"),
        ("replica.fetch.max.bytes", "8388608"),
    ];
    let of_users = users.map(broker_settings).unwrap_or_default();
    let of_users = of_users.iter().map(|(name, value)| (*name, value.as_str()));
    let all: Vec<String> = settings
        .into_iter()
        .chain(of_users)
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    all.concat()
}
