//! The dependency graph, reduced to what the laws speak about.

use std::collections::BTreeMap;
use std::path::PathBuf;

use cargo_metadata::{DependencyKind, Metadata};

/// How one crate depends on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Linked into the crate, or run to build it.
    Normal,
    /// For the crate's tests, examples and benches only.
    Development,
}

/// One crate and what it depends on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crate {
    /// The package's name.
    pub(crate) name: String,
    /// The folder of its manifest, when it is a member of our workspace.
    pub(crate) ours: Option<PathBuf>,
    /// Keys of the crates it depends on.
    pub(crate) depends_on: Vec<(Kind, String)>,
}

/// Crates by a key that tells two versions of one crate apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) crates: BTreeMap<String, Crate>,
}

impl From<&Metadata> for Graph {
    fn from(metadata: &Metadata) -> Self {
        let mut crates: BTreeMap<String, Crate> = BTreeMap::new();
        for package in &metadata.packages {
            let ours = metadata
                .workspace_members
                .contains(&package.id)
                .then(|| package.manifest_path.parent().map(|folder| folder.as_std_path().to_owned()))
                .flatten();
            let known = Crate { name: package.name.to_string(), ours, depends_on: Vec::new() };
            crates.insert(package.id.repr.clone(), known);
        }
        for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
            let Some(found) = crates.get_mut(&node.id.repr) else { continue };
            for dependency in &node.deps {
                for info in &dependency.dep_kinds {
                    let development = info.kind == DependencyKind::Development;
                    let kind = if development { Kind::Development } else { Kind::Normal };
                    found.depends_on.push((kind, dependency.pkg.repr.clone()));
                }
            }
        }
        Self { crates }
    }
}

impl Graph {
    /// The members of our workspace.
    pub(crate) fn ours(&self) -> impl Iterator<Item = &Crate> {
        self.crates.values().filter(|found| found.ours.is_some())
    }

    /// How many crates there are, other people's included.
    pub(crate) fn size(&self) -> usize {
        self.crates.len()
    }

    /// What one of our crates imports among our own.
    pub(crate) fn our_edges<'a>(&'a self, from: &'a Crate) -> impl Iterator<Item = (Kind, &'a Crate)> {
        from.depends_on
            .iter()
            .filter_map(|(kind, key)| Some((*kind, self.crates.get(key)?)))
            .filter(|(_, found)| found.ours.is_some())
    }

    /// Every crate linked below `from`, each with the shortest way to it by name.
    pub(crate) fn closure<'a>(&'a self, from: &'a Crate) -> Vec<Vec<&'a str>> {
        let mut seen: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut waiting = std::collections::VecDeque::from([(from, vec![from.name.as_str()])]);
        while let Some((current, way)) = waiting.pop_front() {
            for (key, next) in self.linked(current) {
                if !seen.contains_key(key) {
                    let further: Vec<&str> = way.iter().copied().chain([next.name.as_str()]).collect();
                    seen.insert(key, further.clone());
                    waiting.push_back((next, further));
                }
            }
        }
        seen.into_values().collect()
    }

    fn linked<'a>(&'a self, from: &'a Crate) -> impl Iterator<Item = (&'a str, &'a Crate)> {
        from.depends_on
            .iter()
            .filter(|(kind, _)| *kind == Kind::Normal)
            .filter_map(|(_, key)| self.crates.get_key_value(key))
            .map(|(key, found)| (key.as_str(), found))
    }

    /// A graph of our own making, one `("a", &["b"])` per crate, for the tests of the laws.
    #[cfg(test)]
    pub(crate) fn of(crates: &[(&str, &[&str])], foreign: &[&str]) -> Self {
        let mut graph = Self::default();
        for (name, depends_on) in crates {
            let ours = (!foreign.contains(name)).then(|| PathBuf::from(name));
            let depends_on = depends_on.iter().map(|to| (Kind::Normal, (*to).to_owned())).collect();
            graph.crates.insert((*name).to_owned(), Crate { name: (*name).to_owned(), ours, depends_on });
        }
        graph
    }
}
