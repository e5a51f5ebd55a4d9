//! The target `cybertip_xml`, with coverage guidance (cargo-fuzz).
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (obhut_fuzz::target("cybertip_xml").expect("listed").run)(bytes));
