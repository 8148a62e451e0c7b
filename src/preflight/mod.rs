//! Floor 2: before a scan begins, whether the machine has room for it.
//!
//! | file | what it does |
//! |---|---|
//! | `plan` | what a scan is about to do, and what that needs |
//! | `judge` | needs against what the machine gives, to a [`Verdict`] |
//! | `tier` | what a machine of this size is good for |
//! | `kernel` | the tuning guide's kernel settings, and what they are worth here |
//! | `fix` | applies them and makes them last |
//! | `text` | a verdict for people and programs |
//!
//! The machine itself is read in `sys::host`. A plan that does not fit is made narrower, with one warning
//! that names what is short and the remedy, instead of failing in the middle.

pub(crate) mod fix;
mod judge;
pub(crate) mod kernel;
pub(crate) mod plan;
pub(crate) mod text;
pub(crate) mod tier;

use std::path::Path;

use crate::base::text::quote;
use crate::model::target::Target;
use crate::sys::host::{Host, Scope};
use crate::sys::limits::raise_open_files;

pub(crate) use judge::judge;
use plan::{Load, Plan, Wanted};

/// What came of holding a plan against a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Everything that was looked at.
    pub checks: Vec<Check>,
    /// Servers at a time that were wanted, to begin with.
    pub wanted: usize,
    /// Servers at a time that fit.
    pub width: usize,
    /// Servers at a time there is room for, if the width is hawkeye's to choose.
    pub most: usize,
    /// Open files for that many.
    pub open_files: u64,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    /// What.
    pub name: &'static str,
    /// Of `needed` and `given`.
    pub unit: Unit,
    /// What the plan needs, or the guide asks for.
    pub needed: Option<u64>,
    /// What there is; nothing where it is unknown.
    pub given: Option<u64>,
    /// Where that was read.
    pub source: &'static str,
    /// What it means.
    pub state: State,
    /// Servers at a time there is room for as far as this goes.
    pub room: Option<usize>,
    /// The command that helps, where something is short.
    pub remedy: Option<String>,
    /// What else there is to say.
    pub note: Option<String>,
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
}

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// There is enough.
    Ok,
    /// There was too little, and hawkeye raises it by itself.
    Raised,
    /// There is too little: fewer servers at a time.
    Lowered,
    /// There may be too little.
    Warn,
    /// Less than the guide asks for; the note says what that means here.
    Advice,
    /// Cannot be read here.
    Unknown,
}

impl State {
    /// One word, stable.
    pub(crate) fn name(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Raised => "raised",
            State::Lowered => "lowered",
            State::Warn => "warn",
            State::Advice => "advice",
            State::Unknown => "unknown",
        }
    }
}

impl Verdict {
    /// Whether the plan fits as it is.
    pub(crate) fn fits(&self) -> bool {
        self.checks.iter().all(|c| c.state != State::Lowered)
    }

    /// What is shortest of all that made the plan narrower.
    pub(crate) fn bottleneck(&self) -> Option<&Check> {
        self.checks.iter().filter(|c| c.state == State::Lowered).min_by_key(|c| c.room)
    }

    /// The lines a scan warns with: what made it narrower, and what may run short.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let lowered = self.bottleneck().map(|check| {
            format!(
                "only {} instead of {} servers at a time: {}",
                self.width,
                self.wanted,
                text::shortage(check)
            )
        });
        let may = self.checks.iter().filter(|c| c.state == State::Warn).map(text::shortage);
        lowered.into_iter().chain(may).collect()
    }
}

/// Looks at the machine before `plan` is carried out, and raises the soft limit of open files for it.
pub(crate) fn before(plan: &Plan) -> Verdict {
    let scope = Scope { processes: plan.load.commands() > 0, network: plan.load.remote > 0 };
    let mut host = Host::read(Path::new("/"), scope);
    let verdict = judge(plan, &host);
    let Some(limit) = host.open_files.filter(|limit| limit.soft < verdict.open_files) else { return verdict };
    let now = raise_open_files(verdict.open_files);
    if now >= verdict.open_files || now >= limit.hard {
        log::info!("open files: {} were allowed, now {now} are", limit.soft);
        return verdict;
    }
    // The kernel would not raise it, so the soft limit is all there is.
    host.open_files = Some(crate::sys::limits::Limit { soft: now, hard: now });
    judge(plan, &host)
}

/// For callers that scan without a plan: how many of at most `most` servers at a time open files allow. Fewer
/// than `wanted` are worth a warning.
pub(crate) fn fitting(wanted: usize, most: usize, targets: &[Target], idle: usize) -> usize {
    let load = Load::of(targets);
    // Targets that are not tried need a turn, too.
    if load.servers() == 0 {
        return most;
    }
    let width = Wanted::Exactly(most);
    let plan = Plan { load, width, idle, timeout: Default::default(), max_duration: None };
    let open_files = plan.needs(plan.wanted()).open_files;
    let allowed = raise_open_files(open_files);
    if allowed >= open_files {
        return most;
    }
    let fit = (1..plan.wanted()).rev().find(|w| plan.needs(*w).open_files <= allowed).unwrap_or(1);
    if fit < wanted {
        log::warn!(
            "only {fit} instead of {wanted} servers at a time: {open_files} open files are needed, {allowed} are \
             allowed (sudo prlimit --nofile={open_files}:{open_files} --pid $$)"
        );
    }
    fit
}

/// A path as it may be shown.
fn shown(path: &Path) -> String {
    quote(&path.display().to_string(), 400)
}
