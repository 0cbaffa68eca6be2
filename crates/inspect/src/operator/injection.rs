//! Injection by grammar instead of by pattern: libinjection's tokenisers, in Rust.

use super::captures::Captures;

/// Whether the value would be SQL in some quoting context; the fingerprint is captured.
pub(super) fn sqli(value: &[u8], captures: Option<&mut Captures>) -> bool {
    let result = libinjectionrs::detect_sqli(value);
    if !result.is_injection() {
        return false;
    }
    if let (Some(captures), Some(fingerprint)) = (captures, result.fingerprint) {
        captures.set_text(fingerprint.as_str().as_bytes().to_vec());
    }
    true
}

/// Whether the value would be markup with script in some HTML context.
pub(super) fn xss(value: &[u8]) -> bool {
    libinjectionrs::detect_xss(value).is_injection()
}
