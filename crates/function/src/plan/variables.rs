//! The environment of a function's process: what the template writes, what the platform adds, and nothing of the host's.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use brigandine_model::{Function, Value, Variable};
use serde_json::Value as Json;

use crate::{
    Error, LocalSettings,
    plan::{
        notice::{Notice, NoticeKind},
        resources::{Rendered, Resources},
        secret::{Part, split},
    },
};

/// Where the AWS calls of functions go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AwsAccess {
    /// Nowhere: there are placeholder credentials only, and every call fails here at once.
    #[default]
    None,
    /// To an emulator or proxy at this URL, with placeholder credentials.
    Endpoint(String),
    /// To the real services, as this named profile of the user's own configuration under `home`.
    Profile {
        /// The profile's name.
        name: String,
        /// The home directory that holds `.aws`.
        home: PathBuf,
    },
}

/// Values that replace those of the template, in the format of `sam local --env-vars`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    all: BTreeMap<String, String>,
    functions: BTreeMap<String, BTreeMap<String, String>>,
}

impl Overrides {
    /// Reads `{"Parameters": {"NAME": "value"}, "FunctionLogicalId": {"NAME": "value"}}`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let json: Json = serde_json::from_str(text).map_err(|fault| broken(fault.to_string()))?;
        let Json::Object(sections) = json else {
            return Err(broken("an object of objects is expected".to_owned()));
        };
        let mut overrides = Self::default();
        for (section, values) in sections {
            let values = Self::section(&section, values)?;
            if section == "Parameters" {
                overrides.all = values;
            } else {
                overrides.functions.insert(section, values);
            }
        }
        Ok(overrides)
    }

    fn section(section: &str, values: Json) -> Result<BTreeMap<String, String>, Error> {
        let Json::Object(values) = values else {
            return Err(broken(format!("`{section}` must be an object of names and values")));
        };
        let plain = |(name, value)| match value {
            Json::String(text) => Ok((name, text)),
            Json::Number(_) | Json::Bool(_) => Ok((name, value.to_string())),
            _ => Err(broken(format!("`{name}` of `{section}` must be text"))),
        };
        values.into_iter().map(plain).collect()
    }

    /// The value for one variable of one function: the function's own section speaks before the common one.
    fn value(&self, function: &str, name: &str) -> Option<&String> {
        self.functions.get(function).and_then(|values| values.get(name)).or_else(|| self.all.get(name))
    }

    /// Names given to one function that its template does not declare: the platform would not have them either.
    fn undeclared<'a>(&'a self, function: &'a Function) -> impl Iterator<Item = &'a str> {
        let given = self.functions.get(function.id.as_str()).into_iter().flat_map(BTreeMap::keys);
        given.map(String::as_str).filter(|name| !function.environment.iter().any(|variable| *variable.name == **name))
    }
}

fn broken(reason: String) -> Error {
    Error::Overrides { reason }
}

/// The variables the template writes, with the values they have here.
pub(crate) fn written(
    function: &Function,
    resources: &Resources<'_>,
    settings: &LocalSettings,
    notices: &mut Vec<Notice>,
) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    let mut say = |text: String| {
        notices.push(Notice { kind: NoticeKind::Variable, function: Some(function.id.clone()), text });
    };
    for variable in &function.environment {
        let given = settings.overrides.value(function.id.as_str(), &variable.name).cloned();
        match given.map_or_else(|| render(variable, resources, settings), Ok) {
            Ok(text) if text.contains('\0') => say(format!("{}: {} holds a zero byte", function.id, variable.name)),
            Ok(text) => drop(variables.insert(variable.name.to_string(), text)),
            Err(why) => say(format!("{}: {} is not set: {why}", function.id, variable.name)),
        }
    }
    for name in settings.overrides.undeclared(function) {
        say(format!("{}: {name} is given a value but is no variable of the template, so it is not set", function.id));
    }
    variables
}

fn render(variable: &Variable, resources: &Resources<'_>, settings: &LocalSettings) -> Result<String, String> {
    let pieces = pieces(&variable.value.value, resources)?;
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Rendered::Text(piece) => text.push_str(&piece),
            Rendered::Missing(name) => return Err(format!("the parameter {name} has no value")),
            Rendered::Secret(reference) => {
                let secret = settings.secrets.as_ref().and_then(|secrets| secrets.reveal(&reference));
                text.push_str(secret.ok_or_else(|| format!("nobody here keeps {reference}"))?.expose());
            }
        }
    }
    Ok(text)
}

fn pieces(value: &Value<String>, resources: &Resources<'_>) -> Result<Vec<Rendered>, String> {
    match value {
        Value::Known(text) => Ok(split(text)
            .into_iter()
            .map(|part| match part {
                Part::Text(text) => Rendered::Text(text.to_owned()),
                Part::Reference(reference) => Rendered::Secret(reference.to_owned()),
            })
            .collect()),
        Value::Symbolic(symbol) => Ok(resources.render(symbol)),
        Value::OneOf(cases) => {
            let first = cases.first().ok_or_else(|| "no case of it can be reached".to_owned())?;
            pieces(&first.value, resources)
        }
        Value::Unknown(why) => Err(why.to_string()),
    }
}

