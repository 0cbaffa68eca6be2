//! What can be said of the functions by the names callers use for them: names, versions, settings.

use std::{collections::BTreeMap, time::Duration};

use brigandine_model::{App, Fact, Function, LogicalId, Package, Piece, Property, Resource, Value};
use serde_json::{Map, Value as Json, json};

use crate::{
    LocalSettings,
    plan::{ACCOUNT, resources::Resources},
};

/// The only version there is of a function that runs here.
pub(crate) const LATEST: &str = "$LATEST";
/// Attempts after the first one, where the template says nothing.
const RETRIES: u32 = 2;
/// How long an event may wait for its function, where the template says nothing.
const MAX_AGE: Duration = Duration::from_hours(6);

/// The functions of one application, as callers know them.
#[derive(Debug)]
pub struct Catalogue {
    functions: Vec<Entry>,
    /// Names and logical ids; where both fit, the name does.
    by_name: BTreeMap<String, usize>,
    region: String,
}

/// One function, as callers know it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: LogicalId,
    name: String,
    /// Names for versions; all of them lead to the only one there is.
    aliases: Vec<String>,
    /// What the platform's API tells of its settings. Never its environment, which may hold secrets.
    pub(crate) configuration: Json,
    pub(crate) memory_mib: u32,
    pub(crate) reserved: Option<u32>,
    /// How often an event is tried again after its function failed.
    pub(crate) retries: u32,
    /// How long an event may wait.
    pub(crate) max_age: Duration,
}

/// Why a name leads to no function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unnamed {
    /// The name is not one.
    Malformed,
    /// The name says one version and the query another.
    Contradicted,
    /// There is none; its full name.
    Unknown(String),
}

impl Catalogue {
    pub(crate) fn new(app: &App, settings: &LocalSettings) -> Self {
        let resources = Resources::new(app, settings);
        let functions: Vec<Entry> = app.functions.iter().map(|function| entry(app, function, &resources)).collect();
        let mut by_name = BTreeMap::new();
        for (place, entry) in functions.iter().enumerate() {
            by_name.entry(entry.id.to_string()).or_insert(place);
        }
        for (place, entry) in functions.iter().enumerate() {
            by_name.insert(entry.name.clone(), place);
        }
        Self { functions, by_name, region: settings.region.clone() }
    }

    /// All functions, in template order.
    pub(crate) fn all(&self) -> &[Entry] {
        &self.functions
    }

    /// The function behind a name in any of its forms: name, partial and full ARN, each with a version or without.
    pub(crate) fn find(&self, written: &str, qualifier: Option<&str>) -> Result<&Entry, Unnamed> {
        let (name, own) = self.parts(written)?;
        if let (Some(own), Some(asked)) = (own, qualifier)
            && own != asked
        {
            return Err(Unnamed::Contradicted);
        }
        let version = own.or(qualifier);
        let full = |name: &str| {
            let version = version.map_or_else(String::new, |version| format!(":{version}"));
            format!("arn:aws:lambda:{}:{ACCOUNT}:function:{name}{version}", self.region)
        };
        let unknown = || Unnamed::Unknown(full(name));
        let entry = self.by_name.get(name).and_then(|place| self.functions.get(*place)).ok_or_else(unknown)?;
        let known = version.is_none_or(|version| version == LATEST || entry.aliases.iter().any(|name| name == version));
        if known { Ok(entry) } else { Err(Unnamed::Unknown(full(&entry.name))) }
    }

