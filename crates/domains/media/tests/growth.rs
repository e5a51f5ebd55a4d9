//! Lists that grow and shrink while they are searched, on SQLite and on PostgreSQL.

#[path = "../../../app/tests/bench/mod.rs"]
mod bench;

/// Only this domain.
fn domains() -> Vec<Box<dyn obhut_casework::for_domains::Domain>> {
    vec![Box::new(obhut_media::Media)]
}

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use bench::*;
use obhut_casework as casework;
use obhut_casework::*;
use obhut_media as media;
use obhut_media::*;

fn digest(number: u32) -> Digest {
    let mut bytes = [0_u8; 32];
    // xorshift64 (Marsaglia) would stay at zero, so the state starts odd.
    let mut state = u64::from(number) << 1 | 1;
    for byte in &mut bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = (state >> 24) as u8;
    }
    Digest::from_bytes(&bytes).unwrap()
}

fn rows(numbers: std::ops::Range<u32>) -> String {
    let rows: Vec<_> = numbers
        .map(|n| format!("pdq,{},e{n}\n", digest(n).to_hex()))
        .collect();
    format!("kind,digest,entry_id\n{}", rows.concat())
}

/// Pages of memory that are resident.
fn pages() -> u64 {
    let all = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    all.split(' ')
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}

async fn found(c: &Casework, number: u32) -> Vec<Match> {
    let current = media::current(c).await.unwrap();
    let screener = current.screener(pool(), ScreenOptions::default());
    screener.match_digest(kinds::by_name("pdq").unwrap(), &digest(number))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_counts_until_it_is_signed_and_the_rest_goes_on_matching() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        media::import_list(c, &assessed("l"), rows(0..10).as_bytes(), "test")
            .await
            .unwrap();
        let (ada, grace) = (steward(c, "Ada").await, steward(c, "Grace").await);
        media::sign_list(c, "l", &ada).await.unwrap();
        let signed = media::sign_list(c, "l", &grace).await.unwrap();
        let import = media::add_entries(c, "l", rows(10..12).as_bytes(), "test")
            .await
            .unwrap();
        assert_eq!((import.list.entries, import.list.unsigned), (12, true));
        assert_eq!(import.list.matching_version.as_ref(), Some(&signed.version));
        let (old, new) = (found(c, 3).await, found(c, 11).await);
        assert_eq!((old[0].signed, &old[0].version), (true, &signed.version));
        assert_eq!(
            (new[0].signed, &new[0].version),
            (false, &import.list.version)
        );
        media::sign_list(c, "l", &ada).await.unwrap();
        media::sign_list(c, "l", &grace).await.unwrap();
        assert!(found(c, 11).await[0].signed);
        // Removed immediately, whichever file it came from.
        for entry in ["e3", "e11"] {
            media::dispute_entry(c, "l", entry, "wrong", "test")
                .await
                .unwrap();
        }
        assert!(found(c, 3).await.is_empty() && found(c, 11).await.is_empty());
        // A whole new version leaves the deltas behind.
        media::import_list(c, &assessed("l"), rows(20..25).as_bytes(), "test")
            .await
            .unwrap();
        assert!(found(c, 4).await[0].signed, "the signed one goes on");
        assert!(!found(c, 21).await[0].signed);
        media::set_list_distance(c, "l", Some(0), "test")
            .await
            .unwrap();
        assert_eq!(media::list(c, "l").await.unwrap().distance, Some(0));
        // One above DISTANCE_BITS_MAX.
        assert!(refused(media::set_list_distance(c, "l", Some(65), "test").await).contains("64"));
        assert!(matches!(
            media::add_entries(c, "none", rows(0..1).as_bytes(), "test").await,
            Err(CaseworkError::NotFound { .. })
        ));
    })
    .await;
}

