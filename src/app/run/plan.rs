//! What a run is about: settings, targets from everywhere, and nothing started yet but the demo.

use std::collections::BTreeSet;
use std::env;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use crate::analysis::options::Policy;
use crate::analysis::selection::{entries, rule_set};
use crate::cli::args::Scan;
use crate::config::{self, ConfigError, Entries, Environment, Overrides, Settings, Shown};
use crate::demo::DemoFleet;
use crate::model::run::RunInfo;
use crate::model::shard::{Identity, Shard, ShardRun, list_mark};
use crate::model::target::Target;
use crate::transport::http::check_certificates;

use super::outputs;
use crate::app::say;

/// What a run needs, all of it known before anything is started.
pub(in crate::app) struct Planned {
    pub(in crate::app) settings: Settings,
    pub(in crate::app) targets: Vec<Target>,
    pub(in crate::app) disabled: usize,
    /// Where only a part of the list is scanned here: which.
    pub(in crate::app) part: Option<Part>,
    /// Every setting with who made it, for commands that talk about them.
    pub(in crate::app) shown: Vec<Shown>,
}

/// A part of a list, which is scanned here while others scan the rest.
pub(in crate::app) struct Part {
    pub(in crate::app) run: ShardRun,
    /// The place in the whole list of each target of the part.
    pub(in crate::app) places: Vec<usize>,
    /// Targets of the other parts.
    pub(in crate::app) elsewhere: Vec<Target>,
}

impl Part {
    /// Takes from `targets`, which are the whole list, what is not in `shard`.
    fn cut(shard: Shard, targets: &mut Vec<Target>) -> Part {
        let all: Vec<Identity> = targets.iter().map(Identity::of_target).collect();
        let list = list_mark(all.iter().zip(targets.iter().map(|target| target.name.as_str())));
        let run = ShardRun { shard, of: all.len(), list };
        let mut part = Part { run, places: Vec::new(), elsewhere: Vec::new() };
        for (place, (target, identity)) in std::mem::take(targets).into_iter().zip(&all).enumerate() {
            if shard.holds(identity) {
                part.places.push(place);
                targets.push(target);
            } else {
                part.elsewhere.push(target);
            }
        }
        part
    }
}

impl Planned {
    /// Whether the list has no server at all. A part may have none of a list that has some.
    pub(in crate::app) fn is_empty(&self) -> bool {
        self.targets.is_empty() && self.part.as_ref().is_none_or(|part| part.run.of == 0)
    }

    /// What every report begins with.
    pub(in crate::app) fn info(&self) -> RunInfo {
        let mut info = RunInfo {
            id: format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..)),
            started: SystemTime::now(),
            planned: self.targets.len(),
            rules: rule_set(&self.settings.assessment),
            shard: None,
            missing: None,
        };
        if let Some(part) = &self.part {
            info.set_shard(part.run.clone());
        }
        info
    }

    /// Targets that others scan.
    pub(in crate::app) fn elsewhere(&self) -> &[Target] {
        self.part.as_ref().map_or(&[], |part| &part.elsewhere)
    }

    /// That rules are left out which nobody has switched off: a report without their findings looks the same
    /// as that of a server without faults.
    pub(in crate::app) fn unjudged(&self) -> Option<&'static str> {
        let left_out = self.settings.assessment.risk && !self.settings.assessment.detailed;
        let detail = self.shown.iter().find(|s| s.path == "mcp_introspection.enable_detailed_analysis")?;
        (left_out && detail.value.starts_with("auto")).then_some(
            "texts and parameters of tools are not judged: enable_detailed_analysis is auto, which is off with less \
             than 8 GiB of memory; true judges them, false is quiet about it",
        )
    }
}

/// What is read, started or said once, however often a plan is made.
#[derive(Default)]
pub(in crate::app) struct Held {
    /// Kept alive while its servers are scanned.
    fleet: Option<DemoFleet>,
    standard_input: Option<Vec<u8>>,
    said: BTreeSet<String>,
}

