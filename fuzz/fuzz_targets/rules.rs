//! Text as rules: whatever is loaded runs, whatever is refused is refused with an error.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brigandine_fuzz::rules(data));
