//! No way of writing a text lowers what is said of it.

use super::tests::{judged, tool};
use super::twins;
use super::*;

/// Ways to write a text so that a search for words misses it.
fn disguised(text: &str) -> Vec<(&'static str, String)> {
    let each = |f: &dyn Fn(char) -> String| text.chars().map(f).collect::<String>();
    let full = |c: char| match c {
        '!'..='~' => char::from_u32(c as u32 + 0xfee0).unwrap(),
        c => c,
    };
    let cyrillic = |c: char| match c {
        'a' => 'а',
        'c' => 'с',
        'e' => 'е',
        'o' => 'о',
        'p' => 'р',
        'x' => 'х',
        c => c,
    };
    let hex: String = text.bytes().map(|b| format!("{b:02x}")).collect();
    let percent: String = text.bytes().map(|b| format!("%{b:02x}")).collect();
    vec![
        ("full width", each(&|c| full(c).to_string())),
        ("no width", each(&|c| format!("{c}\u{200b}"))),
        ("soft hyphens", each(&|c| if c.is_alphabetic() { format!("{c}\u{ad}") } else { c.to_string() })),
        ("look-alikes", each(&|c| cyrillic(c).to_string())),
        ("line breaks", text.replace(' ', "\n")),
        ("comment", format!("<!-- {text} -->")),
        ("capitals", text.to_uppercase()),
        ("hex", format!("x. {hex}")),
        ("percent", format!("x. {percent}")),
    ]
}

#[test]
fn no_disguise_lowers_what_poisoning_is() {
    let poisoning =
        |found: &[Finding]| found.iter().filter(|f| f.rule.starts_with("HK-POI")).map(|f| f.severity).max();
    let mut tried = 0;
    for (rule, server) in twins::vulnerable().into_iter().filter(|(rule, _)| rule.starts_with("HK-POI")) {
        let plain = poisoning(&server.judged());
        let Some(description) = server.inventory.tools.first().and_then(|t| t.string("description")) else {
            continue;
        };
        for (how, text) in disguised(&description) {
            let found = judged(&[tool("add", &text)]);
            assert!(poisoning(&found) >= plain, "{rule} {how}: {plain:?}: {text}: {found:#?}");
            tried += 1;
        }
    }
    assert!(tried >= 90, "{tried}");
}
