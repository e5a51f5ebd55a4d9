//! Hashes a picture: `cargo run --example hash_a_picture`. The pixels are generated here; take
//! yours from any decoder that gives RGB, eight bits per channel.

use obhut_hash::{Pixels, kinds};

fn main() {
    // Two ramps: a flat picture has quality 0 and must not be matched.
    let rgb: Vec<u8> = (0..64 * 64)
        .flat_map(|i| [(i % 64 * 4) as u8, (i / 64 * 4) as u8, 90])
        .collect();
    let pdq = kinds::by_name("pdq").expect("a built-in kind");
    let pixels = Pixels::new(64, 64, &rgb).expect("as many bytes as 64 by 64 pixels have");
    let hashed = pdq.of_pixels(pixels).expect("PDQ hashes pixels");
    println!("{} quality {}", hashed.digest.to_hex(), hashed.quality);
}
