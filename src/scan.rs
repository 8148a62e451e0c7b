//! Floor 4: targets in, outcomes out. What a program that embeds hawkeye calls, and what the binary calls.

use std::sync::Arc;
use std::time::Duration;

use crate::base::text::quote;
use crate::base::time::Deadline;
use crate::engine::{self, Event};
use crate::model::outcome::{Failure, FailureKind, Outcome, Phase, Status};
use crate::model::revision::Revision;
use crate::model::run::Tally;
use crate::model::target::Target;
use crate::probe::{self, Policy};
use crate::sys::cancel::Cancel;
use crate::sys::limits::raise_open_files;
use crate::transport::carriers::Carriers;
use crate::transport::http::check_certificates;
use crate::transport::options::WireOptions;
use crate::transport::stdio::launch::Claim;

/// How to scan.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// Limits, transports, certificates.
    pub wire: WireOptions,
    /// Total time of a target that names none itself.
    pub timeout: Duration,
    /// Total time of the run; targets whose turn does not come are `not_evaluated`.
    pub max_duration: Option<Duration>,
    /// Further attempts after a failed connection, within the target's time.
    pub max_retries: u32,
    /// Targets at a time.
    pub concurrency: usize,
    /// The only revision to speak, where a target pins none itself.
    pub protocol_version: Option<Revision>,
    /// How much of the process table the scan may claim.
    pub claim: Claim,
}

impl Default for ScanOptions {
    fn default() -> ScanOptions {
        ScanOptions {
            wire: WireOptions::default(),
            timeout: Duration::from_secs(30),
            max_duration: None,
            max_retries: 3,
            concurrency: std::thread::available_parallelism().map_or(4, |n| (n.get() * 2).min(20)),
            protocol_version: None,
            claim: Claim::Groups,
        }
    }
}

/// What happens during a scan, told on the calling thread.
#[derive(Debug)]
pub enum Heard {
    /// The target of this number (its place in the list) is done.
    Ended(usize, Box<Outcome>),
    /// Nothing happened for a quarter of a second.
    Quiet,
    /// All targets are done. What follows, at most two seconds, is the end of the servers that were started.
    Complete(Tally),
}

/// The scan could not begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanError {
    /// A certificate or key of the options cannot be used: which, and why.
    Certificates(String),
}

impl std::fmt::Display for ScanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ScanError::Certificates(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for ScanError {}

/// Descriptors one target may need: three pipes both ways while it starts, and a pidfd.
const DESCRIPTORS: usize = 8;
/// Descriptors of our own.
const OWN_DESCRIPTORS: usize = 20;

/// Introspects every one of `targets` and tells `each`. Every target gets exactly one outcome, whatever
/// happens to it; tripping `cancel` makes the rest of them `not_evaluated`.
pub fn scan(
    targets: Vec<Target>,
    options: ScanOptions,
    cancel: &Cancel,
    mut each: impl FnMut(Heard),
) -> Result<Tally, ScanError> {
    check_certificates(&options.wire.tls).map_err(ScanError::Certificates)?;
    let run = format!("{:016x}", fastrand::u64(..));
    let carriers = Arc::new(Carriers::new(options.wire, run, options.claim, cancel.clone()));
    let threads = fitting(options.concurrency.min(targets.len()));
    let policy = Policy {
        timeout: options.timeout,
        max_retries: options.max_retries,
        pin: options.protocol_version,
        run_ends: options.max_duration.map(Deadline::after),
    };
    let targets: Arc<[Target]> = targets.into();
    let mut tally = Tally::default();
    let work = {
        let (targets, carriers, cancel) = (targets.clone(), carriers.clone(), cancel.clone());
        move |_, at: usize| Box::new(probe::probe(&targets[at], &carriers, &policy, &cancel))
    };
    engine::run(0..targets.len(), threads, work, |event| match event {
        Event::Ended(at, result) => {
            let outcome = result.unwrap_or_else(|panic| Box::new(defect(&targets[at], &panic)));
            tally.add(&outcome);
            each(Heard::Ended(at, outcome));
        }
        Event::Quiet => each(Heard::Quiet),
    });
    each(Heard::Complete(tally));
    if let Some(carriers) = Arc::into_inner(carriers) {
        carriers.finish();
    }
    Ok(tally)
}

/// As many threads as the limit of open files has room for.
fn fitting(wanted: usize) -> usize {
    let needed = wanted * DESCRIPTORS + OWN_DESCRIPTORS;
    let open_files = usize::try_from(raise_open_files(needed as u64)).unwrap_or(usize::MAX);
    let fit = (open_files.saturating_sub(OWN_DESCRIPTORS) / DESCRIPTORS).max(1);
    if fit < wanted {
        log::warn!("only {fit} targets at a time: {open_files} open files are allowed (ulimit -n {needed})");
    }
    wanted.min(fit)
}

fn defect(target: &Target, panic: &str) -> Outcome {
    let message = format!("hawkeye failed, please report this: {}", quote(panic, 300));
    Outcome {
        status: Status::Failed,
        failure: Some(Failure { kind: FailureKind::Internal, phase: Phase::Config, message }),
        ..probe::blank(target, &target.redaction())
    }
}
