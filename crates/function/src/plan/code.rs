//! Where a function's code lies, and whether it can run from there.

use std::{
    ffi::OsStr,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::SystemTime,
};

use brigandine_model::{App, Fact, Function, Package, Value};

use crate::{
    Error,
    plan::{first, interpreter::Language, text},
};

/// Most files looked at to tell how old a folder is.
const LOOKED_AT: usize = 5000;

/// The code of one function.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) folder: PathBuf,
    /// What people should know about it.
    pub(crate) remarks: Vec<String>,
}

impl Code {
    fn in_folder(folder: PathBuf) -> Self {
        Self { folder, remarks: Vec::new() }
    }

    fn with(self, remark: impl Into<String>) -> Self {
        let mut remarks = self.remarks;
        remarks.push(remark.into());
        Self { folder: self.folder, remarks }
    }
}

/// Finds the code: what `sam build` made of it when that is there, else the folder the template names, else the text in
/// the template itself, written to the data directory. The inner error says why there is none.
pub(crate) fn locate(
    function: &Function,
    language: &Language,
    root: &Path,
    data: &Path,
) -> Result<Result<Code, String>, Error> {
    if let Package::Inline(source) = &function.package {
        return match first(&source.value) {
            Some(source) => inline(function, language, source, data).map(|folder| Ok(Code::in_folder(folder))),
            None => Ok(Err("its source text is not settled by the template".to_owned())),
        };
    }
    let built = root.join(".aws-sam/build").join(function.id.as_str());
    let built = built.is_dir().then_some(built).and_then(|folder| fs::canonicalize(folder).ok());
    Ok(match (built, beside(function, root)) {
        (Some(built), Ok(source)) => Ok(built_or_source(built, source, function, language)),
        (Some(built), Err(_)) => Ok(Code::in_folder(built)),
        (None, Ok(source)) => Ok(as_written(source, language, function)),
        (None, Err(reason)) => Err(reason),
    })
    .map(|code| code.and_then(|code| entry_present(code, language)))
}

/// The folder the template names.
fn beside(function: &Function, root: &Path) -> Result<PathBuf, String> {
    let fact = match &function.package {
        Package::Local(fact) => fact,
        Package::Remote(fact) => return Err(format!("its code is not beside the template but at {}", shown(fact))),
        Package::Image(_) => return Err("container images are not run here".to_owned()),
        Package::Inline(_) | Package::Missing => return Err("the template does not say where its code is".to_owned()),
    };
    let written = first(&fact.value).ok_or_else(|| "the path of its code is not settled by the template".to_owned())?;
    let path = root.join(written);
    match fs::metadata(&path) {
        Ok(found) if found.is_dir() => {
            fs::canonicalize(&path).map_err(|fault| format!("{written} is not readable: {fault}"))
        }
        Ok(_) => Err(format!("its code is the archive {written}: name the unpacked folder, or run `sam build`")),
        Err(fault) if fault.kind() == ErrorKind::NotFound => Err(format!("there is no code at {written}")),
        Err(fault) => Err(format!("{written} is not readable: {fault}")),
    }
}

fn shown(fact: &Fact<String>) -> String {
    match &fact.value {
        Value::Symbolic(symbol) => symbol.to_string(),
        other => first(other).cloned().unwrap_or_else(|| "an unsettled place".to_owned()),
    }
}

/// A build that is older than its source serves only where the source cannot run without it.
fn built_or_source(built: PathBuf, source: PathBuf, function: &Function, language: &Language) -> Code {
    if source == built || newest(&source) <= newest(&built) {
        return Code::in_folder(built);
    }
    let runs_as_written = has_entry(&source, function, language) && needs_build(&source, language).is_none();
    if !runs_as_written {
        return Code::in_folder(built).with("the build is older than the code, run `sam build`");
    }
    Code::in_folder(source).with("the code is newer than its build, so the code itself runs")
}

