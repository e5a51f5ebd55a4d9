//! Led by coverage: the target `container`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (obhut_fuzz::target("container").expect("listed").run)(bytes));
