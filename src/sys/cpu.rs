//! How busy the processors are, and how much of that is ours.

use std::fs::File;
use std::io::{Read, Seek};
use std::time::{Duration, Instant};

use super::usage;

/// Looks again and again, and tells what happened since the last time.
pub(crate) struct CpuMeter {
    processors: f64,
    source: Option<(File, Kind)>,
    last: Instant,
    ours: Duration,
    /// In the source's own terms.
    waited: Option<Counted>,
    /// When [`CpuMeter::settle`] was asked last, and what had been used until then.
    settled: (Instant, Duration),
}

/// What happened between two looks; shares of 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    /// Processor time of this process, of all there was.
    pub(crate) ours: f64,
    /// Time in which somebody had to wait for a processor. Where the kernel does not say, the time in which
    /// there was no idle one.
    pub(crate) stalled: f64,
}

/// Where the machine's part is read.
#[derive(Clone, Copy)]
enum Kind {
    /// `/proc/pressure/cpu`, in microseconds.
    Pressure,
    /// `/proc/stat`, in ticks of all processors.
    Ticks,
}

/// (how much counts, of how much); the second is 0 where the clock says it.
type Counted = (u64, u64);

impl CpuMeter {
    /// Counts from now. A container's share of the processors is what there is.
    pub(crate) fn start() -> CpuMeter {
        let processors = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
        let open = |path, kind| File::open(path).ok().map(|file| (file, kind));
        let begun = Instant::now();
        let mut meter = CpuMeter {
            processors,
            source: open("/proc/pressure/cpu", Kind::Pressure),
            last: begun,
            ours: process_time(),
            waited: None,
            settled: (begun, usage::cpu_time()),
        };
        // The file may be there and refuse to be read (psi=0).
        meter.waited = meter.count();
        if meter.waited.is_none() {
            meter.source = open("/proc/stat", Kind::Ticks);
            meter.waited = meter.count();
        }
        meter
    }

    /// What happened since the last look.
    pub(crate) fn look(&mut self) -> Load {
        let (now, ours, waited) = (Instant::now(), process_time(), self.count());
        let span = now.duration_since(self.last).as_secs_f64().max(1e-6);
        let used = ours.saturating_sub(self.ours).as_secs_f64();
        let stalled = match (self.waited, waited) {
            (Some(before), Some(after)) => share(before, after, span),
            _ => None,
        };
        let ours_share = (used / (span * self.processors)).min(1.0);
        (self.last, self.ours, self.waited) = (now, ours, waited);
        // Nothing known of the machine: then our own part is all there is.
        Load { ours: ours_share, stalled: stalled.unwrap_or(ours_share) }
    }

    /// This process's share of all processor time since this was asked last, with that of its children that
    /// ended meanwhile, for all of their lives.
    pub(crate) fn settle(&mut self) -> f64 {
        let (now, used) = (Instant::now(), usage::cpu_time());
        let span = now.duration_since(self.settled.0).as_secs_f64().max(1e-6);
        let share = used.saturating_sub(self.settled.1).as_secs_f64() / (span * self.processors);
        self.settled = (now, used);
        share.min(1.0)
    }

    fn count(&mut self) -> Option<Counted> {
        let (file, kind) = self.source.as_mut()?;
        let mut bytes = [0; 512];
        file.rewind().ok()?;
        let n = file.read(&mut bytes).ok()?;
        let text = std::str::from_utf8(&bytes[..n]).ok()?;
        match kind {
            Kind::Pressure => pressure(text),
            Kind::Ticks => ticks(text),
        }
    }
}

fn share(before: Counted, after: Counted, span: f64) -> Option<f64> {
    let counted = after.0.saturating_sub(before.0) as f64;
    match after.1.saturating_sub(before.1) {
        0 if after.1 == 0 => Some((counted / 1e6 / span).min(1.0)),
        // Not one tick in between.
        0 => None,
        all => Some((counted / all as f64).min(1.0)),
    }
}

/// Microseconds in which some task waited for a processor.
fn pressure(text: &str) -> Option<Counted> {
    let line = text.lines().find(|l| l.starts_with("some "))?;
    Some((line.rsplit_once("total=")?.1.trim().parse().ok()?, 0))
}

/// Ticks that were not idle, of all ticks.
fn ticks(text: &str) -> Option<Counted> {
    let fields: Vec<u64> =
        text.lines().next()?.strip_prefix("cpu ")?.split_whitespace().flat_map(str::parse).take(8).collect();
    // user nice system idle iowait irq softirq steal
    let idle = fields.get(3)? + fields.get(4)?;
    let all: u64 = fields.iter().sum();
    Some((all - idle, all))
}

/// Processor time of all threads of this process.
pub(crate) fn process_time() -> Duration {
    // SAFETY: all-zero is a valid timespec.
    let mut t: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: `t` lives through the call.
    if unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut t) } != 0 {
        return Duration::ZERO;
    }
    Duration::new(t.tv_sec as u64, t.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_read_in_both_its_ways() {
        let text = "some avg10=20.56 avg60=67.64 avg300=39.21 total=3480158476\nfull avg10=0.00 total=0\n";
        assert_eq!(pressure(text), Some((3_480_158_476, 0)));
        assert_eq!(pressure(""), None);
        assert_eq!(ticks("cpu  10 1 5 80 4 0 0 0 0 0\ncpu0 1 1\n"), Some((16, 100)));
        assert_eq!(ticks("cpu  1 2"), None);
    }

    #[test]
    fn shares_are_of_the_time_between() {
        assert_eq!(share((1_000, 0), (6_000, 0), 0.01), Some(0.5));
        assert_eq!(share((0, 0), (90_000, 0), 0.01), Some(1.0));
        assert_eq!(share((10, 100), (13, 104), 9.0), Some(0.75));
        assert_eq!(share((10, 100), (10, 100), 9.0), None);
    }

    #[test]
    fn work_is_seen_as_ours() {
        let mut meter = CpuMeter::start();
        let before = process_time();
        while process_time() - before < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        let load = meter.look();
        assert!(load.ours > 0.0 && load.ours <= 1.0, "{load:?}");
        assert!((0.0..=1.0).contains(&load.stalled), "{load:?}");
    }
}
