//! Bytes of a saved file: a regular file or standard input, bounded, in UTF-8.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::{STANDARD_INPUT, Unusable};

/// Bytes a saved file may have: a report of some ten thousand servers.
pub(super) const LARGEST: u64 = 256 << 20;

/// The name for people and the text of the file at `path`; that of `input`, where `path` means standard input.
pub(super) fn read(path: &Path, input: &mut dyn Read) -> Result<(String, String), Unusable> {
    if path == Path::new("-") || path == Path::new("/dev/stdin") {
        return Ok((STANDARD_INPUT.to_owned(), text(STANDARD_INPUT, input)?));
    }
    let (name, mut file) = open(path)?;
    let text = text(&name, &mut file)?;
    Ok((name, text))
}

/// The name for people and the file at `path`, a regular one.
pub(super) fn open(path: &Path) -> Result<(String, File), Unusable> {
    let name = path.display().to_string();
    // Asked before opening: opening a pipe waits for its writer.
    let kind = fs::metadata(path).map_err(|e| unreadable(&name, &e))?.file_type();
    if !kind.is_file() {
        let what = if kind.is_dir() { "a directory" } else { "a pipe or a device" };
        return Err(refused(&name, format!("is {what}, not a regular file; - reads standard input")));
    }
    let file = File::open(path).map_err(|e| unreadable(&name, &e))?;
    Ok((name, file))
}

fn refused(name: &str, why: String) -> Unusable {
    Unusable { file: name.to_owned(), at: None, why, read: false }
}

pub(super) fn unreadable(name: &str, e: &io::Error) -> Unusable {
    let text = e.to_string();
    let cause = text.split(" (os error").next().unwrap_or(&text).to_lowercase();
    refused(name, format!("cannot be read: {cause}"))
}

pub(super) fn text(name: &str, input: &mut dyn Read) -> Result<String, Unusable> {
    let mut bytes = Vec::new();
    input.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|e| unreadable(name, &e))?;
    let unusable = |why: String| Unusable { read: true, ..refused(name, why) };
    if bytes.len() as u64 > LARGEST {
        return Err(unusable(format!("is larger than {} MiB; split it", LARGEST >> 20)));
    }
    if matches!(bytes.as_slice(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return Err(unusable("is UTF-16; save it as UTF-8".to_owned()));
    }
    if matches!(bytes.as_slice(), [0x1f, 0x8b, ..]) {
        return Err(unusable("is compressed; unpack it first: gunzip".to_owned()));
    }
    let mut text = String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let line = memchr::memchr_iter(b'\n', &e.as_bytes()[..at]).count() + 1;
        unusable(format!("is not UTF-8 (line {line})"))
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}
