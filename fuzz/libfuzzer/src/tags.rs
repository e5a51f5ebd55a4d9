//! The target `tags`, with coverage guidance (cargo-fuzz).
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (obhut_fuzz::target("tags").expect("listed").run)(bytes));
