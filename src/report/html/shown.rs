//! The one door through which text from servers, files and rules gets into a page.
//!
//! Markup characters become references, deceptive characters become visible escapes that are set apart from what
//! merely looks like one, and nothing is longer than it may be.

use std::fmt::{self, Display, Formatter, Write};

use crate::base::text::is_deceptive;

/// Text on its way into a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    text: &'a str,
    most: usize,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Between tags, where an escape can be marked up as one.
    Element,
    /// Between double quotes.
    Attribute,
}

/// At most `most` characters of `text`, between tags.
pub(super) fn text(text: &str, most: usize) -> Shown<'_> {
    Shown { text, most, place: Place::Element }
}

/// At most `most` characters of `text`, as an attribute's value.
pub(super) fn attribute(text: &str, most: usize) -> Shown<'_> {
    Shown { text, most, place: Place::Attribute }
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, c) in self.text.chars().enumerate() {
            if at == self.most {
                return f.write_char('…');
            }
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c if is_deceptive(c) && self.place == Place::Element => {
                    f.write_str("<span class=\"esc\">")?;
                    escape(f, c)?;
                    f.write_str("</span>")?;
                }
                c if is_deceptive(c) => escape(f, c)?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

fn escape(f: &mut Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        c => write!(f, "\\u{{{:x}}}", c as u32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text_and_what_deceives_is_seen() {
        let hostile = "<script>\"'&\u{202e}\n";
        assert_eq!(
            text(hostile, 99).to_string(),
            "&lt;script&gt;&quot;&#39;&amp;<span class=\"esc\">\\u{202e}</span><span class=\"esc\">\\n</span>"
        );
        assert_eq!(attribute(hostile, 99).to_string(), "&lt;script&gt;&quot;&#39;&amp;\\u{202e}\\n");
    }

    #[test]
    fn a_megabyte_is_as_long_as_its_place_allows() {
        let long = "<".repeat(1 << 20);
        assert_eq!(text(&long, 3).to_string(), "&lt;&lt;&lt;…");
        assert_eq!(text("äöü", 3).to_string(), "äöü");
    }
}
