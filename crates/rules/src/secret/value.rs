//! Whether a value can be the secret that its name speaks of.

use super::Named;
use crate::case::HOLE;

/// What a value is, read with its name in mind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The secret itself.
    Secret,
    /// Something else: a reference, an address, a switch.
    Harmless,
    /// A secret or the name of one; nobody can tell.
    Ambiguous,
    /// Words that stand for a value to be put in later.
    Placeholder,
}

/// Reads a value under a name that says what it is.
pub(crate) fn read(kind: Named, name: &str, text: &str) -> Reading {
    let text = text.trim();
    if carries_credentials(text) {
        return Reading::Secret;
    }
    if kind == Named::Connection || is_reference(text) || is_switch(text) || is_other(kind, name, text) {
        return Reading::Harmless;
    }
    if is_number(text) {
        let long = text.len() >= 6 && text.chars().all(|sign| sign.is_ascii_digit());
        return if kind == Named::Password && long { Reading::Secret } else { Reading::Harmless };
    }
    if is_placeholder(text) {
        return Reading::Placeholder;
    }
    match kind {
        Named::Password => Reading::Secret,
        Named::Credentials if is_wordy(text) => Reading::Ambiguous,
        _ if is_path_of_words(text) || text.chars().count() < 4 => Reading::Harmless,
        _ => Reading::Secret,
    }
}

/// `scheme://user:password@host`, or `Password=...;` within a connection string.
fn carries_credentials(text: &str) -> bool {
    password_in_url(text) || password_in_pairs(text)
}

fn password_in_url(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, host)) = authority.rsplit_once('@') else { return false };
    let Some((_, password)) = user.split_once(':') else { return false };
    is_literal(password) && !host.starts_with("localhost") && !host.starts_with("127.0.0.1")
}

fn password_in_pairs(text: &str) -> bool {
    const KEYS: &[&str] = &["password", "pwd", "accountkey", "sharedaccesskey", "sharedsecret"];
    text.split([';', '&', ' '])
        .filter_map(|pair| pair.split_once('='))
        .any(|(key, value)| KEYS.contains(&key.trim().to_ascii_lowercase().as_str()) && is_literal(value.trim()))
}

fn is_literal(password: &str) -> bool {
    !password.is_empty()
        && !password.contains(HOLE)
        && !password.starts_with(['$', '{', '<', '*', '%', '['])
        && !is_placeholder(password)
}

fn is_reference(text: &str) -> bool {
    const STARTS: &[&str] =
        &["arn:", "ssm:", "secretsmanager:", "alias/", "vault:", "file:", "env:", "/", "./", "~/", "${", "{{"];
    const ENDS: &[&str] = &[".pem", ".key", ".json", ".crt", ".txt", ".env", ".p12", ".pfx", ".yaml", ".yml"];
    let lower = text.to_ascii_lowercase();
    text.is_empty()
        || text.contains(HOLE)
        || text.contains("{{resolve:")
        || text.contains("://")
        || STARTS.iter().any(|start| lower.starts_with(start))
        || ENDS.iter().any(|end| lower.ends_with(end))
}

fn is_switch(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "true",
        "false",
        "yes",
        "no",
        "on",
        "off",
        "enabled",
        "disabled",
        "null",
        "none",
        "undefined",
        "default",
        "auto",
        "n/a",
    ];
    WORDS.contains(&text.to_ascii_lowercase().as_str())
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

fn is_other(kind: Named, name: &str, text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let header = lower.starts_with("x-") || matches!(lower.as_str(), "authorization" | "bearer" | "cookie" | "basic");
    let sentence = text.split_whitespace().count() >= 3 && !text.starts_with("-----BEGIN");
    let key_id = kind == Named::EncryptionKey && (is_uuid(text) || lower.starts_with("mrk-"));
    kind != Named::Password && (header || sentence || is_host(&lower) || letters(name) == letters(text)) || key_id
}

fn letters(text: &str) -> String {
    text.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.chars().all(|sign| sign == '-' || sign.is_ascii_hexdigit())
}

/// `login.example.com`: labels of moderate length, the last of letters only.
fn is_host(lower: &str) -> bool {
    let labels: Vec<&str> = lower.split('.').collect();
    labels.len() >= 2
        && labels.iter().all(|label| (1..=24).contains(&label.len()))
        && lower.chars().all(|sign| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-'))
        && labels
            .last()
            .is_some_and(|last| (2..=8).contains(&last.len()) && last.chars().all(|sign| sign.is_ascii_alphabetic()))
}

fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let first = text.chars().next();
    let framed = matches!(
        (first, text.chars().last()),
        (Some('<'), Some('>')) | (Some('['), Some(']')) | (Some('%'), Some('%'))
    );
    let one_sign = first.is_some_and(|sign| {
        matches!(sign, 'x' | 'X' | '*' | '.' | '-' | '_') && text.chars().all(|other| other == sign)
    });
    let starts =
        ["your", "replace", "insert", "todo", "placeholder", "fixme", "tbd", "enter-", "enter_", "put-", "put_"];
    framed
        || one_sign
        || lower == "example"
        || text.contains("EXAMPLE")
        || starts.iter().any(|start| lower.starts_with(start))
        || ["-here", "_here", " here"].iter().any(|end| lower.ends_with(end))
        || lower.contains("placeholder")
}

