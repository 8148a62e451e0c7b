//! `hawkeye config`: what the settings are, and whether a file is right.

use crate::cli::args::{Config, ConfigCommand};
use crate::config::{Environment, Overrides, check, check_text, commented_defaults, resolve, show_text};

use super::exit::Exit;
use super::{print, say};

pub(super) fn run(args: &Config) -> Exit {
    let environment = match Environment::of_process() {
        Ok(environment) => environment,
        Err(e) => return usage(&[e]),
    };
    match &args.command {
        ConfigCommand::Show(show) => {
            let (config, profile) = (show.config.clone(), show.profile.clone());
            let flags = Overrides { config, profile, ..Overrides::default() };
            match resolve(&flags, &environment) {
                Ok(resolved) => print(&show_text(&resolved)),
                Err(e) => usage(&[e]),
            }
        }
        ConfigCommand::Init(_) => print(&commented_defaults()),
        ConfigCommand::Check(file) => match check(&file.file, &environment) {
            Ok(checked) => print(&check_text(&checked)),
            Err(errors) => usage(&errors),
        },
    }
}

fn usage(errors: &[crate::config::ConfigError]) -> Exit {
    errors.iter().for_each(|e| say(&e.to_string()));
    Exit::Usage
}
