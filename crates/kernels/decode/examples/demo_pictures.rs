//! Makes harmless pictures and edited copies of them, for the demo and the benchmark.
//!
//! `demo_pictures FOLDER ORIGINALS EDITS OTHERS WIDTH HEIGHT` writes `originals/`, `pictures/`
//! (edits and others, mixed) and `manifest.tsv`: file, original or `-`, edit.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use turbojpeg::{Compressor, PixelFormat, Subsamp};

/// An edit: its name, the extension it is saved with, and what it does.
type Edit = (&'static str, &'static str, fn(&RgbImage) -> Vec<u8>);

const EDITS: [Edit; 10] = [
    ("recompressed, quality 40", "jpg", |p| jpeg(p, 40)),
    ("scaled to a half", "jpg", |p| jpeg(&scaled(p, 1, 2), 85)),
    ("scaled by 1.5", "jpg", |p| jpeg(&scaled(p, 3, 2), 85)),
    ("cropped by 2 %", "jpg", |p| jpeg(&cropped(p, 2), 85)),
    ("bordered by 3 %", "jpg", |p| jpeg(&bordered(p, 3), 85)),
    ("as PNG, brighter", "png", |p| {
        encoded(&imageops::brighten(p, 12), ImageFormat::Png)
    }),
    ("as GIF, 256 colours", "gif", |p| {
        encoded(p, ImageFormat::Gif)
    }),
    ("as WebP", "webp", |p| encoded(p, ImageFormat::WebP)),
    ("as BMP, grey", "bmp", |p| {
        let grey = DynamicImage::from(p.clone()).into_luma8();
        encoded(&DynamicImage::from(grey).into_rgb8(), ImageFormat::Bmp)
    }),
    ("as TIFF, cropped by 8 %", "tiff", |p| {
        encoded(&cropped(p, 8), ImageFormat::Tiff)
    }),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, numbers @ ..] = arguments.as_slice() else {
        panic!("give folder and five numbers")
    };
    let numbers: Vec<u32> = numbers
        .iter()
        .map(|n| n.parse().expect("a number"))
        .collect();
    let [originals, edits, others, width, height] = numbers[..] else {
        panic!("give five numbers")
    };
    let folder = PathBuf::from(folder);
    for name in ["originals", "pictures"] {
        fs::create_dir_all(folder.join(name)).expect("the folder can be made");
    }
    let scenes: Vec<RgbImage> = (0..originals).map(|i| scene(i, width, height)).collect();
    for (i, picture) in scenes.iter().enumerate() {
        fs::write(
            folder.join(format!("originals/original-{i:03}.jpg")),
            jpeg(picture, 92),
        )
        .expect("written");
    }
    let total = edits + others;
    let mut manifest = String::new();
    let mut edit = 0;
    for i in 0..total {
        // Edits are spread evenly among the others.
        let is_edit = edit < edits && i * edits / total.max(1) >= edit;
        let stem = format!("picture-{i:04}");
        let (name, original, what, bytes) = if is_edit {
            let (what, extension, make) = EDITS[edit as usize % EDITS.len()];
            // Each kind of edit recurs after ten edits, with the original 71 further on. With the
            // demo's 20 originals that is a step of 11, so in time each kind meets each original.
            let original = (edit * 7 + edit / EDITS.len() as u32) % originals;
            edit += 1;
            (
                format!("{stem}.{extension}"),
                format!("original-{original:03}"),
                what,
                make(&scenes[original as usize]),
            )
        } else {
            (
                format!("{stem}.jpg"),
                "-".into(),
                "-",
                // Scenes are numbered from 10,000, so that none of them is an original's.
                jpeg(&scene(10_000 + i, width, height), 85),
            )
        };
        write(&folder.join("pictures").join(&name), &bytes);
        manifest += &format!("{name}\t{original}\t{what}\n");
    }
    // Rounding could leave the last edits without a place.
    assert_eq!(edit, edits, "every edit found its place");
    fs::write(folder.join("manifest.tsv"), manifest).expect("written");
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("the file can be written");
}

/// A landscape of soft hills and discs, a different one for each number.
fn scene(number: u32, width: u32, height: u32) -> RgbImage {
    // An odd factor gives each number another state. Without the constant, xorshift would stay at 0
    // for number 0.
    let mut state = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f32 / (1_u64 << 53) as f32
    };
    let waves: Vec<[f32; 5]> = (0..9)
        .map(|i| {
            let f = 1.5 + 2.2 * i as f32;
            [
                (next() - 0.5) * f * 2.0,
                (next() - 0.5) * f * 2.0,
                next() * 6.3,
                // Finer waves are weaker, so that the hills stay soft.
                (next() - 0.3) / (1.0 + i as f32 * 0.4),
                next(),
            ]
        })
        .collect();
    let discs: Vec<[f32; 4]> = (0..6)
        .map(|_| [next(), next(), 0.03 + next() * 0.15, next() * 2.0 - 1.0])
        .collect();
    let tint = [0.6 + next() * 0.4, 0.6 + next() * 0.4, 0.6 + next() * 0.4];
    RgbImage::from_fn(width, height, |x, y| {
        let (u, v) = (x as f32 / width as f32, y as f32 / height as f32);
        let mut light = 0.5 + 0.25 * (0.5 - v);
        for [a, b, phase, weight, _] in &waves {
            light += 0.13 * weight * ((a * u + b * v) * 6.3 + phase).sin();
        }
        for [cx, cy, r, weight] in &discs {
            let d = ((u - cx).powi(2) + (v - cy).powi(2)).sqrt();
            // Edges, so that the picture has enough detail for a PDQ digest of full quality.
            light += if d < *r { 0.35 * weight } else { 0.0 };
        }
        Rgb(tint.map(|t| (light.clamp(0.0, 1.0) * t * 255.0) as u8))
    })
}

fn scaled(p: &RgbImage, numerator: u32, denominator: u32) -> RgbImage {
    let side = |v: u32| (v * numerator / denominator).max(1);
    imageops::resize(p, side(p.width()), side(p.height()), FilterType::Triangle)
}

/// Crops `percent` of the width and of the height, half of it on each side.
fn cropped(p: &RgbImage, percent: u32) -> RgbImage {
    // Percent of the whole, half of it on each side: 200, not 100.
    let (dx, dy) = (p.width() * percent / 200, p.height() * percent / 200);
    imageops::crop_imm(p, dx, dy, p.width() - 2 * dx, p.height() - 2 * dy).to_image()
}

fn bordered(p: &RgbImage, percent: u32) -> RgbImage {
    let (dx, dy) = (p.width() * percent / 100, p.height() * percent / 100);
    let mut out = RgbImage::from_pixel(p.width() + 2 * dx, p.height() + 2 * dy, Rgb([250; 3]));
    imageops::replace(&mut out, p, dx.into(), dy.into());
    out
}

fn encoded(p: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    p.write_to(&mut out, format).expect("the encoder takes it");
    out.into_inner()
}

fn jpeg(p: &RgbImage, quality: i32) -> Vec<u8> {
    let mut compressor = Compressor::new().expect("libjpeg-turbo starts");
    compressor.set_quality(quality).expect("a quality");
    compressor
        .set_subsamp(Subsamp::Sub2x2)
        .expect("a subsampling");
    let image = turbojpeg::Image {
        pixels: p.as_raw().as_slice(),
        width: p.width() as usize,
        pitch: p.width() as usize * 3,
        height: p.height() as usize,
        format: PixelFormat::RGB,
    };
    compressor
        .compress_to_vec(image)
        .expect("it can be compressed")
        .to_vec()
}
