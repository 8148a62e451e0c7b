//! A target's name where space is short and programs read along: labels of metrics, frames of a profile.

use crate::base::text::{shorten, visible};
use crate::model::outcome::Outcome;
use crate::model::secret::mask_url;

/// Characters of a name that are kept.
pub(super) const NAME: usize = 128;

/// The target of `outcome` by name: no password, no control characters, short, and still one of its own.
pub(super) fn of(outcome: &Outcome) -> String {
    label(name(outcome))
}

/// A worker by its name.
pub(super) fn of_worker(name: &str) -> String {
    label(name)
}

/// What a target is called. A URL that nobody gave a name goes by its host in tables; here two of one host
/// must not share a series.
fn name(outcome: &Outcome) -> &str {
    let Some(url) = outcome.endpoint.url.as_deref() else { return &outcome.name };
    let authority = url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    let host = authority.map(|a| a.rsplit_once('@').map_or(a, |(_, host)| host));
    if host == Some(outcome.name.as_str()) { url } else { &outcome.name }
}

fn label(name: &str) -> String {
    // Masked before anything is cut: half a URL does not show where its password is.
    let masked = if name.contains("://") { mask_url(name) } else { name.to_owned() };
    let clean = visible(&masked);
    if clean.chars().count() <= NAME {
        return clean.into_owned();
    }
    // Of two long names with one beginning each keeps its own series. Of the masked name: a hash of a
    // password is a password to be guessed.
    let mark = format!("#{:08x}", fnv(masked.as_bytes()));
    format!("{}{mark}", shorten(&clean, NAME - mark.len()))
}

/// FNV-1a: the same in every build, unlike the standard library's hashes.
fn fnv(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::text::is_deceptive;

    #[test]
    fn names_become_labels_that_harm_nobody() {
        assert_eq!(label("files"), "files");
        assert_eq!(
            label("https://u:hunter2@h/mcp?token=hunter2"),
            mask_url("https://u:hunter2@h/mcp?token=hunter2")
        );
        let long = format!("https://u:{}@h/mcp", "hunter2".repeat(200));
        assert_eq!(label(&long), "https://u:***@h/mcp");
        assert!(!label("x https://u:hunter2@h/mcp").contains("hunter2"));
        assert_eq!(label("a\nb\x1b[2J\u{202e}\"\\"), "a\\nb\\u{1b}[2J\\u{202e}\"\\");
        let (a, b) = ("ü".repeat(10_000) + "a", "ü".repeat(10_000) + "b");
        assert_eq!(label(&a).chars().count(), NAME);
        assert_ne!(label(&a), label(&b));
        assert!(!label(&"\n".repeat(1 << 20)).chars().any(is_deceptive));
    }
}
