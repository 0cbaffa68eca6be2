//! Loads a Core Rule Set from a folder.

use std::path::Path;

use brigandine_inspect::{Configuration, Sources};

use super::suite;

/// All rule files and phrase lists below a folder, named relative to it.
pub(crate) fn sources(folder: &Path) -> Sources {
    let mut sources = Sources::new();
    for ending in [".conf", ".data", ".conf.example"] {
        for path in suite::files(folder, ending) {
            if let (Ok(name), Ok(bytes)) = (path.strip_prefix(folder), std::fs::read(&path)) {
                sources.insert(name.to_string_lossy().into_owned(), bytes);
            }
        }
    }
    sources
}

/// What the regression tests of version 4 need to be set.
pub(crate) const TEST_SETUP: &str = r#"
SecAction "id:999999,phase:1,pass,nolog,\
    setvar:tx.blocking_paranoia_level=4,\
    setvar:tx.crs_validate_utf8_encoding=1,\
    setvar:tx.arg_name_length=100,\
    setvar:tx.arg_length=400,\
    setvar:tx.total_arg_length=64000,\
    setvar:tx.max_num_args=255,\
    setvar:tx.max_file_size=64100,\
    setvar:tx.combined_file_sizes=65535"
"#;

/// The load order of version 4 with a text after its setup.
pub(crate) fn version_4(engine: &str, setup: &str) -> Configuration {
    let mut configuration = Configuration::default().with_text(
        "engine",
        format!(
            "SecRuleEngine {engine}\nSecRequestBodyAccess On\nSecResponseBodyAccess On\n\
             SecResponseBodyMimeType text/plain text/html text/xml application/json\n"
        ),
    );
    let file = |path: &str| brigandine_inspect::RulePart::File(path.to_owned());
    configuration.parts.push(file("crs-setup.conf.example"));
    configuration = configuration.with_text("setup", setup);
    for path in ["plugins/*-config.conf", "plugins/*-before.conf", "rules/*.conf", "plugins/*-after.conf"] {
        configuration.parts.push(file(path));
    }
    configuration
}
