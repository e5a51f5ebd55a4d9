//! Fits the points of `wording.tsv` to the reports in `fixtures/wording`, and says how well reports
//! of authors that weren't fitted are put in order. `cargo xtask wording` runs it.
//!
//! Each file is one author's: lines of a tier, a tab and a text, `\n` in it for a line feed. Files
//! that begin with `judged-` are never fitted. `skipped.txt` lists words that get no points.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io, thread};

use obhut_facts::{Facts, RuleInput, Signals, rules_that_hold, wording};

/// What an error weighs compared with the size of the points. Chosen by how well reports of authors
/// that were left out are put in order; from 30 to 150 the figures hardly change.
const ERRORS: f64 = 60.0;
/// What the fitted points are multiplied by: sharper chances put reports of authors that were left
/// out in better order. Chosen in the same way.
const SHARPER: f64 = 1.5;
/// A word needs this many texts, of at least two authors, and a pair of words one more: rarer ones
/// are mostly names and typing errors. Our judgement: with two for pairs the order is better by
/// 0.0015 and the table half as long again.
const TEXTS_MIN: u32 = 2;
/// Authors are left out in this many groups. Our judgement: each alone takes five times as long.
const GROUPS: usize = 5;
/// Steps of Newton's method, and of the solver within each. Our judgement: more change none of the
/// printed figures.
const STEPS: usize = 12;
const SOLVER_STEPS: usize = 40;

struct Text {
    tier: u8,
    text: String,
    features: BTreeSet<String>,
    score_by_rules: u32,
}

type Author<'a> = (&'a String, &'a Vec<Text>);

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let mut authors = BTreeMap::new();
    for entry in fs::read_dir(root.join("fixtures/wording"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "tsv") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            authors.insert(name.into_owned(), read(&path)?);
        }
    }
    let skipped = fs::read_to_string(root.join("fixtures/wording/skipped.txt"))?;
    let skipped: BTreeSet<&str> = skipped.lines().collect();
    let (judged, fitted): (Vec<Author<'_>>, Vec<_>) =
        authors.iter().partition(|a| a.0.starts_with("judged-"));
    println!("| author | reports | rules alone | words | tier 1 not above tier 3 to 5 |");
    println!("|---|---|---|---|---|");
    for group in 0..GROUPS {
        let (left_out, others): (Vec<_>, Vec<_>) =
            (0..).zip(&fitted).partition(|(n, _)| n % GROUPS == group);
        let others: Vec<Author<'_>> = others.into_iter().map(|a| *a.1).collect();
        let table = wording::Table::read(&fit(&others, &skipped));
        left_out.iter().for_each(|(_, author)| row(author, &table));
    }
    let text = fit(&fitted, &skipped);
    let table = wording::Table::read(&text);
    judged.iter().for_each(|author| row(author, &table));
    fs::write(root.join("crates/foundation/facts/src/wording.tsv"), text)
}

fn read(path: &PathBuf) -> io::Result<Vec<Text>> {
    let all = fs::read_to_string(path)?;
    let lines = all.lines().filter_map(|l| l.split_once('\t'));
    Ok(lines
        .map(|(tier, text)| {
            let text = text.replace("\\n", "\n");
            let facts = Facts {
                note: Some(text.clone()),
                ..Facts::default()
            };
            let looked = RuleInput {
                facts: &facts,
                files: Vec::new(),
                categorised: false,
                reporter: true,
                said: Signals::of(&facts),
            };
            Text {
                tier: tier.parse().expect("a tier"),
                features: wording::features(&wording::words(&text)),
                score_by_rules: rules_that_hold(&looked).0,
                text,
            }
        })
        .collect())
}

/// Share of the pairs of different tiers that these values put in order, and the number of pairs in
/// which a report of tier 1 isn't above one of tier 3 or lower.
fn in_order(tiers: &[u8], values: &[i32]) -> (f64, usize) {
    let (mut good, mut all, mut grave) = (0, 0, 0);
    for (a, x) in tiers.iter().zip(values) {
        for (b, y) in tiers.iter().zip(values).filter(|(b, _)| *b > a) {
            all += 1;
            good += usize::from(x > y);
            grave += usize::from(x <= y && *a == 1 && *b >= 3);
        }
    }
    (f64::from(good as u32) / f64::from(all as u32), grave)
}

