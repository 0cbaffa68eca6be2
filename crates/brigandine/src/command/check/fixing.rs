//! `--diff` and `--fix`: fixes go into the text one by one. After each, everything is judged again, and a fix that leaves
//! its finding or brings another is taken back.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::Arc,
};

use brigandine_model::{App, Applicability, Change, Finding, Span};
use brigandine_rules::{Outcome as Judged, judge};
use brigandine_template::fix::{Written, apply};

use super::{
    gather::{Environment, Gathered},
    harden,
    overwrite::overwrite,
    settings::Settings,
};
use crate::{
    arguments::Check,
    face,
    project::{self, Unreadable},
};

/// Most fixes tried in one template, and most bytes of it judged again.
const MOST_TRIES: usize = 2_000;
const MOST_JUDGED: usize = 256 * 1024 * 1024;

/// The profile that is a wish for more than the absence of findings.
const LAUNCH_DAY: &str = "launch-day";

/// Does what `--diff` or `--fix` ask, and gives what is left. What cannot be read or written is added to `unreadable`.
pub(super) fn run(
    files: &[PathBuf],
    environments: &[Environment],
    (arguments, settings): (&Check, &Settings),
    unreadable: &mut Vec<Unreadable>,
) -> anyhow::Result<Gathered> {
    let mut left = Gathered::default();
    let mut tally = Tally::default();
    let harden = arguments.profile.as_deref() == Some(LAUNCH_DAY);
    for file in files {
        let bench = Bench { file, environments, settings };
        let fixed =
            project::read_bounded(file).map_err(|error| Unreadable::new(file, error.to_string())).and_then(|bytes| {
                let mut work = Work::begin(&bench, bytes)?;
                work.fix(arguments.fixing.unsafe_fixes);
                if harden {
                    work.harden();
                }
                Ok(work)
            });
        match fixed {
            Ok(work) => {
                if arguments.fixing.diff {
                    face::result(&work.difference())?;
                } else if let Err(fault) = work.write() {
                    unreadable.push(fault);
                    continue;
                }
                tally.add(&work);
                left.findings.extend(work.now.judged.findings);
                left.unjudged.extend(work.now.judged.unjudged);
            }
            // After `--fix` the templates are read once more, and faults are told then.
            Err(fault) if arguments.fixing.diff => unreadable.push(fault),
            Err(_) => {}
        }
    }
    tally.tell(arguments.fixing.diff, left.findings.len());
    Ok(left)
}

/// What a template is judged with.
struct Bench<'a> {
    file: &'a Path,
    environments: &'a [Environment],
    settings: &'a Settings,
}

impl Bench<'_> {
    /// A text as judged in every environment.
    fn look(&self, text: &str) -> Result<State, Unreadable> {
        let mut state = State { text: text.to_owned(), apps: Vec::new(), judged: Judged::default() };
        for environment in self.environments {
            let project = project::open_bytes(self.file, text.as_bytes(), &environment.options)?;
            let mut judged = judge(&project.app, &self.settings.selection, &self.settings.context);
            self.settings.apply(&mut judged);
            state.judged.findings.append(&mut judged.findings);
            state.judged.suppressed.append(&mut judged.suppressed);
            state.judged.unjudged.append(&mut judged.unjudged);
            state.apps.push(project.app);
        }
        Ok(state)
    }
}

/// A text and what was found in it.
struct State {
    text: String,
    /// What it describes, once for each environment.
    apps: Vec<App>,
    judged: Judged,
}

/// What makes a finding the same one after the text has changed.
type Key = (Arc<str>, Option<String>, String);

fn key(finding: &Finding) -> Key {
    (finding.code.clone(), finding.resource.as_ref().map(ToString::to_string), finding.fact.clone())
}

impl State {
    fn counts(&self) -> BTreeMap<Key, usize> {
        let mut counts = BTreeMap::new();
        for finding in &self.judged.findings {
            *counts.entry(key(finding)).or_default() += 1;
        }
        counts
    }

    fn open_questions(&self, code: &str) -> usize {
        self.judged.unjudged.iter().filter(|one| one.code.as_deref() == Some(code)).count()
    }

    /// A finding of a rule that finds more here than in the other text. What a rule says of one resource may pass on to the
    /// next when the first is seen to.
    fn more_since(&self, before: &Self) -> Option<&Finding> {
        let count = |state: &Self, code: &str| state.judged.findings.iter().filter(|one| &*one.code == code).count();
        self.judged.findings.iter().find(|finding| count(self, &finding.code) > count(before, &finding.code))
    }

    /// A finding that this text has and the other has not.
    fn new_since(&self, before: &Self) -> Option<&Finding> {
        let known = before.counts();
        let now = self.counts();
        self.judged.findings.iter().find(|finding| {
            let key = key(finding);
            now.get(&key) > known.get(&key) && !self.remains_of(finding, before)
        })
    }

