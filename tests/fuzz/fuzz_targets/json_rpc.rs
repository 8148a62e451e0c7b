//! A message is decoded, or refused; never more than the text holds comes out of it.
#![no_main]

use hawkeye::mcp::json_rpc::{Incoming, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = decode(text, 64, |message| match message {
        Incoming::Request { id, .. } => assert!(text.contains(id)),
        Incoming::Response { id: Some(id), .. } => assert!(text.contains(id)),
        Incoming::Response { id: None, .. } | Incoming::Notification { .. } => {}
    });
});
