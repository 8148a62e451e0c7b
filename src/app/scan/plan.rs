//! What a scan is about: settings, targets from everywhere, and nothing started yet but the demo.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::cli::args::Scan;
use crate::config::{self, ConfigError, Entries, Environment, Overrides, Settings, Shown};
use crate::demo::DemoFleet;
use crate::model::target::Target;
use crate::transport::http::check_certificates;

use super::outputs;
use crate::app::say;

/// What a run needs, all of it known before anything is started.
pub(in crate::app) struct Planned {
    pub(in crate::app) settings: Settings,
    pub(in crate::app) targets: Vec<Target>,
    pub(in crate::app) disabled: usize,
    /// Every setting with who made it, for commands that talk about them.
    pub(in crate::app) shown: Vec<Shown>,
    /// Kept alive while its servers are scanned.
    pub(in crate::app) fleet: Option<DemoFleet>,
}

pub(in crate::app) fn plan(args: &Scan, process: &[String]) -> Result<Planned, String> {
    outputs::check(args)?;
    let line = |e: ConfigError| e.to_string();
    let environment = Environment::of_process().map_err(line)?;
    let resolved = config::resolve(&Overrides::from(args), &environment).map_err(line)?;
    let mut settings = resolved.settings;
    start_log(args, settings.verbose);
    resolved.notes.iter().for_each(|n| log::info!("{n}"));
    check_certificates(&settings.wire.tls)?;
    if settings.wire.tls.insecure {
        say(
            "WARNING: --insecure: certificates are not checked; anyone on the way can read and change everything",
        );
    }
    // The settings' own targets are for a command line that names none.
    let named = !(args.urls.is_empty() && process.is_empty() && args.targets.is_empty() && !args.demo);
    let files = if named { &args.targets } else { &settings.targets.files };
    let mut entries: Vec<Entries> = Vec::new();
    for file in files {
        entries.push(config::read(file, &mut io::stdin().lock(), &environment).map_err(line)?);
    }
    if !named {
        entries.extend(settings.targets.inline.take());
    }
    let mut targets = config::from_command_line(&args.urls, process);
    let mut disabled = 0;
    for file in entries {
        file.warnings.iter().for_each(|w| log::warn!("{w}"));
        file.notes.iter().for_each(|n| log::info!("{n}"));
        disabled += file.disabled.len();
        targets.extend(file.targets);
    }
    let fleet = match args.demo {
        true => Some(
            DemoFleet::start(&this_program()).map_err(|e| format!("cannot start the demo servers: {e}"))?,
        ),
        false => None,
    };
    targets.extend(fleet.iter().flat_map(DemoFleet::targets));
    let mut targets = config::merge(targets);
    if args.no_stdio {
        config::hold_stdio(&mut targets);
    }
    Ok(Planned { settings, targets, disabled, shown: resolved.shown, fleet })
}

fn this_program() -> PathBuf {
    env::current_exe().unwrap_or_else(|_| SELF.into())
}

/// The kernel's name for this very program, also after its file was replaced.
pub(in crate::app) const SELF: &str = "/proc/self/exe";

fn start_log(args: &Scan, verbose: bool) {
    let level = match (args.quiet, args.verbose.max(u8::from(verbose))) {
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
