//! Places for decoding, shared fairly.
//!
//! Decoding is the dear part of an upload. At most half of the places go to dear files (videos,
//! large pictures, animations), so a picture never waits behind videos alone; at most half go to
//! one account; and of those who wait, the one who has used least of late is next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// What an account has used counts half after this long. Our judgement.
const HALF_LIFE: Duration = Duration::from_secs(60);
/// Accounts whose use is remembered; beyond it those that have used little are forgotten. Our
/// judgement: two hundred bytes each.
const ACCOUNTS_MAX: usize = 10_000;
/// Use below this is forgotten, in seconds. Our judgement: a picture takes about a hundredth.
const USE_S_MIN: f64 = 0.05;

/// Who asks for a place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Asker {
    /// An account of a key, as a number that means nothing elsewhere.
    Account(u64),
    /// A key that names no account: it may be a whole platform, so it may have every place.
    Key(u64),
}

/// All places.
pub(crate) struct Places {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    total: usize,
    taken: usize,
    dear: usize,
    /// Since when each asker has its places.
    by: HashMap<Asker, Vec<Instant>>,
    used: HashMap<Asker, Use>,
    waiting: Vec<Waiting>,
}

/// Seconds of decoding, as of a moment.
#[derive(Clone, Copy)]
struct Use {
    seconds: f64,
    at: Instant,
}

struct Waiting {
    asker: Asker,
    is_dear: bool,
    ready: oneshot::Sender<Instant>,
}

/// A place, free when it is dropped.
pub(crate) struct Place {
    shared: Arc<Mutex<Shared>>,
    asker: Asker,
    is_dear: bool,
    /// Since when; identifies it among the asker's own.
    since: Instant,
}

impl Places {
    pub fn new(total: usize) -> Self {
        Self {
            shared: Arc::new(Mutex::new(Shared {
                total,
                taken: 0,
                dear: 0,
                by: HashMap::new(),
                used: HashMap::new(),
                waiting: Vec::new(),
            })),
        }
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        lock(&self.shared).taken
    }

    /// A place, once one is free for this asker. Dropping the future gives up the wait.
    pub async fn acquire(&self, asker: Asker, is_dear: bool) -> Place {
        let place = |since| Place {
            shared: self.shared.clone(),
            asker,
            is_dear,
            since,
        };
        loop {
            let waiting = {
                let mut shared = lock(&self.shared);
                // Those who wait already may be next, but never by being overtaken here: a place is
                // only free for this asker if none of them could have had it.
                if shared.has_room(asker, is_dear) {
                    return place(shared.take(asker, is_dear));
                }
                let (ready, waiting) = oneshot::channel();
                shared.waiting.push(Waiting {
                    asker,
                    is_dear,
                    ready,
                });
                waiting
            };
            // The place was taken in this asker's name before the message was sent. If the future is
            // dropped between the two, `Handed` gives it back.
            let mut handed = Handed {
                waiting,
                shared: self.shared.clone(),
                asker,
                is_dear,
                is_done: false,
            };
            if let Ok(since) = (&mut handed.waiting).await {
                handed.is_done = true;
                return place(since);
            }
        }
    }
}

/// Gives back a place that was handed over to a wait that has been given up.
struct Handed {
    waiting: oneshot::Receiver<Instant>,
    shared: Arc<Mutex<Shared>>,
    asker: Asker,
    is_dear: bool,
    is_done: bool,
}

impl Drop for Handed {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        self.waiting.close();
        if let Ok(since) = self.waiting.try_recv() {
            lock(&self.shared).release(self.asker, self.is_dear, since);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.shared).release(self.asker, self.is_dear, self.since);
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Half of the places, and never none.
    fn half(&self) -> usize {
        (self.total / 2).max(1)
    }

    fn has_room(&self, asker: Asker, is_dear: bool) -> bool {
        let of_account = match asker {
            Asker::Account(_) => self.by.get(&asker).map_or(0, Vec::len) < self.half(),
            Asker::Key(_) => true,
        };
        self.taken < self.total && of_account && (!is_dear || self.dear < self.half())
    }

    fn take(&mut self, asker: Asker, is_dear: bool) -> Instant {
        let now = Instant::now();
        self.taken += 1;
        self.dear += usize::from(is_dear);
        self.by.entry(asker).or_default().push(now);
        now
    }

    fn release(&mut self, asker: Asker, is_dear: bool, since: Instant) {
        let at = Instant::now();
        self.give_back(asker, is_dear, since);
        let own = at.saturating_duration_since(since).as_secs_f64();
        let seconds = self.ended_by(asker, at) + own;
        self.used.insert(asker, Use { seconds, at });
        if self.used.len() > ACCOUNTS_MAX {
            self.forget(at);
        }
        self.hand_over(at);
    }

