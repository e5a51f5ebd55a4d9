//! Real files, made here, through a real worker: every format, every sort of damage.

use std::io::Cursor;
use std::time::Duration;

use image::{DynamicImage, ImageFormat, RgbImage};
use obhut_decode::{Colour, DecodeOptions, Format, Limits, Pool, Unreadable, WorkerCommand};
use turbojpeg::{Compressor, PixelFormat, Subsamp};

fn command() -> WorkerCommand {
    WorkerCommand {
        program: env!("CARGO_BIN_EXE_obhut-decode").into(),
    }
}

fn pool() -> Pool {
    Pool::new(command(), Limits::default())
}

const UPRIGHT: DecodeOptions = DecodeOptions {
    upright: true,
    fast: false,
};
const FAST: DecodeOptions = DecodeOptions {
    upright: false,
    fast: true,
};

/// A smooth picture with a bright corner, so that every rotation looks different.
fn sample(w: u32, h: u32) -> RgbImage {
    RgbImage::from_fn(w, h, |x, y| {
        let v = (x * 200 / w) as u8;
        image::Rgb([
            v,
            (y * 200 / h) as u8,
            if x < w / 4 && y < h / 4 { 255 } else { 40 },
        ])
    })
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}

fn jpeg(rgb: &RgbImage, quality: i32, progressive: bool) -> Vec<u8> {
    let mut c = Compressor::new().unwrap();
    c.set_quality(quality).unwrap();
    c.set_subsamp(Subsamp::Sub2x2).unwrap();
    c.set_progressive(progressive).unwrap();
    c.compress_to_vec(turbojpeg::Image {
        pixels: rgb.as_raw().as_slice(),
        width: rgb.width() as usize,
        pitch: rgb.width() as usize * 3,
        height: rgb.height() as usize,
        format: PixelFormat::RGB,
    })
    .unwrap()
}

