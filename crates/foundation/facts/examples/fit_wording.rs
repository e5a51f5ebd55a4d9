//! Fits the points of `wording.tsv` to the reports in `fixtures/wording`, and says how well reports
//! of authors that weren't fitted are put in order. `cargo xtask wording` runs it.
//!
//! Each file is one author's: lines of a tier, a tab and a text, `\n` in it for a line feed. Files
//! that begin with `judged-` are never fitted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use obhut_facts::{Facts, RuleInput, Signals, rules_that_hold, wording};

/// Strength of the ridge. Chosen by how well reports of authors that were left out are ordered.
const RIDGE: f64 = 0.6;
/// What rules weigh compared with words, whose shares are about 0.15. Chosen in the same way.
const RULE_SHARE: f64 = 0.2;
/// A feature needs this many texts, of at least two authors. Our judgement: rarer ones are mostly
/// names and typing errors.
const TEXTS_MIN: usize = 3;
/// Steps of the solver. Our judgement: more steps change none of the printed figures.
const STEPS: usize = 150;

struct Text {
    tier: u8,
    features: BTreeSet<String>,
    share: f64,
    readings: Vec<(BTreeSet<String>, f64)>,
    rules: Vec<&'static str>,
    score: u32,
}

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
    let (judged, fitted): (Vec<_>, Vec<_>) =
        authors.iter().partition(|a| a.0.starts_with("judged-"));
    println!(
        "| author | reports | rules alone | words and rules | now below tier 3 or lower |\n|---|---|---|---|---|"
    );
    let mut out = Vec::new();
    for (name, texts) in &fitted {
        let others: Vec<_> = fitted.iter().filter(|a| a.0 != *name).copied().collect();
        let fit = Fit::of(&others, &skipped);
        let values: Vec<f64> = texts.iter().map(|t| fit.value(t)).collect();
        row(name, texts, &values);
        out.extend(texts.iter().map(|t| t.tier).zip(values));
    }
    let fit = Fit::of(&fitted, &skipped);
    for (name, texts) in judged {
        let values: Vec<f64> = texts.iter().map(|t| fit.value(t)).collect();
        row(name, texts, &values);
    }
    let limits: Vec<f64> = (1..5).map(|tier| limit(&out, tier)).collect();
    let table = root.join("crates/foundation/facts/src/wording.tsv");
    fs::write(table, fit.table(&limits))
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
            let (score, reasons) = rules_that_hold(&looked);
            let words = wording::words(&text);
            let readings = wording::readings(&text).into_iter();
            Text {
                tier: tier.parse().expect("a tier"),
                features: wording::features(&words),
                share: wording::share(words.len()),
                readings: readings
                    .map(|w| (wording::features(&w), wording::share(w.len())))
                    .collect(),
                rules: reasons.iter().map(|r| r.rule).collect(),
                score,
            }
        })
        .collect())
}

