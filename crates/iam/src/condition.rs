//! Conditions: whether they narrow what a statement reaches.

/// Whether a condition on this key limits *which resources* an action reaches, rather than when or from where.
///
/// Keys that services define themselves (`dynamodb:LeadingKeys`, `kms:ViaService`) speak about what is touched, and so do
/// tags of resources. The other global keys speak about the call.
pub fn narrows_resources(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    match key.split_once(':') {
        Some(("aws", rest)) => ["resourcetag/", "requesttag/", "tagkeys"].iter().any(|start| rest.starts_with(start)),
        Some((_, rest)) => !matches!(rest, "securetransport" | "tlsversion" | "signatureversion" | "authtype"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::narrows_resources;

    #[test]
    fn only_what_speaks_of_resources_narrows() {
        for key in ["aws:ResourceTag/team", "dynamodb:LeadingKeys", "kms:ViaService", "iam:PassedToService"] {
            assert!(narrows_resources(key), "{key}");
        }
        for key in ["aws:SecureTransport", "aws:RequestedRegion", "aws:SourceIp", "s3:TlsVersion", "nonsense"] {
            assert!(!narrows_resources(key), "{key}");
        }
    }
}
