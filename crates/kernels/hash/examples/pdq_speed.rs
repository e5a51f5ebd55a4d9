//! How long the PDQ of decoded pixels takes: `pdq_speed PIXELS WIDTH HEIGHT TIMES`, where PIXELS is
//! a file of three bytes a pixel. Prints the median in milliseconds and the digest.

use std::time::Instant;

use obhut_hash::{Compute, Pixels, kinds};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, width, height, times] = arguments.as_slice() else {
        panic!("give a file, its width and height, and how often")
    };
    let rgb = std::fs::read(path).expect("readable");
    let number = |text: &str| text.parse::<u32>().expect("a number");
    let pixels = Pixels::new(number(width), number(height), &rgb).expect("the size fits");
    let Compute::Pixels { one, .. } = kinds::by_name("pdq").expect("a kind").compute else {
        panic!("pdq is made of pixels")
    };
    // Before the clock starts: the first call computes the DCT matrix and allocates the buffers.
    let digest = one(pixels).digest.to_hex();
    let mut times: Vec<f64> = (0..number(times))
        .map(|_| {
            let started = Instant::now();
            // Otherwise the compiler could drop a call whose result is not used.
            std::hint::black_box(one(pixels));
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    // The digest lets `cargo xtask bench` see that the peer computed the same.
    println!("{:.4} {digest}", times[times.len() / 2]);
}
