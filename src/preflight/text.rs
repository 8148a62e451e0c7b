//! A verdict for people and for programs.
//!
//! Invariant: no I/O in this module; what is to be printed is returned.

use std::fmt::Write;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::base::columns::{Side, lay_out};
use crate::base::text::plural;

use super::plan::{Plan, Wanted};
use super::tier::Tier;
use super::{Check, Unit, Verdict};

/// Everything that was found out.
pub(crate) struct Sheet<'a> {
    /// What is to be done.
    pub plan: &'a Plan,
    /// Whether it can be.
    pub verdict: &'a Verdict,
    /// What the machine is good for.
    pub tier: &'a Tier,
    /// The guide's settings.
    pub guide: &'a [Check],
    /// Where the machine is, when it is not the running one.
    pub root: Option<&'a Path>,
}

/// What is short, in words: `212 open files are needed, there are 64 (remedy)`.
pub(super) fn shortage(check: &Check) -> String {
    let [needed, given] = [check.needed, check.given].map(|n| amount(n, check.unit));
    let remedy = check.remedy.as_ref().map(|r| format!(" (remedy: {r})")).unwrap_or_default();
    format!("{}: {needed} needed, {given} there{remedy}", check.name)
}

/// For people.
pub(crate) fn table(sheet: &Sheet<'_>) -> String {
    let Sheet { plan, verdict, tier, guide, root } = sheet;
    let mut out = String::new();
    let load = &plan.load;
    let (servers, commands) = (plural(load.servers(), "server"), plural(load.commands(), "command"));
    let _ = writeln!(out, "plan      {servers}: {commands}, {}", plural(load.remote, "URL"));
    let _ = writeln!(out, "machine   {}", tier.because());
    let _ = writeln!(out, "width     {}", width(plan, verdict));
    if let Some(note) = tier.note().filter(|_| matches!(plan.width, Wanted::Auto { .. })) {
        let _ = writeln!(out, "note      {note}");
    }
    out.push('\n');
    out.push_str(&rows("needed for the plan", &verdict.checks));
    out.push('\n');
    out.push_str(&rows("asked for by the guide", guide));
    let mut remedies: Vec<String> = verdict.checks.iter().filter_map(|c| c.remedy.clone()).collect();
    if guide.iter().any(|c| c.remedy.is_some()) {
        // Without it they would tune the machine that they are run on.
        let root = root.map(|root| format!(" --root {}", root.display())).unwrap_or_default();
        remedies.push(format!("sudo hawkeye preflight --fix{root} # the guide's kernel settings"));
        remedies
            .push(format!("sudo scripts/tune-system.sh --apply{root} # these and nofile; then log in again"));
    }
    if !remedies.is_empty() {
        let _ = write!(out, "\nremedies\n  {}\n", remedies.join("\n  "));
    }
    out
}

fn width(plan: &Plan, verdict: &Verdict) -> String {
    let Verdict { wanted, width, most, .. } = verdict;
    match plan.width {
        Wanted::Exactly(_) if width < wanted => format!("{width} at a time instead of {wanted}"),
        Wanted::Exactly(_) => format!("{width} at a time"),
        Wanted::Auto { .. } if width < wanted => {
            format!("{width} at a time instead of {wanted}; there is no room for more")
        }
        Wanted::Auto { .. } => format!("{width} at a time at first, room for {most}"),
    }
}

fn rows(head: &str, checks: &[Check]) -> String {
    let heads = [head, "needed", "given", "state"].map(str::to_owned).to_vec();
    let row = |c: &Check| {
        let [needed, given] = [c.needed, c.given].map(|n| amount(n, c.unit));
        let note = c.note.as_deref().unwrap_or(c.source).to_owned();
        vec![c.name.to_owned(), needed, given, c.state.name().to_owned(), note]
    };
    let rows: Vec<_> = std::iter::once(heads).chain(checks.iter().map(row)).collect();
    lay_out(&rows, &[Side::Left, Side::Right, Side::Right])
}

/// For programs.
pub(crate) fn json(sheet: &Sheet<'_>, fix: Option<Value>) -> String {
    let Sheet { plan, verdict, tier, guide, root: _ } = sheet;
    let document = Document {
        schema_version: 1,
        fits: verdict.fits(),
        plan: PlanView {
            servers: plan.load.servers(),
            commands: plan.load.commands(),
            urls: plan.load.remote,
            auto: matches!(plan.width, Wanted::Auto { .. }),
        },
        width: WidthView { wanted: verdict.wanted, fits: verdict.width, most: verdict.most },
        machine: MachineView {
            memory_gib: tier.memory_gib,
            processors: tier.cpus,
            max_concurrent_servers: tier.width,
            cache_max_size: tier.cache_size,
            enable_detailed_analysis: tier.detailed_analysis,
            note: tier.note(),
        },
        checks: verdict.checks.iter().map(Row::from).collect(),
        guide: guide.iter().map(Row::from).collect(),
        fix,
    };
    // Text, numbers and lists of them: nothing that could fail to be written.
    serde_json::to_string_pretty(&document).map(|text| text + "\n").unwrap_or_default()
}

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    fits: bool,
    plan: PlanView,
    width: WidthView,
    machine: MachineView,
    checks: Vec<Row<'a>>,
    guide: Vec<Row<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<Value>,
}

#[derive(Serialize)]
struct PlanView {
    servers: usize,
    commands: usize,
    urls: usize,
    auto: bool,
}

#[derive(Serialize)]
struct WidthView {
    wanted: usize,
    fits: usize,
    most: usize,
}

#[derive(Serialize)]
struct MachineView {
    memory_gib: Option<u64>,
    processors: usize,
    max_concurrent_servers: usize,
    cache_max_size: u64,
    enable_detailed_analysis: bool,
    note: Option<String>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    needed: Option<u64>,
    given: Option<u64>,
    unit: &'a str,
    state: &'a str,
    source: &'a str,
    note: Option<&'a str>,
    remedy: Option<&'a str>,
}

impl<'a> From<&'a Check> for Row<'a> {
    fn from(check: &'a Check) -> Row<'a> {
        Row {
            name: check.name,
            needed: check.needed,
            given: check.given,
            unit: match check.unit {
                Unit::Count => "count",
                Unit::Bytes => "bytes",
                Unit::Seconds => "seconds",
            },
            state: check.state.name(),
            source: check.source,
            note: check.note.as_deref(),
            remedy: check.remedy.as_deref(),
        }
    }
}

/// A number with its unit.
fn amount(number: Option<u64>, unit: Unit) -> String {
    let Some(number) = number else { return "unknown".to_owned() };
    match unit {
        Unit::Count if number == u64::MAX => "unlimited".to_owned(),
        Unit::Count => number.to_string(),
        Unit::Seconds => format!("{number} s"),
        Unit::Bytes if number >= 10 << 30 => format!("{} GiB", number >> 30),
        Unit::Bytes => format!("{} MiB", number.div_ceil(1 << 20)),
    }
}
