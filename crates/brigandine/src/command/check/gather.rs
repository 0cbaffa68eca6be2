//! Every template in every environment, judged and put together.
//!
//! A template that imports what another one exports is read a second time, once all exports of the run are known.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::Arc,
};

use brigandine_model::{App, Finding, Suppressed, Unjudged, Value};
use brigandine_report::{OnlyIn, Sources, identity};
use brigandine_rules::{Outcome as Judged, judge};
use brigandine_template::{Export, Options};
use indicatif::{ProgressBar, ProgressStyle};

use super::{settings::Settings, write_fixes};
use crate::{
    arguments::Check,
    face, parameters,
    project::{self, Project, Unreadable},
};

/// The environments once what the templates of the run export is known to each: a text that is judged again and again must
/// be told what others export before the first time. Faults of reading are told by whoever judges.
pub(super) fn knowing_exports(files: &[PathBuf], mut environments: Vec<Environment>) -> Vec<Environment> {
    for environment in &mut environments {
        let mut exports = Exports::default();
        let mut waits = false;
        for project in files.iter().filter_map(|file| open(file, environment).ok()) {
            exports.take(&project.app);
            waits |= imports(&project);
        }
        if waits {
            environment.options.exports = exports.known;
        }
    }
    environments
}

/// What all templates together gave.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) findings: Vec<Finding>,
    pub(crate) suppressed: Vec<Suppressed>,
    pub(crate) unjudged: Vec<Unjudged>,
    pub(crate) sources: Sources,
    /// The templates that were judged.
    pub(crate) files: Vec<Arc<str>>,
    /// What holds in some environments only.
    pub(crate) only_in: OnlyIn,
    /// The parameters of all templates.
    pub(crate) parameters: BTreeSet<Arc<str>>,
}

/// One way to settle the parameters.
pub(crate) struct Environment {
    name: Option<Arc<str>>,
    pub(super) options: Options,
}

/// The environments that were named; without any, one that has no name.
pub(crate) fn environments(arguments: &Check) -> anyhow::Result<Vec<Environment>> {
    let reading = &arguments.reading;
    if arguments.environments.is_empty() {
        return Ok(vec![Environment { name: None, options: parameters::options(reading)? }]);
    }
    let mut seen = BTreeSet::new();
    if let Some((name, _)) = arguments.environments.iter().find(|(name, _)| !seen.insert(name)) {
        return Err(face::sentence(format!("the environment `{name}` stands twice"), "give each a name of its own"));
    }
    let named = arguments.environments.iter().map(|(name, file)| {
        let options = parameters::options_for(reading, Some((name, file)))?;
        Ok(Environment { name: Some(name.as_str().into()), options })
    });
    named.collect()
}

/// Judges all templates.
pub(crate) fn gather(
    files: &[PathBuf],
    mut environments: Vec<Environment>,
    settings: &Settings,
    unreadable: &mut Vec<Unreadable>,
) -> Gathered {
    let progress = progress(files.len());
    let mut gathered = Gathered::default();
    let mut results: Vec<Option<One>> = Vec::with_capacity(files.len());
    let mut later = Vec::new();
    let mut exports = vec![Exports::default(); environments.len()];
    for (index, file) in files.iter().enumerate() {
        let one = look(file, &environments, settings, &mut exports);
        if matches!(&one, Ok(Look::Later)) {
            later.push(index);
        }
        results.push(note(one, unreadable, &progress));
    }
    for (environment, exports) in environments.iter_mut().zip(exports) {
        environment.options.exports = exports.known;
    }
    for index in later {
        let Some((file, place)) = files.get(index).zip(results.get_mut(index)) else { continue };
        let one = judged(file, &environments, settings).map(Look::Judged);
        *place = note(one, unreadable, &progress);
    }
    results.into_iter().flatten().for_each(|one| gathered.add(one));
    progress.finish_and_clear();
    gathered
}

enum Look {
    Judged(One),
    Later,
}

fn note(look: Result<Look, Unreadable>, unreadable: &mut Vec<Unreadable>, progress: &ProgressBar) -> Option<One> {
    match look {
        Ok(Look::Later) => return None,
        Ok(Look::Judged(one)) => {
            progress.inc(1);
            return Some(one);
        }
        Err(one) => unreadable.push(one),
    }
    progress.inc(1);
    None
}

/// What one template gave in all environments.
#[derive(Default)]
struct One {
    file: Arc<str>,
    findings: Vec<(Finding, Vec<Arc<str>>)>,
    suppressed: Vec<Suppressed>,
    unjudged: Vec<Unjudged>,
    sources: Sources,
    parameters: Vec<Arc<str>>,
    environments: usize,
}

