//! What a server asks of its callers, read from challenges and metadata as facts. Nothing here logs in.

use serde_json::Value;

use super::origin;
use crate::base::text::quote;
use crate::model::outcome::{Auth, Posture};

/// One challenge of `WWW-Authenticate` (RFC 9110, section 11.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// As sent.
    pub scheme: String,
    /// Names in lower case.
    pub params: Vec<(String, String)>,
}

impl Challenge {
    /// The parameter `name`, in lower case.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Reads every challenge of one header line: several schemes, quoted strings with escapes and commas.
pub fn challenges(line: &str) -> Vec<Challenge> {
    let mut all: Vec<Challenge> = Vec::new();
    let mut rest = line.trim_start_matches([',', ' ', '\t']);
    while !rest.is_empty() && all.len() < 16 {
        let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let after_space = after.trim_start_matches([' ', '\t']);
        if word.is_empty() {
            // Not what the grammar allows here: step over it.
            let skip = rest.chars().next().map_or(1, char::len_utf8);
            rest = rest[skip..].trim_start_matches([',', ' ', '\t']);
            continue;
        }
        let value = after_space.strip_prefix('=').map(|v| v.trim_start_matches([' ', '\t']));
        rest = match (value, all.last_mut()) {
            (Some(value), Some(challenge)) if !value.starts_with('=') => {
                let (value, tail) = param_value(value);
                challenge.params.push((word.to_ascii_lowercase(), value));
                tail
            }
            _ => {
                all.push(Challenge { scheme: word.to_owned(), params: Vec::new() });
                after_space
            }
        };
        rest = rest.trim_start_matches([',', ' ', '\t']);
    }
    all
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn param_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    (value, "")
}

/// The posture that a refusal alone shows, and where more may be read.
pub fn from_refusal(status: u16, authenticate: &[String]) -> (Auth, Option<String>) {
    let all: Vec<Challenge> = authenticate.iter().take(16).flat_map(|l| challenges(l)).collect();
    let metadata = all.iter().find_map(|c| c.param("resource_metadata")).map(str::to_owned);
    let scopes = all.iter().find_map(|c| c.param("scope"));
    let auth = Auth {
        posture: if status == 403 { Posture::Forbidden } else { Posture::Bearer },
        challenges: all.iter().map(describe).collect(),
        scopes: scopes.into_iter().flat_map(|s| s.split(' ')).map(|s| quote(s, 80)).collect(),
        ..Auth::default()
    };
    (auth, metadata)
}

fn describe(c: &Challenge) -> String {
    let params: Vec<String> = c.params.iter().map(|(n, v)| format!("{n}=\"{v}\"")).collect();
    quote(format!("{} {}", c.scheme, params.join(", ")).trim_end(), 500)
}

/// Where protected-resource metadata (RFC 9728) of `url` may be: the challenge's word, else the well-known
/// places, path first.
pub fn resource_metadata_urls(url: &str, from_challenge: Option<&str>) -> Vec<String> {
    if let Some(named) = from_challenge {
        return vec![named.to_owned()];
    }
    well_known(url, "oauth-protected-resource")
}

/// Where metadata of the authorization server `issuer` may be (RFC 8414, OpenID Connect Discovery).
pub fn issuer_metadata_urls(issuer: &str) -> Vec<String> {
    let mut urls = well_known(issuer, "oauth-authorization-server");
    urls.truncate(1);
    urls.extend(well_known(issuer, "openid-configuration").into_iter().take(1));
    if let Some((origin, path)) = origin::split(issuer)
        && !bare(path).is_empty()
    {
        urls.push(format!("{origin}{}/.well-known/openid-configuration", bare(path)));
    }
    urls
}

fn well_known(url: &str, name: &str) -> Vec<String> {
    let Some((origin, path)) = origin::split(url) else { return Vec::new() };
    let root = format!("{origin}/.well-known/{name}");
    match bare(path) {
        "" => vec![root],
        path => vec![format!("{root}{path}"), root],
    }
}

fn bare(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/')
}

/// What is wrong with metadata, as a fact of [`Auth`] tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is about another resource.
    OtherResource,
    /// It names no resource.
    NoResource,
    /// It names nobody to get a token from.
    NoServer,
    /// An authorization server calls itself another.
    OtherIssuer,
    /// An authorization server without PKCE.
    NoPkce,
    /// It is named and not to be had.
    Unread,
}

const OTHER_RESOURCE: &str = ", not the URL asked";
const NO_RESOURCE: &str = "resource metadata names no resource";
const NO_SERVER: &str = "resource metadata names no authorization server";
const OTHER_ISSUER: &str = "metadata names another issuer, ";
const NO_PKCE: &str = "no PKCE S256; clients must refuse";
/// How a fact ends about metadata of an issuer that was not to be had.
pub const UNREAD: &str = ": metadata not read";

/// What a fact says is wrong; nothing where it only says how it is.
pub(crate) fn fault(fact: &str) -> Option<Fault> {
    // Texts of the server stand within; what is ours stands at the end or between.
    Some(match fact {
        NO_RESOURCE => Fault::NoResource,
        NO_SERVER => Fault::NoServer,
        f if f.starts_with("resource is ") && f.ends_with(OTHER_RESOURCE) => Fault::OtherResource,
        f if f.contains(OTHER_ISSUER) && f.ends_with("; discarded") => Fault::OtherIssuer,
        f if f.ends_with(NO_PKCE) => Fault::NoPkce,
        f if f.ends_with(UNREAD) || f.starts_with("resource metadata http") => Fault::Unread,
        _ => return None,
    })
}

