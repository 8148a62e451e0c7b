//! One round: each outcome is told to all who want to know, and measured.

use std::time::SystemTime;

use crate::app::run::ended::Ended;
use crate::app::run::outputs::Turn;
use crate::app::run::past::{Past, Recording};
use crate::app::run::plan::Planned;
use crate::app::run::telling::Telling;
use crate::cli::args::Scan;
use crate::model::changes::Change;
use crate::model::outcome::Outcome;
use crate::model::run::RunInfo;
use crate::sys::cancel::Cancel;

use super::hands::Hands;
use super::monitor::Monitor;

/// Who hears of a round.
pub(super) struct Round<'a> {
    hands: &'a dyn Hands,
    telling: Telling<'a>,
    monitor: &'a mut Monitor,
    cancel: &'a Cancel,
    /// Of each target, where this is a part of a list: its place in the whole.
    places: Option<Vec<usize>>,
}

impl<'a> Round<'a> {
    /// Opens the reports. A round that cannot be told is none.
    pub(super) fn open(
        args: &Scan,
        planned: &Planned,
        info: &RunInfo,
        turn: Turn,
        hands: &'a dyn Hands,
        monitor: &'a mut Monitor,
        cancel: &'a Cancel,
    ) -> Result<Round<'a>, String> {
        let telling = Telling::open(args, planned, info, turn, cancel)?;
        monitor.begin(info);
        let places = planned.part.as_ref().map(|part| part.places.clone());
        Ok(Round { hands, telling, monitor, cancel, places })
    }

    /// The same, with outcomes compared with the `past` and recorded; of `turn` depends when.
    pub(super) fn comparing(
        mut self,
        mut past: Option<&'a mut Past>,
        info: &RunInfo,
        planned: &Planned,
        turn: Turn,
    ) -> Round<'a> {
        if let Some(past) = &mut past {
            let recording = if turn.is_first() { Recording::Always } else { Recording::Changes };
            past.begin(info, &planned.targets, planned.elsewhere(), recording);
        }
        self.telling.review.past = past;
        self
    }

    /// Nothing came for a while.
    pub(super) fn quiet(&mut self) {
        self.telling.quiet(self.hands.vitals().width);
        self.monitor.cluster(|| self.hands.cluster());
        self.monitor.tick(|| self.hands.vitals());
    }

    /// The target at `at` of the plan is done; `changes` says what is different from the round before.
    pub(super) fn outcome(
        &mut self,
        at: usize,
        mut outcome: Box<Outcome>,
        changes: impl FnOnce(&Outcome) -> Vec<Change>,
    ) {
        let at = self.places.as_ref().and_then(|places| places.get(at).copied()).unwrap_or(at);
        self.telling.review.outcome(&mut outcome);
        let changes = changes(&outcome);
        self.telling.outcome(at, &outcome, &changes, self.hands.vitals().width);
        self.monitor.outcome(&outcome);
        self.monitor.tick(|| self.hands.vitals());
    }

    /// A target of the round before is none any more.
    pub(super) fn gone(&mut self, name: &str) {
        self.telling.gone(name);
    }

    /// All targets are done: the report is out before the last server is.
    pub(super) fn complete(&mut self) {
        let clients = self.telling.end(SystemTime::now(), self.cancel.is_tripped());
        clients.iter().for_each(|client| self.monitor.client(client));
        self.monitor.cluster(|| self.hands.cluster());
        self.monitor.end(self.cancel.is_tripped(), &self.hands.vitals());
    }

    /// Nothing more will be heard.
    pub(super) fn close(self) -> Ended {
        self.telling.close()
    }
}
