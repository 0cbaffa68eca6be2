//! `brigandine.toml`: what a template cannot say. Optional; no setting is needed for a first run.
//!
//! Written and valid settings are different types. Everything wrong in the file is reported at once, each with its place.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::Range,
    path::{Path, PathBuf},
};

use schemars::{JsonSchema, Schema, schema_for};
use serde::Deserialize;
use toml::de::{DeTable, DeValue};

use crate::face;

mod check;

/// The file's name, beside the template.
pub(crate) const FILE_NAME: &str = "brigandine.toml";

/// The file as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Written {
    /// Settings of `brigandine check`.
    pub(crate) check: Check,
    /// Settings of `brigandine serve`: where it listens and whom it believes.
    pub(crate) serve: Serve,
    /// Addresses that may or may not call, as CIDR blocks.
    pub(crate) addresses: Addresses,
    /// Sizes and counts.
    pub(crate) limits: Limits,
    /// What each guard does with a request it would refuse, by the guard's name (`rate`, `identity`, ...).
    pub(crate) guards: BTreeMap<String, Mode>,
    /// What the guards do on one route, by `METHOD /path` as the route table shows it, with the API's logical id in front
    /// where two APIs share a method and path.
    pub(crate) routes: BTreeMap<String, Route>,
    /// Where the keys of a token issuer come from, by the authorizer's name in the template.
    pub(crate) authorizers: BTreeMap<String, Authorizer>,
    /// API keys, by a name of your choice. Only the hash is stored.
    pub(crate) keys: BTreeMap<String, Key>,
    /// How functions are run here.
    pub(crate) functions: Functions,
    /// What single functions may do, by their logical ids.
    pub(crate) function: BTreeMap<String, Privileges>,
    /// The firewall that looks at what is in requests.
    pub(crate) waf: Waf,
    /// What is kept of requests beside the events.
    pub(crate) record: Record,
}

/// Settings of `brigandine check`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Check {
    /// Set of rules: `recommended`, `strict`, `launch-day`, `fsbp`, `cis`, `owasp` or `nist`.
    pub(crate) profile: Option<String>,
    /// Only these rules, by code.
    pub(crate) select: Vec<String>,
    /// Not these rules, by code.
    pub(crate) ignore: Vec<String>,
    /// Exit with 1 from this severity on: `info`, `low`, `medium`, `high`, `critical` or `never`.
    pub(crate) fail_on: Option<String>,
    /// Exit with 1 when a fact could not be judged.
    pub(crate) fail_on_unjudged: bool,
    /// File with findings that are known and fail no run, relative to this file and below its folder.
    pub(crate) baseline: Option<PathBuf>,
    /// File to keep the findings in, relative to this file and below its folder.
    pub(crate) register: Option<PathBuf>,
    /// What one rule's findings mean here, by the rule's code.
    pub(crate) rules: BTreeMap<String, Rule>,
}

/// What one rule's findings mean here.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Rule {
    /// The severity they have instead of the rule's own: `info`, `low`, `medium`, `high` or `critical`.
    pub(crate) severity: Option<String>,
    /// Why they are all acceptable. They are listed as suppressed, with this reason.
    pub(crate) ignore: Option<String>,
}

/// Settings of `brigandine serve`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Serve {
    /// Address and port to listen on.
    #[schemars(with = "Option<String>")]
    pub(crate) listen: Option<String>,
    /// Let everything pass and say what would have been refused.
    pub(crate) observe: bool,
    /// Proxies whose word on the client's address is believed, as CIDR blocks.
    pub(crate) trusted_proxies: Vec<String>,
}

/// Addresses that may or may not call.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Addresses {
    /// When not empty, only these may call.
    pub(crate) allow: Vec<String>,
    /// These may not call, whatever `allow` says.
    pub(crate) deny: Vec<String>,
}

/// Sizes and counts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Limits {
    /// Largest request body in bytes.
    pub(crate) body_bytes: Option<u64>,
    /// Most connections at once.
    pub(crate) connections: Option<u32>,
    /// Most connections at once from one client address (IPv6: from one /64).
    pub(crate) connections_per_address: Option<u32>,
    /// Requests per second of one client on one route, steadily, where the template sets no throttle.
    pub(crate) requests_per_second: Option<f64>,
    /// Requests at once of one client on one route, where the template sets no throttle.
    pub(crate) burst: Option<u32>,
}

/// What a guard does with a request it would refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Refuse it.
    Enforce,
    /// Let it pass and record what would have been refused.
    Observe,
}

/// What the guards do on one route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Route {
    /// Guards that only observe on this route.
    pub(crate) observe: Vec<String>,
    /// Whether the firewall looks at what is in requests of this route.
    pub(crate) inspect: Option<bool>,
    /// Whether the firewall looks at the answers of this route as well; without it, `[waf] responses` says so.
    pub(crate) responses: Option<bool>,
}