impl Held {
    /// The demo servers, where they were asked for.
    pub(in crate::app) fn fleet(&self) -> Option<&DemoFleet> {
        self.fleet.as_ref()
    }

    /// Warnings of a plan; those that the plan before had, too, are known.
    fn warn(&mut self, warnings: Vec<String>) {
        warnings.iter().filter(|w| !self.said.contains(*w)).for_each(|w| log::warn!("{w}"));
        self.said = warnings.into_iter().collect();
    }
}

/// The settings of a plan, which has no targets yet.
pub(in crate::app) fn settle(args: &Scan) -> Result<(Planned, Environment), String> {
    outputs::check(args)?;
    let line = |e: ConfigError| e.to_string();
    let environment = Environment::of_process().map_err(line)?;
    let resolved = config::resolve(&Overrides::from(args), &environment).map_err(line)?;
    start_log(args.quiet, args.verbose.max(u8::from(resolved.settings.verbose)));
    resolved.notes.iter().for_each(|n| log::info!("{n}"));
    let (settings, shown) = (resolved.settings, resolved.shown);
    Ok((Planned { settings, targets: Vec::new(), disabled: 0, part: None, shown }, environment))
}

pub(in crate::app) fn plan(args: &Scan, process: &[String], held: &mut Held) -> Result<Planned, String> {
    let line = |e: ConfigError| e.to_string();
    let (Planned { mut settings, shown, .. }, environment) = settle(args)?;
    check_certificates(&settings.wire.tls)?;
    none_left(&settings.assessment)?;
    let insecure = "insecure".to_owned();
    if settings.wire.tls.insecure && !held.said.contains(&insecure) {
        say(
            "WARNING: --insecure: certificates are not checked; anyone on the way can read and change everything",
        );
    }
    let named = names_targets(args, process);
    let files = if named { &args.targets } else { &settings.targets.files };
    let mut entries: Vec<Entries> = Vec::new();
    for file in files {
        let from_stdin = file.as_os_str() == "-";
        let input = if from_stdin { held.standard_input()? } else { &[] };
        entries.push(config::read(file, &mut &*input, &environment).map_err(line)?);
    }
    if !named {
        entries.extend(settings.targets.inline.take());
    }
    let mut targets = config::from_command_line(&args.urls, process);
    let mut disabled = 0;
    let mut warnings: Vec<String> = Vec::new();
    for file in entries {
        warnings.extend(file.warnings.iter().map(ToString::to_string));
        file.notes.iter().for_each(|n| log::info!("{n}"));
        disabled += file.disabled.len();
        targets.extend(file.targets);
    }
    held.warn(warnings);
    if settings.wire.tls.insecure {
        held.said.insert(insecure);
    }
    if args.demo && held.fleet.is_none() {
        let fleet = DemoFleet::start(&this_program());
        held.fleet = Some(fleet.map_err(|e| format!("cannot start the demo servers: {e}"))?);
    }
    targets.extend(held.fleet.iter().flat_map(DemoFleet::targets));
    let mut targets = config::merge(targets);
    if args.no_stdio {
        config::hold_stdio(&mut targets);
    }
    let part = args.shard.map(|shard| Part::cut(shard, &mut targets));
    Ok(Planned { settings, targets, disabled, part, shown })
}

/// Whether the command line does: the settings' own targets are for one that names none.
pub(in crate::app) fn names_targets(args: &Scan, process: &[String]) -> bool {
    !(args.urls.is_empty() && process.is_empty() && args.targets.is_empty() && !args.demo)
}

