//! Log groups: which one a function writes into, and a new one for a fix.

use brigandine_model::{App, Change, Function, Literal, LogGroup, LogicalId, Value};

use crate::stage::referred;

/// Days a new log group keeps its lines.
pub(crate) const DAYS: i64 = 30;

/// Where a function's lines go.
pub(crate) enum Lines<'a> {
    /// Into a group of this template.
    Own(&'a LogGroup),
    /// Into one that is named but not part of the template.
    Elsewhere,
    /// Into the one the platform makes at the first call.
    Unsaid,
}

/// Where the function's lines go.
pub(crate) fn of<'a>(app: &'a App, function: &Function) -> Lines<'a> {
    let properties = app.resources.get(&function.id).and_then(|resource| resource.properties.as_ref());
    let named = properties.and_then(|own| own.at(&["LoggingConfig", "LogGroup"]));
    if let Some(named) = named {
        let by_reference = referred(named).and_then(|id| app.log_groups.iter().find(|group| group.id == *id));
        let by_name =
            || app.log_groups.iter().find(|group| group.name.as_ref().map(|name| &name.value) == named.text());
        return by_reference.or_else(by_name).map_or(Lines::Elsewhere, Lines::Own);
    }
    let group = app.log_groups.iter().find(|group| is_default_of(group, function));
    group.map_or(Lines::Unsaid, Lines::Own)
}

/// Whether the group has the name under which the platform would make one for the function.
fn is_default_of(group: &LogGroup, function: &Function) -> bool {
    let Some(name) = &group.name else { return false };
    let by_reference = match &name.value {
        Value::Symbolic(symbol) => {
            symbol.literal_prefix() == "/aws/lambda/" && symbol.resources().any(|id| *id == function.id)
        }
        _ => false,
    };
    let wanted = function.name.as_ref().and_then(|name| spelled(&name.value)).map(|name| format!("/aws/lambda/{name}"));
    by_reference || wanted.is_some() && wanted == spelled(&name.value)
}

fn spelled(value: &Value<String>) -> Option<String> {
    match value {
        Value::Known(text) => Some(text.clone()),
        Value::Symbolic(symbol) => Some(symbol.to_string()),
        _ => None,
    }
}

/// A new log group with a lifetime. Nothing where the name is taken.
pub(crate) fn declare(app: &App, id: &str, name: Option<Literal>) -> Option<Change> {
    if app.resources.contains_key(&LogicalId::new(id)) {
        return None;
    }
    let mut properties = vec![("RetentionInDays".into(), Literal::Number(DAYS))];
    properties.extend(name.map(|name| ("LogGroupName".into(), name)));
    let value =
        Literal::map([("Type", Literal::text("AWS::Logs::LogGroup")), ("Properties", Literal::Map(properties))]);
    Some(Change::Declare { path: vec!["Resources".into()], name: id.into(), value })
}
