//! Conversations kept for the next introspection of the same target: an agreed session with its wire, be that
//! an HTTP session, an event stream or a warm process.
//!
//! Invariant: a kept conversation is never the reason of a failure. Whatever goes wrong with one, it is
//! closed and a fresh one opened, as if it had never been there.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::base::time::Deadline;
use crate::mcp::session::Session;
use crate::model::outcome::Status;
use crate::model::pool::PoolOptions;
use crate::model::revision::Revision;
use crate::model::secret::Secret;
use crate::model::target::{Endpoint, Target};
use crate::sys::cancel::Cancel;
use crate::transport::carriers::Carriers;
use crate::transport::{Patience, Phases, Wire};

use super::pool::{self, Pool};
use super::{Talk, ended_by, talk};

/// How long one round of looking after all of them may take, and how long closing them.
const TENDING: Duration = Duration::from_secs(2);
/// What a server may have said while nobody listened, in messages.
const MOST_OVERHEARD: usize = 1_000;

/// Everything that shapes a conversation. Compared whole, credentials and all: nothing is shared that differs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    endpoint: Endpoint,
    pin: Option<Revision>,
    /// What is struck out of the server's answers.
    expanded: Vec<Secret>,
}

impl Key {
    pub(super) fn of(target: &Target, pin: Option<Revision>) -> Key {
        Key { endpoint: target.endpoint.clone(), pin, expanded: target.expanded.clone() }
    }
}

/// A conversation that can go on.
pub(super) struct Live {
    pub(super) session: Session,
    pub(super) wire: Box<dyn Wire>,
}

/// All of them.
pub(crate) struct Kept {
    pool: Mutex<Pool<Key, Live>>,
    validation: bool,
}

/// One of them in use. Dropped with its conversation still inside, say by a panic, it is lost to the pool.
struct Loan<'a> {
    from: &'a Kept,
    lent: Option<pool::Kept<Key, Live>>,
}

impl Kept {
    pub(crate) fn new(options: PoolOptions) -> Kept {
        Kept { pool: Mutex::new(Pool::new(options)), validation: options.connection_validation }
    }

    /// How many are idle.
    pub(crate) fn idle(&self) -> usize {
        self.pool().idle()
    }

    /// Closes what is overdue and asks those that were idle for long whether they are alive.
    pub(crate) fn tend(&self, cancel: &Cancel) {
        let until = Deadline::after(TENDING);
        let overdue = self.pool().overdue(Instant::now());
        close_all(overdue, until, cancel);
        for _ in 0..self.idle() {
            if cancel.is_tripped() || until.passed() {
                return;
            }
            let lent = self.pool().take_unchecked(Instant::now());
            let Some(lent) = lent else { return };
            let mut loan = Loan { from: self, lent: Some(lent) };
            let well = loan.live().is_some_and(|live| live.is_well(&patience(until, cancel)));
            if !well {
                log::debug!("a kept session did not answer; it is closed");
                continue;
            }
            if let Some(lent) = loan.lent.take() {
                let excess = self.pool().give_checked(lent, Instant::now());
                close_all(excess, until, cancel);
            }
        }
    }

    /// Closes all of them.
    pub(crate) fn end(&self, cancel: &Cancel) {
        let all = self.pool().drain();
        close_all(all, Deadline::after(TENDING), cancel);
    }

    /// Takes in a conversation that was opened for `key`.
    pub(super) fn keep(&self, key: Key, live: Live, cancel: &Cancel) {
        let excess = self.pool().add(key, live, Instant::now());
        close_all(excess, Deadline::after(TENDING), cancel);
    }

