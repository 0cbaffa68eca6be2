//! Names and the values given to them within a longer text: a script, a description of an API, a document in JSON.
//!
//! Only what is plainly a literal counts: text in quotes, and bare words where the text is a script or a list of settings.
//! Whatever is computed stands without quotes in every language of interest.

use super::{Named, Reading, is_random, named, read};

/// A secret that a text gives to a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment<'t> {
    /// The name.
    pub(crate) name: &'t str,
}

/// The longest name and the longest value that are looked at.
const NAME: usize = 64;
const VALUE: usize = 512;

/// Every name within the text that says that it is secret and is given a value that can be one.
pub(crate) fn assignments(text: &str) -> Vec<Assignment<'_>> {
    let bare = is_settings(text);
    let signs = text.bytes().enumerate().filter(|(_, sign)| matches!(sign, b'=' | b':'));
    signs.filter_map(|(at, _)| assignment(text, at, bare)).collect()
}

fn assignment(text: &str, at: usize, bare: bool) -> Option<Assignment<'_>> {
    let name = name_before(text.get(..at)?)?;
    let kind = named(name)?;
    let rest = text.get(at + 1..)?.trim_start_matches([' ', '\t', '>']);
    let value = literal(rest).or_else(|| bare.then(|| word(rest)).filter(|word| !is_place(word)))?;
    is_convincing(kind, name, value).then_some(Assignment { name })
}

/// The name that ends a text, without quotes around it.
fn name_before(text: &str) -> Option<&str> {
    let text = text.trim_end_matches([' ', '\t']);
    let text = text.trim_end_matches(['"', '\'', '`']).trim_end_matches('\\');
    let length = text.bytes().rev().take(NAME + 1).take_while(|sign| is_name(*sign)).count();
    (1..=NAME).contains(&length).then(|| text.get(text.len() - length..)).flatten()
}

fn is_name(sign: u8) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, b'_' | b'-')
}

/// Text in quotes, which may themselves be escaped.
fn literal(rest: &str) -> Option<&str> {
    let quote = ["\\\"", "\"", "'", "`"].into_iter().find(|quote| rest.starts_with(quote))?;
    let inner = rest.get(quote.len()..)?;
    let mut limit = VALUE.min(inner.len());
    while !inner.is_char_boundary(limit) {
        limit -= 1;
    }
    let near = inner.get(..limit)?;
    let value = near.get(..near.find(quote)?)?;
    (!value.contains('\n')).then_some(value)
}

fn word(rest: &str) -> &str {
    let end = rest
        .char_indices()
        .take(VALUE)
        .find(|(_, sign)| sign.is_whitespace() || matches!(sign, ';' | '"' | '\'' | '&' | '|'));
    end.map_or(rest, |(end, _)| rest.get(..end).unwrap_or_default())
}

/// Where a secret is kept, as lists of settings say it: `shop/db:password`.
fn is_place(word: &str) -> bool {
    word.contains(['/', ':'])
}

/// Whether bare words are values here: shell scripts and lists of settings, but no program.
fn is_settings(text: &str) -> bool {
    let start = text.trim_start();
    let shell = start.starts_with("#!") && start.lines().next().is_some_and(|line| line.contains("sh"));
    shell || start.starts_with("#cloud-config") || start.starts_with("version: 0.")
}

/// Whether the value can only be the secret: within a program, words are more often names of things.
pub(crate) fn is_convincing(kind: Named, name: &str, value: &str) -> bool {
    const WORDS: &[&str] = &[
        "string",
        "text",
        "number",
        "password",
        "secret",
        "token",
        "credentials",
        "hidden",
        "plain",
        "object",
        "integer",
    ];
    if read(kind, name, value) != Reading::Secret {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    let computed = value.contains(['$', '{', '}', '(', ')', '<', '>', '%']);
    match kind {
        Named::Connection => true,
        _ if computed || WORDS.contains(&lower.as_str()) => false,
        Named::Password => value.len() >= 6 && !value.contains(char::is_whitespace),
        _ => {
            let digits = value.chars().any(|sign| sign.is_ascii_digit());
            value.len() >= 12 && digits && is_random(value) && !value.contains(char::is_whitespace)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        assignments(text).into_iter().map(|one| one.name).collect()
    }

    #[test]
    fn literals_are_seen() {
        for (text, name) in [
            ("const password = 'hunter22';", "password"),
            ("{\"username\": \"app\", \"password\": \"hunter22\"}", "password"),
            ("{\\\"password\\\": \\\"hunter22\\\"}", "password"),
            ("api_key => \"9f2c4e71b0a8d6f3\"", "api_key"),
            ("#!/bin/bash\nexport DB_PASSWORD=hunter22\n", "DB_PASSWORD"),
            ("version: 0.2\nenv:\n  variables:\n    API_TOKEN: 9f2c4e71b0a8d6f3\n", "API_TOKEN"),
        ] {
            assert_eq!(names(text), [name], "{text}");
        }
    }

    #[test]
    fn what_is_computed_or_only_named_is_left_alone() {
        for text in [
            "password = event['password']",
            "token = os.environ['TOKEN']",
            "password: 'string'",
            "secret = client.get_secret_value(SecretId='shop/db')",
            "#!/bin/bash\nexport DB_PASSWORD=$(aws ssm get-parameter)\n",
            "#!/bin/bash\nexport DB_PASSWORD=\u{1}\n",
            "\"password\": \"${password}\"",
            "if password == 'hunter22': pass",
            "version: 0.2\nenv:\n  secrets-manager:\n    DB_PASSWORD: shop/db:password\n",
            "token: ''",
            "apiKey: 'x-api-key'",
            "password",
            "=",
        ] {
            assert_eq!(names(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn long_texts_are_read_once() {
        assert_eq!(names(&"password=".repeat(50_000)), [""; 0]);
        assert_eq!(names(&"=:".repeat(100_000)), [""; 0]);
    }
}
