//! What a run of characters without white space is: words, a path, an address.

use std::ops::Range;

use super::lexicon::{LEXICON, Meaning, SECRET_FILES};
use super::words::Class;

/// Words like `1gn0re` are no longer than this.
const LONGEST_DISGUISED: usize = 24;

/// The first run of letters, digits and underscores in `text[from..to]`.
pub(super) fn word_in(text: &str, from: usize, to: usize) -> Option<Range<usize>> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let start = from + text[from..to].find(part)?;
    let end = text[start..to].find(|c| !part(c)).map_or(to, |length| start + length);
    Some(start..end)
}

/// What `bare` is, by its looks.
pub(super) fn class(bare: &str) -> Class {
    let is_mail = || {
        bare.split_once('@')
            .is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.contains('@'))
    };
    if is_mail() && !bare.contains("://") {
        Class::Mail
    } else if bare.contains("://") || is_phone(bare) {
        Class::Address
    } else if bare.len() > 2 && bare.starts_with(['~', '/', '.', '%'])
        || bare.contains('/') && bare.contains(['.', '~', '_'])
        || bare.contains('\\') && bare.contains(['%', ':'])
        || SECRET_FILES.contains(&bare)
    {
        Class::Path
    } else if is_host(bare) {
        Class::Address
    } else {
        Class::Word
    }
}

fn is_phone(word: &str) -> bool {
    word.len() > 8 && word.starts_with('+') && word[1..].bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// `collect.some-host.net`, with or without a path: a name in the common top-level domains, and no file's.
fn is_host(word: &str) -> bool {
    const ENDS: [&str; 19] = [
        "com", "net", "org", "io", "dev", "xyz", "app", "ru", "cn", "top", "info", "biz", "cloud", "online",
        "site", "co", "tk", "onion", "example",
    ];
    let host = word.split(['/', ':']).next().unwrap_or(word);
    let mut parts = host.rsplit('.');
    let end = parts.next().unwrap_or_default();
    ENDS.contains(&end)
        && parts
            .next()
            .is_some_and(|p| p.len() > 1 && p.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

/// The word that `1gn0re` is read as, if it is a word.
pub(super) fn undisguised(chunk: &str) -> Option<(String, Meaning)> {
    let odd = |c: char| c.is_ascii_digit() || matches!(c, '@' | '$' | '|');
    if chunk.len() > LONGEST_DISGUISED || chunk.len() < 4 || !chunk.contains(odd) {
        return None;
    }
    let bare = chunk.trim_end_matches(['.', ',', ':', '!']);
    if bare.chars().filter(|c| c.is_ascii_alphabetic()).count() < 2 || LEXICON.get(bare).is_some() {
        return None;
    }
    let read = |one: char| -> String {
        let letter = |c| match c {
            '0' => 'o',
            '1' | '|' => one,
            '3' => 'e',
            '4' | '@' => 'a',
            '5' | '$' => 's',
            '7' => 't',
            '8' => 'b',
            c => c,
        };
        bare.chars().map(letter).collect()
    };
    ['i', 'l'].into_iter().map(read).find_map(|word| LEXICON.get(&word).map(|meaning| (word, meaning)))
}
