//! The application graph: what a template describes, free of the language it was written in.

use std::{collections::BTreeMap, fmt, sync::Arc};

use jiff::civil::Date;
use serde::Serialize;

use crate::{Api, ApiStyle, Condition, EventSource, Fact, Property, Provenance, Role, Route, Span};

/// The name a template gives to one of its resources.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct LogicalId(Arc<str>);

impl LogicalId {
    /// The id with this text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LogicalId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

/// One application: everything one template (with what it includes) describes. Lists stand in template order.
#[derive(Clone, Debug, Default, Serialize)]
pub struct App {
    /// Name for people and for the state directory: the folder's name, lower case.
    pub name: Arc<str>,
    /// The template's path as the user named it.
    pub file: Arc<str>,
    /// Functions.
    pub functions: Vec<Function>,
    /// Shared code that functions lay under their own.
    pub layers: Vec<Layer>,
    /// What starts functions, routes included (one source per route).
    pub sources: Vec<EventSource>,
    /// APIs, implicit ones and function URLs included.
    pub apis: Vec<Api>,
    /// Routes of all APIs.
    pub routes: Vec<Route>,
    /// Roles that functions or other resources assume; users and groups of people too, which nothing assumes.
    pub roles: Vec<Role>,
    /// Places where data or messages rest.
    pub stores: Vec<Store>,
    /// Stored secrets and parameters.
    pub secrets: Vec<Secret>,
    /// Encryption keys.
    pub keys: Vec<Key>,
    /// Log groups.
    pub log_groups: Vec<LogGroup>,
    /// Alarms.
    pub alarms: Vec<Alarm>,
    /// Firewalls of the platform and what they protect.
    pub wafs: Vec<Waf>,
    /// Who may call a resource, said by the resource itself.
    pub grants: Vec<Grant>,
    /// Template parameters.
    pub parameters: Vec<Parameter>,
    /// Every resource after expansion, with its type as the template's language names it.
    pub resources: BTreeMap<LogicalId, Resource>,
    /// What the template hands out to people and to other templates.
    pub outputs: Vec<Output>,
    /// Macros by name that rewrite the template at deployment; the platform's own included, the serverless transform not.
    pub macros: Vec<Fact<String>>,
    /// Findings that people chose to live with.
    pub suppressions: Vec<Suppression>,
    /// Facts that could not be judged while reading.
    pub unjudged: Vec<Unjudged>,
}

impl App {
    /// The function with this logical id.
    pub fn function(&self, id: &LogicalId) -> Option<&Function> {
        self.functions.iter().find(|function| function.id == *id)
    }

    /// The role with this logical id.
    pub fn role(&self, id: &LogicalId) -> Option<&Role> {
        self.roles.iter().find(|role| role.id == *id)
    }

    /// The API with this logical id.
    pub fn api(&self, id: &LogicalId) -> Option<&Api> {
        self.apis.iter().find(|api| api.id == *id)
    }

    /// The functions that run with this role.
    pub fn functions_with_role<'a>(&'a self, role: &'a LogicalId) -> impl Iterator<Item = &'a Function> {
        self.functions.iter().filter(move |function| function.role.as_ref() == Some(role))
    }

    /// What starts this function.
    pub fn sources_of<'a>(&'a self, function: &'a LogicalId) -> impl Iterator<Item = &'a EventSource> {
        self.sources.iter().filter(move |source| source.function == *function)
    }

    /// The routes that reach this function.
    pub fn routes_of<'a>(&'a self, function: &'a LogicalId) -> impl Iterator<Item = &'a Route> {
        self.routes.iter().filter(move |route| route.function.as_ref() == Some(function))
    }

    /// The path under which a route is reached where all APIs share one address: that of the route itself, with the
    /// catch-all `$default` as a pattern. A function's own address has no path of its own: it stands at the root when it is
    /// the only API, below `/url/` and its function's name otherwise.
    pub fn shared_path(&self, route: &Route) -> Arc<str> {
        if &*route.path == "$default" && self.api(&route.api).is_some_and(|api| api.style == ApiStyle::Http) {
            return "/{proxy+}".into();
        }
        let own_address = self.api(&route.api).is_some_and(|api| api.style == ApiStyle::FunctionUrl);
        match (own_address, &route.function) {
            (false, _) => route.path.clone(),
            (true, Some(function)) if self.apis.len() > 1 => format!("/url/{function}/{{proxy+}}").into(),
            (true, _) => "/{proxy+}".into(),
        }
    }

    /// The encryption key with this logical id.
    pub fn key(&self, id: &LogicalId) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == *id)
    }
}

