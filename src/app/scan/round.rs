//! One round: each outcome is reviewed, then told to all who want to know.

use crate::app::review::Review;
use crate::cli::args::Scan;
use crate::model::changes::Change;
use crate::model::outcome::Outcome;
use crate::model::run::{RunInfo, Tally};
use crate::scan::Scanner;
use crate::sys::cancel::Cancel;

use super::monitor::Monitor;
use super::outputs::{Outputs, Turn};
use super::plan::Planned;
use super::trouble::Trouble;

/// Who hears of a round.
pub(super) struct Round<'a> {
    scanner: &'a Scanner,
    review: Review,
    outputs: Outputs<'a>,
    monitor: &'a mut Monitor,
    trouble: Trouble,
    cancel: &'a Cancel,
    disabled: usize,
}

/// How a round ended.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) tally: Tally,
    /// Some report could not be written.
    pub(super) unwritten: bool,
    pub(super) reader_left: bool,
    /// What went wrong, in one line.
    pub(super) trouble: Option<String>,
}

impl<'a> Round<'a> {
    /// Opens the reports. A round that cannot be told is none.
    pub(super) fn open(
        args: &Scan,
        planned: &Planned,
        info: &RunInfo,
        turn: Turn,
        scanner: &'a Scanner,
        monitor: &'a mut Monitor,
        cancel: &'a Cancel,
    ) -> Result<Round<'a>, String> {
        let outputs = Outputs::open(args, info, planned.settings.stream, turn, cancel)?;
        monitor.begin(info);
        let (review, trouble) = (Review::default(), Trouble::default());
        Ok(Round { scanner, review, outputs, monitor, trouble, cancel, disabled: planned.disabled })
    }

    /// Nothing came for a while.
    pub(super) fn quiet(&mut self) {
        self.outputs.quiet(self.scanner.vitals().width);
        self.monitor.tick(|| self.scanner.vitals());
    }

    /// The target at `at` of the plan is done; `changes` says what is different from the round before.
    pub(super) fn outcome(
        &mut self,
        at: usize,
        mut outcome: Box<Outcome>,
        changes: impl FnOnce(&Outcome) -> Vec<Change>,
    ) {
        self.review.outcome(&mut outcome);
        let changes = changes(&outcome);
        self.trouble.note(&outcome);
        self.outputs.outcome(at, &outcome, &changes, self.scanner.vitals().width);
        self.monitor.outcome(&outcome);
        self.monitor.tick(|| self.scanner.vitals());
    }

    /// A target of the round before is none any more.
    pub(super) fn gone(&mut self, name: &str) {
        self.outputs.gone(name);
    }

    /// All targets are done: the report is out before the last server is.
    pub(super) fn complete(&mut self) {
        for client in self.review.clients() {
            self.outputs.client(&client);
            self.monitor.client(&client);
        }
        self.outputs.end(self.cancel.is_tripped(), self.tally());
        self.monitor.end(self.cancel.is_tripped(), &self.scanner.vitals());
    }

    fn tally(&self) -> Tally {
        Tally { disabled: self.disabled, ..self.review.tally() }
    }

    /// Nothing more will be heard.
    pub(super) fn close(self) -> Ended {
        let tally = self.tally();
        Ended {
            tally,
            unwritten: self.outputs.failed,
            reader_left: self.outputs.reader_left,
            trouble: self.trouble.line(&tally),
        }
    }
}
