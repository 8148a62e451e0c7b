//! Who asks the servers: this host, or the workers of a cluster.

use crate::model::run::{Cluster, Tally, Vitals};
use crate::model::target::Target;
use crate::scan::{Heard, Scanner};

/// Tells of each of many targets once.
pub(in crate::app) trait Hands {
    /// One scan. Every target gets exactly one outcome, whatever happens to it.
    fn scan(&self, targets: Vec<Target>, each: &mut dyn FnMut(Heard)) -> Tally;

    /// What was done so far.
    fn vitals(&self) -> Vitals;

    /// How it is with the workers, where there are some.
    fn cluster(&self) -> Option<Cluster> {
        None
    }
}

impl Hands for Scanner {
    fn scan(&self, targets: Vec<Target>, each: &mut dyn FnMut(Heard)) -> Tally {
        Scanner::scan(self, targets, each)
    }

    fn vitals(&self) -> Vitals {
        Scanner::vitals(self)
    }
}
