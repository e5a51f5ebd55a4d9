//! Clusters the addresses of a node's block files: `cargo run --release --example clusters -- BLOCKS INDEX`,
//! for a regtest chain. Prints the sizes of the ten largest strong clusters, each with its root
//! address.

use std::collections::HashMap;

use obhut_chain::{Build, Index, Network, build};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folders: Vec<_> = std::env::args_os()
        .skip(1)
        .map(std::path::PathBuf::from)
        .collect();
    let [blocks, index] = &folders[..] else {
        return Err("name the folder of blocks and a new folder for the index".into());
    };
    build(&Build {
        network: Network::Regtest,
        blocks,
        index,
        secret: [1, 2, 3, 4], // For a real chain: from the system's randomness.
        threads: 2,
        live: false,
        progress: &|_| {},
    })?;
    let index = Index::open(index)?;
    let mut sizes: HashMap<u32, u32> = HashMap::new();
    for address in 0..index.sizes()[3] as u32 {
        *sizes.entry(index.strong_cluster(address)).or_default() += 1;
    }
    let mut largest: Vec<_> = sizes.into_iter().collect();
    // By root as well, so that equal sizes always print in the same order.
    largest.sort_by_key(|(root, size)| (std::cmp::Reverse(*size), *root));
    for (root, size) in largest.iter().take(10) {
        println!("{size} addresses with {}", index.address_text(*root));
    }
    Ok(())
}
