//! What the demo servers offer: four personas, each an embedded JSON file.
//!
//! The files are data so that a reader sees what goes over the wire, not code that makes it.
//!
//! Invariant: no I/O in this module, and nothing about how a message is framed or answered.

use std::str::FromStr;

use serde::Deserialize;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::model::revision::Revision;

/// Which server a demo process plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persona {
    /// Four annotated file tools and nothing else: small and complete.
    Files,
    /// Tools, resources on two pages (linked by an empty-string cursor), templates, prompts.
    Weather,
    /// 25 tools on three pages, one of which hides an instruction; a resource list that ends in
    /// an error; a prompts capability that answers method-not-found.
    Shop,
    /// A tool for each family of rules, with what they look for in it. Every text is harmless in itself.
    Vulnerable,
}

impl Persona {
    /// All personas.
    pub(crate) const ALL: [Persona; 4] =
        [Persona::Files, Persona::Weather, Persona::Shop, Persona::Vulnerable];

    /// The name `--persona` takes.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Persona::Files => "files",
            Persona::Weather => "weather",
            Persona::Shop => "shop",
            Persona::Vulnerable => "vulnerable",
        }
    }

    pub(super) fn offer(self) -> Offer {
        let text = match self {
            Persona::Files => include_str!("personas/files.json"),
            Persona::Weather => include_str!("personas/weather.json"),
            Persona::Shop => include_str!("personas/shop.json"),
            Persona::Vulnerable => include_str!("personas/vulnerable.json"),
        };
        serde_json::from_str(text).expect("the file is part of the program and a test reads each")
    }
}

/// The text is not the name of a persona.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownPersona;

impl FromStr for Persona {
    type Err = UnknownPersona;
    fn from_str(s: &str) -> Result<Persona, UnknownPersona> {
        Persona::ALL.into_iter().find(|p| p.name() == s).ok_or(UnknownPersona)
    }
}

/// All that one persona has to say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Offer {
    pub(super) server_info: Item,
    pub(super) instructions: Option<String>,
    pub(super) capabilities: Map<String, Value>,
    #[serde(default)]
    tools: Vec<Page>,
    #[serde(default)]
    resources: Vec<Page>,
    #[serde(default)]
    templates: Vec<Page>,
    #[serde(default)]
    prompts: Vec<Page>,
}

/// One page of a list, in the words of its file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// What leads here; the first page has none.
    pub(super) cursor: Option<String>,
    #[serde(default)]
    pub(super) items: Vec<Item>,
    /// Answered instead of the items.
    pub(super) error: Option<PageError>,
}

/// An error a list ends in.
#[derive(Deserialize)]
pub(super) struct PageError {
    pub(super) code: i64,
    pub(super) message: String,
}

/// A tool, a resource, a template, a prompt or a server, with the fields of the newest revision.
pub(super) type Item = Map<String, Value>;

/// The four lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    Tools,
    Resources,
    Templates,
    Prompts,
}

impl List {
    /// The list a method asks for.
    pub(super) fn of(method: &str) -> Option<List> {
        match method {
            "tools/list" => Some(List::Tools),
            "resources/list" => Some(List::Resources),
            "resources/templates/list" => Some(List::Templates),
            "prompts/list" => Some(List::Prompts),
            _ => None,
        }
    }

    /// The key of the array in a result.
    pub(super) const fn key(self) -> &'static str {
        match self {
            List::Tools => "tools",
            List::Resources => "resources",
            List::Templates => "resourceTemplates",
            List::Prompts => "prompts",
        }
    }
}

impl Offer {
    /// The pages of one list; none means that its method does not exist here.
    pub(super) fn pages(&self, list: List) -> &[Page] {
        match list {
            List::Tools => &self.tools,
            List::Resources => &self.resources,
            List::Templates => &self.templates,
            List::Prompts => &self.prompts,
        }
    }
}

/// An item as one revision defines it: a server of 2024 does not send the fields of 2025.
pub(super) struct Dated<'a> {
    pub(super) item: &'a Item,
    /// `None` for the server's own description.
    pub(super) list: Option<List>,
    pub(super) revision: Revision,
}

impl Serialize for Dated<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.item {
            if first_revision(self.list, key) <= self.revision {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}

fn first_revision(list: Option<List>, key: &str) -> Revision {
    match (list, key) {
        (_, "icons" | "websiteUrl") | (None, "description") => Revision::V2025_11_25,
        (_, "title" | "outputSchema" | "_meta") => Revision::V2025_06_18,
        (Some(List::Tools), "annotations") => Revision::V2025_03_26,
        _ => Revision::V2024_11_05,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_persona_can_be_read_and_found_by_name() {
        let tools =
            |p: Persona| p.offer().pages(List::Tools).iter().map(|p| p.items.len()).collect::<Vec<_>>();
        assert_eq!(Persona::ALL.map(tools), [vec![4], vec![3], vec![10, 10, 5], vec![18]]);
        assert_eq!(Persona::ALL.map(|p| p.name().parse()), Persona::ALL.map(Ok));
        assert_eq!("nobody".parse::<Persona>(), Err(UnknownPersona));
    }

    #[test]
    fn old_revisions_lack_the_fields_of_new_ones() {
        let offer = Persona::Weather.offer();
        let keys = |revision| {
            let item = &offer.pages(List::Tools)[0].items[0];
            let text = serde_json::to_string(&Dated { item, list: Some(List::Tools), revision }).unwrap();
            let item: Item = serde_json::from_str(&text).unwrap();
            item.keys().cloned().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(keys(Revision::V2024_11_05), "description inputSchema name");
        assert_eq!(keys(Revision::V2025_03_26), "annotations description inputSchema name");
        assert_eq!(
            keys(Revision::V2025_11_25),
            "annotations description icons inputSchema name outputSchema title"
        );
    }
}
