//! Processes items in parallel and returns results in input order.

use std::collections::BTreeMap;
use std::sync::{Mutex, mpsc};
use std::thread;

/// Results that may wait for an earlier one. Our judgement.
const WAITING_MAX: usize = 1_024;

/// Hands each item to one of as many threads as there are cores; `take` gets the results in order,
/// on the calling thread. When it fails, no further item is begun.
pub fn in_order<T: Send, R: Send>(
    items: impl Iterator<Item = T> + Send,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let threads = thread::available_parallelism().map_or(2, usize::from);
    let items = Mutex::new(items.enumerate());
    thread::scope(|scope| {
        // Bounded, so that the workers stop when results are not taken, as behind a pipe that is not read.
        let (send, receive) = mpsc::sync_channel(WAITING_MAX);
        for _ in 0..threads {
            let (send, items, work) = (send.clone(), &items, &work);
            scope.spawn(move || {
                loop {
                    // The guard is a temporary, dropped at the end of this line: the work is done without the lock.
                    let next = items.lock().expect("no panic while held").next();
                    let Some((place, item)) = next else { return };
                    // The receiver is gone when `take` has failed.
                    if send.send((place, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        // The loop below ends when the last sender is gone, and this is one.
        drop(send);
        let mut waiting = BTreeMap::new();
        let mut next = 0;
        for (place, result) in receive {
            waiting.insert(place, result);
            while let Some(result) = waiting.remove(&next) {
                take(result)?;
                next += 1;
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
}