/// Reads a template in every environment and judges it, unless it has to wait for what others export.
fn look(
    file: &Path,
    environments: &[Environment],
    settings: &Settings,
    exports: &mut [Exports],
) -> Result<Look, Unreadable> {
    let mut one = One::default();
    let mut waits = false;
    for (environment, exports) in environments.iter().zip(exports) {
        let project = open(file, environment)?;
        exports.take(&project.app);
        waits |= imports(&project);
        if !waits {
            one.add(project, environment, settings);
        }
    }
    Ok(if waits { Look::Later } else { Look::Judged(one) })
}

/// Whether the template may ask for what others export.
fn imports(project: &Project) -> bool {
    project.texts.values().any(|text| text.contains("ImportValue"))
}

fn judged(file: &Path, environments: &[Environment], settings: &Settings) -> Result<One, Unreadable> {
    let mut one = One::default();
    for environment in environments {
        one.add(open(file, environment)?, environment, settings);
    }
    Ok(one)
}

fn open(file: &Path, environment: &Environment) -> Result<Project, Unreadable> {
    project::open(file, &environment.options).map_err(|mut fault| {
        if let Some(name) = &environment.name {
            fault.what.extend([" (in `", name, "`)"]);
        }
        fault
    })
}

impl One {
    fn add(&mut self, project: Project, environment: &Environment, settings: &Settings) {
        let mut judged = judge(&project.app, &settings.selection, &settings.context);
        write_fixes(&project, &mut judged);
        settings.apply(&mut judged);
        self.file = project.app.file.clone();
        self.parameters.extend(project.app.parameters.iter().map(|parameter| parameter.name.clone()));
        self.sources.extend(project.texts);
        self.environments += 1;
        self.merge(judged, environment.name.as_ref());
    }

    /// What was found before is not told twice; where environments differ in how bad it is, the worst counts.
    fn merge(&mut self, judged: Judged, environment: Option<&Arc<str>>) {
        if self.environments == 1 {
            self.findings =
                judged.findings.into_iter().map(|one| (one, environment.cloned().into_iter().collect())).collect();
            self.suppressed = judged.suppressed;
            self.unjudged = judged.unjudged;
            return;
        }
        let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, (finding, _)) in self.findings.iter().enumerate() {
            places.entry(identity(finding)).or_default().push(index);
        }
        for finding in judged.findings {
            // The same fault may stand twice: the first of now is the first of then.
            let of_then = places.get_mut(&identity(&finding)).filter(|places| !places.is_empty());
            match of_then.map(|places| places.remove(0)).and_then(|index| self.findings.get_mut(index)) {
                Some((known, environments)) => {
                    environments.extend(environment.cloned());
                    if finding.severity > known.severity {
                        *known = finding;
                    }
                }
                None => self.findings.push((finding, environment.cloned().into_iter().collect())),
            }
        }
        let known: BTreeSet<String> = self.suppressed.iter().map(|one| identity(&one.finding)).collect();
        self.suppressed.extend(judged.suppressed.into_iter().filter(|one| !known.contains(&identity(&one.finding))));
        self.unjudged.extend(judged.unjudged);
        self.unjudged.sort_by(|one, other| (&one.span, &one.code, one).cmp(&(&other.span, &other.code, other)));
        self.unjudged.dedup();
        self.findings.sort_by(|(one, _), (other, _)| {
            (std::cmp::Reverse(one.severity), &one.span).cmp(&(std::cmp::Reverse(other.severity), &other.span))
        });
    }
}

impl Gathered {
    fn add(&mut self, one: One) {
        for (finding, environments) in one.findings {
            if environments.len() < one.environments && !environments.is_empty() {
                self.only_in.insert(identity(&finding), environments);
            }
            self.findings.push(finding);
        }
        self.suppressed.extend(one.suppressed);
        self.unjudged.extend(one.unjudged);
        self.sources.extend(one.sources);
        self.parameters.extend(one.parameters);
        self.files.push(one.file);
    }
}

/// What the templates of a run export in one environment.
#[derive(Clone, Default)]
struct Exports {
    known: BTreeMap<String, Export>,
}

impl Exports {
    fn take(&mut self, app: &App) {
        for output in &app.outputs {
            let name = output.export.as_ref().and_then(|export| export.value.known());
            let (Some(name), Some(value)) = (name, output.value.text()) else { continue };
            let export = Export { value: value.clone(), file: app.file.clone() };
            let known = self.known.entry(name.clone()).or_insert_with(|| export.clone());
            // Two stacks of one name in two regions: which one is meant cannot be told.
            if known.file != export.file && known.value != export.value {
                known.value = Value::Unknown(format!("`{}` exports the same name", export.file).into());
            }
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
