//! A run, from the first process to the verdict.

use std::time::{Duration, Instant};

use abacus_check::oracle::Oracle;
use abacus_testkit::{Stack, System};

use crate::evidence::{Evidence, Stuck};
use crate::generator::Generator;
use crate::headers::ReplyTopics;
use crate::http_callers::HttpCallers;
use crate::judge::judge;
use crate::outputs::Outputs;
use crate::plan::{Length, Plan};
use crate::progress::{wait_for_ends, wait_for_processor};
use crate::projected;
use crate::registrar::{Registered, register};
use crate::report::Report;
use crate::sender::Sender;
use crate::services::Services;
use crate::shot::Shot;

/// Time after which an unreadable batch is skipped.
const SKIP_AFTER: &str = "4s";
/// Least cost of the heavy lane, in word operations: some questions are above.
const HEAVY: &str = "15000";
/// Number of records between two looks at the services.
const STEP: u64 = 250;
/// Largest number of requests ahead of the processor, so that callers over HTTP wait for seconds at most.
const AHEAD: i64 = 500;
/// Longest description of a record, in bytes.
const SHOWN: usize = 4000;
/// Interval of the lines of progress.
const NEWS: Duration = Duration::from_secs(15);

/// Runs `plan` on the servers of `stack`. Reports progress line by line to `progress`.
pub fn run(plan: &Plan, stack: &Stack, progress: &dyn Fn(&str)) -> Report {
    let began = Instant::now();
    let system = system(stack);
    let reply_topic = format!("abacus.replies.{}", system.name());
    system.kafka.create_topic(&reply_topic, 1);
    let Registered { catalog, refused } = register(&system, plan.seed, plan.schemas);
    let schemas = [catalog.writers.len(), refused];
    let of_ingress = system.topics.replies.clone();
    let generator = Generator {
        seed: plan.seed,
        topics: system.topics.clone(),
        reply_partitions: system.kafka.end_offsets(&of_ingress).len() as u64,
        reply_topics: ReplyTopics { existing: reply_topic.clone(), of_ingress },
        catalog,
    };
    let mut run = Run {
        plan,
        system: &system,
        generator,
        services: Services::start(&system),
        sender: Sender::new(&system),
        outputs: Outputs::follow(&system, &reply_topic),
        progress,
    };
    let callers = HttpCallers::start(run.services.ingress().http(), plan.seed);
    let writing = Instant::now();
    let mut standing = run.write();
    let writing = writing.elapsed();
    let calls = callers.stop();
    standing.extend(run.finish());
    let (mut evidence, last_words) = run.evidence(standing);
    evidence.honest.extend(calls);
    let memory = evidence.services.iter().map(|end| (end.name, end.peak, end.bound)).collect();
    let verdict = judge(&evidence, &mut Oracle::default());
    let took = [writing, began.elapsed()];
    Report { plan: plan.clone(), schemas, memory, last_words, verdict, took }
}

fn system(stack: &Stack) -> System {
    let mut system = System::on(stack.clone());
    system.set("ABACUS_KAFKA_SKIP_UNREADABLE_AFTER", SKIP_AFTER);
    system.set("ABACUS_HEAVY_MINIMUM_COST", HEAVY);
    system
}

/// A record in short, with its bytes in hexadecimal.
fn described(shot: &Shot) -> String {
    let mut text = format!("record {}, numbers in hexadecimal: {shot:02x?}", shot.number);
    text.truncate(text.floor_char_boundary(SHOWN));
    text
}

struct Run<'a> {
    plan: &'a Plan,
    system: &'a System,
    generator: Generator,
    services: Services,
    sender: Sender<'a>,
    outputs: Outputs<'a>,
    progress: &'a dyn Fn(&str),
}

impl Run<'_> {
    /// Writes all records. Returns early if a process ended or a partition stands still.
    fn write(&mut self) -> Vec<Stuck> {
        let began = Instant::now();
        let mut news = began;
        for number in self.plan.numbers() {
            if matches!(self.plan.length, Length::Time(time) if began.elapsed() > time) {
                break;
            }
            let shot = self.generator.shot(number);
            if matches!(self.plan.length, Length::Only(_)) {
                (self.progress)(&described(&shot));
            }
            self.sender.send(shot);
            if number % STEP != STEP - 1 {
                continue;
            }
            let stuck =
                wait_for_processor((self.system, &mut self.outputs, &mut self.services), AHEAD);
            if !stuck.is_empty() || !self.services.are_running() {
                return stuck;
            }
            if news.elapsed() > NEWS {
                news = Instant::now();
                self.tell(number, began.elapsed());
            }
        }
        Vec::new()
    }

    fn tell(&self, number: u64, elapsed: Duration) {
        let [ingress, processor, projector] = self.services.peaks().map(|bytes| bytes >> 20);
        (self.progress)(&format!(
            "{} s: {number} records; at most {ingress}, {processor}, {projector} MiB",
            elapsed.as_secs()
        ));
    }

    /// Waits until everything is read.
    fn finish(&mut self) -> Vec<Stuck> {
        self.sender.flush();
        (self.progress)("all records are written; waiting for the services");
        let stuck = wait_for_ends((self.system, &mut self.outputs, &mut self.services));
        self.outputs.read_to_end();
        stuck
    }

    fn evidence(mut self, stuck: Vec<Stuck>) -> (Evidence, Vec<String>) {
        let found = self.outputs.into_found();
        let Sender { written, refused, questions, .. } = self.sender;
        let dead_letters = found.dead_letters(&written);
        let projected = if self.services.are_running() {
            projected::gather(self.system, &mut self.services, &found, &dead_letters)
        } else {
            crate::evidence::Projected::default()
        };
        let last_words = self.services.last_words();
        let evidence = Evidence {
            is_whole: !matches!(self.plan.length, Length::Only(_)),
            completions: found.completions(&written),
            honest: found.calls(questions),
            services: self.services.ends(),
            written,
            refused,
            dead_letters,
            projected,
            stuck,
        };
        (evidence, last_words)
    }
}
