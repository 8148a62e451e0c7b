//! Whether a schema is one: JSON Schema draft-04, draft-07 and 2020-12, as the drafts' own meta-schemas say,
//! and what these cannot say: references that lead nowhere, names that are required and not there, ranges
//! that are empty.
//!
//! Without `$schema` a schema passes if some draft allows it: senders forget the line more often than they
//! mean 2020-12. Nothing is fetched, no reference is followed, and all work is bounded by the size of the
//! schema.

use std::collections::HashSet;

use super::sense;
use super::tree::{Tree, Value};

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// The node.
    pub(super) at: usize,
    /// How it is wrong.
    pub(super) kind: ProblemKind,
    /// In words.
    pub(super) what: String,
}

/// How a schema can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProblemKind {
    /// No schema by its draft's meta-schema.
    Invalid,
    /// A schema, but one that cannot mean what it says.
    Senseless,
    /// A reference that leads out of the schema.
    Remote,
    /// A pattern that can take far longer than what it is held against.
    Slow,
    /// There is more below this, deeper than was asked for.
    Deep,
}

/// Problems told of one schema.
const MOST: usize = 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Draft {
    Four,
    Seven,
    Twenty,
    /// Not said.
    Any,
}

/// What may stand under a keyword.
#[derive(Clone, Copy)]
enum Shape {
    Schema,
    /// A schema; a list of them up to draft-07.
    Items,
    SchemaMap,
    SchemaList,
    Dependencies,
    StringMap,
    Type,
    Enum,
    List,
    Strings,
    Text,
    Bool,
    Number,
    /// A number; in draft-04 a truth value.
    Exclusive,
    Positive,
    Count,
    Reference,
    Anything,
}

fn shape(keyword: &str) -> Shape {
    match keyword {
        "additionalItems"
        | "additionalProperties"
        | "contains"
        | "contentSchema"
        | "else"
        | "if"
        | "not"
        | "propertyNames"
        | "then"
        | "unevaluatedItems"
        | "unevaluatedProperties" => Shape::Schema,
        "items" => Shape::Items,
        "$defs" | "definitions" | "dependentSchemas" | "patternProperties" | "properties" => Shape::SchemaMap,
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Shape::SchemaList,
        "dependencies" => Shape::Dependencies,
        "dependentRequired" => Shape::StringMap,
        "type" => Shape::Type,
        "enum" => Shape::Enum,
        "examples" => Shape::List,
        "required" => Shape::Strings,
        "$anchor" | "$comment" | "$dynamicAnchor" | "$id" | "$schema" | "contentEncoding"
        | "contentMediaType" | "description" | "format" | "id" | "pattern" | "title" => Shape::Text,
        "$ref" | "$dynamicRef" => Shape::Reference,
        "deprecated" | "readOnly" | "uniqueItems" | "writeOnly" => Shape::Bool,
        "maximum" | "minimum" => Shape::Number,
        "exclusiveMaximum" | "exclusiveMinimum" => Shape::Exclusive,
        "multipleOf" => Shape::Positive,
        "maxContains" | "maxItems" | "maxLength" | "maxProperties" | "minContains" | "minItems"
        | "minLength" | "minProperties" => Shape::Count,
        _ => Shape::Anything,
    }
}

/// Whether a draft knows `keyword`. What it does not know, it allows to be anything.
fn known(keyword: &str, draft: Draft) -> bool {
    match draft {
        Draft::Four => !matches!(
            keyword,
            "$anchor"
                | "$comment"
                | "$defs"
                | "$dynamicAnchor"
                | "$dynamicRef"
                | "$id"
                | "$ref"
                | "contains"
                | "contentEncoding"
                | "contentMediaType"
                | "contentSchema"
                | "dependentRequired"
                | "dependentSchemas"
                | "deprecated"
                | "else"
                | "examples"
                | "if"
                | "maxContains"
                | "minContains"
                | "prefixItems"
                | "propertyNames"
                | "readOnly"
                | "then"
                | "unevaluatedItems"
                | "unevaluatedProperties"
                | "writeOnly"
        ),
        Draft::Seven => !matches!(
            keyword,
            "$anchor"
                | "$defs"
                | "$dynamicAnchor"
                | "$dynamicRef"
                | "contentSchema"
                | "dependentRequired"
                | "dependentSchemas"
                | "deprecated"
                | "id"
                | "maxContains"
                | "minContains"
                | "prefixItems"
                | "unevaluatedItems"
                | "unevaluatedProperties"
        ),
        Draft::Twenty => !matches!(keyword, "additionalItems" | "id"),
        Draft::Any => true,
    }
}

