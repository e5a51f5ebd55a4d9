//! Measures obhut alongside its peers and records the results: raw rows below docs/performance/,
//! medians and ranges in docs/performance.md.

use std::fs;

use crate::{
    Done, bench_accuracy, bench_answers, bench_chain, bench_http, bench_index, bench_intake,
    bench_payments, bench_pdq, bench_pictures, bench_vault, bench_video, root,
};

type Bench = fn(&mut Report) -> Done;

/// The benchmarks, with their names on the command line and in docs/performance/.
const ALL: &[(&str, Bench)] = &[
    ("accuracy", bench_accuracy::run),
    ("pdq", bench_pdq::run),
    ("pictures", bench_pictures::run),
    ("index", bench_index::run),
    ("http", bench_http::run),
    ("answers", bench_answers::run),
    ("video", bench_video::run),
    ("intake", bench_intake::run),
    ("payments", bench_payments::run),
    ("chain", bench_chain::run),
    ("vault", bench_vault::run),
];

/// The results of a benchmark, printed as they come and kept for the documents.
pub struct Report {
    raw: String,
    summary: String,
}

impl Report {
    /// A raw row.
    pub fn row(&mut self, line: &str) {
        println!("{line}");
        self.raw += line;
        self.raw += "\n";
    }

    /// A line of the table that people compare: work, ours, ratio to the peer, what was wanted.
    pub fn result(&mut self, work: &str, ours: &str, ratio: &str, wanted: &str) {
        println!("= {work}: {ours}; {ratio} (wanted: {wanted})");
        self.summary += &format!("| {work} | {ours} | {ratio} | {wanted} |\n");
    }
}

pub fn run(only: Option<&str>) -> Done {
    let known: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
    if only.is_some_and(|name| !known.contains(&name)) {
        return Err(format!("no such benchmark; there are {}", known.join(", ")));
    }
    for (name, bench) in ALL
        .iter()
        .filter(|(name, _)| only.is_none_or(|o| o == *name))
    {
        println!("\n# {name}");
        let mut report = Report {
            raw: String::new(),
            summary: String::new(),
        };
        let head = format!("machine: {}", machine());
        report.row(&head);
        bench(&mut report)?;
        // After each benchmark, so that a failure of a later one does not lose this one's results.
        keep(name, &head, &report)?;
    }
    Ok(())
}

/// Replaces what a benchmark wrote the last time.
fn keep(name: &str, head: &str, report: &Report) -> Done {
    let say = |e: std::io::Error| e.to_string();
    let folder = root().join("docs/performance");
    fs::create_dir_all(&folder).map_err(say)?;
    let title = format!("# Raw rows of `cargo xtask bench {name}`, {}\n\n", today());
    fs::write(folder.join(format!("{name}.md")), title + &report.raw).map_err(say)?;
    let page = root().join("docs/performance.md");
    let text = fs::read_to_string(&page).map_err(say)?;
    let (begin, end) = (
        format!("<!-- bench {name} -->\n"),
        format!("<!-- end {name} -->\n"),
    );
    let section = format!(
        "{begin}{}; {head}. Raw rows: [performance/{name}.md](performance/{name}.md).\n\n| work | obhut, median (range) | ratio to the peer, median (range) | wanted |\n|---|---|---|---|\n{}\n{end}",
        today(),
        report.summary
    );
    // Only this section is replaced; what people have written around it stays.
    let written = match text.split_once(&begin) {
        Some((before, rest)) => {
            let (_, after) = rest.split_once(&end).ok_or("a section has no end")?;
            format!("{before}{section}{after}")
        }
        None => format!("{text}\n{section}"),
    };
    fs::write(page, written).map_err(say)
}

fn today() -> String {
    let days = std::time::UNIX_EPOCH
        .elapsed()
        .map_or(0, |t| t.as_secs() / 86_400) as i64;
    // Civil from days (Howard Hinnant, chrono-compatible low-level date algorithms).
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (
        doy - (153 * mp + 2) / 5 + 1,
        if mp < 10 { mp + 3 } else { mp - 9 },
    );
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}

/// Resident memory of a process and its direct children, in KiB; 0 for a process that has ended.
pub fn memory_kib(pid: u32) -> u64 {
    let resident = |pid: u32| -> u64 {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
        line.and_then(|l| l.split_whitespace().next()?.parse().ok())
            .unwrap_or(0)
    };
    let mut total = resident(pid);
    for task in fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        total += children
            .split_whitespace()
            .filter_map(|c| c.parse().ok())
            .map(resident)
            .sum::<u64>();
    }
    total
}

/// `median (lowest–highest)`, with two decimals. Panics without a value.
pub fn spread(values: &mut [f64]) -> String {
    // The median, not the mean: on a shared machine one round may be disturbed.
    values.sort_by(f64::total_cmp);
    format!(
        "{:.2} ({:.2}–{:.2})",
        values[values.len() / 2],
        values[0],
        values[values.len() - 1]
    )
}

pub fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|l| {
        l.strip_prefix("model name")
            .map(|m| m.trim_matches([' ', '\t', ':']).to_owned())
    });
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{cores} cores, {}, load {}",
        model.unwrap_or_default(),
        load.split(' ').next().unwrap_or_default()
    )
}

/// CPU time of the children that have ended, user and system together, in seconds.
pub fn cpu_of_children() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    // cutime and cstime are fields 16 and 17 of the line, in clock ticks. `fields` begins with
    // field 3.
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|f| f.parse::<f64>().ok())
            .unwrap_or(0.0)
    };
    // Linux reports ticks of USER_HZ, which is 100 on x86-64 and Arm.
    (ticks(13) + ticks(14)) / 100.0
}
