//! Tests videos with the real binary and ffmpeg: hashing, finding a part of a listed video, broken
//! files, and live streams.
//!
//! `cargo xtask test` installs ffmpeg; without it these tests say so and pass.

mod bench;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use bench::*;
use serde_json::Value;

fn has_ffmpeg() -> bool {
    let there = Command::new("ffmpeg").arg("-version").output().is_ok();
    if !there {
        println!("not present: ffmpeg (cargo xtask test brings it)");
    }
    there
}

/// Makes a file with ffmpeg.
fn ffmpeg(b: &Bench, arguments: &[&str]) {
    let out = Command::new("ffmpeg")
        .args(["-v", "error", "-y"])
        .args(arguments)
        .current_dir(b.folder.path())
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

/// Makes a film of four-second scenes, each with its own drifting pattern; 25 frames a second.
fn film(b: &Bench, name: &str, seed: u32, seconds: u32) {
    let blots = format!(
        "255*mod(abs(sin(X*12.9898+Y*78.233+(floor(T/4)+{seed}*100)*37.719)*43758.5453),1)"
    );
    let source = format!(
        "nullsrc=s=16x12:r=25:d={seconds},format=gray,geq=lum='{blots}',scale=320:240:flags=bicubic,scroll=h=0.003:v=0.001,format=yuv420p"
    );
    ffmpeg(
        b,
        &[
            "-f",
            "lavfi",
            "-i",
            &source,
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "25",
            name,
        ],
    );
}

fn frames(b: &Bench, arguments: &[&str]) -> Vec<Value> {
    let out = b.obhut(&[&["hash", "--kind", "vpdq", "--json"], arguments].concat());
    let lines = json(ok(&out));
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["kind"], "vpdq");
    lines[0]["frames"].as_array().unwrap().clone()
}

/// Rows of a list with one entry: the frames of a video.
fn list(b: &Bench, video: &str, entry: &str) -> String {
    let rows: Vec<_> = frames(b, &[video])
        .iter()
        .map(|f| {
            format!(
                "vpdq,{},{entry},{},{}\n",
                f["digest"].as_str().unwrap(),
                f["timestamp"],
                f["quality"]
            )
        })
        .collect();
    rows.concat()
}

const HEADER: &str = "kind,digest,entry_id,timestamp,quality\n";

#[test]
fn frames_are_numbered_timed_and_chosen_as_asked() {
    if !has_ffmpeg() {
        return;
    }
    let b = Bench::new();
    film(&b, "film.mp4", 1, 6);
    let number = |f: &Value| f["frame"].as_u64().unwrap();
    let second = frames(&b, &["film.mp4"]);
    // One a second of 25 frames a second.
    assert_eq!(
        second.iter().map(number).collect::<Vec<_>>(),
        [0, 25, 50, 75, 100, 125]
    );
    assert_eq!(second[2]["timestamp"], 2.0);
    let every = frames(&b, &["--every-frame", "film.mp4"]);
    assert!(every.iter().map(number).eq(0..150));
    assert_eq!(
        every[50], second[2],
        "the same frame, whatever is asked for around it"
    );
    let keys = frames(&b, &["--keyframes", "film.mp4"]);
    // At least one a second (-g 25), and x264 adds one where the scene changes.
    assert!((6..=12).contains(&keys.len()), "{}", keys.len());
    assert_eq!(keys[0], every[0]);
    for key in &keys {
        assert_eq!(*key, every[number(key) as usize]);
    }
    // film.mp4 has its index at the end, as phones write it. Other containers are read as well.
    for other in ["film.mkv", "film.mov", "film.ts"] {
        ffmpeg(&b, &["-i", "film.mp4", "-c", "copy", other]);
        assert_eq!(frames(&b, &[other]).len(), 6, "{other}");
    }
}

