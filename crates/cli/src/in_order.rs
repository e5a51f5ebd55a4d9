//! Processes items in parallel and returns results in input order.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, mpsc};
use std::thread;

/// Most items that may be begun but not yet taken. It bounds the memory of results that wait for a
/// slow earlier one. Our judgement.
const WAITING_MAX: usize = 1_024;

/// Runs `work` on the items, on one thread per core, and passes the results to `take` in the items'
/// order, on the calling thread. If `take` fails, each thread stops after at most one more item and
/// the error is returned.
///
/// # Panics
/// `work` panics.
pub fn in_order<T: Send, R: Send>(
    items: impl Iterator<Item = T> + Send,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let items = Mutex::new(items.enumerate());
    // A place for each item that is begun; it is given back once `take` has had the result.
    let (give_back, place) = mpsc::sync_channel(WAITING_MAX);
    for _ in 0..WAITING_MAX {
        give_back.send(()).expect("the channel holds all places");
    }
    let place = Mutex::new(place);
    thread::scope(|scope| {
        // Moved in, so that it is dropped, and the workers stop, when `take` fails.
        let give_back = give_back;
        let (send, receive) = mpsc::channel();
        for _ in 0..threads {
            let (send, items, work, places) = (send.clone(), &items, &work, &place);
            scope.spawn(move || {
                loop {
                    // The place is taken before the item, so that the earliest item always has one.
                    // The sender is dropped when `take` has failed.
                    if places.lock().expect("no panic while held").recv().is_err() {
                        return;
                    }
                    // The guard is dropped at the end of this statement, so `work` runs without the
                    // lock.
                    let next = items.lock().expect("no panic while held").next();
                    let Some((place, item)) = next else { return };
                    // The receiver is gone when `take` has failed.
                    // A panic is passed on: the places of the items behind this one would never
                    // be given back, and everyone would wait for ever.
                    let result = catch_unwind(AssertUnwindSafe(|| work(item)));
                    let panicked = result.is_err();
                    if send.send((place, result)).is_err() || panicked {
                        return;
                    }
                }
            });
        }
        // The loop below ends when every sender is dropped, so this one must be dropped first.
        drop(send);
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for (place, result) in receive {
            waiting.insert(place, result.unwrap_or_else(|panic| resume_unwind(panic)));
            while let Some(result) = waiting.remove(&next) {
                take(result)?;
                next += 1;
                // Never blocks: the channel has room for all places.
                let _ = give_back.send(());
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::in_order;

    #[test]
    fn results_come_in_order_and_a_failure_ends_it() {
        let mut seen = Vec::new();
        in_order(
            0..5_000,
            |i| i * 2,
            |r| {
                seen.push(r);
                Ok(())
            },
        )
        .unwrap();
        assert!(seen.iter().copied().eq((0..5_000).map(|i| i * 2)));
        let mut count = 0;
        let end = in_order(
            0..,
            |i| i,
            |_| {
                count += 1;
                if count == 10 {
                    anyhow::bail!("enough")
                }
                Ok(())
            },
        );
        assert!(end.is_err());
    }

    /// Regression: with many items behind the one whose work panicked, it never returned.
    #[test]
    #[should_panic(expected = "the first")]
    fn a_panic_at_work_is_passed_on() {
        let end = in_order(0..50_000, |i| assert!(i > 0, "the first"), |()| Ok(()));
        end.unwrap();
    }

    /// Regression: one slow item in front kept the results of all later ones in memory.
    #[test]
    fn a_slow_item_bounds_what_waits_behind_it() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let begun = AtomicUsize::new(0);
        let most = AtomicUsize::new(0);
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        // With one thread nothing can be begun behind the slow item.
        if cores < 2 {
            return;
        }
        in_order(
            0..10_000_u32,
            |i| {
                let now = begun.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                // Keep the first item busy until as many others have begun as are allowed.
                while i == 0 && begun.load(Ordering::SeqCst) < super::WAITING_MAX {
                    std::thread::yield_now();
                }
            },
            |()| {
                begun.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            },
        )
        .unwrap();
        assert!(most.into_inner() <= super::WAITING_MAX);
    }
}