/// All that the platform's part of the environment depends on.
pub(crate) struct Frame<'a> {
    pub(crate) function: &'a Function,
    pub(crate) handler: &'a str,
    pub(crate) code: &'a Path,
    pub(crate) runtime_folder: &'a Path,
    pub(crate) program: &'a Path,
    pub(crate) layers: &'a [PathBuf],
    pub(crate) resources: &'a Resources<'a>,
    pub(crate) settings: &'a LocalSettings,
}

impl Frame<'_> {
    /// The whole environment: defaults a function may replace, what the template writes, then what is the platform's alone.
    pub(crate) fn fill(&self, written: BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut all = self.defaults();
        all.extend(written);
        all.extend(self.reserved());
        all.extend(self.access());
        all.extend(self.settings.given.get(&self.function.id).cloned().unwrap_or_default());
        all
    }

    fn defaults(&self) -> BTreeMap<String, String> {
        let own = self.program.parent().map(|folder| folder.display().to_string()).unwrap_or_default();
        let code = self.code.display();
        // Where two layers have the same file the later one holds.
        let runtime = super::text(self.function.runtime.as_ref()).unwrap_or_default();
        let packages = format!("python/lib/{runtime}/site-packages");
        let below = |first: &[String], folder: &str| {
            let layers = self.layers.iter().rev().map(|layer| layer.join(folder).display().to_string());
            first.iter().cloned().chain(layers).collect::<Vec<_>>().join(":")
        };
        let pairs = [
            ("PATH", below(&[own, "/usr/local/bin:/usr/bin:/bin".to_owned()], "bin")),
            ("LANG", "en_US.UTF-8".to_owned()),
            ("TZ", ":UTC".to_owned()),
            ("LD_LIBRARY_PATH", below(&[format!("{code}:{code}/lib")], "lib")),
            ("PYTHONPATH", [below(&[], "python"), below(&[], &packages)].join(":").trim_matches(':').to_owned()),
            ("NODE_PATH", below(&[], "nodejs/node_modules")),
            ("PYTHONPYCACHEPREFIX", self.settings.data.join("pycache").display().to_string()),
        ];
        pairs.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn reserved(&self) -> BTreeMap<String, String> {
        let name = self.resources.name(&self.function.id).to_owned();
        let memory = self.function.memory.value.settled().first().map_or(128, |memory| **memory);
        let runtime = super::text(self.function.runtime.as_ref()).unwrap_or_default();
        let pairs = [
            ("_HANDLER", self.handler.to_owned()),
            ("AWS_REGION", self.settings.region.clone()),
            ("AWS_DEFAULT_REGION", self.settings.region.clone()),
            ("AWS_EXECUTION_ENV", format!("AWS_Lambda_{runtime}")),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
            ("AWS_LAMBDA_FUNCTION_NAME", name),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory.to_string()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("LAMBDA_TASK_ROOT", self.code.display().to_string()),
            ("LAMBDA_RUNTIME_DIR", self.runtime_folder.display().to_string()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Credentials and address for AWS calls. Without a profile nothing of the user's own configuration is in reach of an
    /// SDK, for a function run on a laptop must not find the way to production by itself.
    fn access(&self) -> BTreeMap<String, String> {
        let mut pairs = vec![("AWS_EC2_METADATA_DISABLED", "true".to_owned())];
        if let AwsAccess::Profile { name, home } = &self.settings.aws {
            pairs.push(("AWS_PROFILE", name.clone()));
            pairs.push(("AWS_CONFIG_FILE", home.join(".aws/config").display().to_string()));
            pairs.push(("AWS_SHARED_CREDENTIALS_FILE", home.join(".aws/credentials").display().to_string()));
            pairs.push(("HOME", home.display().to_string()));
        } else {
            let nowhere = self.settings.aws == AwsAccess::None;
            pairs.push(("AWS_ACCESS_KEY_ID", if nowhere { "NOENDPOINT" } else { "LOCALPLACEHOLDER" }.to_owned()));
            pairs.push(("AWS_SECRET_ACCESS_KEY", "local-placeholder".to_owned()));
            pairs.push(("AWS_SESSION_TOKEN", "local-placeholder".to_owned()));
            pairs.push(("AWS_CONFIG_FILE", "/dev/null".to_owned()));
            pairs.push(("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()));
        }
        if let AwsAccess::Endpoint(url) = &self.settings.aws {
            pairs.push(("AWS_ENDPOINT_URL", url.clone()));
        }
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_functions_own_section_speaks_before_the_common_one() {
        let text = r#"{"Parameters": {"MODE": "all", "SIZE": 3}, "Orders": {"MODE": "own"}}"#;
        let overrides = Overrides::parse(text).unwrap();
        assert_eq!(overrides.value("Orders", "MODE").map(String::as_str), Some("own"));
        assert_eq!(overrides.value("Other", "MODE").map(String::as_str), Some("all"));
        assert_eq!(overrides.value("Other", "SIZE").map(String::as_str), Some("3"));
        assert_eq!(overrides.value("Other", "NONE"), None);
    }

    #[test]
    fn a_file_of_another_shape_is_refused_with_the_place() {
        let shape = |text: &str| Overrides::parse(text).err().map(|error| error.to_string());
        assert!(shape(r#"{"Orders": "x"}"#).is_some_and(|text| text.contains("`Orders`")));
        assert!(shape(r#"{"Orders": {"A": []}}"#).is_some_and(|text| text.contains("`A` of `Orders`")));
        assert!(shape("[]").is_some() && shape("{").is_some());
    }
}
