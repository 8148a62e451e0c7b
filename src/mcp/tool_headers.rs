//! `x-mcp-header` (revision 2026-07-28): a tool's parameters that HTTP callers repeat as `Mcp-Param-*` headers.
//! hawkeye calls no tool, but a tool that breaks the rule is one that conforming HTTP clients hide.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::outgoing::header_value;

/// The annotation of a property.
pub const ANNOTATION: &str = "x-mcp-header";
/// Schemas are looked at as trees; a larger text is not judged.
const LARGEST: usize = 256 << 10;

/// A parameter that is repeated in a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrored {
    /// Keys from the arguments down to it.
    pub path: Vec<String>,
    /// `H` of `Mcp-Param-H`.
    pub header: String,
}

/// How a tool breaks the rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Broken {
    /// The annotation is not a non-empty token of RFC 9110.
    NotAToken,
    /// The property is no string, integer or boolean.
    NotPrimitive,
    /// Two annotations differ in nothing but case.
    Repeated,
    /// It stands where no argument has a fixed place: in an array's items, an alternative, a definition.
    OutOfReach,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Broken::NotAToken => "is not a header name",
            Broken::NotPrimitive => "is not on a string, an integer or a boolean",
            Broken::Repeated => "names a header twice",
            Broken::OutOfReach => "is not reached through properties alone",
        })
    }
}

/// What `tool` (its text as it stands in `tools/list`) has against it: its name and the rule it breaks.
pub fn offence(tool: &str) -> Option<(String, Broken)> {
    if !tool.contains(ANNOTATION) || tool.len() > LARGEST {
        return None;
    }
    let tool: Value = serde_json::from_str(tool).ok()?;
    let broken = mirrored(tool.get("inputSchema")?).err()?;
    Some((tool.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(), broken))
}

/// The parameters of `input_schema` that are repeated in headers.
pub fn mirrored(input_schema: &Value) -> Result<Vec<Mirrored>, Broken> {
    let mut walk = Walk::default();
    walk.schema(input_schema, Some(&mut Vec::new()))?;
    Ok(walk.found)
}

