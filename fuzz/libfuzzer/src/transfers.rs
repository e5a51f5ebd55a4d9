//! Led by coverage: the target `transfers`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (obhut_fuzz::target("transfers").expect("listed").run)(bytes));
