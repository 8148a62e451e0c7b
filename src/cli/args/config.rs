//! `hawkeye config`

use std::path::PathBuf;

use argh::{ArgsInfo, FromArgs};

/// Look at settings.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "config", help_triggers("-h", "--help"))]
pub(crate) struct Config {
    /// what to do
    #[argh(subcommand)]
    pub command: ConfigCommand,
}

/// What to do with settings.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand)]
pub(crate) enum ConfigCommand {
    /// `config show`
    Show(ConfigShow),
    /// `config check`
    Check(ConfigCheck),
    /// `config init`
    Init(ConfigInit),
}

/// Print a settings file that says what the defaults say, every key with its meaning.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "init", help_triggers("-h", "--help"))]
pub(crate) struct ConfigInit {}

/// Print every setting, its value, and who set it.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "show", help_triggers("-h", "--help"))]
pub(crate) struct ConfigShow {
    /// settings file, read after those in /etc/hawkeye and ~/.hawkeye
    #[argh(option, arg_name = "file")]
    pub config: Option<PathBuf>,

    /// other defaults: development, production, high_volume, high_performance or memory_optimized
    #[argh(option, arg_name = "name")]
    pub profile: Option<String>,
}

/// Name every mistake in a settings file or a file of servers, with line and column. Runs nothing.
#[derive(Debug, PartialEq, FromArgs, ArgsInfo)]
#[argh(subcommand, name = "check", help_triggers("-h", "--help"))]
pub(crate) struct ConfigCheck {
    /// the file
    #[argh(positional, arg_name = "file")]
    pub file: PathBuf,
}
