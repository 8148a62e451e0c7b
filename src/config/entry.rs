//! One entry of a target file, in the spellings that clients use.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::text::{nearest, quote};
use crate::model::outcome::Owner;
use crate::model::outcome::{Failure, FailureKind, Phase};
use crate::model::revision::Revision;
use crate::model::secret::{Secret, expanded_secrets};
use crate::model::target::{Command, Endpoint, Hold, HttpHint, Remote, Target, check_url, without_fragment};

use super::expand::{Flaw, expand};
use super::node::{Node, Position, Tree};
use super::value::duration;
use super::words;

/// Keys that mean something to hawkeye.
pub(super) const FIELDS: [&str; 16] = [
    "name",
    "command",
    "args",
    "env",
    "cwd",
    "url",
    "serverUrl",
    "httpUrl",
    "headers",
    "type",
    "transport",
    "disabled",
    "enabled",
    "timeout",
    "protocolVersion",
    "tags",
];

/// Keys of other clients that change nothing about how a server is reached.
const FOREIGN: &[&str] = &[
    "alwaysAllow",
    "alwaysLoad",
    "allowedTools",
    "autoApprove",
    "authProviderType",
    "auth",
    "autoStart",
    "category",
    "chatmodes",
    "connectTimeout",
    "description",
    "dev",
    "disabledTools",
    "displayName",
    "enabledTools",
    "enabled_tools",
    "disabled_tools",
    "envFile",
    "envVars",
    "excludeTools",
    "experimental",
    "extensionName",
    "fromGalleryId",
    "gallery",
    "headersHelper",
    "icon",
    "icons",
    "id",
    "includeTools",
    "initTimeout",
    "inputs",
    "instructions",
    "isActive",
    "label",
    "longRunning",
    "metadata",
    "networkTimeout",
    "note",
    "notes",
    "oauth",
    "oauthScopes",
    "permissions",
    "presentation",
    "provider",
    "providerUrl",
    "registryUrl",
    "requestInit",
    "requestOptions",
    "required",
    "restart",
    "roots",
    "sandbox",
    "sandboxEnabled",
    "scope",
    "shared",
    "source",
    "startup_timeout_sec",
    "startup_timeout_ms",
    "status",
    "targetAudience",
    "targetServiceAccount",
    "title",
    "tool_timeout_sec",
    "tools",
    "trust",
    "version",
];

/// Where a key stands that is not ours, and what there is to say of it.
pub(super) type Stranger = (Position, String);

/// Tags of one server, and characters of one.
const TAGS_MAX: usize = 50;
const TAG_MAX: usize = 100;

/// What an entry came to.
pub(super) struct Entry {
    /// `None` when it is disabled.
    pub(super) target: Option<Target>,
    /// Unknown keys: worth a warning.
    pub(super) warnings: Vec<Stranger>,
    /// Keys of other clients: worth a line with `-v`.
    pub(super) notes: Vec<Stranger>,
}

/// Reads the entry at `node`.
pub(super) fn read(owner: Owner, node: &Node, vars: &BTreeMap<String, String>) -> Entry {
    let (warnings, notes) = strangers(node);
    if is_disabled(node) {
        return Entry { target: None, warnings, notes };
    }
    let mut reader = Reader { vars, node, expanded: Vec::new() };
    let read = reader.everything();
    let expanded = reader.expanded;
    let name = owner.name.clone();
    let blank = Target { owners: vec![owner], expanded, ..Target::unknown(name) };
    let target = match read {
        Ok((endpoint, timeout, pin, tags)) => Target { endpoint, timeout, pin, tags, ..blank },
        Err(failure) => Target { hold: Some(Hold::Broken(failure)), ..blank },
    };
    Entry { target: Some(target), warnings, notes }
}

/// A failure of the entry itself.
pub(super) fn broken(message: impl Into<String>) -> Failure {
    Failure { kind: FailureKind::Config, phase: Phase::Config, message: message.into() }
}

/// The failure of a `field` whose references lead nowhere.
fn unexpanded(field: &str, flaw: Flaw) -> Failure {
    match flaw {
        Flaw::Unresolved { reference, remedy } => Failure {
            kind: FailureKind::UnresolvedVariable,
            ..broken(format!("{field}: ${{{reference}}} is not set ({remedy})"))
        },
        Flaw::Malformed(text) => broken(format!(
            "{field}: {text} is no reference: ${{VAR}}, ${{VAR:-default}} and ${{env:VAR}} are"
        )),
    }
}

/// One failure that says all of `failures`; a mistake weighs more than a variable that is not set here.
fn joined(failures: Vec<Failure>) -> Option<Failure> {
    let kind = failures.iter().map(|f| f.kind).find(|k| *k == FailureKind::Config);
    let message = failures.iter().map(|f| f.message.as_str()).collect::<Vec<_>>().join("; ");
    let first = failures.into_iter().next()?;
    Some(Failure { kind: kind.unwrap_or(first.kind), message, ..first })
}

