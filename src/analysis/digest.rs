//! Names that stay: of a finding, and of the whole rule set.

use std::fmt::Write;

use ring::digest::{Context, SHA256};

/// The same for the same finding, wherever it stands in its list.
pub(super) fn fingerprint(parts: &[&str]) -> String {
    let mut text = sha256(parts);
    text.truncate(32);
    text
}

/// The digest of `parts`, each told from the next by its length.
pub(super) fn sha256(parts: &[&str]) -> String {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    context.finish().as_ref().iter().fold(String::with_capacity(64), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}
