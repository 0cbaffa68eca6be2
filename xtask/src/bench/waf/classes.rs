//! Why two engines may differ on a request: each class by what is in the request and which rules it touches.
//!
//! The classes are told in `docs/firewall.md`, each under its name. A difference that no class covers is a fault of one of the
//! engines that nobody has looked at.

use anyhow::{Context, Result};

/// A request as the example `matched` gathered it.
pub(super) struct Gathered {
    target: Vec<u8>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
}

/// One rule that only one of both found.
#[derive(Clone, Copy)]
pub(super) struct Differing {
    pub(super) rule: u64,
    /// Ours found it, not theirs.
    pub(super) only_ours: bool,
}

/// Rules that look at the body as a whole.
const WHOLE_BODY: [u64; 3] = [920_272, 920_273, 921_110];
/// Rules that look at the target as a whole.
const WHOLE_TARGET: [u64; 7] = [920_220, 920_260, 920_270, 920_271, 920_272, 930_110, 921_190];
/// Rules whose chain goes on with the last of several values.
const LAST_OF_SEVERAL: [u64; 2] = [932_200, 920_420];
/// Rules that undo the escapes of style sheets and then look for markup.
const STYLE_ESCAPES: [u64; 3] = [941_130, 941_150, 941_160];
/// The rule that asks libinjection about SQL.
const SQL_GRAMMAR: u64 = 942_100;
/// The rule about types of parts.
const PART_TYPES: u64 = 922_110;
/// The decision: it differs where something else does.
const DECISION: u64 = 949_110;

/// Whether a class covers a difference.
type Covers = fn(&Gathered, Differing) -> bool;

/// Every class, by its name in the documentation; the first one that fits counts.
const CLASSES: [(&str, Covers); 11] = [
    ("two content types", |request, _| request.types() > 1),
    ("broken bodies", |request, _| request.is_broken()),
    ("the body as a whole", |request, found| {
        !found.only_ours && WHOLE_BODY.contains(&found.rule) && !request.is_form() && !request.body.is_empty()
    }),
    ("part headers", |_, found| !found.only_ours && found.rule == PART_TYPES),
    ("the target as a whole", |request, found| WHOLE_TARGET.contains(&found.rule) && contains(&request.target, b"%25")),
    ("an encoded question mark", |request, found| {
        found.only_ours && contains(&request.target.to_ascii_lowercase(), b"%3f")
    }),
    ("the order of values", |_, found| LAST_OF_SEVERAL.contains(&found.rule)),
    ("lines", |request, found| !found.only_ours && request.has_lines()),
    ("line breaks in parts", |request, found| found.only_ours && request.is_multipart() && request.has_lines()),
    ("style escapes", |request, found| found.only_ours && STYLE_ESCAPES.contains(&found.rule) && !request.is_ascii()),
    ("the grammar of SQL", |_, found| found.rule == SQL_GRAMMAR),
];

/// The class that covers a difference. `others` are all rules that differ on the request.
pub(super) fn class(request: &Gathered, found: Differing, others: &[Differing]) -> Option<&'static str> {
    if found.rule == 0 || others.iter().any(|other| other.rule == 0) {
        return Some("the budget");
    }
    if found.rule == DECISION && others.len() > 1 {
        return Some("the decision");
    }
    CLASSES.iter().find(|(_, covers)| covers(request, found)).map(|(name, _)| *name)
}

impl Gathered {
    fn values<'g>(&'g self, wanted: &'g str) -> impl Iterator<Item = &'g [u8]> + 'g {
        let named = self.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted.as_bytes()));
        named.map(|(_, value)| value.as_slice())
    }

    /// How many different types the body is declared to be of.
    fn types(&self) -> usize {
        let mut types: Vec<&[u8]> = self.values("content-type").collect();
        types.sort_unstable();
        types.dedup();
        types.len()
    }

    fn is_of(&self, kind: &[u8]) -> bool {
        self.values("content-type").any(|value| contains(&value.to_ascii_lowercase(), kind))
    }

    fn is_form(&self) -> bool {
        self.is_of(b"form-urlencoded")
    }

    fn is_multipart(&self) -> bool {
        self.is_of(b"multipart/form-data")
    }

    /// Whether the body was cut or something was put into it, or it is none of what it is declared to be.
    fn is_broken(&self) -> bool {
        let declared = self.values("content-length").find_map(|value| std::str::from_utf8(value).ok()?.parse().ok());
        let structured = self.is_multipart() || self.is_of(b"json") || self.is_of(b"xml");
        let changed = declared.is_some_and(|length: usize| length != self.body.len());
        let unread = self.is_of(b"json") && serde_json::from_slice::<serde_json::Value>(&self.body).is_err();
        structured && (changed || unread)
    }

    /// Whether a line ends anywhere, encoded or not.
    fn has_lines(&self) -> bool {
        let all = [&self.target, &self.body].into_iter().chain(self.headers.iter().map(|(_, value)| value));
        all.map(|part| part.to_ascii_lowercase()).any(|part| {
            [b"\n".as_slice(), b"\r", b"%0a", b"%0d", b"\\n", b"&#10"].iter().any(|end| contains(&part, end))
        })
    }

    fn is_ascii(&self) -> bool {
        self.body.is_ascii() && self.target.is_ascii() && !contains(&self.target, b"%")
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Reads the requests of a file.
pub(super) fn read(mut rest: &[u8]) -> Result<Vec<Gathered>> {
    let mut requests = Vec::new();
    while !rest.is_empty() {
        let [_, target, _] = [field(&mut rest)?, field(&mut rest)?, field(&mut rest)?];
        let count = field(&mut rest)?.len();
        let headers = (0..count).map(|_| Ok((field(&mut rest)?, field(&mut rest)?))).collect::<Result<_>>()?;
        requests.push(Gathered { target, headers, body: field(&mut rest)? });
    }
    Ok(requests)
}

fn field(rest: &mut &[u8]) -> Result<Vec<u8>> {
    let parts = rest
        .split_first_chunk::<4>()
        .and_then(|(length, after)| after.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?));
    let (bytes, after) = parts.context("the file of requests is cut short")?;
    *rest = after;
    Ok(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(kind: &str, body: &str) -> Gathered {
        let headers = vec![
            (b"Content-Type".to_vec(), kind.as_bytes().to_vec()),
            (b"Content-Length".to_vec(), body.len().to_string().into_bytes()),
        ];
        Gathered { target: b"/a".to_vec(), headers, body: body.as_bytes().to_vec() }
    }

    fn class_of(request: &Gathered, rule: u64, only_ours: bool) -> Option<&'static str> {
        let found = Differing { rule, only_ours };
        class(request, found, &[found])
    }

    #[test]
    fn a_difference_belongs_to_the_first_class_that_covers_it() {
        let json = request("application/json", "{\"a\":1}");
        assert_eq!(class_of(&json, 920_272, false), Some("the body as a whole"));
        assert_eq!(class_of(&json, 920_272, true), None);
        assert_eq!(class_of(&request("application/json", "{\"a\":"), 942_370, true), Some("broken bodies"));
        assert_eq!(class_of(&request("application/json", "{\"a\":\"b\\nc\"}"), 942_110, false), Some("lines"));
        assert_eq!(class_of(&json, 949_110, false), None);
        assert_eq!(class_of(&json, 0, true), Some("the budget"));
    }

    #[test]
    fn a_file_cut_short_is_an_error() {
        assert!(read(&[1, 0, 0, 0]).is_err());
        assert!(read(&[]).unwrap().is_empty());
    }
}
