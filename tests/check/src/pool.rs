//! The processors of a check. A processor that dies is started again, as in a deployment.

use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use abacus_testkit::{Service, System};

use crate::fault::ArmedFailpoint;

const SIGKILL: i32 = 9;
/// Longest wait for the last log line of a dead process.
const EXIT_MESSAGE_DELAY: Duration = Duration::from_secs(2);
/// Pause before a processor that has just ended is started again, as in a deployment.
const BACK_OFF: Duration = Duration::from_secs(1);
const SHOWN_LINES: usize = 3;
const SEARCHED_LINES: usize = 200;

/// Processors with stable names: a restarted processor keeps its name.
pub(crate) struct Pool {
    system: Arc<System>,
    /// Bootstrap brokers of the processors.
    bootstrap: String,
    members: Vec<Member>,
    /// Failpoint for the next restarted processor, if any.
    pub(crate) next: Option<ArmedFailpoint>,
    /// Failpoints that have killed a processor and await confirmation.
    pub(crate) fired: Vec<ArmedFailpoint>,
    /// Exits outside the plan.
    pub(crate) unplanned_exits: Vec<String>,
}

struct Member {
    name: String,
    service: Service,
    arm: Option<ArmedFailpoint>,
    started: Instant,
}

impl Pool {
    /// Starts `count` processors without waiting.
    pub(crate) fn start(system: &Arc<System>, bootstrap: &str, count: usize) -> Self {
        let mut pool = Self {
            system: Arc::clone(system),
            bootstrap: bootstrap.to_owned(),
            members: Vec::new(),
            next: None,
            fired: Vec::new(),
            unplanned_exits: Vec::new(),
        };
        for _ in 0..count {
            pool.add();
        }
        pool
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Starts one more processor.
    pub(crate) fn add(&mut self) {
        let name = format!("{}-processor-{}", self.system.name(), self.members.len() + 1);
        let service = self.spawn(&name, None);
        self.members.push(Member { name, service, arm: None, started: Instant::now() });
    }

    /// Stops the last processor in order. Returns whether it exited with code 0.
    pub(crate) fn remove(&mut self) -> bool {
        let mut member = self.members.pop().expect("a processor to remove");
        self.stop(&mut member)
    }

    /// Restarts ended processors.
    pub(crate) fn tend(&mut self) {
        for index in 0..self.members.len() {
            let member = &mut self.members[index];
            let Some(status) = member.service.exit_status() else { continue };
            let by_failpoint = member.arm.filter(|arm| {
                status.signal() == Some(SIGKILL)
                    && has_logged_in_time(&member.service, &arm.exit_message())
            });
            match by_failpoint {
                Some(arm) => self.fired.push(arm),
                None if member.started.elapsed() < BACK_OFF => continue,
                None => {
                    let why = error_lines(&member.service);
                    self.unplanned_exits.push(format!("{} ended: {status}{why}", member.name));
                }
            }
            let arm = self.next.take();
            self.start_again(index, arm);
        }
    }

    /// Kills a processor by SIGKILL. Returns whether it was running before.
    pub(crate) fn kill(&mut self, index: usize) -> bool {
        let service = &mut self.members[index].service;
        let ran = service.is_running();
        if ran {
            service.kill();
        }
        let killed = service.exit_status().and_then(|status| status.signal()) == Some(SIGKILL);
        let arm = self.next.take();
        self.start_again(index, arm);
        ran && killed
    }

    /// Returns whether a processor is armed with `arm`.
    pub(crate) fn is_armed(&self, arm: ArmedFailpoint) -> bool {
        self.members.iter().any(|member| member.arm == Some(arm))
    }

    /// Returns once whether a processor has died at the failpoint of `arm`.
    pub(crate) fn has_fired(&mut self, arm: ArmedFailpoint) -> bool {
        let found = self.fired.iter().position(|fired| *fired == arm);
        found.map(|position| self.fired.remove(position)).is_some()
    }

    /// Stops a processor in order and restarts it armed with `arm`.
    pub(crate) fn arm(&mut self, index: usize, arm: ArmedFailpoint) {
        let mut member = self.members.remove(index);
        self.stop(&mut member);
        self.members.insert(index, member);
        self.start_again(index, Some(arm));
    }

    pub(crate) fn pause(&self, index: usize) {
        self.members[index].service.pause();
    }

    pub(crate) fn resume(&self, index: usize) {
        self.members[index].service.resume();
    }

    pub(crate) fn is_running(&mut self, index: usize) -> bool {
        self.members[index].service.is_running()
    }

    /// Number of partitions of a processor, if it answers.
    pub(crate) fn partitions_of(&self, index: usize) -> Option<u64> {
        self.members[index].service.assigned_partitions()
    }

    /// Number of partitions of all other processors.
    pub(crate) fn partitions_beside(&self, index: usize) -> u64 {
        let others = (0..self.members.len()).filter(|other| *other != index);
        others.filter_map(|other| self.partitions_of(other)).sum()
    }

    /// Partitions and last log lines of each processor, to explain a standstill.
    pub(crate) fn state(&self) -> Vec<String> {
        let state = |index: usize| {
            let Member { name, service, .. } = &self.members[index];
            let lines = service.last_lines(SHOWN_LINES * 5).join("\n    ");
            format!("{name} has {:?} partitions\n    {lines}", self.partitions_of(index))
        };
        (0..self.members.len()).map(state).collect()
    }

    /// Stops all processors in order.
    pub(crate) fn stop_all(&mut self) {
        while !self.members.is_empty() {
            self.remove();
        }
    }

    fn stop(&mut self, member: &mut Member) -> bool {
        if member.service.is_running() {
            member.service.ask_to_stop();
        }
        let code = member.service.wait_for_exit();
        if code != Some(0) {
            let why = error_lines(&member.service);
            self.unplanned_exits.push(format!("{} stopped with {code:?}{why}", member.name));
        }
        code == Some(0)
    }

    fn start_again(&mut self, index: usize, arm: Option<ArmedFailpoint>) {
        let service = self.spawn(&self.members[index].name, arm);
        let member = &mut self.members[index];
        (member.service, member.arm, member.started) = (service, arm, Instant::now());
    }

    fn spawn(&self, name: &str, arm: Option<ArmedFailpoint>) -> Service {
        let mut setup = self
            .system
            .processor()
            .set("ABACUS_INSTANCE_ID", name)
            .set("ABACUS_KAFKA_BOOTSTRAP", &self.bootstrap);
        if let Some(arm) = arm {
            setup = setup.set("FAILPOINTS", arm.setting());
        }
        self.system.spawn(&setup)
    }
}

/// The first errors among the latest log lines, or the last lines without an error.
fn error_lines(service: &Service) -> String {
    let lines = service.last_lines(SEARCHED_LINES);
    let errors: Vec<&String> = lines.iter().filter(|line| line.contains("ERROR")).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(SHOWN_LINES));
    let shown: Vec<&String> = if errors.is_empty() { last.collect() } else { errors };
    let shown = shown.into_iter().take(SHOWN_LINES);
    shown.fold(String::new(), |text, line| text + "\n    " + line)
}

fn has_logged_in_time(service: &Service, words: &str) -> bool {
    let end = Instant::now() + EXIT_MESSAGE_DELAY;
    while !service.has_logged(words) && Instant::now() < end {
        thread::park_timeout(Duration::from_millis(20));
    }
    service.has_logged(words)
}
