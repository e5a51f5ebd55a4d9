//! Pictures made on the spot, the same on every machine.

pub struct Picture {
    pub name: String,
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

/// xorshift: the same pictures on every machine.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn picture(
    name: &str,
    width: u32,
    height: u32,
    mut pixel: impl FnMut(u32, u32) -> [u8; 3],
) -> Picture {
    let rgb = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .flat_map(|(x, y)| pixel(x, y))
        .collect();
    Picture {
        name: format!("{name} {width}×{height}"),
        width,
        height,
        rgb,
    }
}

pub fn pictures() -> Vec<Picture> {
    let sizes = [
        (1, 1),
        // Around five pixels, the smallest side that is hashed.
        (4, 4),
        (5, 4),
        (5, 5),
        (5, 300),
        (300, 5),
        (6, 7),
        (13, 17),
        (31, 33),
        // Around 64, the side of what the DCT takes; exactly 64×64 is not filtered.
        (63, 64),
        (64, 63),
        (64, 64),
        (65, 64),
        (64, 65),
        (100, 100),
        // Around 128, where the window of the filter grows from one to two.
        (127, 129),
        (128, 128),
        (129, 127),
        (200, 61),
        // Around 256: the window grows from two to three.
        (255, 257),
        (256, 256),
        (257, 255),
        (320, 240),
        (333, 777),
        (500, 500),
        // Around 512, from where on pipeline `cimg512` resizes.
        (511, 513),
        (512, 512),
        (513, 511),
        (640, 480),
        (777, 333),
        (800, 600),
        // One side far beyond, the other below the smallest that is hashed.
        (1000, 3),
        (1024, 768),
        (1023, 1025),
        (1, 900),
        (1280, 720),
    ];
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let mut all = Vec::new();
    for (w, h) in sizes {
        all.push(picture("flat", w, h, |_, _| [90, 90, 90]));
        all.push(picture("ramp", w, h, |x, y| {
            [
                (x * 255 / w) as u8,
                (y * 255 / h) as u8,
                ((x + y) % 256) as u8,
            ]
        }));
        all.push(picture("noise", w, h, |_, _| {
            noise.next().to_le_bytes()[..3].try_into().unwrap()
        }));
        let (cx, cy) = (noise.next() as u32 % w, noise.next() as u32 % h);
        all.push(picture("disc", w, h, |x, y| {
            // In u32: sides up to 1,280 keep the sum of squares far below 2³².
            let d = (x.abs_diff(cx).pow(2) + y.abs_diff(cy).pow(2)) / 16;
            if d < w * h / 64 {
                [200, 120, 40]
            } else {
                [30, 60, 90]
            }
        }));
        all.push(picture("waves", w, h, |x, y| {
            let v = (f64::from(x) * 9.0 / f64::from(w)).sin()
                * (f64::from(y) * 7.0 / f64::from(h)).cos();
            [(127.0 + v * 120.0) as u8, (127.0 - v * 90.0) as u8, 80]
        }));
        all.push(picture("checks", w, h, |x, y| {
            if (x / 9 + y / 7) % 2 == 0 {
                [255; 3]
            } else {
                [0; 3]
            }
        }));
    }
    // 24 pictures of random sizes, and two of 12 million pixels.
    for i in 0..24_u32 {
        let (w, h) = (5 + noise.next() as u32 % 700, 5 + noise.next() as u32 % 700);
        all.push(picture("blocks", w, h, |x, y| {
            let v = (x / (3 + i) * 37 + y / (5 + i) * 91) % 256;
            [v as u8, (v * 3 % 256) as u8, (255 - v) as u8]
        }));
    }
    all.push(picture("waves", 4000, 3000, |x, y| {
        let v = (f64::from(x) * 0.004).sin() * (f64::from(y) * 0.006).cos();
        [(127.0 + v * 120.0) as u8, ((x ^ y) % 256) as u8, 80]
    }));
    all.push(picture("noise", 4032, 3024, |_, _| {
        noise.next().to_le_bytes()[..3].try_into().unwrap()
    }));
    all
}
