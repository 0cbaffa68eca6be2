//! Bytes as a request: the sieve in front of the operators changes nothing of what matches.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brigandine_fuzz::engine(data));
