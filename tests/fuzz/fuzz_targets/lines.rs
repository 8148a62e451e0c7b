//! Any way of cutting the bytes gives the same lines. The first byte says how they are cut.
#![no_main]

use hawkeye::parts::{Lines, TooLong};
use libfuzzer_sys::fuzz_target;

fn split(bytes: &[u8], chunk: usize) -> Result<Vec<Vec<u8>>, TooLong> {
    let (mut lines, mut out) = (Lines::new(1 << 20), Vec::new());
    for part in bytes.chunks(chunk) {
        lines.push(part);
        while let Some(range) = lines.next_line()? {
            out.push(lines.line(range).to_vec());
        }
    }
    out.extend(lines.last().map(|range| lines.line(range).to_vec()));
    Ok(out)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&cut, bytes)) = bytes.split_first() else { return };
    assert_eq!(split(bytes, usize::from(cut).max(1)), split(bytes, bytes.len().max(1)));
});
