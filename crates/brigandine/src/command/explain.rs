//! `brigandine explain`: a rule's page, the list of rules, or why a request was refused.

#[cfg(feature = "serve")]
mod exclusion;
#[cfg(feature = "serve")]
mod request;
#[cfg(feature = "serve")]
mod telling;

use anstyle::{AnsiColor, Style};
use brigandine_model::RuleMeta;
use brigandine_rules::RULES;

use crate::{
    arguments::Explain,
    face::{self, Outcome},
};

pub(crate) fn run(arguments: &Explain) -> anyhow::Result<Outcome> {
    #[cfg(feature = "serve")]
    if let Some(id) = &arguments.asked.request {
        return request::run(id, &arguments.asked);
    }
    match &arguments.code {
        Some(code) => face::result(&page(rule(code)?.page))?,
        None => face::result(&list())?,
    }
    Ok(Outcome::Clean)
}

/// The rule with this code or name, in any case.
fn rule(code: &str) -> anyhow::Result<&'static RuleMeta> {
    let metas = RULES.iter().map(|rule| rule.meta());
    let fits = |meta: &&RuleMeta| meta.code.eq_ignore_ascii_case(code) || meta.name.eq_ignore_ascii_case(code);
    metas.clone().find(fits).ok_or_else(|| {
        let near = face::nearest(code, metas.map(|meta| meta.code));
        let help = near.map_or_else(
            || "`brigandine explain` lists all rules".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        face::sentence(format!("there is no rule `{code}`"), help)
    })
}

fn list() -> String {
    let row = |meta: &RuleMeta| {
        vec![meta.code.to_owned(), meta.severity.to_string(), meta.practice.as_str().to_owned(), meta.title.to_owned()]
    };
    face::table(&RULES.iter().map(|rule| row(rule.meta())).collect::<Vec<_>>())
}

/// The page with headings and code set off, for a terminal.
fn page(markdown: &str) -> String {
    let heading = Style::new().bold();
    let code = Style::new().fg_color(Some(AnsiColor::Cyan.into()));
    let mut in_fence = false;
    let mut text = String::with_capacity(markdown.len() + 256);
    for line in markdown.lines() {
        if line.starts_with("```") {
            in_fence = !in_fence;
            continue;
        }
        let shown = match (in_fence, line.trim_start_matches('#')) {
            (true, _) => format!("    {code}{line}{code:#}"),
            (false, title) if title.len() < line.len() => format!("{heading}{}{heading:#}", title.trim_start()),
            (false, _) => line.to_owned(),
        };
        text.push_str(&shown);
        text.push('\n');
    }
    text
}
