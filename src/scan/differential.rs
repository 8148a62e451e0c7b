//! `--differential`: a server is asked again in other ways, and what differs is a finding.
//!
//! Once more as before; under the names of well-known clients; in the oldest and the newest revision of each era;
//! without the credentials of its entry. What seems to depend on the way is asked a second time, and the way of the
//! beginning a third time: sixteen askings at most. Each is a conversation of its own, from the start of the
//! process to its end, with the whole time of the target, and under the same limits of rate; the end of the run
//! ends them all.
//!
//! Invariant: a way that could not be asked is said to be not compared, and never looks like one without faults.

use std::time::Duration;

use crate::analysis::cloak::{self, Asked, Way};
use crate::analysis::options;
use crate::mcp::outgoing::Client;
use crate::model::finding::worst_first;
use crate::model::inventory::{CoverageState, Inventory};
use crate::model::notes::Note;
use crate::model::outcome::{FailureKind, Outcome, Phase, Status};
use crate::model::revision::{Era, Revision};
use crate::model::target::Target;
use crate::probe::Policy;

/// How long the stateless era is waited for at a server that has not chosen it, beyond twice the time that it took
/// to open: many keep silent at what they do not know.
const SILENCE: Duration = Duration::from_secs(10);

/// Asks `target` again with `ask`, and adds to its `outcome` what differs, judged as `assessment` says.
pub(super) fn look(
    target: &Target,
    policy: &Policy,
    assessment: &options::Policy,
    outcome: &mut Outcome,
    ask: impl Fn(&Target, &Policy) -> Outcome,
) {
    if matches!(outcome.status, Status::Failed | Status::NotEvaluated) {
        return;
    }
    let plain = Policy { auth_metadata: false, ..policy.clone() };
    let mut told = Told::default();
    let mut own = Vec::new();
    let once_more = ask(target, &plain);
    match usable(&once_more) {
        Ok(()) => {
            told.cut_short("once more", &outcome.inventory, &once_more.inventory);
            told.compared.push("once more".to_owned());
            own.push(once_more.inventory);
        }
        Err(why) => told.missing.push(format!("once more: {why}")),
    }
    let mut asked: Vec<(Asked, Target, Policy)> = Vec::new();
    for (way, target, policy) in ways(target, &plain, outcome) {
        let answer = ask(&target, &policy);
        match usable(&answer) {
            Ok(()) => {
                told.cut_short(&spelled(way), &outcome.inventory, &answer.inventory);
                told.compared.push(spelled(way));
                asked.push((Asked { way, first: answer.inventory, second: None }, target, policy));
            }
            Err(_) if not_spoken(way, &answer) => {
                let silent = answer.failure.as_ref().is_some_and(|f| f.kind == FailureKind::Timeout);
                told.unspoken.push(spelled(way) + if silent { " (no answer)" } else { "" });
            }
            Err(why) => told.missing.push(format!("{}: {why}", spelled(way))),
        }
    }
    let mut suspicious = false;
    for (one, target, policy) in asked.iter_mut().filter(|(one, ..)| one.is_suspicious(&outcome.inventory)) {
        suspicious = true;
        let answer = ask(target, policy);
        match usable(&answer) {
            Ok(()) => one.second = Some(answer.inventory),
            Err(why) => told.missing.push(format!("{} once more: {why}", spelled(one.way))),
        }
    }
    if suspicious {
        let last = ask(target, &plain);
        match usable(&last) {
            Ok(()) => own.push(last.inventory),
            Err(why) => told.missing.push(format!("as at first, at the end: {why}")),
        }
    }
    let asked: Vec<Asked> = asked.into_iter().map(|(one, ..)| one).collect();
    let same: Vec<&Inventory> = std::iter::once(&outcome.inventory).chain(&own).collect();
    let server = cloak::Server { name: &outcome.name, view: &outcome.endpoint };
    let found = cloak::findings(&server, &same, &asked, assessment);
    outcome.findings.extend(found);
    worst_first(&mut outcome.findings);
    outcome.notes.extend(told.notes());
}

