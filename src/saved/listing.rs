//! What a server answered, raw: `tools/list` and its sisters in one object.
//!
//! A list that is not in the file is `unsupported` with that reason, as a server may well not have it, unless the
//! file's own capabilities declare it. Tools are the exception: a listing without them is not complete.

use std::time::Duration;

use serde_json::value::RawValue;

use super::{Place, blank, failed};
use crate::base::text::quote;
use crate::mcp::json;
use crate::mcp::json_rpc::Body;
use crate::mcp::listing::{Listing, Next};
use crate::mcp::tidy;
use crate::model::inventory::{Coverage, CoverageState, Inventory, Json, List, Protocol};
use crate::model::limits::Limits;
use crate::model::notes::Notes;
use crate::model::outcome::{Failure, FailureKind, Outcome, Status};
use crate::model::revision::{Era, Revision};
use crate::model::secret::Redaction;

/// The server called `name` that answered with `result`.
pub(super) fn server(name: String, result: &str, place: &Place<'_>) -> Outcome {
    let keys = [
        "tools",
        "resources",
        "resourceTemplates",
        "prompts",
        "nextCursor",
        "instructions",
        "serverInfo",
        "capabilities",
        "protocolVersion",
    ];
    let bad = |name, why: &str| {
        let line = place.line.map_or(String::new(), |line| format!(":{line}"));
        failed(name, place, FailureKind::InvalidMessage, format!("{}{line}: {why}", place.file))
    };
    let Some(picked) = json::pick(result, keys) else {
        return bad(name, "the result is not an object");
    };
    if picked.repeated > 0 {
        return bad(name, "the result has a key twice");
    }
    let [tools, resources, templates, prompts, cursor, instructions, info, capabilities, version] =
        picked.members;
    let present = [(List::Tools, tools), (List::Resources, resources), (List::ResourceTemplates, templates)];
    let present = present.into_iter().chain([(List::Prompts, prompts)]);
    if present.clone().all(|(_, array)| array.is_none()) && instructions.is_none() && capabilities.is_none() {
        return bad(name, "the result holds no tools, prompts, resources or instructions");
    }
    let (mut notes, none) = (Notes::default(), Redaction::default());
    let mut inventory = Inventory {
        protocol: version.and_then(json::string).map(|date| protocol(&date)),
        server: tidy::member("serverInfo", info, &none, &mut notes),
        instructions: tidy::instructions(instructions, &none, &mut notes),
        capabilities: tidy::member("capabilities", capabilities, &none, &mut notes),
        ..Inventory::default()
    };
    let mut failure = None;
    for (list, array) in present {
        let (row, items, why) = match array {
            Some(array) => read(list, array, cursor, &mut notes),
            None => absent(list, &inventory),
        };
        inventory.coverage.push(row);
        match list {
            List::Tools => inventory.tools = items,
            List::Resources => inventory.resources = items,
            List::ResourceTemplates => inventory.resource_templates = items,
            List::Prompts => inventory.prompts = items,
        }
        failure = failure.or(why);
    }
    let status = status(&inventory);
    Outcome { status, failure, inventory, notes: notes.into_vec(), ..blank(name, place) }
}

fn status(inventory: &Inventory) -> Status {
    let ended = |row: &Coverage| matches!(row.state, CoverageState::Complete | CoverageState::Unsupported);
    let read = |row: &Coverage| row.items > 0 || row.pages > 0 && row.state != CoverageState::Failed;
    let learnt = inventory.instructions.is_some() || inventory.coverage.iter().any(read);
    match inventory.coverage.iter().all(ended) {
        true => Status::Complete,
        false if learnt => Status::Partial,
        false => Status::Failed,
    }
}

/// One list of the file, read as the answer of a live server is.
fn read(
    list: List,
    array: &RawValue,
    cursor: Option<&RawValue>,
    notes: &mut Notes,
) -> (Coverage, Vec<Json>, Option<Failure>) {
    let mut listing = Listing::new(list);
    let cursor = cursor.map_or(String::new(), |cursor| format!(",\"nextCursor\":{}", cursor.get()));
    let page = format!("{{\"{}\":{}{cursor}}}", list.key(), array.get());
    let (limits, none) = (Limits::default(), Redaction::default());
    let (next, aside) = listing.answer(Body::Result(&page), Duration::ZERO, Era::Handshake, &limits, &none);
    notes.absorb(aside.notes);
    if let Next::Page(_) = next {
        listing.fail(FailureKind::LimitExceeded, "it has a nextCursor, and what follows is not in the file");
    }
    listing.finish()
}

/// The row of a list that the file does not have.
fn absent(list: List, inventory: &Inventory) -> (Coverage, Vec<Json>, Option<Failure>) {
    let declared = inventory.capabilities.as_ref().map(|declared| {
        let [of_list] = json::pick(declared.text(), [list.capability()]).map_or([None], |p| p.members);
        of_list.is_some()
    });
    let mut listing = match declared {
        Some(false) => Listing::undeclared(list),
        Some(true) | None => Listing::new(list),
    };
    match (declared, list) {
        (Some(true), _) => listing.skip(FailureKind::Config, "declared, and not in the file"),
        (None, List::Tools) => listing.skip(FailureKind::Config, "not in the file"),
        (Some(false) | None, _) => {}
    }
    let (mut row, items, failure) = listing.finish();
    if declared.is_none() && list != List::Tools {
        row.state = CoverageState::Unsupported;
        row.reason = Some("not in the file".to_owned());
    }
    (row, items, failure)
}

/// The revision that the file names, which need not be one that hawkeye speaks.
fn protocol(date: &str) -> Protocol {
    let era = date.parse::<Revision>().map_or(Era::Handshake, Revision::era);
    Protocol { version: quote(date, 40), era }
}
