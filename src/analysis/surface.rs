//! How a server is reached, and what that gives away.

use crate::model::finding::{Confidence, Severity};
use crate::model::outcome::Posture;
use crate::model::target::{Command, Endpoint, Remote};

use super::Facts;
use super::hits::{Hit, Hits};

fn hit(message: String, field: &str, excerpt: String) -> Hit {
    let path = format!("/endpoint/{field}");
    Hit { confidence: Confidence::High, message, path, excerpt: Some(excerpt) }
}

/// The URL as it may be shown.
fn shown(facts: &Facts<'_>) -> String {
    facts.view.url.clone().unwrap_or_default()
}

fn remote<'a>(facts: &Facts<'a>) -> Option<&'a Remote> {
    match facts.endpoint {
        Endpoint::Remote(remote) => Some(remote),
        Endpoint::Stdio(_) | Endpoint::Unknown => None,
    }
}

/// Scheme, host and what stands before an `@`.
fn parts(url: &str) -> Option<(&str, &str, Option<&str>)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, authority),
    };
    let host = match place.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => place.split(':').next().unwrap_or(place),
    };
    Some((scheme, host, user))
}

/// The host of a URL.
pub(super) fn host(url: &str) -> Option<&str> {
    parts(url).map(|(_, host, _)| host)
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// HK-AUT-001
pub(super) fn unauthenticated(facts: &Facts<'_>, hits: &mut Hits<'_>) {
    let Some((_, host, _)) = remote(facts).and_then(|r| parts(&r.url)) else { return };
    if facts.posture != Posture::None {
        return;
    }
    let severity = match is_loopback(host) {
        true => Severity::Info,
        false if hits.capability() >= Some(Severity::Medium) => Severity::High,
        false => Severity::Medium,
    };
    hits.add(severity, || {
        let message = match severity {
            Severity::Info => "lists what it offers to every process of this machine that asks",
            Severity::High => "lists what it offers to everybody, and some of it is dangerous",
            Severity::Low | Severity::Medium | Severity::Critical => {
                "lists what it offers to everybody who asks"
            }
        };
        Hit {
            confidence: Confidence::High,
            message: message.to_owned(),
            path: "/auth/posture".to_owned(),
            excerpt: facts.view.url.clone(),
        }
    });
}

/// HK-AUT-002
pub(super) fn cleartext(facts: &Facts<'_>, hits: &mut Hits<'_>) {
    let Some(remote) = remote(facts) else { return };
    let Some((scheme, host, _)) = parts(&remote.url) else { return };
    if !scheme.eq_ignore_ascii_case("http") || is_loopback(host) {
        return;
    }
    let credentials = remote.has_credentials();
    let severity = if credentials { Severity::High } else { Severity::Medium };
    hits.add(severity, || {
        let message = match credentials {
            true => {
                "is asked over plain HTTP: everybody on the way can read the credentials and change the tools"
            }
            false => "is asked over plain HTTP: everybody on the way can change what its tools say",
        };
        hit(message.to_owned(), "url", shown(facts))
    });
}

/// HK-SEC-001, as far as a URL's user and password go.
pub(super) fn credentials_in_url(facts: &Facts<'_>, hits: &mut Hits<'_>) {
    let Some((_, host, Some(user))) = remote(facts).and_then(|r| parts(&r.url)) else { return };
    // What a variable brought in is not written down.
    if user.is_empty() || facts.expanded.iter().any(|s| s.reveal().len() > 2 && user.contains(s.reveal())) {
        return;
    }
    let severity = if is_loopback(host) { Severity::Low } else { Severity::High };
    hits.add(severity, || {
        let message = "has credentials in its URL, where logs and process lists show them".to_owned();
        hit(message, "url", shown(facts))
    });
}

/// HK-PIN-001
pub(super) fn unpinned(facts: &Facts<'_>, hits: &mut Hits<'_>) {
    let Endpoint::Stdio(command) = facts.endpoint else { return };
    if let Some((at, _, why)) = loose(command) {
        hits.add(Severity::Medium, || Hit {
            confidence: Confidence::High,
            message: format!("is started from a package that {why}: its code may change with every start"),
            path: format!("/endpoint/args/{at}"),
            excerpt: facts.view.args.as_ref().and_then(|args| args.get(at).cloned()),
        });
    }
}

/// The argument that names a package of no fixed version.
fn loose(command: &Command) -> Option<(usize, &str, &'static str)> {
    let args: Vec<&str> = command.args.iter().map(String::as_str).collect();
    let (at, kind) = package_argument(&command.program, &args)?;
    let package = *args.get(at)?;
    let why = match kind {
        Registry::Images => loose_image(package),
        Registry::Python => loose_python(package),
        Registry::Node => loose_node(package),
    }?;
    Some((at, package, why))
}

/// Where packages come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Registry {
    /// Container images.
    Images,
    /// Python packages.
    Python,
    /// Node packages.
    Node,
}