/// Every other way in which `target` is to be asked.
fn ways(target: &Target, plain: &Policy, known: &Outcome) -> Vec<(Way, Target, Policy)> {
    let mut all = Vec::new();
    for client in Client::OTHERS {
        all.push((Way::Name(client.name()), target.clone(), Policy { client, ..plain.clone() }));
    }
    let ours = known.inventory.protocol.as_ref().map(|p| p.version.as_str());
    let pinned = target.pin.or(plain.pin).is_some();
    let ends = [Revision::ALL[0], Revision::NEWEST_HANDSHAKE, Revision::NEWEST];
    for revision in ends.into_iter().filter(|r| !pinned && Some(r.date()) != ours) {
        let whole = target.timeout.unwrap_or(plain.timeout);
        let opening =
            Duration::from_secs_f64((known.timing.connect_ms + known.timing.handshake_ms).max(0.0) / 1e3);
        let time = match revision.era() {
            Era::Stateless => whole.min(SILENCE + 2 * opening),
            Era::Handshake => whole,
        };
        let other = Target { pin: Some(revision), timeout: Some(time), ..target.clone() };
        all.push((Way::Revision(revision), other, plain.clone()));
    }
    if let Some(stranger) = target.without_credentials() {
        all.push((Way::Stranger, stranger, plain.clone()));
    }
    all
}

/// Whether there is something to compare; if not, why.
fn usable(outcome: &Outcome) -> Result<(), String> {
    match (&outcome.failure, outcome.status) {
        (_, Status::Complete | Status::Partial) => Ok(()),
        (Some(failure), _) => Err(failure.to_string()),
        (None, status) => Err(status.name().to_owned()),
    }
}

/// Whether a server that gave this `answer` does not speak the revision, rather than not at all. One that does
/// not know the newest era may say so by keeping silent; one that knows no other, by refusing `initialize`.
fn not_spoken(way: Way, answer: &Outcome) -> bool {
    let Way::Revision(revision) = way else { return false };
    match answer.failure.as_ref().map(|f| (f.kind, f.phase)) {
        Some((FailureKind::VersionUnsupported, _)) => true,
        Some((FailureKind::Timeout, _)) => revision.era() == Era::Stateless,
        Some((FailureKind::RpcError, Phase::Initialize)) => true,
        Some(_) | None => false,
    }
}

fn spelled(way: Way) -> String {
    match way {
        Way::Name(name) => format!("as \"{name}\""),
        Way::Revision(revision) => format!("in {revision}"),
        Way::Stranger => "without credentials".to_owned(),
    }
}

/// What the report says of the askings themselves.
#[derive(Default)]
struct Told {
    compared: Vec<String>,
    unspoken: Vec<String>,
    missing: Vec<String>,
}

impl Told {
    /// Lists that this answer has not got whole, though we know them whole.
    fn cut_short(&mut self, way: &str, known: &Inventory, answer: &Inventory) {
        let ended = |state| matches!(state, CoverageState::Complete | CoverageState::Unsupported);
        for row in answer.coverage.iter().filter(|row| !ended(row.state)) {
            if known.coverage_of(row.phase).is_some_and(|row| ended(row.state)) {
                let why = row.reason.as_deref().unwrap_or("not read to its end");
                self.missing.push(format!("{} {way}: {why}", row.phase.method()));
            }
        }
    }

    fn notes(self) -> Vec<Note> {
        let note = |code: &'static str, what: &str, ways: Vec<String>| {
            let count = u32::try_from(ways.len()).unwrap_or(u32::MAX);
            let message = format!("{what}: {}", ways.join("; "));
            (count > 0).then(|| Note { code: code.into(), message, count })
        };
        let all = [
            note("differential_compared", "asked again and compared", self.compared),
            note("differential_not_spoken", "asked again, and not spoken by the server", self.unspoken),
            note("differential_incomplete", "not compared", self.missing),
        ];
        all.into_iter().flatten().collect()
    }
}
