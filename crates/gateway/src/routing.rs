//! From host, method and path to a route, as the platform would choose it.
//!
//! All APIs share one listener. A host `<LogicalId>.localhost` picks one API; otherwise the closest pattern of all APIs
//! wins, and between equals the API that the template names first. A stage name may stand before the path or not.
//!
//! * The older style picks the path first and asks for the method then; one trailing slash more makes no difference.
//! * The lighter style picks path and method together, so that a route with the wrong method does not hide a wider one.
//! * A function's own address takes every method and path. It stands at `/` when it is the only API of the application,
//!   otherwise below `/url/<FunctionId>`.

use std::{collections::BTreeSet, sync::Arc};

use brigandine_model::{Api, ApiStyle, RouteMethod};
use http::Method;

use crate::{
    cors::CrossOrigin,
    pattern::{Fit, Parameters},
    plan::{Entry, Matched},
};

/// One API on the listener.
#[derive(Debug)]
pub(crate) struct Mount {
    pub(crate) api: Arc<Api>,
    /// `<logical id>.localhost`, lower case.
    pub(crate) host: String,
    /// Stages that have a path segment.
    pub(crate) stages: Vec<Arc<str>>,
    /// The stage of requests that name none.
    pub(crate) default_stage: Arc<str>,
    /// Where it stands when its host does not pick it: nothing for the root.
    pub(crate) prefix: Option<String>,
    pub(crate) cors: Option<Arc<CrossOrigin>>,
    pub(crate) entries: Vec<Arc<Entry>>,
}

/// What a lookup found.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A route.
    Route(Matched, Arc<str>),
    /// The path, but not the method; these methods.
    WrongMethod(BTreeSet<&'a str>),
    /// Nothing.
    Nothing,
}

/// A path as one API may see it: below a stage or not.
struct View<'a> {
    stage: &'a Arc<str>,
    path: &'a str,
    staged: bool,
}

/// The APIs that a host may reach, and whether it picked one.
pub(crate) fn reachable<'a>(mounts: &'a [Mount], host: &str) -> (&'a [Mount], bool) {
    match mounts.iter().position(|mount| mount.host == host) {
        Some(place) => (mounts.get(place..=place).unwrap_or_default(), true),
        None => (mounts, false),
    }
}

/// Finds the route of a canonical request.
pub(crate) fn find<'a>(mounts: &'a [Mount], host: &str, method: &Method, path: &str) -> Found<'a> {
    let (mounts, picked) = reachable(mounts, host);
    let mut best: Option<(Fit, &Mount, &Arc<Entry>, View<'_>)> = None;
    let mut allowed = BTreeSet::new();
    for mount in mounts {
        for view in mount.views(path, picked) {
            let segments = mount.segments(view.path);
            match mount.choose(method, &segments) {
                Choice::Entry(fit, entry) => {
                    let fit = if view.staged { fit.behind_stage() } else { fit };
                    if best.as_ref().is_none_or(|(other, ..)| fit < *other) {
                        best = Some((fit, mount, entry, view));
                    }
                }
                Choice::WrongMethod(methods) => allowed.extend(methods),
                Choice::Nothing => {}
            }
        }
    }
    match best {
        Some((_, mount, entry, view)) => {
            let parameters: Parameters = entry.pattern.parameters(&mount.segments(view.path));
            let matched = Matched { entry: entry.clone(), stage: view.stage.clone(), parameters };
            Found::Route(matched, view.path.into())
        }
        None if allowed.is_empty() => Found::Nothing,
        None => Found::WrongMethod(allowed),
    }
}

enum Choice<'a> {
    Entry(Fit, &'a Arc<Entry>),
    WrongMethod(Vec<&'a str>),
    Nothing,
}

impl Mount {
    /// The ways in which this API may read a path.
    fn views<'a>(&'a self, path: &'a str, picked: bool) -> Vec<View<'a>> {
        let mut views = Vec::with_capacity(2);
        let plain = match &self.prefix {
            Some(prefix) if !picked => below(path, prefix),
            _ => Some(path),
        };
        let Some(path) = plain else { return views };
        views.push(View { stage: &self.default_stage, path, staged: self.prefix.is_some() && !picked });
        for stage in &self.stages {
            if let Some(path) = path.strip_prefix('/').and_then(|rest| below(rest, stage)) {
                views.push(View { stage, path, staged: true });
            }
        }
        views
    }

    fn segments<'a>(&self, path: &'a str) -> Vec<&'a str> {
        let mut segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        if self.api.style == ApiStyle::Rest && segments.len() > 1 && segments.last() == Some(&"") {
            segments.pop();
        }
        segments
    }

    fn choose(&self, method: &Method, segments: &[&str]) -> Choice<'_> {
        let fits: Vec<(Fit, &Arc<Entry>)> =
            self.entries.iter().filter_map(|entry| Some((entry.pattern.fit(segments)?, entry))).collect();
        let path_first = self.api.style == ApiStyle::Rest;
        let closest = fits.iter().map(|(fit, _)| *fit).min();
        let chosen = fits
            .iter()
            .filter(|(fit, _)| !path_first || Some(*fit) == closest)
            .filter_map(|(fit, entry)| Some((*fit, serves(&entry.route.method, method)?, *entry)))
            .min_by_key(|(fit, grade, _)| (*fit, *grade));
        if let Some((fit, _, entry)) = chosen {
            return Choice::Entry(fit, entry);
        }
        let methods: Vec<&str> = fits
            .iter()
            .filter_map(|(_, entry)| match &entry.route.method {
                RouteMethod::One(name) => Some(&**name),
                RouteMethod::Any => None,
            })
            .collect();
        if methods.is_empty() { Choice::Nothing } else { Choice::WrongMethod(methods) }
    }
}

/// Whether a route's method covers a request's; its own name (0) goes before any (1).
fn serves(declared: &RouteMethod, method: &Method) -> Option<u8> {
    match declared {
        RouteMethod::Any => Some(1),
        RouteMethod::One(name) => (**name == *method.as_str()).then_some(0),
    }
}

/// The rest of a path below a first part; `/` where nothing is left.
fn below<'a>(path: &'a str, first: &str) -> Option<&'a str> {
    match path.strip_prefix(first)? {
        "" => Some("/"),
        rest => rest.starts_with('/').then_some(rest),
    }
}
