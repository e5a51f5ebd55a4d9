//! `obhut match`: compares digests from standard input with a list and prints one line for each.

use std::io::{self, BufRead as _, BufReader, Read as _};
use std::process::ExitCode;

use obhut_app::media::{Match, ScreenOptions, Screener, read_plain_list};
use serde_json::json;

use crate::app_context;
use crate::args::MatchArgs;
use crate::in_order::in_order;
use crate::input;
use crate::lists::FILE_BYTES_MAX;
use crate::output::Output;

/// Longest line that is read, in bytes; a digest of any kind is far shorter. Our judgement.
const LINE_BYTES_MAX: u64 = 1_024;
/// Characters shown of a line without a valid digest. Our judgement: the longest digest has 64.
const SHOWN_CHARS_MAX: usize = 80;

pub fn run(args: MatchArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let csv = input::read(&args.list, FILE_BYTES_MAX)?;
    let (mut list, problems) = read_plain_list(&args.list.to_string_lossy(), &csv);
    // Up to 4 GiB that the parsed list no longer needs.
    drop(csv);
    for problem in &problems {
        output.remark(&format!("{}: {problem}", args.list.display()));
    }
    // With an empty list every digest would be reported as "on no list", which reads like a result.
    anyhow::ensure!(
        list.len() > 0,
        "{}: no row could be read, so there is nothing to compare with",
        args.list.display()
    );
    if let Some(distance) = args.distance {
        list = list.within(distance);
    }
    let screener = Screener::new(app_context::pool()?, vec![list], ScreenOptions::default());
    let mut failed = 0_u64;
    in_order(
        lines(),
        |line| answer(line, args.kind, &screener),
        |(digest, answer)| {
            failed += u64::from(answer.is_err());
            print(&digest, &answer, output)
        },
    )?;
    Ok(if failed > 0 {
        output.remark(&format!(
            "{failed} of the lines hold no digest; each is named above"
        ));
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The lines of standard input, trimmed, without empty ones. A read error is the last item, and so
/// is a line that is still too long after the spaces at its end are removed.
fn lines() -> impl Iterator<Item = io::Result<Vec<u8>>> {
    let mut input = BufReader::new(io::stdin());
    std::iter::from_fn(move || {
        let mut line = Vec::new();
        match (&mut input)
            // One byte beyond the limit shows that a line is too long; the other is for the line
            // feed.
            .take(LINE_BYTES_MAX + 2)
            .read_until(b'\n', &mut line)
        {
            Ok(0) => None,
            // The end of the line is unread, so whatever follows could be taken for a line.
            Ok(_) if line.trim_ascii_end().len() as u64 > LINE_BYTES_MAX => {
                Some(Err(io::Error::other(format!(
                    "a line of more than {LINE_BYTES_MAX} bytes; nothing after it was read"
                ))))
            }
            Ok(_) => Some(Ok(line.trim_ascii().to_vec())),
            Err(e) => Some(Err(e)),
        }
    })
    .scan(false, |ended, line| {
        let go_on = !*ended;
        *ended = line.is_err();
        go_on.then_some(line)
    })
    .filter(|line| !matches!(line, Ok(line) if line.is_empty()))
}

type MatchLine = (String, Result<Vec<Match>, String>);

fn answer(
    line: io::Result<Vec<u8>>,
    kind: &'static obhut_hash::Kind,
    screener: &Screener,
) -> MatchLine {
    let line = match line {
        Ok(line) => line,
        Err(e) => return (String::new(), Err(format!("standard input: {e}"))),
    };
    let shown = String::from_utf8_lossy(&line).into_owned();
    let digest = kind.parse(&shown).map_err(|e| e.to_string());
    (
        shown,
        digest.map(|digest| screener.match_all(kind, &digest)),
    )
}

fn print(digest: &str, answer: &Result<Vec<Match>, String>, output: &Output) -> anyhow::Result<()> {
    output.line(
        || match answer {
            Ok(matches) => {
                let findings: Vec<_> = matches
                    .iter()
                    .map(|m| json!({ "entry": m.entry, "distance": m.distance_bits }))
                    .collect();
                json!({ "digest": digest, "findings": findings })
            }
            Err(error) => json!({ "digest": digest, "error": error }),
        },
        || match answer {
            Ok(matches) if matches.is_empty() => format!("{digest}  on no list"),
            Ok(matches) => {
                let all: Vec<_> = matches
                    .iter()
                    .map(|m| format!("{} ({} bits)", m.entry, m.distance_bits))
                    .collect();
                format!("{digest}  {}", all.join(", "))
            }
            // A wrong file would fill the terminal with its lines.
            Err(error) if digest.chars().count() > SHOWN_CHARS_MAX => {
                let start: String = digest.chars().take(SHOWN_CHARS_MAX).collect();
                format!("{start}…  {error}")
            }
            Err(error) => format!("{digest}  {error}"),
        },
    )
}
