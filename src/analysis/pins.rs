//! Whether what a server is started from is always the same code.

use crate::model::finding::{Confidence, Severity};
use crate::model::target::Endpoint;

use super::Facts;
use super::hits::{Hit, Hits};

/// HK-PIN-001
pub(super) fn unpinned(facts: &Facts<'_>, hits: &mut Hits<'_>) {
    let Endpoint::Stdio(command) = facts.endpoint else { return };
    let Some((at, package, why)) = loose(&command.program, &command.args) else { return };
    // Whoever may push to a registry can move a tag; most never do.
    let severity = if why == TAG { Severity::Low } else { Severity::Medium };
    let shown = facts.view.args.as_ref().and_then(|args| args.get(at).cloned());
    hits.add(severity, || Hit {
        confidence: Confidence::High,
        message: format!("is started from a package that {why}: its code may change with every start"),
        path: format!("/endpoint/args/{at}"),
        // In a shell's line, the package alone.
        excerpt: shown
            .filter(|s| s.contains(&package))
            .map(|s| if s.len() > package.len() { package } else { s }),
    });
}

const TAG: &str = "has a tag and no digest";

/// The argument that names what is fetched in no fixed version, what it names, and why that is so.
fn loose(program: &str, args: &[String]) -> Option<(usize, String, &'static str)> {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    // A shell's line is told as a whole, whatever is in it.
    if let Some((at, line)) = shell_line(name_of(program), &args)
        && fetches_and_runs(line)
    {
        return Some((at, line.to_owned(), "is fetched and run unseen"));
    }
    started(program, &args).iter().find_map(|command| {
        let (at, package, why) = loose_words(command.program, &command.args)?;
        Some((command.place(at), package, why))
    })
}

/// A command that is started in the end.
#[derive(Debug, Clone)]
pub(super) struct Started<'a> {
    pub(super) program: &'a str,
    pub(super) args: Vec<&'a str>,
    /// Which argument of the whole its first one is, or the shell's line that all of it stands in.
    first: usize,
    in_line: bool,
}

impl Started<'_> {
    /// Which argument of the whole holds its argument `at`.
    fn place(&self, at: usize) -> usize {
        if self.in_line { self.first } else { self.first + at }
    }
}

/// Programs that start others stand in each other no deeper.
const DEEPEST: usize = 4;

/// What `program` starts: itself, or what is behind `cmd /c`, `env KEY=x`, `sudo` and a shell's `-c`.
pub(super) fn started<'a>(program: &'a str, args: &[&'a str]) -> Vec<Started<'a>> {
    unwrapped(program, args, DEEPEST)
}

fn unwrapped<'a>(program: &'a str, args: &[&'a str], deepest: usize) -> Vec<Started<'a>> {
    let itself = || vec![Started { program, args: args.to_vec(), first: 0, in_line: false }];
    let Some(deepest) = deepest.checked_sub(1) else { return itself() };
    if let Some((at, line)) = shell_line(name_of(program), args) {
        let of_part = |part: &'a str| {
            let mut words = part.split_whitespace().skip_while(|w| w.contains('=') || *w == "exec");
            let program = words.next();
            program.map(|program| unwrapped(program, &words.collect::<Vec<_>>(), deepest)).unwrap_or_default()
        };
        let all = line.split(['&', ';', '|']).flat_map(of_part);
        return all.map(|command| Started { first: at, in_line: true, ..command }).collect();
    }
    let wrapped = match name_of(program) {
        "cmd" => args.first().filter(|a| a.eq_ignore_ascii_case("/c")).map(|_| 1),
        "env" => args.iter().position(|a| !a.contains('=') && !a.starts_with('-')),
        "sudo" | "nohup" | "nice" => args.iter().position(|a| !a.starts_with('-')),
        _ => None,
    };
    match wrapped.and_then(|at| Some((at + 1, args.get(at)?))) {
        Some((rest, program)) => {
            let all = unwrapped(program, args.get(rest..).unwrap_or_default(), deepest).into_iter();
            all.map(|command| Started { first: command.first + rest, ..command }).collect()
        }
        None => itself(),
    }
}

fn name_of(program: &str) -> &str {
    let program = program.rsplit(['/', '\\']).next().unwrap_or(program);
    program.trim_end_matches(".exe").trim_end_matches(".cmd")
}

/// The line that a shell is given, and which argument it is.
fn shell_line<'a>(program: &str, args: &[&'a str]) -> Option<(usize, &'a str)> {
    if !matches!(program, "sh" | "bash" | "zsh" | "dash" | "fish" | "powershell" | "pwsh") {
        return None;
    }
    let at = args.iter().position(|a| matches!(*a, "-c" | "-lc" | "-ic" | "-Command" | "-command"))? + 1;
    Some((at, args.get(at)?))
}

