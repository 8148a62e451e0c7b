//! What is wrong with a command line, in words that help.

use crate::base::text::{nearest, quote};

use super::args::scan::STANDARD_INPUT;

/// argh's complaint in one line of ours, with the nearest of the `known` options and commands.
pub(super) fn complaint(output: &str, known: Vec<String>) -> String {
    let text = output.trim();
    if let Some(rest) = text.strip_prefix("Unrecognized argument: ") {
        let given = rest.split(". Did you mean").next().unwrap_or(rest).trim_matches('"');
        return unknown(given, known);
    }
    if let Some((option, rest)) =
        text.strip_prefix("Error parsing option '").and_then(|t| t.split_once("' with value '"))
        && let Some((value, why)) = rest.rsplit_once("': ")
    {
        let why = if why.starts_with("duplicate values") { "is given twice" } else { why };
        return format!("{option} {} {why}", quote(value, 80));
    }
    if let Some(option) = text.strip_prefix("No value provided for option '") {
        return format!("{} needs a value", option.trim_end_matches(['.', '\'']));
    }
    if text.contains("One of the following subcommands must be present") {
        let commands: Vec<String> = known.into_iter().filter(|w| !w.starts_with('-')).collect();
        return format!("a command is missing: one of {}", commands.join(", "));
    }
    let line = text.split('\n').map(str::trim).collect::<Vec<_>>().join(" ");
    line.replacen("Required positional arguments not provided:", "missing:", 1)
}

/// The complaint about a word that is none of the `known` ones.
fn unknown(given: &str, known: Vec<String>) -> String {
    let (options, commands): (Vec<String>, Vec<String>) = known.into_iter().partition(|w| w.starts_with('-'));
    let shown = quote(given, 80);
    match given.strip_prefix('-') {
        Some("") => STANDARD_INPUT.to_owned(),
        Some(_) => {
            // Dashes, which all of them share, would make strangers look alike.
            let names = options.iter().map(|o| o.trim_start_matches('-'));
            let meant = nearest(given.trim_start_matches('-'), names);
            format!(
                "unknown option {shown}{}",
                meant.map(|m| format!(" (did you mean --{m}?)")).unwrap_or_default()
            )
        }
        None if commands.is_empty() => format!("{shown} is one argument too many"),
        None => {
            let meant = nearest(given, commands.iter().map(String::as_str));
            let meant = meant.map(|m| format!(" (did you mean {m}?)")).unwrap_or_default();
            format!("unknown command {shown}{meant}; there are {}", commands.join(", "))
        }
    }
}
