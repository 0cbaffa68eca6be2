//! The firewall's rules, from the program itself or from a folder of rule files.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use brigandine_inspect::{Configuration, Error, RulePart, RuleSet, Sources};
use serde::{Deserialize, Serialize};

use crate::face;

/// Where rules come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The program's own.
    BuiltIn,
    /// A folder laid out like the Core Rule Set.
    Folder(PathBuf),
}

/// What is loaded, and how strict it is to be.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Where from.
    pub(crate) origin: Origin,
    /// 1 to 4: higher levels find more and err more often.
    pub(crate) paranoia: u8,
    /// Rules not to be asked: `RULE`, or `RULE VARIABLE` to leave out one variable.
    pub(crate) exclude: Vec<String>,
    /// Find and tell, but refuse nothing.
    pub(crate) detect: bool,
}

/// The rules that something was judged by, as they are written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JudgedBy {
    /// `builtin`, or a folder.
    pub(crate) rules: String,
    /// The level of strictness.
    pub(crate) paranoia: u8,
    /// What was excluded.
    pub(crate) exclude: Vec<String>,
}

impl Wanted {
    /// Written down.
    pub(crate) fn judged_by(&self) -> JudgedBy {
        let rules = match &self.origin {
            Origin::BuiltIn => "builtin".to_owned(),
            Origin::Folder(folder) => folder.canonicalize().unwrap_or_else(|_| folder.clone()).display().to_string(),
        };
        JudgedBy { rules, paranoia: self.paranoia, exclude: self.exclude.clone() }
    }
}

impl JudgedBy {
    /// The same rules again, with these exclusions beside those they had.
    pub(crate) fn wanted(&self, more: &[String]) -> Wanted {
        Wanted {
            origin: Origin::parse(&self.rules, Path::new("")),
            paranoia: self.paranoia.clamp(1, 4),
            exclude: self.exclude.iter().chain(more).cloned().collect(),
            detect: false,
        }
    }
}

impl Origin {
    /// `builtin`, or a folder.
    pub(crate) fn parse(text: &str, relative_to: &Path) -> Self {
        match text {
            "builtin" | "built-in" => Self::BuiltIn,
            folder => Self::Folder(relative_to.join(folder)),
        }
    }
}

/// Loads rules.
pub(crate) fn load(wanted: &Wanted) -> anyhow::Result<RuleSet> {
    let (configuration, sources) = match &wanted.origin {
        Origin::BuiltIn => (brigandine_inspect::builtin::configuration(wanted.paranoia), Sources::new()),
        Origin::Folder(folder) => read(folder)?,
    };
    let configuration = with_settings(configuration, wanted)?;
    match RuleSet::load(&configuration, &sources) {
        Ok(rules) => Ok(rules),
        Err(Error::Rule { place, reason }) if sources.bytes(&place.file).is_some() => {
            let folder = match &wanted.origin {
                Origin::Folder(folder) => format!("{}/", folder.display()),
                Origin::BuiltIn => String::new(),
            };
            Err(anyhow::anyhow!(face::harmless(&format!("{folder}{place}: {reason}"))))
        }
        Err(Error::Missing(paths)) => Err(face::sentence(
            format!("the rules need files that are not there: {}", paths.join(", ")),
            "put them beside the rules",
        )),
        Err(error) => Err(anyhow::anyhow!(face::harmless(&error.to_string()))),
    }
}

/// Builds what the rules need on a thread of its own, so that the first request does not wait for it. Without such a thread
/// it is built when it is first needed.
pub(crate) fn warm(rules: &Arc<RuleSet>) {
    let rules = Arc::clone(rules);
    drop(std::thread::Builder::new().name("firewall".to_owned()).spawn(move || rules.warm()));
}

/// How answers are looked at, where they are.
const ANSWERS: &str = "SecResponseBodyAccess On\n\
                       SecResponseBodyMimeType text/plain text/html text/xml application/json application/xml\n";

/// What the files of a rule folder look like: changes when one of them changes, comes or goes. The program's own rules never do.
pub(crate) fn stamp(origin: &Origin) -> u64 {
    let Origin::Folder(folder) = origin else { return 0 };
    let mut seen = Seen { sum: 0, files: 0 };
    seen.folder(folder, 0);
    seen.file(Path::new(PACKAGED_SETUP));
    seen.sum
}