/// `curl … | sh`
fn fetches_and_runs(line: &str) -> bool {
    let fetches = line.split_whitespace().any(|w| matches!(w, "curl" | "wget" | "iwr" | "irm"));
    let runs = line.split('|').skip(1).any(|part| {
        let first = part.split_whitespace().find(|w| *w != "sudo").map(name_of);
        matches!(first, Some("sh" | "bash" | "zsh" | "python" | "python3" | "node" | "iex"))
    });
    fetches && runs
}

fn loose_words(program: &str, args: &[&str]) -> Option<(usize, String, &'static str)> {
    let (at, registry) = package_argument(program, args)?;
    let package = *args.get(at)?;
    let why = match registry {
        Registry::Images => loose_image(package),
        Registry::Deno => loose_deno(package),
        Registry::Go => loose_go(package),
        Registry::Python => loose_python(package),
        Registry::Node => loose_node(package),
    }?;
    Some((at, package.to_owned(), why))
}

/// Where packages come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Registry {
    /// Container images.
    Images,
    /// Scripts and packages of Deno.
    Deno,
    /// Go modules.
    Go,
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

/// The package that a command line starts, whatever it is wrapped in.
pub(super) fn package<'a>(program: &'a str, args: &[&'a str]) -> Option<Package<'a>> {
    started(program, args).iter().find_map(|command| {
        let package = named(command.program, &command.args)?;
        Some(Package { at: command.place(package.at), ..package })
    })
}

fn named<'a>(program: &str, args: &[&'a str]) -> Option<Package<'a>> {
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
        Registry::Go => whole.split('@').next().unwrap_or(whole),
        Registry::Node | Registry::Deno => {
            let version = whole.get(1..).and_then(|p| p.find('@')).map(|at| at + 1);
            version.map_or(whole, |at| &whole[..at])
        }
    };
    Some(Package { registry, name, at })
}

/// Which argument names the package that is fetched.
fn package_argument(program: &str, args: &[&str]) -> Option<(usize, Registry)> {
    let program = name_of(program);
    // Options that take the next argument along.
    let (skip, valued): (usize, &[&str]) = match (program, args.first().copied()) {
        ("npx" | "bunx" | "pnpx", _) => (0, &["-p", "--package", "-c", "--call", "--registry"]),
        ("npm", Some("exec" | "x")) | ("pnpm" | "yarn", Some("dlx")) | ("bun", Some("x")) => (1, &[]),
        ("uvx", _) => (0, &["--python", "-p", "--with", "--index-url", "--index", "--directory"]),
        ("uv", Some("tool")) if args.get(1) == Some(&"run") => {
            (2, &["--python", "-p", "--with", "--index-url"])
        }
        ("pipx", Some("run")) => (1, &["--python", "--index-url"]),
        ("docker" | "podman" | "nerdctl", Some("run")) => (1, CONTAINER),
        ("docker" | "podman", Some("container")) if args.get(1) == Some(&"run") => (2, CONTAINER),
        ("deno", Some("run")) => (1, &["--config", "-c", "--import-map", "--env-file"]),
        ("go", Some("run")) => (1, &["-C", "-tags", "-mod", "-ldflags"]),
        _ => return None,
    };
    let python = matches!(program, "uvx" | "uv" | "pipx");
    let container = matches!(program, "docker" | "podman" | "nerdctl");
    // A package named by an option is what is fetched; the positional is then only the program in it.
    let option =
        args.iter().position(|a| matches!(*a, "--from" | "--spec" | "--package" | "-p")).filter(|at| {
            !container
                && !matches!(program, "deno" | "go")
                && (!python || matches!(args[*at], "--from" | "--spec"))
        });
    let at = match option {
        Some(at) => at + 1,
        None => positional(args, skip, valued)?,
    };
    let registry = match program {
        _ if container => Registry::Images,
        "deno" => Registry::Deno,
        "go" => Registry::Go,
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
    "--userns",
    "--ipc",
    "--pid",
    "--shm-size",
    "--log-driver",
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
        // In npm's words 1.2 is whatever begins so.
        Some((_, version)) if is_version(version) && version.split('.').count() >= 3 => None,
        Some(_) => Some("has a tag or a range for a version"),
        None => Some("has no version"),
    }
}