/// Largest difference of any channel.
fn error(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

#[test]
fn lossless_formats_come_back_bit_for_bit() {
    let pool = pool();
    let rgb = sample(61, 43);
    let mut rgba = DynamicImage::from(rgb.clone()).into_rgba8();
    // Nearly transparent: blending with any background would show.
    rgba.pixels_mut().for_each(|p| p[3] = 7);
    let grey = DynamicImage::from(rgb.clone()).into_luma8();
    let deep = DynamicImage::from(rgb.clone()).into_rgb16();
    let grey_as_rgb = DynamicImage::from(grey.clone()).into_rgb8();
    for (picture, format, expected) in [
        (DynamicImage::from(rgb.clone()), ImageFormat::Png, &rgb),
        (rgb.clone().into(), ImageFormat::Bmp, &rgb),
        (rgb.clone().into(), ImageFormat::Tiff, &rgb),
        (rgb.clone().into(), ImageFormat::WebP, &rgb),
        (rgba.clone().into(), ImageFormat::Png, &rgb),
        (rgba.into(), ImageFormat::WebP, &rgb),
        (deep.clone().into(), ImageFormat::Png, &rgb),
        (deep.into(), ImageFormat::Tiff, &rgb),
        (grey.into(), ImageFormat::Png, &grey_as_rgb),
    ] {
        let bytes = encode(&picture, format);
        let decoded = pool
            .decode(&bytes)
            .unwrap_or_else(|e| panic!("{format:?}: {e}"));
        assert_eq!((decoded.width, decoded.height), (61, 43));
        assert_eq!(&decoded.samples[..], expected.as_raw(), "{format:?}");
    }
}

/// Palette and one-bit PNG, written chunk by chunk: the `image` encoder makes neither.
#[test]
fn palette_and_one_bit_png() {
    let pool = pool();
    // Each row begins with its filter type, 0.
    let palette = png(
        9,
        2,
        1,
        3,
        &[&[255, 0, 0, 0, 0, 255]],
        &[0, 0b1010_1010, 0b1000_0000, 0, 0b0101_0101, 0],
    );
    let decoded = pool.decode(&palette).unwrap();
    assert_eq!(decoded.samples[..6], [0, 0, 255, 255, 0, 0]);
    let one_bit = png(
        9,
        2,
        1,
        0,
        &[],
        &[0, 0b1010_1010, 0b1000_0000, 0, 0b0101_0101, 0],
    );
    let decoded = pool.decode(&one_bit).unwrap();
    assert_eq!(decoded.samples[..6], [255, 255, 255, 0, 0, 0]);
}

#[test]
fn jpeg_baseline_progressive_and_cmyk() {
    let pool = pool();
    let rgb = sample(160, 120);
    for progressive in [false, true] {
        let decoded = pool.decode(&jpeg(&rgb, 95, progressive)).unwrap();
        assert_eq!(decoded.format, Format::Jpeg);
        assert!(!decoded.damaged);
        assert!(
            error(
                &decoded.samples[30_000..30_300],
                &rgb.as_raw()[30_000..30_300]
            ) < 16
        );
    }
    // libjpeg writes the Adobe marker, so the values are read as inverted: 255 means no ink.
    let cmyk: Vec<u8> = rgb.pixels().flat_map(|p| [p[0], p[1], p[2], 255]).collect();
    let mut c = Compressor::new().unwrap();
    c.set_quality(100).unwrap();
    c.set_subsamp(Subsamp::None).unwrap();
    let bytes = c
        .compress_to_vec(turbojpeg::Image {
            pixels: cmyk.as_slice(),
            width: 160,
            pitch: 640,
            height: 120,
            format: PixelFormat::CMYK,
        })
        .unwrap();
    let decoded = pool.decode(&bytes).unwrap();
    assert!(
        error(&decoded.samples, rgb.as_raw()) < 12,
        "the CMYK values were not read as inverted"
    );
}

#[test]
fn gif_gives_its_first_frame() {
    let bytes = encode(&DynamicImage::from(sample(50, 40)), ImageFormat::Gif);
    let decoded = pool().decode(&bytes).unwrap();
    assert_eq!(
        (decoded.format, decoded.width, decoded.height),
        (Format::Gif, 50, 40)
    );
}

#[test]
fn orientation_is_reported_and_applied_only_on_request() {
    let pool = pool();
    let rgb = sample(60, 40);
    let plain = jpeg(&rgb, 95, false);
    for orientation in 1..=8_u8 {
        // APP1 with a TIFF header and one field: tag 0x0112, type SHORT, count 1.
        let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        let mut bytes = plain[..2].to_vec();
        bytes.extend([0xff, 0xe1]);
        bytes.extend((exif.len() as u16 + 2).to_be_bytes());
        bytes.extend(exif);
        bytes.extend(&plain[2..]);
        let stored = pool.decode(&bytes).unwrap();
        assert_eq!(
            (stored.orientation, stored.width, stored.height),
            (Some(orientation), 60, 40)
        );
        // Orientations 5 to 8 exchange the sides.
        let upright = pool.decode_with(&bytes, UPRIGHT).unwrap();
        assert_eq!(upright.width, if orientation >= 5 { 40 } else { 60 });
        // Where the stored top left corner ends up.
        let (w, h) = (upright.width as usize, upright.height as usize);
        let (x, y) = match orientation {
            1 | 5 => (0, 0),
            2 | 6 => (w - 1, 0),
            3 | 7 => (w - 1, h - 1),
            _ => (0, h - 1),
        };
        // Blue: the corner is the only place where it is bright.
        assert!(
            upright.samples[(y * w + x) * 3 + 2] > 200,
            "orientation {orientation}"
        );
    }
}

#[test]
fn bad_files_are_reported_and_the_worker_survives() {
    let pool = pool();
    let rgb = sample(300, 200);
    let png = encode(&rgb.clone().into(), ImageFormat::Png);
    let jpeg = jpeg(&rgb, 90, false);
    assert_eq!(pool.decode(b""), Err(Unreadable::Empty));
    assert_eq!(
        pool.decode(b"<html>no picture</html>"),
        Err(Unreadable::UnknownFormat)
    );
    // The byte where a bitmap's header length belongs is a space: 32, which no header has.
    assert_eq!(
        pool.decode(b"BM is how this sentence begins"),
        Err(Unreadable::UnknownFormat)
    );
    assert_eq!(
        pool.decode(&png[..png.len() / 2]),
        Err(Unreadable::Truncated(Format::Png))
    );
    // Cut before the start of scan.
    assert_eq!(
        pool.decode(&jpeg[..20]),
        Err(Unreadable::Truncated(Format::Jpeg))
    );
    // Half a JPEG still shows half a picture to a viewer: it is compared, and flagged.
    assert!(pool.decode(&jpeg[..jpeg.len() / 2]).unwrap().damaged);
    let mut broken = png.clone();
    // A flipped byte, which the chunk's checksum shows.
    let middle = broken.len() / 2;
    broken[middle] ^= 0xff;
    assert!(matches!(
        pool.decode(&broken),
        Err(Unreadable::Corrupt(Format::Png))
    ));
    assert_eq!(pool.decode(&png).unwrap().samples[..], rgb.as_raw()[..]);
}

#[test]
fn a_50000_by_50000_png_of_one_colour_is_refused_by_its_header() {
    // 2.5 billion pixels, one bit each: 6,250 bytes a row and one for the filter type. 200 rows are
    // enough, because the header decides.
    let rows = vec![0; 6251 * 200];
    let bytes = png(50_000, 50_000, 1, 0, &[], &rows);
    assert_eq!(
        pool().decode(&bytes),
        Err(Unreadable::TooManyPixels {
            pixels: 2_500_000_000,
            pixels_max: 64 << 20
        })
    );
    // Dimensions beyond every decoder's limit are still reported.
    let vast = png(0x7fff_ffff, 0x7fff_ffff, 1, 0, &[], &[0]);
    assert!(matches!(
        pool().decode(&vast),
        Err(Unreadable::TooManyPixels { .. })
    ));
}

/// A PNG that unpacks to all the memory its worker may have must not take the parent down with it.
#[test]
fn a_decompression_bomb_is_refused_or_ends_only_the_worker() {
    let limits = Limits {
        memory_bytes_max: 512 << 20,
        ..Limits::default()
    };
    let pool = Pool::new(command(), limits);
    // 8,192 × 8,192 sixteen-bit RGBA: within the pixel limit, 512 MiB when unpacked.
    let bytes = png(8192, 8192, 16, 6, &[], &[0; 100]);
    let answer = pool.decode(&bytes);
    assert!(
        matches!(
            answer,
            Err(Unreadable::Corrupt(_) | Unreadable::TooMuchMemory(_) | Unreadable::WorkerDied)
        ),
        "{answer:?}"
    );
    assert!(
        pool.decode(&encode(&sample(9, 9).into(), ImageFormat::Png))
            .is_ok()
    );
}

#[test]
fn too_long_and_too_slow() {
    let limits = Limits {
        input_bytes_max: 100,
        ..Limits::default()
    };
    assert_eq!(
        Pool::new(command(), limits).decode(&[1; 101]),
        Err(Unreadable::TooLong {
            bytes: 101,
            bytes_max: 100
        })
    );
    let limits = Limits {
        time_max: Duration::from_millis(1),
        ..Limits::default()
    };
    let pool = Pool::new(command(), limits);
    // Nine million pixels, for one millisecond.
    let bytes = encode(&sample(3000, 3000).into(), ImageFormat::Png);
    assert_eq!(
        pool.decode(&bytes),
        Err(Unreadable::TookTooLong { time_ms_max: 1 })
    );
}

#[test]
fn a_missing_worker_is_reported_as_no_worker() {
    let pool = Pool::new(
        WorkerCommand {
            program: "/nonexistent/worker".into(),
        },
        Limits::default(),
    );
    assert_eq!(pool.decode(b"anything"), Err(Unreadable::NoWorker));
}

/// Each thing that the sandbox forbids ends the process by a signal.
#[test]
fn the_sandbox_forbids_files_sockets_processes_and_much_memory() {
    use std::os::unix::process::ExitStatusExt as _;
    let probe = |what: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_obhut-decode"));
        command
            .args(["probe", what])
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap()
    };
    // Otherwise a process that died on entering would pass for a call that was stopped.
    assert!(probe("nothing").success());
    for what in [
        "read-file",
        "write-file",
        "connect",
        "listen",
        "start-process",
        "start-thread",
        "allocate",
    ] {
        // A signal, not an exit code: the probe itself exits with 0 if the call went through.
        assert!(
            probe(what).signal().is_some(),
            "{what} was not stopped: {:?}",
            probe(what)
        );
    }
    assert!(!std::path::Path::new("/tmp/obhut-probe").exists());
}

