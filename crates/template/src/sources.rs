//! Files beside the template, brought by whoever may touch the disk.

use std::collections::BTreeMap;

/// Files by their path relative to the template's folder. A file that was asked for and cannot be read is there as
/// absent, so that it is not asked for again.
#[derive(Clone, Debug, Default)]
pub struct Sources(BTreeMap<String, Option<Vec<u8>>>);

impl Sources {
    /// Adds a file that was asked for.
    pub fn insert(&mut self, path: &str, bytes: Option<Vec<u8>>) {
        self.0.insert(path.to_owned(), bytes);
    }

    /// The file, absent if it cannot be read; nothing if nobody has looked yet.
    pub fn get(&self, path: &str) -> Option<Option<&[u8]>> {
        self.0.get(path).map(|bytes| bytes.as_deref())
    }

    /// All files that were asked for, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        self.0.iter().map(|(path, bytes)| (path.as_str(), bytes.as_deref()))
    }
}
