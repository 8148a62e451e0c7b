//! Floor 2: jobs over many hosts, through the streams of a Redis or Valkey server. Knows nothing of MCP.
//!
//! ```text
//!  post (the host that scans)             the queue                     serve (each worker)
//!  jobs ──sealed──▶ jobs:remote | jobs:command | jobs:to:NAME ──group──▶ threads
//!  each ◀──sealed── run:ID:results ◀──────── one transaction: result, XACK, XDEL ◀──┘
//! ```
//!
//! A job is an entry of a stream until its result is one: both change in one transaction, so that at any moment one
//! of them is there. Delivery is at least once, and the poster takes the first result of each number:
//!
//! - A worker that dies leaves its entries pending; when it has not been heard of for the health interval, others
//!   claim them (`XPENDING … IDLE`, `XCLAIM`), and the poster gives what waited in its own queue to others.
//! - A worker renews what it works at (`XCLAIM … JUSTID`), so a long job is not taken for a dead one.
//! - An entry that was delivered more than `max_deliveries` times is poison: it is answered with that.
//!   Before that, it is given its last chance apart from others in the same position: whoever was beside the one
//!   that brings workers down is not taken for it.
//! - A queue that lost its memory is found out: the poster looks now and then whether what it sent is still there,
//!   and sends again what is not.
//! - The poster sends no more than twice what the workers have room for: that bounds what is in the queue.
//!
//! | file | what it holds |
//! |---|---|
//! | `options` | how it is set up |
//! | `keys`, `entry`, `queue` | what is where in the queue; one entry; the commands that change it |
//! | `seal` | what makes jobs, results and signs of life believable |
//! | `link` | the connection |
//! | `roster` | who is alive |
//! | `waiting`, `turns` | which job is next, and who gets it |
//! | `post` | sending jobs, taking results, finding out what was lost |
//! | `pace` | the rate that all workers keep together |
//! | `status` | all of it, looked at from outside |
//! | `serve` | taking jobs, sending results |
//!
//! Invariant: nothing from the queue is believed that is not sealed, and every wait for it ends.

pub(crate) mod options;

#[cfg(feature = "cluster")]
mod entry;
#[cfg(feature = "cluster")]
mod keys;
#[cfg(feature = "cluster")]
mod link;
#[cfg(feature = "cluster")]
pub(crate) mod pace;
#[cfg(feature = "cluster")]
pub(crate) mod post;
#[cfg(feature = "cluster")]
mod queue;
#[cfg(feature = "cluster")]
pub(crate) mod roster;
#[cfg(feature = "cluster")]
mod seal;
#[cfg(feature = "cluster")]
pub(crate) mod serve;
#[cfg(feature = "cluster")]
pub(crate) mod status;
#[cfg(feature = "cluster")]
mod turns;
#[cfg(feature = "cluster")]
mod waiting;

#[cfg(feature = "cluster")]
pub(crate) use queue::Queue;
