//! Finds every entry within 31 bits: `cargo run --example find_neighbours`.

use obhut_index::Index;

fn main() {
    let entries = vec![[0x00; 32], [0x0f; 32], [0xff; 32]];
    let index = Index::new(entries);
    let mut query = [0x0f; 32];
    // Three bits away from entry 1, so that the answer is known.
    query[0] ^= 0b111;
    for hit in index.within(&query, 31) {
        println!("entry {} at {} bits", hit.position, hit.distance_bits);
    }
}