/// One function.
#[derive(Clone, Debug, Serialize)]
pub struct Function {
    /// Its logical id.
    pub id: LogicalId,
    /// The name it will have, where the template settles it.
    pub name: Option<Fact<String>>,
    /// Where the function itself is declared.
    pub provenance: Provenance,
    /// Runtime identifier as the platform names it (`python3.13`), absent for images.
    pub runtime: Option<Fact<String>>,
    /// Entry point as the platform names it (`app.handler`).
    pub handler: Option<Fact<String>>,
    /// The code.
    pub package: Package,
    /// Shared code laid under the function's own, in order.
    pub layers: Vec<Fact<String>>,
    /// Memory in MiB (platform default included, as such).
    pub memory: Fact<u32>,
    /// Longest run in seconds (platform default included, as such).
    pub timeout: Fact<u32>,
    /// Scratch space in MiB.
    pub scratch: Fact<u32>,
    /// Greatest number of simultaneous runs, where one is reserved.
    pub reserved_concurrency: Option<Fact<u32>>,
    /// Environment variables in template order.
    pub environment: Vec<Variable>,
    /// The role it runs with, when it is part of this template.
    pub role: Option<LogicalId>,
    /// The role as written, when it is not part of this template.
    pub foreign_role: Option<Fact<String>>,
    /// Where failed asynchronous runs go: dead-letter target or on-failure destination.
    pub failure_targets: Vec<Fact<String>>,
    /// Whether the platform snapshots it after initialisation.
    pub snapshot: Option<Fact<bool>>,
    /// Processor architectures as the platform names them.
    pub architectures: Vec<Fact<String>>,
    /// Whether it is attached to private networks.
    pub private_network: bool,
}

/// A function's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Package {
    /// A folder or archive beside the template, relative to it.
    Local(Fact<String>),
    /// Source text inside the template.
    Inline(Fact<String>),
    /// A container image.
    Image(Fact<String>),
    /// An archive in a bucket, or anything else that is not beside the template; as written.
    Remote(Fact<String>),
    /// The template does not say.
    Missing,
}

/// Shared code, packed once for many functions.
#[derive(Clone, Debug, Serialize)]
pub struct Layer {
    /// Its logical id.
    pub id: LogicalId,
    /// The code.
    pub package: Package,
    /// Where it is declared.
    pub provenance: Provenance,
}

/// One environment variable of a function.
#[derive(Clone, Debug, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: Arc<str>,
    /// Its value.
    pub value: Fact<String>,
}

/// What a [`Store`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreKind {
    /// Objects under keys.
    Bucket,
    /// Records under keys.
    Table,
    /// Messages for one reader.
    Queue,
    /// Messages for many subscribers.
    Topic,
    /// Ordered records, read from a position.
    Stream,
    /// Events routed by pattern.
    Bus,
    /// A relational or document database.
    Database,
}

/// A place where data or messages rest.
#[derive(Clone, Debug, Serialize)]
pub struct Store {
    /// Its logical id.
    pub id: LogicalId,
    /// What it is.
    pub kind: StoreKind,
    /// The name it will have, where the template settles it.
    pub name: Option<Fact<String>>,
    /// Whether it is encrypted at rest by its own settings; absent when the template says nothing.
    pub encrypted: Option<Fact<bool>>,
    /// Where messages go that cannot be processed (queues).
    pub failure_target: Option<Fact<String>>,
    /// Where it is declared.
    pub provenance: Provenance,
}

/// A stored secret, or a parameter in a parameter store.
#[derive(Clone, Debug, Serialize)]
pub struct Secret {
    /// Its logical id.
    pub id: LogicalId,
    /// The name it will have, where the template settles it.
    pub name: Option<Fact<String>>,
    /// Whether it is stored encrypted.
    pub encrypted: Fact<bool>,
    /// Whether something replaces it on schedule.
    pub rotates: bool,
    /// Where it is declared.
    pub provenance: Provenance,
}

/// An encryption key.
#[derive(Clone, Debug, Serialize)]
pub struct Key {
    /// Its logical id.
    pub id: LogicalId,
    /// Whether the platform rotates it.
    pub rotates: Option<Fact<bool>>,
    /// Where it is declared.
    pub provenance: Provenance,
}

/// A log group.
#[derive(Clone, Debug, Serialize)]
pub struct LogGroup {
    /// Its logical id.
    pub id: LogicalId,
    /// The name it will have.
    pub name: Option<Fact<String>>,
    /// Days until lines are dropped; absent means never.
    pub retention_days: Option<Fact<u32>>,
    /// Where it is declared.
    pub provenance: Provenance,
}

