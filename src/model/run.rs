//! Facts about a whole run.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::base::text::{few, plural, quote};

use super::client::Client;
use super::finding::{Finding, Severity};
use super::outcome::{Outcome, Status};
use super::shard::{Shard, ShardRun};

/// Which run this is.
#[derive(Debug, Clone)]
pub struct RunInfo {
    /// Unique.
    pub id: String,
    /// When it began.
    pub started: SystemTime,
    /// Targets planned; for progress and for counting what was lost.
    pub planned: usize,
    /// The rules that findings come from.
    pub rules: RuleSet,
    /// The part of a list that this run is about, where it is not the whole.
    pub shard: Option<ShardRun>,
    /// What was not there to be merged, where this run is several others.
    pub missing: Option<Missing>,
}

/// What belongs to a run that was merged from others, and was in none of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Parts of the list without a report that is whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shards: Vec<u32>,
    /// Of how many parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// Servers of which nothing is known, as far as they can be counted.
    pub targets: usize,
    /// Reports that end before their end, or hold nothing that can be used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<String>,
}

/// How a line begins on what is said of servers together, in a run that has a part of them only.
const TOGETHER: &str = "servers of one client together";

impl RunInfo {
    /// Says in every report that this is a part only, and that what is bad about servers together is not told.
    pub fn set_shard(&mut self, of: ShardRun) {
        let (Shard { index, count }, servers) = (of.shard, self.planned);
        self.rules.not_assessed.push(
            format!(
                "{TOGETHER}: this is shard {index}/{count}, {servers} of {} servers; hawkeye merge judges them",
                of.of
            )
            .into(),
        );
        self.shard = Some(of);
    }

    /// Says in every report why drift, which was to fail the run, is not seen in it.
    pub fn set_unseen(&mut self, why: Option<String>) {
        let line = why.map(|why| format!("drift: servers were not compared with earlier runs: {why}").into());
        self.rules.not_assessed.extend(line);
    }

    /// Says in every report what was not there.
    pub fn set_missing(&mut self, missing: Missing) {
        self.rules.not_assessed.push(format!("what is missing here: {missing}").into());
        self.missing = Some(missing);
    }
}

impl RuleSet {
    /// The same for a run over all servers.
    pub fn whole(mut self) -> RuleSet {
        self.not_assessed.retain(|line| !line.starts_with(TOGETHER));
        self
    }
}

impl fmt::Display for Missing {
    /// `shards 1 and 4 of 5 (12 servers); cut off or of no use: a.json`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = match self.targets {
            0 => "servers nobody can count".to_owned(),
            n => plural(n, "server"),
        };
        match (self.count, self.shards.as_slice()) {
            (Some(count), [one]) => write!(f, "shard {one}/{count}, {servers}")?,
            (Some(count), [_, ..]) => write!(f, "shards {} of {count}, {servers}", listed(&self.shards))?,
            _ => f.write_str(&servers)?,
        }
        if !self.reports.is_empty() {
            let names = self.reports.iter().map(|name| quote(name, 120));
            write!(f, "; cut off or of no use: {}", few(names, NAMED))?;
        }
        Ok(())
    }
}

/// Numbers, or names, in one line.
const NAMED: usize = 20;

fn listed(numbers: &[u32]) -> String {
    few(numbers.iter().map(u32::to_string), NAMED)
}

/// Which rules judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleSet {
    /// Changes whenever they do.
    pub version: Cow<'static, str>,
    /// How many there are.
    pub count: usize,
    /// Of their text.
    pub sha256: String,
    /// What no listing shows and no rule judges, said in every report.
    pub not_assessed: Vec<Cow<'static, str>>,
    /// The rules themselves, for formats that describe them.
    #[serde(skip)]
    pub rules: Arc<[RuleText]>,
}

/// What a rule says to people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleText {
    /// Stable, `HK-XXX-000`.
    pub id: Cow<'static, str>,
    /// The worst it can be.
    pub severity: Severity,
    /// What it finds, in a few words.
    pub title: Cow<'static, str>,
    /// What is bad about it, and when it is told at all.
    pub help: Cow<'static, str>,
    /// What to do.
    pub remedy: Cow<'static, str>,
    /// OWASP, ATLAS, CWE.
    pub references: Vec<Cow<'static, str>>,
}

/// The report's `summary`: counts over all targets so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Targets reported.
    pub targets: usize,
    /// Of these: complete.
    pub complete: usize,
    /// Of these: partial.
    pub partial: usize,
    /// Of these: failed.
    pub failed: usize,
    /// Of these: not evaluated.
    pub not_evaluated: usize,
    /// Targets that were not asked, because the cache had a fresh answer.
    pub cached: usize,
    /// Entries that were disabled in their file; not among the targets.
    pub disabled: usize,
    /// Tools over all targets.
    pub tools: usize,
    /// Resources over all targets.
    pub resources: usize,
    /// Resource templates over all targets.
    pub resource_templates: usize,
    /// Prompts over all targets.
    pub prompts: usize,
    /// Findings by severity, those of clients included, suppressed ones not.
    pub findings: Severities,
    /// Findings that somebody answers for.
    pub suppressed: usize,
    /// Findings that make the run fail.
    pub failing: usize,
    /// Targets that are different from the last time.
    pub drifted: usize,
}

