//! Regular expressions by their text alone: whether one is no ECMA-262, and whether it can take time that grows
//! faster than what it is held against. Nothing is run; the pattern is read once, without recursion.
//!
//! A pattern goes wrong where the same text can be divided in many ways: a loop within a loop with nothing
//! between the rounds that tells them apart (`(a+)+`, `(\w+\s?)*`), branches of a loop that match the same
//! (`(a|a)*`, `(\d|\w)+`), or three loops in a row over the same characters. What stands between and cannot be
//! part of the inner loop is such a mark: `(\w+,)*` is harmless.

use super::charset::Set;

/// What is wrong with a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It does not compile, and why.
    Broken(&'static str),
    /// It may take exponential time, or nearly so.
    Slow(&'static str),
    /// It is too long to be looked at.
    Long,
}

/// Characters of a pattern that are looked at. Honest ones have hundreds.
pub(super) const LONGEST: usize = 4_096;
/// Groups within groups.
const DEEPEST: usize = 100;
/// Counted repetitions from here on are as good as unbounded.
const MANY: u32 = 25;

/// What is wrong with `pattern`, the worst first.
pub(super) fn flaw(pattern: &str) -> Option<Flaw> {
    if pattern.len() > LONGEST {
        return Some(Flaw::Long);
    }
    let mut reader =
        Reader { chars: pattern.chars().collect(), at: 0, open: vec![Group::default()], slow: None };
    match reader.run() {
        Err(why) => Some(Flaw::Broken(why)),
        Ok(()) => reader.slow.map(Flaw::Slow),
    }
}

/// A part of a sequence.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Every character that can be in it.
    set: Set,
    /// Whether it may be nothing.
    nullable: bool,
    /// Whether it is exactly one character.
    single: bool,
    /// What an unbounded loop in it, with no mark beside it, runs over.
    inner: Option<Set>,
    /// Whether it is itself an unbounded loop.
    looped: bool,
    /// Whether it can be the same text by two branches.
    branching: bool,
}

impl Part {
    /// One character of `set`.
    fn one(set: Set) -> Part {
        Part { set, nullable: false, single: true, inner: None, looped: false, branching: false }
    }
}

#[derive(Debug, Default)]
struct Group {
    /// The branches that are closed.
    branches: Vec<Vec<Part>>,
    /// The one that is open.
    parts: Vec<Part>,
    /// Looks ahead or behind, and takes nothing.
    looks: bool,
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    open: Vec<Group>,
    slow: Option<&'static str>,
}

