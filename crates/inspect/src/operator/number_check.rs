//! Numbers with a check digit: cards and national identity numbers. A pattern finds candidates, arithmetic decides.

use super::captures::Captures;
use super::rx::Rx;

/// How many candidates of one value are tried: a run of digits a megabyte long holds no card number.
const CANDIDATES: usize = 1000;

/// The longest candidate looked at, in bytes.
const LONGEST: usize = 256;

/// A pattern and the rule that its matches must obey.
#[derive(Debug)]
pub(super) struct NumberCheck {
    pattern: Rx,
    valid: fn(&[u8]) -> bool,
}

impl NumberCheck {
    /// `verifycc`, `verifycpf`, `verifyssn`, `verifysvnr` with a pattern, or `validatenid` with a country and a pattern.
    pub(super) fn compile(operator: &str, argument: &[u8]) -> Result<Self, String> {
        let (valid, pattern): (fn(&[u8]) -> bool, &[u8]) = match operator {
            "verifycc" => (card, argument),
            "verifycpf" => (brazilian, argument),
            "verifyssn" => (american, argument),
            "verifysvnr" => (austrian, argument),
            _ => {
                let mut parts = argument.splitn(2, |&byte| byte == b' ');
                let country = parts.next().unwrap_or_default();
                let pattern = parts.next().ok_or("it takes a country and a pattern")?;
                match country {
                    b"cl" => (chilean, pattern),
                    b"us" => (american, pattern),
                    _ => return Err("countries are `cl` and `us`".to_owned()),
                }
            }
        };
        Ok(Self { pattern: Rx::compile(pattern)?, valid })
    }

    pub(super) fn matches(&self, value: &[u8], captures: Option<&mut Captures>) -> bool {
        let valid = |span: &std::ops::Range<usize>| {
            span.len() <= LONGEST && value.get(span.clone()).is_some_and(|text| (self.valid)(text))
        };
        let found = self.pattern.spans(value).take(CANDIDATES).find(valid);
        if let (Some(captures), Some(span)) = (captures, &found) {
            captures.set_span(span.clone());
        }
        found.is_some()
    }
}

fn digits(text: &[u8]) -> Vec<u32> {
    text.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0')).collect()
}

fn all_equal(digits: &[u32]) -> bool {
    digits.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}

/// The sum of digits by their weights.
fn weighted(digits: &[u32], weights: impl IntoIterator<Item = u32>) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// Luhn's sum, at least one digit.
fn card(text: &[u8]) -> bool {
    let digits = digits(text);
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(place, &digit)| if place % 2 == 1 { doubled(digit) } else { digit }).sum();
    !digits.is_empty() && sum % 10 == 0
}

/// A Brazilian CPF: eleven digits, the last two check the rest.
fn brazilian(text: &[u8]) -> bool {
    let digits = digits(text);
    let check = |sum: u32| if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
    let [.., first, second] = digits.as_slice() else { return false };
    digits.len() == 11
        && !all_equal(&digits)
        && *first == check(weighted(&digits, (2..=10).rev()))
        && *second == check(weighted(&digits, (2..=11).rev()))
}

/// A social security number of the United States: nine digits, no part zero, no area that was never given out.
fn american(text: &[u8]) -> bool {
    let digits = digits(text);
    let number = |part: &[u32]| part.iter().fold(0, |number, digit| number * 10 + digit);
    let (Some(area), Some(group), Some(serial)) = (digits.get(..3), digits.get(3..5), digits.get(5..9)) else {
        return false;
    };
    let counting = digits.windows(2).all(|pair| matches!(pair, [a, b] if a + 1 == *b));
    let area = number(area);
    digits.len() == 9
        && !all_equal(&digits)
        && !counting
        && !matches!(area, 0 | 666 | 740..)
        && number(group) != 0
        && number(serial) != 0
}

/// An Austrian social insurance number: ten digits, the fourth checks the rest.
fn austrian(text: &[u8]) -> bool {
    let digits = digits(text);
    let Some(check) = digits.get(3) else { return false };
    let sum = weighted(&digits, [3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11;
    digits.len() == 10 && !all_equal(&digits) && *check == if sum == 10 { 0 } else { sum }
}

/// A Chilean RUT: digits and a check letter, `K` for one.
fn chilean(text: &[u8]) -> bool {
    let letters: Vec<u8> =
        text.iter().map(u8::to_ascii_lowercase).filter(|byte| byte.is_ascii_digit() || *byte == b'k').collect();
    let Some((&check, body)) = letters.split_last() else { return false };
    let sum = weighted(&digits(body).into_iter().rev().collect::<Vec<_>>(), (2..=7).cycle());
    let expected = match sum % 11 {
        0 => b'0',
        1 => b'k',
        rest => b'0' + u8::try_from(11 - rest).unwrap_or_default(),
    };
    body.len() >= 7 && !body.contains(&b'k') && check == expected
}
