//! `hawkeye preflight`, and the look at the machine before every scan.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::{Counted, Preflight, Shown};
use crate::config::{self, ConfigError, Environment, Overrides, Settings};
use crate::engine::options::Width;
use crate::model::target::Target;
use crate::preflight::fix::{Done, Fix};
use crate::preflight::plan::{Load, Plan, Wanted};
use crate::preflight::text::{Sheet, json as document, table};
use crate::preflight::tier::Tier;
use crate::preflight::{before, judge, kernel};
use crate::sys::host::{Host, Scope, usable_memory};
use crate::sys::limits::is_root;

use super::exit::Exit;
use super::{print, say};

/// Makes room for a scan of `targets`, or the scan narrower: the width that fits. Warns at most once for each
/// thing that is short.
pub(super) fn ahead(settings: &Settings, targets: &[Target]) -> Width {
    let plan = plan(settings, Load::of(targets));
    let verdict = before(&plan);
    verdict.warnings().iter().for_each(|w| log::warn!("{w}"));
    log::info!("{} servers at a time, room for {} (hawkeye preflight)", verdict.width, verdict.most);
    // What is narrower only for want of targets stays: there may be more of them in the next round.
    let start = if verdict.width < verdict.wanted { verdict.width } else { settings.width.start() };
    let room = if verdict.most < plan.most() { verdict.most } else { settings.width.most() };
    match settings.width {
        Width::Fixed(_) => Width::Fixed(start),
        Width::Auto { .. } => Width::Auto { start: start.min(room), most: room },
    }
}

fn plan(settings: &Settings, load: Load) -> Plan {
    Plan {
        load,
        width: match settings.width {
            Width::Auto { start, most } => Wanted::Auto { start, most },
            Width::Fixed(n) => Wanted::Exactly(n),
        },
        idle: settings.wire.http.pool_size,
        timeout: settings.timeout,
        max_duration: settings.max_duration,
    }
}

pub(super) fn run(args: &Preflight) -> Exit {
    let root = args.root.clone().unwrap_or_else(|| PathBuf::from("/"));
    if !root.is_dir() {
        say(&format!("--root {}: is no directory", root.display()));
        return Exit::Usage;
    }
    let (plan, tier) = match asked(args, &root) {
        Ok(asked) => asked,
        Err(e) => {
            say(&e.to_string());
            return Exit::Usage;
        }
    };
    let fixed = args.fix.then(|| fix(&root));
    let host = Host::read(&root, Scope::ALL);
    let verdict = judge(&plan, &host);
    let guide = kernel::checks(&root, host.open_files);
    let sheet =
        Sheet { plan: &plan, verdict: &verdict, tier: &tier, guide: &guide, root: args.root.as_deref() };
    let text = match args.format {
        None | Some(Shown::Table) => {
            format!("{}{}", fixed.as_ref().map(Fixed::text).unwrap_or_default(), table(&sheet))
        }
        Some(Shown::Json) => document(&sheet, fixed.as_ref().map(Fixed::json)),
    };
    match (print(&text), fixed) {
        (Exit::Complete, Some(fixed)) if fixed.failed() => Exit::Unwritten,
        (Exit::Complete, _) if !verdict.fits() => Exit::Incomplete,
        (exit, _) => exit,
    }
}

/// What is to be judged, and what the machine is good for.
fn asked(args: &Preflight, root: &Path) -> Result<(Plan, Tier), ConfigError> {
    let mut environment = Environment::of_process()?;
    if args.root.is_some() {
        environment.memory = usable_memory(root);
    }
    let flags = Overrides {
        config: args.config.clone(),
        profile: args.profile.clone(),
        concurrency: args.concurrency,
        ..Overrides::default()
    };
    let settings = config::resolve(&flags, &environment)?.settings;
    let mut load = Load::default();
    let mut targets: Vec<Target> = Vec::new();
    let files = settings.targets.files.iter().map(|f| f.display().to_string());
    let named = if args.targets.is_empty() { files.collect() } else { args.targets.clone() };
    for source in &named {
        match (source.parse::<u32>(), args.transport) {
            (Ok(n), None | Some(Counted::Stdio)) => load.interpreted += n as usize,
            (Ok(n), Some(Counted::Http)) => {
                load.remote += n as usize;
                // Nobody said that they are many hosts.
                load.busiest += n as usize;
            }
            (Err(_), _) => {
                let entries = config::read(Path::new(source), &mut io::stdin().lock(), &environment)?;
                targets.extend(entries.targets);
            }
        }
    }
    if args.targets.is_empty() {
        targets.extend(settings.targets.inline.iter().flat_map(|entries| entries.targets.clone()));
    }
    load = load.with(Load::of(&config::merge(targets)));
    if named.is_empty() && load.servers() == 0 {
        // Nothing to scan yet: enough of the heaviest kind to see how far the machine goes.
        load.interpreted = settings.width.most();
    }
    Ok((plan(&settings, load), Tier::of(environment.cpus, environment.memory)))
}

/// What came of `--fix`.
enum Fixed {
    /// As root.
    Tried(Done),
    /// Not as root: what would be done.
    Told(Vec<String>),
}

fn fix(root: &Path) -> Fixed {
    let fix = Fix::of(root);
    // The files of an image belong to whoever builds it.
    if is_root() || root != Path::new("/") {
        let done = fix.apply();
        done.failed.iter().for_each(|line| say(&format!("--fix: {line}")));
        return Fixed::Tried(done);
    }
    let steps = fix.steps();
    if !steps.is_empty() {
        say("--fix: nothing was changed, that takes root (sudo hawkeye preflight --fix)");
    }
    Fixed::Told(steps)
}

impl Fixed {
    fn failed(&self) -> bool {
        match self {
            Fixed::Tried(done) => !done.failed.is_empty(),
            Fixed::Told(steps) => !steps.is_empty(),
        }
    }

    fn text(&self) -> String {
        let (head, lines) = match self {
            Fixed::Tried(done) if done.done.is_empty() && done.failed.is_empty() => {
                ("nothing to fix", &[][..])
            }
            Fixed::Tried(done) => ("fixed", done.done.as_slice()),
            Fixed::Told(steps) if steps.is_empty() => ("nothing to fix", &[][..]),
            Fixed::Told(steps) => ("would be done by root", steps.as_slice()),
        };
        let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
        format!("{head}\n{lines}\n")
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Fixed::Tried(Done { done, failed }) => json!({"done": done, "failed": failed, "would": []}),
            Fixed::Told(steps) => json!({"done": [], "failed": [], "would": steps}),
        }
    }
}
