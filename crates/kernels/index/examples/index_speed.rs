//! Measures the index against a peer that reads and prints the same lines: `index_speed ENTRIES
//! QUERIES RADIUS`, where ENTRIES and QUERIES are files of 32 bytes an entry. Prints how many
//! seconds building the index took. Then, for each line on standard input, it runs every query
//! once, one at a time, and prints the median and the 99th percentile in µs and the number of hits.

use std::io::BufRead as _;
use std::time::Instant;

use obhut_index::{Bits256, Index};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [entries, queries, radius] = arguments.as_slice() else {
        panic!("give two files and a radius")
    };
    let read = |path: &String| -> Vec<Bits256> {
        std::fs::read(path)
            .expect("readable")
            .as_chunks::<32>()
            .0
            .to_vec()
    };
    let (entries, queries) = (read(entries), read(queries));
    let radius: u32 = radius.parse().expect("a number");
    let started = Instant::now();
    let index = Index::new(entries);
    println!("built {:.2}", started.elapsed().as_secs_f64());
    // A line is one round: the benchmark lets obhut and its peers take turns.
    for _ in std::io::stdin().lock().lines() {
        let mut hits = 0;
        let mut times: Vec<f64> = queries
            .iter()
            .map(|query| {
                let started = Instant::now();
                // The number of hits is printed, so that it can be compared with the peer's and the
                // compiler can't drop the call.
                hits += index.within(query, radius).len();
                started.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!(
            "{:.1} {:.1} {hits}",
            times[times.len() / 2],
            times[times.len() * 99 / 100]
        );
    }
}
