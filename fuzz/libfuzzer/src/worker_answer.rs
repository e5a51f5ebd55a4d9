//! The target `worker_answer`, with coverage guidance (cargo-fuzz).
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (obhut_fuzz::target("worker_answer").expect("listed").run)(bytes));