#[test]
fn a_clip_is_found_in_a_longer_film_and_nowhere_else() {
    if !has_ffmpeg() {
        return;
    }
    let b = Bench::new();
    let mut csv = HEADER.to_owned();
    for seed in 1..=3 {
        let name = format!("film-{seed}.mp4");
        film(&b, &name, seed, 40);
        csv += &list(&b, &name, &format!("film-{seed}"));
    }
    film(&b, "stranger.mp4", 9, 12);
    b.write("list.csv", csv.as_bytes());
    // Cropped by a tenth, equally on opposite sides, and 5 % faster: docs/handling.md promises that
    // such a clip is found.
    let cut = "crop=iw*0.9:ih*0.9,setpts=PTS/1.05";
    ffmpeg(
        &b,
        &[
            "-ss",
            "13.3",
            "-t",
            "10",
            "-i",
            "film-2.mp4",
            "-vf",
            cut,
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-crf",
            "30",
            "clip.mp4",
        ],
    );
    let screen =
        |file: &str| json(&b.obhut(&["screen", "--json", "--list", "list.csv", file])).remove(0);
    let clip = screen("clip.mp4");
    assert_eq!(
        (&clip["verdict"], clip["findings"].as_array().unwrap().len()),
        (&"match".into(), 1)
    );
    let finding = &clip["findings"][0];
    assert_eq!(
        (&finding["entry"], &finding["kind"]),
        (&"film-2".into(), &"vpdq".into())
    );
    let stretch = &finding["stretch"];
    let at = |name: &str| stretch[name].as_f64().unwrap();
    // Cut from 13.3 to 23.3 s; the digests are one second apart.
    assert!(
        at("entry_from") >= 12.0 && at("entry_to") <= 25.0,
        "{stretch}"
    );
    assert!(at("to") > at("from") + 3.0, "{stretch}");
    let whole = screen("film-1.mp4");
    let stretch = &whole["findings"][0]["stretch"];
    assert_eq!(
        (
            &whole["findings"][0]["distance"],
            &stretch["video_percent"],
            &stretch["entry_percent"]
        ),
        (&0.into(), &100.0.into(), &100.0.into())
    );
    assert_eq!(screen("stranger.mp4")["verdict"], "no-match");
    // The same list on record finds the same clip, and a case is opened.
    b.import("films", "list.csv");
    for person in ["Ada", "Grace"] {
        ok(&b.obhut(&["list", "sign", "films", "--by", person]));
    }
    let out = b.obhut(&["screen", "--json", "clip.mp4"]);
    assert_eq!(json(ok(&out))[0]["verdict"], "match");
    assert_eq!(json(&b.obhut(&["case", "list", "--json"])).len(), 1);
    // A frame that is on a list of pictures is found too.
    ffmpeg(
        &b,
        &[
            "-ss",
            "9",
            "-i",
            "film-3.mp4",
            "-frames:v",
            "1",
            "still.png",
        ],
    );
    b.write(
        "stills.csv",
        format!(
            "kind,digest,entry_id\npdq,{},still\n",
            b.digest("pdq", "still.png")
        )
        .as_bytes(),
    );
    let found =
        json(&b.obhut(&["screen", "--json", "--list", "stills.csv", "film-3.mp4"])).remove(0);
    assert_eq!(
        (
            &found["findings"][0]["entry"],
            &found["findings"][0]["kind"]
        ),
        (&"still".into(), &"pdq".into())
    );
    assert!(
        (8.0..=10.0).contains(&found["findings"][0]["stretch"]["from"].as_f64().unwrap()),
        "{found}"
    );
}

