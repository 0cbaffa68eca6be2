//! Credentials that are known by their shape: what providers themselves print into their keys so that they can be found.
//!
//! A shape is a fixed beginning and runs of signs of fixed lengths. Where a format carries a checksum that is published, the
//! checksum must hold: a string that only looks like a key opens nothing.

use std::{ops::Range, sync::LazyLock};

use super::shape::{Check, SHAPES, Shape, Weight};

/// A credential within a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    /// What it is, for people: `a GitHub token`.
    pub(crate) kind: &'static str,
    /// Whether it opens something by itself.
    pub(crate) weight: Weight,
    /// Its bytes within the text.
    pub(crate) range: Range<usize>,
}

/// Every credential within a text, in order.
pub(crate) fn credentials(text: &str) -> Vec<Credential> {
    const SHORTEST: usize = 20;
    if text.len() < SHORTEST {
        return Vec::new();
    }
    let mut found = shaped(text);
    found.extend(private_keys(text));
    found.sort_by_key(|one| (one.range.start, usize::MAX - one.range.end));
    let mut end = 0;
    found.retain(|one| {
        let apart = one.range.start >= end;
        end = end.max(one.range.end);
        apart
    });
    found
}

/// Whether a text is the secret half of a pair of access keys, whose name alone gives it away: forty signs of base 64.
pub(crate) fn is_secret_access_key(name: &str, text: &str) -> bool {
    if text.len() != 40 {
        return false;
    }
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let named = ["secretaccesskey", "awssecretkey", "awssecret"].iter().any(|end| plain.ends_with(end));
    let signs = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '+' | '/');
    named && text.chars().all(signs) && is_random(text)
}

/// The shapes by the letter they begin with.
static BY_LETTER: LazyLock<Vec<Vec<&Shape>>> = LazyLock::new(|| {
    let mut letters = vec![Vec::new(); 128];
    for shape in SHAPES {
        let first = shape.start.bytes().next().map_or(0, usize::from);
        if let Some(of_letter) = letters.get_mut(first) {
            of_letter.push(shape);
        }
    }
    letters
});

/// Every credential with a fixed beginning. One pass: a shape begins where a word does.
fn shaped(text: &str) -> Vec<Credential> {
    let mut found = Vec::new();
    let mut before = b' ';
    for (at, sign) in text.bytes().enumerate() {
        let begins = !before.is_ascii_alphanumeric() && before != b'_';
        before = sign;
        if begins && sign.is_ascii_alphabetic() {
            let fitting = BY_LETTER.get(usize::from(sign)).into_iter().flatten();
            found.extend(fitting.filter_map(|shape| at_place(shape, text, at)));
        }
    }
    found
}

fn at_place(shape: &Shape, text: &str, start: usize) -> Option<Credential> {
    let own = text.get(start..)?.strip_prefix(shape.start)?;
    let end = shape.end(text, start)?;
    let own = own.get(..end.checked_sub(start + shape.start.len())?)?;
    let known = is_random(own) && passes(shape.check, own);
    known.then_some(Credential { kind: shape.kind, weight: shape.weight, range: start..end })
}

fn passes(check: Check, own: &str) -> bool {
    match check {
        Check::None => true,
        Check::Crc62 => {
            let split = own.len().saturating_sub(6);
            let (Some(body), Some(sum)) = (own.get(..split), own.get(split..)) else { return false };
            base62(crc32(body.as_bytes())) == sum
        }
        Check::Account => account_of_key(own).is_some_and(|account| account <= 999_999_999_999),
        Check::Contains(mark) => own.contains(mark),
    }
}

/// The account number that an access key id carries in its first bits (five bits a sign).
fn account_of_key(own: &str) -> Option<u64> {
    const SIGNS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits = own.chars().take(10).try_fold(0_u64, |bits, sign| Some(bits << 5 | SIGNS.find(sign)? as u64))?;
    // Fifty bits were read: forty-eight are six bytes, of which the first bit and the last seven say something else.
    Some((bits >> 2 & 0x7fff_ffff_ff80) >> 7)
}

/// The cyclic redundancy check of ISO 3309, as archives and token formats use it.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
}

/// Six digits to the base of sixty-two, figures first, then capitals.
fn base62(number: u32) -> String {
    const SIGNS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut rest = number as usize;
    let mut digits = ['0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = SIGNS.get(rest % 62).copied().map_or('0', char::from);
        rest /= 62;
    }
    digits.iter().collect()
}

/// Whether nobody typed it as an example: enough different signs, no run of the alphabet, no word that says so.
pub(crate) fn is_random(text: &str) -> bool {
    const WORDS: &[&str] =
        &["example", "xxxx", "abcdef", "123456789", "your", "placeholder", "changeme", "dummy", "redacted"];
    let lower = text.to_ascii_lowercase();
    let mut signs: Vec<char> = text.chars().collect();
    signs.sort_unstable();
    signs.dedup();
    signs.len() >= 8.min(text.len() / 2) && !WORDS.iter().any(|word| lower.contains(word))
}

