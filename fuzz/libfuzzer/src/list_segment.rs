//! Led by coverage: the target `list_segment`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (obhut_fuzz::target("list_segment").expect("listed").run)(bytes));
