//! What the keywords of one schema say about each other: ranges that are empty, defaults and choices that the
//! schema itself refuses, patterns that do not compile or take too long.

use std::collections::HashSet;

use super::patterns::{self, Flaw};
use super::schema::{Problem, ProblemKind};
use super::tree::{Tree, Value};
use crate::base::text::quote;

/// Appends what makes no sense in the schema at `at`, its subschemas left aside. `steps` is what may still be
/// spent on comparing values.
pub(super) fn of(tree: &Tree<'_>, at: usize, steps: &mut usize, problems: &mut Vec<Problem>) {
    let mut say = |at: usize, kind: ProblemKind, what: String| problems.push(Problem { at, kind, what });
    let mut schema = Keywords::default();
    let mut ranged = false;
    for member in tree.children(at) {
        match tree.key(member) {
            "type" => schema.types = Some(member),
            "enum" => schema.choices = Some(member),
            "default" => schema.default = Some(member),
            "const" => schema.fixed = Some(member),
            "pattern" => {
                if let Some(problem) = tree.text(member).and_then(|p| pattern(p, member)) {
                    problems_of(problem, &mut say);
                }
            }
            "patternProperties" => {
                for property in tree.children(member) {
                    if let Some(problem) = pattern(tree.key(property), property) {
                        problems_of(problem, &mut say);
                    }
                }
            }
            keyword => ranged |= keyword.starts_with('m') || keyword.starts_with("excl"),
        }
    }
    if ranged {
        ranges(tree, at, &mut say);
    }
    let Some(choices) = schema.choices.filter(|c| *tree.value(*c) == Value::Array) else {
        default(tree, &schema, None, steps, &mut say);
        return;
    };
    let mut seen = HashSet::new();
    for choice in tree.children(choices) {
        let repeated = match tree.value(choice) {
            Value::Text(text) => !seen.insert(('t', text.as_ref())),
            Value::Number(number) => !seen.insert(('n', number)),
            Value::Object | Value::Array | Value::Bool(_) | Value::Null => false,
        };
        if repeated {
            say(choice, ProblemKind::Senseless, format!("enum has {} twice", shown(tree, choice)));
            break;
        }
    }
    // Null among the choices is the usual way to say that there may be none.
    let misfit = |c: &usize| *tree.value(*c) != Value::Null && !fits(tree, *c, schema.types);
    if let Some(choice) = tree.children(choices).find(misfit) {
        let what = format!("enum has {}, which its type does not allow", shown(tree, choice));
        say(choice, ProblemKind::Senseless, what);
    }
    default(tree, &schema, Some(choices), steps, &mut say);
}

#[derive(Default)]
struct Keywords {
    types: Option<usize>,
    choices: Option<usize>,
    default: Option<usize>,
    fixed: Option<usize>,
}

type Say<'s> = dyn FnMut(usize, ProblemKind, String) + 's;

fn problems_of(problem: Problem, say: &mut Say<'_>) {
    say(problem.at, problem.kind, problem.what);
}

fn pattern(text: &str, at: usize) -> Option<Problem> {
    let shown = || quote(text, 60);
    let (kind, what) = match patterns::flaw(text)? {
        Flaw::Broken(why) => {
            (ProblemKind::Senseless, format!("pattern \"{}\" does not compile: {why}", shown()))
        }
        Flaw::Slow(why) => {
            (ProblemKind::Slow, format!("pattern \"{}\" can take exponential time: {why}", shown()))
        }
        Flaw::Long => {
            let what = format!("pattern is longer than {} characters: it was not judged", patterns::LONGEST);
            (ProblemKind::Slow, what)
        }
    };
    Some(Problem { at, kind, what })
}

