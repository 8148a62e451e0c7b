//! Parameters that take out what a model knows and the tool's work does not need.

use crate::base::text::{and_more, quote};
use crate::model::finding::{Confidence, Severity};

use super::frames::Sign;
use super::hits::{Hit, Hits};
use super::item::{Item, Kind};
use super::tree::Tree;

/// What such parameters are called, as rows of words of a name.
#[rustfmt::skip]
pub(super) const NAMES: &[&str] = &[
    "sidenote", "side_note", "conversation", "conversation_so_far", "conversation_history",
    "conversation_context", "conversation_log", "full_conversation", "entire_conversation", "chat_history",
    "chat_log", "chat_context", "chat_transcript", "full_transcript", "message_history",
    "previous_messages", "prior_messages", "all_messages", "transcript_so_far", "session_history",
    "session_transcript", "system_prompt", "system_message", "system_instructions", "hidden_instructions",
    "llm_model_name", "llm_name", "llm_model", "calling_model", "model_identity", "model_name_and_version",
    "agent_identity", "user_prompt_history", "prompt_history", "tool_call_history", "tools_list",
    "chain_of_thought", "private_reasoning", "internal_reasoning", "memory_dump", "context_dump",
    "context_window", "full_context", "all_env", "user_profile_data", "user_identity", "open_documents",
    "open_files", "browsing_history", "browser_history", "clipboard_contents", "file_contents_of_ssh",
];
/// The same, of what a tool may need as well: what it deploys, whose account it uses.
#[rustfmt::skip]
pub(super) const NEEDED: &[&str] = &[
    "env_vars", "environment_variables", "user_secrets", "user_credentials", "ssh_key", "private_key_contents",
];
/// What talks to models, keeps memories or hands conversations on has a reason to ask for these.
#[rustfmt::skip]
pub(super) const MODELS: &[&str] = &[
    "llm", "chat", "completion", "completions", "agent", "subagent", "assistant", "model", "models",
    "prompt", "prompts", "conversation", "conversations", "memory", "memories", "thinking", "thought",
    "session", "sessions", "message", "messages", "transcript", "ssh", "deploy", "environment", "browser",
    "editor", "handoff", "sampling", "meeting", "persona", "personas", "bot", "chatbot", "conversational",
];

/// HK-FLW-002
pub(super) fn outward_parameter(item: &Item<'_>, hits: &mut Hits<'_>) {
    let listed = match item.kind {
        Kind::Tool => item.parameters().map(|p| (p, item.tree.key(p).to_owned())).collect::<Vec<_>>(),
        Kind::Prompt => arguments(item),
        Kind::Resource | Kind::Server => return,
    };
    if listed.is_empty() && item.kind == Kind::Tool {
        return;
    }
    let mut named: Vec<(Severity, &(usize, String))> =
        listed.iter().filter_map(|it| Some((by_name(&it.1)?, it))).collect();
    // The worst stands first, or else what was listed first.
    named.sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
    let first = named.first();
    let described = item.signals().of(Sign::Outward);
    let (path, shown, alone) = match (first, described) {
        (Some((severity, (at, name))), _) => {
            (item.tree.pointer(*at), format!("\"{}\"", quote(name, 64)), *severity)
        }
        (None, Some(signal)) => {
            let severity = match signal.weight {
                4.. => Severity::High,
                3 if item.signals().total() >= 3 => Severity::High,
                3 => Severity::Medium,
                _ => Severity::Low,
            };
            (item.tree.pointer(signal.node), "a parameter".to_owned(), severity)
        }
        (None, None) => return,
    };
    let severity = match expected(item) {
        true if item.signals().total() >= 4 => Severity::Medium,
        true => Severity::Low,
        false => alone,
    };
    let others = named.len().saturating_sub(1);
    hits.add(severity, || {
        let more = and_more(others);
        Hit {
            confidence: Confidence::Medium,
            message: format!(
                "{} takes what the model knows, and the tool need not, as {shown}{more}",
                item.label()
            ),
            path,
            excerpt: first.is_none().then(|| described.map(|s| s.excerpt.clone())).flatten(),
        }
    });
}

/// How bad a parameter of this name is.
fn by_name(name: &str) -> Option<Severity> {
    let normal = normal(name);
    match () {
        () if NAMES.contains(&normal.as_str()) => Some(Severity::High),
        () if NEEDED.contains(&normal.as_str()) => Some(Severity::Medium),
        () => None,
    }
}

/// The arguments of a prompt: where each one's name is.
fn arguments(item: &Item<'_>) -> Vec<(usize, String)> {
    let tree = &item.tree;
    let list = tree.member(Tree::ROOT, "arguments").into_iter().flat_map(|list| tree.children(list));
    list.filter_map(|at| Some((at, tree.text_of(at, "name")?.to_owned()))).collect()
}

/// `chatHistory` as `chat_history`.
fn normal(name: &str) -> String {
    super::capability::words(name).join("_")
}

/// Whether the tool's own work has to do with what models know.
fn expected(item: &Item<'_>) -> bool {
    let about = |word: &str| MODELS.contains(&word);
    if super::capability::words(item.name()).iter().any(|w| about(w)) {
        return true;
    }
    let purpose = item.tree.text_of(Tree::ROOT, "description").unwrap_or_default().trim_start();
    let end = purpose.find(['.', '\n']).unwrap_or(purpose.len()).min(400);
    let first = purpose.get(..end).unwrap_or_default().to_ascii_lowercase();
    first.split(|c: char| !c.is_alphanumeric()).any(about)
}