/// What the transports did over all targets so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Vitals {
    /// HTTP exchanges.
    pub requests: u64,
    /// HTTP exchanges that were asked again, after 429 or a status of the configuration.
    pub repeats: u64,
    /// Connections made.
    pub connections: u64,
    /// HTTP exchanges that were answered over a connection which was there already.
    pub connections_reused: u64,
    /// Connections open now.
    pub open_connections: u64,
    /// Most connections that were open at once.
    pub peak_connections: u64,
    /// Processes started.
    pub processes: u64,
    /// Sessions agreed on with a server.
    pub sessions_opened: u64,
    /// Introspections that took up a session which had been kept.
    pub sessions_reused: u64,
    /// Live sessions kept now, not in use.
    pub sessions_idle: u64,
    /// Waits for the rate limit, or because a server had asked for patience.
    pub rate_waits: u64,
    /// Their length in all, in milliseconds.
    pub rate_wait_ms: u64,
    /// Targets at a time now.
    pub width: usize,
    /// The most there were at a time.
    pub width_peak: usize,
}

/// What a scan over many hosts knows of its workers, and what happened on the way to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Those that are alive, were in this run, or should be.
    pub workers: Vec<WorkerState>,
    /// Results that came twice.
    pub duplicates: u64,
    /// Targets that were given out once more, because a worker or the queue lost them.
    pub reassigned: u64,
    /// Entries of the queue that were not of this cluster.
    pub forged: u64,
}

/// A worker as it was when it was last heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerState {
    /// What it is called.
    pub name: String,
    /// Whether it is alive.
    pub up: bool,
    /// Targets at a time.
    pub slots: usize,
    /// Targets it has now.
    pub running: usize,
}

/// Counts by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Severities {
    /// Worst.
    pub critical: usize,
    /// Bad.
    pub high: usize,
    /// Worth a look.
    pub medium: usize,
    /// Minor.
    pub low: usize,
    /// Facts.
    pub info: usize,
}

impl Tally {
    /// Counts one more target.
    pub fn add(&mut self, outcome: &Outcome) {
        self.targets += 1;
        match outcome.status {
            Status::Complete => self.complete += 1,
            Status::Partial => self.partial += 1,
            Status::Failed => self.failed += 1,
            Status::NotEvaluated => self.not_evaluated += 1,
        }
        self.cached += usize::from(outcome.cached.is_some());
        self.tools += outcome.inventory.tools.len();
        self.resources += outcome.inventory.resources.len();
        self.resource_templates += outcome.inventory.resource_templates.len();
        self.prompts += outcome.inventory.prompts.len();
        self.drifted += usize::from(outcome.drift.as_ref().is_some_and(|d| !d.changes.is_empty()));
        outcome.findings.iter().for_each(|f| self.add_finding(f));
    }

    /// Counts what is bad about servers together.
    pub fn add_client(&mut self, client: &Client) {
        client.findings.iter().for_each(|f| self.add_finding(f));
    }

    fn add_finding(&mut self, finding: &Finding) {
        self.failing += usize::from(finding.fails);
        match finding.suppressed {
            Some(_) => self.suppressed += 1,
            None => self.findings.add(finding.severity),
        }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.targets += other.targets;
        self.complete += other.complete;
        self.partial += other.partial;
        self.failed += other.failed;
        self.not_evaluated += other.not_evaluated;
        self.cached += other.cached;
        self.disabled += other.disabled;
        self.tools += other.tools;
        self.resources += other.resources;
        self.resource_templates += other.resource_templates;
        self.prompts += other.prompts;
        self.findings.critical += other.findings.critical;
        self.findings.high += other.findings.high;
        self.findings.medium += other.findings.medium;
        self.findings.low += other.findings.low;
        self.findings.info += other.findings.info;
        self.suppressed += other.suppressed;
        self.failing += other.failing;
        self.drifted += other.drifted;
    }
}

impl fmt::Display for Severities {
    /// `2 high, 1 low`; nothing where there is nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, (severity, count)) in self.found().enumerate() {
            write!(f, "{}{count} {severity}", if nth == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl Severities {
    /// All of them.
    pub fn worst_first(&self) -> [(Severity, usize); 5] {
        [
            (Severity::Critical, self.critical),
            (Severity::High, self.high),
            (Severity::Medium, self.medium),
            (Severity::Low, self.low),
            (Severity::Info, self.info),
        ]
    }

    /// Those of which there are some, worst first.
    pub fn found(&self) -> impl Iterator<Item = (Severity, usize)> {
        self.worst_first().into_iter().filter(|(_, count)| *count > 0)
    }

    /// Counts one more.
    pub(crate) fn add(&mut self, severity: Severity) {
        match severity {
            Severity::Critical => self.critical += 1,
            Severity::High => self.high += 1,
            Severity::Medium => self.medium += 1,
            Severity::Low => self.low += 1,
            Severity::Info => self.info += 1,
        }
    }
}
