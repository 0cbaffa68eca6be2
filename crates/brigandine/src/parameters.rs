//! Values of template parameters: from the command line, and from the files that deployment tools keep them in.
//!
//! A file is one of: the list of `ParameterKey` and `ParameterValue` that CloudFormation takes, a list of `NAME=VALUE`, an object with
//! `Parameters` as pipelines have it, a plain object of names and values, or a `samconfig.toml`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use brigandine_template::Options;
use serde_json::Value;

use crate::{arguments::Reading, face};

/// Values by the name of their parameter.
pub(crate) type Values = BTreeMap<String, String>;

/// Largest parameter file, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The environment of a `samconfig.toml` that is meant when none is named.
const DEFAULT_ENVIRONMENT: &str = "default";

/// What the command line says of how a template is read; a value given by itself wins over one of a file.
pub(crate) fn options(reading: &Reading) -> anyhow::Result<Options> {
    options_for(reading, None)
}

/// Like [`options`], for one environment with a file of its own. The more special wins: file, environment, single value.
pub(crate) fn options_for(reading: &Reading, environment: Option<(&str, &Path)>) -> anyhow::Result<Options> {
    let mut parameters = Values::new();
    for file in &reading.parameter_files {
        parameters.extend(read(file, DEFAULT_ENVIRONMENT)?);
    }
    if let Some((name, file)) = environment {
        parameters.extend(read(file, name)?);
    }
    parameters.extend(reading.parameters.iter().cloned());
    Ok(Options { parameters, ..Options::default() })
}

fn read(file: &Path, environment: &str) -> anyhow::Result<Values> {
    let fault = |what: &str| face::sentence(format!("`{}`: {what}", file.display()), FORMS);
    let size = std::fs::metadata(file).map_err(|error| fault(&error.to_string()))?.len();
    if size > LARGEST {
        return Err(fault(&format!("the file is larger than {LARGEST} bytes, the most that is read")));
    }
    let text = std::fs::read_to_string(file).map_err(|error| fault(&error.to_string()))?;
    let is_toml = file.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("toml"));
    let values = if is_toml { of_samconfig(&text, environment) } else { of_json(&text) };
    values.map_err(|what| fault(&what))
}

const FORMS: &str = "a parameter file is a JSON list of `ParameterKey` and `ParameterValue`, a JSON object with `Parameters`, or a \
                     samconfig.toml";

fn of_json(text: &str) -> Result<Values, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    match &document {
        Value::Array(items) => {
            let pairs: Result<Vec<_>, String> = items.iter().map(of_item).collect();
            Ok(pairs?.into_iter().flatten().collect())
        }
        Value::Object(object) => {
            let inner = match object.get("Parameters") {
                Some(Value::Object(inner)) => inner,
                Some(_) => return Err("`Parameters` is no object".to_owned()),
                None => object,
            };
            inner.iter().map(|(name, value)| Ok((name.clone(), scalar(name, value)?))).collect()
        }
        _ => Err("the file holds neither a list nor an object".to_owned()),
    }
}

/// One item of a list; nothing for one that keeps the value of the last deployment, which is not known here.
fn of_item(item: &Value) -> Result<Option<(String, String)>, String> {
    if let Value::String(text) = item {
        let (name, value) = text.split_once('=').ok_or_else(|| format!("`{text}` has no `=`"))?;
        return Ok(Some((name.to_owned(), value.to_owned())));
    }
    let Some(name) = item.get("ParameterKey").and_then(Value::as_str) else {
        return Err("an item of the list has no `ParameterKey`".to_owned());
    };
    match item.get("ParameterValue") {
        Some(value) => Ok(Some((name.to_owned(), scalar(name, value)?))),
        None if item.get("UsePreviousValue") == Some(&Value::Bool(true)) => Ok(None),
        None => Err(format!("`{name}` has no `ParameterValue`")),
    }
}

fn scalar(name: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Array(items) => {
            let items: Result<Vec<String>, String> = items.iter().map(|item| scalar(name, item)).collect();
            Ok(items?.join(","))
        }
        Value::Null | Value::Object(_) => Err(format!("the value of `{name}` is neither text nor a list of texts")),
    }
}