fn row((name, texts): &Author<'_>, table: &wording::Table) {
    let tiers: Vec<u8> = texts.iter().map(|t| t.tier).collect();
    let rules: Vec<i32> = texts.iter().map(|t| t.score_by_rules as i32).collect();
    // A text of fewer than three words has no value; it ranks as harmless.
    let values: Vec<i32> = texts
        .iter()
        .map(|t| table.reading(&t.text).map_or(-5_000, |r| r.value))
        .collect();
    let (before, old) = in_order(&tiers, &rules);
    let (now, grave) = in_order(&tiers, &values);
    let count = texts.len();
    println!("| {name} | {count} | {before:.3} ({old}) | {now:.3} | {grave} |");
}

/// The table of points: for each tier a logistic regression, whose features weigh more the rarer
/// they are, each text having the size 1, and short ones less.
fn fit(authors: &[Author<'_>], skipped: &BTreeSet<&str>) -> String {
    let mut seen: BTreeMap<&str, (u32, BTreeSet<&str>)> = BTreeMap::new();
    for (author, texts) in authors {
        for feature in texts.iter().flat_map(|t| &t.features) {
            let (texts, by) = seen.entry(feature).or_default();
            *texts += 1;
            by.insert(author);
        }
    }
    let endings = ["", "e", "em", "en", "er", "es", "n", "s"];
    let is_skipped = |word: &str| match word.strip_suffix('~') {
        Some(prefix) => skipped.iter().any(|s| s.starts_with(prefix)),
        None => endings
            .iter()
            .filter_map(|e| word.strip_suffix(e))
            .any(|stem| skipped.contains(stem)),
    };
    let texts: Vec<&Text> = authors.iter().flat_map(|a| a.1).collect();
    let rarity = |found: u32| {
        let exact = (f64::from(1 + texts.len() as u32) / f64::from(1 + found)).ln() + 1.0;
        (exact * 10.0).round() / 10.0
    };
    let features: BTreeMap<&str, (usize, f64)> = seen
        .iter()
        .filter(|(f, (texts, by))| {
            *texts >= TEXTS_MIN + u32::from(f.contains(' '))
                && by.len() > 1
                && !f.split(' ').any(is_skipped)
        })
        .enumerate()
        .map(|(at, (f, (texts, _)))| (*f, (at, rarity(*texts))))
        .collect();
    let rows: Vec<Vec<(usize, f64)>> = texts
        .iter()
        .map(|t| shares(t, &features, rarity(0)))
        .collect();
    let tiers: Vec<Vec<f64>> = thread::scope(|scope| {
        let one = |tier: u8| {
            let is: Vec<f64> = texts
                .iter()
                .map(|t| f64::from(u8::from(t.tier == tier)))
                .collect();
            let (rows, features) = (&rows, features.len());
            scope.spawn(move || regression(rows, &is, features))
        };
        let all: Vec<_> = (1..=5).map(one).collect();
        all.into_iter()
            .map(|t| t.join().expect("no panic"))
            .collect()
    });
    let tenths = |v: f64| (v * 10.0).round() as i64;
    let line = |name: &str, values: &mut dyn Iterator<Item = f64>| {
        let values: Vec<String> = values.map(|v| tenths(v).to_string()).collect();
        format!("{name}\t{}\n", values.join(" "))
    };
    let mut out = line(
        "set: bias",
        &mut tiers.iter().map(|t| t[features.len()] * SHARPER),
    );
    out += &line("set: unknown", &mut [rarity(0)].into_iter());
    for (name, (at, rarity)) in &features {
        let points = tiers.iter().map(|t| t[*at] * rarity * SHARPER);
        out += &line(name, &mut [*rarity].into_iter().chain(points));
    }
    out
}

/// The share of each of a text's features, as the program computes it, and last 1 for the bias.
fn shares(text: &Text, features: &BTreeMap<&str, (usize, f64)>, unknown: f64) -> Vec<(usize, f64)> {
    let known = text
        .features
        .iter()
        .filter_map(|f| features.get(f.as_str()));
    let mut row: Vec<(usize, f64)> = known.copied().collect();
    let is_word = |f: &&String| !f.contains([' ', '~']);
    let others = text.features.iter().filter(is_word);
    let others = others
        .filter(|f| !features.contains_key(f.as_str()))
        .count();
    let size: f64 = row.iter().map(|(_, v)| v * v).sum::<f64>() + others as f64 * unknown * unknown;
    row.iter_mut()
        .for_each(|(_, v)| *v /= size.sqrt().max(f64::from(wording::SIZE_MIN)));
    row.push((features.len(), 1.0));
    row
}

/// Logistic regression with a ridge, by Newton's method; the bias is the last weight.
fn regression(rows: &[Vec<(usize, f64)>], wanted: &[f64], features: usize) -> Vec<f64> {
    let n = features + 1;
    // Next to nothing for the bias.
    let ridge = |at: usize| if at == features { 1e-4 } else { 1.0 };
    let ahead = |weights: &[f64]| -> Vec<f64> {
        let of = |row: &Vec<(usize, f64)>| row.iter().map(|(at, v)| v * weights[*at]).sum();
        rows.iter().map(of).collect()
    };
    let back = |errors: &[f64]| {
        let mut out = vec![0.0; n];
        for (row, e) in rows.iter().zip(errors) {
            row.iter().for_each(|(at, v)| out[*at] += v * e);
        }
        out
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let cost = |weights: &[f64]| {
        let errors = ahead(weights).into_iter().zip(wanted);
        let errors: f64 = errors.map(|(z, w)| softplus(z) - w * z).sum();
        let size = weights.iter().enumerate().map(|(at, w)| ridge(at) * w * w);
        ERRORS * errors + size.sum::<f64>() / 2.0
    };
    let mut weights = vec![0.0; n];
    for _ in 0..STEPS {
        let chances: Vec<f64> = ahead(&weights)
            .iter()
            .map(|z| 1.0 / (1.0 + (-z).exp()))
            .collect();
        let curves: Vec<f64> = chances.iter().map(|p| ERRORS * p * (1.0 - p)).collect();
        let errors: Vec<f64> = chances
            .iter()
            .zip(wanted)
            .map(|(p, w)| ERRORS * (w - p))
            .collect();
        let mut rest = back(&errors);
        (0..n).for_each(|at| rest[at] -= ridge(at) * weights[at]);
        // Conjugate gradients on the equations of this step.
        let (mut way, mut step) = (rest.clone(), vec![0.0; n]);
        let mut size = dot(&rest, &rest);
        for _ in 0..SOLVER_STEPS {
            let bent: Vec<f64> = ahead(&way)
                .iter()
                .zip(&curves)
                .map(|(a, c)| a * c)
                .collect();
            let mut image = back(&bent);
            (0..n).for_each(|at| image[at] += ridge(at) * way[at]);
            let part = size / dot(&way, &image).max(f64::MIN_POSITIVE);
            for at in 0..n {
                step[at] += part * way[at];
                rest[at] -= part * image[at];
            }
            let before = size;
            size = dot(&rest, &rest);
            (0..n)
                .for_each(|at| way[at] = rest[at] + size / before.max(f64::MIN_POSITIVE) * way[at]);
        }
        let now = cost(&weights);
        let mut share = 1.0;
        let next = loop {
            let next: Vec<f64> = weights
                .iter()
                .zip(&step)
                .map(|(w, s)| w + share * s)
                .collect();
            if cost(&next) <= now || share < 1e-3 {
                break next;
            }
            share /= 2.0;
        };
        weights = next;
    }
    weights
}

/// The logarithm of 1 + e^z, without an overflow.
fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}