/// Everything wrong with the schema at `root` of `tree`, `depth` levels of it looked at.
pub(super) fn check(tree: &Tree<'_>, root: usize, depth: usize) -> Vec<Problem> {
    let draft = match tree.is_object(root).then(|| tree.text_of(root, "$schema")).flatten() {
        Some(uri) if uri.contains("draft-04") => Draft::Four,
        Some(uri) if uri.contains("draft-06") || uri.contains("draft-07") => Draft::Seven,
        Some(uri) if uri.contains("2020-12") => Draft::Twenty,
        _ => Draft::Any,
    };
    let steps = 200 + 64 * tree.len();
    let mut check = Check { tree, root, draft, depth, steps, open: vec![(root, 1)], problems: Vec::new() };
    while let Some((at, level)) = check.open.pop() {
        if check.problems.len() >= MOST {
            break;
        }
        check.schema(at, level);
    }
    check.problems.truncate(MOST);
    check.problems.sort_by_key(|p| p.at);
    check.problems
}

struct Check<'t, 'a> {
    tree: &'t Tree<'a>,
    root: usize,
    draft: Draft,
    depth: usize,
    /// What may still be spent on following references.
    steps: usize,
    /// Schemas still to be looked at, and how deep they are.
    open: Vec<(usize, usize)>,
    problems: Vec<Problem>,
}

impl Check<'_, '_> {
    fn say(&mut self, at: usize, kind: ProblemKind, what: impl Into<String>) {
        self.problems.push(Problem { at, kind, what: what.into() });
    }

    fn invalid(&mut self, at: usize, what: &str) {
        let keyword = self.tree.key(at);
        let what = if keyword.is_empty() { what.to_owned() } else { format!("{keyword} {what}") };
        self.say(at, ProblemKind::Invalid, what);
    }

    fn schema(&mut self, at: usize, level: usize) {
        match self.tree.value(at) {
            Value::Bool(_) if self.draft != Draft::Four => return,
            Value::Object => {}
            _ => return self.say(at, ProblemKind::Invalid, "is no schema (an object or a truth value)"),
        }
        if level > self.depth {
            // Only what holds further levels is worth a word.
            let nested = self.tree.children(at).any(|c| self.tree.is_object(c) && self.holds_schemas(c));
            if nested && !self.problems.iter().any(|p| p.kind == ProblemKind::Deep) {
                self.say(at, ProblemKind::Deep, format!("nests deeper than {} levels", self.depth));
            }
            return;
        }
        let tree = self.tree;
        for member in tree.children(at) {
            let keyword = tree.key(member);
            if known(keyword, self.draft) {
                self.keyword(member, shape(keyword), level);
            }
        }
        self.sense(at);
    }

    fn holds_schemas(&self, at: usize) -> bool {
        !matches!(shape(self.tree.key(at)), Shape::Anything)
    }