#[test]
fn an_incomplete_video_is_reported_and_never_no_match() {
    if !has_ffmpeg() {
        return;
    }
    let b = Bench::new();
    film(&b, "film.mp4", 1, 8);
    let bytes = b.read("film.mp4");
    b.write(
        "list.csv",
        format!("{HEADER}vpdq,{},x,0,100\n", "0".repeat(64)).as_bytes(),
    );
    ffmpeg(&b, &["-i", "film.mp4", "-c", "copy", "film.ts"]);
    let ts = b.read("film.ts");
    ffmpeg(
        &b,
        &["-f", "lavfi", "-i", "sine=d=2", "-c:a", "aac", "sound.mp4"],
    );
    ffmpeg(
        &b,
        &[
            "-i",
            "film.mp4",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "9999",
            "-bsf:v",
            "noise=drop=not(n)",
            "nokey.mkv",
        ],
    );
    // The index (`moov`) is at the end of the file, so the cut removes it.
    b.write("cut.mp4", &bytes[..bytes.len() / 2]);
    // A transport stream has packets of 188 bytes; this one is cut inside a packet.
    b.write("cut.ts", &ts[..ts.len() / 2 / 188 * 188 + 90]);
    b.write("head.mp4", &[&bytes[..40], &[0xff; 4_000][..]].concat());
    let mut lying = bytes.clone();
    let avcc = lying.windows(4).position(|w| w == b"avc1").unwrap();
    // A width and a height that the stream doesn't have.
    lying[avcc + 28..avcc + 32].copy_from_slice(&[0xff; 4]);
    b.write("lying.mp4", &lying);
    b.write(
        "svg.png",
        b"<svg xmlns='http://www.w3.org/2000/svg'><rect width='9' height='9'/></svg>",
    );
    b.write(
        "playlist.mp4",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n",
    );
    for (file, because) in [
        ("cut.mp4", "video"),
        ("head.mp4", "it gives no frame"),
        ("sound.mp4", "no video stream"),
        ("svg.png", "not a picture in a known format"),
        ("playlist.mp4", "not a picture in a known format"),
    ] {
        let lines = json(&b.obhut(&["screen", "--json", "--list", "list.csv", file]));
        assert_eq!(lines[0]["verdict"], "unreadable", "{file}: {lines:?}");
        assert!(
            lines[0]["because"].as_str().unwrap().contains(because),
            "{file}: {lines:?}"
        );
        let out = b.obhut(&["hash", "--kind", "vpdq", "--json", file]);
        assert!(!out.status.success(), "{file}");
        assert!(json(&out).last().unwrap()["error"].is_string(), "{file}");
    }
    for file in ["nokey.mkv", "lying.mp4", "cut.ts"] {
        let lines = json(&b.obhut(&["screen", "--json", "--list", "list.csv", file]));
        let verdict = lines[0]["verdict"].as_str().unwrap();
        assert!(
            matches!(verdict, "unreadable" | "no-match" | "low-quality"),
            "{file}: {lines:?}"
        );
        let frames = b.obhut(&["hash", "--kind", "vpdq", "--json", file]);
        // Each of these gives a reason or some frames, never nothing at all.
        let lines = json(&frames);
        assert!(
            lines[0]["error"].is_string() || !lines[0]["frames"].as_array().unwrap().is_empty(),
            "{file}: {lines:?}"
        );
    }
}

/// The sandbox of ffmpeg: the same program, asked to do forbidden things.
#[test]
fn the_video_worker_opens_no_file_and_no_socket() {
    if !has_ffmpeg() {
        return;
    }
    let b = Bench::new();
    b.write("secret.txt", b"secret");
    let secret = b.path("secret.txt").display().to_string();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let shut_in = |program: &str, arguments: &[&str]| {
        // 2 GiB of memory, 10 s of CPU time.
        b.command(&["video-worker", "2147483648", "10", program])
            .args(arguments)
            .output()
            .unwrap()
    };
    let fine = shut_in("/usr/bin/ffmpeg", &["-version"]);
    assert!(
        fine.status.success(),
        "{}",
        String::from_utf8_lossy(&fine.stderr)
    );
    let out = b.path("out.bin").display().to_string();
    for arguments in [
        vec![
            "-v", "error", "-f", "data", "-i", &secret, "-map", "0", "-f", "data", "pipe:1",
        ],
        vec![
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc=d=1",
            "-f",
            "rawvideo",
            &out,
        ],
        vec![
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc=d=1",
            "-f",
            "rawvideo",
            &format!("tcp://127.0.0.1:{port}"),
        ],
    ] {
        let done = shut_in("/usr/bin/ffmpeg", &arguments);
        assert!(!done.status.success(), "{arguments:?}");
        assert!(!String::from_utf8_lossy(&done.stdout).contains("secret"));
    }
    assert!(!b.path("out.bin").exists() || b.read("out.bin").is_empty());
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "no connection was made");
    // It may not write to a system file either; the example is /bin/sh.
    let shell = shut_in(
        "/usr/bin/ffmpeg",
        &[
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc=d=1",
            "-f",
            "tee",
            "/bin/sh",
        ],
    );
    assert!(!shell.status.success());
}

