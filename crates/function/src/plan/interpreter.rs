//! Interpreters of this machine: the declared version, else its nearest neighbour.
//!
//! A file of the right name is not yet an interpreter: version managers leave shims on the path that run nothing. Every
//! candidate is run once and asked for its version and its true place.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use tokio::process::Command;

/// Longest wait for a candidate to say its version.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most candidates run for one language.
const CANDIDATES: usize = 24;

/// A language and the declared version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Language {
    /// Minor version of Python 3.
    Python { minor: u32 },
    /// Major version of Node.
    Node { major: u32 },
    /// The function brings its own program.
    Own { declared: String },
}

impl Language {
    /// Reads a runtime identifier of the platform; the error says why functions of that runtime do not run here.
    pub(crate) fn of(runtime: &str) -> Result<Self, String> {
        if let Some(minor) = runtime.strip_prefix("python3.").and_then(|minor| minor.parse().ok()) {
            return Ok(Self::Python { minor });
        }
        if let Some(rest) = runtime.strip_prefix("nodejs") {
            let major = rest.trim_end_matches(".x").split('.').next().and_then(|major| major.parse().ok());
            return Ok(Self::Node { major: major.unwrap_or(0) });
        }
        if runtime == "provided" || runtime.starts_with("provided.") {
            return Ok(Self::Own { declared: runtime.to_owned() });
        }
        let family = runtime.trim_end_matches(|c: char| c.is_ascii_digit() || ".x".contains(c));
        match family {
            "java" | "ruby" | "dotnet" | "dotnetcore" | "python" => {
                Err(format!("{runtime} is not run here yet; Python 3, Node and provided.* are"))
            }
            "go" => Err(format!("{runtime} is withdrawn; build for provided.al2023, which runs here")),
            _ => Err(format!("`{runtime}` is no runtime that is known here; Python 3, Node and provided.* are")),
        }
    }

    /// Whether the function brings its own program.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self, Self::Own { .. })
    }

    /// The declared runtime as the platform names it.
    pub(crate) fn declared(&self) -> String {
        match self {
            Self::Python { minor } => format!("python3.{minor}"),
            Self::Node { major } => format!("nodejs{major}.x"),
            Self::Own { declared } => declared.clone(),
        }
    }

    /// The language's name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Python { .. } => "Python",
            Self::Node { .. } => "Node",
            Self::Own { .. } => "program",
        }
    }

    /// What to install.
    pub(crate) fn package(&self) -> String {
        match self {
            Self::Python { minor } => format!("python3.{minor} (Debian and Ubuntu: `apt-get install python3`)"),
            Self::Node { major } => format!("Node {major} (Debian and Ubuntu: `apt-get install nodejs`)"),
            Self::Own { declared } => declared.clone(),
        }
    }

    fn key(&self) -> u32 {
        match self {
            Self::Python { minor } => *minor,
            Self::Node { major } => *major,
            Self::Own { .. } => 0,
        }
    }
}

/// An interpreter that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// For people: `python 3.11.7`.
    pub(crate) label: Arc<str>,
    key: u32,
}

/// Which interpreter serves.
#[derive(Clone, Debug)]
pub(crate) enum Choice {
    Exact(Found),
    Nearest(Found),
    Missing,
}

/// The machine's interpreters, each asked at most once.
pub(crate) struct Interpreters {
    folders: Vec<PathBuf>,
    asked: HashMap<PathBuf, Option<Found>>,
    chosen: HashMap<Language, Choice>,
}

impl Interpreters {
    /// Those on the path and in the folders of common version managers.
    pub(crate) fn from_host() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let below_home = |name: &str| home.as_ref().map(|home| home.join(name));
        let pyenv = std::env::var_os("PYENV_ROOT").map(PathBuf::from).or_else(|| below_home(".pyenv"));
        let nvm = std::env::var_os("NVM_DIR").map(PathBuf::from).or_else(|| below_home(".nvm"));
        let managed = [pyenv.map(|root| root.join("versions")), nvm.map(|root| root.join("versions/node"))];
        for root in managed.into_iter().flatten() {
            folders.extend(fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path().join("bin")));
        }
        Self::in_folders(folders)
    }

    fn in_folders(folders: Vec<PathBuf>) -> Self {
        Self { folders, asked: HashMap::new(), chosen: HashMap::new() }
    }

    /// The declared version, else the nearest one that works; a newer one before an older one at the same distance.
    pub(crate) async fn choose(&mut self, language: &Language) -> Choice {
        if let Some(choice) = self.chosen.get(language) {
            return choice.clone();
        }
        let choice = self.search(language).await;
        self.chosen.insert(language.clone(), choice.clone());
        choice
    }

    async fn search(&mut self, language: &Language) -> Choice {
        let mut best: Option<Found> = None;
        for (candidate, claimed) in self.candidates(language) {
            let beaten = best.as_ref().is_some_and(|best| match claimed {
                Claim::Version(key) => distance(key, language) >= distance(best.key, language),
                Claim::None => false,
            });
            if beaten {
                continue;
            }
            let Some(found) = self.ask(&candidate, language).await else { continue };
            if found.key == language.key() {
                return Choice::Exact(found);
            }
            if best.as_ref().is_none_or(|best| distance(found.key, language) < distance(best.key, language)) {
                best = Some(found);
            }
        }
        best.map_or(Choice::Missing, Choice::Nearest)
    }

    /// Files that may be the interpreter, with the version their name claims, nearest first.
    fn candidates(&self, language: &Language) -> Vec<(PathBuf, Claim)> {
        let mut candidates = Vec::new();
        for folder in &self.folders {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                if let Some(claimed) = claim(&entry.file_name(), folder, language) {
                    candidates.push((entry.path(), claimed));
                }
            }
        }
        candidates.sort_by_key(|(_, claimed)| match claimed {
            Claim::Version(key) => distance(*key, language),
            Claim::None => (1, false),
        });
        candidates.truncate(CANDIDATES);
        candidates
    }

    async fn ask(&mut self, candidate: &Path, language: &Language) -> Option<Found> {
        if let Some(known) = self.asked.get(candidate) {
            return known.clone();
        }
        let answer = ask(candidate, language).await;
        self.asked.insert(candidate.to_owned(), answer.clone());
        answer
    }
}

