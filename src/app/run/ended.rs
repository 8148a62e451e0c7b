//! How a run ended, and the exit code that this makes.

use crate::app::exit::Exit;
use crate::app::say;
use crate::cli::args::Scan;
use crate::model::fail_on::FailOn;
use crate::model::run::Tally;
use crate::sys::signal;

use super::trouble::Trouble;

/// What a run came to.
#[derive(Default)]
pub(in crate::app) struct Ended {
    pub(super) tally: Tally,
    /// Some report could not be written.
    pub(in crate::app) unwritten: bool,
    pub(in crate::app) reader_left: bool,
    /// None of the list's servers fell to this part of it, which so is done with all that it has.
    pub(super) spared: bool,
    /// Servers of a list are missing that was to be here as a whole.
    pub(super) lacking: bool,
    pub(super) trouble: Trouble,
}

impl Ended {
    /// A run that could not be told.
    pub(in crate::app) fn unwritten() -> Ended {
        Ended { unwritten: true, ..Ended::default() }
    }

    /// In the contract's order. `unseen` says why drift that fails the run could not be seen in it, which is said
    /// whatever `-q` says.
    pub(in crate::app) fn exit(&self, args: &Scan, fail_on: &FailOn, unseen: Option<String>) -> Exit {
        let exit = self.verdict(signal::caught(), fail_on, args.allow_incomplete);
        let Some(why) = unseen.filter(|_| !self.reader_left) else { return exit };
        say(&format!(
            "drift cannot be ruled out, as servers were not compared with earlier runs: {why} (hawkeye scan \
             --baseline FILE compares without a history)"
        ));
        if exit == Exit::Complete { Exit::Incomplete } else { exit }
    }

    /// `lenient`: servers that are not complete are accepted.
    fn verdict(&self, signal: Option<u8>, fail_on: &FailOn, lenient: bool) -> Exit {
        let tally = &self.tally;
        if self.unwritten {
            return Exit::Unwritten;
        }
        if let Some(code) = signal {
            return Exit::Signal(code);
        }
        if self.reader_left {
            return Exit::Complete;
        }
        if tally.failing > 0 || (fail_on.drift && tally.drifted > 0) {
            return Exit::Gate;
        }
        let whole = tally.targets > 0 && tally.complete == tally.targets;
        // Where nothing answered there is nothing to accept.
        let some = tally.complete + tally.partial > 0;
        let accepted = lenient && !fail_on.incomplete && some;
        let done = whole || accepted || self.spared;
        if done && !self.lacking { Exit::Complete } else { Exit::Incomplete }
    }

    /// What went wrong, for people who do not have the report before them.
    pub(in crate::app) fn explain(&self, exit: Exit, args: &Scan, fail_on: &FailOn) {
        if (args.quiet || !args.output.is_empty()) && exit != Exit::Complete {
            self.trouble.lines(&self.tally, fail_on).iter().for_each(|line| say(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(targets: usize, complete: usize, partial: usize) -> Ended {
        Ended { tally: Tally { targets, complete, partial, ..Tally::default() }, ..Ended::default() }
    }

    fn verdict(ended: &Ended) -> Exit {
        ended.verdict(None, &FailOn::default(), false)
    }

    #[test]
    fn only_a_run_that_saw_all_it_was_to_see_is_complete() {
        assert_eq!(verdict(&ended(2, 2, 0)), Exit::Complete);
        assert_eq!(verdict(&ended(2, 1, 1)), Exit::Incomplete);
        assert_eq!(verdict(&ended(0, 0, 0)), Exit::Incomplete);
        assert_eq!(verdict(&Ended { spared: true, ..ended(0, 0, 0) }), Exit::Complete);
        assert_eq!(verdict(&Ended { lacking: true, ..ended(2, 2, 0) }), Exit::Incomplete);
    }

    #[test]
    fn what_is_incomplete_is_accepted_where_something_answered_and_the_policy_lets_it() {
        let strict = FailOn { incomplete: true, ..FailOn::default() };
        let lenient = |ended: &Ended, fail_on: &FailOn| ended.verdict(None, fail_on, true);
        assert_eq!(lenient(&ended(3, 1, 1), &FailOn::default()), Exit::Complete);
        assert_eq!(lenient(&ended(3, 1, 1), &strict), Exit::Incomplete);
        assert_eq!(lenient(&ended(3, 0, 0), &FailOn::default()), Exit::Incomplete);
        assert_eq!(
            lenient(&Ended { lacking: true, ..ended(3, 1, 1) }, &FailOn::default()),
            Exit::Incomplete,
            "what is missing was not seen by anybody"
        );
    }

    #[test]
    fn the_first_of_the_contracts_order_wins() {
        let mut all = Ended { unwritten: true, reader_left: true, ..ended(2, 1, 0) };
        all.tally.failing = 1;
        let verdict = |ended: &Ended, signal| ended.verdict(signal, &FailOn::default(), false);
        assert_eq!(verdict(&all, Some(143)), Exit::Unwritten);
        all.unwritten = false;
        assert_eq!(verdict(&all, Some(143)), Exit::Signal(143));
        assert_eq!(verdict(&all, None), Exit::Complete);
        all.reader_left = false;
        assert_eq!(verdict(&all, None), Exit::Gate);
        all.tally.failing = 0;
        assert_eq!(verdict(&all, None), Exit::Incomplete);
    }

    #[test]
    fn drift_fails_a_run_where_it_is_to() {
        let mut drifted = ended(1, 1, 0);
        drifted.tally.drifted = 1;
        assert_eq!(verdict(&drifted), Exit::Complete);
        let gated = FailOn { drift: true, ..FailOn::default() };
        assert_eq!(drifted.verdict(None, &gated, false), Exit::Gate);
    }
}
