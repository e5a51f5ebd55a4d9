//! Led by coverage: the target `picture`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (obhut_fuzz::target("picture").expect("listed").run)(bytes));
