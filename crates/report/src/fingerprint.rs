//! What makes a finding the same finding after its file was edited.

use brigandine_model::Finding;
use sha2::{Digest, Sha256};

/// SHA-256 over rule, resource and fact, as 64 hexadecimal digits. Lines have no part in it.
pub fn fingerprint(finding: &Finding) -> String {
    let resource = finding.resource.as_ref().map_or("", |id| id.as_str());
    let mut hash = Sha256::new();
    for part in [finding.code.as_ref(), "|", resource, "|", finding.fact.as_str()] {
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut out, byte| {
        for digit in [byte >> 4, byte & 15] {
            out.extend(char::from_digit(u32::from(digit), 16));
        }
        out
    })
}
