//! What wires are made from: the launcher of processes and the HTTP client, each made when first needed. A
//! scan of nothing but URLs starts no guard and no reaper; one of nothing but commands loads no TLS roots.

use std::io;
use std::sync::{Arc, OnceLock};

use crate::model::outcome::FailureKind;
use crate::model::run::Vitals;
use crate::model::target::{Command, Remote};
use crate::sys::cancel::Cancel;

use super::counters::Counters;
use super::http::{HttpClient, HttpWire, metadata};
use super::options::WireOptions;
use super::pace::{Pace, Turns};
use super::sse::SseWire;
use super::stdio::StdioWire;
use super::stdio::launch::{Claim, Launcher};
use super::{Patience, Wire, WireError};

/// One run's means of transport.
pub struct Carriers {
    options: WireOptions,
    run: String,
    claim: Claim,
    cancel: Cancel,
    counters: Counters,
    pace: Pace,
    launcher: OnceLock<Result<Arc<Launcher>, String>>,
    http: OnceLock<Result<Arc<HttpClient>, String>>,
}

impl Carriers {
    /// For the run called `run`.
    pub fn new(options: WireOptions, run: String, claim: Claim, cancel: Cancel) -> Carriers {
        let counters = Counters::default();
        let pace = Pace::new(options.pace, None, &counters);
        let (launcher, http) = (OnceLock::new(), OnceLock::new());
        Carriers { options, run, claim, cancel, counters, pace, launcher, http }
    }

    /// The same, with permits that `turns` give out. Before anything is opened.
    pub fn paced_by(self, turns: Arc<dyn Turns>) -> Carriers {
        Carriers { pace: Pace::new(self.options.pace, Some(turns), &self.counters), ..self }
    }

    /// The bounds that hold for every wire.
    pub fn options(&self) -> &WireOptions {
        &self.options
    }

    /// Starts a server.
    pub fn stdio(&self, command: &Command, patience: Patience) -> Result<Box<dyn Wire>, WireError> {
        let make = || {
            Launcher::new(&self.run, &self.claim, self.options.stdio.close_fds)
                .map(Arc::new)
                .map_err(|e: io::Error| e.to_string())
        };
        match self.launcher.get_or_init(make) {
            Ok(launcher) => {
                self.pace.permit(None, &patience)?;
                let wire = StdioWire::open(launcher, command, &self.options, patience)?;
                self.counters.process();
                Ok(Box::new(wire))
            }
            Err(why) => Err(WireError::new(FailureKind::Internal, format!("cannot start processes: {why}"))),
        }
    }

    /// Streamable HTTP.
    pub fn http(&self, remote: &Remote, patience: Patience) -> Result<Box<dyn Wire>, WireError> {
        let client = self.client().map_err(|why| WireError::new(FailureKind::Internal, why))?;
        Ok(Box::new(HttpWire::new(client, remote, &self.options, patience)))
    }

    /// HTTP+SSE.
    pub fn sse(&self, remote: &Remote, patience: Patience) -> Result<Box<dyn Wire>, WireError> {
        let client = self.client().map_err(|why| WireError::new(FailureKind::Internal, why))?;
        Ok(Box::new(SseWire::new(client, remote, &self.options, patience)))
    }

    /// A document whose URL the server at `target` named.
    pub fn document(&self, url: &str, target: &str, patience: &Patience) -> Result<Vec<u8>, WireError> {
        let client = self.client().map_err(|why| WireError::new(FailureKind::Internal, why))?;
        metadata::fetch(client, url, target, patience)
    }

    fn client(&self) -> Result<&Arc<HttpClient>, String> {
        let client = self
            .http
            .get_or_init(|| HttpClient::new(&self.options, &self.cancel, &self.counters, &self.pace));
        client.as_ref().map_err(Clone::clone)
    }

    /// Where what is done is counted.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What was done so far.
    pub fn vitals(&self) -> Vitals {
        self.counters.read()
    }

    /// Waits until every server that was started is gone.
    pub fn finish(self) {
        // The wires are closed, so this is the only holder.
        if let Some(Ok(launcher)) = self.launcher.into_inner()
            && let Some(launcher) = Arc::into_inner(launcher)
        {
            launcher.finish();
        }
    }
}
