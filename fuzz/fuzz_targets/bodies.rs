//! Bytes as the body of every type: parsers end, and never panic.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brigandine_fuzz::bodies(data));
