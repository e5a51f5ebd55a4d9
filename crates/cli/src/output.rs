//! What goes to the terminal: JSON lines or text, progress, errors.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value};

/// Prints results to standard output, and remarks, errors and progress to standard error.
pub struct Output {
    json: bool,
}

impl Output {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    pub fn is_json(&self) -> bool {
        self.json
    }

    /// One result: as a line of JSON, or as the text made by `text`.
    pub fn line(
        &self,
        value: impl FnOnce() -> Value,
        text: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        // Names from a list or a folder must not send control characters to the terminal.
        let line = if self.json {
            escaped(value().to_string())
        } else {
            plain(&text())
        };
        writeln!(io::stdout().lock(), "{line}")?;
        Ok(())
    }

    /// A remark for the person at the terminal; never among the results.
    pub fn remark(&self, text: &str) {
        // Results go to stdout; a closed stderr must not fail a command whose act is already on record.
        let _ = writeln!(io::stderr().lock(), "{}", plain(text));
    }

    pub fn error(&self, e: &anyhow::Error) {
        // Skip causes whose text is already part of the message.
        let mut text = String::new();
        for cause in e.chain().map(ToString::to_string) {
            if !text.contains(&cause) {
                text += if text.is_empty() { "" } else { ": " };
                text += &cause;
            }
        }
        if let Some(hint) = crate::hints::hint(e) {
            text += "; ";
            text += &hint;
        }
        if self.json {
            self.remark(&serde_json::json!({ "error": text }).to_string());
        } else {
            self.remark(&format!("obhut: {text}"));
        }
    }

    /// A progress line if standard error is a terminal, otherwise a hidden one.
    pub fn progress(&self, what: &str) -> ProgressBar {
        // Redrawn lines would fill a log file.
        if !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{spinner} {pos} {msg}  {per_sec}  {elapsed}")
            .expect("a fixed template");
        let bar = ProgressBar::new_spinner()
            .with_style(style)
            .with_message(what.to_owned());
        // Redrawn by a timer: a single file may take minutes, and the spinner must still move.
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        bar
    }
}

pub fn is_broken_pipe(e: &anyhow::Error) -> bool {
    e.downcast_ref::<io::Error>()
        .is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

/// `rest` with the path in front: as text, and in hex as well if it isn't UTF-8, so that nothing is
/// lost.
pub fn with_path(path: &Path, mut rest: Map<String, Value>) -> Value {
    let mut object = Map::new();
    object.insert("path".into(), path.to_string_lossy().into());
    if path.to_str().is_none() {
        object.insert(
            "path_hex".into(),
            hex::encode(path.as_os_str().as_encoded_bytes()).into(),
        );
    }
    object.append(&mut rest);
    Value::Object(object)
}

pub fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The text with every control character except the line feed replaced by U+FFFD.
fn plain(text: &str) -> String {
    // is_control() also covers U+0080 to U+009F, which some terminals interpret as the start of an
    // escape sequence.
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// External text on one line: a name with a line feed could pass for a line of the output.
pub fn one_line(text: &str) -> String {
    plain(&text.replace('\n', "\u{fffd}"))
}

/// A path on one line.
pub fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy())
}

/// `1 file`, `2 files`.
pub fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// JSON whose characters U+007F to U+009F are escaped too: terminals take some of them for
/// commands, and JSON escapes only those below U+0020.
fn escaped(json: String) -> String {
    let commands = |c: char| ('\u{7f}'..='\u{9f}').contains(&c);
    if !json.contains(commands) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match commands(c) {
            true => out += &format!("\\u{:04x}", c as u32),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_drive_the_terminal() {
        assert_eq!(shown(Path::new("a\x1b[2J\nb")), "a\u{fffd}[2J\u{fffd}b");
        assert_eq!(
            (count(1, "row", "rows"), count(0, "row", "rows")),
            ("1 row".into(), "0 rows".into())
        );
    }
}
