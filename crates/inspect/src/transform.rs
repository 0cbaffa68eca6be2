//! Transformations: what a rule does to a value before it looks at it.
//!
//! Byte rules of `ModSecurity`, odd ones included: a crate's decoder that is "more correct" would see another text than the rule
//! authors tested against. Every one is linear in its input, and borrows where nothing changes, so that equal strings stay one.

mod best_fit;
mod comments;
mod encoding;
mod escape;
mod path;
mod space;
mod url;

use std::borrow::Cow;

/// One step of a rule's `t:` chain. `t:none` is not a step: it empties the chain, so the parser handles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Transformation {
    Base64Decode,
    Base64DecodeExt,
    Base64Encode,
    CmdLine,
    CompressWhitespace,
    CssDecode,
    EscapeSeqDecode,
    HexDecode,
    HexEncode,
    HtmlEntityDecode,
    JsDecode,
    Length,
    Lowercase,
    Md5,
    NormalizePath,
    NormalizePathWin,
    ParityEven7bit,
    ParityOdd7bit,
    ParityZero7bit,
    RemoveComments,
    RemoveCommentsChar,
    RemoveNulls,
    RemoveWhitespace,
    ReplaceComments,
    ReplaceNulls,
    Sha1,
    SqlHexDecode,
    Trim,
    TrimLeft,
    TrimRight,
    Uppercase,
    UrlDecode,
    UrlDecodeUni,
    UrlEncode,
    Utf8ToUnicode,
}

/// Names in lower case, both spellings where `SecLang` has two.
const NAMES: [(&str, Transformation); 37] = [
    ("base64decode", Transformation::Base64Decode),
    ("base64decodeext", Transformation::Base64DecodeExt),
    ("base64encode", Transformation::Base64Encode),
    ("cmdline", Transformation::CmdLine),
    ("compresswhitespace", Transformation::CompressWhitespace),
    ("cssdecode", Transformation::CssDecode),
    ("escapeseqdecode", Transformation::EscapeSeqDecode),
    ("hexdecode", Transformation::HexDecode),
    ("hexencode", Transformation::HexEncode),
    ("htmlentitydecode", Transformation::HtmlEntityDecode),
    ("jsdecode", Transformation::JsDecode),
    ("length", Transformation::Length),
    ("lowercase", Transformation::Lowercase),
    ("md5", Transformation::Md5),
    ("normalisepath", Transformation::NormalizePath),
    ("normalizepath", Transformation::NormalizePath),
    ("normalisepathwin", Transformation::NormalizePathWin),
    ("normalizepathwin", Transformation::NormalizePathWin),
    ("parityeven7bit", Transformation::ParityEven7bit),
    ("parityodd7bit", Transformation::ParityOdd7bit),
    ("parityzero7bit", Transformation::ParityZero7bit),
    ("removecomments", Transformation::RemoveComments),
    ("removecommentschar", Transformation::RemoveCommentsChar),
    ("removenulls", Transformation::RemoveNulls),
    ("removewhitespace", Transformation::RemoveWhitespace),
    ("replacecomments", Transformation::ReplaceComments),
    ("replacenulls", Transformation::ReplaceNulls),
    ("sha1", Transformation::Sha1),
    ("sqlhexdecode", Transformation::SqlHexDecode),
    ("trim", Transformation::Trim),
    ("trimleft", Transformation::TrimLeft),
    ("trimright", Transformation::TrimRight),
    ("uppercase", Transformation::Uppercase),
    ("urldecode", Transformation::UrlDecode),
    ("urldecodeuni", Transformation::UrlDecodeUni),
    ("urlencode", Transformation::UrlEncode),
    ("utf8tounicode", Transformation::Utf8ToUnicode),
];

