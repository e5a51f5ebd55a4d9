//! Generated pictures: landscapes of hills under a sky, a different one for each number.

use std::io::Cursor;

use image::codecs::gif::{GifEncoder, Repeat};
use image::imageops::{self, FilterType};
use image::{Delay, Frame, ImageFormat, Rgb, RgbImage, buffer::ConvertBuffer as _};

/// A picture, eight bits for each of red, green and blue.
pub struct Landscape(RgbImage);

/// Ridges, the farthest first.
const RIDGES: u32 = 5;
/// Trees on the nearest ridges.
const TREES: usize = 26;

impl Landscape {
    /// The landscape of a number; `width` and `height` in pixels, at least 1.
    pub fn new(number: u32, width: u32, height: u32) -> Self {
        Self::at(number, width, height, 0.0)
    }

    /// `sun` moves the sun to the right, in widths of the picture.
    fn at(number: u32, width: u32, height: u32, sun: f32) -> Self {
        let mut random = Random::new(number);
        let sky = [random.between(0.5, 0.9), random.between(0.55, 0.85), 0.95];
        let sun_at = (random.between(0.1, 0.9) + sun, random.between(0.08, 0.35));
        let sun_size = random.between(0.04, 0.09);
        let ground = [random.between(0.1, 0.5), random.between(0.2, 0.5), 0.25];
        let ridges: Vec<Ridge> = (0..RIDGES).map(|n| Ridge::new(n, &mut random)).collect();
        let trees: Vec<Tree> = (0..TREES)
            .map(|n| Tree::new(n, &ridges, &mut random))
            .collect();
        let clouds: Vec<[f32; 3]> = (0..4)
            .map(|_| {
                let (left, top) = (random.between(0.0, 1.0), random.between(0.04, 0.3));
                [left, top, random.between(0.05, 0.12)]
            })
            .collect();
        // Once for each column: pixels are many.
        let outlines: Vec<Vec<f32>> = (0..width)
            .map(|x| {
                ridges
                    .iter()
                    .map(|r| r.height(x as f32 / width as f32))
                    .collect()
            })
            .collect();
        let aspect = width as f32 / height as f32;
        Self(RgbImage::from_fn(width, height, |x, y| {
            let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
            let mut colour = sky.map(|c| c * (0.75 + 0.4 * v));
            if ((u - sun_at.0) * aspect).hypot(v - sun_at.1) < sun_size {
                colour = [1.0, 0.95, 0.8];
            }
            for [left, top, size] in &clouds {
                if ((u - left) / 2.2).hypot((v - top) * 1.4) < *size {
                    colour = [0.97, 0.97, 1.0];
                }
            }
            for (n, top) in outlines[x as usize].iter().enumerate() {
                let near = (n + 1) as f32 / RIDGES as f32;
                if v > *top {
                    // Far hills have the colour of the sky, and snow.
                    let snow = n < 2 && v - top < 0.035;
                    colour = std::array::from_fn(|c| match snow {
                        true => 0.95,
                        false => {
                            ground[c] * near * (1.1 - 0.5 * (v - top)) + sky[c] * 0.6 * (1.0 - near)
                        }
                    });
                }
                if trees.iter().any(|t| t.ridge == n && t.covers(u, v, aspect)) {
                    colour = ground.map(|c| c * 0.35);
                }
            }
            Rgb(colour.map(|c| (c.clamp(0.0, 1.0) * 255.0) as u8))
        }))
    }

    /// Width and height, in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.0.dimensions()
    }

    /// The pixels, row by row, three bytes each.
    pub fn rgb(&self) -> &[u8] {
        self.0.as_raw()
    }

    /// A copy with another width, in proportion.
    pub fn scaled(&self, width: u32) -> Self {
        let (was, height) = self.0.dimensions();
        let height = (height * width / was).max(1);
        Self(imageops::resize(
            &self.0,
            width,
            height,
            FilterType::Triangle,
        ))
    }

    /// A brighter or, below 0, darker copy.
    pub fn brighter(&self, by: i32) -> Self {
        Self(imageops::brighten(&self.0, by))
    }

    /// As PNG.
    pub fn png(&self) -> Vec<u8> {
        self.encoded(ImageFormat::Png)
    }

    /// As WebP, lossless.
    pub fn webp(&self) -> Vec<u8> {
        self.encoded(ImageFormat::WebP)
    }

    fn encoded(&self, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        self.0
            .write_to(&mut bytes, format)
            .expect("writing to memory does not fail");
        bytes.into_inner()
    }

    /// The landscape of a number as an animation in GIF: the sun crosses the sky in that many frames.
    pub fn gif(number: u32, width: u32, height: u32, frames: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = GifEncoder::new_with_speed(&mut bytes, 30);
        encoder
            .set_repeat(Repeat::Infinite)
            .expect("writing to memory does not fail");
        for n in 0..frames {
            let at = Self::at(number, width, height, n as f32 / frames as f32 * 0.8 - 0.4);
            let delay = Delay::from_numer_denom_ms(250, 1);
            encoder
                .encode_frame(Frame::from_parts(at.0.convert(), 0, 0, delay))
                .expect("writing to memory does not fail");
        }
        drop(encoder);
        bytes
    }
}

