//! The part of an outcome that is kept: what the server said, and how it was asked.
//!
//! Not its name and owners, which are the target's of the day, and not the findings: whether an answer is
//! bad is judged again by the rules of the day.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::base::time::rfc3339;
use crate::model::inventory::Inventory;
use crate::model::notes::Note;
use crate::model::outcome::{Auth, Cached, Outcome, Status, Timing, Transport};

use super::cache::{Entry, Found};
use super::key::Key;

/// What a body holds.
#[derive(Serialize, Deserialize)]
struct Answer<'a> {
    transport: Option<Transport>,
    inventory: Cow<'a, Inventory>,
    auth: Cow<'a, Auth>,
    notes: Cow<'a, [Note]>,
    timing: Timing,
}

/// `outcome` as it is kept under `key`; nothing if it is not to be kept: because it is not complete, or
/// because its server says that it is out of date at once. A server's scope `private` is no obstacle: the
/// key covers who asked.
pub(crate) fn entry(key: Key, outcome: &Outcome, asked: SystemTime) -> Option<Entry> {
    let allowed = outcome.inventory.cache_hint.map(|hint| Duration::from_millis(hint.ttl_ms));
    if outcome.status != Status::Complete || allowed.is_some_and(|a| a.is_zero()) {
        return None;
    }
    let answer = Answer {
        transport: outcome.transport,
        inventory: Cow::Borrowed(&outcome.inventory),
        auth: Cow::Borrowed(&outcome.auth),
        notes: Cow::Borrowed(&outcome.notes),
        timing: outcome.timing,
    };
    Some(Entry {
        key,
        name: outcome.name.clone(),
        transport: outcome.transport.map_or("-", Transport::name),
        endpoint: outcome.endpoint.line(),
        stored: asked,
        allowed,
        body: serde_json::to_vec(&answer).ok()?,
    })
}

/// `blank`, the untried outcome of today's target, with the answer that was `found`; nothing if the answer
/// cannot be read.
pub(crate) fn outcome(blank: Outcome, found: &Found, now: SystemTime) -> Option<Outcome> {
    let answer: Answer<'_> = serde_json::from_slice(&found.body).ok()?;
    let age = now.duration_since(found.stored).unwrap_or_default();
    Some(Outcome {
        transport: answer.transport,
        status: Status::Complete,
        failure: None,
        inventory: answer.inventory.into_owned(),
        auth: answer.auth.into_owned(),
        notes: answer.notes.into_owned(),
        timing: answer.timing,
        attempts: 0,
        cached: Some(Cached { stored_at: rfc3339(found.stored), age_s: age.as_secs() }),
        ..blank
    })
}