/// Adds what protected-resource metadata says; the issuers it names, for further reading.
pub fn read_resource_metadata(auth: &mut Auth, from: &str, asked: &str, body: &[u8]) -> Vec<String> {
    let Ok(doc) = serde_json::from_slice::<Value>(body) else { return Vec::new() };
    let issuers = strings(&doc["authorization_servers"]);
    if !doc.is_object() || (issuers.is_empty() && doc["resource"].is_null()) {
        return Vec::new();
    }
    if auth.posture != Posture::Forbidden {
        auth.posture = Posture::Oauth;
    }
    auth.resource_metadata = Some(quote(from, 500));
    if auth.scopes.is_empty() {
        auth.scopes = strings(&doc["scopes_supported"]).iter().map(|s| quote(s, 80)).collect();
    }
    match doc["resource"].as_str() {
        Some(resource) if resource.trim_end_matches('/') != asked.trim_end_matches('/') => {
            auth.facts.push(format!("resource is {}{OTHER_RESOURCE}", quote(resource, 300)));
        }
        Some(_) => {}
        None => auth.facts.push(NO_RESOURCE.into()),
    }
    if issuers.is_empty() {
        auth.facts.push(NO_SERVER.into());
    }
    let methods = strings(&doc["bearer_methods_supported"]);
    if !methods.is_empty() {
        auth.facts.push(format!("bearer methods: {}", quote(&methods.join(" "), 100)));
    }
    if doc["dpop_bound_access_tokens_required"] == true {
        auth.facts.push("DPoP-bound tokens required".into());
    }
    auth.authorization_servers = issuers.iter().map(|i| quote(i, 300)).collect();
    issuers
}

/// Adds what an authorization server says of itself; false if this is not its metadata.
pub fn read_issuer_metadata(auth: &mut Auth, issuer: &str, body: &[u8]) -> bool {
    let Ok(doc) = serde_json::from_slice::<Value>(body) else { return false };
    let Some(named) = doc["issuer"].as_str() else { return false };
    let shown = quote(issuer, 200);
    if named.trim_end_matches('/') != issuer.trim_end_matches('/') {
        auth.facts.push(format!("{shown}: {OTHER_ISSUER}{}; discarded", quote(named, 200)));
        return true;
    }
    if doc["registration_endpoint"].is_string() {
        auth.facts.push(format!("{shown}: open dynamic client registration"));
    }
    let pkce = strings(&doc["code_challenge_methods_supported"]);
    auth.facts.push(match pkce.iter().any(|m| m == "S256") {
        true => format!("{shown}: PKCE S256"),
        false => format!("{shown}: {NO_PKCE}"),
    });
    let grants = strings(&doc["grant_types_supported"]);
    if !grants.is_empty() {
        auth.facts.push(format!("{shown}: grants {}", quote(&grants.join(" "), 200)));
    }
    if doc["client_id_metadata_document_supported"] == true {
        auth.facts.push(format!("{shown}: client id metadata documents"));
    }
    true
}

fn strings(v: &Value) -> Vec<String> {
    let all = v.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().take(32).filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_with_quotes_commas_and_several_schemes() {
        let got = challenges(
            r#"Basic realm="a, \"b\"", Bearer error="x",resource_metadata = "https://h/m" , Negotiate"#,
        );
        let shown: Vec<String> = got.iter().map(describe).collect();
        assert_eq!(
            shown,
            [r#"Basic realm="a, "b"""#, r#"Bearer error="x", resource_metadata="https://h/m""#, "Negotiate"]
        );
        assert_eq!(got[1].param("resource_metadata"), Some("https://h/m"));
        for junk in ["", ",,,", "=", "\"", "Bearer realm=\"open", "ü Bearer", "a=b=c"] {
            let _ = challenges(junk);
        }
        assert_eq!(challenges("Negotiate dG9rZW4=").len(), 1);
    }

    #[test]
    fn well_known_places_in_the_order_of_the_specification() {
        assert_eq!(
            resource_metadata_urls("https://h/a/mcp?x", None),
            [
                "https://h/.well-known/oauth-protected-resource/a/mcp",
                "https://h/.well-known/oauth-protected-resource"
            ]
        );
        assert_eq!(
            issuer_metadata_urls("https://as/t1"),
            [
                "https://as/.well-known/oauth-authorization-server/t1",
                "https://as/.well-known/openid-configuration/t1",
                "https://as/t1/.well-known/openid-configuration"
            ]
        );
        assert_eq!(issuer_metadata_urls("https://as").len(), 2);
    }

    #[test]
    fn metadata_becomes_facts() {
        let (mut auth, _) = from_refusal(401, &["Bearer".into()]);
        let doc = br#"{"resource":"https://other/","authorization_servers":["https://as"],"scopes_supported":["a"]}"#;
        assert_eq!(read_resource_metadata(&mut auth, "https://h/m", "https://h/mcp", doc), ["https://as"]);
        assert_eq!(auth.posture, Posture::Oauth);
        assert_eq!(auth.facts, ["resource is https://other/, not the URL asked"]);
        assert_eq!(fault(&auth.facts[0]), Some(Fault::OtherResource));
        assert!(read_issuer_metadata(
            &mut auth,
            "https://as",
            br#"{"issuer":"https://as","registration_endpoint":"x"}"#
        ));
        assert!(auth.facts.iter().any(|f| f.contains("open dynamic client registration")));
        assert!(auth.facts.iter().any(|f| f.contains("no PKCE")));
    }
}
