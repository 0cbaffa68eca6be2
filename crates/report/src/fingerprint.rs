//! What makes a finding the same finding after its file was edited.

use brigandine_model::Finding;
use sha2::{Digest, Sha256};

/// SHA-256 over rule, resource and fact, as 64 hexadecimal digits. Lines have no part in it.
pub fn fingerprint(finding: &Finding) -> String {
    digest(&[&finding.code, "|", resource(finding), "|", &finding.fact])
}

/// Like [`fingerprint`], with the file: two templates of one run may use the same names.
pub fn identity(finding: &Finding) -> String {
    let file = finding.span.as_ref().map_or("", |span| &*span.file);
    digest(&[file, "|", &finding.code, "|", resource(finding), "|", &finding.fact])
}

fn resource(finding: &Finding) -> &str {
    finding.resource.as_ref().map_or("", |id| id.as_str())
}

/// SHA-256 over all parts in a row, in hexadecimal.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut out, byte| {
        for digit in [byte >> 4, byte & 15] {
            out.extend(char::from_digit(u32::from(digit), 16));
        }
        out
    })
}