#[test]
fn many_threads_share_a_pool() {
    let pool = pool();
    let bytes = encode(&sample(200, 200).into(), ImageFormat::Png);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..20).for_each(|_| assert!(pool.decode(&bytes).is_ok())));
        }
    });
}

/// Random bytes behind each magic number: the format is detected, and a worker answers every time.
#[test]
fn noise_behind_every_magic_number() {
    let pool = pool();
    let heads: [&[u8]; 6] = [
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        b"II*\0\x08\0\0\0",
        b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
    ];
    // The seed of Marsaglia's xorshift paper.
    let mut state = 88172645463325252_u64;
    for round in 0..60 {
        for head in heads {
            let mut bytes = head.to_vec();
            for _ in 0..(round * 37 + 3) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                bytes.push(state as u8);
            }
            let answer = pool.decode(&bytes);
            assert!(
                answer != Err(Unreadable::NoWorker) && answer != Err(Unreadable::UnknownFormat)
            );
        }
    }
}

/// A GIF whose frames have one colour each; the last is the brightest.
fn moving(frames: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut out);
    for i in 0..frames {
        // Levels fit a byte up to eleven frames.
        let level = 50 + i * 20;
        let frame = image::RgbaImage::from_pixel(40, 30, image::Rgba([level, level, level, 255]));
        encoder.encode_frame(image::Frame::new(frame)).unwrap();
    }
    drop(encoder);
    out
}

