//! Each target with its corpus, and with two thousand small mutations of it.

use obhut_fuzz::{Changes, TARGETS, corpus};

/// Mutations tried of each target's corpus.
const CHANGES: usize = 2_000;

#[test]
fn no_input_crashes_a_parser() {
    for target in TARGETS {
        let kept = corpus(target);
        // Without an input nothing is tried, and `Changes` panics.
        assert!(
            !kept.is_empty(),
            "{}: fuzz/corpus/{} is empty",
            target.name,
            target.name
        );
        kept.iter().for_each(|bytes| (target.run)(bytes));
        // A fixed seed: what fails here fails again.
        Changes::new(kept, 7)
            .take(CHANGES)
            .for_each(|bytes| (target.run)(&bytes));
    }
}