    fn give_back(&mut self, asker: Asker, is_dear: bool, since: Instant) {
        self.taken -= 1;
        self.dear -= usize::from(is_dear);
        if let Some(own) = self.by.get_mut(&asker) {
            if let Some(place) = own.iter().position(|s| *s == since) {
                own.swap_remove(place);
            }
            if own.is_empty() {
                self.by.remove(&asker);
            }
        }
    }

    /// Seconds that count now, those of places that are still held included.
    fn used_by(&self, asker: Asker, at: Instant) -> f64 {
        let running = self.by.get(&asker).into_iter().flatten();
        let running = running.map(|s| at.saturating_duration_since(*s).as_secs_f64());
        self.ended_by(asker, at) + running.sum::<f64>()
    }

    /// Seconds of places that were given back.
    fn ended_by(&self, asker: Asker, at: Instant) -> f64 {
        self.used.get(&asker).map_or(0.0, |used| {
            let age = at.saturating_duration_since(used.at);
            used.seconds * 0.5_f64.powf(age.as_secs_f64() / HALF_LIFE.as_secs_f64())
        })
    }

    fn forget(&mut self, at: Instant) {
        let keep: Vec<_> = self.used.keys().copied().collect();
        for asker in keep {
            if self.ended_by(asker, at) < USE_S_MIN {
                self.used.remove(&asker);
            }
        }
        // Many who used much: what each used is forgotten, and all begin at zero.
        if self.used.len() > ACCOUNTS_MAX {
            self.used.clear();
        }
    }

    /// Hands free places to those who wait, the one who has used least first.
    fn hand_over(&mut self, at: Instant) {
        self.waiting.retain(|w| !w.ready.is_closed());
        loop {
            let next = (0..self.waiting.len())
                .filter(|i| {
                    let w = &self.waiting[*i];
                    self.has_room(w.asker, w.is_dear)
                })
                // The earliest of equals.
                .min_by(|a, b| {
                    let used = |i: &usize| self.used_by(self.waiting[*i].asker, at);
                    used(a).total_cmp(&used(b)).then(a.cmp(b))
                });
            let Some(next) = next else { return };
            let waiting = self.waiting.remove(next);
            let since = self.take(waiting.asker, waiting.is_dear);
            if waiting.ready.send(since).is_err() {
                // Given up between the look above and now.
                self.give_back(waiting.asker, waiting.is_dear, since);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANYBODY: Asker = Asker::Key(0);

    fn account(number: u64) -> Asker {
        Asker::Account(number)
    }

    async fn now(places: &Places, asker: Asker, is_dear: bool) -> Option<Place> {
        // Polled once: a free place needs no waiting.
        tokio::select! {
            biased;
            place = places.acquire(asker, is_dear) => Some(place),
            () = std::future::ready(()) => None,
        }
    }

    #[tokio::test]
    async fn dear_files_and_one_account_leave_half_of_the_places() {
        let places = Places::new(4);
        let mut held = Vec::new();
        for number in 0..2 {
            held.push(now(&places, account(number), true).await.unwrap());
        }
        assert!(now(&places, account(9), true).await.is_none());
        held.push(now(&places, account(9), false).await.unwrap());
        held.push(now(&places, account(9), false).await.unwrap());
        assert!(now(&places, ANYBODY, false).await.is_none());
        held.clear();
        let _two = [
            now(&places, account(1), false).await.unwrap(),
            now(&places, account(1), false).await.unwrap(),
        ];
        assert!(now(&places, account(1), false).await.is_none());
        assert!(now(&places, account(2), false).await.is_some());
    }

    #[tokio::test]
    async fn who_has_used_least_is_next_and_who_gave_up_is_not() {
        let places = Arc::new(Places::new(1));
        let first = now(&places, account(1), false).await.unwrap();
        lock(&places.shared).used.insert(
            account(2),
            Use {
                seconds: 30.0,
                at: Instant::now(),
            },
        );
        let (send, mut order) = tokio::sync::mpsc::unbounded_channel();
        let mut tasks = Vec::new();
        for number in [2, 3, 4] {
            let (places_of, send) = (places.clone(), send.clone());
            tasks.push(tokio::spawn(async move {
                let place = places_of.acquire(account(number), false).await;
                let _ = send.send(number);
                drop(place);
            }));
            // Until it waits, so that the order of waiting is known.
            while lock(&places.shared).waiting.len() < tasks.len() {
                tokio::task::yield_now().await;
            }
        }
        tasks[2].abort();
        let _ = (&mut tasks[2]).await;
        drop(first);
        assert_eq!(order.recv().await, Some(3));
        assert_eq!(order.recv().await, Some(2));
        drop(send);
        assert_eq!(order.recv().await, None);
        assert_eq!(lock(&places.shared).taken, 0);
    }
}