/// `planned`, unless drift is to fail a scan that compares with nothing.
pub(in crate::app) fn comparable(args: &Scan, planned: Planned) -> Result<Planned, String> {
    let Settings { gate, history, .. } = &planned.settings;
    if !gate.fail_on.drift || history.enabled || args.baseline.is_some() {
        return Ok(planned);
    }
    let by = |key: &str| {
        planned
            .shown
            .iter()
            .find(|said| said.path == key)
            .map_or(String::new(), |said| said.origin.to_string())
    };
    Err(format!(
        "drift is to fail the run ({}), but the history is off ({}), so nothing is compared: give --baseline FILE, \
         or leave out one of the two",
        by("fail_on"),
        by("history.enabled")
    ))
}

/// A run without rules that somebody switched off one by one would pass everything.
pub(in crate::app) fn none_left(policy: &Policy) -> Result<(), String> {
    let none = entries(policy).iter().all(|rule| rule.off.is_some());
    if none && !policy.selection.off.is_empty() {
        return Err(
            "no rule is left: rules.disable and the settings switch all of them off (hawkeye rules list)"
                .into(),
        );
    }
    Ok(())
}

impl Held {
    /// What standard input holds: it can be read once only. A little more than may be read, so that whoever
    /// reads it sees that it is too much.
    fn standard_input(&mut self) -> Result<&[u8], String> {
        if self.standard_input.is_none() {
            let mut all = Vec::new();
            let most = MOST_INPUT + 1;
            let read = io::stdin().lock().take(most).read_to_end(&mut all);
            read.map_err(|e| format!("standard input cannot be read: {e}"))?;
            self.standard_input = Some(all);
        }
        Ok(self.standard_input.as_deref().unwrap_or_default())
    }
}

/// Bytes of standard input; the limit of a targets file.
const MOST_INPUT: u64 = 4 << 20;

fn this_program() -> PathBuf {
    env::current_exe().unwrap_or_else(|_| SELF.into())
}

/// The kernel's name for this very program, also after its file was replaced.
pub(in crate::app) const SELF: &str = "/proc/self/exe";

/// From now on our own log lines go to stderr, from this level on.
pub(in crate::app) fn start_log(quiet: bool, verbose: u8) {
    let level = match (quiet, verbose) {
        (true, _) => log::LevelFilter::Error,
        (false, 0) => log::LevelFilter::Warn,
        (false, 1) => log::LevelFilter::Info,
        (false, _) => log::LevelFilter::Debug,
    };
    // Only our own lines: libraries print headers and URLs, whatever RUST_LOG says.
    let _ = env_logger::Builder::new()
        .filter_module("hawkeye", level)
        .format(|out, record| {
            let text = record.args().to_string();
            writeln!(
                out,
                "hawkeye: {}: {}",
                record.level().as_str().to_lowercase(),
                crate::base::text::visible(&text)
            )
        })
        .try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a machine with this much memory, and with these variables.
    fn planned(gib: u64, vars: &[(&str, &str)]) -> Planned {
        let environment = Environment {
            vars: vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            home: None,
            cpus: 2,
            memory: Some(gib << 30),
            etc_dir: PathBuf::from("/nonexistent"),
        };
        let resolved = config::resolve(&Overrides::default(), &environment).unwrap();
        Planned {
            settings: resolved.settings,
            targets: Vec::new(),
            disabled: 0,
            part: None,
            shown: resolved.shown,
        }
    }

    #[test]
    fn rules_that_a_small_machine_leaves_out_are_told_unless_somebody_left_them_out() {
        assert!(planned(4, &[]).unjudged().is_some_and(|said| said.contains("enable_detailed_analysis")));
        assert_eq!(planned(8, &[]).unjudged(), None);
        for decided in [
            ("HAWKEYE_ENABLE_DETAILED_ANALYSIS", "false"),
            ("HAWKEYE_ENABLE_DETAILED_ANALYSIS", "true"),
            ("HAWKEYE_ENABLE_RISK_ASSESSMENT", "false"),
        ] {
            assert_eq!(planned(4, &[decided]).unjudged(), None, "{decided:?}");
        }
    }
}