/// A default that is null says that there is none.
fn default(tree: &Tree<'_>, schema: &Keywords, choices: Option<usize>, steps: &mut usize, say: &mut Say<'_>) {
    let Some(value) = schema.default.filter(|d| *tree.value(*d) != Value::Null) else { return };
    let mut is = |c: usize| *steps == 0 || same(tree, c, value, steps);
    let refused = if !fits(tree, value, schema.types) {
        "its type does not allow"
    } else if choices.is_some_and(|all| !tree.children(all).any(&mut is)) {
        "its enum does not have"
    } else if schema.fixed.is_some_and(|c| !is(c)) {
        "is not its const"
    } else {
        return;
    };
    say(value, ProblemKind::Senseless, format!("default is {}, which {refused}", shown(tree, value)));
}

/// Whether the value at `at` is of one of the types at `types`. Types that are none are told elsewhere.
fn fits(tree: &Tree<'_>, at: usize, types: Option<usize>) -> bool {
    let Some(types) = types else { return true };
    let is = |name: &str| match (name, tree.value(at)) {
        ("object", value) => *value == Value::Object,
        ("array", value) => *value == Value::Array,
        ("string", value) => matches!(value, Value::Text(_)),
        ("boolean", value) => matches!(value, Value::Bool(_)),
        ("null", value) => *value == Value::Null,
        ("number", value) => matches!(value, Value::Number(_)),
        ("integer", Value::Number(n)) => n.parse().is_ok_and(|n: f64| n.fract() == 0.0),
        ("integer", _) => false,
        (_, _) => true,
    };
    match tree.value(types) {
        Value::Text(name) => is(name),
        Value::Array => tree.children(types).any(|name| tree.text(name).is_none_or(is)),
        _ => true,
    }
}

/// Whether two values are the same, as far as `steps` go.
fn same(tree: &Tree<'_>, a: usize, b: usize, steps: &mut usize) -> bool {
    let length = tree.node(a).end - a;
    if length != tree.node(b).end - b {
        return false;
    }
    let number = |n: &str| n.parse::<f64>().ok();
    (0..length).all(|i| {
        *steps = steps.saturating_sub(1);
        let keys = i == 0 || tree.key(a + i) == tree.key(b + i);
        keys && match (tree.value(a + i), tree.value(b + i)) {
            (Value::Number(a), Value::Number(b)) => number(a) == number(b),
            (a, b) => a == b,
        }
    })
}

fn shown(tree: &Tree<'_>, at: usize) -> String {
    match tree.value(at) {
        Value::Text(text) => format!("\"{}\"", quote(text, 40)),
        Value::Number(number) => quote(number, 40),
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".to_owned(),
        Value::Object => "an object".to_owned(),
        Value::Array => "a list".to_owned(),
    }
}

fn ranges(tree: &Tree<'_>, at: usize, say: &mut Say<'_>) {
    for (least, most) in [
        ("minimum", "maximum"),
        ("minLength", "maxLength"),
        ("minItems", "maxItems"),
        ("minProperties", "maxProperties"),
        ("minContains", "maxContains"),
    ] {
        if let (Some((low, _)), Some((high, place))) = (number(tree, at, least), number(tree, at, most))
            && low > high
        {
            let what = format!("{least} {low} is above {most} {high}: no value satisfies both");
            say(place, ProblemKind::Senseless, what);
        }
    }
    let lowest = [("minimum", false), ("exclusiveMinimum", true)];
    let highest = [("maximum", false), ("exclusiveMaximum", true)];
    for (least, above) in lowest {
        for (most, _) in highest.into_iter().filter(|(_, below)| above || *below) {
            if let (Some((low, _)), Some((high, place))) = (number(tree, at, least), number(tree, at, most))
                && low >= high
            {
                let what = format!("{least} {low} and {most} {high} leave nothing between them");
                say(place, ProblemKind::Senseless, what);
            }
        }
    }
}

fn number(tree: &Tree<'_>, at: usize, key: &str) -> Option<(f64, usize)> {
    let member = tree.member(at, key)?;
    match tree.value(member) {
        Value::Number(n) => n.parse().ok().map(|n| (n, member)),
        _ => None,
    }
}