    fn keyword(&mut self, at: usize, shape: Shape, level: usize) {
        let tree = self.tree;
        match (shape, tree.value(at)) {
            // Draft-04 has truth values only here. A property of such a name is something else.
            (Shape::Schema, Value::Bool(_))
                if matches!(tree.key(at), "additionalItems" | "additionalProperties") => {}
            (Shape::Schema, _) => self.open.push((at, level + 1)),
            (Shape::Items, Value::Array) if self.draft != Draft::Twenty => {
                if self.draft != Draft::Any && tree.children(at).next().is_none() {
                    self.invalid(at, "is empty");
                }
                self.open.extend(tree.children(at).map(|c| (c, level + 1)));
            }
            (Shape::Items, _) => self.open.push((at, level + 1)),
            (Shape::SchemaMap, Value::Object) => {
                self.open.extend(tree.children(at).map(|c| (c, level + 1)));
            }
            (Shape::SchemaMap, _) => self.invalid(at, "is no object of schemas"),
            (Shape::SchemaList, Value::Array) if tree.children(at).next().is_some() => {
                self.open.extend(tree.children(at).map(|c| (c, level + 1)));
            }
            (Shape::SchemaList, _) => self.invalid(at, "is no list of schemas, or an empty one"),
            (Shape::Dependencies, Value::Object) => {
                for child in tree.children(at) {
                    if *tree.value(child) == Value::Array {
                        self.strings(child, self.draft == Draft::Four);
                    } else {
                        self.open.push((child, level + 1));
                    }
                }
            }
            (Shape::Dependencies, _) => self.invalid(at, "is no object"),
            (Shape::StringMap, Value::Object) => {
                tree.children(at).for_each(|child| self.strings(child, false));
            }
            (Shape::StringMap, _) => self.invalid(at, "is no object of lists of names"),
            (Shape::Type, value) => self.types(at, value),
            (Shape::Enum, Value::Array) if tree.children(at).next().is_none() => {
                self.say(at, ProblemKind::Senseless, "enum is empty: no value satisfies it");
            }
            (Shape::Enum | Shape::List, Value::Array) => {}
            (Shape::Enum | Shape::List, _) => self.invalid(at, "is no list"),
            (Shape::Strings, Value::Bool(_)) if self.draft == Draft::Any => {
                self.invalid(at, "is a truth value (draft-03; later drafts list names beside properties)");
            }
            (Shape::Strings, _) => self.strings(at, self.draft == Draft::Four),
            (Shape::Reference, Value::Text(to)) => self.reference(at, to),
            (Shape::Text, Value::Text(_)) | (Shape::Bool, Value::Bool(_)) => {}
            (Shape::Text | Shape::Reference, _) => self.invalid(at, "is no string"),
            (Shape::Bool, _) => self.invalid(at, "is no truth value"),
            (Shape::Exclusive, Value::Bool(_)) if matches!(self.draft, Draft::Four | Draft::Any) => {}
            (Shape::Exclusive, _) if self.draft == Draft::Four => self.invalid(at, "is no truth value"),
            (Shape::Number | Shape::Exclusive, Value::Number(_)) => {}
            (Shape::Number | Shape::Exclusive, _) => self.invalid(at, "is no number"),
            (Shape::Positive, Value::Number(n)) if n.parse().is_ok_and(|n: f64| n > 0.0) => {}
            (Shape::Positive, _) => self.invalid(at, "is no number above 0"),
            (Shape::Count, Value::Number(n)) if is_count(n, self.draft) => {}
            (Shape::Count, _) => self.invalid(at, "is no whole number from 0"),
            (Shape::Anything, _) => {}
        }
    }

    fn types(&mut self, at: usize, value: &Value<'_>) {
        const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
        match value {
            Value::Text(name) if TYPES.contains(&name.as_ref()) => {}
            Value::Text(name) => self.invalid(
                at,
                &format!("\"{}\" is none of {}", crate::base::text::quote(name, 40), TYPES.join(", ")),
            ),
            Value::Array => {
                let mut seen = [false; 7];
                let mut bad = self.tree.children(at).next().is_none();
                for child in self.tree.children(at) {
                    let known = self.tree.text(child).and_then(|t| TYPES.iter().position(|n| *n == t));
                    bad |= known.is_none_or(|i| std::mem::replace(&mut seen[i], true));
                }
                if bad {
                    self.invalid(at, "is no list of different type names");
                }
            }
            _ => self.invalid(at, "is neither a type's name nor a list of them"),
        }
    }

    fn strings(&mut self, at: usize, some: bool) {
        let tree = self.tree;
        if *tree.value(at) != Value::Array {
            return self.invalid(at, "is no list of names");
        }
        if some && tree.children(at).next().is_none() {
            return self.invalid(at, "is empty");
        }
        let mut seen = HashSet::new();
        if tree.children(at).any(|c| tree.text(c).is_none_or(|t| !seen.insert(t))) {
            self.invalid(at, "is no list of different names");
        }
    }

