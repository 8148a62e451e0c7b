//! Any way of cutting the bytes gives the same events. The first byte says how they are cut.
#![no_main]

use hawkeye::mcp::sse::{Decoder, Event};
use libfuzzer_sys::fuzz_target;

fn events(bytes: &[u8], chunk: usize) -> (Vec<Event>, Option<String>, Option<u64>) {
    let (mut decoder, mut out) = (Decoder::new(1 << 20), Vec::new());
    for part in bytes.chunks(chunk) {
        let _ = decoder.push(part, |event| out.push(event));
    }
    (out, decoder.last_id().map(str::to_owned), decoder.retry_ms())
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&cut, bytes)) = bytes.split_first() else { return };
    assert_eq!(events(bytes, usize::from(cut).max(1)), events(bytes, bytes.len().max(1)));
});
