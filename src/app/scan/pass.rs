//! One pass over the targets: what is remembered is told first, the others are asked.

use crate::analysis::{self, options::Policy};
use crate::model::run::Tally;
use crate::model::target::Target;
use crate::scan::Heard;

use super::hands::Hands;
use super::remember::{Misses, Remember};

/// Tells `each` of every target, at its place in the list, wherever its outcome comes from.
pub(super) fn pass(
    hands: &dyn Hands,
    targets: Vec<Target>,
    mut remember: Option<&mut Remember>,
    policy: &Policy,
    mut each: impl FnMut(Heard),
) {
    let mut tally = Tally::default();
    let Misses { targets, places } = match &mut remember {
        Some(remember) => remember.recall(targets, |at, target, mut outcome| {
            // Judged anew: the rules may be younger than the answer.
            analysis::judge(target, &mut outcome, policy);
            tally.add(&outcome);
            each(Heard::Ended(at, Box::new(outcome)));
        }),
        None => Misses::all(targets),
    };
    let write = |remember: &mut Option<&mut Remember>| {
        if let Some(remember) = remember {
            remember.write();
        }
    };
    hands.scan(targets, &mut |heard| match heard {
        Heard::Quiet => {
            write(&mut remember);
            each(Heard::Quiet);
        }
        Heard::Ended(at, outcome) => {
            let (at, key) = places[at];
            if let Some(remember) = &mut remember {
                remember.keep(key, &outcome);
            }
            each(Heard::Ended(at, outcome));
        }
        Heard::Complete(counted) => {
            tally += counted;
            each(Heard::Complete(tally));
            write(&mut remember);
        }
    });
}
