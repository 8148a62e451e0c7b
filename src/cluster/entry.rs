//! What is in an entry of a stream, once it is opened: a line of JSON that says about what follows it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Fields of an entry of a stream of jobs or results.
pub(super) const RUN: &str = "r";
pub(super) const NUMBER: &str = "n";
pub(super) const BODY: &str = "b";

/// Of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct JobHead {
    /// Seconds since 1970 after which nobody may do it any more.
    pub(super) expires: u64,
    /// How often it was with a worker before this entry was made.
    pub(super) before: u32,
    /// Which entry this is, however often it is copied.
    pub(super) id: u64,
}

/// Of a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ResultHead {
    pub(super) worker: String,
    pub(super) host: String,
    /// Which delivery this is the answer to, from 1.
    pub(super) attempt: u32,
    pub(super) end: End,
}

/// How a job ended at a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum End {
    /// With the result that follows.
    Done,
    /// In a panic, with this message.
    Panicked(String),
    /// It was not begun: too many workers never came back from it.
    Poison,
}

/// Of what holds for all jobs of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TermsHead {
    /// How many jobs of the run the worker of this name may have at a time.
    pub(super) most: Vec<(String, usize)>,
}

/// `head`, and `body` after it.
pub(super) fn pack(head: &impl Serialize, body: &[u8]) -> Vec<u8> {
    let mut packed = serde_json::to_vec(head).expect("plain data is JSON");
    packed.push(b'\n');
    packed.extend_from_slice(body);
    packed
}

/// The two parts of what was packed.
pub(super) fn unpack<T: DeserializeOwned>(mut packed: Vec<u8>) -> Option<(T, Vec<u8>)> {
    let end = memchr::memchr(b'\n', &packed)?;
    let head = serde_json::from_slice(&packed[..end]).ok()?;
    packed.drain(..=end);
    Some((head, packed))
}
