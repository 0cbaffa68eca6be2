//! From a path the user gave to templates, and from a template to an application.

use std::{
    collections::BTreeSet,
    io::Read as _,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use brigandine_model::App;
use brigandine_report::Sources as Texts;
use brigandine_template::{
    self as template, Failure, Input, Options, Sources, What,
    load::{Document, load},
};

use crate::{arguments::Reading, face, parameters};

/// Names a template goes by when a folder is given, in order of preference.
const TEMPLATE_NAMES: [&str; 6] =
    ["template.yaml", "template.yml", "template.json", "sam.yaml", "cloudformation.yaml", "cloudformation.yml"];

/// Folders that hold what tools made or fetched, never a team's own templates.
const SKIPPED_FOLDERS: [&str; 9] =
    [".git", ".aws-sam", "node_modules", "target", ".venv", "venv", "__pycache__", ".terraform", ".serverless"];

/// Deepest folder looked into, and most files looked at, below a path that was given.
const DEEPEST: usize = 24;
const MOST_FILES: usize = 200_000;

/// Largest file read as a template or an include, in bytes.
const LARGEST_FILE: u64 = 32 * 1024 * 1024;

/// A template that was read.
#[derive(Debug)]
pub(crate) struct Project {
    /// Folder the template lies in.
    #[cfg_attr(not(feature = "serve"), expect(dead_code, reason = "only the runtime half asks"))]
    pub(crate) folder: PathBuf,
    /// What it describes.
    pub(crate) app: App,
    /// Text of every file a span may point into.
    pub(crate) texts: Texts,
    /// The template as it was read, for fixes.
    pub(crate) document: Document,
}

/// Why one template gave no application; one bad file never costs the others.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable {
    /// The file as the user named it.
    pub(crate) file: String,
    /// Line and column, when there is a place.
    pub(crate) place: Option<(u32, u32)>,
    /// What is wrong, one sentence.
    pub(crate) what: String,
}

impl Unreadable {
    pub(crate) fn new(file: &Path, what: impl Into<String>) -> Self {
        Self { file: file.display().to_string(), place: None, what: what.into() }
    }

    /// With its place in front.
    pub(crate) fn sentence(&self) -> String {
        match self.place {
            Some((line, column)) => format!("{}:{line}:{column}: {}", self.file, self.what),
            None => format!("{}: {}", self.file, self.what),
        }
    }
}

/// The one template meant by `path`: the file itself, or the template in the folder.
pub(crate) fn locate(path: &Path) -> anyhow::Result<PathBuf> {
    let kind = std::fs::metadata(path).map_err(|error| missing(path, &error))?;
    if kind.is_file() {
        return Ok(path.to_owned());
    }
    let usual = TEMPLATE_NAMES.iter().map(|name| path.join(name)).find(|file| file.is_file());
    if let Some(file) = usual {
        return Ok(tidy(&file));
    }
    let mut found = files_in(path).into_iter().filter(|file| is_template(file)).collect::<Vec<_>>();
    if found.is_empty() {
        found = files_in(&path.join("cdk.out")).into_iter().filter(|file| is_template(file)).collect();
    }
    match found.as_slice() {
        [] => Err(no_template(path)),
        [only] => Ok(tidy(only)),
        several => {
            let names = several.iter().map(|file| format!("`{}`", tidy(file).display())).collect::<Vec<_>>().join(", ");
            Err(face::sentence(format!("`{}` holds several templates: {names}", path.display()), "name one of them"))
        }
    }
}

/// Templates that were looked for.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Templates, in order of their names.
    pub(crate) templates: Vec<PathBuf>,
    /// What could not be looked into, and so may hide one.
    pub(crate) unreadable: Vec<Unreadable>,
    looked_at: usize,
}

/// All templates meant by `path`: the file itself, or every template below the folder.
pub(crate) fn templates(path: &Path) -> anyhow::Result<Found> {
    let kind = std::fs::metadata(path).map_err(|error| missing(path, &error))?;
    if kind.is_file() {
        return Ok(Found { templates: vec![path.to_owned()], ..Found::default() });
    }
    let mut found = Found::default();
    walk(path, 0, &mut found);
    found.templates.sort();
    if found.templates.is_empty() && found.unreadable.is_empty() { Err(no_template(path)) } else { Ok(found) }
}

