//! HK-SHD-003: packages and hosts that are almost those of servers many people use.
//!
//! The list is short on purpose: what is on it is known well enough to be imitated, and was looked up. The
//! exact name is fine, and so is whatever else its owner publishes.

use crate::model::finding::{Confidence, Severity};
use crate::model::target::Endpoint;

use super::Facts;
use super::fleet::likeness::{Forms, one_edit};
use super::hits::{Hit, Hits};
use super::pins::{Registry, package};

/// Of the Node registry.
const NODE: [&str; 24] = [
    "@modelcontextprotocol/server-everything",
    "@modelcontextprotocol/server-filesystem",
    "@modelcontextprotocol/server-memory",
    "@modelcontextprotocol/server-sequential-thinking",
    "@modelcontextprotocol/server-github",
    "@modelcontextprotocol/server-gitlab",
    "@modelcontextprotocol/server-slack",
    "@modelcontextprotocol/server-postgres",
    "@modelcontextprotocol/server-puppeteer",
    "@modelcontextprotocol/server-brave-search",
    "@modelcontextprotocol/server-google-maps",
    "@modelcontextprotocol/inspector",
    "@playwright/mcp",
    "@upstash/context7-mcp",
    "@notionhq/notion-mcp-server",
    "@supabase/mcp-server-supabase",
    "@sentry/mcp-server",
    "@stripe/mcp",
    "chrome-devtools-mcp",
    "figma-developer-mcp",
    "firecrawl-mcp",
    "tavily-mcp",
    "exa-mcp-server",
    "mcp-remote",
];

/// Of the Python registry.
const PYTHON: [&str; 8] = [
    "mcp-server-fetch",
    "mcp-server-git",
    "mcp-server-time",
    "mcp-server-sqlite",
    "mcp-atlassian",
    "duckduckgo-mcp-server",
    "markitdown-mcp",
    "blender-mcp",
];

/// Container images.
const IMAGES: [&str; 3] =
    ["ghcr.io/github/github-mcp-server", "mcr.microsoft.com/playwright/mcp", "mcp/grafana"];

/// Hosts.
const HOSTS: [&str; 14] = [
    "api.githubcopilot.com",
    "mcp.notion.com",
    "mcp.linear.app",
    "mcp.sentry.dev",
    "mcp.stripe.com",
    "mcp.atlassian.com",
    "mcp.asana.com",
    "mcp.paypal.com",
    "mcp.context7.com",
    "mcp.deepwiki.com",
    "mcp.supabase.com",
    "mcp.vercel.com",
    "mcp.intercom.com",
    "mcp.figma.com",
];

/// Everything in these lists, for the digest of the rules.
pub(super) fn list() -> impl Iterator<Item = &'static str> {
    NODE.into_iter().chain(PYTHON).chain(IMAGES).chain(HOSTS)
}

/// HK-SHD-003
pub(super) fn close(facts: &Facts<'_>, hits: &mut Hits<'_>) {
    let (name, known, path) = match facts.endpoint {
        Endpoint::Stdio(command) => {
            let args: Vec<&str> = command.args.iter().map(String::as_str).collect();
            let Some(package) = package(&command.program, &args) else { return };
            let list: &[&str] = match package.registry {
                Registry::Node => &NODE,
                Registry::Python => &PYTHON,
                Registry::Images => &IMAGES,
                Registry::Deno | Registry::Go => return,
            };
            let name = match package.registry {
                // One name to the registry.
                Registry::Python => package.name.to_ascii_lowercase().replace(['_', '.'], "-"),
                Registry::Node | Registry::Images | Registry::Deno | Registry::Go => package.name.to_owned(),
            };
            (name.clone(), nearly(&name, list), format!("/endpoint/args/{}", package.at))
        }
        Endpoint::Remote(remote) => {
            let Some(host) = super::surface::host(&remote.url) else { return };
            let host = host.trim_end_matches('.').to_ascii_lowercase();
            (host.clone(), nearly_host(&host), "/endpoint/url".to_owned())
        }
        Endpoint::Unknown => return,
    };
    let Some(known) = known else { return };
    hits.add(Severity::High, || Hit {
        confidence: Confidence::Medium,
        message: format!("is almost, but not quite, the well-known \"{known}\""),
        path,
        excerpt: Some(name),
    });
}

