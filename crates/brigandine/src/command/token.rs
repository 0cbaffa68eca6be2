//! `brigandine token`: another development token for a route.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    arguments::Token,
    command::routes,
    face::{self, Outcome},
    project,
    serve::development,
    state,
};

pub(crate) fn run(arguments: &Token) -> anyhow::Result<Outcome> {
    let project = project::open_one(&arguments.path, &arguments.reading)?;
    let lines = routes::lines(&project.app);
    let labels: Vec<String> = lines.iter().map(|line| format!("{} {}", line.method, line.path)).collect();
    let wanted = arguments.route.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some(place) = labels.iter().position(|label| label.eq_ignore_ascii_case(&wanted)) else {
        let near = face::nearest(&wanted, labels.iter().map(String::as_str));
        let help = near.map_or_else(
            || "`brigandine routes` lists all routes".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        return Err(face::sentence(format!("there is no route `{wanted}`"), help));
    };
    let data = state::folder(&project.app.name, arguments.data.as_deref())?;
    let issuer = development::issuer(&data)?;
    let claims: Map<String, Value> = arguments.claims.iter().map(|(name, text)| (name.clone(), claim(text))).collect();
    if let Some(route) = project.app.routes.get(place) {
        let token = issuer.token_for(&project.app, route, &claims, Timestamp::now())?;
        face::result(&format!("{token}\n"))?;
    }
    Ok(Outcome::Clean)
}

/// A claim's value: what is JSON is taken as JSON, all else as text.
fn claim(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