fn walk(folder: &Path, depth: usize, found: &mut Found) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            found.unreadable.push(Unreadable::new(&tidy(folder), error.to_string()));
            return;
        }
    };
    for entry in entries.flatten() {
        found.looked_at += 1;
        let Ok(kind) = entry.file_type() else { continue };
        let path = entry.path();
        if found.looked_at > MOST_FILES {
            return;
        }
        if kind.is_dir() && depth < DEEPEST && !is_skipped(&path) {
            walk(&path, depth + 1, found);
        } else if kind.is_file() && is_named_like_a_template(&path) {
            look_at(&path, found);
        }
    }
}

fn look_at(file: &Path, found: &mut Found) {
    match read_bounded(file) {
        Ok(bytes) if is_read(what(file, &bytes)) => found.templates.push(tidy(file)),
        Ok(_) => {}
        Err(error) => found.unreadable.push(Unreadable::new(&tidy(file), error.to_string())),
    }
}

fn is_skipped(folder: &Path) -> bool {
    folder.file_name().and_then(|name| name.to_str()).is_some_and(|name| SKIPPED_FOLDERS.contains(&name))
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

fn is_template(file: &Path) -> bool {
    is_named_like_a_template(file) && read_bounded(file).is_ok_and(|bytes| is_read(what(file, &bytes)))
}

fn is_named_like_a_template(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ["yaml", "yml", "json", "template"].iter().any(|known| ending == *known))
}

fn is_read(what: What) -> bool {
    matches!(what, What::Sam | What::CloudFormation)
}

fn what(file: &Path, bytes: &[u8]) -> What {
    template::recognise(&file.display().to_string(), bytes)
}

fn missing(path: &Path, error: &std::io::Error) -> anyhow::Error {
    let near = nearest_sibling(path).map(|near| format!("did you mean `{near}`?"));
    let help = near.unwrap_or_else(|| "name a template, or the folder it lies in".to_owned());
    match error.kind() {
        std::io::ErrorKind::NotFound => face::sentence(format!("there is no `{}`", path.display()), help),
        _ => face::sentence(format!("`{}`: {error}", path.display()), help),
    }
}

fn nearest_sibling(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let names: Vec<String> =
        std::fs::read_dir(folder).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let near = face::nearest(path.file_name()?.to_str()?, names.iter().map(String::as_str))?;
    Some(tidy(&folder.join(near)).display().to_string())
}

/// What to say of a folder without a template we read; names what was found instead.
fn no_template(folder: &Path) -> anyhow::Error {
    let help = "name a SAM or CloudFormation template; CDK applications: run `cdk synth` first, then check `cdk.out`";
    let other = files_in(folder).into_iter().find_map(|file| {
        let name = file.file_name()?.to_str()?;
        match what(&file, &read_bounded(&file).unwrap_or_default()) {
            What::NotReadYet(kind) => Some(format!("`{name}` ({kind}) is not read yet")),
            _ => None,
        }
    });
    let what = match other {
        Some(other) => format!("there is no template in `{}`: {other}", folder.display()),
        None => format!("there is no template in `{}`", folder.display()),
    };
    face::sentence(what, help)
}

/// Reads one template into an application, fetching the local files it includes.
pub(crate) fn open(file: &Path, options: &Options) -> Result<Project, Unreadable> {
    let bytes = read_bounded(file).map_err(|error| Unreadable::new(file, error.to_string()))?;
    open_bytes(file, &bytes, options)
}