type Broken = &'static str;

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn run(&mut self) -> Result<(), Broken> {
        while let Some(c) = self.peek() {
            self.at += 1;
            let set = match c {
                '(' => {
                    self.group()?;
                    continue;
                }
                ')' => {
                    if self.open.len() < 2 {
                        return Err("a bracket is closed that was never opened");
                    }
                    let part = self.close();
                    self.repeat(part)?;
                    continue;
                }
                '|' => {
                    if let Some(group) = self.open.last_mut() {
                        let branch = std::mem::take(&mut group.parts);
                        group.branches.push(branch);
                    }
                    continue;
                }
                '^' | '$' => continue,
                '*' | '+' | '?' => return Err("a quantifier has nothing to repeat"),
                '{' if self.counted().is_some() => return Err("a quantifier has nothing to repeat"),
                '[' => self.class()?,
                '\\' => match self.escape()? {
                    Some(set) => set,
                    None => continue,
                },
                '.' => Set::of('\n').and(Set::of('\r')).not(),
                c => Set::of(c),
            };
            self.repeat(Part::one(set))?;
        }
        if self.open.len() > 1 {
            return Err("a bracket is never closed");
        }
        self.close();
        Ok(())
    }

    fn group(&mut self) -> Result<(), Broken> {
        if self.open.len() >= DEEPEST {
            return Err("its groups nest too deep");
        }
        let mut looks = false;
        if self.eat('?') {
            let kind = self.peek();
            self.at += 1;
            match kind {
                Some(':') => {}
                Some('=' | '!') => looks = true,
                Some('<') if matches!(self.peek(), Some('=' | '!')) => {
                    self.at += 1;
                    looks = true;
                }
                Some('<') => {
                    let rest = &self.chars[self.at..];
                    let length =
                        rest.iter().position(|c| *c == '>').ok_or("a group's name is never closed")?;
                    let word = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '$');
                    if length == 0 || !rest[..length].iter().all(word) {
                        return Err("a group's name is no name");
                    }
                    self.at += length + 1;
                }
                Some('P') => return Err("(?P is Python's way to name a group; ECMA-262 has (?<name>"),
                Some('>') => return Err("ECMA-262 has no atomic groups"),
                Some('#') => return Err("ECMA-262 has no comments"),
                Some(_) => self.modifiers()?,
                None => return Err("a bracket is never closed"),
            }
        }
        self.open.push(Group { looks, ..Group::default() });
        Ok(())
    }

    /// `(?i:` is new; `(?i)` never was.
    fn modifiers(&mut self) -> Result<(), Broken> {
        self.at -= 1;
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                'i' | 'm' | 's' | '-' => {}
                ':' => return Ok(()),
                ')' => return Err("ECMA-262 has no switches such as (?i)"),
                _ => break,
            }
        }
        Err("after (? stands what ECMA-262 does not know")
    }

    /// Ends the innermost group; what it is for the sequence around it.
    fn close(&mut self) -> Part {
        let mut group = self.open.pop().unwrap_or_default();
        group.branches.push(std::mem::take(&mut group.parts));
        let mut whole = Part::one(Set::default());
        for branch in &group.branches {
            if adjacent(branch) {
                self.slow = self.slow.or(Some("three loops in a row run over the same characters"));
            }
            let set = branch.iter().fold(Set::default(), |set, part| set.and(part.set));
            whole.set = whole.set.and(set);
            whole.nullable |= branch.iter().all(|part| part.nullable);
            whole.single &= branch.len() == 1 && branch[0].single;
            whole.branching |= branch.len() == 1 && branch[0].branching;
            let inner = branch.iter().enumerate().filter_map(|(i, part)| Some((i, part.inner?)));
            let unmarked = |(i, inner): &(usize, Set)| {
                branch.iter().enumerate().all(|(j, part)| j == *i || part.nullable || part.set.meets(*inner))
            };
            whole.inner = whole.inner.or(inner.filter(unmarked).map(|(_, set)| set).next());
        }
        // A loop around this has two ways for every round.
        whole.branching |= group.branches.len() > 1 && alike(&group.branches);
        if group.looks {
            return Part { nullable: true, single: false, ..Part::one(Set::default()) };
        }
        if self.open.is_empty() {
            self.open.push(Group::default());
        }
        whole
    }

    /// Takes `part` with what repeats it.
    fn repeat(&mut self, mut part: Part) -> Result<(), Broken> {
        let quantifier = match self.peek() {
            Some('*') => Some((1, 0, u32::MAX)),
            Some('+') => Some((1, 1, u32::MAX)),
            Some('?') => Some((1, 0, 1)),
            Some('{') => self.counted(),
            _ => None,
        };
        let (length, least, most) = quantifier.unwrap_or((0, 1, 1));
        if least > most {
            return Err("a quantifier's bounds are the wrong way round");
        }
        self.at += length;
        if quantifier.is_some() {
            // Lazy: it changes the order of trying, not the number of ways.
            self.eat('?');
            let again = matches!(self.peek(), Some('*' | '+' | '?'));
            if again || self.peek() == Some('{') && self.counted().is_some() {
                return Err("a quantifier is quantified (ECMA-262 has no possessive ones)");
            }
        }
        part.nullable |= least == 0;
        part.single &= (least, most) == (1, 1);
        if most >= MANY && most > least {
            if part.inner.is_some() {
                self.slow = Some("a loop stands within a loop, and nothing tells their rounds apart");
            } else if part.branching {
                self.slow = Some("a loop has branches that match the same");
            }
            part.inner = Some(part.set);
            part.looped = true;
        }
        if let Some(group) = self.open.last_mut() {
            group.parts.push(part);
        }
        Ok(())
    }

    /// `{2,5}` from here on: its length and bounds.
    fn counted(&self) -> Option<(usize, u32, u32)> {
        let from = if self.peek() == Some('{') { self.at + 1 } else { self.at };
        let rest = self.chars.get(from..)?;
        let end = rest.iter().take(24).position(|c| *c == '}')?;
        let text: String = rest[..end].iter().collect();
        let number = |t: &str| {
            let digits = !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| t.parse().unwrap_or(u32::MAX - 1))
        };
        let (least, most) = match text.split_once(',') {
            None => (number(&text)?, number(&text)?),
            Some((least, "")) => (number(least)?, u32::MAX),
            Some((least, most)) => (number(least)?, number(most)?),
        };
        Some((from + end + 1 - self.at, least, most))
    }

    /// What follows a backslash; nothing where it takes no character.
    fn escape(&mut self) -> Result<Option<Set>, Broken> {
        let c = self.peek().ok_or("it ends in a backslash")?;
        self.at += 1;
        Ok(Some(match c {
            'b' | 'B' => return Ok(None),
            'p' | 'P' if self.peek() == Some('{') => self.property(),
            // What a back reference repeats is not followed up.
            '1'..='9' => return Ok(None),
            'k' if self.peek() == Some('<') => return Ok(None),
            c => Set::class(c).unwrap_or_else(|| self.literal(c)),
        }))
    }

    fn property(&mut self) -> Set {
        while let Some(c) = self.peek() {
            self.at += 1;
            if c == '}' {
                break;
            }
        }
        Set::ALL
    }

    fn literal(&mut self, c: char) -> Set {
        let digits = match c {
            'x' => 2,
            'u' => 4,
            _ => {
                let controls =
                    [('n', '\n'), ('r', '\r'), ('t', '\t'), ('f', '\u{c}'), ('v', '\u{b}'), ('0', '\0')];
                return Set::of(controls.iter().find(|(l, _)| *l == c).map_or(c, |(_, control)| *control));
            }
        };
        let hex: String = self.chars.iter().skip(self.at).take(digits).collect();
        match u32::from_str_radix(&hex, 16).ok().filter(|_| hex.len() == digits) {
            Some(point) => {
                self.at += digits;
                char::from_u32(point).map_or(Set { ascii: 0, beyond: true }, Set::of)
            }
            None => Set::of(c),
        }
    }

    /// `[…]`, its opening bracket read.
    fn class(&mut self) -> Result<Set, Broken> {
        let inverted = self.eat('^');
        let mut set = Set::default();
        let mut from: Option<char> = None;
        let mut dash = false;
        loop {
            let c = self.peek().ok_or("a class of characters is never closed")?;
            self.at += 1;
            let one = match c {
                ']' => break,
                '-' if from.is_some() && !dash && self.peek() != Some(']') => {
                    dash = true;
                    continue;
                }
                '\\' => {
                    let letter = self.peek().ok_or("it ends in a backslash")?;
                    if letter == 'b' {
                        self.at += 1;
                        Some('\u{8}')
                    } else if letter.is_ascii_digit() {
                        self.at += 1;
                        None
                    } else {
                        let escaped = self.escape()?.unwrap_or_default();
                        set = set.and(escaped);
                        // One character may begin or end a range.
                        (escaped.ascii.count_ones() == 1 && !escaped.beyond)
                            .then(|| char::from(escaped.ascii.trailing_zeros() as u8))
                    }
                }
                c => Some(c),
            };
            if let Some(c) = one {
                set = set.and(Set::of(c));
            }
            if dash {
                if let (Some(from), Some(to)) = (from, one) {
                    if from > to {
                        return Err("a range of characters is the wrong way round");
                    }
                    set = set.and(Set::span(from, to));
                }
                dash = false;
                from = None;
            } else {
                from = one;
            }
        }
        Ok(if inverted { set.not() } else { set })
    }
}