/// Where the keys of a token issuer come from.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Authorizer {
    /// File with the issuer's keys (JWKS), relative to this file; without it the issuer is asked.
    pub(crate) jwks: Option<PathBuf>,
    /// The issuer, when the template leaves it open.
    pub(crate) issuer: Option<String>,
    /// Accepted audiences, when the template leaves them open.
    pub(crate) audience: Vec<String>,
}

/// An API key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[cfg_attr(not(feature = "serve"), expect(dead_code, reason = "only the runtime half asks"))]
pub(crate) struct Key {
    /// SHA-256 of the key, in hexadecimal.
    pub(crate) sha256: String,
    /// Logical id of the usage plan it belongs to.
    pub(crate) plan: Option<String>,
}

/// How functions are run here.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Functions {
    /// Most environments of one function at once.
    pub(crate) environments: Option<u32>,
    /// Refuse a function whose declared runtime is not installed.
    pub(crate) strict_runtime: bool,
    /// Where the functions' AWS calls go.
    pub(crate) aws_endpoint: Option<String>,
}

/// What one function may do.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Privileges {
    /// What it may reach of other machines: `api.example.com`, `*.example.org:443`, `db.internal:5432`. A name without a port
    /// is reached by TLS that names it. While functions run unfenced, their clients are only asked to keep to it.
    pub(crate) egress: Option<Vec<String>>,
}

/// The firewall that looks at what is in requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Waf {
    /// `builtin`, or a folder laid out like the Core Rule Set, such as `/usr/share/modsecurity-crs`, relative to this file.
    pub(crate) rules: Option<String>,
    /// Whether it refuses what it finds, only tells of it, or does not look.
    pub(crate) mode: WafMode,
    /// Level of strictness, 1 to 4: higher levels find more and err more often.
    pub(crate) paranoia: Option<u8>,
    /// Rules not to be asked: `1000100`, or `1000100 ARGS:comment` to leave out one variable.
    pub(crate) exclude: Vec<String>,
    /// Whether it looks at answers as well. Answers that stream pass unseen, and the record says so. Default false.
    pub(crate) responses: bool,
    /// Bytes of an answer's body that are looked at; what follows passes unseen, and the record says so. Default 524288.
    pub(crate) response_bytes: Option<u64>,
}

/// What is kept of requests beside the events.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Record {
    /// Requests that are kept whole in the data folder, for `brigandine explain --request`. Default `none`.
    pub(crate) requests: KeptWhole,
    /// Most bytes of kept requests; the oldest make room. Default 67108864 (64 MiB).
    pub(crate) requests_bytes: Option<u64>,
    /// Most kept requests; the oldest make room. Default 10000.
    pub(crate) requests_count: Option<u64>,
    /// Days after which a kept request is gone. Default 7.
    pub(crate) requests_days: Option<u32>,
    /// Whether credentials in kept requests are hidden: values of cookies, of headers such as `Authorization`, and of fields
    /// whose names speak of passwords, tokens or secrets. Default `hide`.
    pub(crate) credentials: KeptCredentials,
}

/// Requests that are kept whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeptWhole {
    /// None.
    #[default]
    None,
    /// Those that the firewall refused, or would have refused where it only observes.
    Blocked,
}

/// What becomes of credentials in kept requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum KeptCredentials {
    /// They are replaced.
    #[default]
    Hide,
    /// They are kept.
    Keep,
}

/// What the firewall does with what it finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WafMode {
    /// Refuse it.
    #[default]
    Block,
    /// Let it pass and record what would have been refused. `detect` means the same.
    #[serde(alias = "detect")]
    Observe,
    /// Do not look.
    Off,
}

/// The settings with what is needed to point at them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configuration {
    /// The settings.
    pub(crate) written: Written,
    /// Folder that relative paths in the file start from.
    pub(crate) folder: PathBuf,
    file: PathBuf,
    text: String,
}

