//! `obhut.toml`: the options of `obhut serve` in a file, each under its name.
//!
//! What the command line or the environment says counts before the file. The file's options are
//! added to the command line before it is read, so that each is checked as if it had been typed.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use serde_json::json;

use crate::app_context::{self, AppContext};
use crate::args::{Args, ConfigCommand};
use crate::hints::usage;
use crate::input;
use crate::output::Output;

/// Longest configuration file, in bytes. Our judgement.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// The file's name in the data folder.
const NAME: &str = "obhut.toml";
/// The one option of all commands that the file may have, too.
const DATABASE: &str = "database";
/// Commands that open no data folder of their own.
const OF_NO_DATA: [&str; 5] = ["demo", "testserver", "completions", "config", "help"];
/// Options that make no sense in the file.
const NOT_IN_FILE: [&str; 2] = ["config", "help"];

/// Reads the command line, and for `obhut serve` the configuration file.
///
/// # Errors
/// A file that can't be read, or says something that `obhut serve` doesn't know. A wrong command
/// line ends the process with its message.
pub fn parse() -> anyhow::Result<Args> {
    let mut typed: Vec<OsString> = std::env::args_os().collect();
    // Leniently: what is missing may be in the file. Help and version end here.
    let lenient = Args::command().ignore_errors(true);
    if let Ok(matches) = lenient.try_get_matches_from(&typed)
        && let Some((name, command)) = matches.subcommand()
        && !OF_NO_DATA.contains(&name)
    {
        let serve = (name == "serve").then_some(command);
        if let Some(file) = file_of(&matches, serve)? {
            let given = |id: &str| {
                let of = if id == DATABASE {
                    Some(&matches)
                } else {
                    serve
                };
                // A default was given by no one.
                let source = of.and_then(|of| of.value_source(id));
                // Other commands need only where the data are.
                of.is_none() || source.is_some_and(|source| source != ValueSource::DefaultValue)
            };
            // The database's option belongs to all commands, and goes first: what follows `--` is
            // no option.
            let (shared, own): (Vec<_>, Vec<_>) = options(&file, given)?
                .into_iter()
                .partition(|option| is_of(option, DATABASE));
            typed.splice(1..1, shared);
            typed.extend(own);
        }
    }
    let matches = Args::command().get_matches_from(typed);
    Ok(Args::from_arg_matches(&matches).unwrap_or_else(|e| e.exit()))
}

/// True if what is typed is this option.
fn is_of(typed: &OsStr, option: &str) -> bool {
    let typed = typed.to_string_lossy();
    let name = typed.strip_prefix("--").and_then(|t| t.split('=').next());
    name == Some(option)
}

/// The file that was named, or that of the data folder if there is one.
fn file_of(all: &ArgMatches, serve: Option<&ArgMatches>) -> anyhow::Result<Option<PathBuf>> {
    if let Some(named) = serve.and_then(|serve| serve.get_one::<PathBuf>("config")) {
        return Ok(Some(named.clone()));
    }
    let data = all.get_one::<PathBuf>("data").cloned();
    // A system without a default folder has no file in it.
    Ok(app_context::folder_or_default(data)
        .ok()
        .and_then(|folder| in_folder(&folder)))
}

/// The file of a data folder, if there is one. A link that leads nowhere is one: what it should lead
/// to may be mounted late.
fn in_folder(folder: &Path) -> Option<PathBuf> {
    let file = folder.join(NAME);
    file.symlink_metadata().is_ok().then_some(file)
}

/// The options of the file that weren't `given` elsewhere, as they would be typed.
fn options(file: &Path, given: impl Fn(&str) -> bool) -> anyhow::Result<Vec<OsString>> {
    let bytes = input::read(file, FILE_BYTES_MAX)?;
    let text = String::from_utf8(bytes).ok();
    let text = text.with_context(|| format!("{} isn't UTF-8", file.display()))?;
    let table: toml::Table = text
        .parse()
        // Not the error's own text: it quotes the line, which may have a password in it.
        .map_err(|e: toml::de::Error| {
            let at = e.span().map_or(0, |span| span.start);
            let line = 1 + text.as_bytes()[..at.min(text.len())]
                .iter()
                .filter(|b| **b == b'\n')
                .count();
            usage!("{}: line {line}: {}", file.display(), e.message())
        })?;
    let known = known();
    let mut all = Vec::new();
    for (name, value) in &table {
        let Some(arg) = known.iter().find(|arg| arg.get_long() == Some(name)) else {
            let names: BTreeSet<_> = known.iter().filter_map(|arg| arg.get_long()).collect();
            let names: Vec<_> = names.into_iter().collect();
            anyhow::bail!(usage!(
                "{}: there is no option {name:?}; there are {}",
                file.display(),
                names.join(", ")
            ));
        };
        if given(arg.get_id().as_str()) {
            continue;
        }
        let option = typed(arg, name, value);
        all.extend(option.map_err(|why| usage!("{}: {name} {why}", file.display()))?);
    }
    Ok(all)
}