fn as_written(source: PathBuf, language: &Language, function: &Function) -> Code {
    let remark = needs_build(&source, language);
    let code = Code::in_folder(source);
    let handler = text(function.handler.as_ref()).unwrap_or_default();
    let module = handler.split_once('.').map_or(handler.as_str(), |(module, _)| module);
    let typescript = code.folder.join(format!("{module}.ts"));
    match remark {
        Some(what) => code.with(format!("{what}, run `sam build`")),
        None if matches!(language, Language::Node { .. }) && typescript.is_file() => {
            code.with("its code is TypeScript, run `sam build`")
        }
        None => code,
    }
}

/// Whether the file of the handler is there: what a build compiles or bundles does not run as it is written.
fn has_entry(folder: &Path, function: &Function, language: &Language) -> bool {
    let handler = text(function.handler.as_ref()).unwrap_or_default();
    let there = |module: &str, endings: &[&str]| {
        endings.iter().any(|ending| folder.join(format!("{module}{ending}")).is_file())
    };
    match language {
        Language::Python { .. } => handler
            .rsplit_once('.')
            .is_some_and(|(module, _)| there(&module.replace('.', "/"), &[".py", "/__init__.py"])),
        Language::Node { .. } => {
            let start = handler.rfind('/').map_or(0, |slash| slash + 1);
            let end = handler.get(start..).and_then(|base| base.find('.')).map(|dot| start + dot);
            end.and_then(|end| handler.get(..end)).is_some_and(|module| there(module, &[".js", ".mjs", ".cjs", ""]))
        }
        Language::Own { .. } => false,
    }
}

/// A program of one's own must be there and executable; whether a handler exists only its interpreter knows.
fn entry_present(code: Code, language: &Language) -> Result<Code, String> {
    use std::os::unix::fs::PermissionsExt as _;
    if !language.is_own() {
        return Ok(code);
    }
    let program = code.folder.join("bootstrap");
    match fs::metadata(&program) {
        Ok(found) if found.is_file() && found.permissions().mode() & 0o111 != 0 => Ok(code),
        Ok(_) => Err(format!("`{}` is not an executable file", program.display())),
        Err(_) => Err(format!("there is no program `bootstrap` in `{}`: run `sam build`", code.folder.display())),
    }
}

/// What is missing in a folder that was never built, when it says it needs third-party packages.
fn needs_build(folder: &Path, language: &Language) -> Option<&'static str> {
    match language {
        Language::Python { .. } => {
            let wanted = fs::read_to_string(folder.join("requirements.txt")).ok()?;
            (third_party(&wanted) && !has_installed(folder)).then_some("its requirements are not installed")
        }
        Language::Node { .. } => {
            let manifest = fs::read(folder.join("package.json")).ok()?;
            let found = folder.ancestors().any(|above| above.join("node_modules").is_dir());
            (has_dependencies(&manifest) && !found).then_some("its dependencies are not installed")
        }
        Language::Own { .. } => None,
    }
}

/// Whether a requirements file asks for more than the platform brings along.
fn third_party(requirements: &str) -> bool {
    let name_end = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
    requirements
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty() && !line.starts_with('-'))
        .any(|line| !matches!(line.split(name_end).next(), Some("boto3" | "botocore" | "s3transfer")))
}

fn has_installed(folder: &Path) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries
        .flatten()
        .take(LOOKED_AT)
        .any(|entry| Path::new(&entry.file_name()).extension() == Some(OsStr::new("dist-info")))
}

fn has_dependencies(manifest: &[u8]) -> bool {
    let Ok(manifest) = serde_json::from_slice::<serde_json::Value>(manifest) else { return false };
    let wanted = manifest.get("dependencies").and_then(serde_json::Value::as_object);
    wanted.is_some_and(|wanted| wanted.keys().any(|name| name != "aws-sdk" && !name.starts_with("@aws-sdk/")))
}