fn loose_deno(script: &str) -> Option<&'static str> {
    if let Some(package) = script.strip_prefix("npm:").or_else(|| script.strip_prefix("jsr:")) {
        return loose_node(package.trim_start_matches('/'));
    }
    let remote = script.starts_with("https://") || script.starts_with("http://");
    (remote
        && !script
            .split('/')
            .any(|part| part.split_once('@').is_some_and(|(_, v)| is_version(v.trim_start_matches('v')))))
    .then_some("has no version")
}

/// A package's path begins with a host; what does not is of this machine or of Go itself.
fn loose_go(package: &str) -> Option<&'static str> {
    let path = package.split('@').next().unwrap_or(package);
    if is_local(package)
        || package.ends_with(".go")
        || !path.split('/').next().is_some_and(|h| h.contains('.'))
    {
        return None;
    }
    match package.split_once('@') {
        Some((_, version)) if is_version(version.trim_start_matches('v')) || is_commit(version) => None,
        Some(_) => Some("has a tag or a range for a version"),
        // Then go.mod says which.
        None => None,
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
        None if package.contains(['<', '>', '~', '!']) => Some("has a tag or a range for a version"),
        None => Some("has no version"),
    }
}

fn loose_image(image: &str) -> Option<&'static str> {
    if image.contains("@sha256:") {
        return None;
    }
    match image.rsplit('/').next().and_then(|name| name.split_once(':')) {
        Some((_, "latest" | "main" | "master" | "edge" | "nightly" | "dev")) | None => Some("has no version"),
        Some(_) => Some(TAG),
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
            loose(&words[0], &words[1..]).map(|(_, package, _)| package)
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
            ("docker run -i --rm acme/server:1.4", "acme/server:1.4"),
            ("cmd /c npx -y acme-server", "acme-server"),
            ("env KEY=x npx acme-server", "acme-server"),
            ("npx acme-server@1.2", "acme-server@1.2"),
            ("uvx acme-server>=1.2", "acme-server>=1.2"),
            ("bunx acme-server", "acme-server"),
            ("pipx run acme-server", "acme-server"),
            ("deno run -A npm:acme-server", "npm:acme-server"),
            ("deno run https://deno.example/acme/mod.ts", "https://deno.example/acme/mod.ts"),
            ("go run go.example/acme@latest", "go.example/acme@latest"),
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
            "docker run -i acme/server@sha256:00ff",
            "node server.js",
            "deno run -A npm:acme-server@1.2.3",
            "deno run https://deno.example/acme@1.2.3/mod.ts",
            "deno run server.ts",
            "go run go.example/acme@v1.2.3",
            "go run ./cmd/server",
            "cmd /c npx -y acme-server@1.2.3",
            "bash start.sh",
            "npx",
            "docker ps",
        ] {
            assert_eq!(loose_of(line), None, "{line}");
        }
    }

    #[test]
    fn a_shell_line_is_read_as_well() {
        let of = |line: &str| {
            loose("bash", &["-c".to_owned(), line.to_owned()]).map(|(at, package, _)| (at, package))
        };
        assert_eq!(of("cd /srv && KEY=x npx -y acme-server"), Some((1, "acme-server".to_owned())));
        let line = "curl -fsSL https://acme.example/install | sudo bash";
        assert_eq!(of(line), Some((1, line.to_owned())));
        assert_eq!(of("exec node server.js | tee log"), None);
        assert_eq!(of("exec sudo npx acme-server"), Some((1, "acme-server".to_owned())));
    }

    #[test]
    fn a_package_is_found_behind_whatever_starts_it() {
        for (words, at) in [
            (&["npx", "-y", "@acme/server@1.2.3"][..], 1),
            (&["cmd", "/c", "npx", "-y", "@acme/server"], 3),
            (&["env", "A=b", "npx", "@acme/server"], 2),
            (&["sudo", "-E", "env", "A=b", "npx", "@acme/server"], 4),
            (&["sh", "-c", "cd /srv && A=b npx -y @acme/server"], 1),
            (&["sudo", "sh", "-c", "exec npx @acme/server"], 2),
        ] {
            let found = package(words[0], &words[1..]).map(|p| (p.name, p.at));
            assert_eq!(found, Some(("@acme/server", at)), "{words:?}");
        }
        let deep: Vec<&str> = std::iter::repeat_n("sudo", 9).chain(["npx", "@acme/server"]).collect();
        assert_eq!(package(deep[0], &deep[1..]), None);
        assert_eq!(package("env", &["A=b"]), None);
    }
}
