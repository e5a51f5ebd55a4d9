//! Checks the documents against the command line: the command reference must equal the one that is
//! generated from `args`, and `args` must accept every command in code blocks of the README, docs/
//! and docs/guides/.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory as _, Parser as _};

use crate::args::Args;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The reference, from the same texts as `--help`.
fn reference() -> String {
    let mut command = Args::command();
    // clap copies global options into subcommands only when the command is built.
    command.build();
    let mut text = String::from(
        "# Commands\n\nGenerated from the command line itself by `cargo xtask docs`.\n\n\
         Options of every command:\n\n",
    );
    let global: Vec<_> = command
        .get_arguments()
        .filter(|a| a.is_global_set())
        .collect();
    for argument in global {
        let _ = writeln!(text, "- {}", line(argument));
    }
    for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
        describe(sub, "obhut", 2, &mut text);
    }
    text
}

fn describe(command: &Command, above: &str, level: usize, text: &mut String) {
    let name = format!("{above} {}", command.get_name());
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    let _ = write!(text, "\n{} {name}\n\n{about}.\n", "#".repeat(level));
    let arguments: Vec<_> = command
        .get_arguments()
        .filter(|a| !a.is_global_set() && !a.is_hide_set() && a.get_id() != "help")
        .collect();
    if !arguments.is_empty() {
        text.push('\n');
    }
    for argument in arguments {
        let _ = writeln!(text, "- {}", line(argument));
    }
    if let Some(more) = command.get_after_help() {
        let more = more.to_string();
        let _ = write!(text, "\n```text\n{}\n```\n", more.trim_end());
    }
    for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
        describe(sub, &name, level + 1, text);
    }
}

fn line(argument: &clap::Arg) -> String {
    let value = argument
        .get_value_names()
        .filter(|_| argument.get_action().takes_values())
        .map(|names| format!("<{}>", names.join("> <")));
    let flag = match (argument.get_long(), value) {
        (Some(long), Some(value)) => format!("`--{long} {value}`"),
        (Some(long), None) => format!("`--{long}`"),
        (None, value) => format!("`{}`", value.unwrap_or_default()),
    };
    let help = argument
        .get_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut text = format!("{flag}: {help}");
    let possible: Vec<_> = argument
        .get_possible_values()
        .iter()
        .filter(|v| !v.is_hide_set())
        .map(|v| format!("`{}`", v.get_name()))
        .collect();
    if argument.get_action().takes_values() && !possible.is_empty() {
        let _ = write!(text, " ({})", possible.join(", "));
    }
    let default: Vec<_> = argument
        .get_default_values()
        .iter()
        .map(|v| v.to_string_lossy())
        .collect();
    if argument.get_action().takes_values() && !default.is_empty() {
        let _ = write!(text, " [default: `{}`]", default.join(" "));
    }
    text
}

#[test]
fn the_command_reference_is_current() {
    let page = root().join("docs/reference/commands.md");
    if std::env::var_os("OBHUT_WRITE_DOCS").is_some() {
        // The test writes the page too, so that there is one generator and no second binary.
        std::fs::write(&page, reference()).unwrap();
    }
    let stored = std::fs::read_to_string(&page).unwrap_or_default();
    assert!(
        stored == reference(),
        "docs/reference/commands.md is out of date; `cargo xtask docs` writes it"
    );
}

/// The commands in a document's code blocks, each split into arguments. A command ends at a pipe, a
/// redirection, a comment, or a semicolon between spaces.
fn commands(document: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    // Every other piece between fences is code; the first line of it is the fence's language.
    for block in document.split("```").skip(1).step_by(2) {
        for line in block.lines().skip(1) {
            for part in line.trim_start_matches("$ ").split(" ; ") {
                let Some(at) = part.find("obhut ").filter(|at| {
                    // `AWS_…=… obhut serve` is a command; a path or a sentence with "obhut " isn't.
                    part[..*at].is_empty() || part[..*at].ends_with("… ")
                }) else {
                    continue;
                };
                all.push(arguments(&part[at..]));
            }
        }
    }
    all
}

fn arguments(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            '#' | '|' | '<' | '>' if !quoted => break,
            c if c.is_whitespace() && !quoted => words.push(String::new()),
            c => words.last_mut().expect("never empty").push(c),
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

#[test]
fn every_command_in_the_documents_is_accepted() {
    let mut pages = vec![root().join("README.md")];
    for folder in ["docs", "docs/guides"] {
        // Pages directly in these folders. docs/reference is generated, its commands from `args`.
        let entries = std::fs::read_dir(root().join(folder)).unwrap();
        pages.extend(entries.map(|e| e.unwrap().path()));
    }
    let mut seen = 0;
    for page in pages
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "md"))
    {
        for words in commands(&std::fs::read_to_string(page).unwrap()) {
            seen += 1;
            if let Err(e) = Args::try_parse_from(&words) {
                panic!("{}: `{}`: {e}", page.display(), words.join(" "));
            }
        }
    }
    // A changed code fence must not make the test pass by checking nothing.
    assert!(seen >= 80, "only {seen} commands found");
}

#[test]
fn a_command_that_does_not_exist_is_noticed() {
    let found =
        commands("```sh\nobhut list import --nonsense # why\nobhut vault verify | head\n```\n");
    assert_eq!(found.len(), 2);
    assert_eq!(found[1], ["obhut", "vault", "verify"]);
    assert!(Args::try_parse_from(&found[0]).is_err());
}
