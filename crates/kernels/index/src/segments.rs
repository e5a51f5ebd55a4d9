//! A list of entries that grows while it is searched: immutable runs, and a new set of them for
//! each delta.
//!
//! A delta makes a new [`Segments`] that shares the older runs, so a search in progress continues
//! in the old one and nothing waits. Short runs are merged as they are added: each run is at least
//! [`GROWTH`] times as long as the next. So a list with 10,000 deltas of one entry has a handful of
//! runs, and each entry was copied about twelve times.

use std::sync::Arc;

use crate::{Bits256, Hit, Index, words};

/// A run is merged with the next when it is less than this many times as long. Our judgement: a
/// larger factor means fewer runs to search and more copies of an entry.
const GROWTH: usize = 4;

/// Runs in the order their entries were added; cheap to clone.
#[derive(Clone, Default)]
pub struct Segments {
    runs: Vec<Run>,
}

#[derive(Clone)]
struct Run {
    first: u32,
    index: Arc<Index>,
}

impl Segments {
    /// One run, or none without entries. Panics above 2³² − 2 entries.
    pub fn new(entries: Vec<Bits256>) -> Self {
        Self::default().with(&entries)
    }

    /// Returns a list with the same entries, followed by `more`. Panics above 2³² − 2 entries in
    /// all.
    pub fn with(&self, more: &[Bits256]) -> Self {
        if more.is_empty() {
            return self.clone();
        }
        // Cheap: a run holds its index behind an `Arc`.
        let mut runs = self.runs.clone();
        let mut len = more.len();
        let mut first = self.len();
        let mut merged = Vec::new();
        // From the newest: a run that is long enough ends the merging, because all older runs are
        // longer still.
        while let Some(run) = runs.pop_if(|run| run.index.len() < GROWTH * len) {
            len += run.index.len();
            first = run.first as usize;
            merged.push(run.index);
        }
        assert!(first + len < u32::MAX as usize, "positions are 32 bits");
        // Popped newest first; positions count from the oldest.
        let older = merged
            .iter()
            .rev()
            .flat_map(|index| index.entries().iter().copied());
        let index = Index::of_words(len, older.chain(more.iter().map(words)));
        runs.push(Run {
            first: first as u32,
            index: Arc::new(index),
        });
        Self { runs }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.runs
            .last()
            .map_or(0, |run| run.first as usize + run.index.len())
    }

    /// True when there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// All entries within `radius_bits`, nearest first, then by position.
    pub fn within(&self, query: &Bits256, radius_bits: u32) -> Vec<Hit> {
        let mut hits: Vec<Hit> = self
            .runs
            .iter()
            .flat_map(|run| {
                let hits = run.index.within(query, radius_bits).into_iter();
                hits.map(|hit| run.placed(hit))
            })
            .collect();
        // The hits of each run are sorted, but those of all runs together are not.
        hits.sort_unstable();
        hits
    }

    /// Like [`Segments::within`], for several queries.
    pub fn within_each(&self, queries: &[Bits256], radius_bits: u32) -> Vec<Vec<Hit>> {
        let mut answers = vec![Vec::new(); queries.len()];
        for run in &self.runs {
            let found = run.index.within_each(queries, radius_bits);
            for (answer, hits) in answers.iter_mut().zip(found) {
                answer.extend(hits.into_iter().map(|hit| run.placed(hit)));
            }
        }
        answers.iter_mut().for_each(|hits| hits.sort_unstable());
        answers
    }
}

impl Run {
    fn placed(&self, hit: Hit) -> Hit {
        Hit {
            position: hit.position + self.first,
            ..hit
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        /// Deltas of every length, from none to thousands, in any order.
        #[test]
        fn grown_equals_built_in_one_go(seed in any::<u64>(), deltas in proptest::collection::vec(0_usize..3_000, 1..14)) {
            let mut state = seed | 1;
            let mut next = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                let mut entry = [0; 32];
                // Few values, so that there are neighbours.
                entry.iter_mut().step_by(5).zip(state.to_le_bytes()).for_each(|(e, b)| *e = b & 0x13);
                entry
            };
            let (mut all, mut grown) = (Vec::new(), Segments::default());
            for len in deltas {
                let more: Vec<_> = (0..len).map(|_| next()).collect();
                grown = grown.with(&more);
                all.extend(more);
                prop_assert_eq!(grown.len(), all.len());
            }
            let queries = [next(), next()];
            for query in &queries {
                prop_assert_eq!(grown.within(query, 4), linear::within(&all, query, 4));
            }
            let answers = queries.map(|q| linear::within(&all, &q, 4));
            prop_assert_eq!(grown.within_each(&queries, 4), answers);
        }
    }

    /// Lengths of the runs after each delta; a run of exactly [`GROWTH`] times the next stays.
    #[test]
    fn runs_are_merged_while_they_are_short() {
        let mut grown = Segments::default();
        assert!(grown.is_empty());
        for (delta, expected) in [
            (16, vec![16]),
            (4, vec![16, 4]),
            (1, vec![16, 4, 1]),
            (0, vec![16, 4, 1]),
            // 1 joins 1, their 2 join 4, their 6 join 16.
            (1, vec![22]),
            (5, vec![22, 5]),
            (1, vec![22, 5, 1]),
        ] {
            grown = grown.with(&vec![[0; 32]; delta]);
            let lengths: Vec<_> = grown.runs.iter().map(|run| run.index.len()).collect();
            assert_eq!(lengths, expected, "after {delta} more");
            assert!(!grown.is_empty());
        }
        let positions: Vec<_> = grown
            .within(&[0; 32], 0)
            .iter()
            .map(|h| h.position)
            .collect();
        assert_eq!(positions, (0..28).collect::<Vec<_>>());
    }

    #[test]
    fn ten_thousand_deltas_of_one_entry_stay_a_handful_of_runs() {
        let mut grown = Segments::new(vec![[0xff; 32]; 5_000]);
        for i in 0..10_000_u32 {
            let mut entry = [0; 32];
            entry[..4].copy_from_slice(&i.to_le_bytes());
            grown = grown.with(&[entry]);
        }
        assert_eq!(grown.len(), 15_000);
        // Eight runs, each four times the next, would need at least 21,845 entries.
        assert!(grown.runs.len() < 8, "{}", grown.runs.len());
        assert_eq!(grown.within(&[0; 32], 0).len(), 1);
    }
}
