//! The target `list_segment`, with coverage guidance (cargo-fuzz).
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (obhut_fuzz::target("list_segment").expect("listed").run)(bytes));
