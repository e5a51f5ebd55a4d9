//! Led by coverage: the target `worker_answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (obhut_fuzz::target("worker_answer").expect("listed").run)(bytes));
