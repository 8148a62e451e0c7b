//! One list of a server, page by page: cursors, caps, and what came of it.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::json;
use super::json_rpc::{Body, code};
use super::tidy::{self, Changes, Dropped};
use super::tool_headers;
use crate::base::text::quote;
use crate::base::time::millis;
use crate::model::inventory::{CacheHint, Coverage, CoverageState, Json, List};
use crate::model::limits::Limits;
use crate::model::notes::Notes;
use crate::model::outcome::{Failure, FailureKind, Phase};
use crate::model::revision::Era;
use crate::model::secret::Redaction;

/// A cursor longer than this is not sent back: the list is reported as truncated.
const LONGEST_CURSOR: usize = 64 << 10;

/// A list while it is read.
#[derive(Debug)]
pub struct Listing {
    /// Which one.
    pub list: List,
    end: Option<End>,
    items: Vec<Json>,
    pages: u32,
    bytes: u64,
    asked_at: Option<Duration>,
    answered_at: Duration,
    cursors: HashSet<u64>,
    hasher: RandomState,
    /// Answered "bad cursor" and begun again from the top already.
    restarted: bool,
}

/// How a list ended.
#[derive(Debug, Clone)]
struct End {
    state: CoverageState,
    reason: Option<String>,
    kind: Option<FailureKind>,
}

fn failed(kind: FailureKind, why: impl Into<String>) -> End {
    End { state: CoverageState::Failed, reason: Some(why.into()), kind: Some(kind) }
}

fn truncated(why: impl Into<String>) -> End {
    End { state: CoverageState::Truncated, reason: Some(why.into()), kind: Some(FailureKind::LimitExceeded) }
}

fn unsupported(why: impl Into<String>) -> End {
    End { state: CoverageState::Unsupported, reason: Some(why.into()), kind: None }
}

/// What to do after an answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask for the page behind this cursor; `None` is the first page again.
    Page(Option<String>),
    /// The list has ended, one way or another.
    Ended,
}

/// What an answer brought besides items.
#[derive(Debug, Default)]
pub struct Aside {
    /// Deviations of the items.
    pub notes: Notes,
    /// `ttlMs` and `cacheScope`.
    pub hint: Option<CacheHint>,
}

impl Listing {
    /// Planned, not yet asked for.
    pub fn new(list: List) -> Listing {
        Listing {
            list,
            end: None,
            items: Vec::new(),
            pages: 0,
            bytes: 0,
            asked_at: None,
            answered_at: Duration::ZERO,
            cursors: HashSet::new(),
            hasher: RandomState::new(),
            restarted: false,
        }
    }

    /// A list the server does not declare.
    pub fn undeclared(list: List) -> Listing {
        let why = format!("capability {} not declared", list.capability());
        Listing { end: Some(unsupported(why)), ..Listing::new(list) }
    }

    /// What was read so far.
    pub fn items(&self) -> &[Json] {
        &self.items
    }

    /// Whether it has ended.
    pub fn ended(&self) -> bool {
        self.end.is_some()
    }

    /// A request for it is on its way.
    pub fn asked(&mut self, now: Duration) {
        self.asked_at.get_or_insert(now);
        self.answered_at = now;
    }

    /// Forgets what was read: the session is new, the list begins again.
    pub fn begin_again(&mut self) {
        *self = Listing::new(self.list);
    }

    /// Ends it here, keeping what was read: as truncated where a limit cut it between pages, else as failed.
    pub fn fail(&mut self, kind: FailureKind, why: impl Into<String>) {
        let cut_short = kind == FailureKind::LimitExceeded && self.pages > 0;
        self.end.get_or_insert(if cut_short { truncated(why) } else { failed(kind, why) });
    }

    /// It will not be asked for.
    pub fn skip(&mut self, kind: FailureKind, why: impl Into<String>) {
        self.end.get_or_insert(End { state: CoverageState::Skipped, ..failed(kind, why) });
    }

    /// Takes the answer to the last request.
    pub fn answer(
        &mut self,
        body: Body<'_>,
        now: Duration,
        era: Era,
        limits: &Limits,
        redaction: &Redaction,
    ) -> (Next, Aside) {
        self.answered_at = now;
        let mut aside = Aside::default();
        let next = match body {
            Body::Result(result) => {
                self.bytes += result.len() as u64;
                self.page(result, era, limits, redaction, &mut aside)
            }
            Body::Error(e) if e.code == code::METHOD_NOT_FOUND => {
                Err(unsupported("declared, but answered -32601 method not found"))
            }
            Body::Error(e) if e.code == code::INVALID_PARAMS && self.pages > 0 && !self.restarted => {
                let list = self.list;
                *self = Listing { restarted: true, asked_at: self.asked_at, ..Listing::new(list) };
                Ok(Next::Page(None))
            }
            Body::Error(e) => {
                let message = redaction.clean(&e.message);
                Err(failed(FailureKind::RpcError, format!("error {}: {}", e.code, quote(&message, 300))))
            }
            Body::Faulty(what) => Err(failed(FailureKind::InvalidMessage, format!("answered with {what}"))),
        };
        let next = next.unwrap_or_else(|end| {
            self.end.get_or_insert(end);
            Next::Ended
        });
        (next, aside)
    }