/// Words joined by dashes or the like, as names of stored secrets are: `orders-db`, `prod/orders/db`.
fn is_wordy(text: &str) -> bool {
    is_path_of_words(text) || text.contains(['-', '_']) && text.split(['-', '_', '.', '/']).all(is_word)
}

fn is_path_of_words(text: &str) -> bool {
    text.contains('/') && text.split(['/', '-', '_', '.']).all(is_word)
}

/// Letters with at most two digits behind; a camel hump or two is still a word, scattered capitals are not.
fn is_word(text: &str) -> bool {
    let stem = text.trim_end_matches(|sign: char| sign.is_ascii_digit());
    let digits = text.len() - stem.len();
    let capitals = stem.chars().skip(1).filter(char::is_ascii_uppercase).count();
    let shouts = stem.chars().all(|sign| sign.is_ascii_uppercase());
    digits <= 2 && text.len() <= 20 && stem.chars().all(|sign| sign.is_ascii_alphabetic()) && (capitals <= 2 || shouts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_seen() {
        for (kind, name, text) in [
            (Named::Password, "DB_PASSWORD", "hunter2"),
            (Named::Password, "DB_PASSWORD", "postgres"),
            (Named::Password, "PASSWORD", "password"),
            (Named::Password, "DB_PASSWORD", "12345678"),
            (Named::Password, "DB_PASSWORD", "changeme"),
            (Named::Key, "JWT_SECRET", "my-super-secret-key"),
            (Named::Key, "API_KEY", "0f7a3c21-9f44-4a4b-8a5e-0b0a5a7c1d2e"),
            (Named::Key, "API_KEY", "AbCd/EfGhIjKlMnOpQrStUvWxYz0123456789AB"),
            (Named::Key, "PRIVATE_KEY", "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"),
            (Named::Credentials, "DB_SECRET", "s3cr3tV4lue"),
            (Named::Connection, "DATABASE_URL", "postgres://app:hunter2@db.internal:5432/app"),
            (Named::Connection, "CONNECTION_STRING", "Server=db;User=sa;Password=hunter2;"),
            (Named::EncryptionKey, "ENCRYPTION_KEY", "2b7e151628aed2a6abf7158809cf4f3c"),
        ] {
            assert_eq!(read(kind, name, text), Reading::Secret, "{name}={text}");
        }
    }

    #[test]
    fn what_is_no_secret_is_left_alone() {
        for (kind, name, text) in [
            (Named::Password, "DB_PASSWORD", "/prod/db/password"),
            (Named::Password, "DB_PASSWORD", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db"),
            (Named::Password, "DB_PASSWORD", "{{resolve:ssm-secure:db}}"),
            (Named::Password, "DB_PASSWORD", "true"),
            (Named::Key, "API_TOKEN", "3600"),
            (Named::Key, "API_KEY", "x-api-key"),
            (Named::Key, "API_KEY", "API_KEY"),
            (Named::Key, "CLIENT_SECRET", "prod/orders/client-secret"),
            (Named::Key, "AUTH_TOKEN", "https://login.example.com/token"),
            (Named::Key, "AUTH_TOKEN", "login.example.com"),
            (Named::Key, "SIGNING_KEY", "keys/signing.pem"),
            (Named::EncryptionKey, "ENCRYPTION_KEY", "0f7a3c21-9f44-4a4b-8a5e-0b0a5a7c1d2e"),
            (Named::Connection, "DATABASE_URL", "postgres://db.internal:5432/app"),
            (Named::Connection, "DATABASE_URL", "postgres://app:\u{1}@db.internal:5432/app"),
            (Named::Connection, "REDIS_URL", "redis://:dev@localhost:6379"),
            (Named::Key, "TOKEN", ""),
        ] {
            assert_eq!(read(kind, name, text), Reading::Harmless, "{name}={text}");
        }
    }

    #[test]
    fn what_nobody_can_tell_is_said_to_be_so() {
        assert_eq!(read(Named::Credentials, "DB_SECRET", "orders-db-credentials"), Reading::Ambiguous);
        assert_eq!(read(Named::Credentials, "SECRET", "prod/orders/db"), Reading::Ambiguous);
        for text in ["<your key>", "YOUR_API_KEY", "xxxxxxxx", "replace-me", "put-it-here"] {
            assert_eq!(read(Named::Key, "API_KEY", text), Reading::Placeholder, "{text}");
        }
    }
}
