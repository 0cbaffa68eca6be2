//! Runs the signature suite `jose` (Wycheproof): the algorithm comes from the key, the verdict is compared per case.
#![expect(clippy::unwrap_used, reason = "a runner that cannot read its suite has failed")]

use std::{collections::BTreeMap, path::PathBuf};

use brigandine_gateway::jose::{KeyFault, KeySet, Parts, Secrets, SetFault, VerifyingKey};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    std::env::var_os("BRIGANDINE_SUITE_JOSE").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/suites/jose")),
        PathBuf::from,
    )
}

fn excused() -> BTreeMap<u64, &'static str> {
    include_str!("jose-excused.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(case, reason)| (case.parse().unwrap(), reason))
        .collect()
}

fn accepts(key: &Result<VerifyingKey, KeyFault>, token: &str) -> bool {
    key.as_ref().is_ok_and(|key| Parts::of(token).is_ok_and(|parts| parts.verify(key).is_ok()))
}

#[test]
fn every_case_of_the_suite_gets_its_verdict() {
    let file = folder().join("json_web_signature_test.json");
    let Ok(text) = std::fs::read_to_string(&file) else {
        eprintln!("skipped: {} is not there", file.display());
        return;
    };
    let suite: Value = serde_json::from_str(&text).unwrap();
    let excused = excused();
    let (mut passed, mut failed) = (0, Vec::new());
    for group in suite["testGroups"].as_array().unwrap() {
        let jwk = if group["public"].is_object() { &group["public"] } else { &group["private"] };
        let key = VerifyingKey::from_jwk(&jwk.to_string(), Secrets::Accepted);
        for case in group["tests"].as_array().unwrap() {
            let id = case["tcId"].as_u64().unwrap();
            let accepted = accepts(&key, case["jws"].as_str().unwrap_or_default());
            if accepted == (case["result"] == "valid") {
                passed += 1;
            } else if !excused.contains_key(&id) {
                failed.push(format!("{id} {}: accepted {accepted}, key {:?}", case["comment"], key.as_ref().err()));
            }
        }
    }
    eprintln!("{passed} passed, {} failed, {} excused", failed.len(), excused.len());
    assert!(failed.is_empty(), "{failed:#?}");
}

fn set(keys: &[Value]) -> Option<SetFault> {
    KeySet::from_json(json!({ "keys": keys }).to_string().as_bytes()).err()
}

fn elliptic(id: &str) -> Value {
    json!({"kty": "EC", "crv": "P-256", "kid": id,
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x0FxyLrH5nNb1d7EZ6vRt2W3aXh7m5g5Gc8d0u6dJXk"})
}

#[test]
fn sets_that_cannot_be_trusted_are_refused() {
    let secret = json!({"kty": "oct", "alg": "HS256", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"});
    assert_eq!(set(&[elliptic("a")]), None);
    assert_eq!(set(&[elliptic("a"), secret]), Some(SetFault::Secret));
    assert_eq!(set(&[elliptic("a"), elliptic("a")]), Some(SetFault::Twins));
    assert_eq!(set(&[]), Some(SetFault::Empty));
    let many: Vec<Value> = (0..101).map(|number| elliptic(&number.to_string())).collect();
    assert_eq!(set(&many), Some(SetFault::Malformed));
    let mut encrypting = elliptic("b");
    encrypting["use"] = json!("enc");
    assert_eq!(set(&[encrypting.clone()]), Some(SetFault::Empty));
    // A key for encryption beside a good one is left out, and an equal id does no harm then.
    encrypting["kid"] = json!("a");
    assert_eq!(set(&[encrypting, elliptic("a")]), None);
}

#[test]
fn weak_keys_are_refused() {
    let fault = |jwk: Value| VerifyingKey::from_jwk(&jwk.to_string(), Secrets::Accepted).err();
    for secret in ["", "AA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(fault(json!({"kty": "oct", "alg": "HS256", "k": secret})), Some(KeyFault::Weak), "{secret}");
    }
    assert_eq!(fault(json!({"kty": "oct", "k": "A".repeat(64)})), Some(KeyFault::Unsupported));
    let long = "_".repeat(344);
    assert_eq!(fault(json!({"kty": "RSA", "n": "_".repeat(172), "e": "AQAB"})), Some(KeyFault::Weak));
    for exponent in ["AQ", "Ag", "AA", ""] {
        assert_eq!(fault(json!({"kty": "RSA", "n": long, "e": exponent})), Some(KeyFault::Weak), "{exponent}");
    }
    assert_eq!(
        fault(json!({"kty": "EC", "crv": "P-256", "alg": "ES384", "x": "", "y": ""})),
        Some(KeyFault::Unsupported)
    );
}
