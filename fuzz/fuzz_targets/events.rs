//! Bytes as an invocation event: every wrapping is taken off in bounded work, with the same verdict with and without the sieve.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brigandine_fuzz::events(data));
