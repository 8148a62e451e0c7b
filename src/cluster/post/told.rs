//! What the poster is given, and what it tells.

use std::time::Duration;

use crate::base::time::Deadline;
use crate::cluster::roster::Roster;

/// A job, as far as the queue has to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    /// Whether it starts a command.
    pub command: bool,
    /// Whom it asks, where there may be others that ask the same.
    pub origin: Option<String>,
}

/// What is to be done.
pub(crate) struct Run<'a> {
    /// Unique.
    pub id: &'a str,
    /// What holds for all jobs.
    pub terms: &'a [u8],
    /// By number.
    pub jobs: &'a [Job],
    /// The numbers that are still to be done.
    pub todo: Vec<usize>,
    /// What the worker gets of a job. Asked when it is sent, which may be more than once.
    pub body: &'a dyn Fn(usize) -> Vec<u8>,
    /// When it has to be over.
    pub until: Option<Deadline>,
}

/// What a worker made of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The worker's name.
    pub worker: String,
    /// Its host.
    pub host: String,
    /// How often the job was with a worker, this time included.
    pub attempt: u32,
    /// The result, or the message of the panic that it ended in.
    pub body: Result<Vec<u8>, String>,
}

/// Why a job has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why {
    /// Somebody switched the run off.
    Cancelled,
    /// The run's time is over.
    Over,
    /// No worker was alive for so long.
    NoWorker(Duration),
    /// None of the workers runs commands.
    NoCommands,
    /// The queue does not work.
    Queue(String),
    /// It was with a worker so often and came back from none.
    Poison(u32),
    /// It was sent so often and was lost each time.
    Lost(u32),
}

/// What is told on the calling thread.
#[derive(Debug)]
pub(crate) enum Told<'a> {
    /// The job of this number has a result.
    Ended(usize, Answer),
    /// It has none.
    Unanswered(usize, Why),
    /// Nothing happened for a while. Who is alive, as far as is known.
    Quiet(&'a Roster),
}

/// How it went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Results that were there already.
    pub duplicates: u64,
    /// Jobs that were sent once more, because a worker or the queue lost them.
    pub again: u64,
    /// Entries that somebody without the key put there.
    pub forged: u64,
    /// Most jobs that were in the queue and with workers at a time.
    pub peak: usize,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Progress {
    /// Jobs in all.
    pub planned: usize,
    /// Without result.
    pub left: usize,
    /// Of these: in the queue or with workers.
    pub out: usize,
    /// Seconds since 1970.
    pub began: u64,
}
