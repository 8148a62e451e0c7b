//! `hawkeye rules`

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

use super::words::Shown;

/// Look at the rules that findings come from: hawkeye's own and those of the settings.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(
    subcommand,
    name = "rules",
    help_triggers("-h", "--help"),
    example = "{command_name} list\n\
               {command_name} list --config hawkeye.yaml\n\
               {command_name} explain HK-POI-003"
)]
pub(crate) struct Rules {
    /// what to do
    #[argh(subcommand)]
    pub command: RulesCommand,
}

/// What to do with rules.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub(crate) enum RulesCommand {
    /// `rules list`
    List(RulesList),
    /// `rules explain`
    Explain(RulesExplain),
}

/// Print all rules, a line each, also those that the settings switch off.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "list", help_triggers("-h", "--help"))]
pub(crate) struct RulesList {
    /// table or json (default: table)
    #[argh(option, arg_name = "format")]
    pub format: Option<Shown>,

    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,
}

/// Print what a rule finds, why that is bad, and what to do.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "explain", help_triggers("-h", "--help"))]
pub(crate) struct RulesExplain {
    /// the rule, as findings name it
    #[argh(positional, arg_name = "id")]
    pub id: String,

    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,
}
