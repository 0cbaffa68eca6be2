//! This run beside earlier ones: the baseline that it is compared with, and the register that it is written into.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use brigandine_model::Finding;
use brigandine_report::{Gone, Past, fingerprint, identity};

use super::{
    gather::Gathered,
    register::{Baseline, Entry, Known, Register, Seen, seen_from},
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
        let accepted = register.accept(file, &mut gathered.findings, today);
        gathered.suppressed.extend(accepted);
        let judged = |entry: &Entry| is_judged(file, entry, gathered, settings);
        let seen = Seen { findings: &gathered.findings, suppressed: &gathered.suppressed, judged: &judged, today };
        let change = register.update(file, &seen);
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
        let all = || gathered.findings.iter().chain(gathered.suppressed.iter().map(|one| &one.finding));
        let mut now = BTreeSet::new();
        let mut known = BTreeSet::new();
        for finding in all() {
            let print = fingerprint(finding);
            for name in names(finding, file) {
                if then.contains(&(name.clone(), print.as_str())) {
                    known.insert(identity(finding));
                }
                now.insert((name, print.clone()));
            }
        }
        let judged: BTreeSet<String> =
            gathered.files.iter().flat_map(|name| [seen_from(file, name), name.to_string()]).collect();
        let is_gone = |one: &&Known| {
            let name = one.file.clone().unwrap_or_default();
            judged.contains(&name)
                && settings.selection.asks(&one.code)
                && !now.contains(&(name, one.fingerprint.clone()))
        };
        Some(Past { known, gone: baseline.known().filter(is_gone).map(gone).collect() })
    }
}

/// A template's names in a baseline: as it was named then from the same folder, and as seen from the file.
fn names(finding: &Finding, baseline: &Path) -> [String; 2] {
    let name = finding.span.as_ref().map_or("", |span| &*span.file);
    [seen_from(baseline, name), name.to_owned()]
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

/// Whether the absence of an entry means that it was fixed: its template was judged by its rule, which could tell of its resource;
/// or its template is no more.
fn is_judged(register: &Path, entry: &Entry, gathered: &Gathered, settings: &Settings) -> bool {
    let folder = register.parent().unwrap_or(Path::new(""));
    if !folder.join(&entry.file).exists() {
        return true;
    }
    let was_judged = gathered.files.iter().any(|file| seen_from(register, file) == entry.file);
    let open = gathered.unjudged.iter().any(|one| {
        let file = one.span.as_ref().map_or("", |span| &*span.file);
        one.code.as_deref().is_none_or(|code| code == entry.code)
            && one.resource.as_ref().is_none_or(|id| Some(id.as_str()) == entry.resource.as_deref())
            && seen_from(register, file) == entry.file
    });
    was_judged && !open && settings.selection.asks(&entry.code)
}
