//! Asks servers, one at a time on each thread, and judges nothing.

use std::sync::Arc;

use crate::analysis::options;
use crate::base::time::Deadline;
use crate::mcp::outgoing::Client;
use crate::model::outcome::Outcome;
use crate::model::pool::PoolOptions;
use crate::model::run::Vitals;
use crate::model::target::Target;
use crate::probe::{self, Kept, Policy};
use crate::sys::cancel::Cancel;
use crate::sys::limits::raise_open_files;
use crate::transport::carriers::Carriers;
use crate::transport::http::check_certificates;
#[cfg(feature = "cluster")]
use crate::transport::pace::Turns;

use super::{ScanError, ScanOptions, differential};

/// Descriptors of a process that is kept: three pipes and a pidfd.
const KEPT_DESCRIPTORS: usize = 4;
/// Descriptors that are our own, whatever is scanned: streams, reports, the databases and their locks.
const OWN_DESCRIPTORS: usize = 28;

/// What all askings have in common: connections, processes, how targets are treated.
pub(crate) struct Asker {
    /// Dropped before what their wires come from.
    kept: Option<Kept>,
    carriers: Carriers,
    policy: Policy,
    cancel: Cancel,
    /// How what differs is judged, where servers are asked in several ways.
    differential: Option<options::Policy>,
}

impl Asker {
    /// Reads the certificates; connects to nothing and starts nothing.
    pub(crate) fn new(options: &ScanOptions, cancel: &Cancel) -> Result<Asker, ScanError> {
        check_certificates(&options.wire.tls).map_err(ScanError::Certificates)?;
        let run = format!("{:016x}", fastrand::u64(..));
        let policy = Policy {
            timeout: options.timeout,
            max_retries: options.max_retries,
            pin: options.protocol_version,
            auth_metadata: options.auth_metadata,
            client: Client::Hawkeye,
        };
        Ok(Asker {
            kept: options.pool.map(|pool| Kept::new(keepable(pool))),
            carriers: Carriers::new(options.wire.clone(), run, options.claim.clone(), cancel.clone()),
            policy,
            cancel: cancel.clone(),
            differential: options.differential.then(|| options.assessment.clone()),
        })
    }

    /// The same, with permits for requests that `turns` give out. Before anything is asked.
    #[cfg(feature = "cluster")]
    pub(crate) fn paced_by(self, turns: Arc<dyn Turns>) -> Asker {
        Asker { carriers: self.carriers.paced_by(turns), ..self }
    }

    /// Introspects `target`. The only findings are of `differential`.
    pub(crate) fn ask(&self, target: &Target, run_ends: Option<Deadline>) -> Outcome {
        let ask = |target: &Target, kept: Option<&Kept>, policy: &Policy| {
            probe::probe(target, &self.carriers, kept, policy, run_ends, &self.cancel)
        };
        let mut outcome = ask(target, self.kept.as_ref(), &self.policy);
        if let Some(assessment) = &self.differential {
            differential::look(target, &self.policy, assessment, &mut outcome, |target, policy| {
                ask(target, None, policy)
            });
        }
        outcome
    }

    /// What the transports did so far.
    pub(crate) fn vitals(&self) -> Vitals {
        let sessions_idle = self.kept.as_ref().map_or(0, Kept::idle) as u64;
        Vitals { sessions_idle, ..self.carriers.vitals() }
    }

    /// Closes the kept sessions whose time is over, drops those that are dead; takes two seconds at most.
    pub(super) fn tend(&self) {
        if let Some(kept) = &self.kept {
            kept.tend(&self.cancel);
        }
    }

    /// Waits, at most two seconds, until every server that was started is gone. Nothing if somebody still asks.
    pub(crate) fn finish(asker: Arc<Asker>) {
        if let Some(kept) = &asker.kept {
            kept.end(&asker.cancel);
        }
        if let Some(Asker { carriers, .. }) = Arc::into_inner(asker) {
            carriers.finish();
        }
    }
}

/// As many sessions as half of the open files has room for: the other half is for the scan.
fn keepable(pool: PoolOptions) -> PoolOptions {
    let wanted = pool.max_connections.saturating_mul(KEPT_DESCRIPTORS * 2);
    let open_files = usize::try_from(raise_open_files(wanted as u64)).unwrap_or(usize::MAX);
    let fit = (open_files.saturating_sub(OWN_DESCRIPTORS) / (KEPT_DESCRIPTORS * 2)).max(1);
    if fit < pool.max_connections {
        log::warn!("only {fit} sessions are kept: {open_files} open files are allowed (ulimit -n {wanted})");
    }
    PoolOptions { max_connections: pool.max_connections.min(fit), ..pool }
}