    fn take(&self, key: &Key, cancel: &Cancel) -> Option<Loan<'_>> {
        let now = Instant::now();
        let (overdue, lent) = {
            let mut pool = self.pool();
            (pool.overdue(now), pool.take(key, now))
        };
        close_all(overdue, Deadline::after(TENDING), cancel);
        lent.map(|lent| Loan { from: self, lent: Some(lent) })
    }

    /// The pool is never left half-changed, so a panic elsewhere does not spoil it.
    fn pool(&self) -> MutexGuard<'_, Pool<Key, Live>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loan<'_> {
    fn live(&mut self) -> Option<&mut Live> {
        self.lent.as_mut().map(|lent| &mut lent.value)
    }

    fn give_back(mut self, cancel: &Cancel) {
        if let Some(lent) = self.lent.take() {
            let excess = self.from.pool().give(lent, Instant::now());
            close_all(excess, Deadline::after(TENDING), cancel);
        }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        if self.lent.is_some() {
            self.from.pool().lose();
        }
    }
}

impl Live {
    /// Whether there is anything that speaks against going on with it. Waits for nothing.
    fn is_sound(&mut self) -> bool {
        for _ in 0..MOST_OVERHEARD {
            match self.wire.overhear() {
                Ok(None) => return true,
                Ok(Some(inbound)) if self.session.overheard(&inbound) => {}
                Ok(Some(_)) | Err(_) => return false,
            }
        }
        false
    }

    /// The same, and the server has to answer where its revision has a question for that.
    fn is_well(&mut self, patience: &Patience) -> bool {
        self.wire.renew(patience.clone());
        if !self.is_sound() {
            return false;
        }
        let Some(ping) = self.session.ping() else { return true };
        let answered = talk(&mut self.session, self.wire.as_mut(), Instant::now(), None).is_ok();
        let well = answered && self.session.ponged(ping);
        self.wire.pause();
        well
    }

    fn close(mut self, until: Deadline, cancel: &Cancel) {
        self.wire.renew(patience(until, cancel));
        self.wire.close();
    }
}

/// One more round of a conversation that was kept for `key`, if there is one and nothing is wrong with it.
pub(super) fn again(
    kept: &Kept,
    key: &Key,
    name: &str,
    carriers: &Carriers,
    patience: &Patience,
) -> Option<Talk> {
    let mut loan = kept.take(key, &patience.cancel)?;
    let live = loan.live()?;
    if kept.validation && !live.is_sound() {
        log::debug!("{name}: the kept session is over; a new one is opened");
        return None;
    }
    let begun = Instant::now();
    // One that does not answer at all must leave time for a fresh one; one that does has all of it.
    let first = patience.within(patience.total / 2);
    live.wire.renew(first);
    live.session.relist();
    let cut = talk(&mut live.session, live.wire.as_mut(), begun, Some(patience)).err().map(ended_by);
    let over = patience.check().is_err();
    if cut.is_some() && !over {
        log::debug!("{name}: the kept session is stale; a new one is opened");
        return None;
    }
    let (agreed_at, ended) = (live.session.agreed_at(), begun.elapsed());
    let ending = live.session.pause(cut);
    let whole = Status::judge(&ending.inventory, ending.cause.is_some()) == Status::Complete;
    if !whole && !over {
        log::debug!("{name}: the kept session no longer lists everything; a new one is opened");
        return None;
    }
    let (transport, parting) = (live.wire.transport(), live.wire.pause());
    if whole {
        carriers.counters().session_reused();
        loan.give_back(&patience.cancel);
    }
    Some(Talk {
        ending,
        challenged: None,
        transport,
        agreed_at,
        phases: Phases::default(),
        connect: Duration::ZERO,
        notes: parting.notes,
        stderr: parting.stderr,
        detour: None,
        ended,
        live: None,
    })
}

fn patience(until: Deadline, cancel: &Cancel) -> Patience {
    Patience::new(until.left(), None, cancel.clone())
}

fn close_all(all: impl IntoIterator<Item = pool::Kept<Key, Live>>, until: Deadline, cancel: &Cancel) {
    all.into_iter().for_each(|kept| kept.value.close(until, cancel));
}