fn is_disabled(node: &Node) -> bool {
    let is = |name, flag| node.at_key(name).is_some_and(|n| n.value == Tree::Bool(flag));
    is("disabled", true) || is("enabled", false)
}

/// Warnings and notes about keys that are not ours.
fn strangers(node: &Node) -> (Vec<Stranger>, Vec<Stranger>) {
    let (mut warnings, mut notes) = (Vec::new(), Vec::new());
    for (key, _) in node.map().unwrap_or_default() {
        let name = key.name.as_str();
        if FIELDS.contains(&name) || name.starts_with('_') {
            continue;
        }
        if FOREIGN.contains(&name) {
            notes.push((key.at, format!("\"{name}\" is for other clients and has no effect here")));
        } else {
            let meant = super::did_you_mean(name, FIELDS);
            warnings.push((key.at, format!("unknown key \"{}\"{meant}", quote(name, 60))));
        }
    }
    (warnings, notes)
}

struct Reader<'a> {
    vars: &'a BTreeMap<String, String>,
    node: &'a Node,
    /// Secrets that came in from variables.
    expanded: Vec<Secret>,
}

type Read<T> = Result<T, Failure>;

/// How a server is reached, its own time and revision, its tags.
type Said = (Endpoint, Option<Duration>, Option<Revision>, Vec<String>);

