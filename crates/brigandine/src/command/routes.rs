//! `brigandine routes`: every way in, who may pass and how fast.

use std::fmt::{self, Write as _};

use anstyle::{AnsiColor, Style};
use brigandine_model::{App, Route, SourceKind, Throttle};
use serde::Serialize;

use crate::{
    arguments::{Routes, TableFormat},
    face::{self, Outcome},
    project,
};

/// One line of the route table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    /// Method, `ANY` for all.
    pub(crate) method: String,
    /// Path as a caller uses it.
    pub(crate) path: String,
    /// The function's logical id, or a short word for what else is behind the route.
    pub(crate) function: String,
    /// Who may pass; `none` when anyone may.
    pub(crate) authentication: String,
    /// Steady rate and burst; absent when nothing limits the route.
    pub(crate) throttle: Option<Limit>,
}

/// What limits a route.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Limit {
    /// A throttle.
    Throttle(Throttle),
    /// The word `unknown`: a throttle is declared, but its value could not be settled.
    Unknown(&'static str),
}

impl fmt::Display for Limit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Throttle(Throttle { rate, burst }) => write!(out, "{rate}/s, burst {burst}"),
            Self::Unknown(word) => out.write_str(word),
        }
    }
}

pub(crate) fn run(arguments: &Routes) -> anyhow::Result<Outcome> {
    let project = project::open_one(&arguments.path, &arguments.reading)?;
    let lines = lines(&project.app);
    match arguments.format {
        TableFormat::Human => face::result(&human(&project.app, &lines, "none"))?,
        TableFormat::Json => {
            let text = serde_json::to_string_pretty(&serde_json::json!({ "routes": lines }))?;
            face::result(&format!("{text}\n"))?;
        }
    }
    Ok(Outcome::Clean)
}

/// The route table of an application, in template order.
pub(crate) fn lines(app: &App) -> Vec<Line> {
    app.routes.iter().filter_map(|route| line(app, route)).collect()
}

fn line(app: &App, route: &Route) -> Option<Line> {
    let api = app.api(&route.api)?;
    let function = match (&route.function, &route.target) {
        (Some(function), _) => function.to_string(),
        (None, Some(target)) => format!("({target})"),
        (None, None) => "(unknown)".to_owned(),
    };
    let throttle = route.throttle_in(api);
    Some(Line {
        method: route.method.to_string(),
        path: app.shared_path(route).to_string(),
        function,
        authentication: route.authentication_label(api),
        throttle: throttle
            .map(|fact| fact.value.known().map_or(Limit::Unknown("unknown"), |known| Limit::Throttle(*known))),
    })
}

/// The table for people, with what starts the functions that have no route. `unlimited` is said of a route without a throttle.
pub(crate) fn human(app: &App, lines: &[Line], unlimited: &str) -> String {
    if lines.is_empty() {
        return format!("{}{}\n", event_functions(app).trim_start(), summary(app, lines));
    }
    let bold = Style::new().bold();
    let mut rows = vec![["METHOD", "PATH", "FUNCTION", "AUTHENTICATION", "THROTTLE"].map(str::to_owned).to_vec()];
    rows.extend(lines.iter().map(|line| {
        vec![
            line.method.clone(),
            face::harmless(&line.path),
            line.function.clone(),
            line.authentication.clone(),
            line.throttle.as_ref().map_or_else(|| unlimited.to_owned(), ToString::to_string),
        ]
    }));
    let mut text = String::new();
    for (index, row) in face::table(&rows).lines().enumerate() {
        let style = match (index, index.checked_sub(1).and_then(|at| lines.get(at))) {
            (0, _) => bold,
            (_, Some(line)) if line.authentication == "none" => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
            _ => Style::new(),
        };
        writeln!(text, "{style}{row}{style:#}").unwrap_or_default();
    }
    write!(text, "{}\n{}\n", event_functions(app), summary(app, lines)).unwrap_or_default();
    text
}

/// Functions no route leads to, with what starts them.
fn event_functions(app: &App) -> String {
    let without_route = app.functions.iter().filter(|function| app.routes_of(&function.id).next().is_none());
    let rows: Vec<Vec<String>> = without_route
        .map(|function| {
            let sources: Vec<String> = app.sources_of(&function.id).map(|source| word(&source.kind)).collect();
            let started_by =
                if sources.is_empty() { "nothing in this template".to_owned() } else { sources.join(", ") };
            vec![function.id.to_string(), started_by]
        })
        .collect();
    if rows.is_empty() {
        String::new()
    } else {
        format!("\nStarted by events (reach them with `brigandine invoke`):\n{}", face::table(&rows))
    }
}

fn word(kind: &SourceKind) -> String {
    match kind {
        SourceKind::Api => "api",
        SourceKind::Url => "url",
        SourceKind::Queue => "queue",
        SourceKind::Topic => "topic",
        SourceKind::Bucket => "bucket",
        SourceKind::Bus => "event bus",
        SourceKind::Schedule => "schedule",
        SourceKind::Stream => "stream",
        SourceKind::TableStream => "table stream",
        SourceKind::Logs => "log group",
        SourceKind::Identity => "sign-in",
        SourceKind::Workflow => "workflow",
        SourceKind::Broker => "message broker",
        SourceKind::Other(name) => name,
    }
    .to_owned()
}

fn summary(app: &App, lines: &[Line]) -> String {
    let open = lines.iter().filter(|line| line.authentication == "none").count();
    format!(
        "{} route{}, {open} open to anyone; {} function{}",
        lines.len(),
        if lines.len() == 1 { "" } else { "s" },
        app.functions.len(),
        if app.functions.len() == 1 { "" } else { "s" },
    )
}
