//! Loads a file of rules and whatever it names from the disk.

use std::time::{Duration, Instant};

use brigandine_inspect::{Configuration, Error, RulePart, RuleSet, Sources};

/// The rules, and how long loading took once all was read.
pub(crate) fn load(file: &str) -> (RuleSet, Duration) {
    let mut configuration = Configuration::default();
    configuration.parts.push(RulePart::File(file.to_owned()));
    let mut sources = Sources::new();
    loop {
        let started = Instant::now();
        match RuleSet::load(&configuration, &sources) {
            Ok(rules) => return (rules, started.elapsed()),
            Err(Error::Missing(paths)) => {
                for path in paths {
                    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
                    sources.insert(path, bytes);
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
}