/// A package that a server is started from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Package<'a> {
    /// Where it comes from.
    pub(super) registry: Registry,
    /// Its name, without version.
    pub(super) name: &'a str,
    /// Which argument names it.
    pub(super) at: usize,
}

/// The package that a command line starts.
pub(super) fn package<'a>(program: &str, args: &[&'a str]) -> Option<Package<'a>> {
    let (at, registry) = package_argument(program, args)?;
    let whole = *args.get(at)?;
    if is_local(whole) || whole.contains("://") || whole.starts_with("git+") {
        return None;
    }
    let name = match registry {
        Registry::Images => {
            let image = whole.split('@').next().unwrap_or(whole);
            let tag = image.rfind(':').filter(|at| !image[*at..].contains('/'));
            tag.map_or(image, |at| &image[..at])
        }
        Registry::Python => whole.split(['=', '@', '[', '<', '>', '~', '!']).next().unwrap_or(whole),
        Registry::Node => {
            let version = whole.get(1..).and_then(|p| p.find('@')).map(|at| at + 1);
            version.map_or(whole, |at| &whole[..at])
        }
    };
    Some(Package { registry, name, at })
}

/// Which argument names the package that is fetched.
fn package_argument(program: &str, args: &[&str]) -> Option<(usize, Registry)> {
    let program = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let program = program.trim_end_matches(".exe").trim_end_matches(".cmd");
    // Options that take the next argument along.
    let (skip, valued): (usize, &[&str]) = match (program, args.first().copied()) {
        ("npx" | "bunx" | "pnpx", _) => (0, &["-p", "--package", "-c", "--call", "--registry"]),
        ("npm", Some("exec" | "x")) | ("pnpm" | "yarn", Some("dlx")) | ("bun", Some("x")) => (1, &[]),
        ("uvx", _) => (0, &["--python", "-p", "--with", "--index-url", "--index", "--directory"]),
        ("uv", Some("tool")) if args.get(1) == Some(&"run") => {
            (2, &["--python", "-p", "--with", "--index-url"])
        }
        ("pipx", Some("run")) => (1, &["--python", "--index-url"]),
        ("docker" | "podman", Some("run")) => (1, CONTAINER),
        _ => return None,
    };
    let python = matches!(program, "uvx" | "uv" | "pipx");
    // A package named by an option is what is fetched; the positional is then only the program in it.
    let option =
        args.iter().position(|a| matches!(*a, "--from" | "--spec" | "--package" | "-p")).filter(|at| {
            !matches!(program, "docker" | "podman") && (!python || matches!(args[*at], "--from" | "--spec"))
        });
    let at = match option {
        Some(at) => at + 1,
        None => positional(args, skip, valued)?,
    };
    let registry = match program {
        "docker" | "podman" => Registry::Images,
        _ if python => Registry::Python,
        _ => Registry::Node,
    };
    Some((at, registry))
}

const CONTAINER: &[&str] = &[
    "-e",
    "--env",
    "-v",
    "--volume",
    "-p",
    "--publish",
    "--name",
    "--network",
    "--net",
    "--mount",
    "-u",
    "--user",
    "-w",
    "--workdir",
    "--env-file",
    "--entrypoint",
    "-l",
    "--label",
    "--add-host",
    "-m",
    "--memory",
    "--cpus",
    "--platform",
    "--pull",
    "-h",
    "--hostname",
    "--tmpfs",
    "--cap-drop",
    "--cap-add",
    "--security-opt",
    "--gpus",
    "--restart",
    "--device",
    "--ulimit",
    "--user-ns",
];

