//! An outcome in two texts, of which most stay the same from run to run, and a few numbers that never do.
//!
//! What is read back is what was reported, but for times finer than a tenth of a millisecond, the parts of a
//! connection's time, and the beginning of a long stderr.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::base::time::rfc3339;
use crate::model::drift::{Drift, Since};
use crate::model::finding::Finding;
use crate::model::inventory::{CacheHint, Coverage, Inventory, Json, Protocol};
use crate::model::notes::Note;
use crate::model::outcome::{
    Auth, Cached, EndpointView, Failure, Outcome, Owner, Posture, Status, Timing, Transport,
};
use crate::model::risk::Risk;

use super::body::MOST;
use super::history::{Seen, Text};

/// Bytes of a server's stderr that are kept, from its end.
const STDERR: usize = 4096;

/// What a server offers.
#[derive(Serialize, Deserialize)]
struct Offer<'a> {
    protocol: Cow<'a, Option<Protocol>>,
    server: Cow<'a, Option<Json>>,
    instructions: Cow<'a, Option<String>>,
    capabilities: Cow<'a, Option<Json>>,
    tools: Cow<'a, [Json]>,
    resources: Cow<'a, [Json]>,
    resource_templates: Cow<'a, [Json]>,
    prompts: Cow<'a, [Json]>,
    /// Part of the other text as well; here, so that what is compared is all in this one.
    posture: Posture,
}

/// Everything else.
#[derive(Serialize, Deserialize)]
struct Verdict<'a> {
    name: Cow<'a, str>,
    owners: Cow<'a, [Owner]>,
    tags: Cow<'a, [String]>,
    transport: Option<Transport>,
    endpoint: Cow<'a, EndpointView>,
    status: Status,
    failure: Cow<'a, Option<Failure>>,
    coverage: Vec<Coverage>,
    cache_hint: Option<CacheHint>,
    auth: Cow<'a, Auth>,
    findings: Cow<'a, [Finding]>,
    risk: Cow<'a, Option<Risk>>,
    notes: Cow<'a, [Note]>,
    stderr: Option<Cow<'a, str>>,
    worker: Cow<'a, Option<String>>,
}

/// A text is longer than any that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "over {} MiB", MOST >> 20)
    }
}

/// `what` as JSON, given up as soon as it is too large.
fn text_of(what: &impl Serialize) -> Result<Text, TooLarge> {
    let mut room = Room(Vec::new());
    // What is written to has room or has not; nothing else goes wrong.
    serde_json::to_writer(&mut room, what).map_err(|_| TooLarge)?;
    Ok(Text::new(room.0))
}

