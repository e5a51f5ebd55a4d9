//! Each exhibit's position in the log, so that a look-up doesn't have to read the whole log.
//!
//! The index is in memory only: the first look-up of a process reads the log once, and later ones
//! read what was appended since. It can be discarded at any time, because the log is the record.

use std::collections::HashMap;

use serde::Deserialize;

use crate::VaultError;
use crate::log::EventKind;

/// Marks an exhibit that was not erased. No log has this many entries.
const THERE: u64 = u64::MAX;

/// The positions of all exhibits' entries among the first `size` entries of the log. Takes about 40
/// to 75 bytes for each exhibit.
#[derive(Default)]
pub(crate) struct Index {
    size: u64,
    exhibits: HashMap<u128, Entries>,
}

/// Indexes of one exhibit's entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entries {
    put: u64,
    erased: u64,
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
                    erased: THERE,
                });
            }
            (EventKind::Erase, Some(id)) => {
                if let Some(entries) = self.exhibits.get_mut(&id).filter(|e| e.erased == THERE) {
                    entries.erased = index;
                }
            }
            (EventKind::Read | EventKind::Row, _) | (_, None) => {}
        }
        self.size += 1;
        Ok(())
    }

    /// Index of the exhibit's `put`, and of its erasure if it was erased.
    pub fn find(&self, exhibit: &str) -> Option<(u64, Option<u64>)> {
        let entries = self.exhibits.get(&number(exhibit)?)?;
        Some((
            entries.put,
            (entries.erased != THERE).then_some(entries.erased),
        ))
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
        ] {
            index.push(&entry(event, id)).unwrap();
        }
        let of = |id: u128| index.find(&format!("{id:032x}"));
        assert_eq!(of(1), Some((0, Some(3))));
        assert_eq!(of(2), Some((2, None)));
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
        assert_eq!(index.size(), 6);
        index.reset_if_shorter(6);
        assert_eq!(index.size(), 6);
        index.reset_if_shorter(5);
        assert_eq!(
            (index.size(), index.find(&format!("{:032x}", 2))),
            (0, None)
        );
    }
}
