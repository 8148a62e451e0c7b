//! The names of our keys in the queue. The braces put all of them into one slot of a Redis Cluster: what belongs
//! together changes in one transaction.

/// Which queue a job is in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// Servers that are asked over the network, for whoever has room.
    Remote,
    /// Servers that are commands, for workers that may run them.
    Command,
    /// Whatever was given to the worker of this name.
    Worker(String),
}

/// Our keys.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    root: String,
}

impl Keys {
    pub(crate) fn new(prefix: &str) -> Keys {
        Keys { root: format!("{{{prefix}}}") }
    }

    /// Stream of jobs, with one group of consumers.
    pub(crate) fn lane(&self, lane: &Lane) -> String {
        match lane {
            Lane::Remote => format!("{}:jobs:remote", self.root),
            Lane::Command => format!("{}:jobs:command", self.root),
            Lane::Worker(name) => format!("{}:jobs:to:{name}", self.root),
        }
    }

    /// Stream of the results of a run.
    pub(crate) fn results(&self, run: &str) -> String {
        format!("{}:run:{run}:results", self.root)
    }

    /// What holds for all jobs of a run. While it is there, the run goes on.
    pub(crate) fn terms(&self, run: &str) -> String {
        format!("{}:run:{run}:terms", self.root)
    }

    /// How far a run is.
    pub(crate) fn progress(&self, run: &str) -> String {
        format!("{}:run:{run}:progress", self.root)
    }

    /// Set of the runs that somebody began.
    pub(crate) fn runs(&self) -> String {
        format!("{}:runs", self.root)
    }

    /// Set of the names of workers that were ever here.
    pub(crate) fn workers(&self) -> String {
        format!("{}:workers", self.root)
    }

    /// A worker's sign of life, gone when it is not renewed.
    pub(crate) fn beat(&self, worker: &str) -> String {
        format!("{}:alive:{worker}", self.root)
    }

    /// Fingerprint of the key that everything here is sealed with.
    pub(crate) fn fingerprint(&self) -> String {
        format!("{}:key", self.root)
    }

    /// When the rate of `what` has room again.
    pub(crate) fn rate(&self, what: &str) -> String {
        format!("{}:rate:{what}", self.root)
    }
}
