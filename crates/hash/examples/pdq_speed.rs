//! How long the PDQ of decoded pixels takes: `cargo run --release --example pdq_speed -p obhut-hash`.

use std::time::Instant;

use obhut_hash::{Compute, Pixels, kinds};

fn main() {
    for (w, h) in [(512, 512), (1600, 1004), (4000, 3000)] {
        let rgb: Vec<u8> = (0..w * h * 3)
            .map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let pixels = Pixels::new(w, h, &rgb).expect("the size fits");
        for name in ["pdq", "pdq-cimg512"] {
            let Compute::Pixels { one, .. } = kinds::by_name(name).expect("a kind").compute else {
                continue;
            };
            let mut times: Vec<f64> = (0..9)
                .map(|_| {
                    let started = Instant::now();
                    std::hint::black_box(one(pixels));
                    started.elapsed().as_secs_f64() * 1e3
                })
                .collect();
            times.sort_by(f64::total_cmp);
            println!(
                "{w}×{h} {name}: {:.2} ms ({:.2}–{:.2})",
                times[4], times[0], times[8]
            );
        }
    }
}