/// Three loops that follow each other over the same characters, with nothing between that must be there.
fn adjacent(branch: &[Part]) -> bool {
    let mut run: Option<(Set, usize)> = None;
    for part in branch {
        run = match (part.looped, run) {
            (true, Some((set, count))) if set.meets(part.set) => Some((part.set, count + 1)),
            (true, _) => Some((part.set, 1)),
            (false, run) if part.nullable => run,
            (false, _) => None,
        };
        if run.is_some_and(|(_, count)| count >= 3) {
            return true;
        }
    }
    false
}

/// Whether two branches can match the same text, round for round.
fn alike(branches: &[Vec<Part>]) -> bool {
    /// More are hardly ever written by hand, and pairs are many.
    const MOST: usize = 24;
    let branches = &branches[..branches.len().min(MOST)];
    let same = |a: &[Part], b: &[Part]| match (a, b) {
        // One character against several: each of them is a round of its own.
        ([one], several) | (several, [one]) if one.single && !several.is_empty() => {
            several.iter().all(|part| part.nullable || part.set.meets(one.set))
                && several.iter().any(|part| !part.nullable)
        }
        (a, b) => {
            a.len() == b.len()
                && !a.is_empty()
                && a.iter().zip(b).all(|(a, b)| a.single && b.single && a.set.meets(b.set))
        }
    };
    branches.iter().enumerate().any(|(i, a)| branches[i + 1..].iter().any(|b| same(a, b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_go_wrong_are_told_from_those_that_look_like_them() {
        for slow in [
            "^(a+)+$",
            "(a*)*",
            r"^(\w+\s?)*$",
            "([a-z]+)*@",
            r"(\d|\w)+$",
            "(a|a)*b",
            "(.*)*",
            "((ab)+)+",
            r#"^"([^"]|\\.)*"$"#,
            "(x+x+)+y",
            r"^([a-zA-Z0-9]+\.?)+$",
            "(?:a{1,100}){1,100}",
            "a*a*a*b",
            r"^(([a-z])+.)+[A-Z]([a-z])+$",
            "(ab|ab)*c",
            r"(\s*\w*\s*)*x",
            "(a{0,}){0,}",
        ] {
            assert!(matches!(flaw(slow), Some(Flaw::Slow(_))), "{slow}: {:?}", flaw(slow));
        }
        for fine in [
            "",
            "^[a-z]+$",
            r"^\d{4}-\d{2}-\d{2}$",
            r"^(\w+,)*\w+$",
            r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
            "(ab|cd)*",
            r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$",
            "^(https?|ftp)://.*$",
            r#"^"([^"\\]|\\.)*"$"#,
            "^.*a.*b.*$",
            "a{2,3}",
            "{",
            "a{x}",
            "x]",
            r"[\w.-]+",
            r"\/",
            "(?<year>[0-9]+)-",
            r"^(?!.*\.\.)[a-z.]+$",
            "[]a]",
            "[^]",
            r"(?:\n|.)*",
            r"\u0041+?",
            "(a+){3}",
            r"^(/[^/]+)+$",
            r"\p{L}+",
            r"^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$",
            "a??",
            "a{2,}?",
            "(?i:a)",
        ] {
            assert_eq!(flaw(fine), None, "{fine}");
        }
        for broken in [
            "(", "a)", "*a", "a**", "a++", "[a", "[z-a]", "a{3,2}", "\\", "(?P<n>a)", "(?i)a", "(?>a)",
            "(?<>a)",
        ] {
            assert!(matches!(flaw(broken), Some(Flaw::Broken(_))), "{broken}: {:?}", flaw(broken));
        }
        assert_eq!(flaw(&"a".repeat(LONGEST + 1)), Some(Flaw::Long));
        assert!(matches!(flaw(&"(".repeat(4_000)), Some(Flaw::Broken(_))));
    }
}