#[test]
fn every_frame_of_an_animation_is_given_and_stills_give_one() {
    let pool = pool();
    let bytes = moving(6);
    let mut levels = Vec::new();
    let count = pool.frames(&bytes, |frame| {
        assert_eq!((frame.width, frame.height, frame.damaged), (40, 30, false));
        levels.push(frame.samples[0]);
        true
    });
    assert_eq!(count, Ok(6));
    assert!(
        levels.is_sorted() && levels[0] < 60 && levels[5] > 140,
        "{levels:?}"
    );
    // The caller stops after one frame; the worker is reused.
    assert_eq!(pool.frames(&bytes, |_| false), Ok(1));
    let mut seen = 0;
    let cut = &bytes[..bytes.len() - 40];
    let answer = pool.frames(cut, |frame| {
        seen += 1;
        !frame.damaged || seen < 9
    });
    assert!(answer.is_ok_and(|n| n >= 5), "{answer:?}");
    let still = encode(&sample(50, 40).into(), ImageFormat::Png);
    assert_eq!(pool.frames(&still, |_| true), Ok(1));
    let one = moving(1);
    assert!(pool.frames(&one, |_| true).is_ok());
    assert_eq!(pool.decode(&one).unwrap().samples.len(), 40 * 30 * 3);
}