/// An option as it would be typed.
fn typed(arg: &Arg, name: &str, value: &toml::Value) -> Result<Vec<OsString>, &'static str> {
    use toml::Value;

    let takes_value = arg.get_action().takes_values();
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Integer(n) => Ok(n.to_string()),
        Value::Float(x) => Ok(x.to_string()),
        _ => Err("is a text in quotes or a number"),
    };
    match value {
        Value::Boolean(on) if !takes_value => Ok(match on {
            true => vec![format!("--{name}").into()],
            false => Vec::new(),
        }),
        _ if !takes_value => Err("is true or false"),
        Value::Array(values) if matches!(arg.get_action(), ArgAction::Append) => values
            .iter()
            .map(|value| Ok(format!("--{name}={}", one(value)?).into()))
            .collect(),
        Value::Array(_) => Err("has one value, without brackets"),
        value => Ok(vec![format!("--{name}={}", one(value)?).into()]),
    }
}

/// The options that the file may have.
fn known() -> Vec<Arg> {
    let all = Args::command();
    let serve = all
        .find_subcommand("serve")
        .expect("there is such a command");
    let own = serve.get_arguments();
    let shared = all.get_arguments().filter(|arg| arg.get_id() == DATABASE);
    let options = own.chain(shared).filter(|arg| {
        let is_option = arg.get_long().is_some();
        is_option && !NOT_IN_FILE.contains(&arg.get_id().as_str())
    });
    options.cloned().collect()
}

/// `obhut config show`.
pub fn run(
    command: ConfigCommand,
    context: &AppContext,
    output: &Output,
) -> anyhow::Result<ExitCode> {
    let ConfigCommand::Show { config } = command;
    let file = match config {
        Some(named) => Some(named),
        None => in_folder(&context.folder()?),
    };
    // What is not in the file comes from the environment or the defaults.
    let alone = serve_matches(Vec::new())?;
    let from_environment = |id: &str| source(&alone, id) == Some(ValueSource::EnvVariable);
    // Not read for options of the environment: those count first.
    let of_file = match &file {
        Some(file) => options(file, from_environment)?,
        None => Vec::new(),
    };
    let matches = serve_matches(of_file)?;
    for arg in known() {
        let (id, name) = (arg.get_id().as_str(), arg.get_long().unwrap_or_default());
        let of = of(&matches, id);
        let source = match source(&matches, id) {
            Some(ValueSource::EnvVariable) => "environment".to_owned(),
            Some(ValueSource::CommandLine) => {
                let file = file.as_deref().unwrap_or(Path::new(NAME));
                file.display().to_string()
            }
            _ => "default".to_owned(),
        };
        let values: Vec<String> = of
            .get_raw(id)
            .into_iter()
            .flatten()
            .map(|value: &OsStr| without_secrets(name, &value.to_string_lossy()))
            .collect();
        output.line(
            || json!({ "option": name, "value": values.clone(), "source": source }),
            || format!("{name:<16} {:<40} {source}", values.join(", ")),
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

fn of<'a>(matches: &'a ArgMatches, id: &str) -> &'a ArgMatches {
    match id {
        DATABASE => matches,
        _ => matches.subcommand_matches("serve").unwrap_or(matches),
    }
}

fn source(matches: &ArgMatches, id: &str) -> Option<ValueSource> {
    of(matches, id).value_source(id)
}

/// What `obhut serve` with these options would read.
fn serve_matches(options: Vec<OsString>) -> anyhow::Result<ArgMatches> {
    let mut typed: Vec<OsString> = vec!["obhut".into(), "serve".into()];
    typed.extend(options);
    let command: Command = Args::command();
    let matches = command.try_get_matches_from(typed);
    Ok(matches.map_err(|e| usage!("{}", e.render()))?)
}

/// An address without what may be secret in it: a password, and what follows `?`.
fn without_secrets(option: &str, value: &str) -> String {
    let Ok(mut url) = url::Url::parse(value) else {
        return match option {
            DATABASE => "(set; not an address)".to_owned(),
            _ => value.to_owned(),
        };
    };
    if url.password().is_some() {
        let _ = url.set_password(Some("***"));
    }
    if url.query().is_some() {
        url.set_query(Some("***"));
    }
    // A socket's address parses as one of a scheme.
    match url.has_host() {
        true => url.to_string(),
        false => value.to_owned(),
    }
}
