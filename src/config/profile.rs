//! Profiles: sets of defaults for a kind of surroundings, with the tuning guide's numbers. They are files like
//! any other settings, compiled in so that the program needs none of them beside it.

use super::layer::{self, Setting};
use super::{ConfigError, Environment, did_you_mean, yaml};
use crate::base::text::quote;

/// The variable that chooses a profile where `--profile` does not.
pub(crate) const VARIABLE: &str = "HAWKEYE_PROFILE";

/// One set of defaults.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    /// What it is called.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

/// All there are.
pub(crate) const PROFILES: [Profile; 5] = [
    Profile { name: "development", text: include_str!("../../config/profiles/development.yaml") },
    Profile { name: "production", text: include_str!("../../config/profiles/production.yaml") },
    Profile { name: "high_volume", text: include_str!("../../config/profiles/high_volume.yaml") },
    Profile { name: "high_performance", text: include_str!("../../config/profiles/high_performance.yaml") },
    Profile { name: "memory_optimized", text: include_str!("../../config/profiles/memory_optimized.yaml") },
];

/// The profile that the command line or else the environment names.
pub(crate) fn chosen(
    flag: Option<&str>,
    environment: &Environment,
) -> Result<Option<&'static Profile>, ConfigError> {
    let variable = environment.vars.get(VARIABLE).map(String::as_str).filter(|name| !name.is_empty());
    let Some((source, name)) = flag.map(|name| ("--profile", name)).or(variable.map(|name| (VARIABLE, name)))
    else {
        return Ok(None);
    };
    let names = || PROFILES.iter().map(|p| p.name);
    PROFILES.iter().find(|p| p.name == name).map(Some).ok_or_else(|| {
        // `prod` is too far from `production` for a slip, and still means it.
        let begun = names().find(|n| name.len() > 2 && n.starts_with(name));
        let meant = did_you_mean(begun.unwrap_or(name), names());
        let all = names().collect::<Vec<_>>().join(", ");
        ConfigError::bare(format!("{source}: no profile \"{}\"{meant}; there are {all}", quote(name, 60)))
    })
}

/// What `profile` sets.
pub(crate) fn settings(profile: &Profile) -> Result<Vec<Setting>, ConfigError> {
    let file = format!("profile {}", profile.name);
    let node = yaml::parse(&file, profile.text)?;
    let layer = layer::from_file(&file, &node, None);
    layer.errors.into_iter().next().map_or(Ok(layer.settings), Err)
}
