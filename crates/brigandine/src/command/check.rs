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

use brigandine_model::Change;
use brigandine_rules::Outcome as Judged;
use brigandine_template::fix::{Unwritable, Written};
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
    if judged.findings.iter().all(|finding| finding.fix.is_none()) {
        return;
    }
    let written = Written::of(project.app.file.clone(), project.document.clone());
    let wanted: Vec<&[Change]> =
        judged.findings.iter().filter_map(|finding| finding.fix.as_ref()).map(|fix| &*fix.changes).collect();
    let edits = match &written {
        Ok(written) => written.edits_of_each(&wanted, MOST_READ),
        Err(why) => vec![Err(why.clone()); wanted.len()],
    };
    let left_out = edits.contains(&Err(Unwritable::TooMuch));
    let fixed = judged.findings.iter_mut().filter(|finding| finding.fix.is_some());
    for (finding, edits) in fixed.zip(edits) {
        match (edits, &mut finding.fix) {
            (Ok(edits), Some(fix)) => fix.edits = edits,
            _ => finding.fix = None,
        }
    }
    if left_out {
        let file = face::harmless(&project.app.file);
        face::say(&format!("{file}: so large that not every fix is shown; `--fix` and `--diff` try more of them"));
    }
}
