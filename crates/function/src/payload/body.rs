//! Bodies as text or as base64, and which media type is which.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A body as it stands in an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Written<'a> {
    pub(crate) text: Option<Cow<'a, str>>,
    pub(crate) is_base64: bool,
}

/// REST: base64 for the media types the API names, text for all others, whatever their bytes.
pub(crate) fn by_list<'a>(body: &'a [u8], content_type: Option<&str>, binary: &[String]) -> Written<'a> {
    if body.is_empty() {
        return Written { text: None, is_base64: false };
    }
    if binary.iter().any(|pattern| matches(pattern, content_type.unwrap_or("application/json"))) {
        return encoded(body);
    }
    Written { text: Some(String::from_utf8_lossy(body)), is_base64: false }
}

/// HTTP APIs and function URLs: text for the textual media types, base64 for all others, forms among them.
pub(crate) fn by_nature<'a>(body: &'a [u8], content_type: Option<&str>) -> Written<'a> {
    if body.is_empty() {
        return Written { text: None, is_base64: false };
    }
    match std::str::from_utf8(body) {
        Ok(text) if content_type.is_none_or(is_text) => Written { text: Some(Cow::Borrowed(text)), is_base64: false },
        _ => encoded(body),
    }
}

fn encoded(body: &[u8]) -> Written<'_> {
    Written { text: Some(Cow::Owned(STANDARD.encode(body))), is_base64: true }
}

/// The bytes behind base64 text; padding may be missing.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    use base64::{
        alphabet,
        engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
    };
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    LENIENT.decode(text).ok()
}

/// Whether a media type fits a pattern: `image/png`, `image/*`, `*/*`.
pub(crate) fn matches(pattern: &str, content_type: &str) -> bool {
    let media = essence(content_type);
    match pattern.split_once('/') {
        Some(("*", "*")) => true,
        Some((class, "*")) => media.split('/').next().is_some_and(|found| found.eq_ignore_ascii_case(class)),
        _ => media.eq_ignore_ascii_case(pattern),
    }
}

fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn is_text(content_type: &str) -> bool {
    let media = essence(content_type).to_ascii_lowercase();
    let subtype = media.split_once('/').map_or("", |(_, subtype)| subtype);
    media.starts_with("text/")
        || subtype.ends_with("+json")
        || subtype.ends_with("+xml")
        || matches!(&*media, "" | "application/json" | "application/xml" | "application/javascript")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_base64_and_json_is_text() {
        assert!(!by_nature(b"{}", Some("application/json; charset=utf-8")).is_base64);
        assert!(!by_nature(b"{}", Some("application/problem+json")).is_base64);
        assert!(by_nature(b"a=1", Some("application/x-www-form-urlencoded")).is_base64);
        assert!(!by_nature(b"hello", None).is_base64);
        assert!(by_nature(b"\xff", Some("text/plain")).is_base64, "no text, whatever it says");
        assert_eq!(by_nature(b"", Some("text/plain")).text, None);
    }

    #[test]
    fn a_rest_api_encodes_what_its_list_names() {
        let list = ["image/*".to_owned()];
        assert!(by_list(b"x", Some("image/PNG"), &list).is_base64);
        assert_eq!(by_list(b"\xff", Some("text/plain"), &list).text.as_deref(), Some("\u{fffd}"));
        assert!(by_list(b"x", None, &["*/*".to_owned()]).is_base64);
        assert!(!by_list(b"x", Some("image/png"), &[]).is_base64);
    }

    #[test]
    fn base64_with_and_without_padding() {
        assert_eq!(decode("aGk="), Some(b"hi".to_vec()));
        assert_eq!(decode("aGk"), Some(b"hi".to_vec()));
        assert_eq!(decode("a!"), None);
    }
}
