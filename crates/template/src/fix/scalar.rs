//! Text as it must be written so that every reader takes it for text: deployment tools read YAML by the rules of 1.1,
//! where `no` is false, `012` is ten and `2012-10-17` is a date.

/// How a text is quoted where it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    Single,
    Double,
}

/// The text as plain YAML where that is safe, quoted where not. Within brackets more must be quoted.
pub(super) fn yaml(text: &str, quote: Quote, within_brackets: bool) -> String {
    // Quotes within a text are read more easily within the other ones.
    let quote = match quote {
        Quote::Double if text.contains('"') && !text.contains('\'') => Quote::Single,
        Quote::Single if text.contains('\'') && !text.contains(['"', '\\']) => Quote::Double,
        quote => quote,
    };
    if is_plain(text, within_brackets) { text.to_owned() } else { quoted(text, quote) }
}

/// The text in quotes. Single quotes know no escapes, so text that needs some takes double ones.
pub(super) fn quoted(text: &str, quote: Quote) -> String {
    if quote == Quote::Single && !text.chars().any(needs_escape) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        json(text)
    }
}

/// The text in double quotes, escaped by the rules of JSON, which YAML shares.
pub(super) fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other if needs_escape(other) => {
                out.extend(other.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Characters that YAML takes for line ends, byte order marks, or not at all.
fn needs_escape(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn is_plain(text: &str, within_brackets: bool) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let indicator = "-?:,[]{}#&*!|>'\"%@`=".contains(first);
    let blank_ends = text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace);
    let breaks = text.contains(": ") || text.contains(" #") || text.ends_with(':');
    let brackets = within_brackets && text.contains([',', '[', ']', '{', '}', ':', '"', '\'']);
    !(indicator
        || blank_ends
        || breaks
        || brackets
        || text.chars().any(needs_escape)
        || is_word(text)
        || is_number(text))
        && !text.contains('\t')
}

/// Words that mean a flag, nothing, or a merge.
fn is_word(text: &str) -> bool {
    let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~", "<<", "---", "..."];
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether some reader could take it for a number, a date or a time: it starts like one and holds nothing else.
fn is_number(text: &str) -> bool {
    let body = text.trim_start_matches(['-', '+']);
    let starts = body.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let letters = body.chars().filter(char::is_ascii_alphabetic).count();
    let only = |text: &str| text.chars().all(|c| c.is_ascii_digit() || "-+_:. ,eE".contains(c));
    let based = ["0x", "0X", "0o", "0O", "0b", "0B"].iter().any(|base| body.starts_with(base));
    let special = [".inf", ".nan"].iter().any(|word| body.eq_ignore_ascii_case(word));
    let dated = body.get(..4).is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit())) && letters <= 2;
    starts && (only(body) || based || special || dated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_misread_goes_without_quotes() {
        for text in [
            "Allow",
            "s3:GetObject",
            "arn:aws:s3:::x/*",
            "python3.13",
            "/orders/{id}",
            "rate(5 minutes)",
            "A b",
            "10.0.0.0/8",
        ] {
            assert_eq!(yaml(text, Quote::Single, false), text);
        }
        for text in [
            "",
            "*",
            "yes",
            "No",
            "on",
            "OFF",
            "y",
            "null",
            "~",
            "012345678901",
            "12",
            "1.5",
            "1e3",
            "0x1F",
            "2012-10-17",
            "2012-10-17T00:00:00Z",
            "1:30",
            "a: b",
            "a #b",
            "a:",
            "- a",
            "&a",
            "!x",
            "@x",
            "%x",
            " a",
            "a ",
            "=",
            "<<",
            "+1",
            ".5",
            ".inf",
            "1_000",
        ] {
            assert!(yaml(text, Quote::Single, false).starts_with('\''), "{text:?}");
            assert!(yaml(text, Quote::Double, true).starts_with('"'), "{text:?}");
        }
        // Quotes within go into the other kind.
        assert_eq!(yaml("'a'", Quote::Single, false), "\"'a'\"");
        assert_eq!(yaml("it's: so", Quote::Single, false), "\"it's: so\"");
        assert_eq!(yaml("a\nb\"\u{7}", Quote::Single, false), r#""a\nb\"\u0007""#);
        assert_eq!(yaml("${A}, b", Quote::Single, true), "'${A}, b'");
    }
}
