//! Names with gaps: `HK-SCH-*` is a family of rules, `test-?` a few servers. Case does not matter.

use std::fmt;

/// A pattern in which `*` stands for anything and `?` for one character.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Glob(String);

impl Glob {
    /// The pattern `text`.
    pub(crate) fn new(text: &str) -> Glob {
        Glob(text.to_owned())
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// Whether `name` is one of those that are meant. Takes at most the product of both lengths.
    pub(crate) fn matches(&self, name: &str) -> bool {
        let (mut pattern, mut rest) = (self.0.chars(), name.chars());
        // Where to go on when what came after the last `*` does not fit: it then stands for one more.
        let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
        loop {
            let before = rest.clone();
            match (pattern.next(), rest.next()) {
                (None, None) => return true,
                (Some('*'), _) => {
                    rest = before;
                    retry = Some((pattern.clone(), rest.clone()));
                    continue;
                }
                (Some('?'), Some(_)) => continue,
                (Some(a), Some(b)) if same(a, b) => continue,
                (Some(_), None) => return false,
                (Some(_) | None, Some(_)) => {}
            }
            let Some((after_star, tail)) = &mut retry else { return false };
            if tail.next().is_none() {
                return false;
            }
            (pattern, rest) = (after_star.clone(), tail.clone());
        }
    }
}

fn same(a: char, b: char) -> bool {
    a == b || a.to_lowercase().eq(b.to_lowercase())
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_what_they_should() {
        for (pattern, name, expected) in [
            ("HK-SCH-*", "HK-SCH-001", true),
            ("hk-sch-*", "HK-SCH-001", true),
            ("HK-SCH-*", "HK-SEC-001", false),
            ("HK-SCH-001", "HK-SCH-0011", false),
            ("HK-SCH-0011", "HK-SCH-001", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*-prod-*", "eu-prod-1", true),
            ("*-prod", "eu-prod-1", false),
            ("*b*b", "abbab", true),
            ("*ab", "aab", true),
            ("a**b", "ab", true),
            ("a*b*c", "a-b-b", false),
            ("npx -y @acme/*", "npx -y @acme/files@1.2 --root /srv", true),
            ("https://a/*", "https://a.evil/", false),
            ("ü*", "Über", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }
}
