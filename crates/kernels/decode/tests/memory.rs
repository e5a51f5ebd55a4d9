//! What a worker holds: memory for the largest pictures, no descriptors of its parent, and a place
//! only as long as the result is wanted.

use std::fs;
use std::io::Cursor;
use std::os::fd::AsRawFd as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use obhut_decode::{Cancel, Limits, Pool, Unreadable, WorkerCommand};
use turbojpeg::{Compressor, PixelFormat, Subsamp};

/// Held by each test that counts this process's children.
static ALONE: Mutex<()> = Mutex::new(());

fn pool() -> Pool {
    let program = env!("CARGO_BIN_EXE_obhut-decode").into();
    Pool::new(WorkerCommand { program }, Limits::default())
}

/// Ids of this process's children.
fn children() -> Vec<u32> {
    let me = std::process::id().to_string();
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| {
            let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
            let parent = status.lines().find_map(|l| l.strip_prefix("PPid:"));
            parent.is_some_and(|id| id.trim() == me)
        })
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}

/// A progressive JPEG keeps all coefficients, WebP four bytes a pixel besides its output: the two
/// dearest formats, at the largest size.
#[test]
fn the_largest_pictures_fit_in_a_workers_memory() {
    let _alone = ALONE.lock();
    const SIDE: u32 = 8_192;
    let rgb = RgbImage::from_pixel(SIDE, SIDE, Rgb([200, 30, 90]));
    let mut compressor = Compressor::new().unwrap();
    compressor.set_subsamp(Subsamp::None).unwrap();
    compressor.set_progressive(true).unwrap();
    let jpeg = compressor.compress_to_vec(turbojpeg::Image {
        pixels: rgb.as_raw().as_slice(),
        width: SIDE as usize,
        pitch: SIDE as usize * 3,
        height: SIDE as usize,
        format: PixelFormat::RGB,
    });
    let webp = encoded(&rgb.into(), ImageFormat::WebP);
    for (name, bytes) in [("JPEG", jpeg.unwrap()), ("WebP", webp)] {
        let decoded = pool().decode(&bytes);
        let size = decoded.map(|p| (p.width, p.height));
        assert_eq!(size, Ok((SIDE, SIDE)), "{name}");
    }
}

#[test]
fn a_worker_inherits_no_descriptor_and_leaves_no_core() {
    let _alone = ALONE.lock();
    let secret = tempfile_of("obhut-inherited");
    // Without close-on-exec, as a library or the shell may have left it.
    rustix::io::fcntl_setfd(&secret, rustix::io::FdFlags::empty()).unwrap();
    let target = fs::read_link(format!("/proc/self/fd/{}", secret.as_raw_fd())).unwrap();
    let pool = pool();
    // After its first answer it has entered the sandbox.
    let picture = encoded(&RgbImage::new(9, 9).into(), ImageFormat::Png);
    assert!(pool.decode(&picture).is_ok());
    let workers = children();
    assert_eq!(workers.len(), 1, "one worker");
    let at = format!("/proc/{}", workers[0]);
    let open: Vec<_> = fs::read_dir(format!("{at}/fd"))
        .unwrap()
        .flatten()
        .filter_map(|fd| fs::read_link(fd.path()).ok())
        .collect();
    assert!(!open.is_empty() && !open.contains(&target), "{open:?}");
    let limits = fs::read_to_string(format!("{at}/limits")).unwrap();
    let core = limits.lines().find(|l| l.starts_with("Max core file size"));
    let core: Vec<_> = core.unwrap().split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"]);
}

#[test]
fn cancelling_ends_the_file_and_frees_the_worker() {
    let _alone = ALONE.lock();
    let cancel = Cancel::default();
    let pool = pool().cancelled_by(&cancel);
    // 400 frames of 1,024 × 1,024: seconds of work.
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    let frame = image::Frame::new(image::RgbaImage::new(1_024, 1_024));
    encoder
        .encode_frames((0..400).map(|_| frame.clone()))
        .unwrap();
    drop(encoder);
    let mut seen = 0;
    let answer = pool.frames(&gif, |_| {
        seen += 1;
        cancel.cancel();
        true
    });
    assert_eq!((answer, seen), (Err(Unreadable::Interrupted), 1));
    assert_eq!(pool.decode(&gif).err(), Some(Unreadable::Interrupted));
    // Its worker is gone: nothing of it runs on.
    let until = Instant::now() + Duration::from_secs(5);
    while !children().is_empty() {
        assert!(Instant::now() < until, "the worker still runs");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn tempfile_of(name: &str) -> fs::File {
    let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
    let file = fs::File::create(&path).unwrap();
    fs::remove_file(&path).unwrap();
    file
}