/// Reads these bytes as if they were the file's.
pub(crate) fn open_bytes(file: &Path, bytes: &[u8], options: &Options) -> Result<Project, Unreadable> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    let name = app_name(file, &folder);
    let display: Arc<str> = file.display().to_string().into();
    let mut sources = Sources::default();
    // What is not read at all is refused by its name, whatever it holds.
    let loaded = match what(file, b"") {
        What::NotReadYet(_) => None,
        _ => Some(load(&display, bytes).map_err(|error| unreadable(file, &error.into()))?),
    };
    loop {
        let input = Input { file: display.clone(), name: name.clone(), bytes, options, sources: &sources };
        let reading = match &loaded {
            None => template::read(&input),
            Some(document) => template::read_document(&input, document.clone()),
        };
        match reading {
            Ok(reading) => {
                let texts = Texts::from([(display, reading.document.text.clone())]);
                return Ok(Project { folder, app: reading.app, texts, document: reading.document });
            }
            Err(Failure::Missing(paths)) => {
                for path in paths {
                    let bytes = include(&folder, &path);
                    sources.insert(&path, bytes);
                }
            }
            Err(failure) => return Err(unreadable(file, &failure)),
        }
    }
}

/// Reads the one template meant by `path`, or says why not.
pub(crate) fn open_one(path: &Path, reading: &Reading) -> anyhow::Result<Project> {
    let file = locate(path)?;
    let options = parameters::options(reading)?;
    let project = open(&file, &options).map_err(|unreadable| anyhow::anyhow!(unreadable.sentence()))?;
    let names = project.app.parameters.iter().map(|parameter| parameter.name.clone()).collect();
    check_parameters(reading, &names)?;
    Ok(project)
}

/// Fails when a parameter was given a value and no template has it. A file may hold values for templates that are not judged.
pub(crate) fn check_parameters(reading: &Reading, names: &BTreeSet<Arc<str>>) -> anyhow::Result<()> {
    let known = || names.iter().map(|name| &**name);
    let unknown = reading.parameters.iter().find(|(name, _)| known().all(|known| known != name));
    let Some((name, _)) = unknown else { return Ok(()) };
    let near = face::nearest(name, known()).map(|near| format!("did you mean `{near}`?"));
    let help = near.unwrap_or_else(|| match known().collect::<Vec<_>>().as_slice() {
        [] => "the template has no parameters".to_owned(),
        names => format!("its parameters are {}", names.join(", ")),
    });
    Err(face::sentence(format!("there is no template parameter `{name}`"), help))
}

fn unreadable(file: &Path, failure: &Failure) -> Unreadable {
    let place = failure.span().map(|span| (span.line, span.column));
    Unreadable { place, ..Unreadable::new(file, failure.to_string()) }
}

/// A file the template includes: a plain file inside the repository only, not through a link that leads out of it, and
/// nothing of the repository's own keeping, where credentials may lie.
fn include(folder: &Path, path: &str) -> Option<Vec<u8>> {
    let root = repository_root(folder)?;
    let file = folder.join(path).canonicalize().ok()?;
    let below = file.strip_prefix(&root).ok()?;
    let of_repository = below.components().any(|part| part.as_os_str() == ".git");
    if of_repository || !file.is_file() { None } else { read_bounded(&file).ok() }
}

/// The nearest folder above that holds a repository; the template's own folder when there is none.
pub(crate) fn repository_root(folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let root = folder.ancestors().find(|above| above.join(".git").exists()).map(Path::to_owned);
    Some(root.unwrap_or(folder))
}

pub(crate) fn read_bounded(file: &Path) -> std::io::Result<Vec<u8>> {
    let open = std::fs::File::open(file)?;
    // Room at once, since growing takes a read each time.
    let size = open.metadata()?.len().min(LARGEST_FILE);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default() + 1);
    open.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(std::io::Error::other(format!(
            "the file is larger than {LARGEST_FILE} bytes, the most that is read"
        )));
    }
    Ok(bytes)
}

/// Name for people and for the data folder: the folder's, lower case, safe as a file name.
fn app_name(file: &Path, folder: &Path) -> Arc<str> {
    let folder = folder.canonicalize().ok();
    let named = folder.as_deref().and_then(Path::file_name).or(file.file_stem()).and_then(|name| name.to_str());
    let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c.to_ascii_lowercase() } else { '-' };
    named.unwrap_or("app").chars().map(safe).collect::<String>().into()
}

/// The path without leading `./`, for people.
fn tidy(path: &Path) -> PathBuf {
    let tidied: PathBuf = path.components().filter(|part| !matches!(part, Component::CurDir)).collect();
    if tidied.as_os_str().is_empty() { path.to_owned() } else { tidied }
}
