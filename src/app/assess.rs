//! `hawkeye assess`: what was learnt before, judged by the rules of today. Asks nobody and starts nothing.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::SystemTime;

use crate::analysis::{self, options::Policy};
use crate::base::text::{panic_text, quote};
use crate::cli::args::{Assess, NO_DRIFT};
use crate::model::finding::{Finding, worst_first};
use crate::model::outcome::{Failure, FailureKind, Outcome, Phase, Status};
use crate::saved;
use crate::sys::cancel::Cancel;
use crate::sys::signal;

use super::exit::Exit;
use super::run::outputs::Turn;
use super::run::plan::{none_left, settle};
use super::run::telling::Telling;
use super::say;

pub(super) fn run(args: &Assess) -> Exit {
    let cancel = match Cancel::new() {
        Ok(cancel) => cancel,
        Err(e) => {
            say(&format!("cannot start: {e}"));
            return Exit::Unwritten;
        }
    };
    let scan = args.as_scan();
    let settled =
        settle(&scan).and_then(|(planned, _)| none_left(&planned.settings.assessment).map(|()| planned));
    let planned = match settled {
        Ok(planned) => planned,
        Err(why) => {
            say(&why);
            return Exit::Usage;
        }
    };
    // A scan may take stock without judging; this does nothing else.
    let mut info = planned.info();
    if info.rules.count == 0 {
        say(
            "no rule is in force, and assess only judges: set enable_risk_assessment or enable_schema_validation to true, \
             or add a rule of your own (hawkeye rules list)",
        );
        return Exit::Usage;
    }
    if let Some(left_out) = planned.unjudged() {
        log::warn!("{left_out}");
    }
    // These settings are those of scans, too.
    if planned.settings.gate.fail_on.drift {
        log::warn!("fail_on: drift has no effect here: {NO_DRIFT}");
    }
    let outcomes = match read(args) {
        Ok(outcomes) => outcomes,
        Err(why) => {
            why.iter().for_each(|line| say(line));
            return Exit::Usage;
        }
    };
    signal::trip_on_signals(&cancel);
    info.planned = outcomes.len();
    let mut telling = match Telling::open(&scan, &planned, &info, Turn::Only, &cancel) {
        Ok(telling) => telling,
        Err(why) => {
            say(&why);
            return Exit::Unwritten;
        }
    };
    for (at, mut outcome) in outcomes.into_iter().enumerate() {
        if cancel.is_tripped() {
            outcome = unjudged(
                outcome,
                Status::NotEvaluated,
                FailureKind::Cancelled,
                "interrupted before it was judged",
            );
        } else {
            outcome = judged(outcome, &planned.settings.assessment);
        }
        telling.review.outcome(&mut outcome);
        telling.outcome(at, &outcome, &[], 1);
    }
    telling.end(SystemTime::now(), cancel.is_tripped());
    let (ended, fail_on) = (telling.close(), &planned.settings.gate.fail_on);
    // Nothing is compared here.
    let exit = ended.exit(&scan, fail_on, None);
    ended.explain(exit, &scan, fail_on);
    exit
}

/// Every server of every file. A file that holds none is a failed one, as long as others hold some; one that
/// is not there is a slip of the command line.
fn read(args: &Assess) -> Result<Vec<Outcome>, Vec<String>> {
    let (mut all, mut unusable, mut usable) = (Vec::new(), Vec::new(), 0);
    for path in &args.files {
        match saved::read(path, &mut io::stdin().lock()) {
            Ok(outcomes) => {
                usable += 1;
                all.extend(outcomes);
            }
            Err(why) if !why.read => return Err(vec![why.to_string()]),
            Err(why) => {
                all.push(why.outcome());
                unusable.push(why.to_string());
            }
        }
    }
    if usable == 0 { Err(unusable) } else { Ok(all) }
}

/// `outcome` with the findings of today. A defect costs this one only.
fn judged(mut outcome: Outcome, policy: &Policy) -> Outcome {
    let target = saved::target(&outcome);
    let before = std::mem::take(&mut outcome.findings);
    (outcome.risk, outcome.drift) = (None, None);
    let run = catch_unwind(AssertUnwindSafe(|| analysis::judge(&target, &mut outcome, policy)));
    match run {
        Ok(()) => {
            keep_hidden(&mut outcome, before, policy);
            outcome
        }
        Err(panic) => {
            let text = quote(panic_text(panic.as_ref()), 300);
            let why = format!("hawkeye failed, please report this: {text}");
            unjudged(outcome, Status::Failed, FailureKind::Internal, &why)
        }
    }
}

/// What a report says of a secret in an entry can only be said by who saw it: the report has its mask. Nor can
/// one listing show that a server says other things to others.
fn keep_hidden(outcome: &mut Outcome, before: Vec<Finding>, policy: &Policy) {
    let masked = |f: &Finding| f.rule == "HK-SEC-001" && f.pointer.starts_with("/endpoint");
    let asked = |f: &Finding| policy.risk && f.rule.starts_with("HK-CLK-");
    let hidden = before.into_iter().filter(|f| masked(f) || asked(f));
    for finding in hidden {
        if outcome.findings.iter().all(|f| f.fingerprint != finding.fingerprint) {
            outcome.findings.push(Finding { fails: false, suppressed: None, ..finding });
        }
    }
    worst_first(&mut outcome.findings);
}

fn unjudged(outcome: Outcome, status: Status, kind: FailureKind, why: &str) -> Outcome {
    let failure = Failure { kind, phase: Phase::Config, message: why.to_owned() };
    Outcome { status, failure: Some(failure), findings: Vec::new(), ..outcome }
}