impl Transformation {
    /// The transformation of that name, letter case aside.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, transformation)| transformation)
    }

    /// The value after this step; borrowed when the step changed nothing.
    pub(crate) fn apply(self, input: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Base64Decode => encoding::base64_decode(input),
            Self::Base64DecodeExt => encoding::base64_decode_forgiving(input),
            Self::Base64Encode => encoding::base64_encode(input),
            Self::CmdLine => space::command_line(input),
            Self::CompressWhitespace => space::compress(input),
            Self::CssDecode => escape::css(input),
            Self::EscapeSeqDecode => escape::ansi_c(input),
            Self::HexDecode => encoding::hex_decode(input),
            Self::HexEncode => encoding::hex_encode(input),
            Self::HtmlEntityDecode => escape::html(input),
            Self::JsDecode => escape::javascript(input),
            Self::Length => Cow::Owned(input.len().to_string().into_bytes()),
            Self::Lowercase => space::lowercase(input),
            Self::Md5 => encoding::md5(input),
            Self::NormalizePath => path::normalize(input),
            Self::NormalizePathWin => path::normalize_windows(input),
            Self::ParityEven7bit => encoding::parity_even(input),
            Self::ParityOdd7bit => encoding::parity_odd(input),
            Self::ParityZero7bit => encoding::parity_zero(input),
            Self::RemoveComments => comments::remove(input),
            Self::RemoveCommentsChar => comments::remove_marks(input),
            Self::RemoveNulls => space::remove_nulls(input),
            Self::RemoveWhitespace => space::remove(input),
            Self::ReplaceComments => comments::replace(input),
            Self::ReplaceNulls => space::replace_nulls(input),
            Self::Sha1 => encoding::sha1(input),
            Self::SqlHexDecode => encoding::sql_hex(input),
            Self::Trim => Cow::Borrowed(space::trim_right(space::trim_left(input))),
            Self::TrimLeft => Cow::Borrowed(space::trim_left(input)),
            Self::TrimRight => Cow::Borrowed(space::trim_right(input)),
            Self::Uppercase => space::uppercase(input),
            Self::UrlDecode => url::decode(input),
            Self::UrlDecodeUni => url::decode_unicode(input),
            Self::UrlEncode => url::encode(input),
            Self::Utf8ToUnicode => url::utf8_to_unicode(input),
        }
    }
}

/// What a step hands on: its own output only where that differs.
fn settled(input: &[u8], output: Vec<u8>) -> Cow<'_, [u8]> {
    if output == input { Cow::Borrowed(input) } else { Cow::Owned(output) }
}

/// The value of one hexadecimal digit.
pub(crate) fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The byte that two hexadecimal digits at `at` spell.
pub(crate) fn hex_pair(input: &[u8], at: usize) -> Option<u8> {
    let (&high, &low) = (input.get(at)?, input.get(at + 1)?);
    Some(hex_digit(high)? << 4 | hex_digit(low)?)
}

/// The code that four hexadecimal digits at `at` spell.
fn hex_quad(input: &[u8], at: usize) -> Option<u16> {
    Some(u16::from(hex_pair(input, at)?) << 8 | u16::from(hex_pair(input, at + 2)?))
}

/// White space as C's `isspace` has it: vertical tab and form feed too.
pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_spellings_and_any_case_are_known() {
        assert_eq!(Transformation::parse("normalisePath"), Transformation::parse("normalizePATH"));
        assert_eq!(Transformation::parse("urldecodeUNI"), Some(Transformation::UrlDecodeUni));
        assert_eq!(Transformation::parse("none"), None);
        assert_eq!(Transformation::parse("rot13"), None);
    }

    #[test]
    fn what_does_not_change_is_borrowed() {
        let unchanged = [Transformation::Length, Transformation::Md5, Transformation::Sha1];
        for (name, transformation) in NAMES {
            if unchanged.contains(&transformation) || name.ends_with("encode") || name.starts_with("parity") {
                continue;
            }
            let value: &[u8] = if name == "uppercase" { b"PLAIN" } else { b"plain" };
            if matches!(transformation, Transformation::HexDecode | Transformation::Base64Decode) || name == "base64decodeext" {
                continue;
            }
            assert!(matches!(transformation.apply(value), Cow::Borrowed(_)), "{name} copied {value:?}");
        }
    }

    proptest! {
        #[test]
        fn none_panics_or_grows_without_bound(input in proptest::collection::vec(any::<u8>(), 0..200)) {
            for (name, transformation) in NAMES {
                let output = transformation.apply(&input);
                prop_assert!(output.len() <= input.len() * 6 + 40, "{name} grew {} to {}", input.len(), output.len());
            }
        }

        #[test]
        fn none_panics_on_near_misses(input in "[%u\\\\x0&#;<>!*/=A+\\-f1. 'j]{0,40}") {
            for (_, transformation) in NAMES {
                let first = transformation.apply(input.as_bytes()).into_owned();
                drop(transformation.apply(&first));
            }
        }
    }
}