/// Files seen, whatever order their folder lists them in.
struct Seen {
    sum: u64,
    files: usize,
}

impl Seen {
    fn folder(&mut self, folder: &Path, depth: usize) {
        // What cannot be read is told when it is loaded.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && depth < 2 {
                self.folder(&path, depth + 1);
            } else if is_rule_file(&entry.file_name().to_string_lossy()) && self.files < MOST_FILES {
                self.file(&path);
            }
        }
    }

    fn file(&mut self, path: &Path) {
        self.files += 1;
        if let Ok(found) = path.metadata() {
            let mut hasher = DefaultHasher::new();
            (path, found.len(), found.modified().ok()).hash(&mut hasher);
            self.sum = self.sum.wrapping_add(hasher.finish());
        }
    }
}

/// Files of one rule folder, and bytes of them all. More are no rule set but a mistake.
const MOST_FILES: usize = 2_000;
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Reads a folder laid out like the Core Rule Set: `crs-setup.conf`, `plugins`, `rules`. A folder with rule files directly
/// in it will do as well.
fn read(folder: &Path) -> anyhow::Result<(Configuration, Sources)> {
    let mut gathered = Gathered { sources: Sources::new(), files: 0, bytes: 0 };
    gathered.folder(folder, "", 0)?;
    let found = gathered.sources.clone();
    let has = |pattern: &str| !found.matching("", pattern).is_empty();
    let file = |path: &str| RulePart::File(path.to_owned());
    let mut configuration = Configuration::default();
    if has("rules/*.conf") {
        let setup = ["crs-setup.conf", "crs-setup.conf.example"].into_iter().find(|name| has(name));
        match setup {
            Some(name) => configuration.parts.push(file(name)),
            None => gathered.packaged_setup(&mut configuration)?,
        }
        configuration = configuration.with_text("paranoia", "");
        let parts = ["plugins/*-config.conf", "plugins/*-before.conf", "rules/*.conf", "plugins/*-after.conf"];
        configuration.parts.extend(parts.into_iter().filter(|pattern| has(pattern)).map(file));
    } else if has("*.conf") {
        configuration = configuration.with_text("paranoia", "");
        configuration.parts.push(file("*.conf"));
    } else {
        return Err(face::sentence(
            format!("`{}` holds no rule files", folder.display()),
            "name a folder with `rules/*.conf`, such as `/usr/share/modsecurity-crs`, or `builtin`",
        ));
    }
    Ok((configuration, gathered.sources))
}

/// Where Debian's package puts the setup.
const PACKAGED_SETUP: &str = "/etc/modsecurity/crs/crs-setup.conf";

struct Gathered {
    sources: Sources,
    files: usize,
    bytes: u64,
}

impl Gathered {
    fn folder(&mut self, folder: &Path, name: &str, depth: usize) -> anyhow::Result<()> {
        let told = || format!("cannot read the rules in `{}`", folder.display());
        let mut entries =
            std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).with_context(told)?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let own = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            let name = if name.is_empty() { own.clone() } else { format!("{name}/{own}") };
            if path.is_dir() {
                // Tests of a rule set are no rules.
                if depth < 2 && !own.starts_with('.') && !matches!(own.as_str(), "tests" | "util" | "docs") {
                    self.folder(&path, &name, depth + 1)?;
                }
            } else if is_rule_file(&own) {
                self.file(&path, &name)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: &str) -> anyhow::Result<()> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        self.files += 1;
        self.bytes += bytes.len() as u64;
        if self.files > MOST_FILES || self.bytes > MOST_BYTES {
            let limit = format!("{MOST_FILES} files, {} MiB", MOST_BYTES / 1024 / 1024);
            anyhow::bail!("`{}` is beyond what a rule folder may hold ({limit})", path.display());
        }
        self.sources.insert(name, bytes);
        Ok(())
    }

    /// Debian keeps the setup apart from the rules.
    fn packaged_setup(&mut self, configuration: &mut Configuration) -> anyhow::Result<()> {
        let setup = Path::new(PACKAGED_SETUP);
        if setup.is_file() {
            self.file(setup, "crs-setup.conf")?;
            configuration.parts.push(RulePart::File("crs-setup.conf".to_owned()));
        }
        Ok(())
    }
}