/// An animated PNG of grey frames of these levels. With `default`, its default image has that level
/// and isn't a frame of the animation.
fn animated_png(levels: &[u8], default: Option<u8>) -> Vec<u8> {
    const SIDE: u32 = 32;
    fn chunk(out: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
        let whole = [name.as_slice(), data].concat();
        let crc = whole.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                // The polynomial of zlib, reversed.
                (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
            })
        });
        out.extend(u32::to_be_bytes(data.len() as u32));
        out.extend(&whole);
        out.extend(u32::to_be_bytes(!crc));
    }
    // One stored block of zlib, and its Adler-32.
    let pixels = |level: u8| {
        let row = [&[0][..], &[level; SIDE as usize]].concat();
        let rows = row.repeat(SIDE as usize);
        let length = (rows.len() as u16).to_le_bytes();
        let inverse = (!(rows.len() as u16)).to_le_bytes();
        let (a, b) = rows.iter().fold((1_u32, 0_u32), |(a, b), byte| {
            let a = (a + u32::from(*byte)) % 65_521;
            (a, (b + a) % 65_521)
        });
        let sum = ((b << 16) | a).to_be_bytes();
        [&[0x78, 1, 1][..], &length, &inverse, &rows, &sum].concat()
    };
    let side = SIDE.to_be_bytes();
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let header = [&side[..], &side, &[8, 0, 0, 0, 0]].concat();
    chunk(&mut out, b"IHDR", &header);
    let frames = (levels.len() as u32).to_be_bytes();
    chunk(&mut out, b"acTL", &[frames, [0; 4]].concat());
    if let Some(level) = default {
        chunk(&mut out, b"IDAT", &pixels(level));
    }
    let mut number = 0_u32;
    let mut next = || {
        number += 1;
        (number - 1).to_be_bytes()
    };
    for (n, level) in levels.iter().enumerate() {
        let place = [0; 8];
        let delay = [0, 1, 0, 10, 0, 0];
        let control = [&next()[..], &side, &side, &place, &delay].concat();
        chunk(&mut out, b"fcTL", &control);
        if n == 0 && default.is_none() {
            chunk(&mut out, b"IDAT", &pixels(*level));
        } else {
            chunk(&mut out, b"fdAT", &[&next()[..], &pixels(*level)].concat());
        }
    }
    chunk(&mut out, b"IEND", &[]);
    out
}

/// Regression: behind a default image that isn't a frame, the first frame was never given, so a
/// harmless default image hid a listed picture.
#[test]
fn every_frame_of_an_animated_png_is_given() {
    let pool = pool();
    for (levels, default, expected) in [
        (&[10, 20, 30][..], None, &[10, 20, 30][..]),
        (&[10, 20, 30], Some(200), &[200, 10, 20, 30]),
        (&[10], Some(200), &[200, 10]),
    ] {
        let mut given = Vec::new();
        let count = pool.frames(&animated_png(levels, default), |frame| {
            given.push(frame.samples[0]);
            true
        });
        assert_eq!(count, Ok(expected.len() as u32), "{levels:?} {default:?}");
        assert_eq!(given, expected);
    }
}

#[test]
fn fast_decoding_gives_luma_of_512_pixels_or_more() {
    let pool = pool();
    // The DCT scales in eighths: 3000 × 2/8 = 750, 1004 × 5/8 = 628, 520 and 100 stay.
    for (w, h, fits) in [
        (4000, 3000, 512..=750),
        (1600, 1004, 512..=640),
        (600, 520, 512..=520),
        (200, 100, 100..=100),
    ] {
        let picture = pool
            .decode_with(&jpeg(&sample(w, h), 90, false), FAST)
            .unwrap();
        assert_eq!(picture.colour, Colour::Grey);
        assert!(fits.contains(&picture.height), "{w}×{h}: {picture:?}");
        assert_eq!(
            picture.samples.len(),
            (picture.width * picture.height) as usize
        );
    }
    // Only JPEG has a fast path.
    let png = encode(&sample(700, 600).into(), ImageFormat::Png);
    assert_eq!(
        pool.decode_with(&png, FAST).unwrap(),
        pool.decode(&png).unwrap()
    );
}

/// The processes this one has started and not yet waited for.
fn children() -> Vec<i32> {
    // A child is listed under the thread that started it.
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|pids| {
            let pids = pids.split_whitespace().map(|pid| pid.parse().unwrap());
            pids.collect::<Vec<i32>>()
        })
        .collect()
}