    /// Whether the finding is what is left: the same fact, told of one resource less, or by a milder rule.
    fn remains_of(&self, finding: &Finding, before: &Self) -> bool {
        let worse = |other: &Finding| other.code != finding.code && other.severity >= finding.severity;
        let same = |other: &Finding| (&other.fact, &other.resource) == (&finding.fact, &finding.resource);
        let was_worse = |other: &Finding| {
            worse(other) && same(other) && !self.judged.findings.iter().any(|one| key(one) == key(other))
        };
        if before.judged.findings.iter().any(was_worse) {
            return true;
        }
        let alike = |other: &&Finding| (&other.code, &other.fact) == (&finding.code, &finding.fact);
        let of = |state: &'_ Self| state.judged.findings.iter().filter(alike).count();
        let named = |other: &Finding| finding.resource.as_ref().is_some_and(|id| other.also.contains(id));
        of(self) <= of(before) && before.judged.findings.iter().filter(alike).any(named)
    }
}

/// One template under repair.
struct Work<'a> {
    bench: &'a Bench<'a>,
    before: String,
    now: State,
    secrets: BTreeSet<String>,
    fixed: usize,
    hardened: usize,
    dropped: Vec<String>,
    notes: Vec<String>,
}

impl<'a> Work<'a> {
    fn begin(bench: &'a Bench<'a>, bytes: Vec<u8>) -> Result<Self, Unreadable> {
        let before = String::from_utf8(bytes)
            .map_err(|_| Unreadable::new(bench.file, "the file is not UTF-8 text and cannot be fixed"))?;
        let now = bench.look(&before)?;
        let secrets = secrets(&now, bench.file);
        Ok(Self { bench, before, now, secrets, fixed: 0, hardened: 0, dropped: Vec::new(), notes: Vec::new() })
    }

    /// Applies every fix that holds. What another finding stood in the way of is tried again once others are gone.
    fn fix(&mut self, unsafe_too: bool) {
        let mut rounds = 0;
        loop {
            let fixed = self.fixed;
            self.dropped.clear();
            self.pass(unsafe_too, &mut rounds);
            if self.fixed == fixed || self.dropped.is_empty() {
                return;
            }
        }
    }

    /// Tries every fix once.
    fn pass(&mut self, unsafe_too: bool, rounds: &mut usize) {
        let mut tried = BTreeSet::new();
        loop {
            let wanted = |finding: &&Finding| {
                let fix = finding.fix.as_ref();
                let is_asked = fix.is_some_and(|fix| unsafe_too || fix.applicability == Applicability::Safe);
                is_asked && !tried.contains(&key(finding))
            };
            let Some(finding) = self.now.judged.findings.iter().find(wanted).cloned() else { return };
            *rounds += 1;
            if *rounds > MOST_TRIES || *rounds * self.now.text.len() > MOST_JUDGED {
                return self.dropped.push(format!("{} and what follows: too many fixes for one run", finding.code));
            }
            let changes = finding.fix.as_ref().map(|fix| fix.changes.clone()).unwrap_or_default();
            match self.after(&changes).and_then(|after| accepted(&finding, &self.now, after)) {
                Ok(after) => {
                    self.now = after;
                    self.fixed += 1;
                }
                Err(why) => {
                    let whose = finding.resource.as_ref().map_or(String::new(), |id| format!(" on `{id}`"));
                    self.dropped.push(format!("{}{whose}: {why}", finding.code));
                    tried.insert(key(&finding));
                }
            }
        }
    }

    /// Adds what a launch needs beyond the absence of findings.
    fn harden(&mut self) {
        let mut done = BTreeSet::new();
        loop {
            let Some(app) = self.now.apps.first() else { return };
            let plan = harden::plan(app);
            self.notes = plan.notes;
            let Some(step) = next(plan.steps, app, &mut done) else { return };
            let after = self.after(&step.changes).and_then(|after| match after.more_since(&self.now) {
                Some(new) => Err(format!("it brings {}: {}", new.code, new.title)),
                None => Ok(after),
            });
            match after {
                Ok(after) => {
                    self.now = after;
                    self.hardened += 1;
                }
                Err(why) => self.dropped.push(format!("{}: {why}", step.title)),
            }
        }
    }

    /// The text with these changes, judged.
    fn after(&self, changes: &[Change]) -> Result<State, String> {
        let file = self.bench.file.display().to_string();
        let edits = Written::read(&file, self.now.text.as_bytes())
            .and_then(|written| written.edits(changes))
            .map_err(|error| error.to_string())?;
        if edits.is_empty() {
            return Err("it changes nothing".to_owned());
        }
        let text = apply(&self.now.text, &edits);
        self.bench.look(&text).map_err(|fault| format!("the template could not be read after it: {}", fault.what))
    }

