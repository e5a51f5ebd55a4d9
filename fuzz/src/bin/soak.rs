//! Feeds one target with mutated inputs until its time is up: `soak TARGET SECONDS SEED`. Each
//! input is written to fuzz/crashes/ before it is tried, so that a crashing one remains there.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use obhut_fuzz::{Changes, corpus, target};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, seconds, seed] = arguments.as_slice() else {
        panic!("give a target, seconds and a seed")
    };
    let target = target(name).expect("one of the targets");
    let time = Duration::from_secs(seconds.parse().expect("seconds"));
    let seed: u64 = seed.parse().expect("a number");
    let crashes = Path::new(env!("CARGO_MANIFEST_DIR")).join("crashes");
    fs::create_dir_all(&crashes).expect("a folder for what ends it");
    let file = crashes.join(format!("{name}-{seed}"));
    let started = Instant::now();
    let mut count = 0_u64;
    for bytes in Changes::new(corpus(target), seed) {
        // Written before it is tried: an abort or a kill for memory leaves no chance to write it
        // afterwards.
        fs::write(&file, &bytes).expect("the input is kept");
        let begun = Instant::now();
        (target.run)(&bytes);
        let took = begun.elapsed();
        // 20 s as for cargo-fuzz in xtask. Catches slow inputs only: one on which the parser never
        // returns hangs the soak in the call above, with the input in `file`.
        assert!(
            took < Duration::from_secs(20),
            "took {took:?}: {}",
            file.display()
        );
        count += 1;
        if started.elapsed() > time {
            break;
        }
    }
    // The last input didn't crash the parser, so it isn't a finding.
    let _ = fs::remove_file(&file);
    println!("{name}: {count} inputs, no crash");
}
