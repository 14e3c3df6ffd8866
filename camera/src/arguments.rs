//! The order of arguments: options of the camera may stand before a command or behind it.

use std::ffi::OsString;

use conf::{Conf, ParseType, ProgramOption, Subcommands};

use crate::{
    command::{Command, KeyOptions, PublishOptions, ShareOptions, TokenOptions, ViewOptions},
    config::Config,
};

impl Command {
    /// The arguments with the camera's own options before the command, where the parser expects
    /// them. What the command has itself stays with it.
    pub(crate) fn after_options(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
        let mut arguments = arguments.into_iter();
        let camera = Options::of::<Config>();
        let mut first: Vec<_> = arguments.next().into_iter().collect();
        let mut behind = Vec::new();
        let mut own = None;
        while let Some(argument) = arguments.next() {
            let text = argument.to_string_lossy().into_owned();
            if text == "--" {
                behind.push(argument);
                break;
            }
            if own.is_none() && !text.starts_with('-') {
                own = Options::of_command(&text);
                behind.push(argument);
                if own.is_none() {
                    break;
                }
                continue;
            }
            let of_command = own.as_ref().and_then(|own| own.takes_value(&text));
            let of_camera = camera.takes_value(&text);
            let to = match (of_command, of_camera) {
                (None, Some(_)) => &mut first,
                // Also what is nobody's: the parser complains.
                _ if own.is_some() => &mut behind,
                _ => &mut first,
            };
            to.push(argument);
            if of_command.or(of_camera) == Some(true) {
                to.extend(arguments.next());
            }
        }
        first.into_iter().chain(behind).chain(arguments).collect()
    }
}

/// Which options there are.
struct Options(Vec<ProgramOption>);

impl Options {
    fn of<C: Conf>() -> Self {
        Self(C::PROGRAM_OPTIONS.iter().collect())
    }

    /// None if there is no such command.
    fn of_command(name: &str) -> Option<Self> {
        let exists = Command::get_subcommand_names().contains(&name);
        exists.then(|| match name {
            "publish" => Self::of::<PublishOptions>(),
            "view" => Self::of::<ViewOptions>(),
            "key" => Self::of::<KeyOptions>(),
            "token" => Self::of::<TokenOptions>(),
            "share" => Self::of::<ShareOptions>(),
            _ => Self(Vec::new()),
        })
    }

    /// Whether the next argument is the value of this option; None if it is none of these.
    fn takes_value(&self, argument: &str) -> Option<bool> {
        let argument = argument.strip_prefix("--")?;
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (argument, None),
        };
        let is_it = |option: &&ProgramOption| option.long_form.as_deref() == Some(name);
        let option = self.0.iter().find(is_it)?;
        Some(value.is_none() && option.parse_type != ParseType::Flag)
    }
}
