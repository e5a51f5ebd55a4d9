//! Filings while the destination is moved between hosts and between test and production, under lost answers,
//! duplicates, errors and hangs: each report ends up at exactly one production host, once. A bounded sample;
//! `OBHUT_SOAK_MOVES=100000` sets another number.

#[path = "bench/filing.rs"]
mod bench;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use obhut_app::casework;
use obhut_app::casework::*;
use obhut_app::partners::filing::{self, DrainScope, RetryPolicy};
use obhut_app::partners::http::Http;
use obhut_fakes::cybertip::{CyberTip, FaultInjection};

use bench::*;

/// Reports under way at the same time.
const BATCH: usize = 50;

/// Numbers that look random and are the same in every run (Knuth's MMIX generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

struct Host {
    service: CyberTip,
    address: SocketAddr,
    production: bool,
}

fn faults(seed: u64) -> FaultInjection {
    FaultInjection {
        lost_percent: 10,
        twice_percent: 10,
        error_percent: 5,
        hang_percent: 1,
        hang: Duration::from_millis(400),
        seed,
        ..FaultInjection::default()
    }
}

async fn drain(b: &Bench) {
    // Few tries, so that the destination changes while some reports are half sent.
    let few = RetryPolicy {
        tries: 2,
        at_once: 16,
        ..retry()
    };
    let draining = DrainScope {
        worker: "worker",
        report: None,
        now: true,
        platform: false,
    };
    filing::drain(&b.casework, &b.http, &few, draining)
        .await
        .unwrap();
}

/// What a person does about one report; true once nothing is left to do.
async fn attend(b: &Bench, report: &mut String, production: bool) -> bool {
    let Some(filing) = casework::filing(&b.casework, report).await.unwrap() else {
        return false;
    };
    match filing.state {
        FilingState::Filed if !filing.test => true,
        // Filed only with the test service. Now that the destination is in production, it is filed
        // again.
        FilingState::Filed if production => {
            let row = casework::report_row(&b.casework, report).await.unwrap();
            let again = obhut_app::reports::file_one(&b.casework, &row.case, "ncmec", false, "t");
            *report = again.await.unwrap();
            b.approve(report, None).await.unwrap();
            false
        }
        // The destination was changed, so the officer approves the report for the new one.
        FilingState::Stopped => {
            b.approve(report, None).await.unwrap();
            false
        }
        _ => false,
    }
}

/// The production hosts have each of `count` accounts exactly once, and nothing else.
fn exactly_once(hosts: &[Host], count: usize) {
    let mut real = BTreeMap::<String, usize>::new();
    for host in hosts.iter().filter(|h| h.production) {
        for finished in host.service.finished() {
            *real.entry(finished.account).or_default() += 1;
        }
    }
    let wrong: Vec<_> = real.iter().filter(|(_, n)| **n != 1).collect();
    assert!(wrong.is_empty(), "not once: {wrong:?}");
    assert_eq!(real.len(), count, "lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn moved_again_and_again_each_report_is_filed_exactly_once() {
    let count = std::env::var("OBHUT_SOAK_MOVES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(BATCH);
    let begun = Instant::now();
    let mut b = Bench::new(faults(1)).await;
    b.http = Arc::new(Http::with_patience(Duration::from_millis(150)));
    let mut hosts = vec![Host {
        service: b.service.clone(),
        address: b.address,
        production: true,
    }];
    for (seed, production) in [(2, true), (3, false)] {
        let (service, address) = service(faults(seed)).await;
        hosts.push(Host {
            service,
            address,
            production,
        });
    }
    let mut dice = Dice(count as u64);
    let (mut at, mut moves) = (0, 0);
    for batch in 0..count.div_ceil(BATCH) {
        let users = batch * BATCH..count.min((batch + 1) * BATCH);
        let mut reports = Vec::new();
        for n in users {
            let content = (n % 10 == 0).then_some(&b"bytes of a file"[..]);
            reports.push(b.approved(&format!("user-{n}"), content, "ncmec").await);
        }
        let mut waiting: Vec<usize> = (0..reports.len()).collect();
        // The first rounds move the destination between hosts; then it stays at a production host
        // until all reports are filed.
        for round in 0.. {
            assert!(round < 300, "not done: {waiting:?}");
            let to = match round {
                0..4 => dice.below(3) as usize,
                4 => dice.below(2) as usize,
                _ => at,
            };
            if to != at {
                at = to;
                moves += 1;
                let host = &hosts[at];
                b.channel_to(host.address, "test", host.production).await;
            }
            drain(&b).await;
            let mut left = Vec::new();
            for n in waiting {
                if !attend(&b, &mut reports[n], hosts[at].production).await {
                    left.push(n);
                }
            }
            waiting = left;
            if waiting.is_empty() && hosts[at].production {
                break;
            }
        }
        for report in &reports {
            let filing = b.state(report).await;
            let named = format!("http://{}", hosts[at].address);
            let known = hosts
                .iter()
                .any(|h| h.production && filing.host == format!("http://{}", h.address));
            assert!(
                known,
                "{report} is at {}, the destination at {named}",
                filing.host
            );
        }
        if batch % 20 == 19 {
            // Checked as it runs, so that a long run that is stopped has still shown this much.
            exactly_once(&hosts, (batch + 1) * BATCH);
            println!(
                "{} filed after {:?}, {moves} moves",
                (batch + 1) * BATCH,
                begun.elapsed()
            );
        }
    }
    assert_eq!(casework::jobs_waiting(&b.casework).await.unwrap(), 0);
    assert!(moves > 0);
    exactly_once(&hosts, count);
    println!("{count} filings, {moves} moves, {:?}", begun.elapsed());
}
