//! This run beside earlier ones: the baseline that it is compared with, and the register that it is written into.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use brigandine_model::{Finding, LogicalId};
use brigandine_report::{Gone, Past, fingerprint, identity};

use super::{
    gather::Gathered,
    register::{Baseline, Entry, Known, Names, Register, Seen},
    settings::Settings,
};
use crate::face;

/// What earlier runs left, read before anything is judged, so that a wrong file costs no time.
pub(crate) struct History {
    baseline: Option<(PathBuf, Baseline)>,
    register: Option<(PathBuf, Register)>,
}

impl History {
    pub(crate) fn read(settings: &Settings) -> anyhow::Result<Self> {
        let baseline =
            settings.baseline.as_ref().map(|file| Ok::<_, anyhow::Error>((file.clone(), Baseline::read(file)?)));
        let register =
            settings.register.as_ref().map(|file| Ok::<_, anyhow::Error>((file.clone(), Register::read(file)?)));
        Ok(Self { baseline: baseline.transpose()?, register: register.transpose()? })
    }

    /// Takes what the register accepts out of the findings, and brings the register up to date. Says in one line how it stands.
    pub(crate) fn keep(&mut self, gathered: &mut Gathered, settings: &Settings) -> anyhow::Result<()> {
        let Some((file, register)) = &mut self.register else { return Ok(()) };
        let today = settings.context.today;
        let before = register.clone();
        let names = Names::beside(file);
        let accepted = register.accept(file, &names, &mut gathered.findings, today);
        gathered.suppressed.extend(accepted);
        let scope = Scope::new(file, &names, gathered);
        let judged =
            |entry: &Entry| scope.judged(entry) && settings.selection.asks(&entry.code) || scope.is_deleted(entry);
        let seen = Seen { findings: &gathered.findings, suppressed: &gathered.suppressed, judged: &judged, today };
        let change = register.update(&names, &seen);
        register.write(file, &before)?;
        for entry in register.came_back(today) {
            face::say(&face::harmless(&format!("came back: {} {}: {}", entry.code, entry.file, entry.title)));
        }
        face::say(&register.summary(&change, today));
        Ok(())
    }

    /// This run as compared with the baseline, where there is one.
    pub(crate) fn compare(&self, gathered: &Gathered, settings: &Settings) -> Option<Past> {
        let (file, baseline) = self.baseline.as_ref()?;
        let then: BTreeSet<(String, &str)> = baseline
            .known()
            .map(|known| (known.file.clone().unwrap_or_default(), known.fingerprint.as_str()))
            .collect();
        let names = Names::beside(file);
        let all = || gathered.findings.iter().chain(gathered.suppressed.iter().map(|one| &one.finding));
        let mut now = BTreeSet::new();
        let mut known = BTreeSet::new();
        for finding in all() {
            let print = fingerprint(finding);
            for name in both_names(finding, &names) {
                if then.contains(&(name.clone(), print.as_str())) {
                    known.insert(identity(finding));
                }
                now.insert((name, print.clone()));
            }
        }
        let judged: BTreeSet<String> =
            gathered.files.iter().flat_map(|name| [names.of(name), name.to_string()]).collect();
        let is_gone = |one: &&Known| {
            let name = one.file.clone().unwrap_or_default();
            judged.contains(&name)
                && settings.selection.asks(&one.code)
                && !now.contains(&(name, one.fingerprint.clone()))
        };
        Some(Past { known, gone: baseline.known().filter(is_gone).map(gone).collect() })
    }
}

/// A template's names in a baseline: as seen from the file, and as it was named in the run.
fn both_names(finding: &Finding, names: &Names) -> [String; 2] {
    let name = finding.span.as_ref().map_or("", |span| &*span.file);
    [names.of(name), name.to_owned()]
}

fn gone(known: &Known) -> Gone {
    Gone {
        code: known.code.clone(),
        title: known.title.clone(),
        file: known.file.clone().unwrap_or_default(),
        resource: known.resource.clone(),
        fingerprint: known.fingerprint.clone(),
    }
}

/// What a run could tell of the entries of a register: the absence of a finding means something only where its template was judged
/// and its rule could tell of its resource.
struct Scope<'a> {
    folder: PathBuf,
    judged: BTreeSet<String>,
    /// File, rule and resource of what could not be told; without rule or resource it may be about any.
    open: BTreeSet<(String, Option<&'a str>, Option<&'a str>)>,
}

impl<'a> Scope<'a> {
    fn new(register: &Path, names: &Names, gathered: &'a Gathered) -> Self {
        let open = gathered.unjudged.iter().map(|one| {
            let file = one.span.as_ref().map_or("", |span| &*span.file);
            (names.of(file), one.code.as_deref(), one.resource.as_ref().map(LogicalId::as_str))
        });
        Self {
            folder: register.parent().map(Path::to_owned).unwrap_or_default(),
            judged: gathered.files.iter().map(|file| names.of(file)).collect(),
            open: open.collect(),
        }
    }

    fn judged(&self, entry: &Entry) -> bool {
        let (code, resource) = (Some(entry.code.as_str()), entry.resource.as_deref());
        let about = [(code, resource), (code, None), (None, resource), (None, None)];
        let is_open = |(code, resource)| self.open.contains(&(entry.file.clone(), code, resource));
        self.judged.contains(&entry.file) && !about.into_iter().any(is_open)
    }

    /// Whether the template of an entry is no more.
    fn is_deleted(&self, entry: &Entry) -> bool {
        !self.folder.join(&entry.file).exists()
    }
}
