//! Own rules over single items.

use super::custom::{Custom, MOST_FOUND, MOST_OF_TEXT, Own, Pattern, Place, Subject};
use super::item::Item;
use crate::model::finding::{Confidence, Finding, Severity};
use crate::model::inventory::{Json, List};

fn rule(pattern: &str, places: &[Place]) -> Custom {
    Custom {
        id: "ACME-001".to_owned(),
        title: "names a project".to_owned(),
        severity: Severity::High,
        confidence: Confidence::Medium,
        patterns: vec![Pattern::new(pattern).unwrap()],
        unless: vec![Pattern::new("public (project|name)").unwrap()],
        places: places.to_vec(),
        subjects: Subject::ALL.map(|(_, s)| s).to_vec(),
        message: None,
        remedy: "Rename it.".to_owned(),
        references: vec!["CWE-200".to_owned()],
        from: "rules.yaml:1".to_owned(),
    }
}

fn found(rule: &Custom, list: List, item: &str) -> Vec<Finding> {
    let json = Json::parse(item.to_owned()).unwrap();
    let mut own = Own::new("t", std::iter::once(rule));
    own.look(&Item::of(list, 3, &json, 10));
    own.finish()
}

#[test]
fn disguises_are_no_way_round_a_pattern_and_the_excerpt_is_what_was_sent() {
    let rule = rule(r"project\s+bluebird", &[Place::Text]);
    for text in [
        "about Project Bluebird",
        "about project\\n\\t bluebird",
        "about pro\u{200b}ject  blue\u{ad}bird",
        "about рrоjесt bluеbird",
        "about ｐｒｏｊｅｃｔ ｂｌｕｅｂｉｒｄ",
        "about PROJECT 𝐛𝐥𝐮𝐞𝐛𝐢𝐫𝐝",
        "about pro'ject bluebird",
    ] {
        let item = format!(r#"{{"name":"x","description":"{text}"}}"#);
        let found = found(&rule, List::Tools, &item);
        assert_eq!(found.len(), 1, "{text}");
        assert_eq!(found[0].pointer, "/tools/3/description");
        assert!(found[0].excerpt.as_ref().unwrap().starts_with("about"), "{found:?}");
    }
    for text in ["about project blue bird", "the public project bluebird", "the рublic prоject bluebird"] {
        let item = format!(r#"{{"name":"x","description":"{text}"}}"#);
        assert_eq!(found(&rule, List::Tools, &item), [], "{text}");
    }
}

#[test]
fn a_rule_looks_where_it_is_told_to() {
    let tool = r#"{"name":"zz","title":"zz","description":"zz","annotations":{"title":"zz"},
        "inputSchema":{"type":"zz","properties":{"zz":{"enum":["zz"]}}},"_meta":{"a":["zz"]}}"#;
    let resource = r#"{"name":"r","uri":"file:///zz","description":"d"}"#;
    let prompt = r#"{"name":"p","arguments":[{"name":"zz","description":"zz"}]}"#;
    let pointers = |place, list, item| {
        let found = found(&rule("zz", &[place]), list, item);
        found.into_iter().map(|f| f.pointer).collect::<Vec<_>>().join(" ")
    };
    for (place, list, item, expected) in [
        (Place::Name, List::Tools, tool, "/tools/3/name /tools/3/title /tools/3/annotations/title"),
        (Place::Description, List::Tools, tool, "/tools/3/description"),
        (
            Place::Parameters,
            List::Tools,
            tool,
            "/tools/3/inputSchema/type /tools/3/inputSchema/properties/zz \
             /tools/3/inputSchema/properties/zz/enum/0",
        ),
        (Place::Uri, List::Resources, resource, "/resources/3/uri"),
        (Place::Uri, List::Tools, tool, ""),
        (
            Place::Parameters,
            List::Prompts,
            prompt,
            "/prompts/3/arguments/0/name /prompts/3/arguments/0/description",
        ),
        (Place::Instructions, List::Tools, tool, ""),
    ] {
        assert_eq!(pointers(place, list, item), expected, "{place:?}");
    }
    let everywhere = pointers(Place::Text, List::Tools, tool);
    assert!(everywhere.ends_with("/_meta/a/0") && everywhere.split(' ').count() == 8, "{everywhere}");
    let tools_only = Custom { subjects: vec![Subject::Tool], ..rule("zz", &[Place::Text]) };
    assert_eq!(found(&tools_only, List::Resources, resource), []);
}

#[test]
fn what_is_too_long_is_told_and_findings_are_bounded() {
    let rule = rule("needle", &[Place::Text]);
    let hidden = format!(r#"{{"name":"x","description":"{}needle"}}"#, "a".repeat(MOST_OF_TEXT));
    let told = found(&rule, List::Tools, &hidden);
    assert_eq!((told.len(), told[0].severity), (1, Severity::Info), "{told:?}");
    assert!(
        told[0].message.contains("more text than this rule looks at")
            && told[0].pointer == "/tools/3/description"
    );
    let many = vec![r#""needle""#; 1_000].join(",");
    let told = found(&rule, List::Tools, &format!(r#"{{"name":"x","_meta":[{many}]}}"#));
    assert_eq!(told.len(), MOST_FOUND);
    assert!(told[MOST_FOUND - 1].message.ends_with("more like this)"));
}

#[test]
fn patterns_that_cannot_be_used_are_refused() {
    for (text, why) in [
        ("(", "is no pattern"),
        ("a*", "fits every text"),
        ("", "fits every text"),
        ("((((a{100}){100}){100}){100})", "is no pattern"),
        (&"a".repeat(1_001), "is longer than"),
        (r"(?=a)", "is no pattern"),
        (&"(".repeat(500), "is no pattern"),
    ] {
        let said = Pattern::new(text).map(|_| ()).unwrap_err();
        assert!(said.contains(why), "{text}: {said}");
    }
}
