//! The processors: started again whenever they die, as a deployment would.

use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use abacus_testkit::{Service, System};

use crate::fault::ArmedFailpoint;

const SIGKILL: i32 = 9;
/// The last words of a process may come a moment after its end.
const EXIT_MESSAGE_DELAY: Duration = Duration::from_secs(2);
/// What a deployment waits before it starts again what has just ended by itself.
const BACK_OFF: Duration = Duration::from_secs(1);
const SHOWN_LINES: usize = 3;
const SEARCHED_LINES: usize = 200;

/// Processors by their slots; the one in a slot keeps its name when it is started again.
pub(crate) struct Pool {
    system: Arc<System>,
    members: Vec<Member>,
    /// How the next one to be started again dies, if it is to.
    pub(crate) next: Option<ArmedFailpoint>,
    /// Failpoints that killed and that nobody has heard of yet.
    pub(crate) fired: Vec<ArmedFailpoint>,
    /// Ends that nobody planned.
    pub(crate) unplanned_exits: Vec<String>,
}

struct Member {
    name: String,
    service: Service,
    arm: Option<ArmedFailpoint>,
    started: Instant,
}

impl Pool {
    /// Starts `count` and waits for none.
    pub(crate) fn start(system: &Arc<System>, count: usize) -> Self {
        let mut pool = Self {
            system: Arc::clone(system),
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

    /// Starts one more.
    pub(crate) fn add(&mut self) {
        let name = format!("{}-processor-{}", self.system.name(), self.members.len() + 1);
        let service = self.spawn(&name, None);
        self.members.push(Member { name, service, arm: None, started: Instant::now() });
    }

    /// Ends the last one in order; says whether it did end so.
    pub(crate) fn remove(&mut self) -> bool {
        let mut member = self.members.pop().expect("a processor to remove");
        self.stop(&mut member)
    }

    /// Starts again what has ended.
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

    /// SIGKILL; says whether it ran until then.
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

    /// Whether one runs that is to die as `arm` says.
    pub(crate) fn is_armed(&self, arm: ArmedFailpoint) -> bool {
        self.members.iter().any(|member| member.arm == Some(arm))
    }

    /// Whether one has died as `arm` says; tells it once.
    pub(crate) fn has_fired(&mut self, arm: ArmedFailpoint) -> bool {
        let found = self.fired.iter().position(|fired| *fired == arm);
        found.map(|position| self.fired.remove(position)).is_some()
    }

    /// Replaces one in order by one that is to die as `arm` says.
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

    /// How many partitions one has, if it can be asked.
    pub(crate) fn partitions_of(&self, index: usize) -> Option<u64> {
        self.members[index].service.assigned_partitions()
    }

    /// How many partitions all others have.
    pub(crate) fn partitions_beside(&self, index: usize) -> u64 {
        let others = (0..self.members.len()).filter(|other| *other != index);
        others.filter_map(|other| self.partitions_of(other)).sum()
    }

    /// What each has and says, for finding out why nothing moves.
    pub(crate) fn state(&self) -> Vec<String> {
        let state = |index: usize| {
            let Member { name, service, .. } = &self.members[index];
            let lines = service.last_lines(SHOWN_LINES * 5).join("\n    ");
            format!("{name} has {:?} partitions\n    {lines}", self.partitions_of(index))
        };
        (0..self.members.len()).map(state).collect()
    }

    /// Ends all in order.
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
        let mut setup = self.system.processor().set("ABACUS_INSTANCE_ID", name);
        if let Some(arm) = arm {
            setup = setup.set("FAILPOINTS", arm.setting());
        }
        self.system.spawn(&setup)
    }
}

/// The first errors among its latest lines, or its last lines if there is none.
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
