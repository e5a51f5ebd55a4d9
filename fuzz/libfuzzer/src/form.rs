//! The target `form`, with coverage guidance (cargo-fuzz).
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (obhut_fuzz::target("form").expect("listed").run)(bytes));