/// Takes so many bytes and no more.
struct Room(Vec<u8>);

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > MOST - self.0.len() {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the server offers, as it is kept; nothing where it was not reached.
pub(crate) fn offer(outcome: &Outcome) -> Result<Option<Text>, TooLarge> {
    let inventory = &outcome.inventory;
    if inventory.protocol.is_none() {
        return Ok(None);
    }
    let offer = Offer {
        protocol: Cow::Borrowed(&inventory.protocol),
        server: Cow::Borrowed(&inventory.server),
        instructions: Cow::Borrowed(&inventory.instructions),
        capabilities: Cow::Borrowed(&inventory.capabilities),
        tools: Cow::Borrowed(&inventory.tools),
        resources: Cow::Borrowed(&inventory.resources),
        resource_templates: Cow::Borrowed(&inventory.resource_templates),
        prompts: Cow::Borrowed(&inventory.prompts),
        posture: outcome.auth.posture,
    };
    text_of(&offer).map(Some)
}

/// Everything else, but for what stands in [`took`].
pub(crate) fn verdict(outcome: &Outcome) -> Result<Text, TooLarge> {
    let coverage = outcome.inventory.coverage.iter().map(|row| Coverage { ms: 0.0, ..row.clone() });
    let verdict = Verdict {
        name: Cow::Borrowed(&outcome.name),
        owners: Cow::Borrowed(&outcome.owners),
        tags: Cow::Borrowed(&outcome.tags),
        transport: outcome.transport,
        endpoint: Cow::Borrowed(&outcome.endpoint),
        status: outcome.status,
        failure: Cow::Borrowed(&outcome.failure),
        coverage: coverage.collect(),
        cache_hint: outcome.inventory.cache_hint,
        auth: Cow::Borrowed(&outcome.auth),
        findings: Cow::Borrowed(&outcome.findings),
        risk: Cow::Borrowed(&outcome.risk),
        notes: Cow::Borrowed(&outcome.notes),
        stderr: outcome.stderr.as_deref().map(|text| Cow::Borrowed(end_of(text))),
        worker: Cow::Borrowed(&outcome.worker),
    };
    text_of(&verdict)
}

fn end_of(text: &str) -> &str {
    let from = text.len().saturating_sub(STDERR);
    let from = (from..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[from..]
}

/// Times in tenths of a millisecond: seven bits a byte, the last byte of each without the eighth.
pub(crate) fn took(outcome: &Outcome) -> Vec<u8> {
    let Timing { total_ms, connect_ms, handshake_ms, listing_ms, analysis_ms, .. } = outcome.timing;
    let lists = outcome.inventory.coverage.iter().map(|row| row.ms);
    let mut bytes = Vec::with_capacity(20);
    for ms in [total_ms, connect_ms, handshake_ms, listing_ms, analysis_ms].into_iter().chain(lists) {
        // A cast keeps within the range, and makes nothing of what is no number.
        let mut rest = (ms * 10.0).round() as u64;
        while rest > 0x7f {
            bytes.push((rest & 0x7f) as u8 | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
    }
    bytes
}

fn times(bytes: &[u8]) -> impl Iterator<Item = f64> + '_ {
    let numbers = bytes.split_inclusive(|b| b & 0x80 == 0);
    numbers.map(|digits| {
        let place = |(at, byte): (usize, &u8)| u64::from(byte & 0x7f).checked_shl(7 * at as u32).unwrap_or(0);
        digits.iter().enumerate().take(9).map(place).sum::<u64>() as f64 / 10.0
    })
}

/// The inventory in `text`; how far each list got is not in it.
pub(crate) fn inventory(text: &[u8]) -> Option<Inventory> {
    let offer: Offer<'_> = serde_json::from_slice(text).ok()?;
    Some(Inventory {
        protocol: offer.protocol.into_owned(),
        server: offer.server.into_owned(),
        instructions: offer.instructions.into_owned(),
        capabilities: offer.capabilities.into_owned(),
        tools: offer.tools.into_owned(),
        resources: offer.resources.into_owned(),
        resource_templates: offer.resource_templates.into_owned(),
        prompts: offer.prompts.into_owned(),
        coverage: Vec::new(),
        cache_hint: None,
    })
}

/// An outcome out of its two texts, without its times.
pub(crate) fn outcome(offer: Option<&[u8]>, verdict: &[u8]) -> Option<Outcome> {
    let known = offer.map_or(Some(Inventory::default()), inventory)?;
    let verdict: Verdict<'_> = serde_json::from_slice(verdict).ok()?;
    Some(Outcome {
        name: verdict.name.into_owned(),
        owners: verdict.owners.into_owned(),
        tags: verdict.tags.into_owned(),
        transport: verdict.transport,
        endpoint: verdict.endpoint.into_owned(),
        status: verdict.status,
        failure: verdict.failure.into_owned(),
        inventory: Inventory { coverage: verdict.coverage, cache_hint: verdict.cache_hint, ..known },
        auth: verdict.auth.into_owned(),
        findings: verdict.findings.into_owned(),
        risk: verdict.risk.into_owned(),
        drift: None,
        notes: verdict.notes.into_owned(),
        stderr: verdict.stderr.map(Cow::into_owned),
        timing: Timing::default(),
        attempts: 0,
        cached: None,
        worker: verdict.worker.into_owned(),
        delivery: None,
        saved: None,
    })
}

/// The outcome that was `seen` in a run which began at `begun`; nothing if it cannot be read.
pub(crate) fn seen(seen: &Seen, begun: SystemTime) -> Option<Outcome> {
    let mut outcome = outcome(seen.inventory.as_deref(), &seen.verdict)?;
    let mut times = times(&seen.took);
    let timing = &mut outcome.timing;
    let parts = [
        &mut timing.total_ms,
        &mut timing.connect_ms,
        &mut timing.handshake_ms,
        &mut timing.listing_ms,
        &mut timing.analysis_ms,
    ];
    let lists = outcome.inventory.coverage.iter_mut().map(|row| &mut row.ms);
    parts.into_iter().chain(lists).zip(&mut times).for_each(|(to, ms)| *to = ms);
    outcome.attempts = seen.attempts;
    outcome.cached = seen.cached.map(|at| Cached {
        stored_at: rfc3339(at),
        age_s: begun.duration_since(at).unwrap_or_default().as_secs(),
    });
    let since =
        seen.since.as_ref().map(|(id, at)| Since { at: rfc3339(*at), run: Some(id.clone()), file: None });
    outcome.drift = match &seen.drift {
        Some(text) => serde_json::from_str(text).ok(),
        None => since.map(|since| Drift { since, changes: Vec::new(), timeline: Vec::new() }),
    };
    Some(outcome)
}