/// Writes source text of the template to a folder of its own.
fn inline(function: &Function, language: &Language, source: &str, data: &Path) -> Result<PathBuf, Error> {
    let folder = data.join("inline").join(function.id.as_str());
    let file = match language {
        Language::Python { .. } => "index.py",
        Language::Node { .. } | Language::Own { .. } => "index.js",
    };
    let failed = |path: PathBuf| move |source| Error::Data { path, source };
    fs::create_dir_all(&folder).map_err(failed(folder.clone()))?;
    let path = folder.join(file);
    if fs::read(&path).is_ok_and(|present| present == source.as_bytes()) {
        return Ok(folder);
    }
    fs::write(&path, source).map_err(failed(path.clone()))?;
    Ok(folder)
}

/// Folders of the function's layers that are beside the template, and the names of those that are not.
pub(crate) fn layers(function: &Function, app: &App, root: &Path) -> (Vec<PathBuf>, Vec<String>) {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for layer in &function.layers {
        match layer_folder(layer, app, root) {
            Ok(folder) => found.push(folder),
            Err(name) => missing.push(name),
        }
    }
    (found, missing)
}

fn layer_folder(layer: &Fact<String>, app: &App, root: &Path) -> Result<PathBuf, String> {
    let Value::Symbolic(symbol) = &layer.value else {
        return Err(first(&layer.value).cloned().unwrap_or_else(|| "of unsettled name".to_owned()));
    };
    let id = symbol.resources().next().ok_or_else(|| symbol.to_string())?;
    let built = root.join(".aws-sam/build").join(id.as_str());
    let written = app.layers.iter().find(|layer| layer.id == *id).and_then(|layer| match &layer.package {
        Package::Local(fact) => first(&fact.value).map(|path| root.join(path)),
        _ => None,
    });
    [Some(built), written]
        .into_iter()
        .flatten()
        .find_map(|path| fs::canonicalize(path).ok())
        .ok_or_else(|| id.to_string())
}

/// When the newest file below a folder was written; what tools leave behind does not count.
fn newest(folder: &Path) -> Option<SystemTime> {
    files(folder).filter_map(|(_, found)| found.modified().ok()).max()
}

/// Files below a folder, a bounded number, without those that tools leave behind.
pub(crate) fn files(folder: &Path) -> impl Iterator<Item = (PathBuf, fs::Metadata)> {
    let mut open = vec![folder.to_owned()];
    let mut entries = Vec::new();
    std::iter::from_fn(move || {
        loop {
            if let Some(found) = entries.pop() {
                return Some(found);
            }
            for entry in fs::read_dir(open.pop()?).into_iter().flatten().flatten().take(LOOKED_AT) {
                let Ok(found) = entry.metadata() else { continue };
                if found.is_file() {
                    entries.push((entry.path(), found));
                } else if found.is_dir() && !left_behind(&entry.file_name()) {
                    open.push(entry.path());
                }
            }
        }
    })
    .take(LOOKED_AT)
}

fn left_behind(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with('.') || matches!(name, "__pycache__" | "node_modules" | "target"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_platform_does_not_bring_is_third_party() {
        assert!(!third_party("# nothing\n\nboto3==1.34\n--index-url x\nbotocore\n"));
        assert!(third_party("boto3-stubs\n"));
        assert!(third_party("requests>=2 # http\n"));
    }

    #[test]
    fn node_dependencies_count_but_for_the_sdk() {
        assert!(!has_dependencies(br#"{"dependencies": {"aws-sdk": "2", "@aws-sdk/client-s3": "3"}}"#));
        assert!(!has_dependencies(br#"{"devDependencies": {"jest": "29"}}"#));
        assert!(has_dependencies(br#"{"dependencies": {"axios": "1"}}"#));
    }

    #[test]
    fn walking_skips_what_tools_leave_behind_and_ends() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/b/app.py", "node_modules/x/index.js", ".git/HEAD", "top.js"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        let mut names: Vec<_> = files(folder.path()).map(|(path, _)| path.file_name().unwrap().to_owned()).collect();
        names.sort();
        assert_eq!(names, ["app.py", "top.js"]);
    }
}
