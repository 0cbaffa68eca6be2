//! Where suites lie.

use std::path::{Path, PathBuf};

/// The folder of a suite, `None` when it is not there.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let variable = format!("BRIGANDINE_SUITE_{}", name.to_uppercase().replace('-', "_"));
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites").join(name);
    let folder = std::env::var_os(variable).map_or(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

/// All files below a folder whose names end so, in order.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
