//! The way of an attacker: from the internet through a door that asks nothing to what a fault opens.

use std::{
    cell::{OnceCell, RefCell},
    collections::BTreeMap,
};

use brigandine_model::{
    ApiStyle, App, Finding, Function, Judgement, LogicalId, Practice, Role, Route, Severity, Span, Step, Via,
};

use crate::{
    case::{may_hold, when},
    door::is_open,
    radius,
};

/// More stores than this make a way no clearer.
const MOST_STORES: usize = 3;

/// The ways into one application.
pub(crate) struct Paths<'a> {
    app: &'a App,
    /// The first open route to each function.
    doors: BTreeMap<&'a LogicalId, (&'a Route, Judgement)>,
    /// Every open route, by where it is declared.
    places: BTreeMap<(usize, usize), Vec<(&'a Route, Judgement)>>,
    /// What each role gets to, for the end of a way.
    ends: RefCell<BTreeMap<&'a LogicalId, Vec<Step>>>,
    things: OnceCell<Vec<radius::Thing<'a>>>,
}

impl<'a> Paths<'a> {
    /// Looks at every door once.
    pub(crate) fn of(app: &'a App) -> Self {
        let mut paths = Self {
            app,
            doors: BTreeMap::new(),
            places: BTreeMap::new(),
            ends: RefCell::default(),
            things: OnceCell::new(),
        };
        for route in &app.routes {
            let open = is_open(app, route);
            if !may_hold(&open) {
                continue;
            }
            if let Some(span) = &route.provenance.span {
                paths.places.entry((span.start, span.end)).or_default().push((route, open.clone()));
            }
            if let Some(function) = &route.function {
                paths.doors.entry(function).or_insert((route, open));
            }
        }
        paths
    }

    /// Fills in the way to what the finding is about, where there is one and it matters.
    pub(crate) fn fill(&self, finding: &mut Finding) {
        if finding.severity < Severity::Medium || !finding.path.is_empty() || !leads_an_attacker(finding.practice) {
            return;
        }
        if let Some(steps) = self.way_to(finding) {
            finding.path = steps;
        }
    }

    fn way_to(&self, finding: &Finding) -> Option<Vec<Step>> {
        let ((route, open), function) = self.entrance(finding)?;
        let mut steps = vec![door_step(self.app, route, open)];
        let Some(function) = function else { return Some(steps) };
        steps.push(Step {
            span: function.provenance.span.clone(),
            words: format!("the request runs `{}`", function.id),
        });
        let role = function.role.as_ref().and_then(|id| self.app.role(id));
        let is_about_the_door = finding.practice == Practice::ApisAndEvents;
        match role {
            Some(role) if finding.practice == Practice::LeastPrivilege => {
                steps.push(role_step(role, function));
                steps.push(end_step(finding));
            }
            Some(role) if is_about_the_door => steps.extend(self.ends_of(role, function)),
            _ if is_about_the_door => {}
            _ => steps.push(end_step(finding)),
        }
        Some(steps)
    }

    /// The open route through which the finding's function is reached: the very one that the finding is about, or the first.
    fn entrance(&self, finding: &Finding) -> Option<(&(&'a Route, Judgement), Option<&'a Function>)> {
        if let Some(found) = finding.span.as_ref().and_then(|span| self.at(span, &finding.fact)) {
            return Some((found, found.0.function.as_ref().and_then(|id| self.app.function(id))));
        }
        let function = self.functions(finding).into_iter().find(|function| self.doors.contains_key(&function.id))?;
        Some((self.doors.get(&function.id)?, Some(function)))
    }

    /// The open route that is declared here; several are told apart by the path that the finding speaks of.
    fn at(&self, span: &Span, fact: &str) -> Option<&(&'a Route, Judgement)> {
        let here = self.places.get(&(span.start, span.end))?;
        let same_file = |found: &&(&Route, Judgement)| found.0.provenance.span.as_ref() == Some(span);
        let spoken_of = |found: &&(&Route, Judgement)| fact.ends_with(&*found.0.path);
        here.iter().filter(same_file).find(spoken_of).or_else(|| here.iter().find(same_file))
    }

    /// The functions that the finding is about: by name, by their role, or by what they imply.
    fn functions(&self, finding: &Finding) -> Vec<&'a Function> {
        let mut found = Vec::new();
        for id in finding.resource.iter().chain(&finding.also) {
            let owner = self.app.resources.get(id).and_then(|resource| resource.implied_by.as_ref());
            found.extend(self.app.function(id).or_else(|| self.app.function(owner?)));
            if let Some(role) = self.app.role(id) {
                found.extend(self.app.functions_with_role(&role.id));
            }
        }
        found
    }

    /// The stores and secrets that stand open once the function is broken into.
    fn ends_of(&self, role: &'a Role, function: &Function) -> Vec<Step> {
        let mut ends = self.ends.borrow_mut();
        let stores = ends.entry(&role.id).or_insert_with(|| {
            let all = || radius::stores(self.app).into_iter().chain(radius::secrets(self.app)).collect();
            let reached = radius::reached(role, self.things.get_or_init(all));
            let step = |one: &radius::Reached<'_, '_>| Step {
                span: one.written.provenance.span.clone().or_else(|| one.thing.provenance.span.clone()),
                words: format!("it may use `{}`", one.thing.id),
            };
            reached.iter().take(MOST_STORES).map(step).collect()
        });
        if stores.is_empty() {
            return Vec::new();
        }
        std::iter::once(role_step(role, function)).chain(stores.iter().cloned()).collect()
    }
}

/// Whether faults of the practice are of use to somebody who breaks in.
fn leads_an_attacker(practice: Practice) -> bool {
    !matches!(practice, Practice::Monitoring | Practice::Assessments | Practice::Education | Practice::Frameworks)
}

fn door_step(app: &App, route: &Route, open: &Judgement) -> Step {
    let name = match (app.api(&route.api).map(|api| api.style), &route.method, &*route.path) {
        (Some(ApiStyle::FunctionUrl), ..) => "the function's own address".to_owned(),
        (Some(ApiStyle::WebSocket), _, path) | (_, _, path @ "$default") => format!("`{path}`"),
        (_, method, path) => format!("`{method} {path}`"),
    };
    Step { span: route.provenance.span.clone(), words: format!("from the internet, {name} asks nothing{}", when(open)) }
}

fn role_step(role: &Role, function: &Function) -> Step {
    let words = if role.provenance.via == Via::Implicit {
        format!("`{}` runs with the role made for it", function.id)
    } else {
        format!("`{}` runs with the role `{}`", function.id, role.id)
    };
    Step { span: role.provenance.span.clone(), words }
}

fn end_step(finding: &Finding) -> Step {
    Step { span: finding.span.clone(), words: finding.title.clone() }
}
