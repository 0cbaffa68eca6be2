//! The one spelling of a path, and the refusal of paths that have no single meaning.
//!
//! The spelling is a function of the decoded segments: everything a path segment may hold literally (RFC 3986, 3.3)
//! stands literally, the rest is percent-encoded in upper case. Two requests that mean the same path are therefore
//! the same string, to the router, to the log and to the function.

use std::fmt::Write;

/// Why a path has no single meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It does not begin with a slash.
    NotAbsolute,
    /// A percent sign without two hexadecimal digits.
    BadEscape,
    /// A slash or backslash in disguise, or a backslash.
    HiddenSlash,
    /// NUL or another control character.
    Control,
    /// `.` or `..` as a segment, plain or encoded.
    DotSegment,
    /// An empty segment in the middle: some readers collapse it, others do not.
    DoubleSlash,
    /// Not UTF-8 once decoded.
    NotText,
}

impl Fault {
    /// Stable word and sentence.
    pub(crate) fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::NotAbsolute => ("path-not-absolute", "the path must begin with a slash"),
            Self::BadEscape => ("path-bad-escape", "the path holds a broken percent-encoding"),
            Self::HiddenSlash => ("path-hidden-slash", "the path holds an encoded slash or a backslash"),
            Self::Control => ("path-control", "the path holds a control character"),
            Self::DotSegment => ("path-dot-segment", "the path holds a dot segment"),
            Self::DoubleSlash => ("path-double-slash", "the path holds an empty segment"),
            Self::NotText => ("path-not-text", "the path is not UTF-8"),
        }
    }
}

/// The canonical spelling of `raw`.
pub(crate) fn canonical_path(raw: &str) -> Result<String, Fault> {
    let rest = raw.strip_prefix('/').ok_or(Fault::NotAbsolute)?;
    let mut path = String::with_capacity(raw.len());
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        if segment.is_empty() && segments.peek().is_some() {
            return Err(Fault::DoubleSlash);
        }
        let decoded = decode_segment(segment)?;
        if decoded == "." || decoded == ".." {
            return Err(Fault::DotSegment);
        }
        path.push('/');
        encode_segment(&decoded, &mut path);
    }
    Ok(path)
}

/// Text of one segment. Never fails on a segment of a canonical path.
pub(crate) fn decode_segment(segment: &str) -> Result<String, Fault> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => escaped(&mut bytes).ok_or(Fault::BadEscape)?,
            plain => plain,
        };
        match byte {
            b'/' | b'\\' => return Err(Fault::HiddenSlash),
            0..=0x1f | 0x7f => return Err(Fault::Control),
            _ => decoded.push(byte),
        }
    }
    let text = String::from_utf8(decoded).map_err(|_| Fault::NotText)?;
    // C1 controls (U+0080 to U+009F) are controls as well.
    if text.chars().any(char::is_control) { Err(Fault::Control) } else { Ok(text) }
}

fn escaped(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let high = char::from(bytes.next()?).to_digit(16)?;
    let low = char::from(bytes.next()?).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

fn encode_segment(text: &str, path: &mut String) {
    for byte in text.bytes() {
        if stands_literally(byte) {
            path.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            write!(path, "%{byte:02X}").unwrap_or_default();
        }
    }
}

/// RFC 3986 `pchar` without escapes.
fn stands_literally(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_meaning_has_one_spelling() {
        for (raw, spelled) in [
            ("/", "/"),
            ("/orders", "/orders"),
            ("/or%64ers/", "/orders/"),
            ("/a%3ab/%2b", "/a:b/+"),
            ("/%c3%a9", "/%C3%A9"),
            ("/é", "/%C3%A9"),
            ("/100%25", "/100%25"),
            ("/%252e%252e", "/%252e%252e"),
            ("/a b\"<>", "/a%20b%22%3C%3E"),
            ("/...", "/..."),
        ] {
            assert_eq!(canonical_path(raw).as_deref(), Ok(spelled), "{raw}");
        }
    }

    #[test]
    fn paths_of_two_minds_are_refused() {
        for (raw, fault) in [
            ("orders", Fault::NotAbsolute),
            ("*", Fault::NotAbsolute),
            ("", Fault::NotAbsolute),
            ("/a%", Fault::BadEscape),
            ("/a%2", Fault::BadEscape),
            ("/a%zz", Fault::BadEscape),
            ("/a%+1", Fault::BadEscape),
            ("/a%2fb", Fault::HiddenSlash),
            ("/a%5Cb", Fault::HiddenSlash),
            ("/a\\b", Fault::HiddenSlash),
            ("/a%00", Fault::Control),
            ("/a%0d%0ab", Fault::Control),
            ("/a%7f", Fault::Control),
            ("/a%c2%85", Fault::Control),
            ("/public/../admin", Fault::DotSegment),
            ("/public/%2e%2E/admin", Fault::DotSegment),
            ("/.", Fault::DotSegment),
            ("/a/./b", Fault::DotSegment),
            ("//a", Fault::DoubleSlash),
            ("/a//b", Fault::DoubleSlash),
            ("/a//", Fault::DoubleSlash),
            ("/%ff", Fault::NotText),
            ("/%c0%ae", Fault::NotText),
        ] {
            assert_eq!(canonical_path(raw), Err(fault), "{raw}");
        }
    }

    proptest! {
        #[test]
        fn the_spelling_is_its_own_spelling(raw in "/([a-zA-Z0-9%/._~é !+:]|%[0-9a-fA-F]{2}){0,40}") {
            if let Ok(once) = canonical_path(&raw) {
                prop_assert_eq!(canonical_path(&once), Ok(once.clone()));
                prop_assert!(once.is_ascii());
            }
        }

        #[test]
        fn any_text_is_judged_without_panic(raw in "\\PC*") {
            if let Ok(path) = canonical_path(&raw) {
                prop_assert!(path.starts_with('/'));
            }
        }

        #[test]
        fn escaping_does_not_change_the_meaning(text in "[a-zA-Z0-9._~é !+:%-]{1,20}") {
            let mut escaped = String::new();
            for byte in text.bytes() {
                write!(escaped, "%{byte:02x}").unwrap();
            }
            let mut plain = String::from("/");
            encode_segment(&text, &mut plain);
            prop_assert_eq!(canonical_path(&format!("/{escaped}")), canonical_path(&plain));
        }
    }
}
