//! Managed policies that may be called by their names.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

/// Path -> names, as published with the serverless transform.
const DATA: &str = include_str!("../../data/managed-policy-names.json");

static PATHS: LazyLock<BTreeMap<String, String>> = LazyLock::new(|| {
    let data: Value = serde_json::from_str(DATA).unwrap_or_default();
    let mut paths = BTreeMap::new();
    for (path, names) in data.get("paths").and_then(Value::as_object).into_iter().flatten() {
        for name in names.as_array().into_iter().flatten().filter_map(Value::as_str) {
            paths.insert(name.to_owned(), format!("{path}{name}"));
        }
    }
    paths
});

/// The path and name that a managed policy's ARN ends in.
pub(super) fn path(name: &str) -> Option<String> {
    PATHS.get(name).cloned()
}
