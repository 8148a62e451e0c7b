//! Text in XML 1.0: what means something there is escaped, what may not be there at all is spelled out.

use crate::base::text::quote;

/// At most `max` characters of `text`, on one line, for an attribute or an element.
pub(super) fn xml(text: &str, max: usize) -> String {
    let shown = quote(text, max);
    let mut out = String::with_capacity(shown.len() + 16);
    for c in shown.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // The only ones left that XML 1.0 has no place for.
            '\u{fffe}' | '\u{ffff}' => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_xml_forbids_is_left() {
        assert_eq!(xml("<a b=\"c\">&'", 80), "&lt;a b=&quot;c&quot;&gt;&amp;&apos;");
        assert_eq!(
            xml("\0\u{b}\u{85}\u{fffe}\u{ffff}]]>", 80),
            "\\u{0}\\u{b}\\u{85}\\u{fffe}\\u{ffff}]]&gt;"
        );
        let all: String = (0..=0x10_ffff).filter_map(char::from_u32).collect();
        let legal = |c: char| matches!(c, ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        assert!(xml(&all, usize::MAX).chars().all(legal));
    }
}
