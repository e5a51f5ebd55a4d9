//! Adds entries to the log, those of all who wait in one go.
//!
//! An append costs several syncs whatever its number of entries, and only one runs at a time. So
//! callers that come while another append runs join the next batch; the batch is closed once it has the
//! writer's lock. Everyone in it drives the same future: a caller that is dropped keeps no other from
//! finishing, and once all are dropped the future is, too, with its lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};

use crate::log::{Event, Log, LogHead};
use crate::{VaultError, WriterLock};

/// The index of a batch's first entry, or why none was added.
type Appended = Shared<BoxFuture<'static, Result<u64, Arc<VaultError>>>>;

/// Adds entries to a log.
pub(super) struct Appender {
    log: Log,
    lock: Arc<dyn WriterLock>,
    /// A head the log is known to have had: it only grows from there.
    known: Arc<Mutex<Option<LogHead>>>,
    next: Mutex<Option<Batch>>,
}

/// The batch that can still be joined.
struct Batch {
    /// `None` once it is closed.
    events: Arc<Mutex<Option<Vec<Event>>>>,
    appended: WeakShared<BoxFuture<'static, Result<u64, Arc<VaultError>>>>,
}

impl Appender {
    pub fn new(log: Log, lock: Arc<dyn WriterLock>) -> Self {
        Self {
            log,
            lock,
            known: Arc::default(),
            next: Mutex::default(),
        }
    }

    /// Adds entries, one after another; returns the index of the first.
    pub async fn append(&self, events: Vec<Event>) -> Result<u64, VaultError> {
        let (place, appended) = self.join(events);
        match appended.await {
            Ok(first) => Ok(first + place),
            Err(e) => Err(Arc::try_unwrap(e).unwrap_or_else(|e| again(&e))),
        }
    }

    /// Joins the batch that waits, or begins one: the place of the first entry in it.
    fn join(&self, mut new: Vec<Event>) -> (u64, Appended) {
        let mut next = locked(&self.next);
        if let Some(batch) = &*next
            // None if everyone in it has been dropped.
            && let Some(appended) = batch.appended.upgrade()
            && let Some(events) = &mut *locked(&batch.events)
        {
            let place = events.len() as u64;
            events.append(&mut new);
            return (place, appended);
        }
        let events = Arc::new(Mutex::new(Some(new)));
        let (log, lock, known) = (self.log.clone(), self.lock.clone(), self.known.clone());
        let appended = run(log, lock, known, events.clone()).boxed().shared();
        *next = appended
            .downgrade()
            .map(|appended| Batch { events, appended });
        (0, appended)
    }

    pub fn known(&self) -> Option<LogHead> {
        *locked(&self.known)
    }

    pub fn expect(&self, head: LogHead) {
        expect(&self.known, head);
    }
}

async fn run(
    log: Log,
    lock: Arc<dyn WriterLock>,
    known: Arc<Mutex<Option<LogHead>>>,
    events: Arc<Mutex<Option<Vec<Event>>>>,
) -> Result<u64, Arc<VaultError>> {
    let held = lock.hold().await;
    // Closed even without the lock: a batch that has failed can't be joined.
    let events = locked(&events).take().unwrap_or_default();
    let appending = async {
        let _guard = held?;
        let size = log.head().await?.size;
        let had = *locked(&known);
        if let Some(had) = had.filter(|k| k.size > size) {
            return Err(VaultError::Tampered(format!(
                "the log has {size} entries and had {}; it is an older copy",
                had.size
            )));
        }
        let (first, head) = log.append(&events).await?;
        expect(&known, head);
        Ok(first)
    };
    appending.await.map_err(Arc::new)
}

fn expect(known: &Mutex<Option<LogHead>>, head: LogHead) {
    let mut known = locked(known);
    if known.is_none_or(|k| k.size < head.size) {
        *known = Some(head);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same error for each of a batch.
fn again(e: &VaultError) -> VaultError {
    match e {
        VaultError::Tampered(what) => VaultError::Tampered(what.clone()),
        VaultError::Sealed(what) => VaultError::Sealed(what.clone()),
        VaultError::NotFound(id) => VaultError::NotFound(id.clone()),
        VaultError::Erased(id) => VaultError::Erased(id.clone()),
        VaultError::Lock(e) => VaultError::Lock(std::io::Error::new(e.kind(), e.to_string())),
        // The others don't come from appending.
        e => VaultError::Store(object_store::Error::Generic {
            store: "vault",
            source: e.to_string().into(),
        }),
    }
}