    fn reference(&mut self, at: usize, to: &str) {
        // What is not there may be in the part that was not kept.
        if self.tree.cut && to.starts_with('#') {
            return;
        }
        let lost = |to: &str| format!("$ref \"{}\" leads nowhere", crate::base::text::quote(to, 80));
        match to.strip_prefix('#') {
            Some(path) if path.is_empty() || path.starts_with('/') => {
                if self.steps == 0 {
                    return;
                }
                if !self.resolves(path) {
                    self.say(at, ProblemKind::Senseless, lost(to));
                }
            }
            Some(name) => {
                let named = |at: usize| {
                    matches!(self.tree.key(at), "$anchor" | "$dynamicAnchor" | "$id" | "id")
                        && self.tree.text(at).is_some_and(|t| t.trim_start_matches('#') == name)
                };
                self.steps = self.steps.saturating_sub(self.tree.len());
                if self.steps > 0 && !(0..self.tree.len()).any(named) {
                    self.say(at, ProblemKind::Senseless, lost(to));
                }
            }
            None if to.contains("://") => {
                let to = crate::base::text::quote(to, 120);
                self.say(at, ProblemKind::Remote, format!("$ref leads to {to}, which is not fetched"));
            }
            // Relative to some `$id`: inside, as far as can be told without a base.
            None => {}
        }
    }

    fn resolves(&mut self, path: &str) -> bool {
        let mut at = self.root;
        for part in path.split('/').skip(1) {
            let part = String::from_utf8(crate::base::encoding::percent_decode(part)).unwrap_or_default();
            let part = part.replace("~1", "/").replace("~0", "~");
            let index = part.parse::<usize>().ok().filter(|_| *self.tree.value(at) == Value::Array);
            let mut children = self.tree.children(at).enumerate();
            let steps = &mut self.steps;
            let next = children.find(|(i, c)| {
                *steps = steps.saturating_sub(1);
                *steps == 0 || index.map_or(self.tree.key(*c) == part, |index| index == *i)
            });
            if *steps == 0 {
                return true;
            }
            match next {
                Some((_, next)) => at = next,
                None => return false,
            }
        }
        true
    }

    /// What one keyword says about another.
    fn sense(&mut self, at: usize) {
        let tree = self.tree;
        sense::of(tree, at, &mut self.steps, &mut self.problems);
        if self.draft == Draft::Four {
            for (exclusive, bound) in [("exclusiveMaximum", "maximum"), ("exclusiveMinimum", "minimum")] {
                if let (Some(place), None) = (tree.member(at, exclusive), tree.member(at, bound)) {
                    self.invalid(place, &format!("stands without {bound}"));
                }
            }
        }
        let Some(required) = tree.member(at, "required") else { return };
        if tree.cut {
            return;
        }
        // Where names may come from elsewhere, nothing can be said.
        let open = ["$ref", "allOf", "anyOf", "oneOf", "patternProperties", "if"];
        if open.iter().any(|k| tree.member(at, k).is_some()) || *tree.value(required) != Value::Array {
            return;
        }
        let Some(properties) = tree.member(at, "properties").filter(|p| tree.is_object(*p)) else { return };
        let there: HashSet<&str> = tree.children(properties).map(|p| tree.key(p)).collect();
        let missing = tree.children(required).find(|c| tree.text(*c).is_some_and(|t| !there.contains(t)));
        if let Some(missing) = missing {
            let name = crate::base::text::quote(tree.text(missing).unwrap_or_default(), 60);
            let what = format!("required names \"{name}\", which properties do not have");
            self.say(missing, ProblemKind::Senseless, what);
        }
    }
}

/// Later drafts take 1.0 for a whole number.
fn is_count(number: &str, draft: Draft) -> bool {
    let whole = number.parse().is_ok_and(|n: f64| n >= 0.0 && n.fract() == 0.0);
    whole && (draft != Draft::Four || number.bytes().all(|b| b.is_ascii_digit()))
}