impl Configuration {
    /// The settings beside a template; all defaults when there is no file.
    pub(crate) fn beside(folder: &Path) -> anyhow::Result<Self> {
        let file = folder.join(FILE_NAME);
        match std::fs::read_to_string(&file) {
            Ok(text) => Self::parse(file, folder.to_owned(), text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self { folder: folder.to_owned(), ..Self::default() })
            }
            Err(error) => {
                Err(face::sentence(format!("{}: {error}", file.display()), "make the file readable, or remove it"))
            }
        }
    }

    fn parse(file: PathBuf, folder: PathBuf, text: String) -> anyhow::Result<Self> {
        let mut faults = unknown_keys(&text);
        let written = read(&text, &mut faults);
        let configuration = Self { written, folder, file, text };
        faults.extend(check::faults(&configuration));
        configuration.report(faults)?;
        Ok(configuration)
    }

    /// The file's name, for what refers to it.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Where a setting stands: its first byte, its line and its column.
    pub(crate) fn place(&self, path: &[&str]) -> (usize, usize, usize) {
        let offset = place_of(&self.text, path).unwrap_or(0);
        let (line, column) = position(&self.text, offset);
        (offset, line, column)
    }

    /// An error for one setting found to be wrong later, at its place in the file.
    pub(crate) fn fault(&self, path: &[&str], what: impl Into<String>) -> Fault {
        Fault::new(place_of(&self.text, path).unwrap_or(0), what.into())
    }

    /// Fails with all faults at once, in the order of the file.
    pub(crate) fn report(&self, mut faults: Vec<Fault>) -> anyhow::Result<()> {
        if faults.is_empty() {
            return Ok(());
        }
        faults.sort_by_key(|fault| fault.offset);
        let lines: Vec<String> = faults
            .iter()
            .map(|fault| {
                let (line, column) = position(&self.text, fault.offset);
                format!("{}:{line}:{column}: {}", self.file.display(), fault.what)
            })
            .collect();
        anyhow::bail!(lines.join("\n       "))
    }

    /// The socket address to listen on, when one is set.
    #[cfg_attr(not(any(feature = "serve", test)), expect(dead_code, reason = "only the runtime half asks"))]
    pub(crate) fn listen(&self, faults: &mut Vec<Fault>) -> Option<SocketAddr> {
        let text = self.written.serve.listen.as_deref()?;
        let address = text.parse().ok();
        if address.is_none() {
            let what = format!("`{text}` is no address with a port, such as `127.0.0.1:3000`");
            faults.push(self.fault(&["serve", "listen"], what));
        }
        address
    }
}

/// One fault in the file.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    offset: usize,
    what: String,
}

impl Fault {
    fn new(offset: usize, what: String) -> Self {
        Self { offset, what }
    }
}

/// Reads the settings; a value of the wrong kind is noted and taken out, so that the others are looked at as well.
fn read(text: &str, faults: &mut Vec<Fault>) -> Written {
    const MOST: usize = 50;
    let mut rest = text.to_owned();
    for _ in 0..MOST {
        let error = match toml::from_str::<Written>(&rest) {
            Ok(written) => return written,
            Err(error) => error,
        };
        let at = error.span().map_or(0, |span| span.start);
        // What is known to be no table was said in better words.
        if !faults.iter().any(|fault| fault.offset == at) {
            faults.push(Fault::new(at, error.message().trim().to_owned()));
        }
        let Some(setting) = DeTable::parse(&rest).ok().and_then(|table| setting_at(table.get_ref(), at)) else { break };
        let blank: String = rest.get(setting.clone()).unwrap_or_default().bytes().map(blank).collect();
        rest.replace_range(setting, &blank);
    }
    Written::default()
}

/// The setting, key and value, that a byte lies in.
fn setting_at(table: &DeTable<'_>, at: usize) -> Option<Range<usize>> {
    table.iter().find_map(|(key, value)| match value.get_ref() {
        DeValue::Table(inner) => setting_at(inner, at),
        _ => value.span().contains(&at).then(|| key.span().start..value.span().end),
    })
}

fn blank(byte: u8) -> char {
    if byte == b'\n' { '\n' } else { ' ' }
}

/// The JSON schema of the file.
pub(crate) fn schema() -> Schema {
    schema_for!(Written)
}

/// Keys that mean nothing, each with the nearest name that would.
fn unknown_keys(text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let Ok(table) = DeTable::parse(text) else { return faults };
    let schema = schema().to_value();
    walk(table.get_ref(), &schema, &schema, &mut faults);
    faults
}

fn walk(table: &DeTable<'_>, schema: &serde_json::Value, root: &serde_json::Value, faults: &mut Vec<Fault>) {
    let schema = dereference(schema, root);
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    let any_key = schema.get("additionalProperties").filter(|value| value.is_object());
    for (key, value) in table {
        let name: &str = key.get_ref();
        let inner = properties.and_then(|properties| properties.get(name)).or(any_key);
        match (inner, value.get_ref()) {
            (Some(inner), DeValue::Table(table)) => walk(table, inner, root, faults),
            (Some(inner), _) if is_table(dereference(inner, root)) => {
                faults.push(Fault::new(
                    value.span().start,
                    format!("`{name}` holds settings of its own: write `[...{name}]`"),
                ));
            }
            (Some(_), _) => {}
            (None, _) => {
                let known = properties.into_iter().flat_map(|properties| properties.keys().map(String::as_str));
                let hint = face::nearest(name, known).map(|near| format!("; did you mean `{near}`?"));
                faults.push(Fault::new(
                    key.span().start,
                    format!("unknown setting `{name}`{}", hint.unwrap_or_default()),
                ));
            }
        }
    }
}

