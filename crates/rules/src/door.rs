//! Which doors are open: whether a route asks anything at all of its caller.

use brigandine_model::{
    Api, ApiStyle, App, Authentication, Condition, Effect, Judgement, Principal, Route, RouteMethod, Statement,
};

use crate::case::{any, both, is, not};

/// Whether anyone on the internet may call the route: no authorizer, no signature, no key, no restricting policy.
pub(crate) fn is_open(app: &App, route: &Route) -> Judgement {
    let route = entrance(app, route);
    let asks_nothing = is(&route.authentication, &Authentication::Open);
    let unlocked = both(asks_nothing, not(is(&route.key_required, &true)));
    let Some(api) = app.api(&route.api) else { return unlocked };
    both(unlocked, both(not(is(&api.private, &true)), not(policy_restricts(api))))
}

/// A held connection is asked once, when it begins; every other route asks whoever holds it.
fn entrance<'a>(app: &'a App, route: &'a Route) -> &'a Route {
    let held = app.api(&route.api).is_some_and(|api| api.style == ApiStyle::WebSocket);
    let begins = |other: &&Route| other.api == route.api && other.path.as_ref() == "$connect";
    if held { app.routes.iter().find(begins).unwrap_or(route) } else { route }
}

/// Whether the internet reaches the API at all, with or without proof of identity.
pub(crate) fn is_public(api: &Api) -> Judgement {
    not(is(&api.private, &true))
}

/// Whether the route is a browser's preflight question, which must be open.
pub(crate) fn is_preflight(route: &Route) -> bool {
    matches!(&route.method, RouteMethod::One(name) if name.eq_ignore_ascii_case("OPTIONS"))
}

/// Whether nothing of the application stands behind the route.
pub(crate) fn leads_nowhere(route: &Route) -> bool {
    route.function.is_none() && matches!(route.target.as_deref(), Some("mock" | "redirect"))
}

/// Whether the route asks for an API key and for nothing else.
pub(crate) fn asks_only_for_a_key(route: &Route) -> Judgement {
    both(is(&route.authentication, &Authentication::Open), is(&route.key_required, &true))
}

/// Whether calls of the route are meant to change something.
pub(crate) fn changes(route: &Route) -> bool {
    match &route.method {
        RouteMethod::Any => true,
        RouteMethod::One(name) => {
            ["POST", "PUT", "PATCH", "DELETE"].iter().any(|method| name.eq_ignore_ascii_case(method))
        }
    }
}

/// The route as people name it.
pub(crate) fn name(route: &Route) -> String {
    if route.path.starts_with('$') { route.path.to_string() } else { format!("{} {}", route.method, route.path) }
}

/// The fact of a finding about several routes: it changes when one of them comes or goes, and does not grow without end.
pub(crate) fn fact(names: &[String]) -> String {
    const SPELLED: usize = 100;
    let spelled: Vec<&str> = names.iter().take(SPELLED).map(String::as_str).collect();
    let rest = names.len().saturating_sub(SPELLED);
    if rest == 0 { spelled.join(", ") } else { format!("{} and {rest} more", spelled.join(", ")) }
}

/// The same for several routes.
pub(crate) fn names(routes: &[&Route]) -> Vec<String> {
    routes.iter().map(|route| name(route)).collect()
}

/// Whether a person wrote the API in the short language, where one line gives every route its authorizer.
pub(crate) fn is_written_serverless(app: &App, api: &Api) -> bool {
    app.resources.get(&api.id).is_some_and(|resource| {
        resource.written_kind.as_deref().is_some_and(|kind| kind.starts_with("AWS::Serverless::"))
    })
}

/// Whether the API stands in no template, only behind the events of functions.
pub(crate) fn is_implied(app: &App, api: &Api) -> bool {
    app.resources.get(&api.id).is_some_and(|resource| resource.written_kind.is_none())
}

/// The routes of an API.
pub(crate) fn routes_of<'a>(app: &'a App, api: &'a Api) -> impl Iterator<Item = &'a Route> {
    app.routes.iter().filter(move |route| route.api == api.id)
}

/// Whether the API is of a style whose routes are methods and paths.
pub(crate) fn has_routes(api: &Api) -> bool {
    matches!(api.style, ApiStyle::Rest | ApiStyle::Http)
}

/// Whether a condition on this key knows its callers, whatever its values.
pub(crate) fn knows_callers(key: &str) -> bool {
    narrows_callers(&Condition { operator: "".into(), key: key.into(), values: Vec::new() })
}

/// Whether the API's own policy shuts strangers out.
pub(crate) fn policy_restricts(api: &Api) -> Judgement {
    if api.policy.is_empty() {
        return Judgement::No;
    }
    let denies = any(api.policy.iter().map(denies_strangers));
    let opens = any(api.policy.iter().map(allows_strangers));
    any([denies, not(opens)])
}

fn allows_strangers(statement: &Statement) -> Judgement {
    let free = !statement.conditions.iter().any(narrows_callers);
    let opens = both(is(&statement.effect, &Effect::Allow), both(means_strangers(statement), Judgement::settled(free)));
    if crate::case::may_hold(&opens) && statement.conditions.iter().any(names_a_time) {
        return Judgement::CannotTell("the policy of the API opens it for a time only".into());
    }
    opens
}

fn names_a_time(condition: &Condition) -> bool {
    ["aws:CurrentTime", "aws:EpochTime"].iter().any(|key| condition.key.eq_ignore_ascii_case(key))
}

/// A denial shuts strangers out when it denies everyone *except* those who come from a known place.
fn denies_strangers(statement: &Statement) -> Judgement {
    let except_known = |condition: &Condition| narrows_callers(condition) && condition.operator.contains("Not");
    let shuts = statement.conditions.iter().any(except_known) || statement.except_principals;
    let denies = both(is(&statement.effect, &Effect::Deny), Judgement::settled(shuts));
    if crate::case::may_hold(&denies) && !covers_every_path(statement) {
        return Judgement::CannotTell("the policy of the API shuts strangers out of some paths only".into());
    }
    denies
}

fn covers_every_path(statement: &Statement) -> bool {
    let wide = |text: String| text == "*" || text.ends_with("/*") && text.matches('/').count() <= 3;
    statement.resources.is_empty()
        || statement.resources.iter().any(|resource| crate::case::texts(&resource.value).into_iter().any(wide))
}

fn means_strangers(statement: &Statement) -> Judgement {
    any(statement.principals.iter().map(|principal| match principal {
        Principal::Internet => Judgement::Yes,
        Principal::Account(_) | Principal::Service(_) => Judgement::No,
        Principal::Unknown(why) => Judgement::CannotTell(why.clone()),
    }))
}

/// Conditions by which a policy knows its callers. A header a caller may write freely (referer, user agent) is none.
pub(crate) fn narrows_callers(condition: &Condition) -> bool {
    const KEYS: &[&str] = &[
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "aws:vpcsourceip",
    ];
    let key = condition.key.to_ascii_lowercase();
    let known = KEYS.contains(&key.as_str()) || key.starts_with("aws:principaltag/");
    let whole_world = |text: String| matches!(text.as_str(), "0.0.0.0/0" | "::/0" | "*");
    known && !condition.values.iter().flat_map(|value| crate::case::texts(&value.value)).any(whole_world)
}
