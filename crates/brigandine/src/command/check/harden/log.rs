//! Log groups that end: one for every function, and days for those that have none.

use brigandine_model::{Function, Literal, Value};

use super::{Plan, Site, declare, names, set, sub};

/// Days that logs of functions are kept.
const KEPT: i64 = 30;

pub(super) fn logs(site: &Site<'_>, plan: &mut Plan) {
    for group in &site.app.log_groups {
        if group.retention_days.is_none() && site.written(&group.id) == Some("AWS::Logs::LogGroup") {
            let change = set(&group.id, &["Properties", "RetentionInDays"], Literal::Number(KEPT));
            plan.step(format!("let the lines of `{}` end", group.id), vec![change]);
        }
    }
    for function in site.app.functions.iter().filter(|function| !has_group(site, function)) {
        let id = &function.id;
        if site.written(id).is_none() {
            continue;
        }
        let name = site.free(&format!("{id}Logs"));
        let kept = ("RetentionInDays", Literal::Number(KEPT));
        // A group by the name the platform gives is there already where the function has run, but a role that a person wrote
        // may allow no other.
        let own_role = function.role.as_ref().is_some_and(|role| site.written(role).is_none());
        let changes = if own_role {
            vec![
                declare(&name, "AWS::Logs::LogGroup", site.condition(id), Literal::map([kept])),
                set(id, &["Properties", "LoggingConfig", "LogGroup"], Literal::reference(&name)),
            ]
        } else {
            plan.note(format!(
                "`{name}` takes the name the platform gives: where `{id}` has run before, import the group or delete it first"
            ));
            let named = ("LogGroupName", sub(&format!("/aws/lambda/${{{id}}}")));
            vec![declare(&name, "AWS::Logs::LogGroup", site.condition(id), Literal::map([named, kept]))]
        };
        plan.step(format!("give `{id}` a log group that ends"), changes);
    }
}

fn has_group(site: &Site<'_>, function: &Function) -> bool {
    let named = function.name.as_ref().and_then(|name| name.value.known());
    let is_its = |value: &Value<String>| match value {
        Value::Known(group) => named.is_some_and(|name| *group == format!("/aws/lambda/{name}")),
        value => names(value, &function.id),
    };
    site.property(&function.id, &["LoggingConfig", "LogGroup"]).is_some()
        || site.app.log_groups.iter().filter_map(|group| group.name.as_ref()).any(|name| is_its(&name.value))
}