/// A private key with a body: its head alone is often only a pattern in code.
fn private_keys(text: &str) -> Vec<Credential> {
    const HEAD: &str = "-----BEGIN ";
    const BODY: usize = 64;
    let mut found = Vec::new();
    for (start, _) in text.match_indices(HEAD) {
        let Some(rest) = text.get(start + HEAD.len()..) else { continue };
        let Some(line) = rest.get(..rest.len().min(64)).or(Some(rest)).and_then(|near| near.split("-----").next())
        else {
            continue;
        };
        if !line.ends_with("PRIVATE KEY") && !line.ends_with("PRIVATE KEY BLOCK") {
            continue;
        }
        let Some(body) = rest.get(line.len()..).map(|body| body.trim_start_matches('-')) else { continue };
        let end = body.find("-----").map_or(text.len(), |length| text.len() - body.len() + length);
        let signs = body.chars().take_while(|sign| *sign != '-').filter(char::is_ascii_alphanumeric).take(BODY).count();
        if signs == BODY {
            found.push(Credential { kind: "a private key", weight: Weight::Opens, range: start..end });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<&'static str> {
        credentials(text).into_iter().map(|one| one.kind).collect()
    }

    /// Put together here, so that no scanner of repositories takes this file for a leak.
    fn joined(parts: &[&str]) -> String {
        parts.concat()
    }

    #[test]
    fn a_checksum_tells_a_token_from_its_likeness() {
        let token = joined(&["ghp", "_zQWBuTSOoRi4A9sp", "HcVY5ncnsDkxkJ", "0mLq17"]);
        assert_eq!(kinds(&format!("TOKEN={token};")), ["a GitHub token"]);
        assert_eq!(kinds(&token.replace('z', "y")), [""; 0]);
        assert_eq!(kinds(&format!("{token}A")), [""; 0]);
        assert_eq!(kinds(&format!("x{token}")), [""; 0]);
    }

    #[test]
    fn shapes_are_known() {
        for (parts, kind) in [
            (["AKIA", "Y3FDSN6QUV7RWM2P"], "an AWS access key id"),
            (["sk_live", "_51HqJk2eZvKYlo2C7xR9mTq4w"], "a live Stripe key"),
            (["SG", ".Jr3kQv8xT1mZpL6wYbNcHd.q7Wn2EoRt5Yu8IpAs1Df4Gh6Jk9LzXcVbN3Mm0QwErT"], "a SendGrid key"),
            (["xoxb", "-263594206564-2343594206574-FGqddMF8t08v8N7Oq4i57vs1"], "a Slack token"),
            (["glpat", "-Zk3vQ8xT1mLp6wYbNcHd"], "a GitLab token"),
            (["AIza", "SyD4Xk8vQ1mZpL6wYbNcHdRt5Yu8IpAs1Df"], "a Google API key"),
            (["shpat", "_8f3a1c9e7b2d4f6a0c5e9b1d3f7a2c4e"], "a Shopify token"),
        ] {
            assert_eq!(kinds(&joined(&parts)), [kind], "{}", parts.concat());
        }
    }

    #[test]
    fn examples_and_look_alikes_are_left_alone() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "AKIAXXXXXXXXXXXXXXXX",
            "sk_live_xxxxxxxxxxxxxxxxxxxxxxxx",
            "sk_live_your_key_goes_here_please_do",
            "arn:aws:iam::111122223333:role/AKIA",
            "-----BEGIN PRIVATE KEY-----",
            "if text.startswith('-----BEGIN RSA PRIVATE KEY-----'): pass",
            "task_live_51HqJk2eZvKYlo2C7xR9mTq4w",
            "",
        ] {
            assert_eq!(kinds(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_private_key_needs_a_body() {
        let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
        let text = format!("x: -----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----");
        assert_eq!(kinds(&text), ["a private key"]);
    }

    #[test]
    fn a_secret_access_key_is_known_by_its_name() {
        let secret = joined(&["kWcrlUX5JEDGM/LtmEENI/", "aVmYvHNif5zB+d9+ct"]);
        assert!(is_secret_access_key("AWS_SECRET_ACCESS_KEY", &secret));
        assert!(!is_secret_access_key("COMMIT", &secret));
        assert!(!is_secret_access_key("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
    }

    #[test]
    fn a_long_text_is_read_once_per_shape() {
        let text = "-----BEGIN ghp_ AKIA xoxb- ".repeat(40_000);
        assert_eq!(kinds(&text), [""; 0]);
    }
}
