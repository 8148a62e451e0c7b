//! What a server offers, as it said so.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::revision::Era;

/// One JSON object of a server: the server's own text, tidied (one line, no deceptive characters outside
/// escapes, no secrets, no duplicate keys), with every field it had.
#[derive(Clone)]
pub struct Json(Box<RawValue>);

impl Json {
    /// Takes `text` if it is one JSON value.
    pub fn parse(text: String) -> Option<Json> {
        RawValue::from_string(text).ok().map(Json)
    }

    /// The JSON text.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// The string at `key`, if this is an object that has one there.
    pub fn string(&self, key: &str) -> Option<String> {
        let object: std::collections::HashMap<String, &RawValue> = serde_json::from_str(self.text()).ok()?;
        serde_json::from_str(object.get(key)?.get()).ok()
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Json) -> bool {
        self.text() == other.text()
    }
}

impl Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Json, D::Error> {
        Box::<RawValue>::deserialize(d).map(Json)
    }
}

/// Everything learnt from one server; part of it, where the server failed half-way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inventory {
    /// The revision agreed on.
    pub protocol: Option<Protocol>,
    /// `serverInfo` as sent.
    pub server: Option<Json>,
    /// The server's instructions to the model.
    pub instructions: Option<String>,
    /// Capabilities as sent.
    pub capabilities: Option<Json>,
    /// Tools as sent.
    pub tools: Vec<Json>,
    /// Resources as sent.
    pub resources: Vec<Json>,
    /// Resource templates as sent.
    pub resource_templates: Vec<Json>,
    /// Prompts as sent.
    pub prompts: Vec<Json>,
    /// How far each planned listing got: always one row a list, whatever happened.
    pub coverage: Vec<Coverage>,
    /// How long the server allows its lists to be kept (revision 2026-07-28).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_hint: Option<CacheHint>,
}

impl Inventory {
    /// The items of one list.
    pub fn items(&self, list: List) -> &[Json] {
        match list {
            List::Tools => &self.tools,
            List::Resources => &self.resources,
            List::ResourceTemplates => &self.resource_templates,
            List::Prompts => &self.prompts,
        }
    }

    /// The row of one list.
    pub fn coverage_of(&self, list: List) -> Option<&Coverage> {
        self.coverage.iter().find(|c| c.phase == list)
    }
}

/// The revision a server was listed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Protocol {
    /// Its date.
    pub version: String,
    /// How it opens.
    pub era: Era,
}

/// The four lists of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum List {
    /// `tools/list`
    Tools,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    ResourceTemplates,
    /// `prompts/list`
    Prompts,
}

impl List {
    /// In the order in which they are asked for and reported.
    pub const ALL: [List; 4] = [List::Tools, List::Resources, List::ResourceTemplates, List::Prompts];

    /// The method that lists it.
    pub const fn method(self) -> &'static str {
        match self {
            List::Tools => "tools/list",
            List::Resources => "resources/list",
            List::ResourceTemplates => "resources/templates/list",
            List::Prompts => "prompts/list",
        }
    }

    /// The key of the array in the result.
    pub const fn key(self) -> &'static str {
        match self {
            List::Tools => "tools",
            List::Resources => "resources",
            List::ResourceTemplates => "resourceTemplates",
            List::Prompts => "prompts",
        }
    }

    /// The field of a report's target.
    pub const fn field(self) -> &'static str {
        match self {
            List::Tools => "tools",
            List::Resources => "resources",
            List::ResourceTemplates => "resource_templates",
            List::Prompts => "prompts",
        }
    }

    /// The member that an item of it is called by.
    pub const fn name_key(self) -> &'static str {
        match self {
            List::Tools | List::Prompts => "name",
            List::Resources => "uri",
            List::ResourceTemplates => "uriTemplate",
        }
    }

    /// The capability a server declares to offer it.
    pub const fn capability(self) -> &'static str {
        match self {
            List::Tools => "tools",
            List::Resources | List::ResourceTemplates => "resources",
            List::Prompts => "prompts",
        }
    }
}

impl Serialize for List {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.method())
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<List, D::Error> {
        let method = String::deserialize(d)?;
        let list = List::ALL.into_iter().find(|l| l.method() == method);
        list.ok_or_else(|| D::Error::custom("no method that lists"))
    }
}

/// How far one listing got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Which list.
    pub phase: List,
    /// How it ended.
    pub state: CoverageState,
    /// Items kept.
    pub items: usize,
    /// Pages read.
    pub pages: u32,
    /// Bytes of the answers.
    pub bytes: u64,
    /// From the first request to the last answer, in milliseconds.
    pub ms: f64,
    /// Why it is not `complete`.
    pub reason: Option<String>,
}

/// How a listing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CoverageState {
    /// The server said there is no further page.
    Complete,
    /// The server does not offer this list: not declared, or declared and then answered "method not found"
    /// (the row's reason says which).
    Unsupported,
    /// It ended in an error; what was read before is kept.
    Failed,
    /// A limit or a cursor that repeats ended it; what was read is kept.
    Truncated,
    /// It was planned and never came to be asked.
    Skipped,
}

impl CoverageState {
    /// As the report spells it.
    pub const fn name(self) -> &'static str {
        match self {
            CoverageState::Complete => "complete",
            CoverageState::Unsupported => "unsupported",
            CoverageState::Failed => "failed",
            CoverageState::Truncated => "truncated",
            CoverageState::Skipped => "skipped",
        }
    }
}

/// `ttlMs` and `cacheScope` over all answers: the shortest and the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheHint {
    /// Milliseconds.
    pub ttl_ms: u64,
    /// Whether every answer allowed sharing.
    pub public: bool,
}
