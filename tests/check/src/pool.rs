//! The processors: started again whenever they die, as a deployment would.

use std::os::unix::process::ExitStatusExt as _;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use abacus_testkit::{Service, System};

use crate::fault::Arm;

const SIGKILL: i32 = 9;
/// The last words of a process may come a moment after its end.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// What a deployment waits before it starts again what has just ended by itself.
const BACK_OFF: Duration = Duration::from_secs(1);
const SHOWN_LINES: usize = 3;
const LOOKED_AT: usize = 200;

/// Processors by their slots; the one in a slot keeps its name when it is started again.
pub(crate) struct Pool {
    system: Arc<System>,
    slots: Vec<Slot>,
    /// How the next one to be started again dies, if it is to.
    pub(crate) next: Option<Arm>,
    /// Failpoints that killed and that nobody has heard of yet.
    pub(crate) fired: Vec<Arm>,
    /// Ends that nobody planned.
    pub(crate) surprises: Vec<String>,
}

struct Slot {
    name: String,
    service: Service,
    arm: Option<Arm>,
    started: Instant,
}

impl Pool {
    /// Starts `count` and waits for none.
    pub(crate) fn start(system: &Arc<System>, count: usize) -> Self {
        let mut pool = Self {
            system: Arc::clone(system),
            slots: Vec::new(),
            next: None,
            fired: Vec::new(),
            surprises: Vec::new(),
        };
        for _ in 0..count {
            pool.add();
        }
        pool
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Starts one more.
    pub(crate) fn add(&mut self) {
        let name = format!("{}-processor-{}", self.system.name(), self.slots.len() + 1);
        let service = self.spawn(&name, None);
        self.slots.push(Slot { name, service, arm: None, started: Instant::now() });
    }

    /// Ends the last one in order; says whether it did end so.
    pub(crate) fn remove(&mut self) -> bool {
        let mut slot = self.slots.pop().expect("a processor to remove");
        self.stop(&mut slot)
    }

    /// Starts again what has ended.
    pub(crate) fn tend(&mut self) {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            let Some(status) = slot.service.exit_status() else { continue };
            let by_failpoint = slot.arm.filter(|arm| {
                status.signal() == Some(SIGKILL) && has_said(&slot.service, &arm.last_words())
            });
            match by_failpoint {
                Some(arm) => self.fired.push(arm),
                None if slot.started.elapsed() < BACK_OFF => continue,
                None => {
                    let why = complaints(&slot.service);
                    self.surprises.push(format!("{} ended: {status}{why}", slot.name));
                }
            }
            let arm = self.next.take();
            self.start_again(index, arm);
        }
    }

    /// SIGKILL; says whether it ran until then.
    pub(crate) fn kill(&mut self, index: usize) -> bool {
        let service = &mut self.slots[index].service;
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
    pub(crate) fn is_armed(&self, arm: Arm) -> bool {
        self.slots.iter().any(|slot| slot.arm == Some(arm))
    }

    /// Whether one has died as `arm` says; tells it once.
    pub(crate) fn has_fired(&mut self, arm: Arm) -> bool {
        let found = self.fired.iter().position(|fired| *fired == arm);
        found.map(|position| self.fired.remove(position)).is_some()
    }

    /// Replaces one in order by one that is to die as `arm` says.
    pub(crate) fn arm(&mut self, index: usize, arm: Arm) {
        let mut slot = self.slots.remove(index);
        self.stop(&mut slot);
        self.slots.insert(index, slot);
        self.start_again(index, Some(arm));
    }

    pub(crate) fn pause(&self, index: usize) {
        self.slots[index].service.pause();
    }

    pub(crate) fn resume(&self, index: usize) {
        self.slots[index].service.resume();
    }

    pub(crate) fn is_running(&mut self, index: usize) -> bool {
        self.slots[index].service.is_running()
    }

    /// How many partitions one has, if it can be asked.
    pub(crate) fn partitions_of(&self, index: usize) -> Option<u64> {
        self.slots[index].service.assigned_partitions()
    }

    /// How many partitions all others have.
    pub(crate) fn partitions_beside(&self, index: usize) -> u64 {
        let others = (0..self.slots.len()).filter(|other| *other != index);
        others.filter_map(|other| self.partitions_of(other)).sum()
    }

    /// What each has and says, for finding out why nothing moves.
    pub(crate) fn state(&self) -> Vec<String> {
        let state = |index: usize| {
            let Slot { name, service, .. } = &self.slots[index];
            let lines = service.last_lines(SHOWN_LINES * 5).join("\n    ");
            format!("{name} has {:?} partitions\n    {lines}", self.partitions_of(index))
        };
        (0..self.slots.len()).map(state).collect()
    }

    /// Ends all in order.
    pub(crate) fn stop_all(&mut self) {
        while !self.slots.is_empty() {
            self.remove();
        }
    }

    fn stop(&mut self, slot: &mut Slot) -> bool {
        if slot.service.is_running() {
            slot.service.ask_to_stop();
        }
        let code = slot.service.wait_for_exit();
        if code != Some(0) {
            let why = complaints(&slot.service);
            self.surprises.push(format!("{} stopped with {code:?}{why}", slot.name));
        }
        code == Some(0)
    }

    fn start_again(&mut self, index: usize, arm: Option<Arm>) {
        let service = self.spawn(&self.slots[index].name, arm);
        let slot = &mut self.slots[index];
        (slot.service, slot.arm, slot.started) = (service, arm, Instant::now());
    }

    fn spawn(&self, name: &str, arm: Option<Arm>) -> Service {
        let mut setup = self.system.processor().set("ABACUS_INSTANCE_ID", name);
        if let Some(arm) = arm {
            setup = setup.set("FAILPOINTS", arm.setting());
        }
        self.system.spawn(&setup)
    }
}

/// The first errors among its latest lines, or its last lines if there is none.
fn complaints(service: &Service) -> String {
    let lines = service.last_lines(LOOKED_AT);
    let errors: Vec<&String> = lines.iter().filter(|line| line.contains("ERROR")).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(SHOWN_LINES));
    let shown: Vec<&String> = if errors.is_empty() { last.collect() } else { errors };
    let shown = shown.into_iter().take(SHOWN_LINES);
    shown.fold(String::new(), |text, line| text + "\n    " + line)
}

fn has_said(service: &Service, words: &str) -> bool {
    let end = Instant::now() + LAST_WORDS;
    while !service.has_logged(words) && Instant::now() < end {
        thread::park_timeout(Duration::from_millis(20));
    }
    service.has_logged(words)
}
