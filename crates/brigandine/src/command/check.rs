//! `brigandine check`: every template named, judged; one that cannot be read costs its own finding and not the others'.

mod fixing;
mod gather;
mod harden;
mod history;
mod overwrite;
mod print;
mod register;
mod settings;

use std::path::PathBuf;

use brigandine_rules::Outcome as Judged;
use brigandine_template::fix::Written;
use jiff::{Timestamp, tz::TimeZone};

use self::{
    gather::{environments, gather, knowing_exports},
    history::History,
    print::{Run, print},
    settings::Settings,
};
use crate::{
    arguments::{Check, Format},
    configuration::Configuration,
    face::{self, Outcome},
    project::{self, Project, Unreadable},
};

pub(crate) fn run(arguments: &Check) -> anyhow::Result<Outcome> {
    let began = TimeZone::UTC.to_datetime(Timestamp::now());
    print::check_shape(arguments)?;
    let (files, mut unreadable) = files(&arguments.paths)?;
    let configuration = configuration(arguments, &files)?;
    let settings = Settings::new(arguments, &configuration)?;
    let mut history = History::read(&settings)?;
    if arguments.fixing.diff {
        let environments = knowing_exports(&files, environments(arguments)?);
        let left = fixing::run(&files, &environments, (arguments, &settings), &mut unreadable)?;
        for one in &unreadable {
            face::say_error(&face::harmless(&one.sentence()), None);
        }
        return Ok(settings.outcome(&left, history.compare(&left, &settings).as_ref(), !unreadable.is_empty()));
    }
    if arguments.fixing.fix {
        let environments = knowing_exports(&files, environments(arguments)?);
        fixing::run(&files, &environments, (arguments, &settings), &mut unreadable)?;
    }
    let mut gathered = gather(&files, environments(arguments)?, &settings, &mut unreadable);
    if unreadable.is_empty() {
        project::check_parameters(&arguments.reading, &gathered.parameters)?;
    }
    for one in &unreadable {
        face::say_error(&face::harmless(&one.sentence()), None);
    }
    let for_people = matches!(arguments.format, Format::Human | Format::Concise);
    if gathered.files.is_empty() && !unreadable.is_empty() && for_people {
        return Ok(Outcome::Failed);
    }
    history.keep(&mut gathered, &settings)?;
    let past = history.compare(&gathered, &settings);
    let run = Run { gathered: &gathered, past: past.as_ref(), unreadable: &unreadable, began };
    print(&run, &settings, arguments)?;
    Ok(settings.outcome(&gathered, past.as_ref(), !unreadable.is_empty()))
}

/// Every template named. A path that is not there fails the run, but only after the others were judged; when it is the only
/// one it fails at once.
fn files(paths: &[PathBuf]) -> anyhow::Result<(Vec<PathBuf>, Vec<Unreadable>)> {
    let (mut files, mut unreadable) = (Vec::new(), Vec::new());
    for path in paths {
        match project::templates(path) {
            Ok(found) => {
                files.extend(found.templates);
                unreadable.extend(found.unreadable);
            }
            Err(error) if paths.len() == 1 => return Err(error),
            Err(error) => {
                unreadable.push(Unreadable { file: path.display().to_string(), place: None, what: error.to_string() });
            }
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    Ok((files, unreadable))
}

/// The settings beside the first path that is a folder or a file.
fn configuration(arguments: &Check, files: &[PathBuf]) -> anyhow::Result<Configuration> {
    let folder_of = |path: &PathBuf| {
        if path.is_dir() { path.clone() } else { path.parent().map(PathBuf::from).unwrap_or_default() }
    };
    let candidates = arguments.paths.iter().chain(files.first()).map(folder_of);
    let folder = candidates.into_iter().find(|folder| folder.join(crate::configuration::FILE_NAME).is_file());
    Configuration::beside(&folder.unwrap_or_default())
}

/// Most bytes read again to see what fixes do. Only templates that nobody wrote by hand come near it.
const MOST_READ: usize = 16 * 1024 * 1024;

/// Turns what fixes want into edits of the text. A fix that the text has no place for is not offered.
fn write_fixes(project: &Project, judged: &mut Judged) {
    let text = project.texts.get(&project.app.file).map_or("", |text| text);
    let (mut written, mut read) = (None, 0);
    for finding in &mut judged.findings {
        let Some(fix) = &mut finding.fix else { continue };
        read += text.len() * fix.changes.len();
        if read > MOST_READ {
            finding.fix = None;
            continue;
        }
        let written = written.get_or_insert_with(|| Written::read(&project.app.file, text.as_bytes()));
        match written.as_ref().map(|written| written.edits(&fix.changes)) {
            Ok(Ok(edits)) => fix.edits = edits,
            _ => finding.fix = None,
        }
    }
    if read > MOST_READ {
        let file = face::harmless(&project.app.file);
        face::say(&format!("{file}: so large that not every fix is shown; `--fix` and `--diff` try more of them"));
    }
}
