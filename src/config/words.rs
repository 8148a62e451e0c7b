//! A command line in one string, cut into words as a shell would, without any of a shell's powers.

/// Why a string cannot be cut.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OpenQuote(pub(crate) char);

/// Cuts `line` at white space. `'…'` is literal; in `"…"` a backslash keeps `"` and `\`; outside of quotes it
/// keeps any character. Nothing is expanded.
pub(crate) fn split(line: &str) -> Result<Vec<String>, OpenQuote> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next().ok_or(OpenQuote(c))? {
                        end if end == c => break,
                        '\\' if c == '"' && matches!(rest.peek(), Some('"' | '\\')) => {
                            word.extend(rest.next());
                        }
                        other => word.push(other),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(rest.next().unwrap_or('\\')),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_as_a_shell_would() {
        let cases: [(&str, &[&str]); 9] = [
            ("npx -y server", &["npx", "-y", "server"]),
            ("  a\t b\n", &["a", "b"]),
            ("a 'b c' \"d e\"f", &["a", "b c", "d ef"]),
            ("a '' \"\"", &["a", "", ""]),
            (r#""a\"b\\c\n""#, &[r#"a"b\c\n"#]),
            (r"a\ b c\", &["a b", "c\\"]),
            (r"'a\'", &[r"a\"]),
            ("$HOME `id` $(id) a;b|c>d", &["$HOME", "`id`", "$(id)", "a;b|c>d"]),
            ("", &[]),
        ];
        for (line, words) in cases {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
        assert_eq!(split("a 'b"), Err(OpenQuote('\'')));
        assert_eq!(split("\"b\\\""), Err(OpenQuote('"')));
    }
}
