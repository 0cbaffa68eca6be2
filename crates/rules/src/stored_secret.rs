//! Stored secrets of a template: who names one, and who may read it.

use brigandine_iam::{ActionPattern, ManagedClass, Pattern, ResourcePattern, managed_policy};
use brigandine_model::{
    App, Effect, Fact, Function, LogicalId, Piece, Property, Provenance, Resource, Role, Statement, Symbol, Value,
};

use crate::case::{HOLE, filled, is, may_hold, texts};

/// A secret that is a resource of this template.
pub(crate) struct StoredSecret<'a> {
    pub(crate) id: &'a LogicalId,
    pub(crate) provenance: &'a Provenance,
    /// The names under which references mean it: its own, and those of its attachments.
    ids: Vec<&'a LogicalId>,
    /// The name it will have, where the template settles it.
    name: Option<String>,
}

/// Whether a role may read a secret.
pub(crate) enum Reads<'a> {
    /// A statement names this one.
    ByName(&'a Statement),
    /// As one of all secrets.
    AsAny,
    /// Nothing says so.
    No,
    /// Could not be told, and why.
    Unknown(String),
}

impl<'a> StoredSecret<'a> {
    /// Every one of the template.
    pub(crate) fn all(app: &'a App) -> Vec<Self> {
        let secrets = app.resources.iter().filter(|(_, resource)| &*resource.kind == "AWS::SecretsManager::Secret");
        secrets
            .map(|(id, resource)| {
                let attached = app.resources.iter().filter(|(_, other)| {
                    &*other.kind == "AWS::SecretsManager::SecretTargetAttachment"
                        && other
                            .properties
                            .as_ref()
                            .is_some_and(|own| own.at(&["SecretId"]).is_some_and(|at| names(at, id)))
                });
                let ids = std::iter::once(id).chain(attached.map(|(id, _)| id)).collect();
                let named = app.secrets.iter().find(|secret| secret.id == *id).and_then(|secret| secret.name.as_ref());
                let name = named.map(|name| match &name.value {
                    Value::Known(text) => text.clone(),
                    Value::Symbolic(symbol) => filled(symbol),
                    _ => HOLE.to_string(),
                });
                Self { id, provenance: &resource.provenance, ids, name }
            })
            .collect()
    }

    /// Whether the name is made up by the platform, so that code cannot know it by heart.
    pub(crate) fn has_made_up_name(&self) -> bool {
        self.name.is_none()
    }

    /// Whether the function's own settings, its code within the template included, name the secret, or what starts it does:
    /// the platform signs in to a broker with the function's rights.
    pub(crate) fn is_named_by(&self, app: &App, function: &Function) -> bool {
        let within = |id: &LogicalId| {
            let properties = app.resources.get(id).and_then(|resource| resource.properties.as_ref());
            properties.is_some_and(|properties| self.is_within(properties))
        };
        let starts = |(id, resource): &(&LogicalId, &Resource)| {
            let named = resource.properties.as_ref().and_then(|own| own.at(&["FunctionName"]));
            &*resource.kind == "AWS::Lambda::EventSourceMapping"
                && named.is_some_and(|named| names(named, &function.id))
                && within(id)
        };
        within(&function.id) || app.resources.iter().any(|entry| starts(&entry))
    }

