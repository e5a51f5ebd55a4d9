//! Measures the payments kernel alone, on one core, in transfers a second: rolling features of
//! history grouped by sender, and every indicator in time order. For `cargo xtask bench payments`.

use std::time::Instant;

use obhut_fakes::transfers::{MadeTransfer, Recipe, synthesize};
use obhut_payments::features::{Scratch, Sent, of_sender};
use obhut_payments::{Monitor, Policy, Relations, Transfer};

fn main() {
    let transfers = std::env::args().nth(1).and_then(|n| n.parse().ok());
    let made = synthesize(&Recipe {
        transfers: transfers.unwrap_or(2_000_000),
        ..Recipe::default()
    });
    let all: Vec<Transfer> = made.transfers.iter().map(MadeTransfer::transfer).collect();
    let policy = Policy::default();
    let mut grouped = all.clone();
    grouped.sort_by_key(|t| (t.sender, t.at_micros));
    let sent: Vec<(u64, Sent)> = grouped
        .iter()
        .map(|t| {
            let sent = Sent {
                at_micros: t.at_micros,
                recipient: t.recipient.0,
                amount_minor: t.amount_minor,
                small: policy.band(t.currency).holds(t.amount_minor),
            };
            (t.sender.0, sent)
        })
        .collect();
    // `of_sender` takes `Sent` without its sender; split before the clock starts.
    let rows: Vec<Sent> = sent.iter().map(|s| s.1).collect();
    let mut scratch = Scratch::default();
    // Printed below, so that the optimiser cannot drop the work.
    let (mut sum, mut from) = (0u64, 0);
    let begun = Instant::now();
    for group in sent.chunk_by(|a, b| a.0 == b.0) {
        let group = &rows[from..from + group.len()];
        from += group.len();
        of_sender(group, &mut scratch, |_, w| {
            sum += u64::from(w[0].recipients)
        });
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("features {:.0} {sum}", all.len() as f64 / seconds);
    let mut monitor = Monitor::new(policy, Relations::default());
    // The table of parties has its full size, so that growing it isn't measured.
    monitor.reserve(all.len() / 3);
    let mut found = 0u64;
    let begun = Instant::now();
    for t in &all {
        found += u64::from(monitor.observe(t).sender.is_some());
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("monitor {:.0} {found}", all.len() as f64 / seconds);
}
