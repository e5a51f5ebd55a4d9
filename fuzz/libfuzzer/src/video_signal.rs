//! Led by coverage: the target `video_signal`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (obhut_fuzz::target("video_signal").expect("listed").run)(bytes));