impl Reader<'_> {
    fn everything(&mut self) -> Read<Said> {
        if self.node.map().is_none() {
            return Err(broken(format!(
                "an entry is a section with a command or a url, not {}",
                self.node.kind()
            )));
        }
        if let Some((key, first)) = self.node.repeated() {
            let name = quote(&key.name, 60);
            return Err(broken(format!(
                "\"{name}\" stands there twice, in lines {} and {}",
                first.line, key.at.line
            )));
        }
        for name in ["disabled", "enabled"] {
            if let Some(other) = self.some(name).filter(|n| !matches!(n.value, Tree::Bool(_))) {
                return Err(broken(format!("{name}: {other} must be true or false")));
            }
        }
        // All of them are looked at, so that one mistake does not hide another.
        match (self.endpoint(), self.timeout(), self.pin(), self.tags()) {
            (Ok(endpoint), Ok(timeout), Ok(pin), Ok(tags)) => Ok((endpoint, timeout, pin, tags)),
            (endpoint, timeout, pin, tags) => {
                let failures = [endpoint.err(), timeout.err(), pin.err(), tags.err()];
                let failures = failures.into_iter().flatten().collect();
                Err(joined(failures).unwrap_or_else(|| broken("the entry is unusable")))
            }
        }
    }

    /// The value of `name`, `null` being as good as none.
    fn some(&self, name: &str) -> Option<&Node> {
        self.node.at_key(name).filter(|n| n.value != Tree::Null)
    }

    fn endpoint(&mut self) -> Read<Endpoint> {
        let kind = self.kind()?;
        let urls: Vec<&str> =
            ["url", "serverUrl", "httpUrl"].into_iter().filter(|k| self.some(k).is_some()).collect();
        match (self.some("command").is_some(), urls.as_slice()) {
            (true, []) => match kind {
                Kind::Http | Kind::Sse => {
                    Err(broken("the type says HTTP, but there is a command and no url"))
                }
                Kind::Auto | Kind::Stdio => self.command().map(Endpoint::Stdio),
            },
            (false, [field]) => match kind {
                Kind::Stdio => Err(broken("the type says stdio, but there is a url and no command")),
                Kind::Auto | Kind::Http | Kind::Sse => self.remote(field, kind).map(Endpoint::Remote),
            },
            (true, [field, ..]) => {
                Err(broken(format!("both a command and {field}: one server is reached one way")))
            }
            (false, [first, second, ..]) => Err(broken(format!("both {first} and {second}: which one?"))),
            (false, []) => Err(broken(format!("neither a command nor a url{}", self.misspelling()))),
        }
    }

    /// Which key may have been meant to be the command or the URL.
    fn misspelling(&self) -> String {
        let keys = self.node.map().unwrap_or_default().iter().map(|(k, _)| k.name.as_str());
        let unknown = keys.filter(|k| !FIELDS.contains(k));
        let wanted = ["command", "url", "serverUrl", "httpUrl"];
        let near = unknown.filter_map(|k| nearest(k, wanted).map(|meant| (k, meant))).next();
        near.map(|(k, meant)| format!(" (is \"{}\" meant to be \"{meant}\"?)", quote(k, 60)))
            .unwrap_or_default()
    }

    fn kind(&self) -> Read<Kind> {
        let mut kind = Kind::Auto;
        for field in ["type", "transport"] {
            let Some(node) = self.some(field) else { continue };
            let word = node.scalar_text().unwrap_or_default();
            let said = KINDS.iter().find(|(w, _)| w.eq_ignore_ascii_case(&word)).map(|(_, k)| *k);
            let said = said.ok_or_else(|| {
                let meant = super::did_you_mean(&word, KINDS.iter().map(|(w, _)| *w));
                broken(format!("{field}: {node} is no transport{meant}; stdio, http, sse and auto are"))
            })?;
            if kind != Kind::Auto && said != Kind::Auto && kind != said {
                return Err(broken("type and transport disagree"));
            }
            if said != Kind::Auto {
                kind = said;
            }
        }
        Ok(kind)
    }

    fn command(&mut self) -> Read<Command> {
        let mut argv = match self.some("command").map(|n| &n.value) {
            Some(Tree::Text(line)) => {
                let (line, is_path) = (line.clone(), Path::new(line.as_str()).exists());
                self.split(&line, is_path)?
            }
            Some(Tree::List(_)) => self.strings("command")?,
            _ => return Err(broken("command: must be text or a list of texts")),
        };
        if self.some("args").is_some() {
            argv.extend(self.strings("args")?);
        }
        let mut argv = argv.into_iter();
        let program =
            argv.next().filter(|p| !p.trim().is_empty()).ok_or_else(|| broken("command: is empty"))?;
        Ok(Command { program, args: argv.collect(), env: self.env()?, cwd: self.cwd()? })
    }

    /// A command with white space is a command line, unless a file is called so. Variables are filled in
    /// after cutting: a value never becomes two words.
    fn split(&mut self, line: &str, is_path: bool) -> Read<Vec<String>> {
        let whole = is_path || !line.trim().contains(char::is_whitespace);
        let parts = match whole {
            true => vec![line.to_owned()],
            false => words::split(line).map_err(|e| broken(format!("command: a {} is never closed", e.0)))?,
        };
        parts.iter().map(|word| self.fill("command", word)).collect()
    }

    fn strings(&mut self, field: &str) -> Read<Vec<String>> {
        let node = self.some(field).cloned();
        let items = match node.map(|n| n.value) {
            Some(Tree::List(items)) => items,
            _ => return Err(broken(format!("{field}: must be a list of texts"))),
        };
        let text = |(i, n): (usize, &Node)| {
            let text =
                n.scalar_text().ok_or_else(|| broken(format!("{field}[{i}]: is {}, not text", n.kind())))?;
            self.fill(&format!("{field}[{i}]"), &text)
        };
        items.iter().enumerate().map(text).collect()
    }

    /// Name and filled-in value of each entry of a section.
    fn pairs(&mut self, field: &str) -> Read<Vec<(String, String)>> {
        let Some(node) = self.some(field).cloned() else { return Ok(Vec::new()) };
        let Some(entries) = node.map() else {
            return Err(broken(format!("{field}: must be names with values, not {}", node.kind())));
        };
        if let Some((key, _)) = node.repeated() {
            return Err(broken(format!("{field}: \"{}\" stands there twice", quote(&key.name, 60))));
        }
        let set = entries.iter().filter(|(_, v)| v.value != Tree::Null);
        set.map(|(key, value)| {
            let place = format!("{field}.{}", quote(&key.name, 60));
            let text = value
                .scalar_text()
                .ok_or_else(|| broken(format!("{place}: is {}, not text", value.kind())))?;
            Ok((key.name.clone(), self.fill(&place, &text)?))
        })
        .collect()
    }

    fn env(&mut self) -> Read<Vec<(String, Secret)>> {
        let pairs = self.pairs("env")?;
        let bad = |n: &str| n.is_empty() || n.contains(['=', '\0']);
        if let Some((name, _)) = pairs.iter().find(|(n, _)| bad(n)) {
            // What follows the sign is a value, and perhaps a secret.
            let name = name.split('=').next().unwrap_or_default();
            return Err(broken(format!("env: \"{}\" begins what is no name of a variable", quote(name, 60))));
        }
        Ok(pairs.into_iter().map(|(n, v)| (n, Secret::new(v))).collect())
    }

    fn cwd(&mut self) -> Read<Option<PathBuf>> {
        match self.some("cwd").cloned().map(|n| n.value) {
            None => Ok(None),
            Some(Tree::Text(text)) if !text.is_empty() => Ok(Some(self.fill("cwd", &text)?.into())),
            Some(_) => Err(broken("cwd: must be the path of a directory")),
        }
    }

    fn remote(&mut self, field: &str, kind: Kind) -> Read<Remote> {
        let Some(Tree::Text(text)) = self.some(field).cloned().map(|n| n.value) else {
            return Err(broken(format!("{field}: must be text")));
        };
        let url = self.fill(field, text.trim())?;
        // The URL itself is not quoted: it may hold a password.
        check_url(&url).map_err(|why| broken(format!("{field}: {why}")))?;
        let hint = match kind {
            Kind::Sse => HttpHint::Sse,
            Kind::Auto if field != "httpUrl" => HttpHint::of(&url),
            Kind::Auto | Kind::Http | Kind::Stdio => HttpHint::Streamable,
        };
        let headers = self.pairs("headers")?;
        for (name, value) in &headers {
            check_header(name, value)?;
        }
        let headers = headers.into_iter().map(|(n, v)| (n, Secret::new(v))).collect();
        Ok(Remote { url: without_fragment(&url).to_owned(), headers, hint })
    }

    fn timeout(&mut self) -> Read<Option<Duration>> {
        let Some(node) = self.some("timeout").cloned() else { return Ok(None) };
        let text = node.scalar_text().unwrap_or_default();
        let text = self.fill("timeout", &text)?;
        let span = text.trim().parse().ok().and_then(duration);
        span.map(Some).ok_or_else(|| {
            broken(format!("timeout: {node} must be a number of seconds above 0, at most 31536000 (a year)"))
        })
    }

    fn pin(&mut self) -> Read<Option<Revision>> {
        let Some(node) = self.some("protocolVersion") else { return Ok(None) };
        match node.scalar_text().as_deref() {
            Some("auto") => Ok(None),
            Some(text) if text.parse::<Revision>().is_ok() => Ok(text.parse().ok()),
            _ => {
                let known = Revision::ALL.map(Revision::date).join(", ");
                Err(broken(format!("protocolVersion: {node} must be one of {known}")))
            }
        }
    }

    /// What the entry says its server is. A tag that could not be read would be one that the policy misses.
    fn tags(&self) -> Read<Vec<String>> {
        let nodes = match self.some("tags").map(|node| (node, &node.value)) {
            None => return Ok(Vec::new()),
            Some((_, Tree::List(items))) => items.as_slice(),
            Some((node, _)) => std::slice::from_ref(node),
        };
        let fit = |tag: &String| !tag.trim().is_empty() && tag.chars().count() <= TAG_MAX;
        let tag = |node: &Node| node.scalar_text().filter(fit).map(|tag| tag.trim().to_owned());
        let tags: Option<Vec<String>> = nodes.iter().take(TAGS_MAX + 1).map(tag).collect();
        tags.filter(|tags| tags.len() <= TAGS_MAX).ok_or_else(|| {
            broken(format!("tags: must be at most {TAGS_MAX} texts of at most {TAG_MAX} characters"))
        })
    }

    /// `text` with variables filled in and fit to be handed to the system.
    fn fill(&mut self, field: &str, text: &str) -> Read<String> {
        let expanded = expand(text, self.vars).map_err(|flaw| unexpanded(field, flaw))?;
        let key = field.split_once('.').map_or("", |(_, key)| key);
        let secrets = expanded.used.iter().flat_map(|(name, value)| expanded_secrets(name, key, value));
        self.expanded.extend(secrets.map(Secret::new));
        if expanded.text.contains('\0') {
            return Err(broken(format!("{field}: holds a NUL character")));
        }
        Ok(expanded.text)
    }
}

