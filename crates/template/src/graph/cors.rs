//! Cross-origin answers an API gives itself.

use brigandine_model::{Cors, Fact, LogicalId};

use super::Graph;
use crate::Node;

/// The words one place uses for the same settings.
pub(super) struct Words {
    origins: &'static str,
    methods: &'static str,
    headers: &'static str,
    expose: &'static str,
    max_age: &'static str,
    credentials: &'static str,
}

/// As resources write it.
pub(super) const RESOURCE: Words = Words {
    origins: "AllowOrigins",
    methods: "AllowMethods",
    headers: "AllowHeaders",
    expose: "ExposeHeaders",
    max_age: "MaxAge",
    credentials: "AllowCredentials",
};

/// As API descriptions write it.
pub(super) const DESCRIPTION: Words = Words {
    origins: "allowOrigins",
    methods: "allowMethods",
    headers: "allowHeaders",
    expose: "exposeHeaders",
    max_age: "maxAge",
    credentials: "allowCredentials",
};

impl Graph<'_> {
    pub(super) fn cors(&mut self, node: &Node, words: &Words, owner: &LogicalId) -> Fact<Cors> {
        let max_age = self.number_at(node, words.max_age).and_then(|fact| fact.value.known().copied());
        let credentials = self.flag_at(node, words.credentials);
        let cors = Cors {
            origins: self.settled_strings(node, words.origins, owner),
            methods: self.settled_strings(node, words.methods, owner),
            headers: self.settled_strings(node, words.headers, owner),
            expose: self.settled_strings(node, words.expose, owner),
            max_age,
            credentials: credentials.is_some_and(|fact| fact.value.settled().contains(&&true)),
        };
        Fact::known(cors, self.at(node))
    }

    /// The answer of a mock to a preflight request, from the headers it sets (`"'*'"`, in quotes of their own).
    pub(super) fn preflight(&self, parameters: &Node) -> Option<Fact<Cors>> {
        let mut cors = Cors::default();
        let mut found = false;
        for (name, node) in parameters.as_map()?.iter() {
            let fact = self.resolve.text(node);
            let Some(text) = fact.value.settled().first().map(|text| text.trim_matches('\'').to_owned()) else {
                continue;
            };
            let list = || text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect();
            let header = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
            match header.as_str() {
                "access-control-allow-origin" => cors.origins = list(),
                "access-control-allow-methods" => cors.methods = list(),
                "access-control-allow-headers" => cors.headers = list(),
                "access-control-expose-headers" => cors.expose = list(),
                "access-control-max-age" => cors.max_age = text.parse().ok(),
                "access-control-allow-credentials" => cors.credentials = text.eq_ignore_ascii_case("true"),
                _ => continue,
            }
            found = true;
        }
        found.then(|| Fact::known(cors, self.at(parameters)))
    }
}
