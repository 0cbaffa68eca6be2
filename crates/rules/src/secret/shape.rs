//! The shapes of providers' credentials. Facts only, from what the providers publish about their formats.

/// A fixed beginning and what must follow it.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) kind: &'static str,
    pub(super) start: &'static str,
    pub(super) rest: &'static [Part],
    pub(super) check: Check,
    pub(super) weight: Weight,
}

/// What a credential is worth by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Whoever has it is let in.
    Opens,
    /// Half of a pair, or a key that providers expect to be seen by browsers.
    Half,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Check {
    None,
    /// The last six signs are a checksum of those before them.
    Crc62,
    /// The first bits are an account number, which has twelve digits.
    Account,
    /// A mark stands within.
    Contains(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// These signs.
    Text(&'static str),
    /// Signs of a set: at least so many, at most so many. A longer run is something else.
    Run(Set, usize, usize),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Set {
    Digit,
    Hex,
    /// Capitals and the figures 2 to 7.
    Base32,
    Alnum,
    /// Letters, figures, underscores and dashes.
    Word,
    Base64,
}

impl Set {
    fn has(self, sign: u8) -> bool {
        match self {
            Self::Digit => sign.is_ascii_digit(),
            Self::Hex => sign.is_ascii_hexdigit(),
            Self::Base32 => sign.is_ascii_uppercase() || (b'2'..=b'7').contains(&sign),
            Self::Alnum => sign.is_ascii_alphanumeric(),
            Self::Word => sign.is_ascii_alphanumeric() || matches!(sign, b'_' | b'-'),
            Self::Base64 => sign.is_ascii_alphanumeric() || matches!(sign, b'+' | b'/'),
        }
    }
}

impl Shape {
    /// One past its last byte, when it stands in the text from `start` on.
    pub(super) fn end(&self, text: &str, start: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut at = start + self.start.len();
        for part in self.rest {
            at = match part {
                Part::Text(wanted) => {
                    let end = at + wanted.len();
                    (bytes.get(at..end)? == wanted.as_bytes()).then_some(end)?
                }
                Part::Run(set, least, most) => {
                    let run = bytes.get(at..)?.iter().take(most + 1).take_while(|sign| set.has(**sign)).count();
                    (*least..=*most).contains(&run).then_some(at + run)?
                }
            };
        }
        let goes_on = bytes.get(at).is_some_and(|sign| sign.is_ascii_alphanumeric() || *sign == b'_');
        (!goes_on).then_some(at)
    }
}

const fn shape(kind: &'static str, start: &'static str, rest: &'static [Part]) -> Shape {
    Shape { kind, start, rest, check: Check::None, weight: Weight::Opens }
}

const fn checked(kind: &'static str, start: &'static str, rest: &'static [Part], check: Check) -> Shape {
    Shape { kind, start, rest, check, weight: Weight::Opens }
}

const fn half(kind: &'static str, start: &'static str, rest: &'static [Part], check: Check) -> Shape {
    Shape { kind, start, rest, check, weight: Weight::Half }
}

use Part::{Run, Text};

const GITHUB: &[Part] = &[Run(Set::Alnum, 36, 36)];
const SHOPIFY: &[Part] = &[Run(Set::Hex, 32, 32)];
const SLACK: &[Part] = &[Run(Set::Digit, 9, 14), Text("-"), Run(Set::Digit, 9, 14), Text("-"), Run(Set::Word, 20, 80)];

/// Every shape.
pub(super) const SHAPES: &[Shape] = &[
    half("an AWS access key id", "AKIA", &[Run(Set::Base32, 16, 16)], Check::Account),
    half("an AWS session key id", "ASIA", &[Run(Set::Base32, 16, 16)], Check::Account),
    checked("a GitHub token", "ghp_", GITHUB, Check::Crc62),
    checked("a GitHub token", "gho_", GITHUB, Check::Crc62),
    checked("a GitHub token", "ghu_", GITHUB, Check::Crc62),
    checked("a GitHub token", "ghs_", GITHUB, Check::Crc62),
    checked("a GitHub token", "ghr_", GITHUB, Check::Crc62),
    shape("a GitHub token", "github_pat_", &[Run(Set::Alnum, 22, 22), Text("_"), Run(Set::Alnum, 59, 59)]),
    shape("a GitLab token", "glpat-", &[Run(Set::Word, 20, 64)]),
    shape("a Slack token", "xoxb-", SLACK),
    shape("a Slack token", "xoxp-", SLACK),
    shape(
        "a Slack token",
        "xapp-",
        &[
            Run(Set::Digit, 1, 1),
            Text("-A"),
            Run(Set::Alnum, 8, 12),
            Text("-"),
            Run(Set::Digit, 9, 14),
            Text("-"),
            Run(Set::Hex, 64, 64),
        ],
    ),
    shape(
        "a Slack webhook",
        "https://hooks.slack.com/services/T",
        &[Run(Set::Alnum, 8, 12), Text("/B"), Run(Set::Alnum, 8, 12), Text("/"), Run(Set::Alnum, 24, 24)],
    ),
    shape("a live Stripe key", "sk_live_", &[Run(Set::Alnum, 24, 120)]),
    shape("a live Stripe key", "rk_live_", &[Run(Set::Alnum, 24, 120)]),
    half("a Google API key", "AIza", &[Run(Set::Word, 35, 35)], Check::None),
    shape("a Google client secret", "GOCSPX-", &[Run(Set::Word, 28, 28)]),
    checked("an OpenAI key", "sk-", &[Run(Set::Word, 40, 220)], Check::Contains("T3BlbkFJ")),
    shape("an Anthropic key", "sk-ant-", &[Run(Set::Word, 80, 130)]),
    shape("a SendGrid key", "SG.", &[Run(Set::Word, 22, 22), Text("."), Run(Set::Word, 43, 43)]),
    shape("a Mailgun key", "key-", &[Run(Set::Hex, 32, 32)]),
    shape("an npm token", "npm_", &[Run(Set::Alnum, 36, 36)]),
    shape("a PyPI token", "pypi-AgEIcHlwaS5vcmc", &[Run(Set::Word, 50, 250)]),
    shape("a Databricks token", "dapi", &[Run(Set::Hex, 32, 32)]),
    shape("a DigitalOcean token", "dop_v1_", &[Run(Set::Hex, 64, 64)]),
    shape("a Shopify token", "shpat_", SHOPIFY),
    shape("a Shopify token", "shpss_", SHOPIFY),
    shape("a Shopify token", "shpca_", SHOPIFY),
    shape("a Shopify token", "shppa_", SHOPIFY),
    shape("a Square token", "sq0atp-", &[Run(Set::Word, 22, 22)]),
    shape("a Square secret", "sq0csp-", &[Run(Set::Word, 43, 43)]),
    shape("a Hugging Face token", "hf_", &[Run(Set::Alnum, 34, 34)]),
    shape("a Linear key", "lin_api_", &[Run(Set::Alnum, 40, 40)]),
    shape("a New Relic key", "NRAK-", &[Run(Set::Alnum, 27, 27)]),
    shape("a Grafana token", "glsa_", &[Run(Set::Alnum, 32, 32), Text("_"), Run(Set::Hex, 8, 8)]),
    shape("a Vault token", "hvs.", &[Run(Set::Word, 24, 160)]),
    shape("a Doppler token", "dp.pt.", &[Run(Set::Alnum, 40, 44)]),
    shape("a Postman key", "PMAK-", &[Run(Set::Hex, 24, 24), Text("-"), Run(Set::Hex, 34, 34)]),
    shape("an Azure storage key", "AccountKey=", &[Run(Set::Base64, 86, 86), Text("==")]),
];
