//! Alerts from lines `id,sender,recipient,day,euros`, days counted from 1970:
//! `cargo run --example alerts_from_csv < FILE`. With an empty input it generates the payments of
//! one payer.

use obhut_typologies::{
    Amount, Context, DAY_MICROS, Id, Monitor, Policy, Record, Relations, Transfers,
};

/// 2026-11-28, for which this example was written.
const TODAY: i64 = 20_785;

fn main() {
    let mut csv = std::io::read_to_string(std::io::stdin()).unwrap_or_default();
    if csv.is_empty() {
        csv = (0..24)
            .map(|n| {
                format!(
                    "t{n},payer,recipient{},{},25.00\n",
                    n % 8,
                    TODAY - 72 + n * 3
                )
            })
            .collect();
    }
    // The kernel has no clock: the caller says when now is.
    let mut transfers = Transfers::new(TODAY * DAY_MICROS);
    let mut monitor = Monitor::new(Policy::default(), Relations::default());
    for (n, line) in csv.lines().enumerate() {
        // `validate` checks one record; `take` would also find duplicates and records out of order.
        match record(n, line).map(|r| transfers.validate(&r)) {
            Some(Ok(transfer)) => {
                if let Some(alert) = monitor.observe(&transfer).sender {
                    let because: Vec<_> = alert.fired.iter().map(|f| f.because().en).collect();
                    println!("{line}: {:.0} of 100: {}", alert.score, because.join("; "));
                }
            }
            Some(Err(why)) => eprintln!("line {}: {why}", n + 1),
            None => eprintln!(
                "line {}: five fields are needed, the fourth a whole number of days",
                n + 1
            ),
        }
    }
}

fn record(n: usize, line: &str) -> Option<Record<'_>> {
    let fields: Vec<&str> = line.split(',').collect();
    let [tx, sender, recipient, day, euros] = fields[..] else {
        return None;
    };
    Some(Record {
        number: n as u64 + 1,
        tx: Id::of(tx),
        sender: Id::of(sender),
        recipient: Id::of(recipient),
        at_micros: day.parse::<i64>().ok()? * DAY_MICROS,
        zone_minutes: None,
        zone_missing: true,
        amount: Amount::Text(euros),
        currency: b"EUR",
        from: b"DE",
        to: b"",
        context: Context::default(),
    })
}