/// The well-known package that `name` nearly is.
fn nearly(name: &str, list: &[&'static str]) -> Option<&'static str> {
    if list.contains(&name) {
        return None;
    }
    let parts = |name: &str| name.rsplit_once('/').map(|(o, n)| (o.to_owned(), n.to_owned()));
    list.iter().copied().find(|known| match (parts(name), parts(known)) {
        (None, None) => slip(name, known),
        // What an owner calls its own is its own; the same name by another owner is a fork like many.
        (Some((owner, package)), Some((known_owner, known_package))) => {
            owner != known_owner
                && slip(&owner, &known_owner)
                && (package == known_package || slip(&package, &known_package))
        }
        // `@acme/server-files` without its owner, or the owner as a part of the name.
        (None, Some((owner, package))) => {
            let owner = owner.trim_start_matches('@');
            name == format!("{owner}-{package}")
                || name == format!("{owner}{package}")
                || name == format!("{owner}_{package}")
        }
        (Some(_), None) => false,
    })
}

/// The well-known host that `host` nearly is; `mcp.notion.com.example` is one, too.
fn nearly_host(host: &str) -> Option<&'static str> {
    if HOSTS.contains(&host) || host.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    let domain = |host: &str| host.split_once('.').map(|(_, domain)| domain.to_owned());
    HOSTS.iter().copied().find(|known| {
        let owner = |host: &str, known: &str| match (domain(host), domain(known)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        };
        // Another host of the same owner is the owner's.
        !owner(host, known)
            && (slip(host, known)
                || host.replace('-', ".") == *known
                || host.strip_prefix(known).is_some_and(|rest| rest.starts_with(['.', '-'])))
    })
}

/// Whether `name` is `known` but for one letter, or looks like it. Where short words differ, it is another word:
/// `time` is not `tide`.
fn slip(name: &str, known: &str) -> bool {
    let (a, b) = (Forms::of(name), Forms::of(known));
    if a.plain == b.plain {
        return false;
    }
    if a.bare == b.bare {
        return true;
    }
    let words =
        |s: &str| -> Vec<String> { s.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect() };
    let (ours, theirs) = (words(name), words(known));
    let long = match ours.len() == theirs.len() {
        true => ours.iter().zip(&theirs).filter(|(x, y)| x != y).all(|(_, y)| y.chars().count() >= 5),
        false => true,
    };
    // A number at the end is a version of it, by whomever.
    let numbered = a.plain.trim_end_matches(|c: char| c.is_ascii_digit()) == b.plain;
    long && !numbered && b.plain.len() >= 8 && one_edit(&a.plain, &b.plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_pen_are_told_from_other_names() {
        for (name, known) in [
            ("@modelcontextprotocoI/server-filesystem", "@modelcontextprotocol/server-filesystem"),
            ("@modelcontextprotocl/server-github", "@modelcontextprotocol/server-github"),
            ("@modelcontext-protocol1/server-memory", ""),
            ("modelcontextprotocol-server-filesystem", "@modelcontextprotocol/server-filesystem"),
            ("@playwrigth/mcp", "@playwright/mcp"),
            ("chrome-devtool-mcp", "chrome-devtools-mcp"),
            ("firecrawl-mpc", ""),
            ("firecraw1-mcp", "firecrawl-mcp"),
            ("figma-developper-mcp", "figma-developer-mcp"),
            ("@modelcontextprotocol/server-brave", ""),
            ("@acme/server-filesystem", ""),
            ("@playwright/mcp", ""),
            ("server-filesystem", ""),
            ("firecrawl-mcp2", ""),
        ] {
            assert_eq!(nearly(name, &NODE).unwrap_or_default(), known, "{name}");
        }
        for (name, known) in [
            ("mcp-server-fetsh", "mcp-server-fetch"),
            ("mcp-server-fetch", ""),
            ("mcp-server-tide", ""),
            ("mcp-server-gut", ""),
            ("mcp-server-sqlite3", ""),
        ] {
            assert_eq!(nearly(name, &PYTHON).unwrap_or_default(), known, "{name}");
        }
    }

    #[test]
    fn hosts_of_the_same_owner_are_the_owners() {
        for (host, known) in [
            ("mcp.nottion.com", "mcp.notion.com"),
            ("mcp-notion.com", "mcp.notion.com"),
            ("mcp.notion.com.tools.example", "mcp.notion.com"),
            ("api.gíthubcopilot.com", "api.githubcopilot.com"),
            ("mcp.notion.com", ""),
            ("mcp2.notion.com", ""),
            ("mcp.acme.example", ""),
            ("127.0.0.1", ""),
        ] {
            assert_eq!(nearly_host(host).unwrap_or_default(), known, "{host}");
        }
    }
}