/// Distance in versions, and whether the other one is older.
fn distance(key: u32, language: &Language) -> (u32, bool) {
    (key.abs_diff(language.key()), key < language.key())
}

/// The version that the name of a candidate claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    Version(u32),
    /// `python3`, `node`: it has to be asked.
    None,
}

/// What a file name claims, when the file may be an interpreter at all.
fn claim(name: &OsStr, folder: &Path, language: &Language) -> Option<Claim> {
    let name = name.to_str()?;
    match language {
        Language::Python { .. } if name == "python3" => Some(Claim::None),
        Language::Python { .. } => Some(Claim::Version(name.strip_prefix("python3.")?.parse().ok()?)),
        Language::Node { .. } if name == "node" || name == "nodejs" => {
            Some(managed_major(folder).map_or(Claim::None, Claim::Version))
        }
        Language::Node { .. } => Some(Claim::Version(name.strip_prefix("node-")?.parse().ok()?)),
        Language::Own { .. } => None,
    }
}

/// The major version in the folder names of a version manager: `v20.11.0/bin`.
fn managed_major(folder: &Path) -> Option<u32> {
    let version = folder.parent()?.file_name()?.to_str()?;
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

async fn ask(candidate: &Path, language: &Language) -> Option<Found> {
    let (flag, question) = match language {
        Language::Python { .. } => ("-c", "import sys;print(sys.executable);print('%d.%d.%d'%sys.version_info[:3])"),
        Language::Node { .. } => ("-p", "process.execPath+'\\n'+process.versions.node"),
        Language::Own { .. } => return None,
    };
    let asking = Command::new(candidate)
        .args([flag, question])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, asking).await.ok()?.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut lines = text.lines();
    let (path, version) = (lines.next()?, lines.next()?);
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
    let (major, minor) = (numbers.next()??, numbers.next()??);
    let (key, name) = match language {
        Language::Python { .. } => (minor, "python"),
        _ => (major, "node"),
    };
    let path = PathBuf::from(path);
    path.is_file().then(|| Found { path, label: format!("{name} {version}").into(), key })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn python(minor: u32) -> Language {
        Language::Python { minor }
    }

    fn install(folder: &Path, name: &str, script: &str) {
        let path = folder.join(name);
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn speaks(version: &str) -> String {
        format!("#!/bin/sh\necho \"$0\"\necho {version}\n")
    }

    #[test]
    fn runtime_names_are_read() {
        assert_eq!(Language::of("python3.13"), Ok(python(13)));
        assert_eq!(Language::of("nodejs22.x"), Ok(Language::Node { major: 22 }));
        assert!(Language::of("provided.al2023").is_ok_and(|language| language.is_own()));
        for refused in ["java21", "ruby3.4", "dotnet8", "go1.x", "python2.7", "cobol"] {
            let reason = Language::of(refused).unwrap_err();
            assert!(reason.contains(refused), "{reason}");
        }
    }

    #[tokio::test]
    async fn a_shim_that_runs_nothing_is_no_interpreter() {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path(), "python3.13", "#!/bin/sh\necho not found >&2\nexit 127\n");
        install(folder.path(), "python3.12", &speaks("3.12.1"));
        install(folder.path(), "python3.9", &speaks("3.9.18"));
        let mut interpreters = Interpreters::in_folders(vec![folder.path().to_owned()]);
        let Choice::Nearest(found) = interpreters.choose(&python(13)).await else { panic!("a neighbour was expected") };
        assert_eq!(&*found.label, "python 3.12.1");
        assert!(matches!(interpreters.choose(&python(12)).await, Choice::Exact(_)));
        let Choice::Nearest(found) = interpreters.choose(&python(10)).await else { panic!("a neighbour was expected") };
        assert_eq!(&*found.label, "python 3.9.18");
        assert!(matches!(interpreters.choose(&Language::Node { major: 22 }).await, Choice::Missing));
    }

    #[tokio::test]
    async fn a_name_without_a_version_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        install(folder.path(), "python3", &speaks("3.11.2"));
        let mut interpreters = Interpreters::in_folders(vec![folder.path().to_owned()]);
        assert!(matches!(interpreters.choose(&python(11)).await, Choice::Exact(_)));
    }
}
