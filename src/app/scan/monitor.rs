//! Who looks on while a scan goes on: metrics and the profile. Lives over all rounds of a process.

use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime};

use crate::app::say;
use crate::cli::args::Scan;
use crate::model::client::Client;
use crate::model::outcome::Outcome;
use crate::model::run::{Cluster, RunInfo, Vitals};
use crate::report::costs::{Costs, Frame};
use crate::report::metrics::export::Exporter;
use crate::report::options::Monitoring;
use crate::sys::usage::usage;

/// Each of them only where it was asked for.
pub(super) struct Monitor {
    exporter: Option<Exporter>,
    costs: Option<Costs>,
    /// Whether the costs are told, not only written.
    tell: bool,
    begun: Instant,
    /// Of the rounds that are over, without the time between them.
    wall: Duration,
    width: usize,
    /// Whether a failure to write metrics fails the run: where they were asked for with an option.
    strict: bool,
    /// Something that was asked for could not be written.
    pub(super) failed: bool,
}

impl Monitor {
    /// Opens what there is to open. `cache`: results may come from the cache.
    pub(super) fn open(args: &Scan, monitoring: &Monitoring, cache: bool) -> Result<Monitor, String> {
        let strict = args.metrics_file.is_some() || args.metrics_listen.is_some();
        let exporter = exporter(args, monitoring, cache, strict)?;
        let wanted = args.profile_report || args.profile_folded.is_some();
        let costs = wanted
            .then(|| Costs::new(args.profile_folded.as_deref()))
            .transpose()
            .map_err(|e| format!("cannot write the profile: {e}"))?;
        let tell = args.profile_report;
        Ok(Monitor {
            exporter,
            costs,
            tell,
            begun: Instant::now(),
            wall: Duration::ZERO,
            width: 1,
            strict,
            failed: false,
        })
    }

    /// Another scanner does the next round.
    pub(super) fn new_scanner(&mut self) {
        if let Some(exporter) = &mut self.exporter {
            exporter.new_scanner();
        }
    }

    /// Other settings hold from the next round on; counts begin anew with them. What cannot be opened is told,
    /// and does not end what goes on.
    pub(super) fn reopen(&mut self, args: &Scan, monitoring: &Monitoring, cache: bool) {
        // First, for the new one may want its port.
        self.exporter = None;
        match exporter(args, monitoring, cache, self.strict) {
            Ok(exporter) => self.exporter = exporter,
            Err(why) => {
                say(&format!("{why}; going on without metrics"));
                self.failed = true;
            }
        }
    }

    /// A round begins.
    pub(super) fn begin(&mut self, run: &RunInfo) {
        self.begun = Instant::now();
        if let Some(exporter) = &mut self.exporter {
            exporter.begin(run);
        }
    }

    /// A target is done.
    pub(super) fn outcome(&mut self, outcome: &Outcome) {
        if let Some(costs) = &mut self.costs {
            costs.outcome(outcome);
        }
        if let Some(exporter) = &mut self.exporter {
            exporter.outcome(outcome);
        }
    }

    /// What there is to be said of the servers of one client together.
    pub(super) fn client(&mut self, client: &Client) {
        if let Some(exporter) = &mut self.exporter {
            exporter.client(client);
        }
    }

    /// How it is with the workers, where there are some.
    pub(super) fn cluster(&mut self, state: impl FnOnce() -> Option<Cluster>) {
        if let Some(exporter) = &mut self.exporter
            && let Some(state) = state()
        {
            exporter.cluster(state);
        }
    }

    /// Publishes what is due. After each outcome, and while nothing happens.
    pub(super) fn tick(&mut self, vitals: impl FnOnce() -> Vitals) {
        if let Some(exporter) = &mut self.exporter {
            exporter.tick(vitals);
        }
    }

    /// A round is over.
    pub(super) fn end(&mut self, interrupted: bool, vitals: &Vitals) {
        self.wall += self.begun.elapsed();
        self.width = self.width.max(vitals.width_peak);
        if let Some(exporter) = &mut self.exporter {
            match exporter.end(SystemTime::now(), interrupted, vitals) {
                Ok(()) => {}
                Err(e) if self.strict => {
                    say(&e.to_string());
                    self.failed = true;
                }
                Err(e) => log::warn!("{e}"),
            }
        }
    }

    /// Tells what all rounds cost. After the last server is gone: until then its processor time is not known.
    pub(super) fn tell(&mut self) {
        let Some(mut costs) = self.costs.take() else { return };
        if let Err(e) = costs.commit_folded() {
            say(&format!("cannot write the profile: {e}"));
            self.failed = true;
        }
        if self.tell {
            let frame = Frame { wall: self.wall, width: self.width, usage: usage() };
            // A report, not a message: without our name before each line. A stderr that is gone is nobody's
            // to complain about.
            let _ = io::stderr().lock().write_all(costs.report(&frame).as_bytes());
        }
    }
}

/// What publishes metrics, if that is asked for.
fn exporter(
    args: &Scan,
    monitoring: &Monitoring,
    cache: bool,
    strict: bool,
) -> Result<Option<Exporter>, String> {
    if args.metrics_file.is_none()
        && let Some(folder) = monitoring.file.as_ref().and_then(|f| f.parent())
    {
        // A place of ours by default; that it cannot be made is seen when the file cannot be written.
        let _ = std::fs::create_dir_all(folder);
    }
    let exporter = match Exporter::open(monitoring, cache) {
        Ok(exporter) => exporter,
        Err(e) if strict => return Err(e.to_string()),
        // A setting that holds for every run must not end them all when a disk is full.
        Err(e) => {
            log::warn!("{e}; this run goes without metrics");
            None
        }
    };
    if let Some(address) = exporter.as_ref().and_then(Exporter::address) {
        log::info!("metrics on http://{address}/metrics");
        if !address.ip().is_loopback() {
            log::warn!("metrics on {address}: other machines can read the names of your servers there");
        }
    }
    Ok(exporter)
}
