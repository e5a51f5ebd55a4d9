//! The target `facts`, with coverage guidance (cargo-fuzz).
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (obhut_fuzz::target("facts").expect("listed").run)(bytes));