    fn page(
        &mut self,
        result: &str,
        era: Era,
        limits: &Limits,
        redaction: &Redaction,
        aside: &mut Aside,
    ) -> Result<Next, End> {
        let invalid = |why: String| failed(FailureKind::InvalidMessage, why);
        let keys = [self.list.key(), "nextCursor", "resultType", "ttlMs", "cacheScope"];
        let picked = json::pick(result, keys).ok_or_else(|| invalid("the result is not an object".into()))?;
        if picked.repeated > 0 {
            // Which one a client takes is anybody's guess: nothing that is shown of it would be the whole.
            return Err(invalid("the result has a key twice".into()));
        }
        let [array, cursor, result_type, ttl, scope] = picked.members;
        if let Some(kind) = result_type.and_then(json::string)
            && kind != "complete"
            && era == Era::Stateless
        {
            return Err(invalid(format!("resultType {} for a list", quote(&kind, 40))));
        }
        if era == Era::Stateless {
            let ttl_ms = ttl.and_then(|t| serde_json::from_str::<u64>(t.get()).ok()).unwrap_or(0);
            let public = scope.and_then(json::string).is_some_and(|s| s == "public");
            aside.hint = Some(CacheHint { ttl_ms, public });
        }
        let array = array.ok_or_else(|| invalid(format!("the result has no {}", self.list.key())))?;
        self.pages += 1;
        self.take_items(array.get(), limits, redaction, &mut aside.notes)?;
        self.next_page(cursor, limits)
    }

    /// Keeps the array's objects.
    fn take_items(
        &mut self,
        array: &str,
        limits: &Limits,
        redaction: &Redaction,
        notes: &mut Notes,
    ) -> Result<(), End> {
        let (mut cut, mut dropped) = (false, Dropped::default());
        json::for_each(array, |raw| {
            if self.items.len() >= limits.items {
                cut = true;
                return;
            }
            match tidy::object(raw.get(), redaction) {
                Ok((item, changes)) => {
                    remark(self.list, item.text(), changes, notes);
                    self.items.push(item);
                }
                Err(why) => dropped.add(why),
            }
        })
        .ok_or_else(|| failed(FailureKind::InvalidMessage, format!("{} is not an array", self.list.key())))?;
        if cut {
            return Err(truncated(format!("more than {} items", limits.items)));
        }
        if let Some(why) = dropped.reason() {
            notes.add_times("entries_dropped", dropped.count, || format!("{}: {why}", self.list.method()));
            // Known to be incomplete, but the pages behind may still be read: remember, and go on.
            self.end.get_or_insert(failed(FailureKind::InvalidMessage, why));
        }
        Ok(())
    }

    fn next_page(
        &mut self,
        cursor: Option<&serde_json::value::RawValue>,
        limits: &Limits,
    ) -> Result<Next, End> {
        let Some(cursor) = cursor else {
            self.end.get_or_insert(End { state: CoverageState::Complete, reason: None, kind: None });
            return Ok(Next::Ended);
        };
        if cursor.get().len() > LONGEST_CURSOR {
            return Err(truncated(format!("a cursor of {} bytes", cursor.get().len())));
        }
        let text = json::string(cursor).ok_or_else(|| End {
            kind: Some(FailureKind::InvalidMessage),
            ..truncated("nextCursor is not a string")
        })?;
        if !self.cursors.insert(self.hasher.hash_one(&*text)) {
            return Err(truncated(format!("cursor repeats after {} pages", self.pages)));
        }
        if self.pages >= limits.pages {
            return Err(truncated(format!("more than {} pages", limits.pages)));
        }
        Ok(Next::Page(Some(text.into_owned())))
    }

