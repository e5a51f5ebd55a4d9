//! Prints each payment's change as the index sees it: transaction, output, rule. For measuring rules
//! against chains with known owners (`cargo run --release --example change -- INDEX`).

use std::io::Write as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("name an index")?;
    let index = obhut_chain::Index::open(folder.as_ref())?;
    let mut out = std::io::stdout().lock();
    // Includes what optimal_change names. It makes no links, but its error rate is measured too.
    for number in 0..index.sizes()[0] {
        let t = index.transaction(number);
        if let Some((vout, rule)) = t.change {
            writeln!(out, "{},{vout},{rule}", obhut_chain::hash_text(&t.id))?;
        }
    }
    Ok(())
}