/// The configured transport.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Auto,
    Stdio,
    Http,
    Sse,
}

const KINDS: [(&str, Kind); 10] = [
    ("stdio", Kind::Stdio),
    ("http", Kind::Http),
    ("streamable-http", Kind::Http),
    ("streamableHttp", Kind::Http),
    ("streamable_http", Kind::Http),
    ("streamable", Kind::Http),
    ("sse", Kind::Sse),
    ("http+sse", Kind::Sse),
    ("auto", Kind::Auto),
    ("local", Kind::Stdio),
];

fn check_header(name: &str, value: &str) -> Read<()> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(broken(format!("headers: \"{}\" is no name of a header", quote(name, 60))));
    }
    const OURS: [&str; 6] =
        ["content-length", "transfer-encoding", "host", "connection", "content-type", "upgrade"];
    if OURS.iter().any(|o| name.eq_ignore_ascii_case(o)) {
        return Err(broken(format!("headers.{name}: cannot be set, hawkeye sends its own")));
    }
    // RFC 9110: visible characters, spaces and tabs. The value is not quoted: it is a secret.
    if value.chars().any(|c| c.is_control() && c != '\t') {
        return Err(broken(format!(
            "headers.{name}: the value holds a line break or another control character"
        )));
    }
    Ok(())
}