/// An alarm on a metric.
#[derive(Clone, Debug, Serialize)]
pub struct Alarm {
    /// Its logical id.
    pub id: LogicalId,
    /// The metric it watches.
    pub metric: Option<Fact<String>>,
    /// Whom it tells.
    pub actions: Vec<Fact<String>>,
    /// Where it is declared.
    pub provenance: Provenance,
}

/// A firewall the platform offers.
#[derive(Clone, Debug, Serialize)]
pub struct Waf {
    /// Its logical id.
    pub id: LogicalId,
    /// The APIs and endpoints it is attached to, as written.
    pub protects: Vec<Fact<String>>,
    /// Number of rules, where it can be counted.
    pub rules: Option<usize>,
    /// Where it is declared.
    pub provenance: Provenance,
}

/// Who is meant by a grant or a trust.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Principal {
    /// Anyone at all.
    Internet,
    /// An account or an identity in one; as written.
    Account(Fact<String>),
    /// A service of the platform, by its name.
    Service(Fact<String>),
    /// Could not be settled.
    Unknown(Arc<str>),
}

/// A resource's own word on who may call it.
#[derive(Clone, Debug, Serialize)]
pub struct Grant {
    /// The resource it protects.
    pub resource: Fact<String>,
    /// The action it allows.
    pub action: Fact<String>,
    /// Who may.
    pub principal: Principal,
    /// On behalf of which resource only, where it says so.
    pub source: Option<Fact<String>>,
    /// On behalf of which account only, where it says so.
    pub source_account: Option<Fact<String>>,
    /// Every condition of the statement behind it, those on source and account included.
    pub conditions: Vec<Condition>,
    /// Where it is declared.
    pub provenance: Provenance,
}

/// A template parameter.
#[derive(Clone, Debug, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: Arc<str>,
    /// Type as written (`String`, `AWS::SSM::Parameter::Value<String>`).
    pub kind: Arc<str>,
    /// Its default; never printed by a report.
    #[serde(skip)]
    pub default: Option<Arc<str>>,
    /// Whether the platform hides it.
    pub hidden: bool,
    /// Where it is declared.
    pub provenance: Provenance,
    /// Where the default stands.
    pub default_span: Option<Span>,
    /// Where its hiding is declared.
    pub hidden_span: Option<Span>,
}

/// A resource after expansion.
#[derive(Clone, Debug, Serialize)]
pub struct Resource {
    /// Type as the template's language names it.
    pub kind: Arc<str>,
    /// Where it is declared, or what implied it.
    pub provenance: Provenance,
    /// The condition under which it exists.
    pub condition: Option<Arc<str>>,
    /// The written resource that implied it, when nobody wrote it.
    pub implied_by: Option<LogicalId>,
    /// The type as a person wrote it, before expansion; nothing when nobody wrote the resource.
    pub written_kind: Option<Arc<str>>,
    /// Its properties after expansion; nothing when it has none.
    pub properties: Option<Property>,
    /// Settings beside the properties that matter to rules, as written: `DeletionPolicy`, `UpdateReplacePolicy`.
    pub keeping: BTreeMap<Arc<str>, Fact<String>>,
}

/// A value that the template hands out.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    /// Its name.
    pub name: Arc<str>,
    /// The value.
    pub value: Property,
    /// The name under which other templates import it.
    pub export: Option<Fact<String>>,
    /// Where it is declared.
    pub provenance: Provenance,
}

/// A finding that people chose to live with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suppression {
    /// The rule.
    pub code: Arc<str>,
    /// Why it is acceptable.
    pub reason: Option<Arc<str>>,
    /// Who answers for it.
    pub owner: Option<Arc<str>>,
    /// Last day on which it holds.
    pub until: Option<Date>,
    /// What it covers.
    pub scope: Scope,
    /// Where it is written.
    pub span: Span,
    /// The id it was written with, where it was written for another checker: such a suppression was never asked for an owner,
    /// a reason or an end, and may be about what we do not find.
    pub peer: Option<Arc<str>>,
}

/// What a [`Suppression`] covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Findings on one line of the file (counted from 1).
    Line(u32),
    /// Findings on one resource and on everything it implies.
    Resource(LogicalId),
    /// The whole file.
    File,
}

/// A fact that could not be judged. Never a pass.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Unjudged {
    /// What could not be judged, one sentence.
    pub reason: Arc<str>,
    /// The resource, when it is about one.
    pub resource: Option<LogicalId>,
    /// The rule that could not judge, when a rule asked.
    pub code: Option<Arc<str>>,
    /// Where.
    pub span: Option<Span>,
}
