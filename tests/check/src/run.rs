//! A check, from the first process to the verdict.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use abacus_testkit::{Cluster, Isolation, Random, Service, Stack, System};

use crate::arrivals::Arrivals;
use crate::direct_load::{self, DirectLoad};
use crate::driver::Driver;
use crate::evidence::{Call, Evidence};
use crate::gate::Gate;
use crate::http_load::HttpLoad;
use crate::judge::judge;
use crate::oracle::Oracle;
use crate::plan::Plan;
use crate::pool::Pool;
use crate::report::Report;

/// Longest wait for open transactions of dead processes: twice the transaction time-out.
const SETTLING: Duration = Duration::from_mins(1);
/// Least cost of the heavy lane, in word operations: below the costly questions, and above all
/// others.
const HEAVY: &str = "15000";

/// Runs `plan` on new brokers beside the servers of `stack`. Reports progress line by line to
/// `progress`.
pub fn run(plan: &Plan, stack: &Stack, progress: &dyn Fn(&str)) -> Report {
    let began = Instant::now();
    let cluster = Cluster::start(stack, plan.brokers);
    let system = Arc::new(system(plan, Stack { kafka: cluster.bootstrap(), ..stack.clone() }));
    let reply_topic = format!("abacus.replies.{}", system.name());
    system.kafka.create_topic(&reply_topic, direct_load::CALLERS);
    let pool = Pool::start(&system, &cluster.proxied_bootstrap(), plan.processors);
    let mut driver = Driver {
        plan,
        reply_topic: reply_topic.clone(),
        cluster,
        pool,
        gate: Arc::new(Gate::new(plan.requests)),
        arrivals: Arrivals::watch(&system, &reply_topic),
        random: Random::new(plan.seed ^ 1),
        injected: Vec::new(),
        progress,
        began,
        phase: "starting".to_owned(),
        last_progress: began,
        system: Arc::clone(&system),
    };
    let mut ingress = system.start(&system.ingress());
    let load = Load::start(&mut ingress, &reply_topic, &driver);
    driver.inject_faults();
    let calls = finish(&mut driver, load);
    progress("all requests are done; stopping the services and reading the topics");
    stop(&mut driver, &mut ingress);
    let evidence = Evidence::gather(&system, &reply_topic, calls);
    let verdict = judge(&evidence, &mut Oracle::default());
    let Driver { injected, pool, .. } = driver;
    Report {
        plan: plan.clone(),
        injected,
        unplanned_exits: pool.unplanned_exits,
        verdict,
        took: began.elapsed(),
    }
}

fn system(plan: &Plan, stack: Stack) -> System {
    let mut system = System::on(stack);
    let session = format!("session.timeout.ms={}", plan.session.as_millis());
    system.set("ABACUS_KAFKA_PROPERTIES", session);
    system.set("ABACUS_HEAVY_MINIMUM_COST", HEAVY);
    for (name, value) in &plan.settings {
        system.set(name, value);
    }
    system
}

/// The callers.
struct Load(Vec<JoinHandle<Vec<Call>>>);

impl Load {
    fn start(ingress: &mut Service, reply_topic: &str, driver: &Driver<'_>) -> Self {
        let Driver { plan, gate, system, .. } = driver;
        let mut callers = HttpLoad::start(&ingress.http(), plan, gate);
        callers.push(DirectLoad::start(system, reply_topic, plan, gate));
        Self(callers)
    }

    fn is_finished(&self) -> bool {
        self.0.iter().all(JoinHandle::is_finished)
    }

    fn join(self) -> Vec<Call> {
        let join = |caller: JoinHandle<Vec<Call>>| caller.join().expect("a caller that finishes");
        self.0.into_iter().flat_map(join).collect()
    }
}

/// Opens the gate for all remaining requests, and waits until all are answered and completed.
fn finish(driver: &mut Driver<'_>, load: Load) -> Vec<Call> {
    driver.gate.open_to(driver.plan.requests);
    driver.wait(driver.plan.deadline, |_| load.is_finished());
    let calls = load.join();
    let topics = &driver.system.topics;
    let requested =
        driver.system.kafka.scan(&topics.requested, Isolation::Uncommitted).len() as u64;
    driver.wait_for_all(requested, |driver| driver.arrivals.completed());
    let direct = (0..driver.plan.requests).filter(|number| !driver.plan.is_over_http(*number));
    driver.wait_for_all(direct.count() as u64, |driver| driver.arrivals.replied());
    calls
}

/// Stops all processes except the brokers, and waits until no transaction is open.
fn stop(driver: &mut Driver<'_>, ingress: &mut Service) {
    driver.pool.stop_all();
    ingress.ask_to_stop();
    if let code @ (None | Some(1..)) = ingress.wait_for_exit() {
        driver.pool.unplanned_exits.push(format!("ingress stopped with {code:?}"));
    }
    let topics = driver.system.topics.clone();
    for topic in [topics.completed, topics.requested_heavy, topics.dead_letter] {
        if !driver.wait(SETTLING, |driver| driver.system.kafka.is_settled(&topic)) {
            driver.pool.unplanned_exits.push(format!("a transaction in {topic} stays open"));
        }
    }
}