/// A live stream whose segments appear one by one: each matching entry is reported once.
#[test]
fn a_live_stream_is_watched_and_each_entry_reported_once() {
    if !has_ffmpeg() {
        return;
    }
    let b = Bench::new();
    film(&b, "known.mp4", 4, 12);
    film(&b, "other.mp4", 7, 8);
    b.write(
        "list.csv",
        (HEADER.to_owned() + &list(&b, "known.mp4", "known")).as_bytes(),
    );
    // Eight seconds of something else, then the film, in segments of two seconds.
    ffmpeg(
        &b,
        &[
            "-i",
            "other.mp4",
            "-i",
            "known.mp4",
            "-filter_complex",
            "[0:v][1:v]concat=n=2:v=1",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "50",
            "-f",
            "segment",
            "-segment_time",
            "2",
            "-segment_format",
            "mpegts",
            "seg%d.ts",
        ],
    );
    let segments = (0..)
        .take_while(|n| b.path(&format!("seg{n}.ts")).exists())
        .count();
    assert!(segments >= 9, "{segments}");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let folder = b.folder.path().to_owned();
    let started = std::time::Instant::now();
    std::thread::spawn(move || {
        for stream in listener.incoming().take(400) {
            let mut stream = stream.unwrap();
            let mut head = [0; 2_048];
            let n = stream.read(&mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..n]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            // The stream runs at eight times its speed: one segment every quarter of a second.
            let known = (3 + started.elapsed().as_millis() as usize / 250).min(segments);
            let body = if path.ends_with("live.m3u8") {
                let mut text =
                    "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n"
                        .to_owned();
                (0..known).for_each(|n| text += &format!("#EXTINF:2.0,\nseg{n}.ts\n"));
                if known == segments {
                    text += "#EXT-X-ENDLIST\n";
                }
                text.into_bytes()
            } else {
                std::fs::read(folder.join(path.trim_start_matches("/s/"))).unwrap_or_default()
            };
            let _ = stream.write_all(
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                )
                .as_bytes(),
            );
            let _ = stream.write_all(&body);
        }
    });
    let url = format!("http://{address}/s/live.m3u8");
    let out = b.obhut(&["watch", "--json", "--list", "list.csv", &url]);
    let lines = json(ok(&out));
    // The film matches frame after frame, and each entry is reported once.
    assert_eq!(lines.len(), 1, "told once: {lines:?}");
    assert_eq!(
        (&lines[0]["entry"], &lines[0]["kind"]),
        (&"known".into(), &"vpdq".into())
    );
    let nowhere = b.obhut(&[
        "watch",
        "--list",
        "list.csv",
        &format!("http://{address}/s/seg0.ts"),
    ]);
    assert!(!nowhere.status.success());
}

/// Against the digests Meta publishes for its own videos.
#[test]
fn published_videos_have_their_published_digests() {
    let media = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/media");
    if !has_ffmpeg() || !std::path::Path::new(media).exists() {
        println!("not present: shared/data/media");
        return;
    }
    let b = Bench::new();
    for name in [
        "chair-20-sd-bar",
        "doorknob-hd-no-bar",
        "pattern-sd-grey-bar",
        "test-padded-dimensions",
    ] {
        let video = format!("{media}/video/{name}.mp4");
        let frames = frames(&b, &["--every-frame", &video]);
        let published = std::fs::read_to_string(format!("{media}/vpdq/{name}.txt")).unwrap();
        let published: Vec<Vec<&str>> = published.lines().map(|l| l.split(',').collect()).collect();
        assert_eq!(frames.len(), published.len(), "{name}");
        for (frame, theirs) in frames.iter().zip(&published) {
            assert_eq!(frame["frame"].to_string(), theirs[0]);
            // Frames of quality below 50 are ignored when videos are compared (docs/handling.md).
            if frame["quality"].as_u64() < Some(50) || theirs[1].parse::<u64>().unwrap() < 50 {
                continue;
            }
            let (a, b) = (frame["digest"].as_str().unwrap(), theirs[2]);
            let nibble = |c: char| c.to_digit(16).unwrap();
            let bits: u32 = a
                .chars()
                .zip(b.chars())
                .map(|(a, b)| (nibble(a) ^ nibble(b)).count_ones())
                .sum();
            // 31 bits is the largest distance that matches by default; decoders may differ by some
            // bits.
            assert!(bits < 31, "{name} frame {}: {bits}", theirs[0]);
        }
    }
}
