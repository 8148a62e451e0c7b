//! The two ways out: a file that is replaced, and a listener that is scraped.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::Metrics;
use super::listen::Listener;
use crate::base::text::quote;
use crate::model::client::Client;
use crate::model::outcome::Outcome;
use crate::model::run::{Cluster, RunInfo, Vitals};
use crate::report::options::Monitoring;
use crate::report::output;
use crate::sys::usage::usage;

/// A scrape sees numbers that are at most about this old. Each file export costs a sync, so it is also the
/// shortest interval of those.
const FRESH: Duration = Duration::from_secs(1);
/// Largest metrics file that is read back.
const EARLIER: u64 = 16 << 20;

/// Counts, and publishes in time. Lives as long as the process scans: over all rounds of a watch.
pub(crate) struct Exporter {
    metrics: Metrics,
    file: Option<PathBuf>,
    listener: Option<Listener>,
    interval: Duration,
    next_file: Instant,
    next_scrape: Instant,
    /// That the file cannot be written is said once.
    complained: bool,
}

/// Why there are no metrics: which option, and what the system said.
#[derive(Debug)]
pub(crate) enum ExportError {
    /// The file cannot be written.
    File(io::Error),
    /// The address cannot be listened on.
    Listen(SocketAddr, io::Error),
}

impl std::fmt::Display for ExportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ExportError::File(e) => write!(f, "cannot write metrics: {e}"),
            ExportError::Listen(address, e) if e.kind() == io::ErrorKind::AddrInUse => {
                write!(f, "cannot serve metrics on {address}: it is in use (give another port)")
            }
            ExportError::Listen(address, e) => write!(f, "cannot serve metrics on {address}: {e}"),
        }
    }
}

impl std::error::Error for ExportError {}

impl Exporter {
    /// Reads what the file holds already, tries that it can be written, and begins to listen. `cache`:
    /// results may come from the cache. Nothing where `monitoring` asks for nothing.
    pub(crate) fn open(monitoring: &Monitoring, cache: bool) -> Result<Option<Exporter>, ExportError> {
        if !monitoring.is_on() {
            return Ok(None);
        }
        let mut metrics = Metrics::new(monitoring.detailed, monitoring.max_targets);
        if cache {
            metrics.with_cache();
        }
        if let Some(path) = &monitoring.file {
            // Said before anything is started, not after an hour. What is dropped here leaves nothing behind.
            drop(output::create_readable(path).map_err(ExportError::File)?);
            metrics.restore(&earlier(path));
        }
        let listen = |address: SocketAddr| {
            Listener::open(address, &metrics.render(None, &usage()))
                .map_err(|e| ExportError::Listen(address, e))
        };
        let listener = monitoring.listen.map(listen).transpose()?;
        let now = Instant::now();
        Ok(Some(Exporter {
            metrics,
            file: monitoring.file.clone(),
            listener,
            interval: monitoring.interval.max(FRESH),
            next_file: now + monitoring.interval.max(FRESH),
            next_scrape: now,
            complained: false,
        }))
    }

    /// Where scrapes are answered.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref().map(Listener::address)
    }

    /// From now on another scanner's vitals come.
    pub(crate) fn new_scanner(&mut self) {
        self.metrics.new_scanner();
    }

    /// A run begins.
    pub(crate) fn begin(&mut self, run: &RunInfo) {
        self.metrics.begin(run);
    }

    /// A target is done.
    pub(crate) fn outcome(&mut self, outcome: &Outcome) {
        self.metrics.outcome(outcome, SystemTime::now());
    }

    /// What there is to be said of the servers of one client together.
    pub(crate) fn client(&mut self, client: &Client) {
        self.metrics.client(client);
    }

    /// This process, a worker of a cluster, is done with a target of a run elsewhere.
    #[cfg(feature = "cluster")]
    pub(crate) fn worked(&mut self, outcome: &Outcome) {
        self.metrics.worked(outcome);
    }

    /// Publishes what there is, due or not.
    #[cfg(feature = "cluster")]
    pub(crate) fn last(&mut self) -> Result<(), ExportError> {
        let text = self.metrics.render(None, &usage());
        self.publish(&text);
        self.write(&text)
    }

    /// This is how it is with the workers of a cluster.
    pub(crate) fn cluster(&mut self, state: Cluster) {
        self.metrics.cluster(state);
    }

    /// Publishes what is due. Call it while waiting, too.
    pub(crate) fn tick(&mut self, vitals: impl FnOnce() -> Vitals) {
        let now = Instant::now();
        let scrape = self.listener.is_some() && now >= self.next_scrape;
        let file = self.file.is_some() && now >= self.next_file;
        if scrape || file {
            let text = self.metrics.render(Some(&vitals()), &usage());
            self.publish(&text);
            if file {
                self.next_file = now + self.interval;
                // The end is where a failure counts; on the way there it is said, once.
                if let Err(e) = self.write(&text)
                    && !std::mem::replace(&mut self.complained, true)
                {
                    log::warn!("{e}");
                }
            }
        }
    }

    /// A run is over: whatever is due when, its numbers are out when this returns.
    pub(crate) fn end(
        &mut self,
        finished: SystemTime,
        interrupted: bool,
        vitals: &Vitals,
    ) -> Result<(), ExportError> {
        self.metrics.end(finished, interrupted, Some(vitals.width_peak));
        let text = self.metrics.render(Some(vitals), &usage());
        self.publish(&text);
        self.next_file = Instant::now() + self.interval;
        self.write(&text)
    }

    fn publish(&mut self, text: &str) {
        if let Some(listener) = &self.listener {
            listener.publish(text);
            self.next_scrape = Instant::now() + FRESH;
        }
    }

    fn write(&self, text: &str) -> Result<(), ExportError> {
        let Some(path) = &self.file else { return Ok(()) };
        let written = output::create_readable(path).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.commit()
        });
        written.map_err(ExportError::File)
    }
}

/// What an earlier run left at `path`; nothing where that cannot be told.
fn earlier(path: &Path) -> String {
    let regular = |path: &Path| fs::metadata(path).is_ok_and(|found| found.is_file());
    if !regular(path) {
        return String::new();
    }
    let mut text = String::new();
    match File::open(path).and_then(|file| file.take(EARLIER).read_to_string(&mut text)) {
        // Cut at the limit, the last line may be half a line: that is not a smaller number but a wrong one.
        Ok(n) if n as u64 == EARLIER => {
            log::warn!(
                "{} is larger than any metrics file: counted from 0",
                quote(&path.to_string_lossy(), 200)
            );
            String::new()
        }
        Ok(_) => text,
        Err(e) => {
            log::warn!(
                "{}: earlier metrics cannot be read, counted from 0: {e}",
                quote(&path.to_string_lossy(), 200)
            );
            String::new()
        }
    }
}