/// The outline of a ridge: three waves.
struct Ridge {
    base: f32,
    waves: [(f32, f32, f32); 3],
}

impl Ridge {
    fn new(n: u32, random: &mut Random) -> Self {
        Self {
            base: 0.32 + 0.13 * n as f32,
            waves: [1.0, 2.3, 5.9].map(|frequency: f32| {
                let height = random.between(0.02, 0.11) / frequency.sqrt();
                (
                    frequency * random.between(0.7, 1.4),
                    random.between(0.0, 6.3),
                    height,
                )
            }),
        }
    }

    /// From the top, in heights of the picture.
    fn height(&self, u: f32) -> f32 {
        let waves = self.waves.iter();
        self.base
            + waves
                .map(|(f, phase, height)| height * (u * f * 6.3 + phase).sin())
                .sum::<f32>()
    }
}

/// A tree: a triangle on a ridge.
struct Tree {
    ridge: usize,
    at: f32,
    tall: f32,
    foot: f32,
}

impl Tree {
    fn new(n: usize, ridges: &[Ridge], random: &mut Random) -> Self {
        let ridge = 2 + n % (ridges.len() - 2);
        let at = random.between(0.0, 1.0);
        Self {
            ridge,
            at,
            tall: random.between(0.02, 0.06) * ridge as f32,
            foot: ridges[ridge].height(at) + 0.01,
        }
    }

    fn covers(&self, u: f32, v: f32, aspect: f32) -> bool {
        let up = (self.foot - v) / self.tall;
        (0.0..1.0).contains(&up) && (u - self.at).abs() * aspect < 0.3 * self.tall * (1.0 - up)
    }
}

/// Numbers that look random and are the same each time.
struct Random(u64);

impl Random {
    fn new(seed: u32) -> Self {
        Self(u64::from(seed).wrapping_add(1))
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        // SplitMix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        low + (z >> 40) as f32 / (1_u64 << 24) as f32 * (high - low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_different_landscapes_that_stay_the_same() {
        let made: Vec<_> = (0..20).map(|n| Landscape::new(n, 64, 48)).collect();
        for (n, one) in made.iter().enumerate() {
            assert_eq!(one.rgb(), Landscape::new(n as u32, 64, 48).rgb());
            assert!(made[..n].iter().all(|other| other.rgb() != one.rgb()));
        }
        assert_eq!(made[0].scaled(32).size(), (32, 24));
        for bytes in [made[0].png(), made[0].webp(), Landscape::gif(1, 32, 24, 3)] {
            assert!(image::guess_format(&bytes).is_ok());
        }
    }

    /// Lists can hold them: they have enough detail for PDQ, and none is like another.
    #[test]
    fn pdq_tells_them_apart() {
        let pdq = obhut_hash::kinds::by_name("pdq").unwrap();
        let digests: Vec<_> = (0..16)
            .map(|n| {
                let scene = Landscape::new(n, 320, 240);
                let pixels = obhut_hash::Pixels::new(320, 240, scene.rgb()).unwrap();
                let hashed = pdq.of_pixels(pixels).unwrap();
                assert!(hashed.quality >= pdq.quality_min(), "{n}");
                hex::decode(hashed.digest.to_hex()).unwrap()
            })
            .collect();
        let bits = |a: &[u8], b: &[u8]| -> u32 {
            a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
        };
        for (n, one) in digests.iter().enumerate() {
            for other in &digests[..n] {
                assert!(bits(one, other) > pdq.radius_bits().unwrap());
            }
        }
    }
}
