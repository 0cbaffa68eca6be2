//! Wildcard text as the policy language knows it: `*` for any run of characters, `?` for exactly one.

use std::fmt;

/// Text with wildcards, compared without regard to the case of ASCII letters.
///
/// Runs of wildcards are kept in one order (`?` before `*`), so that equal patterns are equal text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: Box<str>,
}

impl Pattern {
    /// The pattern with this text.
    pub fn new(text: &str) -> Self {
        let mut out = String::with_capacity(text.len());
        let mut star_waits = false;
        for sign in text.chars() {
            match sign {
                '*' => star_waits = true,
                '?' => out.push('?'),
                literal => {
                    if std::mem::take(&mut star_waits) {
                        out.push('*');
                    }
                    out.push(literal.to_ascii_lowercase());
                }
            }
        }
        if star_waits {
            out.push('*');
        }
        Self { text: out.into() }
    }

    /// Whether it has no wildcard.
    pub fn is_literal(&self) -> bool {
        !self.text.contains(['*', '?'])
    }

    /// Whether it is `*` and nothing else.
    pub fn is_everything(&self) -> bool {
        *self.text == *"*"
    }

    /// Its text, lower case.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this text fits. Text of the policy language is ASCII; `?` stands for one byte of anything else.
    pub fn matches(&self, text: &str) -> bool {
        fits(self.text.as_bytes(), text.as_bytes(), |mine, sign| mine == b'?' || mine == sign.to_ascii_lowercase())
    }

    /// Whether every text that fits `other` fits here too. A yes is certain.
    pub fn contains(&self, other: &Self) -> bool {
        // The wildcards of `other` are read as letters: its star is only taken by a star, its question mark by either.
        fits(self.text.as_bytes(), other.text.as_bytes(), |mine, theirs| match theirs {
            b'*' => false,
            b'?' => mine == b'?',
            literal => mine == b'?' || mine == literal,
        })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.text)
    }
}

/// Greedy match with one place to come back to: time is at most the product of both lengths, whatever the pattern.
fn fits(pattern: &[u8], text: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while let Some(sign) = text.get(read) {
        match pattern.get(at) {
            Some(b'*') => {
                last_star = Some((at, read));
                at += 1;
            }
            Some(wanted) if same(*wanted, *sign) => {
                at += 1;
                read += 1;
            }
            _ => match last_star.as_mut() {
                Some((star, taken)) => {
                    *taken += 1;
                    at = *star + 1;
                    read = *taken;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|sign| *sign == b'*')
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn wildcards_fit_and_case_does_not_matter() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("Get*", "getItem", true),
            ("get?tem", "GetItem", true),
            ("get?", "get", false),
            ("*Item", "BatchGetItem", true),
            ("*Item", "BatchGetItems", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), fits, "{pattern} on {text}");
        }
    }

    #[test]
    fn containment_is_certain_when_it_says_yes() {
        for (wide, narrow, holds) in [
            ("*", "dynamodb:*", true),
            ("s3:Get*", "s3:GetObject*", true),
            ("s3:GetObject*", "s3:Get*", false),
            ("s3:?et*", "s3:Get*", true),
            ("*?", "?*", true),
            ("*a*", "*b*", false),
            ("a?", "a*", false),
            ("*x", "*", false),
        ] {
            assert_eq!(Pattern::new(wide).contains(&Pattern::new(narrow)), holds, "{wide} over {narrow}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_polynomial_time() {
        let pattern = Pattern::new(&format!("{}b", "a*".repeat(1_000)));
        assert!(!pattern.matches(&"a".repeat(4_000)));
    }
}
