//! Each exhibit's position in the log, so that a look-up doesn't have to read the whole log.
//!
//! The index is in memory only: the first look-up of a process reads the log once, and later ones
//! read what was appended since. It can be discarded at any time, because the log is the record.

use std::collections::HashMap;

use serde::Deserialize;

use crate::VaultError;
use crate::log::EventKind;

/// Marks an entry that there isn't. No log has this many entries.
const NONE: u64 = u64::MAX;

/// The positions of all exhibits' entries among the first `size` entries of the log. Takes about 50
/// to 95 bytes for each exhibit.
#[derive(Default)]
pub(crate) struct Index {
    size: u64,
    exhibits: HashMap<u128, Entries>,
}

/// Indexes of one exhibit's entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entries {
    put: u64,
    rewrapped: u64,
    erased: u64,
}

/// Where an exhibit's entries are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub put: u64,
    /// The last one that wrapped its key again.
    pub rewrapped: Option<u64>,
    pub erased: Option<u64>,
}

/// The fields of an entry that the index reads.
#[derive(Deserialize)]
struct Head<'a> {
    event: EventKind,
    #[serde(borrow, default)]
    exhibit: &'a str,
}

impl Index {
    /// Number of entries indexed so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Forgets everything if the log has fewer entries than were indexed: then it is another log,
    /// for instance one restored from a backup.
    pub fn reset_if_shorter(&mut self, size: u64) {
        if size < self.size {
            *self = Self::default();
        }
    }

    /// Takes in the next entry.
    pub fn push(&mut self, entry: &[u8]) -> Result<(), VaultError> {
        let not_event = || VaultError::Tampered("an entry isn't an event".into());
        let head: Head<'_> = serde_json::from_slice(entry).map_err(|_| not_event())?;
        let index = self.size;
        match (head.event, number(head.exhibit)) {
            // Only the first `put` of an id counts: the vault never writes a second one.
            (EventKind::Put, Some(id)) => {
                self.exhibits.entry(id).or_insert(Entries {
                    put: index,
                    rewrapped: NONE,
                    erased: NONE,
                });
            }
            (EventKind::Rewrap, Some(id)) => {
                if let Some(entries) = self.exhibits.get_mut(&id) {
                    entries.rewrapped = index;
                }
            }
            (EventKind::Erase, Some(id)) => {
                if let Some(entries) = self.exhibits.get_mut(&id).filter(|e| e.erased == NONE) {
                    entries.erased = index;
                }
            }
            (EventKind::Read | EventKind::Row, _) | (_, None) => {}
        }
        self.size += 1;
        Ok(())
    }

    /// Where the exhibit's entries are.
    pub fn find(&self, exhibit: &str) -> Option<Found> {
        let entries = self.exhibits.get(&number(exhibit)?)?;
        let there = |index| (index != NONE).then_some(index);
        Some(Found {
            put: entries.put,
            rewrapped: there(entries.rewrapped),
            erased: there(entries.erased),
        })
    }
}

/// Parses an id of 32 lower-case hexadecimal digits; `None` for any other text.
fn number(id: &str) -> Option<u128> {
    let number = u128::from_str_radix(id, 16).ok()?;
    // Accepts only one spelling of an id: otherwise `+1` or capitals would find an exhibit too.
    (format!("{number:032x}") == id).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(event: &str, id: u128) -> Vec<u8> {
        format!(r#"{{"v":1,"event":"{event}","time":1,"exhibit":"{id:032x}","record":"r","commitment":"c"}}"#).into_bytes()
    }

    #[test]
    fn the_first_entries_of_an_exhibit_count() {
        let mut index = Index::default();
        for (event, id) in [
            ("put", 1),
            ("read", 1),
            ("put", 2),
            ("erase", 1),
            ("erase", 1),
            ("erase", 3),
            ("rewrap", 2),
            ("rewrap", 2),
            ("rewrap", 3),
        ] {
            index.push(&entry(event, id)).unwrap();
        }
        let of = |id: u128| index.find(&format!("{id:032x}"));
        let found = |put, rewrapped, erased| Found {
            put,
            rewrapped,
            erased,
        };
        assert_eq!(of(1), Some(found(0, None, Some(3))));
        assert_eq!(of(2), Some(found(2, Some(7), None)));
        assert_eq!(of(3), None);
        for id in [
            "",
            "1",
            "exhibit",
            &format!("{:032X}", u128::MAX),
            "+0000000000000000000000000000001",
        ] {
            assert_eq!(index.find(id), None, "{id}");
        }
        assert!(index.push(b"{}").is_err());
        assert_eq!(index.size(), 9);
        index.reset_if_shorter(9);
        assert_eq!(index.size(), 9);
        index.reset_if_shorter(8);
        assert_eq!(
            (index.size(), index.find(&format!("{:032x}", 2))),
            (0, None)
        );
    }
}
