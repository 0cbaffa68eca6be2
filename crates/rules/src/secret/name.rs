//! What a name says of its value.

/// What a name says its value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// A password.
    Password,
    /// A token, a key, a shared secret.
    Key,
    /// A key that could also be an identifier of one in a key service.
    EncryptionKey,
    /// Credentials, or just as often the name under which they are stored.
    Credentials,
    /// An address that may carry credentials.
    Connection,
}

/// Words that say which one, not what kind.
const NEUTRAL: &[&str] = &[
    "value",
    "val",
    "text",
    "plain",
    "plaintext",
    "prod",
    "production",
    "dev",
    "development",
    "test",
    "testing",
    "staging",
    "local",
    "old",
    "new",
    "primary",
    "secondary",
    "base64",
    "b64",
    "default",
    "live",
    "sandbox",
    "v",
    "raw",
    "string",
];
/// Words that make it something else than the secret itself, wherever they stand.
const HARMLESS: &[&str] = &[
    "public",
    "publishable",
    "anon",
    "anonymous",
    "max",
    "min",
    "num",
    "number",
    "count",
    "use",
    "uses",
    "enable",
    "enabled",
    "disable",
    "disabled",
    "has",
    "is",
    "require",
    "required",
    "requires",
    "reset",
    "forgot",
    "rotate",
    "rotation",
    "verify",
    "validate",
    "allow",
    "allowed",
    "skip",
    "next",
    "continuation",
    "pagination",
    "page",
    "partition",
    "sort",
    "cache",
    "idempotency",
    "dedup",
    "csrf",
];
const PASSWORDS: &[&str] = &["password", "passwd", "passphrase", "passcode"];
/// What stands before `key` when the key is a secret.
const KEY_KINDS: &[&str] = &[
    "access",
    "account",
    "admin",
    "ai",
    "anthropic",
    "api",
    "app",
    "application",
    "auth",
    "client",
    "cookie",
    "datadog",
    "dd",
    "encrypt",
    "hmac",
    "host",
    "jwt",
    "mailgun",
    "openai",
    "private",
    "rsa",
    "secret",
    "sendgrid",
    "sentry",
    "service",
    "session",
    "shared",
    "signature",
    "signing",
    "slack",
    "ssh",
    "storage",
    "stripe",
    "subscription",
    "token",
    "twilio",
    "webhook",
];
const ENCRYPTION_KINDS: &[&str] = &["aes", "cipher", "crypto", "encryption", "decryption", "master", "data"];
/// What stands before `secret` when as often as not the value is the name of a stored one.
const STORES: &[&str] = &[
    "aurora",
    "aws",
    "cluster",
    "database",
    "db",
    "docdb",
    "manager",
    "mongo",
    "mongodb",
    "mysql",
    "postgres",
    "postgresql",
    "rds",
    "redis",
    "redshift",
    "sm",
    "ssm",
];
const BEFORE_PASS: &[&str] = &[
    "admin", "auth", "basic", "database", "db", "email", "ftp", "mail", "master", "mongo", "mysql", "pg", "postgres",
    "proxy", "rds", "redis", "root", "sftp", "smtp", "user",
];

/// What this name says of its value, when it says that it is secret.
pub(crate) fn named(name: &str) -> Option<Named> {
    if !may_be_named(name) {
        return None;
    }
    let mut words = words(name);
    if words.iter().any(|word| HARMLESS.contains(&word.as_str())) {
        return None;
    }
    if words.ends_with(&["connection".to_owned(), "string".to_owned()]) {
        return Some(Named::Connection);
    }
    while words.len() > 1 && words.last().is_some_and(|word| is_neutral(word)) {
        words.pop();
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => None,
        [before @ .., last] => by_last(before, last),
    }
}

/// Whether one of the parts stands in it that every name of a secret has: most names are settled by that.
fn may_be_named(name: &str) -> bool {
    let starts = |rest: &[u8]| {
        let parts: &[&str] = match rest.first().map(u8::to_ascii_lowercase) {
            Some(b'p') => &["pass", "pwd"],
            Some(b's') => &["secret"],
            Some(b't') => &["token"],
            Some(b'k') => &["key"],
            Some(b'c') => &["cred", "conn"],
            Some(b'd') => &["dsn"],
            Some(b'u') => &["url", "uri"],
            _ => &[],
        };
        let has = |part: &&str| rest.get(..part.len()).is_some_and(|own| own.eq_ignore_ascii_case(part.as_bytes()));
        parts.iter().any(has)
    };
    let bytes = name.as_bytes();
    !name.is_ascii() || (0..bytes.len()).any(|at| bytes.get(at..).is_some_and(starts))
}

fn is_neutral(word: &str) -> bool {
    NEUTRAL.contains(&word) || word.chars().all(|sign| sign.is_ascii_digit())
}