fn of_samconfig(text: &str, environment: &str) -> Result<Values, String> {
    let document: toml::Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    let written = |command: &str| -> Option<&toml::Value> {
        document.get(environment)?.get(command)?.get("parameters")?.get("parameter_overrides")
    };
    let Some(overrides) = written("deploy").or_else(|| written("global")) else {
        let known: Vec<String> =
            document.iter().filter(|(_, value)| value.is_table()).map(|(name, _)| format!("`{name}`")).collect();
        return match document.get(environment) {
            Some(_) => Ok(Values::new()),
            None => Err(format!("there is no environment `{environment}`; there are {}", known.join(", "))),
        };
    };
    let words = match overrides {
        toml::Value::String(text) => words(text),
        toml::Value::Array(items) => items.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect(),
        _ => return Err("`parameter_overrides` is neither text nor a list".to_owned()),
    };
    words.iter().map(|word| of_override(word)).collect()
}

/// `NAME=VALUE`, or `ParameterKey=NAME,ParameterValue=VALUE` as it was written once.
fn of_override(word: &str) -> Result<(String, String), String> {
    let old = word.strip_prefix("ParameterKey=").and_then(|rest| rest.split_once(",ParameterValue="));
    let (name, value) = old.or_else(|| word.split_once('=')).ok_or_else(|| format!("`{word}` has no `=`"))?;
    Ok((unquoted(name), unquoted(value)))
}

fn unquoted(text: &str) -> String {
    let inner = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(text).to_owned()
}

/// Words as a shell cuts them: blanks part, quotes of both kinds hold together, a backslash takes the next sign as it is.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        match (sign, quote) {
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(signs.next()),
            (_, Some(open)) if sign == open => quote = None,
            ('"' | '\'', None) => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (blank, None) if blank.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(sign),
        }
    }
    words.extend(word);
    words
}

/// `NAME=FILE`, for one environment.
pub(crate) fn environment(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.to_owned(), file.into())),
        _ => Err(format!("`{text}` is no NAME=FILE")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_form_of_json_gives_the_same() {
        let wanted = values(&[("Count", "3"), ("Stage", "prod")]);
        for text in [
            r#"[{"ParameterKey": "Stage", "ParameterValue": "prod"}, {"ParameterKey": "Count", "ParameterValue": "3"},
                {"ParameterKey": "Old", "UsePreviousValue": true}]"#,
            r#"{"Parameters": {"Stage": "prod", "Count": 3}, "Tags": {"team": "shop"}, "StackPolicy": {}}"#,
            r#"{"Stage": "prod", "Count": 3}"#,
            r#"["Stage=prod", "Count=3"]"#,
        ] {
            assert_eq!(of_json(text).unwrap(), wanted, "{text}");
        }
        assert_eq!(of_json(r#"{"Subnets": ["a", "b"]}"#).unwrap(), values(&[("Subnets", "a,b")]));
    }

    #[test]
    fn what_is_no_parameter_file_is_said() {
        for (text, what) in [
            ("3", "the file holds neither a list nor an object"),
            (r#"[{"ParameterKey": "A"}]"#, "`A` has no `ParameterValue`"),
            (r#"[{"Name": "A"}]"#, "an item of the list has no `ParameterKey`"),
            (r#"["A"]"#, "`A` has no `=`"),
            (r#"{"A": {"B": 1}}"#, "the value of `A` is neither text nor a list of texts"),
            (r#"{"Parameters": []}"#, "`Parameters` is no object"),
        ] {
            assert_eq!(of_json(text).unwrap_err(), what, "{text}");
        }
    }

    #[test]
    fn a_samconfig_is_read_by_environment() {
        let text = r#"
version = 0.1
[default.deploy.parameters]
parameter_overrides = "Stage=dev Title=\"a b\" ParameterKey=Old,ParameterValue='x y'"
[prod.deploy.parameters]
parameter_overrides = ["Stage=prod", 'Title="c d"']
[empty.build.parameters]
"#;
        assert_eq!(
            of_samconfig(text, "default").unwrap(),
            values(&[("Old", "x y"), ("Stage", "dev"), ("Title", "a b")])
        );
        assert_eq!(of_samconfig(text, "prod").unwrap(), values(&[("Stage", "prod"), ("Title", "c d")]));
        assert_eq!(of_samconfig(text, "empty").unwrap(), Values::new());
        let error = of_samconfig(text, "test").unwrap_err();
        assert_eq!(error, "there is no environment `test`; there are `default`, `empty`, `prod`");
    }

    #[test]
    fn words_are_cut_as_a_shell_does() {
        assert_eq!(words(r#"a=1  b="x \"y\" z" c='p q' d=\ e"#), ["a=1", "b=x \"y\" z", "c=p q", "d= e"]);
        assert_eq!(words("\"\" x"), ["", "x"]);
    }
}
