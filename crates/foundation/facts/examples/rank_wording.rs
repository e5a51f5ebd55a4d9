//! Says how well the program, with the table it was built with, puts the judged reports of
//! `fixtures/wording` in order: scores from 0 to 100, rules for short texts included, a tie counted
//! as wrong, and as the queue has them, where the wording decides a tie. `cargo xtask wording` runs
//! it after the fit.

use std::path::Path;
use std::{fs, io};

use obhut_facts::{Facts, RuleInput, Signals, at_risk};

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fixtures/wording");
    let mut paths: Vec<_> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<_>>()?;
    paths.sort();
    println!(
        "\n| judged set | by score, ties wrong | in the queue | tier 1 below 40 | tier 1 not above tier 3 to 5 |"
    );
    println!("|---|---|---|---|---|");
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if !name.starts_with("judged-") {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        let lines = text.lines().filter_map(|l| l.split_once('\t'));
        let all: Vec<(u8, (u32, i32))> = lines
            .map(|(tier, text)| (tier.parse().expect("a tier"), rank(text)))
            .collect();
        let (mut pairs, mut by_score, mut queued, mut grave) = (0_u32, 0_u32, 0_u32, 0);
        for (tier, mine) in &all {
            for (other, theirs) in all.iter().filter(|(other, _)| other > tier) {
                pairs += 1;
                by_score += u32::from(mine.0 > theirs.0);
                queued += u32::from(mine > theirs);
                grave += usize::from(*tier == 1 && *other >= 3 && mine <= theirs);
            }
        }
        let low = all.iter().filter(|(tier, rank)| *tier == 1 && rank.0 < 40);
        let share = |n: u32| f64::from(n) / f64::from(pairs);
        let low = low.count();
        println!(
            "| {name} | {by_score} of {pairs} ({:.3}) | {:.3} | {low} | {grave} |",
            share(by_score),
            share(queued)
        );
    }
    Ok(())
}

/// The score of a report that is only this text, and how urgent its wording reads.
fn rank(text: &str) -> (u32, i32) {
    let facts = Facts {
        note: Some(text.replace("\\n", "\n")),
        ..Facts::default()
    };
    let said = Signals::of(&facts);
    let worded = said.worded();
    let looked = RuleInput {
        facts: &facts,
        files: Vec::new(),
        categorised: false,
        reporter: true,
        said,
    };
    (at_risk(&looked).0, worded)
}