fn is_table(schema: &serde_json::Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "object")
}

fn dereference<'a>(schema: &'a serde_json::Value, root: &'a serde_json::Value) -> &'a serde_json::Value {
    let target = schema.get("$ref").and_then(serde_json::Value::as_str).and_then(|path| path.strip_prefix('#'));
    target.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

/// Byte offset of the value at a path of keys.
fn place_of(text: &str, path: &[&str]) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let (last, parents) = path.split_last()?;
    let mut table = table.get_ref();
    for key in parents {
        match table.get(*key)?.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => return None,
        }
    }
    Some(table.get(*last)?.span().start)
}

/// Line and column of a byte offset, both from 1, columns in characters.
pub(crate) fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before.get(line_start..).map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Configuration, String> {
        Configuration::parse("brigandine.toml".into(), PathBuf::new(), text.to_owned())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn all_unknown_settings_are_named_at_once_with_place_and_nearest_name() {
        let error = parse("[serve]\nlisten = '127.0.0.1:1'\nobserv = true\n[limts]\nbody_bytes = 1\n").unwrap_err();
        assert_eq!(
            error,
            "brigandine.toml:3:1: unknown setting `observ`; did you mean `observe`?\n       \
             brigandine.toml:4:2: unknown setting `limts`; did you mean `limits`?"
        );
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_named_with_its_place() {
        let error = parse("[limits]\nconnections = 'many'\n").unwrap_err();
        assert!(error.starts_with("brigandine.toml:2:15: "), "{error}");
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let error = parse(
            "[check]\nprofile = 'recomended'\nfail_on = 'hihg'\nselect = 'AP001'\nignore = ['AP0X1']\nregster = 'x'\n\
             baseline = '../x'\n[check.rules.AP001]\nseverity = 'hgih'\n[check.rules.ZZ999]\nignore = ' '\n\
             [limits]\nconnections = 'many'\n",
        )
        .unwrap_err();
        let lines: Vec<&str> = error.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "brigandine.toml:2:11: there is no profile `recomended`, did you mean `recommended`",
                "brigandine.toml:3:11: `hihg` is no level; did you mean `high`?",
                "brigandine.toml:4:10: invalid type: string \"AP001\", expected a sequence",
                "brigandine.toml:5:10: there is no rule `AP0X1`, did you mean `AP001`",
                "brigandine.toml:6:1: unknown setting `regster`; did you mean `register`?",
                "brigandine.toml:7:12: `../x` leads out of this file's folder",
                "brigandine.toml:9:12: `hgih` is no severity; did you mean `high`?",
                "brigandine.toml:10:1: there is no rule `ZZ999`",
                "brigandine.toml:11:10: the reason is empty: say why its findings are acceptable",
                "brigandine.toml:13:15: invalid type: string \"many\", expected u32",
            ]
        );
    }

    #[test]
    fn what_should_be_a_table_and_lists_of_the_wrong_kind_are_said_once() {
        let error =
            |text: &str| parse(text).unwrap_err().lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
        assert_eq!(
            error("check = []\n"),
            ["brigandine.toml:1:9: `check` holds settings of its own: write `[...check]`"]
        );
        assert_eq!(
            error("[check]\nbaseline = 7\nselect = [1,\n  2]\n[check.rules]\nAP001 = 'low'\n"),
            [
                "brigandine.toml:2:12: invalid type: integer `7`, expected path string",
                "brigandine.toml:3:11: invalid type: integer `1`, expected a string",
                "brigandine.toml:6:9: `AP001` holds settings of its own: write `[...AP001]`",
            ]
        );
        assert_eq!(error("[check\nx\n").len(), 1);
    }

    #[test]
    fn names_chosen_by_the_user_are_no_unknown_settings() {
        let text = "[authorizers.Customers]\njwks = 'keys.json'\n[guards]\nrate = 'observe'\n[routes.'GET /']\nobserve = ['rate']\n";
        let configuration = parse(text).unwrap();
        assert_eq!(configuration.written.guards.get("rate"), Some(&Mode::Observe));
    }

    #[test]
    fn a_wrong_address_points_at_the_value() {
        let configuration = parse("[serve]\nlisten = 'here'\n").unwrap();
        let mut faults = Vec::new();
        assert_eq!(configuration.listen(&mut faults), None);
        let error = configuration.report(faults).unwrap_err().to_string();
        assert_eq!(error, "brigandine.toml:2:10: `here` is no address with a port, such as `127.0.0.1:3000`");
    }
}