fn is_rule_file(name: &str) -> bool {
    [".conf", ".data", ".conf.example"].iter().any(|ending| name.ends_with(ending))
}

/// The rules with the engine on, at a level of strictness, and without what is excluded.
fn with_settings(configuration: Configuration, wanted: &Wanted) -> anyhow::Result<Configuration> {
    let engine = if wanted.detect { "DetectionOnly" } else { "On" };
    let mut whole = Configuration::default()
        .with_text("engine", format!("SecRuleEngine {engine}\nSecRequestBodyAccess On\n{ANSWERS}"));
    let level = wanted.paranoia;
    // Version 4 and version 3 of the Core Rule Set, each by its own name.
    let names = ["blocking_paranoia_level", "detection_paranoia_level", "paranoia_level", "executing_paranoia_level"];
    let variables: Vec<String> = names.iter().map(|name| format!("setvar:tx.{name}={level}")).collect();
    let strictness = format!("SecAction \"id:999990,phase:1,pass,nolog,{}\"\n", variables.join(","));
    let mut is_set = false;
    for part in configuration.parts {
        match part {
            RulePart::Text { name, .. } if name == "paranoia" => {
                whole = whole.with_text("paranoia", strictness.clone());
                is_set = true;
            }
            part => whole.parts.push(part),
        }
    }
    if !is_set {
        let at = whole.parts.len().min(1);
        whole.parts.insert(at, RulePart::Text { name: "paranoia".to_owned(), text: strictness });
    }
    let excluded: anyhow::Result<Vec<String>> = wanted.exclude.iter().map(|text| exclusion(text)).collect();
    Ok(whole.with_text("exclusions", excluded?.concat()))
}

/// One exclusion as a directive.
fn exclusion(text: &str) -> anyhow::Result<String> {
    let mut words = text.split_whitespace();
    let rule = words.next().filter(|word| word.parse::<u64>().is_ok());
    match (rule, words.next(), words.next()) {
        (Some(rule), None, _) => Ok(format!("SecRuleRemoveById {rule}\n")),
        (Some(rule), Some(variable), None) if is_variable(variable) => {
            Ok(format!("SecRuleUpdateTargetById {rule} \"!{variable}\"\n"))
        }
        _ => Err(face::sentence(
            format!("`{}` is no exclusion", face::harmless(text)),
            "write a rule's number, or a number and a variable: `1000100 ARGS:comment`",
        )),
    }
}

/// The exclusion that keeps a rule from looking at a variable; from looking at anything where the variable's name cannot be
/// written down.
pub(crate) fn exclusion_for(rule: u64, variable: &str) -> String {
    let (collection, name) = variable.split_once(':').unwrap_or((variable, ""));
    let plain =
        is_variable(variable) && !collection.is_empty() && !name.starts_with('/') && !name.contains([',', '\'']);
    if plain { format!("{rule} {variable}") } else { rule.to_string() }
}

fn is_variable(text: &str) -> bool {
    text.len() <= 256 && text.chars().all(|one| one.is_ascii_graphic() && !"\"|!&\\".contains(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exclusions_name_a_rule_and_perhaps_a_variable() {
        assert_eq!(exclusion("942100").unwrap(), "SecRuleRemoveById 942100\n");
        assert_eq!(exclusion(" 942100  ARGS:note ").unwrap(), "SecRuleUpdateTargetById 942100 \"!ARGS:note\"\n");
        for wrong in ["", "ARGS", "1 ARGS b", "1 \"\nSecRuleEngine", "1 !ARGS"] {
            assert!(exclusion(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_folder_of_rules_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("rules")).unwrap();
        let file = folder.path().join("rules/a.conf");
        std::fs::write(&file, "SecRule ARGS \"@contains evil\" \"id:7,phase:2,deny\"\n").unwrap();
        let wanted = Wanted {
            origin: Origin::Folder(folder.path().to_owned()),
            paranoia: 1,
            exclude: Vec::new(),
            detect: false,
        };
        let loaded = load(&wanted).unwrap();
        assert!(loaded.ids().any(|id| id == 7));
        std::fs::remove_file(&file).unwrap();
        let error = load(&wanted).err().unwrap().to_string();
        assert!(error.contains("holds no rule files"), "{error}");
    }
}
