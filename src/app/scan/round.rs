//! One round: each outcome is reviewed, then told to all who want to know.

use std::time::SystemTime;

use crate::app::past::{Past, Recording};
use crate::app::review::Review;
use crate::cli::args::Scan;
use crate::model::changes::Change;
use crate::model::outcome::Outcome;
use crate::model::run::{RunInfo, Tally};
use crate::sys::cancel::Cancel;

use super::hands::Hands;
use super::monitor::Monitor;
use super::outputs::{Outputs, Turn};
use super::plan::Planned;
use super::trouble::Trouble;

/// Who hears of a round.
pub(super) struct Round<'a> {
    hands: &'a dyn Hands,
    review: Review<'a>,
    outputs: Outputs<'a>,
    monitor: &'a mut Monitor,
    trouble: Trouble,
    cancel: &'a Cancel,
    disabled: usize,
    /// Of each target, where this is a part of a list: its place in the whole.
    places: Option<Vec<usize>>,
    /// Whether suppressions are told that do nothing: once, not in every round.
    first: bool,
}

/// How a round ended.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) tally: Tally,
    /// Some report could not be written.
    pub(super) unwritten: bool,
    pub(super) reader_left: bool,
    pub(super) trouble: Trouble,
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
        let outputs = Outputs::open(args, info, planned.settings.stream, turn, cancel)?;
        monitor.begin(info);
        let (mut review, trouble) = (Review::new(&planned.settings), Trouble::default());
        review.part = info.shard.is_some();
        let places = planned.part.as_ref().map(|part| part.places.clone());
        let first = matches!(turn, Turn::Only | Turn::First);
        if first {
            review.expired().iter().for_each(|line| log::warn!("{line}"));
        }
        Ok(Round {
            hands,
            review,
            outputs,
            monitor,
            trouble,
            cancel,
            disabled: planned.disabled,
            places,
            first,
        })
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
            past.begin(
                info,
                &planned.targets,
                planned.elsewhere(),
                match turn {
                    Turn::Only | Turn::First => Recording::Always,
                    Turn::Later | Turn::Unread => Recording::Changes,
                },
            );
        }
        self.review.past = past;
        self
    }

    /// Nothing came for a while.
    pub(super) fn quiet(&mut self) {
        self.review.past.iter_mut().for_each(|past| past.write());
        self.outputs.quiet(self.hands.vitals().width);
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
        self.review.outcome(&mut outcome);
        let changes = changes(&outcome);
        if let Some(past) = &mut self.review.past {
            past.record(at, &outcome, !changes.is_empty());
        }
        self.trouble.note(&outcome);
        self.outputs.outcome(at, &outcome, &changes, self.hands.vitals().width);
        self.monitor.outcome(&outcome);
        self.monitor.tick(|| self.hands.vitals());
    }

    /// A target of the round before is none any more.
    pub(super) fn gone(&mut self, name: &str) {
        self.review.past.iter_mut().for_each(|past| past.gone());
        self.outputs.gone(name);
    }

    /// All targets are done: the report is out before the last server is.
    pub(super) fn complete(&mut self) {
        let clients = self.review.clients();
        for client in &clients {
            self.trouble.note_client(client);
            self.outputs.client(client);
            self.monitor.client(client);
        }
        let (interrupted, tally) = (self.cancel.is_tripped(), self.tally());
        let finished = SystemTime::now();
        self.outputs.end_at(finished, interrupted, tally);
        if let Some(past) = &mut self.review.past {
            past.end(finished, interrupted, &tally, &clients);
        }
        if self.first && !interrupted {
            self.review.unused().iter().for_each(|line| log::warn!("{line}"));
        }
        self.monitor.cluster(|| self.hands.cluster());
        self.monitor.end(self.cancel.is_tripped(), &self.hands.vitals());
    }

    fn tally(&self) -> Tally {
        Tally { disabled: self.disabled, ..self.review.tally() }
    }

    /// Nothing more will be heard.
    pub(super) fn close(self) -> Ended {
        Ended {
            tally: self.tally(),
            unwritten: self.outputs.failed,
            reader_left: self.outputs.reader_left,
            trouble: self.trouble,
        }
    }
}