/// A worker that is killed while idle: the file is retried once.
#[test]
fn a_killed_worker_loses_no_answer() {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    // The test binary calls itself, filtered to the other test.
    let child = command
        .args([
            "--exact",
            "killed_workers_in_a_process_of_their_own",
            "--nocapture",
        ])
        .env("OBHUT_KILLED_WORKERS", "1")
        .output()
        .unwrap();
    assert!(
        child.status.success(),
        "{}",
        String::from_utf8_lossy(&child.stdout)
    );
}

#[test]
fn killed_workers_in_a_process_of_their_own() {
    // Only in a separate process are all children workers of this pool.
    if std::env::var_os("OBHUT_KILLED_WORKERS").is_none() {
        return;
    }
    let pool = pool();
    let bytes = encode(&sample(60, 40).into(), ImageFormat::Png);
    let kill = |pid: &i32| {
        let pid = rustix::process::Pid::from_raw(*pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    };
    pool.start_ahead(1).unwrap();
    let before = children();
    assert_eq!(before.len(), 1);
    before.iter().for_each(kill);
    assert!(pool.decode(&bytes).is_ok(), "the second worker answers");
    // All idle workers are killed: the retry gets a fresh one.
    pool.start_ahead(3).unwrap();
    children().iter().for_each(kill);
    for _ in 0..4 {
        assert!(pool.decode(&bytes).is_ok());
    }
    assert!(Unreadable::Interrupted.is_decoder_fault());
}

/// A minimal PNG: header, palette, one stored zlib stream.
fn png(w: u32, h: u32, depth: u8, colour: u8, palette: &[&[u8]], rows: &[u8]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8; 4], data: &[u8]| {
        out.extend((data.len() as u32).to_be_bytes());
        let body = [name.as_slice(), data].concat();
        out.extend(&body);
        out.extend(crc(&body).to_be_bytes());
    };
    let mut head = [w.to_be_bytes(), h.to_be_bytes()].concat();
    head.extend([depth, colour, 0, 0, 0]);
    chunk(b"IHDR", &head);
    for p in palette {
        chunk(b"PLTE", p);
    }
    // zlib's header, then stored blocks of 64 KiB at most (RFC 1950, RFC 1951).
    let mut zlib = vec![0x78, 0x01];
    let pieces: Vec<&[u8]> = rows.chunks(65_535).collect();
    for (i, piece) in pieces.iter().enumerate() {
        zlib.push(u8::from(i + 1 == pieces.len()));
        zlib.extend((piece.len() as u16).to_le_bytes());
        zlib.extend((!(piece.len() as u16)).to_le_bytes());
        zlib.extend(*piece);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for v in rows {
        // The largest prime below 2¹⁶ (Adler-32).
        a = (a + u32::from(*v)) % 65_521;
        b = (b + a) % 65_521;
    }
    zlib.extend((b << 16 | a).to_be_bytes());
    chunk(b"IDAT", &zlib);
    chunk(b"IEND", b"");
    out
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, b| {
        (0..8).fold(crc ^ u32::from(*b), |c, _| {
            if c & 1 == 1 {
                // The reflected polynomial of CRC-32, as PNG uses it.
                c >> 1 ^ 0xedb8_8320
            } else {
                c >> 1
            }
        })
    })
}

#[test]
fn the_header_states_the_pixels_of_every_format() {
    let picture = DynamicImage::from(sample(300, 200));
    for format in [
        ImageFormat::Png,
        ImageFormat::Gif,
        ImageFormat::Bmp,
        ImageFormat::WebP,
    ] {
        let bytes = encode(&picture, format);
        let stated = Format::of(&bytes).unwrap().pixels_stated(&bytes);
        assert_eq!(stated, Some(60_000), "{format:?}");
        for end in 0..60 {
            // Cut anywhere, it may be unknown and must not panic.
            let _ = Format::of(&bytes).unwrap().pixels_stated(&bytes[..end]);
        }
    }
    for progressive in [false, true] {
        let bytes = jpeg(&sample(300, 200), 90, progressive);
        assert_eq!(Format::Jpeg.pixels_stated(&bytes), Some(60_000));
        assert_eq!(Format::Jpeg.pixels_stated(&bytes[..20]), None);
    }
}