    /// What changed, as a patch; secrets that were found are not told.
    fn difference(&self) -> String {
        if self.before == self.now.text {
            return String::new();
        }
        let name = self.bench.file.display().to_string();
        let name = name.strip_prefix('/').unwrap_or(&name);
        let diff = similar::TextDiff::from_lines(&self.before, &self.now.text);
        let patch =
            diff.unified_diff().context_radius(3).header(&format!("a/{name}"), &format!("b/{name}")).to_string();
        let told = self.secrets.iter().fold(patch.clone(), |patch, secret| patch.replace(secret.as_str(), "***"));
        if told != patch {
            face::say(&format!(
                "{}: secrets are hidden in the difference, so it is no patch",
                self.bench.file.display()
            ));
        }
        if std::io::stdout().is_terminal() { coloured(&told) } else { told }
    }

    fn write(&self) -> Result<(), Unreadable> {
        if self.before == self.now.text {
            return Ok(());
        }
        overwrite(self.bench.file, self.before.as_bytes(), self.now.text.as_bytes())
            .map_err(|error| Unreadable::new(self.bench.file, error.to_string()))
    }
}

/// The first step that was not tried and can be.
fn next(steps: Vec<harden::Step>, app: &App, done: &mut BTreeSet<String>) -> Option<harden::Step> {
    steps.into_iter().find(|step| step.holds(app) && done.insert(step.title.clone()))
}

/// The text after a fix, when its finding is gone, none came, and no question is open that was not.
fn accepted(finding: &Finding, before: &State, after: State) -> Result<State, String> {
    let count = |state: &State| state.counts().get(&key(finding)).copied().unwrap_or_default();
    if count(&after) >= count(before) {
        return Err("the finding stays".to_owned());
    }
    if let Some(new) = after.new_since(before) {
        return Err(format!("it brings {}: {}", new.code, new.title));
    }
    if after.open_questions(&finding.code) > before.open_questions(&finding.code) {
        return Err("what was found can no longer be judged after it".to_owned());
    }
    Ok(after)
}

/// Lines of secrets that were found, which nothing may show.
fn secrets(state: &State, file: &Path) -> BTreeSet<String> {
    let file = file.display().to_string();
    let suppressed = state.judged.suppressed.iter().map(|one| &one.finding);
    let spans = state.judged.findings.iter().chain(suppressed).flat_map(|finding| &finding.secrets);
    let text = |span: &Span| (*span.file == *file).then(|| state.text.get(span.start..span.end)).flatten();
    let lines = spans.filter_map(text).flat_map(str::lines);
    let words = lines.map(|line| line.trim().trim_matches(['"', '\'']));
    words.filter(|word| word.len() >= SHORTEST_SECRET).map(str::to_owned).collect()
}

/// A shorter secret is a common word more often than not.
const SHORTEST_SECRET: usize = 4;

fn coloured(patch: &str) -> String {
    let (added, removed) = (anstyle::AnsiColor::Green.on_default(), anstyle::AnsiColor::Red.on_default());
    let line = |line: &str| {
        let words = face::harmless(line);
        match line.as_bytes().first() {
            Some(b'+') => format!("{added}{words}{added:#}\n"),
            Some(b'-') => format!("{removed}{words}{removed:#}\n"),
            _ => format!("{words}\n"),
        }
    };
    patch.lines().map(line).collect()
}

/// What all templates together came to.
#[derive(Default)]
struct Tally {
    fixed: usize,
    hardened: usize,
    dropped: Vec<String>,
    notes: Vec<String>,
}

impl Tally {
    fn add(&mut self, work: &Work<'_>) {
        let file = work.bench.file.display();
        self.fixed += work.fixed;
        self.hardened += work.hardened;
        self.dropped.extend(work.dropped.iter().map(|why| format!("{file}: not fixed: {why}")));
        self.notes.extend(work.notes.iter().map(|note| format!("{file}: {note}")));
    }

    fn tell(&self, only_shown: bool, left: usize) {
        for line in self.dropped.iter().chain(&self.notes) {
            face::say(&face::harmless(line));
        }
        let (fixed, stay) = if only_shown { ("would fix", "would leave") } else { ("fixed", "left") };
        let hardened = match (self.hardened, only_shown) {
            (0, _) => String::new(),
            (count, true) => format!(", would harden in {count} places"),
            (count, false) => format!(", hardened in {count} places"),
        };
        let dropped = self.dropped.len();
        face::say(&format!("{fixed} {}{hardened}, {stay} {left}, dropped {dropped}", self.fixed));
    }
}
