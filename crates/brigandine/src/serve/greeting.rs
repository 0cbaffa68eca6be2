//! What `serve` prints once it listens: the route table, the address, and curl lines ready to be pasted.

use std::{fmt::Write as _, net::SocketAddr};

use anstyle::Style;
use brigandine_gateway::{DevelopmentIssuer, Settings};
use brigandine_model::{Api, App, Authentication, AuthorizerKind, Route, RouteMethod};
use jiff::Timestamp;

use super::development::DevelopmentKey;
use crate::{
    command::routes::{self, Line},
    face,
};

/// Most curl lines shown; more would hide the table.
const MOST_CALLS: usize = 6;

/// All that the greeting speaks of.
pub(crate) struct Greeting<'a> {
    pub(crate) app: &'a App,
    pub(crate) lines: &'a [Line],
    pub(crate) address: SocketAddr,
    /// Where functions are invoked by the platform's own tools, if anywhere.
    pub(crate) endpoint: Option<SocketAddr>,
    pub(crate) settings: &'a Settings,
    pub(crate) keys: &'a [DevelopmentKey],
    /// How the user named the template, for commands to be pasted.
    pub(crate) named: &'a str,
    /// Options that such commands need as well, each with a blank in front.
    pub(crate) options: &'a str,
}

impl Greeting<'_> {
    /// The whole greeting.
    pub(crate) fn text(&self) -> String {
        let bold = Style::new().bold();
        let scheme = if self.settings.tls.is_some() { "https" } else { "http" };
        let default = self.settings.route_throttle;
        let unlimited = format!("{}/s, burst {} (default)", default.rate, default.burst);
        let mut text = format!("\n{}", routes::human(self.app, self.lines, &unlimited));
        write!(text, "\n{bold}{} is behind the shield at {scheme}://{}{bold:#}\n", self.app.name, self.address)
            .unwrap_or_default();
        if let Some(endpoint) = self.endpoint {
            writeln!(text, "Functions are invoked with `--endpoint-url http://{endpoint}`").unwrap_or_default();
        }
        let calls = self.calls(scheme);
        if !calls.is_empty() {
            write!(text, "\nTry:\n{calls}\n").unwrap_or_default();
        }
        if let Some(hint) = self.token_hint() {
            writeln!(text, "Another token: {hint}").unwrap_or_default();
        }
        writeln!(text, "Stop with Ctrl-C.").unwrap_or_default();
        text
    }

    fn calls(&self, scheme: &str) -> String {
        let mut routes: Vec<(&Route, &Line)> = self.app.routes.iter().zip(self.lines).collect();
        // One of each kind of authentication first, then the rest in template order.
        let mut seen = std::collections::BTreeSet::new();
        let first: Vec<bool> = routes.iter().map(|(_, line)| seen.insert(line.authentication.clone())).collect();
        let mut ordered: Vec<(bool, (&Route, &Line))> = first.into_iter().zip(routes.drain(..)).collect();
        ordered.sort_by_key(|(first, _)| !first);
        let calls = ordered.into_iter().filter_map(|(_, (route, line))| self.call(route, line, scheme));
        calls.take(MOST_CALLS).fold(String::new(), |mut text, call| {
            writeln!(text, "  {call}").unwrap_or_default();
            text
        })
    }

    /// A curl line for one route; none for a route that cannot be called so simply.
    fn call(&self, route: &Route, line: &Line, scheme: &str) -> Option<String> {
        let api = self.app.api(&route.api)?;
        let method = match &route.method {
            RouteMethod::Any => "GET",
            RouteMethod::One(name) => name,
        };
        let mut call = String::from("curl");
        if scheme == "https" {
            call.push_str(" --insecure");
        }
        if method != "GET" {
            write!(call, " -X {method}").unwrap_or_default();
        }
        if let Some(token) = self.token(api, route)? {
            write!(call, " -H 'Authorization: Bearer {token}'").unwrap_or_default();
        }
        if route.key_required.value.known() == Some(&true) {
            let key = self.keys.iter().find(|key| key.api == api.id)?;
            write!(call, " -H 'x-api-key: {}'", key.text).unwrap_or_default();
        }
        if matches!(method, "POST" | "PUT" | "PATCH") {
            call.push_str(" -H 'Content-Type: application/json' -d '{}'");
        }
        if self.is_hidden(route, line) {
            write!(call, " -H 'Host: {}.localhost'", api.id.as_str().to_lowercase()).unwrap_or_default();
        }
        write!(call, " '{scheme}://{}{}'", self.address, sample(&line.path)).unwrap_or_default();
        Some(face::harmless(&call))
    }

    /// Whether an earlier API has the same method and path, so that only the host tells them apart.
    fn is_hidden(&self, route: &Route, line: &Line) -> bool {
        let mut routes = self.app.routes.iter().zip(self.lines);
        let first = routes.find(|(_, other)| (&other.method, &other.path) == (&line.method, &line.path));
        first.is_some_and(|(other, _)| other.api != route.api)
    }

    /// A token where the route asks for one; nothing at all where it asks for what cannot be given here.
    #[expect(clippy::option_option, reason = "not asked for, and cannot be given, are different things")]
    fn token(&self, api: &Api, route: &Route) -> Option<Option<String>> {
        match route.authentication.value.known()? {
            Authentication::Open => Some(None),
            Authentication::Signature => None,
            Authentication::Authorizer { name, .. } => match &api.authorizers.get(name)?.kind {
                AuthorizerKind::Token { source, .. }
                    if &**source == "$request.header.Authorization" || !source.contains('$') =>
                {
                    let issuer: &DevelopmentIssuer = self.settings.development.as_deref()?;
                    let claims = serde_json::Map::new();
                    Some(Some(issuer.token_for(self.app, route, &claims, Timestamp::now()).ok()?))
                }
                _ => None,
            },
        }
    }

    fn token_hint(&self) -> Option<String> {
        self.settings.development.as_ref()?;
        let route = self.app.routes.iter().zip(self.lines).find(|(route, _)| {
            let api = self.app.api(&route.api);
            let Some(Authentication::Authorizer { name, .. }) = route.authentication.value.known() else {
                return false;
            };
            let authorizer = api.and_then(|api| api.authorizers.get(name));
            authorizer.is_some_and(|authorizer| matches!(authorizer.kind, AuthorizerKind::Token { .. }))
        });
        let (_, line) = route?;
        Some(format!(
            "brigandine token --route '{} {}' {}{}",
            line.method,
            face::harmless(&line.path),
            self.named,
            self.options
        ))
    }
}

/// A path that fits a pattern: parameters become `1`, greedy ones `any/thing`.
fn sample(pattern: &str) -> String {
    let segment = |segment: &str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) if name.ends_with('+') => "any/thing".to_owned(),
        Some(_) => "1".to_owned(),
        None => segment.to_owned(),
    };
    pattern.split('/').map(segment).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::sample;

    #[test]
    fn a_pattern_gives_a_path_that_fits_it() {
        assert_eq!(sample("/orders/{id}/items/{proxy+}"), "/orders/1/items/any/thing");
        assert_eq!(sample("/"), "/");
    }
}
