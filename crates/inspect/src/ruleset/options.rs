//! Directives that set up the engine rather than add a rule.

use crate::Error;
use crate::seclang::Directive;
use crate::seclang::action::Engine;

/// Settings that rule files make.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) engine: Engine,
    pub(crate) read_request_body: bool,
    pub(crate) read_response_body: bool,
    /// Media types of answers that are looked at, in lower case.
    pub(crate) response_types: Vec<String>,
    pub(crate) argument_separator: u8,
    /// More arguments than this are not parsed, and the body counts as wrong.
    pub(crate) arguments: usize,
    pub(crate) application: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            engine: Engine::On,
            read_request_body: true,
            read_response_body: false,
            response_types: ["text/plain", "text/html"].map(str::to_owned).to_vec(),
            argument_separator: b'&',
            arguments: 1_000,
            application: String::new(),
        }
    }
}

/// Directives that concern logs, files and limits of a web server: the shield decides these itself.
const ELSEWHERE: [&str; 44] = [
    "secauditengine",
    "secauditlog",
    "secauditlog2",
    "secauditlogdirmode",
    "secauditlogfilemode",
    "secauditlogformat",
    "secauditlogparts",
    "secauditlogprefix",
    "secauditlogrelevantstatus",
    "secauditlogstoragedir",
    "secauditlogtype",
    "seccollectiontimeout",
    "seccomponentsignature",
    "secconnengine",
    "secconnreadstatelimit",
    "secconnwritestatelimit",
    "seccookieformat",
    "seccookiev0separator",
    "secdatadir",
    "secdebuglog",
    "secdebugloglevel",
    "secdisablebackendcompression",
    "secgeolookupdb",
    "secguardianlog",
    "sechashengine",
    "sechttpblkey",
    "secinterceptonerror",
    "secpcrematchlimit",
    "secpcrematchlimitrecursion",
    "secrequestbodyinmemorylimit",
    "secrequestbodyjsondepthlimit",
    "secrequestbodylimit",
    "secrequestbodylimitaction",
    "secrequestbodynofileslimit",
    "secresponsebodylimit",
    "secresponsebodylimitaction",
    "secsensorid",
    "secserversignature",
    "secstatusengine",
    "sectmpdir",
    "sectmpsaveuploadedfiles",
    "secunicodemapfile",
    "secuploaddir",
    "secuploadkeepfiles",
];

impl Options {
    /// Takes a directive that is not about rules.
    pub(crate) fn set(&mut self, directive: &Directive) -> Result<(), Error> {
        let first = || directive.word(0, "the value");
        match directive.name.as_str() {
            "secruleengine" => self.engine = Engine::parse(first()?).map_err(|reason| directive.error(reason))?,
            "secrequestbodyaccess" => self.read_request_body = switch(directive)?,
            "secresponsebodyaccess" => self.read_response_body = switch(directive)?,
            "secresponsebodymimetype" => {
                self.response_types = directive.words.iter().map(|word| word.to_ascii_lowercase()).collect();
            }
            "secresponsebodymimetypesclear" => self.response_types.clear(),
            "secargumentseparator" => {
                let separator = first()?.bytes().next();
                self.argument_separator = separator.ok_or_else(|| directive.error("the separator is empty"))?;
            }
            "secargumentslimit" => {
                let text = first()?;
                self.arguments = text.parse().map_err(|_| directive.error(format!("`{text}` is not a number")))?;
            }
            "secwebappid" => first()?.clone_into(&mut self.application),
            known if ELSEWHERE.contains(&known) => {}
            unknown => return Err(directive.error(format!("the directive `{unknown}` is not known"))),
        }
        Ok(())
    }
}

fn switch(directive: &Directive) -> Result<bool, Error> {
    match directive.word(0, "`On` or `Off`")?.to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(directive.error(format!("`{other}` is neither `On` nor `Off`"))),
    }
}
