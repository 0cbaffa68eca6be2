//! The files rules are read from, handed in as bytes.
//!
//! A pure room opens nothing: whoever calls reads the files and calls again when [`crate::Error::Missing`] names more of them.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Rule files and phrase lists by path; separators are `/`.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: BTreeMap<String, Arc<[u8]>>,
}

impl Sources {
    /// No files at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file, or replaces it.
    pub fn insert(&mut self, path: impl Into<String>, bytes: impl Into<Arc<[u8]>>) {
        self.files.insert(plain(&path.into()), bytes.into());
    }

    /// The bytes of exactly this path.
    pub fn bytes(&self, path: &str) -> Option<&[u8]> {
        self.files.get(&plain(path)).map(AsRef::as_ref)
    }

    /// Finds a file that a rule in `beside` names: relative to the naming file first, then as written.
    pub fn resolve(&self, beside: &str, path: &str) -> Option<(String, &[u8])> {
        [join(beside, path), plain(path)]
            .into_iter()
            .find_map(|candidate| self.files.get(&candidate).map(|bytes| (candidate.clone(), bytes.as_ref())))
    }

    /// All paths that fit a pattern with `*` and `?` (neither crosses a `/`), in order of their names.
    pub fn matching(&self, beside: &str, pattern: &str) -> Vec<String> {
        for candidate in [join(beside, pattern), plain(pattern)] {
            let found: Vec<String> =
                self.files.keys().filter(|path| fits(candidate.as_bytes(), path.as_bytes())).cloned().collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }
}

/// Whether a path holds wildcards.
pub(crate) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?'])
}

/// The path of `path` as seen from the folder of the file `beside`.
pub(crate) fn join(beside: &str, path: &str) -> String {
    match beside.rsplit_once('/') {
        Some((folder, _)) if !path.starts_with('/') => plain(&format!("{folder}/{path}")),
        _ => plain(path),
    }
}

/// Removes `.` segments and empty ones, resolves `..` where a segment precedes it.
fn plain(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            other => kept.push(other),
        }
    }
    let joined = kept.join("/");
    if path.starts_with('/') { format!("/{joined}") } else { joined }
}

/// Wildcard comparison with one point of return, so that it stays linear in practice and quadratic at worst.
fn fits(pattern: &[u8], path: &[u8]) -> bool {
    let (mut at_pattern, mut at_path) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&byte) = path.get(at_path) {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                retry = Some((at_pattern + 1, at_path));
                at_pattern += 1;
                continue;
            }
            Some(b'?') if byte != b'/' => {}
            Some(&wanted) if wanted == byte => {}
            _ => match retry {
                Some((after_star, taken)) if path.get(taken).is_some_and(|byte| *byte != b'/') => {
                    retry = Some((after_star, taken + 1));
                    at_pattern = after_star;
                    at_path = taken + 1;
                    continue;
                }
                _ => return false,
            },
        }
        at_pattern += 1;
        at_path += 1;
    }
    pattern.get(at_pattern..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_seen_from_the_naming_file() {
        let mut sources = Sources::new();
        sources.insert("crs/rules/words.data", b"a".as_slice());
        assert!(sources.resolve("crs/rules/x.conf", "words.data").is_some());
        assert!(sources.resolve("crs/y.conf", "rules/../rules/words.data").is_some());
        assert!(sources.resolve("crs/y.conf", "words.data").is_none());
    }

    #[test]
    fn wildcards_stay_in_their_folder() {
        let mut sources = Sources::new();
        for path in ["a/1.conf", "a/2.conf", "a/b/3.conf", "a/2.data"] {
            sources.insert(path, b"".as_slice());
        }
        assert_eq!(sources.matching("", "a/*.conf"), ["a/1.conf", "a/2.conf"]);
        assert_eq!(sources.matching("a/x", "b/?.conf"), ["a/b/3.conf"]);
        assert!(sources.matching("", "*.conf").is_empty());
    }
}
