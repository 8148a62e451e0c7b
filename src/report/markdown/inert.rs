//! Text of servers in Markdown: it stands in code, where nothing of it is a link, a mention, a reference or HTML.

use crate::base::text::quote;

/// At most `max` characters of `text` as a code span on one line that fits into a table's cell. What could end
/// the span or the cell is spelled out, and so is what chats take for a mention even in code (`<!here>`).
pub(super) fn code(text: &str, max: usize) -> String {
    let shown = quote(text, max);
    if shown.is_empty() {
        return "(empty)".to_owned();
    }
    let mut out = String::with_capacity(shown.len() + 2);
    out.push('`');
    let mut rest = shown.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('`', _) => out.push_str("\\u{60}"),
            ('|', _) => out.push_str("\\u{7c}"),
            ('<', Some('!' | '@' | '#')) => out.push_str("\\u{3c}"),
            (c, _) => out.push(c),
        }
    }
    out.push('`');
    out
}

/// Text of ours, or of whoever configures us: at most `max` characters of it, and nothing in it is markup.
pub(super) fn plain(text: &str, max: usize) -> String {
    let shown = quote(text, max);
    let mut out = String::with_capacity(shown.len() + 8);
    for c in shown.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '#' | '@' | '!' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_ended_by_nobody_but_us() {
        for (text, span) in [
            ("", "(empty)"),
            ("plain", "`plain`"),
            ("a`b``c", "`a\\u{60}b\\u{60}\\u{60}c`"),
            ("| x | y", "`\\u{7c} x \\u{7c} y`"),
            ("@all #1 https://evil.example <img src=x>", "`@all #1 https://evil.example <img src=x>`"),
            ("<!here> <@U1> <#C1>", "`\\u{3c}!here> \\u{3c}@U1> \\u{3c}#C1>`"),
            ("a\n\n# b\u{202e}", "`a\\n\\n# b\\u{202e}`"),
            ("back\\", "`back\\`"),
        ] {
            assert_eq!(code(text, 80), span);
        }
        assert_eq!(plain("a_b*[c](d) <e>", 80), "a\\_b\\*\\[c\\](d) \\<e\\>");
    }
}
