//! Schemas held against another validator, and inventories that nobody would think of.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::tests::{assess_at, object};
use super::*;
use crate::model::outcome::Posture;

/// Any JSON, made of the keywords and values that schemas are made of.
fn schema_like() -> impl Strategy<Value = Value> {
    const KEYS: [&str; 30] = [
        "type",
        "properties",
        "required",
        "enum",
        "items",
        "prefixItems",
        "allOf",
        "anyOf",
        "not",
        "$ref",
        "$defs",
        "definitions",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "minLength",
        "maxItems",
        "multipleOf",
        "uniqueItems",
        "description",
        "pattern",
        "additionalProperties",
        "dependentRequired",
        "dependencies",
        "patternProperties",
        "if",
        "const",
        "readOnly",
        "x-other",
        "examples",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..5).prop_map(Value::from),
        prop::sample::select(vec![0.5, 1.0, -2.0]).prop_map(Value::from),
        prop::sample::select(vec!["string", "object", "a", "#/$defs/a", "", "null"]).prop_map(Value::from),
        prop::sample::subsequence(vec!["string", "object", "a"], 0..3).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        let key = prop_oneof![6 => prop::sample::select(KEYS.to_vec()), 1 => Just("a")];
        prop_oneof![
            3 => prop::collection::vec((key, inner.clone()), 0..5)
                .prop_map(|members| members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Value>()),
            1 => prop::collection::vec(inner, 0..3).prop_map(Value::from),
        ]
    })
}

/// Whether we think that `schema` is one.
fn is_valid(schema: &Value) -> bool {
    let json = object(&json!({"s": schema}));
    let tree = tree::Tree::of(&json);
    let root = tree.member(tree::Tree::ROOT, "s").unwrap();
    schema::check(&tree, root, 128).iter().all(|p| p.kind != schema::ProblemKind::Invalid)
}

const DRAFTS: [&str; 3] = [
    "https://json-schema.org/draft/2020-12/schema",
    "http://json-schema.org/draft-07/schema#",
    "http://json-schema.org/draft-04/schema#",
];

/// The drafts by which we and the other validator think differently of `schema`.
fn disagreements(schema: &Value) -> Vec<&'static str> {
    let differs = |draft: &&'static str| {
        let mut schema = schema.clone();
        schema["$schema"] = Value::from(*draft);
        is_valid(&schema) != jsonschema::meta::is_valid(&schema)
    };
    DRAFTS.into_iter().filter(differs).collect()
}

/// Written by hand, unlike those below.
#[test]
fn the_schemas_of_all_twins_are_judged_as_their_meta_schemas_do() {
    let mut seen = 0;
    for server in twins::all() {
        for tool in &server.inventory.tools {
            let tool: Value = serde_json::from_str(tool.text()).unwrap();
            let schema = &tool["inputSchema"];
            // A pattern that does not compile is no format to us, and one to the other validator.
            if schema.is_object() && !schema.to_string().contains("(?P<") {
                assert_eq!(disagreements(schema), [""; 0], "{schema}");
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn hostile_texts_and_patterns_are_judged_in_bounds() {
    // Each of them is full of beginnings of what is looked for, and holds none of it.
    for piece in [
        "eyJ-",
        "token=",
        "://a:b",
        "-----BEGIN ",
        "ghp_",
        "\u{e0041}\u{1f3f4}",
        "\n\n \t",
        "(a+",
        "[",
        "sk-a ",
    ] {
        let long = piece.repeat(2_000_000 / piece.len());
        let schema = json!({"type": "object", "properties": {"a": {"type": "string", "pattern": long, "default": long}}});
        let item = json!({"name": "x", "description": long, "inputSchema": schema});
        let inventory = Inventory { tools: vec![object(&item)], ..Inventory::default() };
        let found =
            assess_at(&Target::command("t", "server", &[]), Posture::Unknown, &inventory, &Policy::default());
        assert!(found.iter().any(|f| f.rule == "HK-SCH-003"), "{piece}: {found:?}");
        assert!(found.iter().all(|f| f.excerpt.as_ref().is_none_or(|e| e.len() < 2_000)), "{piece}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// The drafts' own meta-schemas, run by a validator that is not ours, agree.
    #[test]
    fn schemas_are_valid_where_their_meta_schema_says_so(schema in schema_like()) {
        prop_assume!(schema.is_object());
        prop_assert_eq!(disagreements(&schema), [""; 0], "{}", schema);
    }

    #[test]
    fn nothing_panics_and_findings_are_bounded(
        name in ".{0,40}", text in ".{0,400}", schema in schema_like(), annotations in schema_like(), depth in 1usize..129,
    ) {
        let item = json!({"name": name, "description": text, "inputSchema": schema, "outputSchema": text, "annotations": annotations});
        let inventory = Inventory {
            tools: vec![object(&item), object(&json!({})), object(&json!([1])), object(&schema)],
            prompts: vec![object(&item)],
            resources: vec![object(&item)],
            server: Some(object(&item)),
            instructions: Some(text),
            ..Inventory::default()
        };
        let policy = Policy { depth, ..Policy::default() };
        let target = Target::url("t", "http://tools.example/mcp");
        let found = assess_at(&target, Posture::None, &inventory, &policy);
        prop_assert!(found.len() <= RULES.len() * 50);
        for finding in found {
            let clean = |s: &str| !s.chars().any(crate::base::text::is_deceptive);
            prop_assert!(clean(&finding.message) && clean(&finding.excerpt.unwrap_or_default()), "{}", finding.message);
            prop_assert!(finding.severity <= rules::find(&finding.rule).unwrap().severity, "{}", finding.rule);
        }
    }
}