    /// Whether a variable of the function is the secret's name or resource name, and nothing else.
    pub(crate) fn variable_of<'f>(&self, function: &'f Function) -> Option<&'f brigandine_model::Variable> {
        function.environment.iter().find(|variable| match &variable.value.value {
            Value::Symbolic(symbol) => symbol.pieces.len() == 1 && symbol.resources().any(|id| self.ids.contains(&id)),
            Value::Known(text) => self.name.as_ref() == Some(text),
            _ => false,
        })
    }

    /// Whether anything else of the template hands its name on: where to, nobody can follow.
    pub(crate) fn is_handed_on(&self, app: &App) -> bool {
        const CARRIERS: &[&str] = &[
            "AWS::SSM::Parameter",
            "AWS::AppConfig::HostedConfigurationVersion",
            "AWS::DynamoDB::Table",
            "AWS::S3::Object",
            "AWS::Lambda::LayerVersion",
        ];
        let carries = |resource: &Resource| {
            let kind = &*resource.kind;
            (CARRIERS.contains(&kind) || kind.starts_with("Custom::") || kind.starts_with("AWS::CloudFormation::"))
                && resource.properties.as_ref().is_some_and(|own| self.is_within(own))
        };
        app.resources.values().any(carries)
    }

    fn is_within(&self, properties: &Property) -> bool {
        let mut found = Vec::new();
        properties.texts(&mut found);
        found.iter().filter_map(|(_, text)| text.text()).any(|value| self.is_meant(value))
    }

    fn is_meant(&self, value: &Value<String>) -> bool {
        let by_name =
            |text: &str| self.name.as_ref().is_some_and(|name| name.len() > 3 && text.contains(name.as_str()));
        match value {
            Value::Known(text) => by_name(text),
            Value::Symbolic(symbol) => symbol.resources().any(|id| self.ids.contains(&id)) || by_name(&filled(symbol)),
            Value::OneOf(cases) => cases.iter().any(|case| self.is_meant(&case.value)),
            Value::Unknown(_) => false,
        }
    }

    /// Whether whoever has this role may read it, by all that the template says.
    pub(crate) fn reads(&self, role: &'a Role) -> Reads<'a> {
        let mut best = Reads::No;
        for statement in &role.statements {
            match self.allows(statement) {
                found @ Reads::ByName(_) => return found,
                Reads::AsAny => best = Reads::AsAny,
                Reads::Unknown(why) if matches!(best, Reads::No) => best = Reads::Unknown(why),
                Reads::No | Reads::Unknown(_) => {}
            }
        }
        if matches!(best, Reads::AsAny) {
            return best;
        }
        match by_policies(role) {
            Reads::No => best,
            found => found,
        }
    }

    /// What a statement is about is asked first: most are about something else.
    fn allows(&self, statement: &'a Statement) -> Reads<'a> {
        let found = self.meant_by(statement);
        let settled =
            matches!(found, Reads::No) || may_hold(&is(&statement.effect, &Effect::Allow)) && reads_values(statement);
        if settled { found } else { Reads::No }
    }

    fn meant_by(&self, statement: &'a Statement) -> Reads<'a> {
        if statement.resources.is_empty() {
            return Reads::AsAny;
        }
        let mut best = Reads::No;
        for resource in &statement.resources {
            match self.covers(resource) {
                Cover::This => return Reads::ByName(statement),
                Cover::All => best = Reads::AsAny,
                Cover::Open(why) if matches!(best, Reads::No) => best = Reads::Unknown(why),
                Cover::Other | Cover::Open(_) => {}
            }
        }
        best
    }

    fn covers(&self, resource: &Fact<String>) -> Cover {
        if self.ids.iter().any(|id| refers(&resource.value, id)) {
            return Cover::This;
        }
        if let Value::Unknown(why) = &resource.value {
            return Cover::Open(why.to_string());
        }
        if is_another(&resource.value) {
            return Cover::Other;
        }
        let mut best = Cover::Other;
        for text in texts(&resource.value) {
            if ResourcePattern::new(&text).covers_service("secretsmanager") {
                return Cover::All;
            }
            let own = text.split_once(":secret:").map(|(_, own)| own);
            let hole = |text: &str| text.trim_matches(HOLE).is_empty();
            match (own, &self.name) {
                (None, _) if hole(&text) => {
                    best = Cover::Open("which secrets are meant is only known once deployed".to_owned());
                }
                (Some(own), Some(name)) if fits(own, name) => return Cover::This,
                (Some(own), _) if own.contains(HOLE) => {
                    best = Cover::Open("which secrets are meant is only known once deployed".to_owned());
                }
                _ => {}
            }
        }
        best
    }
}

enum Cover {
    This,
    All,
    Other,
    Open(String),
}

/// Whether a value names another resource of this template. What a nested stack hands out may be anything.
fn is_another(value: &Value<String>) -> bool {
    let Value::Symbolic(symbol) = value else { return false };
    let handed_out =
        |piece: &Piece| matches!(piece, Piece::Attribute { attribute: Some(name), .. } if name.starts_with("Outputs."));
    symbol.resources().next().is_some() && !symbol.pieces.iter().any(handed_out)
}

/// Six signs that the platform makes up follow the name.
fn fits(pattern: &str, name: &str) -> bool {
    Pattern::new(pattern).matches(&format!("{name}-AbCdEf")) || pattern == name
}

fn reads_values(statement: &Statement) -> bool {
    let means = |fact: &Fact<String>| {
        let texts = texts(&fact.value);
        texts.iter().any(|text| {
            text.parse::<ActionPattern>().is_ok_and(|pattern| pattern.matches("secretsmanager", "GetSecretValue"))
        })
    };
    match statement.except_actions.as_slice() {
        [] => statement.actions.iter().any(means),
        except => !except.iter().any(means),
    }
}

fn by_policies(role: &Role) -> Reads<'_> {
    let mut open = Reads::No;
    for policy in &role.managed {
        if matches!(&policy.value, Value::Symbolic(symbol) if symbol.resources().next().is_some()) {
            continue;
        }
        for text in texts(&policy.value) {
            let own = text.contains(":iam::aws:")
                || text.contains(&format!(":iam::{HOLE}:policy/")) && !text.starts_with("arn:aws");
            match managed_policy(&text.replacen(HOLE, "aws", 1)) {
                Some(known) => {
                    let all = matches!(known.class, ManagedClass::Admin | ManagedClass::PowerUser);
                    let reads =
                        known.services.iter().any(|service| service == "secretsmanager" || service == "*" && all);
                    if reads || known.name == "AWSCloudFormationFullAccess" {
                        return Reads::AsAny;
                    }
                }
                None if own || !text.contains(':') && !text.contains(HOLE) => {}
                None => open = Reads::Unknown("one of its policies is kept outside of the template".to_owned()),
            }
        }
        if let Value::Unknown(why) = &policy.value {
            open = Reads::Unknown(why.to_string());
        }
    }
    open
}

fn names(property: &Property, id: &LogicalId) -> bool {
    property.text().is_some_and(|value| refers(value, id))
}

/// Whether a value is, in some case, a reference to the resource or to one of its attributes.
fn refers(value: &Value<String>, id: &LogicalId) -> bool {
    let only = |symbol: &Symbol| symbol.resources().any(|own| own == id);
    match value {
        Value::Symbolic(symbol) => only(symbol),
        Value::OneOf(cases) => cases.iter().any(|case| refers(&case.value, id)),
        _ => false,
    }
}
