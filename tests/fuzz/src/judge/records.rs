//! Each record of a request topic: completed or dead, and not both.

use std::collections::{BTreeMap, HashMap, HashSet};

use abacus_testkit::Position;
use uuid::Uuid;

use crate::evidence::{Answer, Channel, DeadLetter, Evidence, Fate, Written};
use crate::shot::{Content, Target};
use crate::verdict::{Verdict, Violation};

/// Place of a record in the topics of requests.
type Place = (Target, i32, i64);

pub(super) fn judge(evidence: &Evidence, verdict: &mut Verdict) {
    let dead = dead_letters(&evidence.dead_letters, verdict);
    let mut requests: HashMap<(i32, Uuid), Vec<&Written>> = HashMap::new();
    let mut accounted = HashSet::new();
    for written in &evidence.written {
        verdict.kinds.entry(written.kind).or_default().written += 1;
        if !written.target.is_judged() {
            continue;
        }
        let class = dead.get(&place(written)).copied();
        if class.is_some() {
            accounted.insert(place(written));
            verdict.kinds.entry(written.kind).or_default().dead += 1;
        }
        if let Some(content) = completable(written, class, verdict) {
            requests.entry((written.position.partition, content.id)).or_default().push(written);
        }
    }
    for (target, partition, offset) in dead.keys().filter(|place| !accounted.contains(place)) {
        verdict.note(Violation::Invented, || {
            format!("a dead letter of {target:?} {partition}:{offset}, where nothing was written")
        });
    }
    judge_completions(evidence, &requests, verdict);
}

fn place(written: &Written) -> Place {
    let Position { partition, offset } = written.position;
    (written.target, partition, offset)
}

/// Returns the class of the dead letter of each place.
fn dead_letters<'a>(letters: &'a [DeadLetter], verdict: &mut Verdict) -> BTreeMap<Place, &'a str> {
    let mut places = BTreeMap::new();
    for letter in letters {
        for offset in letter.first..=letter.last {
            let place = (letter.target, letter.partition, offset);
            if places.insert(place, letter.class.as_str()).is_some() {
                verdict.note(Violation::RepeatedDeadLetter, || format!("{place:?}"));
            }
        }
    }
    places
}

/// Compares a record with its dead letter, if any. Returns the content that must be completed.
fn completable(written: &Written, dead: Option<&str>, verdict: &mut Verdict) -> Option<Content> {
    match (written.fate, dead) {
        (Fate::Completed(content) | Fate::Either(content), None) => Some(content),
        (Fate::Completed(_) | Fate::Answered, Some(class)) => {
            let example = || format!("{}: {class}", described(written));
            verdict.note(Violation::ReadableDeadLetter, example);
            None
        }
        (Fate::DeadLetter, None) => {
            verdict.note(Violation::Tolerated, || described(written));
            None
        }
        _ => None,
    }
}

/// Names a record, so that `--only` writes the record again.
pub(super) fn described(written: &Written) -> String {
    let Position { partition, offset } = written.position;
    let Written { number, kind, target, .. } = written;
    format!("record {number} ({kind}) at {target:?} {partition}:{offset}")
}

fn judge_completions(
    evidence: &Evidence,
    requests: &HashMap<(i32, Uuid), Vec<&Written>>,
    verdict: &mut Verdict,
) {
    let over_http = requests_over_http(evidence);
    let mut completions: HashMap<(i32, Uuid), Vec<(Content, bool)>> = HashMap::new();
    let mut http_completions: HashMap<Uuid, usize> = HashMap::new();
    for completion in &evidence.completions {
        let key = (completion.position.partition, completion.content.id);
        if requests.contains_key(&key) {
            let found = (completion.content, completion.is_shortened);
            completions.entry(key).or_default().push(found);
        } else if over_http.contains(&completion.content.id) {
            *http_completions.entry(completion.content.id).or_default() += 1;
        } else {
            verdict.note(Violation::Invented, || format!("{completion:?} answers no request"));
        }
    }
    for (key, records) in requests {
        judge_request(records, completions.get(key).map_or(&[], Vec::as_slice), verdict);
    }
    for id in over_http {
        match http_completions.get(&id) {
            Some(1) => {}
            None => verdict.note(Violation::Lost, || format!("request {id} over HTTP")),
            Some(_) => verdict.note(Violation::Duplicated, || format!("request {id} over HTTP")),
        }
    }
}

fn requests_over_http(evidence: &Evidence) -> HashSet<Uuid> {
    let over_http = evidence.honest.iter().filter(|call| call.channel == Channel::Http);
    over_http
        .filter_map(|call| match &call.answer {
            Answer::Told(id, _) => *id,
            Answer::None(_) => None,
        })
        .collect()
}

/// Judges all records with one id in a partition. Repeats of the first content are completed with it,
/// and each record with other content has a completion. The first in line may be any record, as a
/// record with a new schema waits for the registry.
fn judge_request(records: &[&Written], completions: &[(Content, bool)], verdict: &mut Verdict) {
    let mut contents: HashMap<Content, usize> = HashMap::new();
    for record in records {
        if let Fate::Completed(content) | Fate::Either(content) = record.fate {
            *contents.entry(content).or_default() += 1;
        }
    }
    let known = |(content, is_shortened): &&(Content, bool)| {
        *is_shortened || contents.contains_key(content)
    };
    if completions.iter().filter(known).count() < completions.len() {
        let example = || format!("{}: another content is completed", described(records[0]));
        verdict.note(Violation::Invented, example);
    }
    let is_right = contents.values().any(|same| records.len() - same + 1 == completions.len());
    let most = records.len() - contents.values().min().copied().unwrap_or_default() + 1;
    if is_right {
        verdict.repeats += records.len() - completions.len();
        for record in records {
            verdict.kinds.entry(record.kind).or_default().completed += 1;
        }
    } else {
        let count = completions.len();
        let violation = if count > most { Violation::Duplicated } else { Violation::Lost };
        let example =
            || format!("{}: {} records, {count} completions", described(records[0]), records.len());
        verdict.note(violation, example);
    }
}