    /// The list's row, its items, and why it is not whole, if it is not.
    pub fn finish(self) -> (Coverage, Vec<Json>, Option<Failure>) {
        let end = self.end.unwrap_or(End {
            state: CoverageState::Skipped,
            reason: Some("not asked".to_owned()),
            kind: None,
        });
        let failure = end.kind.map(|kind| Failure {
            kind,
            phase: Phase::List(self.list),
            message: end.reason.clone().unwrap_or_default(),
        });
        let ms = self.asked_at.map_or(0.0, |at| millis(self.answered_at.saturating_sub(at)));
        let coverage = Coverage {
            phase: self.list,
            state: end.state,
            items: self.items.len(),
            pages: self.pages,
            bytes: self.bytes,
            ms,
            reason: end.reason,
        };
        (coverage, self.items, failure)
    }
}

/// Notes what deviates in a kept item.
fn remark(list: List, item: &str, changes: Changes, notes: &mut Notes) {
    let method = list.method();
    let repeated = || format!("{method}: repeated keys; the last one was kept");
    notes.add_times("duplicate_keys", changes.repeated_keys, repeated);
    let huge = || format!("{method}: numbers beyond a double were kept as strings");
    notes.add_times("huge_numbers", changes.huge_numbers, huge);
    if let Some(fault) = fault(list, item) {
        notes.add("item_fault", || format!("{method}: {fault}"));
    }
    if list == List::Tools
        && let Some((tool, why)) = tool_headers::offence(item)
    {
        let hidden = || format!("conforming HTTP clients hide {}: an x-mcp-header {why}", quote(&tool, 80));
        notes.add("tool_header_invalid", hidden);
    }
}

/// What a kept item lacks of what the schema of every revision demands.
fn fault(list: List, item: &str) -> Option<String> {
    let key = list.name_key();
    let [named, schema] = json::pick(item, [key, "inputSchema"])?.members;
    let Some(named) = named.and_then(json::string) else {
        return Some(format!("an item without a string {key}"));
    };
    let is_object = schema.is_some_and(|s| s.get().starts_with('{'));
    (list == List::Tools && !is_object)
        .then(|| format!("{}: inputSchema is not an object", quote(&named, 80)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(listing: &mut Listing, result: &str) -> Next {
        let limits = Limits { pages: 3, items: 4, ..Limits::default() };
        let none = Redaction::default();
        listing.answer(Body::Result(result), Duration::ZERO, Era::Handshake, &limits, &none).0
    }

    fn end_of(pages: &[&str]) -> (CoverageState, usize, u32, Option<String>) {
        let mut listing = Listing::new(List::Tools);
        for page in pages {
            answer(&mut listing, page);
        }
        let (c, ..) = listing.finish();
        (c.state, c.items, c.pages, c.reason)
    }

    #[test]
    fn every_way_a_list_can_end() {
        use CoverageState::{Complete, Failed, Truncated};
        type Row<'a> = (&'a [&'a str], CoverageState, usize, u32, &'a str);
        let rows: [Row<'_>; 9] = [
            (&[r#"{"tools":[{"name":"a"}]}"#], Complete, 1, 1, ""),
            (&[r#"{"tools":[],"nextCursor":null}"#], Complete, 0, 1, ""),
            (&[r#"{"tools":[{}],"nextCursor":""}"#, r#"{"tools":[{}]}"#], Complete, 2, 2, ""),
            (
                &[r#"{"tools":[{}],"nextCursor":"x"}"#, r#"{"tools":[{}],"nextCursor":"x"}"#],
                Truncated,
                2,
                2,
                "repeats",
            ),
            (&[r#"{"tools":[{},{},{},{},{}]}"#], Truncated, 4, 1, "more than 4 items"),
            (&[r#"{"tools":[{}],"nextCursor":7}"#], Truncated, 1, 1, "not a string"),
            (&[r#"{"tools":{"a":{}}}"#], Failed, 0, 1, "not an array"),
            (&[r#"{"tools":[1,{"name":"ok"},"x"]}"#], Failed, 1, 1, "2 entries"),
            (&[r#"{}"#], Failed, 0, 0, "no tools"),
        ];
        for (pages, state, items, read, why) in rows {
            let got = end_of(pages);
            assert_eq!((got.0, got.1, got.2), (state, items, read), "{pages:?}");
            assert!(got.3.unwrap_or_default().contains(why), "{pages:?}");
        }
    }

    #[test]
    fn ever_new_cursors_end_at_the_page_limit() {
        let pages: Vec<String> = (0..9).map(|i| format!(r#"{{"tools":[],"nextCursor":"{i}"}}"#)).collect();
        let mut listing = Listing::new(List::Tools);
        let asked = pages.iter().take_while(|p| answer(&mut listing, p) != Next::Ended).count();
        assert_eq!(asked, 2);
        assert_eq!(listing.finish().0.reason.as_deref(), Some("more than 3 pages"));
    }
}