/// Deltas and whole new versions, while others search: what is on record before a search begins is
/// found by it, and what was never on record is not.
#[tokio::test(flavor = "multi_thread")]
async fn searching_goes_on_while_a_list_grows_and_is_exchanged() {
    // `cargo xtask soak` sets it for a longer run.
    let long = std::env::var_os("OBHUT_SOAK").is_some();
    let (deltas, swaps) = if long { (10_000, 200) } else { (120, 8) };
    let b = bench(None).await;
    let c = Arc::new(b.casework);
    media::import_list(&c, &assessed("l"), rows(0..500).as_bytes(), "test")
        .await
        .unwrap();
    for name in ["Ada", "Grace"] {
        media::sign_list(&c, "l", &steward(&c, name).await)
            .await
            .unwrap();
    }
    let there = Arc::new(AtomicU32::new(500));
    let over = Arc::new(AtomicBool::new(false));
    let searches = Arc::new(AtomicU32::new(0));
    let searching: Vec<_> = (0..3_u32)
        .map(|seed| {
            let (c, there, over) = (c.clone(), there.clone(), over.clone());
            let searches = searches.clone();
            tokio::spawn(async move {
                let mut turn = seed;
                while !over.load(Ordering::Acquire) {
                    let known = there.load(Ordering::Acquire);
                    // The multiplier of MINSTD; any sequence that spreads would do.
                    turn = turn.wrapping_mul(48_271).wrapping_add(11);
                    let number = turn % known;
                    let hits = found(&c, number).await;
                    assert!(
                        hits.iter().any(|m| m.entry == format!("e{number}")),
                        "{number} of {known}"
                    );
                    // Numbers that were never in the list.
                    assert!(found(&c, 1_000_000 + turn % 1_000).await.is_empty());
                    searches.fetch_add(1, Ordering::Relaxed);
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let (mut resident, mut half_way) = (0, 0);
    for delta in 0..deltas {
        let from = 500 + delta * 3;
        media::add_entries(&c, "l", rows(from..from + 3).as_bytes(), "test")
            .await
            .unwrap();
        there.store(from + 3, Ordering::Release);
        // The swaps are spread evenly over the deltas.
        if delta % (deltas / swaps) == 0 {
            // The same entries as one new file.
            media::import_list(&c, &assessed("l"), rows(0..from + 3).as_bytes(), "test")
                .await
                .unwrap();
        }
        resident = pages();
        if delta == deltas / 2 {
            half_way = resident;
        }
    }
    if long {
        println!(
            "resident: {half_way} pages at half, {resident} at the end, with twice the entries"
        );
        assert!(resident < half_way * 2, "memory grows faster than the list");
    }
    over.store(true, Ordering::Release);
    for task in searching {
        task.await.unwrap();
    }
    assert!(searches.load(Ordering::Relaxed) > 20);
}

/// A large new version is opened in the background; until then the old one answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_version_takes_its_place_without_a_pause() {
    let b = bench(None).await;
    let c = Arc::new(b.casework);
    media::import_list(&c, &assessed("l"), rows(0..100).as_bytes(), "test")
        .await
        .unwrap();
    assert_eq!(found(&c, 5).await.len(), 1);
    let watching = c.clone();
    let watcher = tokio::spawn(async move { media::watch_changes(&watching).await });
    tokio::task::yield_now().await;
    media::import_list(&c, &assessed("l"), rows(0..200_000).as_bytes(), "test")
        .await
        .unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        assert!(!found(&c, 5).await.is_empty(), "never gone, old or new");
        if !found(&c, 150_000).await.is_empty() {
            break;
        }
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    watcher.abort();
}

/// Concurrent additions: each builds on the previous one, and none is lost.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_additions_are_all_kept() {
    on_each_database(async |b: Bench| {
        let c = &b.casework;
        let rights = [Right::Curate];
        let (key, _) = casework::create_key(c, "curator", &rights, None, "test")
            .await
            .unwrap();
        media::create_bank(c, "BANK", 1.0, Purpose::Assessed, &key)
            .await
            .unwrap();
        let kind = kinds::by_name("pdq").unwrap();
        let adding = (0..24).map(|n| {
            let signals = [(kind, digest(n))];
            let key = &key;
            async move {
                media::add_content(c, "BANK", &signals, None, None, key)
                    .await
                    .unwrap()
            }
        });
        let mut ids = futures::future::join_all(adding).await;
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 24, "each has a number of its own");
        for number in 0..24 {
            assert_eq!(found(c, number).await.len(), 1, "{number}");
        }
    })
    .await;
}

/// Entries that only count, however many and however near, hide no match.
#[tokio::test(flavor = "multi_thread")]
async fn unsigned_entries_do_not_crowd_out_a_match() {
    let b = bench(None).await;
    let c = &b.casework;
    let near = |bits: u32| {
        let mut bytes = [0x5a_u8; 32];
        (0..bits as usize).for_each(|bit| bytes[bit / 8] ^= 1 << (bit % 8));
        Digest::from_bytes(&bytes).unwrap().to_hex()
    };
    let signed = format!("kind,digest,entry_id\npdq,{},real\n", near(9));
    media::import_list(c, &assessed("l"), signed.as_bytes(), "test")
        .await
        .unwrap();
    for name in ["Ada", "Grace"] {
        media::sign_list(c, "l", &steward(c, name).await)
            .await
            .unwrap();
    }
    // More than the 50 matches kept of a list, and nearer than the signed entry's 9 bits.
    let crowd: Vec<_> = (0..80)
        .map(|n| format!("pdq,{},crowd-{n}\n", near(1)))
        .collect();
    let crowd = format!("kind,digest,entry_id\n{}", crowd.concat());
    media::add_entries(c, "l", crowd.as_bytes(), "test")
        .await
        .unwrap();
    let screener = media::screener(c, pool(), ScreenOptions::default())
        .await
        .unwrap();
    let query = Digest::from_hex(&near(0), 32).unwrap();
    let matches = screener.match_digest(kinds::by_name("pdq").unwrap(), &query);
    assert!(matches.iter().any(|m| m.signed && m.entry == "real"));
    assert_eq!(screener.judged(matches).verdict, Verdict::Match);
}

/// A digest whose entry was disputed may be listed again under another entry.
#[tokio::test(flavor = "multi_thread")]
async fn a_disputed_digest_matches_again_under_a_new_entry() {
    let b = bench(None).await;
    let c = &b.casework;
    let known = picture(3);
    signed(c, "l", &[("one", &known)]).await;
    media::dispute_entry(c, "l", "one", "wrong", "test")
        .await
        .unwrap();
    assert_eq!(screen(c, &known).await.verdict, Verdict::NoMatch);
    media::add_entries(c, "l", &csv(&[("two", &known)]), "test")
        .await
        .unwrap();
    for name in ["Ada", "Grace"] {
        media::sign_list(c, "l", &steward(c, name).await)
            .await
            .unwrap();
    }
    let screened = screen(c, &known).await;
    assert_eq!(
        (screened.verdict, screened.matches[0].entry.as_str()),
        (Verdict::Match, "two")
    );
}
