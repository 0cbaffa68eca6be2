//! What the statements of a role allow, among the actions that a rule asks about.

use std::{cell::LazyCell, collections::BTreeSet};

use brigandine_iam::ActionPattern;
use brigandine_model::{App, Effect, Fact, Finding, Judgement, Role, Statement};

use crate::{
    Sink,
    case::{ask_text, both, is, may_hold, texts},
    narrow,
    place::Places,
    role::{Holder, covers_kind, is_inverted, is_narrowed},
    rules::any_action_any_resource,
};

/// Services with the actions of theirs that matter to a rule.
pub(crate) type Wanted = &'static [(&'static str, &'static [&'static str])];

/// One action as a statement writes it, with the first wanted one that it means.
pub(crate) struct Right<'a> {
    pub(crate) statement: &'a Statement,
    /// The action as written.
    pub(crate) written: &'a Fact<String>,
    /// Its text, in the case that holds.
    pub(crate) text: String,
    pub(crate) service: &'static str,
    pub(crate) name: &'static str,
    /// In which cases it is allowed at all.
    pub(crate) holds: Judgement,
}

impl Right<'_> {
    /// In which cases it is allowed on every resource of its service, or on every one of a kind, without a condition on
    /// what is touched.
    pub(crate) fn on_every_resource(&self) -> Judgement {
        if is_narrowed(self.statement) {
            return Judgement::No;
        }
        both(self.holds.clone(), covers_kind(self.statement, self.service))
    }

    /// Whether it is written as everything a service has.
    pub(crate) fn is_service_wide(&self) -> bool {
        self.text.parse::<ActionPattern>().is_ok_and(|pattern| pattern.is_service_wide())
    }
}

/// The statements of a role that allow by naming, and are not everything on everything: that has a rule of its own, and so
/// has what is said by leaving out.
pub(crate) fn allowing(role: &Role) -> impl Iterator<Item = (&Statement, Judgement)> {
    role.statements.iter().filter(|statement| !is_inverted(statement)).filter_map(|statement| {
        let allows = is(&statement.effect, &Effect::Allow);
        (may_hold(&allows) && !may_hold(&any_action_any_resource::judge(statement))).then_some((statement, allows))
    })
}

/// What the role allows of the wanted actions: at most one right for each action as written.
pub(crate) fn rights<'a>(holder: &Holder<'a>, wanted: Wanted) -> Vec<Right<'a>> {
    let mut found = Vec::new();
    for (statement, allows) in allowing(holder.role) {
        found.extend(
            statement.actions.iter().filter_map(|written| right(holder, (statement, &allows), written, wanted)),
        );
    }
    found
}

/// A rule about rights on every resource of a kind.
pub(crate) struct WideRight {
    pub(crate) wanted: Wanted,
    /// What could not be judged of whoever has this name.
    pub(crate) asked: fn(&str) -> String,
    /// Whether another rule speaks of the right.
    pub(crate) is_told: fn(&Holder<'_>, &Right<'_>) -> bool,
    /// The finding, but for its fix.
    pub(crate) finding: fn(&Holder<'_>, &Right<'_>, &Judgement, &Sink) -> Finding,
}

impl WideRight {
    /// Asks it of every role. One statement is one cause, whatever it writes; the same parameter in many roles is one open
    /// question.
    pub(crate) fn check(&self, app: &App, sink: &mut Sink) {
        let places = LazyCell::new(|| Places::of(app));
        let mut open = BTreeSet::new();
        for holder in Holder::all(app) {
            let mut told: Vec<(*const Statement, &str)> = Vec::new();
            for right in rights(&holder, self.wanted) {
                let cause = (std::ptr::from_ref(right.statement), right.service);
                if told.contains(&cause) || (self.is_told)(&holder, &right) {
                    continue;
                }
                match right.on_every_resource() {
                    Judgement::CannotTell(why) if open.contains(&why) => {}
                    Judgement::CannotTell(why) => {
                        let place = (&holder.resource(), &right.statement.provenance);
                        sink.cannot_tell(&(self.asked)(&holder.names()), &why, place);
                        open.insert(why);
                    }
                    holds if may_hold(&holds) => {
                        told.push(cause);
                        let fix = narrow::to_what_is_named(&holder, right.statement, &places);
                        let finding = (self.finding)(&holder, &right, &holds, sink);
                        sink.finding(Finding { fix, ..finding });
                    }
                    _ => {}
                }
            }
        }
    }
}

fn right<'a>(
    holder: &Holder<'a>,
    (statement, allows): (&'a Statement, &Judgement),
    written: &'a Fact<String>,
    wanted: Wanted,
) -> Option<Right<'a>> {
    for text in texts(&written.value) {
        let Some((service, name)) = meant(&text, wanted, |service, name| !holder.denials().take_away(service, name))
        else {
            continue;
        };
        let holds = both(allows.clone(), ask_text(&written.value, &|one| one == text));
        return Some(Right { statement, written, text, service, name, holds });
    }
    None
}

/// The first wanted action that the text means.
fn meant(text: &str, wanted: Wanted, counts: impl Fn(&str, &str) -> bool) -> Option<(&'static str, &'static str)> {
    let service = text.split(':').next().unwrap_or(text);
    let open = service.contains(['*', '?']);
    if !open && !wanted.iter().any(|(own, _)| own.eq_ignore_ascii_case(service)) {
        return None;
    }
    let pattern: ActionPattern = text.parse().ok()?;
    let all = wanted.iter().flat_map(|(service, names)| names.iter().map(move |name| (*service, *name)));
    all.into_iter().find(|(service, name)| pattern.matches(service, name) && counts(service, name))
}