    /// The name and the version of what is written; who names another region or account names no function of ours.
    fn parts<'a>(&self, written: &'a str) -> Result<(&'a str, Option<&'a str>), Unnamed> {
        if written.len() > 170 {
            return Err(Unnamed::Malformed);
        }
        let elsewhere = || Unnamed::Unknown(written.to_owned());
        let mut parts = written.split(':').peekable();
        if parts.peek() == Some(&"arn") {
            let head: Vec<&str> = parts.by_ref().take(5).collect();
            let [_, partition, "lambda", region, account] = head[..] else { return Err(Unnamed::Malformed) };
            if partition != "aws" || region != self.region || account != ACCOUNT {
                return Err(elsewhere());
            }
        } else if let Some(account) = parts.next_if(|part| is_account(part) && written.contains(":function:"))
            && account != ACCOUNT
        {
            return Err(elsewhere());
        }
        if written.contains(":function:") || written.starts_with("function:") {
            parts.next_if_eq(&"function").ok_or(Unnamed::Malformed)?;
        }
        let name = parts.next().filter(|name| is_name(name)).ok_or(Unnamed::Malformed)?;
        let version = parts.next();
        let fits = |version: &str| version == LATEST || is_name(version);
        if parts.next().is_some() || !version.is_none_or(fits) {
            return Err(Unnamed::Malformed);
        }
        Ok((name, version))
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn entry(app: &App, function: &Function, resources: &Resources<'_>) -> Entry {
    let (retries, max_age) = asynchronous(app, &function.id);
    Entry {
        id: function.id.clone(),
        name: resources.name(&function.id).to_owned(),
        aliases: aliases(app, &function.id),
        configuration: configuration(function, resources),
        memory_mib: function.memory.value.settled().first().map_or(128, |memory| **memory),
        reserved: function.reserved_concurrency.as_ref().and_then(|fact| fact.value.settled().first().map(|one| **one)),
        retries,
        max_age,
    }
}

/// What the platform's API tells of a function's settings.
fn configuration(function: &Function, resources: &Resources<'_>) -> Json {
    let number = |fact: &Fact<u32>| fact.value.settled().first().map(|value| json!(**value));
    let text =
        |fact: Option<&Fact<String>>| fact.and_then(|fact| fact.value.settled().first().map(|text| json!(*text)));
    let image = matches!(function.package, Package::Image(_));
    let snapshot = function.snapshot.as_ref().is_some_and(|fact| fact.value.known() == Some(&true));
    let architecture = function.architectures.first().and_then(|fact| fact.value.known().cloned());
    let pairs = [
        ("FunctionName", Some(json!(resources.name(&function.id)))),
        ("FunctionArn", Some(json!(resources.function_arn(&function.id)))),
        ("Runtime", text(function.runtime.as_ref())),
        ("Handler", text(function.handler.as_ref())),
        ("Role", function.role.as_ref().map(|role| json!(resources.arn(role)))),
        ("Timeout", number(&function.timeout)),
        ("MemorySize", number(&function.memory)),
        ("EphemeralStorage", number(&function.scratch).map(|size| json!({"Size": size}))),
        ("Version", Some(json!(LATEST))),
        ("PackageType", Some(json!(if image { "Image" } else { "Zip" }))),
        ("Architectures", Some(json!([architecture.unwrap_or_else(|| "x86_64".to_owned())]))),
        ("State", Some(json!("Active"))),
        ("LastUpdateStatus", Some(json!("Successful"))),
        ("TracingConfig", Some(json!({"Mode": "PassThrough"}))),
        (
            "SnapStart",
            Some(json!({"ApplyOn": if snapshot { "PublishedVersions" } else { "None" }, "OptimizationStatus": "Off"})),
        ),
    ];
    let known = pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Json::Object(known.collect::<Map<_, _>>())
}

/// The names the template gives to versions of a function.
fn aliases(app: &App, function: &LogicalId) -> Vec<String> {
    let of_function = below(app, "AWS::Lambda::Alias", function);
    of_function.filter_map(|properties| properties.at(&["Name"])?.known().map(str::to_owned)).collect()
}

/// How often and how long an event is tried, as the template says.
fn asynchronous(app: &App, function: &LogicalId) -> (u32, Duration) {
    let Some(properties) = below(app, "AWS::Lambda::EventInvokeConfig", function).next() else {
        return (RETRIES, MAX_AGE);
    };
    let number = |name: &str| properties.at(&[name])?.known()?.parse::<u32>().ok();
    let retries = number("MaximumRetryAttempts").unwrap_or(RETRIES).min(RETRIES);
    let age = number("MaximumEventAgeInSeconds").map_or(MAX_AGE, |seconds| Duration::from_secs(seconds.into()));
    (retries, age.min(MAX_AGE))
}

/// Properties of the resources of one kind that belong to a function.
fn below<'a>(app: &'a App, kind: &'a str, function: &'a LogicalId) -> impl Iterator<Item = &'a Property> {
    let of_kind = app.resources.values().filter(move |resource: &&Resource| *resource.kind == *kind);
    of_kind.filter_map(|resource| resource.properties.as_ref()).filter(move |properties| {
        properties.at(&["FunctionName"]).is_some_and(|name| match name.text() {
            Some(Value::Symbolic(symbol)) => symbol
                .pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Attribute { resource, .. } if resource == function)),
            Some(Value::Known(name)) => name == function.as_str(),
            _ => false,
        })
    })
}

#[cfg(test)]
mod tests {
    use brigandine_model::Provenance;

    use super::*;

    fn catalogue() -> Catalogue {
        let known = |value: u32| Fact::known(value, Provenance::default());
        let function = Function {
            id: LogicalId::new("Orders"),
            name: Some(Fact::known("shop-orders".to_owned(), Provenance::default())),
            provenance: Provenance::default(),
            runtime: None,
            handler: None,
            package: Package::Missing,
            layers: vec![],
            memory: known(512),
            timeout: known(9),
            scratch: known(512),
            reserved_concurrency: None,
            environment: vec![],
            role: None,
            foreign_role: None,
            failure_targets: vec![],
            snapshot: None,
            architectures: vec![],
            private_network: false,
        };
        let app = App { functions: vec![function], ..App::default() };
        Catalogue::new(&app, &LocalSettings::new("unused"))
    }

    #[test]
    fn a_function_is_found_by_every_form_of_its_name() {
        let catalogue = catalogue();
        for written in [
            "Orders",
            "shop-orders",
            "shop-orders:$LATEST",
            "function:shop-orders",
            "000000000000:function:shop-orders",
            "arn:aws:lambda:us-east-1:000000000000:function:shop-orders",
            "arn:aws:lambda:us-east-1:000000000000:function:shop-orders:$LATEST",
        ] {
            let found = catalogue.find(written, None).map(|entry| entry.id.to_string());
            assert_eq!(found.as_deref(), Ok("Orders"), "{written}");
        }
        assert!(catalogue.find("shop-orders", Some("$LATEST")).is_ok());
    }

    #[test]
    fn other_names_lead_nowhere_and_say_why() {
        let catalogue = catalogue();
        let fault = |written: &str, qualifier| catalogue.find(written, qualifier).err();
        for written in
            ["", "a b", "arn:aws:lambda", "shop-orders:", "x:y:z:w", "arn:aws:s3:::bucket", "shop-orders:a:b"]
        {
            assert_eq!(fault(written, None), Some(Unnamed::Malformed), "{written}");
        }
        assert_eq!(fault("shop-orders:$LATEST", Some("live")), Some(Unnamed::Contradicted));
        for written in [
            "nowhere",
            "shop-orders:live",
            "shop-orders:7",
            "111111111111:function:shop-orders",
            "arn:aws:lambda:eu-west-1:000000000000:function:shop-orders",
        ] {
            assert!(matches!(fault(written, None), Some(Unnamed::Unknown(_))), "{written}");
        }
    }
}
