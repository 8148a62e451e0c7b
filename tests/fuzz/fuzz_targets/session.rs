//! A server says one thing per line; the session neither panics nor ends without a row for every list.
#![no_main]

use std::time::Duration;

use hawkeye::mcp::session::{Binding, Inbound, Opening, Plan, Session, Step};
use hawkeye::model::limits::Limits;
use hawkeye::model::secret::Redaction;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let plan = Plan {
        binding: Binding::Lines,
        opening: Opening::Detect,
        client: Default::default(),
        limits: Limits { pages: 8, items: 64, ..Limits::default() },
        redaction: Redaction::default(),
        // Always the same ids, so that the fuzzer can learn to answer.
        seed: 1,
    };
    let mut session = Session::new(plan);
    for line in bytes.split(|b| *b == b'\n') {
        while let Step::Send(_) = session.next(Duration::ZERO) {}
        if session.handle(Inbound::Text(line), Duration::ZERO).is_err() {
            break;
        }
    }
    assert_eq!(session.finish(None).inventory.coverage.len(), 4);
});
