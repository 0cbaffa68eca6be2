//! Injection by grammar instead of by pattern: libinjection's tokenisers, in Rust.

mod quiet;

use libinjectionrs::{SqliFlags, SqliState};

use super::captures::Captures;

/// Whether the value would be SQL in some quoting context; the fingerprint is captured.
pub(super) fn sqli(value: &[u8], captures: Option<&mut Captures>) -> bool {
    if quiet::is_quiet(value) {
        return false;
    }
    // The crate's own shorthand works out the fingerprint once more for every value, matching or not.
    let mut state = SqliState::new(value, SqliFlags::FLAG_NONE);
    if !state.detect() {
        return false;
    }
    if let Some(captures) = captures {
        captures.set_text(state.get_fingerprint().as_str().as_bytes().to_vec());
    }
    true
}

/// Whether the value would be markup with script in some HTML context.
pub(super) fn xss(value: &[u8]) -> bool {
    libinjectionrs::detect_xss(value).is_injection()
}