fn positional(args: &[&str], skip: usize, valued: &[&str]) -> Option<usize> {
    let mut at = skip;
    while let Some(arg) = args.get(at) {
        match arg {
            arg if valued.contains(arg) => at += 2,
            arg if arg.starts_with('-') => at += 1,
            _ => return Some(at),
        }
    }
    None
}

/// Paths and archives of this machine are what they are.
fn is_local(package: &str) -> bool {
    package.starts_with(['.', '/', '~']) || package.starts_with("file:")
}

fn loose_node(package: &str) -> Option<&'static str> {
    if is_local(package) {
        return None;
    }
    if package.contains("://") || package.starts_with("github:") || package.starts_with("git+") {
        let commit = package.rsplit_once('#').is_some_and(|(_, c)| is_commit(c));
        return (!commit).then_some("follows a branch");
    }
    match package.get(1..).and_then(|p| p.rsplit_once('@')) {
        Some((_, version)) if is_version(version) => None,
        Some(_) => Some("has a tag or a range for a version"),
        None => Some("has no version"),
    }
}

fn loose_python(package: &str) -> Option<&'static str> {
    if is_local(package) || package.ends_with(".whl") && !package.contains("://") {
        return None;
    }
    if package.starts_with("git+") {
        let commit =
            package.rsplit_once('@').is_some_and(|(_, c)| is_commit(c.split('#').next().unwrap_or(c)));
        return (!commit).then_some("follows a branch");
    }
    match package.split_once("==").or_else(|| package.split_once('@')) {
        Some((_, version)) if is_version(version) => None,
        Some(_) => Some("has a tag or a range for a version"),
        None => Some("has no version"),
    }
}

fn loose_image(image: &str) -> Option<&'static str> {
    if image.contains("@sha256:") {
        return None;
    }
    match image.rsplit('/').next().and_then(|name| name.split_once(':')) {
        Some((_, "latest")) | None => Some("has no version"),
        Some(_) => None,
    }
}

fn is_version(version: &str) -> bool {
    version.starts_with(|c: char| c.is_ascii_digit())
        && version.contains('.')
        && !version.contains(['*', 'x', '>', '<', '|', ' '])
}

fn is_commit(name: &str) -> bool {
    (7..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_pinned_by_a_whole_version_only() {
        let loose_of = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let command =
                Command { program: words[0].clone(), args: words[1..].to_vec(), env: Vec::new(), cwd: None };
            loose(&command).map(|(_, package, _)| package.to_owned())
        };
        for (line, package) in [
            ("npx -y @acme/server", "@acme/server"),
            ("npx -y acme-server@latest --root /srv", "acme-server@latest"),
            ("/usr/bin/npx --package acme@^1.2.0 acme", "acme@^1.2.0"),
            ("npx github:acme/server", "github:acme/server"),
            ("uvx acme-server", "acme-server"),
            ("uvx --python 3.12 acme-server", "acme-server"),
            ("uvx --from acme-server acme", "acme-server"),
            ("uvx --from git+https://git.example/acme@main acme", "git+https://git.example/acme@main"),
            ("docker run -i --rm -e KEY acme/server", "acme/server"),
            (
                "docker run -i registry.example:5000/acme/server:latest",
                "registry.example:5000/acme/server:latest",
            ),
        ] {
            assert_eq!(loose_of(line).as_deref(), Some(package), "{line}");
        }
        for line in [
            "npx -y @acme/server@1.2.3",
            "npx ./server",
            "uvx acme-server==1.0.2",
            "uvx acme-server@1.0.2",
            "uvx --from git+https://git.example/acme@0123456789abcdef acme",
            "docker run -i --rm acme/server:1.4",
            "docker run -i acme/server@sha256:00ff",
            "node server.js",
            "npx",
            "docker ps",
        ] {
            assert_eq!(loose_of(line), None, "{line}");
        }
    }

    #[test]
    fn this_machine_is_told_from_others() {
        for host in
            ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "10.0.0.1", "::2", "127.0.0.1.example"] {
            assert!(!is_loopback(host), "{host}");
        }
        assert_eq!(parts("http://u:p@[::1]:8/x@y"), Some(("http", "::1", Some("u:p"))));
        assert_eq!(parts("https://h?x@y"), Some(("https", "h", None)));
    }
}