/// Share of the pairs of different tiers that these values put in order, and the number of pairs in
/// which a report of tier 1 isn't above one of tier 3 or lower.
fn in_order(tiers: &[u8], values: &[f64]) -> (f64, usize) {
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

fn row(name: &str, texts: &[Text], values: &[f64]) {
    let tiers: Vec<u8> = texts.iter().map(|t| t.tier).collect();
    let rules: Vec<f64> = texts.iter().map(|t| f64::from(t.score)).collect();
    let (before, old) = in_order(&tiers, &rules);
    let (now, grave) = in_order(&tiers, values);
    println!(
        "| {name} | {} | {before:.3} ({old}) | {now:.3} | {grave} |",
        texts.len()
    );
}

/// The value half-way between the averages of this tier and of the next. The lowest limit is the
/// median of the last tier instead: were it higher, many reports of known material would tie with
/// those that say nothing.
fn limit(all: &[(u8, f64)], tier: u8) -> f64 {
    let mean = |of: u8| {
        let values = || all.iter().filter(|v| v.0 == of).map(|v| v.1);
        values().sum::<f64>() / values().count() as f64
    };
    let mut last: Vec<f64> = all.iter().filter(|v| v.0 == 5).map(|v| v.1).collect();
    last.sort_by(f64::total_cmp);
    match tier {
        4 => last[last.len() / 2],
        _ => f64::midpoint(mean(tier), mean(tier + 1)),
    }
}

/// A ridge regression of minus the tier.
struct Fit {
    names: Vec<String>,
    at: BTreeMap<String, usize>,
    weights: Vec<f64>,
    base: f64,
}

impl Fit {
    fn of(authors: &[(&String, &Vec<Text>)], skipped: &BTreeSet<&str>) -> Self {
        let mut seen: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
        for (author, texts) in authors {
            for feature in texts.iter().flat_map(|t| &t.features) {
                let (texts, by) = seen.entry(feature).or_default();
                *texts += 1;
                by.insert(author);
            }
        }
        let is_skipped = |word: &str| match word.strip_suffix('~') {
            Some(prefix) => skipped.iter().any(|s| s.starts_with(prefix)),
            None => skipped.contains(word),
        };
        let left_out = |f: &str| f.split(' ').any(is_skipped);
        let mut names: Vec<String> = seen
            .into_iter()
            .filter(|(f, (texts, by))| *texts >= TEXTS_MIN && by.len() > 1 && !left_out(f))
            .map(|(f, _)| f.to_owned())
            .collect();
        let rules: BTreeSet<&str> = authors
            .iter()
            .flat_map(|a| a.1)
            .flat_map(|t| t.rules.iter().copied())
            .collect();
        names.extend(rules.iter().map(|r| format!("rule: {r}")));
        names.push("set: score".to_owned());
        let at: BTreeMap<_, _> = names.iter().cloned().zip(0..).collect();
        let texts: Vec<&Text> = authors.iter().flat_map(|a| a.1).collect();
        let mut fit = Self {
            weights: vec![0.0; names.len()],
            names,
            at,
            base: 0.0,
        };
        let rows: Vec<Vec<(usize, f64)>> = texts
            .iter()
            .map(|t| fit.row(&t.features, t.share, t))
            .collect();
        let wanted: Vec<f64> = texts.iter().map(|t| -f64::from(t.tier)).collect();
        fit.base = wanted.iter().sum::<f64>() / wanted.len() as f64;
        fit.solve(&rows, &wanted);
        fit
    }

    fn row(&self, features: &BTreeSet<String>, share: f64, text: &Text) -> Vec<(usize, f64)> {
        let words = features
            .iter()
            .filter_map(|f| Some((*self.at.get(f)?, share)));
        let rules = text.rules.iter();
        let rules = rules.filter_map(|r| Some((*self.at.get(&format!("rule: {r}"))?, RULE_SHARE)));
        let score = RULE_SHARE * f64::from(text.score) / 100.0;
        words
            .chain(rules)
            .chain([(self.at["set: score"], score)])
            .collect()
    }

    /// Conjugate gradients on the normal equations.
    fn solve(&mut self, rows: &[Vec<(usize, f64)>], wanted: &[f64]) {
        let n = self.weights.len();
        let back = |errors: &[f64]| {
            let mut out = vec![0.0; n];
            for (row, e) in rows.iter().zip(errors) {
                row.iter().for_each(|(at, v)| out[*at] += v * e);
            }
            out
        };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let centred: Vec<f64> = wanted.iter().map(|w| w - self.base).collect();
        let mut rest = back(&centred);
        let mut way = rest.clone();
        let mut size = dot(&rest, &rest);
        for _ in 0..STEPS {
            let ahead: Vec<f64> = rows
                .iter()
                .map(|row| row.iter().map(|(at, v)| v * way[*at]).sum())
                .collect();
            let mut image = back(&ahead);
            image
                .iter_mut()
                .zip(&way)
                .for_each(|(i, w)| *i += RIDGE * w);
            let step = size / dot(&way, &image).max(f64::MIN_POSITIVE);
            for at in 0..n {
                self.weights[at] += step * way[at];
                rest[at] -= step * image[at];
            }
            let before = size;
            size = dot(&rest, &rest);
            for at in 0..n {
                way[at] = rest[at] + size / before * way[at];
            }
        }
    }

    /// The highest of the readings, as in the program, but without what the program takes off for
    /// short texts and adds for a rule of danger now.
    fn value(&self, text: &Text) -> f64 {
        let of = |features: &BTreeSet<String>, share: f64| {
            let row = self.row(features, share, text);
            row.iter().map(|(at, v)| v * self.weights[*at]).sum::<f64>()
        };
        let readings = text.readings.iter().map(|(f, share)| of(f, *share));
        self.base + readings.fold(f64::MIN, f64::max)
    }

    fn table(&self, limits: &[f64]) -> String {
        let thousandths = |v: f64| (v * 1_000.0).round() as i64;
        let mut out = format!("set: base\t{}\n", thousandths(self.base));
        for (n, limit) in (1..).zip(limits) {
            out += &format!("set: {n}\t{}\n", thousandths(*limit));
        }
        for (name, weight) in self.names.iter().zip(&self.weights) {
            let of_rules = name.contains(": ");
            let value = thousandths(weight * if of_rules { RULE_SHARE } else { 1.0 });
            if value != 0 {
                out += &format!("{name}\t{value}\n");
            }
        }
        out
    }
}
