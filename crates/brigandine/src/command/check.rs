//! `brigandine check`: every template named, judged; one that cannot be read costs its own finding and not the others'.

use std::{io::IsTerminal, path::PathBuf};

use brigandine_model::{App, Finding, RuleMeta, Severity, Suppressed, Unjudged};
use brigandine_report::{Colour, Look, Report, Sources, concise, human, json, sarif, summary};
use brigandine_rules::{Context, DEFAULT_PROFILE, Outcome as Judged, Selection, judge};
use brigandine_template::fix::Written;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::ZonedDateTime;

use crate::{
    arguments::{Check, FailOn, Format},
    configuration::Configuration,
    face::{self, Outcome},
    project::{self, Project, Unreadable},
};

pub(crate) fn run(arguments: &Check) -> anyhow::Result<Outcome> {
    let (files, mut unreadable) = files(&arguments.paths)?;
    let configuration = configuration(arguments, &files)?;
    let settings = Settings::new(arguments, &configuration)?;
    let gathered = gather(&files, arguments, &settings, &mut unreadable);
    if unreadable.is_empty() {
        check_parameters(arguments, &gathered)?;
    }
    for one in &unreadable {
        face::say_error(&face::harmless(&one.sentence()), None);
    }
    if gathered.templates == 0 && !unreadable.is_empty() && matches!(arguments.format, Format::Human | Format::Concise)
    {
        return Ok(Outcome::Failed);
    }
    face::result(&print(&gathered, &settings, arguments.format))?;
    Ok(settings.outcome(&gathered, !unreadable.is_empty()))
}

/// A parameter that no template has was meant for something that is not judged here.
fn check_parameters(arguments: &Check, gathered: &Gathered) -> anyhow::Result<()> {
    let apps: Vec<_> = gathered.apps.iter().collect();
    project::check_parameters(&arguments.reading, &apps)
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

/// What the command line and the settings file say together; the command line wins.
struct Settings {
    selection: Selection,
    context: Context,
    fail_on: FailOn,
    fail_on_unjudged: bool,
}

impl Settings {
    fn new(arguments: &Check, configuration: &Configuration) -> anyhow::Result<Self> {
        let written = &configuration.written.check;
        let profile = arguments.profile.as_ref().or(written.profile.as_ref()).map_or(DEFAULT_PROFILE, String::as_str);
        let select = if arguments.select.is_empty() { &written.select } else { &arguments.select };
        let ignore = if arguments.ignore.is_empty() { &written.ignore } else { &arguments.ignore };
        let fail_on = match (arguments.fail_on, &written.fail_on) {
            (Some(level), _) => level,
            (None, Some(text)) => level(text, configuration)?,
            (None, None) => FailOn::High,
        };
        Ok(Self {
            selection: Selection::new(profile, select, ignore)?,
            context: Context { today: arguments.as_of.unwrap_or_else(|| ZonedDateTime::now().date()) },
            fail_on,
            fail_on_unjudged: arguments.fail_on_unjudged,
        })
    }

    fn outcome(&self, gathered: &Gathered, failed: bool) -> Outcome {
        let fails = |finding: &Finding| threshold(self.fail_on).is_some_and(|level| finding.severity >= level);
        if failed {
            Outcome::Failed
        } else if gathered.findings.iter().any(fails) || self.fail_on_unjudged && !gathered.unjudged.is_empty() {
            Outcome::Findings
        } else {
            Outcome::Clean
        }
    }
}

fn level(text: &str, configuration: &Configuration) -> anyhow::Result<FailOn> {
    <FailOn as clap::ValueEnum>::from_str(text, false).or_else(|_| {
        let levels = ["info", "low", "medium", "high", "critical", "never"];
        let near = face::nearest(text, levels)
            .map_or_else(|| format!("; levels are {}", levels.join(", ")), |near| format!("; did you mean `{near}`?"));
        configuration
            .report(vec![configuration.fault(&["check", "fail_on"], format!("`{text}` is no level{near}"))])?;
        Ok(FailOn::High)
    })
}

fn threshold(level: FailOn) -> Option<Severity> {
    match level {
        FailOn::Info => Some(Severity::Info),
        FailOn::Low => Some(Severity::Low),
        FailOn::Medium => Some(Severity::Medium),
        FailOn::High => Some(Severity::High),
        FailOn::Critical => Some(Severity::Critical),
        FailOn::Never => None,
    }
}

/// What all templates together gave.
#[derive(Default)]
struct Gathered {
    findings: Vec<Finding>,
    suppressed: Vec<Suppressed>,
    unjudged: Vec<Unjudged>,
    sources: Sources,
    apps: Vec<App>,
    templates: usize,
}

impl Gathered {
    fn add(&mut self, project: Project, judged: Judged) {
        self.findings.extend(judged.findings);
        self.suppressed.extend(judged.suppressed);
        self.unjudged.extend(judged.unjudged);
        self.sources.extend(project.texts);
        self.apps.push(project.app);
        self.templates += 1;
    }
}

fn gather(files: &[PathBuf], arguments: &Check, settings: &Settings, unreadable: &mut Vec<Unreadable>) -> Gathered {
    let progress = progress(files.len());
    let mut gathered = Gathered::default();
    for file in files {
        match project::open(file, &arguments.reading) {
            Ok(project) => {
                let mut judged = judge(&project.app, &settings.selection, &settings.context);
                write_fixes(&project, &mut judged);
                gathered.add(project, judged);
            }
            Err(one) => unreadable.push(one),
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    gathered
}

/// Turns what fixes want into edits of the text. A fix that the text has no place for is not offered.
fn write_fixes(project: &Project, judged: &mut Judged) {
    let text = project.texts.get(&project.app.file).map_or("", |text| text);
    let mut written = None;
    for finding in &mut judged.findings {
        let Some(fix) = &mut finding.fix else { continue };
        let written = written.get_or_insert_with(|| Written::read(&project.app.file, text.as_bytes()));
        match written.as_ref().map(|written| written.edits(&fix.changes)) {
            Ok(Ok(edits)) => fix.edits = edits,
            _ => finding.fix = None,
        }
    }
}

/// A bar on standard error, when somebody watches and there is something to wait for.
fn progress(files: usize) -> ProgressBar {
    if files < 20 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(files as u64);
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} templates, {eta} left");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn print(gathered: &Gathered, settings: &Settings, format: Format) -> String {
    let rules: Vec<&'static RuleMeta> = settings.selection.rules().map(brigandine_rules::Rule::meta).collect();
    let report = Report {
        findings: &gathered.findings,
        suppressed: &gathered.suppressed,
        unjudged: &gathered.unjudged,
        rules: &rules,
        sources: &gathered.sources,
        templates: gathered.templates,
    };
    let mut text = match format {
        Format::Human => human(&report, look()),
        Format::Concise => {
            for one in report.unjudged {
                let place =
                    one.span.as_ref().map_or(String::new(), |at| format!("{}:{}:{}: ", at.file, at.line, at.column));
                face::say(&face::harmless(&format!("{place}not judged: {}", one.reason)));
            }
            face::say(&summary(&report));
            concise(&report)
        }
        Format::Json => json(&report),
        Format::Sarif => sarif(&report, env!("CARGO_PKG_VERSION")),
    };
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Colour where standard output shows it; the width of the terminal where there is one.
fn look() -> Look {
    let colour = match anstream::AutoStream::choice(&std::io::stdout()) {
        anstream::ColorChoice::Never => Colour::Never,
        _ => Colour::Always,
    };
    let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    Look { colour, width: width.filter(|_| std::io::stdout().is_terminal()) }
}