/// `H` and the value of every `Mcp-Param-H` header of a call. Absent and null arguments have none.
pub fn params(mirrored: &[Mirrored], arguments: &Value) -> Vec<(String, String)> {
    let value_of = |m: &Mirrored| {
        let value = m.path.iter().try_fold(arguments, |value, key| value.get(key))?;
        let text = match value {
            Value::String(s) => header_value(s),
            Value::Bool(b) => b.to_string(),
            Value::Number(n) => n.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some((m.header.clone(), text))
    };
    mirrored.iter().filter_map(value_of).collect()
}

#[derive(Default)]
struct Walk {
    found: Vec<Mirrored>,
    /// Header names, in lower case.
    seen: HashSet<String>,
}

impl Walk {
    /// `path` is where the schema's value stands in the arguments, if that is one fixed place.
    fn schema(&mut self, schema: &Value, path: Option<&mut Vec<String>>) -> Result<(), Broken> {
        match schema {
            Value::Object(schema) => self.keywords(schema, path),
            Value::Array(several) => several.iter().try_for_each(|one| self.schema(one, None)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn keywords(
        &mut self,
        schema: &Map<String, Value>,
        mut path: Option<&mut Vec<String>>,
    ) -> Result<(), Broken> {
        if let Some(header) = schema.get(ANNOTATION) {
            self.annotated(schema, header, path.as_deref())?;
        }
        for (keyword, value) in schema {
            match (keyword.as_str(), value) {
                // Data, in which the annotation's name means nothing.
                ("default" | "const" | "enum" | "examples" | ANNOTATION, _) => {}
                ("properties", Value::Object(properties)) => {
                    for (name, property) in properties {
                        let Some(path) = path.as_deref_mut() else {
                            self.schema(property, None)?;
                            continue;
                        };
                        path.push(name.clone());
                        self.schema(property, Some(path))?;
                        path.pop();
                    }
                }
                (
                    "$defs" | "definitions" | "patternProperties" | "dependentSchemas",
                    Value::Object(named),
                ) => named.values().try_for_each(|one| self.schema(one, None))?,
                _ => self.schema(value, None)?,
            }
        }
        Ok(())
    }

    fn annotated(
        &mut self,
        schema: &Map<String, Value>,
        header: &Value,
        path: Option<&Vec<String>>,
    ) -> Result<(), Broken> {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let header = header.as_str().filter(|h| !h.is_empty() && h.bytes().all(token));
        let header = header.ok_or(Broken::NotAToken)?;
        let path = path.filter(|p| !p.is_empty()).ok_or(Broken::OutOfReach)?;
        if !matches!(schema.get("type").and_then(Value::as_str), Some("string" | "integer" | "boolean")) {
            return Err(Broken::NotPrimitive);
        }
        if !self.seen.insert(header.to_ascii_lowercase()) {
            return Err(Broken::Repeated);
        }
        self.found.push(Mirrored { path: path.clone(), header: header.to_owned() });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn verdict(properties: Value) -> Result<usize, Broken> {
        mirrored(&json!({"type": "object", "properties": properties})).map(|found| found.len())
    }

    #[test]
    fn the_rule_has_four_ways_to_be_broken() {
        let on = |kind: Value, header: Value| json!({"p": {"type": kind, "x-mcp-header": header}});
        for kind in ["string", "integer", "boolean"] {
            assert_eq!(verdict(on(json!(kind), json!("Region"))), Ok(1), "{kind}");
        }
        for kind in [json!("number"), json!("object"), json!("array"), json!("null"), json!(null)] {
            assert_eq!(verdict(on(kind.clone(), json!("Region"))), Err(Broken::NotPrimitive), "{kind}");
        }
        for header in [json!(""), json!("a b"), json!("a:b"), json!("Région"), json!("a\t1"), json!(7)] {
            assert_eq!(verdict(on(json!("string"), header.clone())), Err(Broken::NotAToken), "{header}");
        }
        let field = |header: &str| json!({"type": "string", "x-mcp-header": header});
        assert_eq!(verdict(json!({"a": field("MyField"), "b": field("myfield")})), Err(Broken::Repeated));
        assert_eq!(verdict(json!({"a": field("A"), "b": field("B")})), Ok(2));
        for around in [
            json!({"a": {"type": "array", "items": field("A")}}),
            json!({"a": {"anyOf": [field("A")]}}),
            json!({"a": {"$defs": {"x": field("A")}}}),
        ] {
            assert_eq!(verdict(around.clone()), Err(Broken::OutOfReach), "{around}");
        }
        assert_eq!(mirrored(&field("A")), Err(Broken::OutOfReach));
    }

    #[test]
    fn a_property_or_an_example_of_that_name_is_no_annotation() {
        assert_eq!(verdict(json!({"x-mcp-header": {"type": "number"}})), Ok(0));
        assert_eq!(verdict(json!({"a": {"default": {"x-mcp-header": ""}}})), Ok(0));
    }

    #[test]
    fn a_call_repeats_what_has_a_value() {
        let field = |kind: &str, header: &str| json!({"type": kind, "x-mcp-header": header});
        let schema = json!({"properties": {
            "s": field("string", "S"), "e": field("string", "E"), "u": field("string", "U"),
            "i": field("integer", "I"), "b": field("boolean", "B"),
            "n": field("string", "N"), "gone": field("string", "Gone"),
            "in": {"type": "object", "properties": {"d": field("string", "Deep")}},
        }});
        let arguments = json!(
            {"s": "us", "e": "", "u": "ü", "i": 42, "b": false, "n": null, "in": {"d": "x"}, "other": 1}
        );
        let mut got = params(&mirrored(&schema).unwrap(), &arguments);
        got.sort();
        let want =
            [("B", "false"), ("Deep", "x"), ("E", ""), ("I", "42"), ("S", "us"), ("U", "=?base64?w7w=?=")];
        assert_eq!(got, want.map(|(h, v)| (h.to_owned(), v.to_owned())));
    }

    #[test]
    fn an_offence_names_the_tool() {
        let tool = r#"{"name":"t","inputSchema":{"properties":{"a":{"type":"number","x-mcp-header":"A"}}}}"#;
        assert_eq!(offence(tool), Some(("t".to_owned(), Broken::NotPrimitive)));
        assert_eq!(offence(&tool.replace("number", "string")), None);
        assert_eq!(offence(r#"{"name":"x-mcp-header"}"#), None);
    }
}