fn by_last(before: &[&str], last: &str) -> Option<Named> {
    let previous = before.last().copied().unwrap_or_default();
    match last {
        "pwd" if before.is_empty() => None,
        "pwd" => Some(Named::Password),
        "pass" => BEFORE_PASS.contains(&previous).then_some(Named::Password),
        "secret" if before.is_empty() || STORES.contains(&previous) => Some(Named::Credentials),
        "secret" | "token" | "apikey" | "secretkey" | "privatekey" | "authtoken" | "accesstoken" => Some(Named::Key),
        "credential" | "credentials" | "creds" => Some(Named::Credentials),
        "key" if KEY_KINDS.contains(&previous) => Some(Named::Key),
        "key" if ENCRYPTION_KINDS.contains(&previous) => Some(Named::EncryptionKey),
        "connstr" | "dsn" => Some(Named::Connection),
        "str" if previous == "conn" => Some(Named::Connection),
        "url" | "uri" if before.iter().any(|word| STORES.contains(word) || *word == "broker" || *word == "amqp") => {
            Some(Named::Connection)
        }
        _ => run_together(last),
    }
}

/// `DBPASSWORD`, `MYSQLPASSWORD`: no boundary to see.
fn run_together(word: &str) -> Option<Named> {
    if PASSWORDS.iter().any(|end| word.ends_with(end)) {
        return Some(Named::Password);
    }
    let known = ["apikey", "secretkey", "privatekey", "accesstoken", "authtoken", "clientsecret"];
    if known.iter().any(|end| word.ends_with(end)) {
        return Some(Named::Key);
    }
    let before = word.strip_suffix("secret").filter(|before| !before.is_empty())?;
    Some(if STORES.contains(&before) { Named::Credentials } else { Named::Key })
}

/// The words of a name, lower case: at signs that are no letters or digits, and where the case rises.
fn words(name: &str) -> Vec<String> {
    let signs: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (index, sign) in signs.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| signs.get(index));
        let after = signs.get(index + 1);
        let rises = sign.is_uppercase() && before.is_some_and(|sign| sign.is_lowercase() || sign.is_ascii_digit())
            || sign.is_uppercase()
                && before.is_some_and(|sign| sign.is_uppercase())
                && after.is_some_and(|sign| sign.is_lowercase());
        if rises || !sign.is_alphanumeric() {
            words.push(String::new());
        }
        if let (true, Some(word)) = (sign.is_alphanumeric(), words.last_mut()) {
            word.extend(sign.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        for (name, kind) in [
            ("DB_PASSWORD", Named::Password),
            ("DBPassword", Named::Password),
            ("MYSQLPASSWORD", Named::Password),
            ("MYSECRET", Named::Key),
            ("DBSECRET", Named::Credentials),
            ("SMTP_PASS", Named::Password),
            ("DB_PWD", Named::Password),
            ("API_KEY", Named::Key),
            ("StripeSecretKey", Named::Key),
            ("AWS_SECRET_ACCESS_KEY", Named::Key),
            ("JWT_SECRET", Named::Key),
            ("GITHUB_TOKEN", Named::Key),
            ("API_KEY_PROD", Named::Key),
            ("PRIVATE_KEY_BASE64", Named::Key),
            ("WEBHOOK_SECRET_2", Named::Key),
            ("ENCRYPTION_KEY", Named::EncryptionKey),
            ("DB_SECRET", Named::Credentials),
            ("SECRET", Named::Credentials),
            ("CONNECTION_STRING", Named::Connection),
            ("DATABASE_URL", Named::Connection),
        ] {
            assert_eq!(named(name), Some(kind), "{name}");
        }
    }

    #[test]
    fn names_of_other_things() {
        for name in [
            "SECRET_NAME",
            "SECRET_ARN",
            "SecretId",
            "TOKEN_URL",
            "TOKENS_TABLE",
            "TOKEN_TTL",
            "TOKEN_EXPIRY_SECONDS",
            "MAX_TOKENS",
            "MAX_TOKEN",
            "NEXT_TOKEN",
            "API_KEY_HEADER",
            "API_KEY_ID",
            "ACCESS_KEY_ID",
            "PASSWORD_POLICY",
            "PASSWORD_MIN_LENGTH",
            "USE_PASSWORD",
            "PUBLIC_KEY",
            "STRIPE_PUBLISHABLE_KEY",
            "PARTITION_KEY",
            "KEY",
            "PWD",
            "BYPASS",
            "SECRETS_MANAGER_ENDPOINT",
            "PASSWORD_RESET_URL",
            "DB_PASSWORD_PARAMETER",
            "CREDENTIALS_FILE",
            "TABLE_NAME",
            "S3_KEY",
            "OBJECT_KEY",
            "KMS_KEY",
            "SECRETARY",
            "TOKENIZER",
            "COMPASS",
            "",
        ] {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
