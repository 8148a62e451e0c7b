//! Each outcome is reviewed, then told to all who want to know: the record of runs, the reports, the line on what
//! went wrong.

use std::time::SystemTime;

use crate::cli::args::Scan;
use crate::model::changes::Change;
use crate::model::client::Client;
use crate::model::outcome::Outcome;
use crate::model::run::{RunInfo, Tally};
use crate::sys::cancel::Cancel;

use super::ended::Ended;
use super::outputs::{Outputs, Turn};
use super::plan::Planned;
use super::review::Review;
use super::trouble::Trouble;

/// Who hears of a run.
pub(in crate::app) struct Telling<'a> {
    pub(in crate::app) review: Review<'a>,
    outputs: Outputs<'a>,
    trouble: Trouble,
    disabled: usize,
    /// Whether suppressions are told that are over, or do nothing: once, not in every round.
    first: bool,
    spared: bool,
    lacking: bool,
}

impl<'a> Telling<'a> {
    /// Opens the reports. A run that cannot be told is none.
    pub(in crate::app) fn open(
        args: &Scan,
        planned: &Planned,
        info: &RunInfo,
        turn: Turn,
        cancel: &'a Cancel,
    ) -> Result<Telling<'a>, String> {
        let outputs = Outputs::open(args, info, planned.settings.stream, turn, cancel)?;
        let mut review = Review::new(&planned.settings);
        review.part = info.shard.is_some();
        let first = turn.is_first();
        if first {
            review.expired().iter().for_each(|line| log::warn!("{line}"));
        }
        Ok(Telling {
            review,
            outputs,
            trouble: Trouble::default(),
            disabled: planned.disabled,
            first,
            spared: info.shard.as_ref().is_some_and(|shard| shard.of > 0),
            lacking: info.missing.is_some(),
        })
    }

    /// Nothing came for a while; `width` targets are worked on at a time.
    pub(in crate::app) fn quiet(&mut self, width: usize) {
        self.review.past.iter_mut().for_each(|past| past.write());
        self.outputs.quiet(width);
    }

    /// The target at `at` of the plan is done and reviewed; `changes` says what is different from the round before.
    pub(in crate::app) fn outcome(&mut self, at: usize, outcome: &Outcome, changes: &[Change], width: usize) {
        if let Some(past) = &mut self.review.past {
            past.record(at, outcome, !changes.is_empty());
        }
        self.trouble.note(outcome);
        self.outputs.outcome(at, outcome, changes, width);
    }

    /// A target of the round before is none any more.
    pub(in crate::app) fn gone(&mut self, name: &str) {
        self.review.past.iter_mut().for_each(|past| past.gone());
        self.outputs.gone(name);
    }

    /// All targets are done: what there is to be said of them together is told, and given back.
    pub(in crate::app) fn end(&mut self, finished: SystemTime, interrupted: bool) -> Vec<Client> {
        let clients = self.review.clients();
        for client in &clients {
            self.trouble.note_client(client);
            self.outputs.client(client);
        }
        let tally = self.tally();
        self.outputs.end(finished, interrupted, tally);
        if let Some(past) = &mut self.review.past {
            past.end(finished, interrupted, &tally, &clients);
        }
        if self.first && !interrupted {
            self.review.unused().iter().for_each(|line| log::warn!("{line}"));
        }
        clients
    }

    fn tally(&self) -> Tally {
        Tally { disabled: self.disabled, ..self.review.tally() }
    }

    /// Nothing more will be heard.
    pub(in crate::app) fn close(self) -> Ended {
        let tally = self.tally();
        Ended {
            tally,
            unwritten: self.outputs.failed,
            reader_left: self.outputs.reader_left,
            spared: self.spared && tally.targets == 0,
            lacking: self.lacking,
            trouble: self.trouble,
        }
    }
}
