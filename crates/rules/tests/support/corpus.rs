//! The templates of the suite, read the way every runner over them reads.

use std::path::{Path, PathBuf};

use brigandine_model::App;
use brigandine_template::{Failure, Input, Options, Sources, read};

/// The day for which the corpus is judged.
pub(crate) const TODAY: jiff::civil::Date = jiff::civil::date(2026, 11, 1);

/// One file of the suite.
pub(crate) struct Template {
    /// Its path within the suite.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// Every file that may be a template; none, and a word of it, where the suite is absent.
pub(crate) fn templates() -> Vec<Template> {
    let root = std::env::var_os("BRIGANDINE_SUITE_TEMPLATES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/templates"), PathBuf::from);
    let mut paths = Vec::new();
    below(&root, &mut paths);
    if paths.is_empty() {
        println!("skipped: no suite at {}", root.display());
    }
    let name = |path: &Path| path.strip_prefix(&root).unwrap().display().to_string();
    paths.into_iter().map(|path| Template { name: name(&path), path }).collect()
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            below(&path, found);
        } else if path.extension().is_some_and(|end| ["yaml", "yml", "json", "template"].iter().any(|own| end == *own))
        {
            found.push(path);
        }
    }
}

/// What the text describes, when it is a template. What it includes counts as missing.
pub(crate) fn app(name: &str, bytes: &[u8]) -> Option<App> {
    let options = Options::default();
    let mut sources = Sources::default();
    loop {
        let input = Input { file: name.into(), name: "corpus".into(), bytes, options: &options, sources: &sources };
        match read(&input) {
            Ok(reading) => return Some(reading.app),
            Err(Failure::Missing(paths)) => paths.iter().for_each(|path| sources.insert(path, None)),
            Err(_) => return None,
        }
    }
}
