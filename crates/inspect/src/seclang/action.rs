//! Actions: what a rule is called and what it does, `id:1,phase:2,deny,setvar:tx.score=+5`.

use super::target::Targets;
use super::template::Template;
use crate::transform::Transformation;
use crate::variable::Variable;

/// What a rule that matches does to the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Disruptive {
    /// Whatever the default of its phase says.
    Block,
    /// Refuse.
    Deny,
    /// Refuse by closing the connection; for us the same as refusing.
    Drop,
    /// Go on.
    Pass,
    /// Let the rest pass unlooked at.
    Allow(Allowance),
    /// Answer with another place.
    Redirect(Template),
}

/// How far `allow` reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Allowance {
    /// Everything but logging.
    All,
    /// The rest of this phase.
    Phase,
    /// The request, not its answer.
    Request,
}

/// A change of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetVariable {
    /// TX, or one of the collections that outlive a request elsewhere.
    pub(crate) collection: Variable,
    pub(crate) key: Template,
    pub(crate) change: Change<Template>,
}

/// How a variable changes; by what, is a template as read and later one with its slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change<T> {
    Assign(T),
    Add(T),
    Subtract(T),
    Remove,
}

impl<T> Change<T> {
    /// The same change by another amount.
    pub(crate) fn map<U>(&self, amount: impl FnOnce(&T) -> U) -> Change<U> {
        match self {
            Self::Assign(value) => Change::Assign(amount(value)),
            Self::Add(value) => Change::Add(amount(value)),
            Self::Subtract(value) => Change::Subtract(amount(value)),
            Self::Remove => Change::Remove,
        }
    }
}

/// Which rules something is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Aim {
    /// By number, both ends included.
    Ids(Vec<(u64, u64)>),
    /// By a pattern over tags.
    Tag(String),
    /// By a pattern over messages.
    Message(String),
}

/// A change of the engine for the rest of this request; the rules it means are an aim as read, and later a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Control<R> {
    RemoveRules(R),
    RemoveTargets(R, Targets),
    Engine(Engine),
    BodyProcessor(String),
    ForceBody(bool),
    ReadRequestBody(bool),
    ReadResponseBody(bool),
    /// Audit settings: what is recorded is not this engine's to say.
    Recording,
}

impl<R> Control<R> {
    /// The same change, the rules it means named otherwise.
    pub(crate) fn map<S>(&self, rules: impl FnOnce(&R) -> S) -> Control<S> {
        match self {
            Self::RemoveRules(aim) => Control::RemoveRules(rules(aim)),
            Self::RemoveTargets(aim, targets) => Control::RemoveTargets(rules(aim), targets.clone()),
            Self::Engine(engine) => Control::Engine(*engine),
            Self::BodyProcessor(name) => Control::BodyProcessor(name.clone()),
            Self::ForceBody(on) => Control::ForceBody(*on),
            Self::ReadRequestBody(on) => Control::ReadRequestBody(*on),
            Self::ReadResponseBody(on) => Control::ReadResponseBody(*on),
            Self::Recording => Control::Recording,
        }
    }
}

/// Whether rules run, and whether they may refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Rules run and refuse.
    On,
    /// Rules run and only report.
    #[default]
    DetectionOnly,
    /// Rules do not run.
    Off,
}

impl Engine {
    /// The mode as rules write it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "on" => Ok(Self::On),
            "off" => Ok(Self::Off),
            "detectiononly" => Ok(Self::DetectionOnly),
            other => Err(format!("`{other}` is not `On`, `Off` or `DetectionOnly`")),
        }
    }
}

/// Where rules are skipped to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Skip {
    /// This many rules.
    Rules(usize),
    /// To the marker, or behind the rule, of this name.
    After(String),
}

/// Everything in one action list; what is absent is `None` or empty.
#[expect(clippy::struct_excessive_bools, reason = "each is an action of its own that is there or not")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Actions {
    pub(crate) id: Option<u64>,
    pub(crate) phase: Option<u8>,
    pub(crate) message: Option<Template>,
    pub(crate) data: Option<Template>,
    pub(crate) severity: Option<u8>,
    pub(crate) tags: Vec<Template>,
    pub(crate) tag_texts: Vec<String>,
    pub(crate) version: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) disruptive: Option<Disruptive>,
    pub(crate) status: Option<u16>,
    pub(crate) chain: bool,
    pub(crate) skip: Option<Skip>,
    pub(crate) log: Option<bool>,
    pub(crate) audit: Option<bool>,
    pub(crate) capture: bool,
    pub(crate) multi_match: bool,
    /// Whether the chain of transformations of the phase's default is dropped.
    pub(crate) restart: bool,
    pub(crate) transformations: Vec<Transformation>,
    pub(crate) set: Vec<SetVariable>,
    pub(crate) expire: Vec<(SetVariable, Template)>,
    pub(crate) session: Option<Template>,
    pub(crate) user: Option<Template>,
    pub(crate) control: Vec<Control<Aim>>,
}

impl Actions {
    /// Reads a list; a later action replaces an earlier one of which there can be only one.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut actions = Self::default();
        for part in split(text)? {
            let (name, value) = match part.split_once(':') {
                Some((name, value)) => (name.trim(), unquote(value.trim())),
                None => (part.trim(), String::new()),
            };
            actions.add(&name.to_ascii_lowercase(), &value)?;
        }
        Ok(actions)
    }

    fn add(&mut self, name: &str, value: &str) -> Result<(), String> {
        if self.describe(name, value)? || self.flow(name, value)? || self.change(name, value)? {
            return Ok(());
        }
        match name {
            // Known, and without a meaning here: programs and replies are not for rules to start or edit, and what is
            // recorded is decided by the shield.
            "append"
            | "prepend"
            | "deprecatevar"
            | "pause"
            | "proxy"
            | "sanitisearg"
            | "sanitizearg"
            | "sanitisematched"
            | "sanitizematched"
            | "sanitisematchedbytes"
            | "sanitizematchedbytes"
            | "sanitiserequestheader"
            | "sanitizerequestheader"
            | "sanitiseresponseheader"
            | "sanitizeresponseheader"
            | "setenv"
            | "xmlns"
            | "maturity"
            | "accuracy" => Ok(()),
            other => Err(format!("the action `{other}` is not known")),
        }
    }

    /// What the rule is.
    fn describe(&mut self, name: &str, value: &str) -> Result<bool, String> {
        match name {
            "id" => {
                let id = value.parse().map_err(|_| format!("`{value}` is not a valid rule id"))?;
                self.id = Some(id);
            }
            "phase" => self.phase = Some(phase(value)?),
            "msg" => self.message = Some(Template::parse(value)?),
            "logdata" => self.data = Some(Template::parse(value)?),
            "severity" => self.severity = Some(severity(value)?),
            "tag" => {
                self.tags.push(Template::parse(value)?);
                self.tag_texts.push(value.to_owned());
            }
            "ver" => self.version = Some(value.to_owned()),
            "rev" => self.revision = Some(value.to_owned()),
            "log" => (self.log, self.audit) = (Some(true), Some(self.audit.unwrap_or(true))),
            "nolog" => (self.log, self.audit) = (Some(false), Some(false)),
            "auditlog" => self.audit = Some(true),
            "noauditlog" => self.audit = Some(false),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Where the request and the rules go on.
    fn flow(&mut self, name: &str, value: &str) -> Result<bool, String> {
        match name {
            "block" if self.disruptive.is_none() => self.disruptive = Some(Disruptive::Block),
            "block" => {}
            "deny" => self.disruptive = Some(Disruptive::Deny),
            "drop" => self.disruptive = Some(Disruptive::Drop),
            "pass" => self.disruptive = Some(Disruptive::Pass),
            "allow" => self.disruptive = Some(Disruptive::Allow(allowance(value)?)),
            "redirect" => self.disruptive = Some(Disruptive::Redirect(Template::parse(value)?)),
            "status" => self.status = Some(value.parse().map_err(|_| format!("`{value}` is not a status"))?),
            "chain" => self.chain = true,
            "skip" => {
                let count = value.parse().map_err(|_| format!("`{value}` is not a number of rules"))?;
                self.skip = Some(Skip::Rules(count));
            }
            "skipafter" => self.skip = Some(Skip::After(value.to_owned())),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What the rule sets, and how it looks.
    fn change(&mut self, name: &str, value: &str) -> Result<bool, String> {
        match name {
            "capture" => self.capture = true,
            "multimatch" => self.multi_match = true,
            "t" if value.eq_ignore_ascii_case("none") => {
                self.restart = true;
                self.transformations.clear();
            }
            "t" => {
                let step =
                    Transformation::parse(value).ok_or_else(|| format!("the transformation `{value}` is not known"))?;
                self.transformations.push(step);
            }
            "setvar" => self.set.push(set_variable(value)?),
            "expirevar" => {
                let (variable, seconds) = value.split_once('=').unwrap_or((value, "0"));
                self.expire.push((set_variable(variable)?, Template::parse(seconds)?));
            }
            "initcol" => {
                let (collection, _) = value.split_once('=').ok_or_else(|| format!("`{value}` has no `=`"))?;
                stored(collection)?;
            }
            "setsid" => self.session = Some(Template::parse(value)?),
            "setuid" => self.user = Some(Template::parse(value)?),
            "setrsc" => {
                Template::parse(value)?;
            }
            "ctl" => self.control.push(control(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Parts a list at commas outside of single quotes.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if quoted && characters.peek() == Some(&'\'') => {
                part.push('\\');
                part.extend(characters.next());
            }
            '\'' => {
                quoted = !quoted;
                part.push(character);
            }
            ',' if !quoted => parts.push(std::mem::take(&mut part)),
            _ => part.push(character),
        }
    }
    if quoted {
        return Err(format!("a quote is open at `{}`", part.trim()));
    }
    parts.push(part);
    parts.retain(|part| !part.trim().is_empty());
    Ok(parts)
}

/// Removes single quotes, wherever they stand; `\'` stays as one.
fn unquote(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&'\'') => plain.extend(characters.next()),
            '\'' => {}
            _ => plain.push(character),
        }
    }
    plain
}

fn phase(value: &str) -> Result<u8, String> {
    match value.to_ascii_lowercase().as_str() {
        "1" => Ok(1),
        "2" | "request" => Ok(2),
        "3" => Ok(3),
        "4" | "response" => Ok(4),
        "5" | "logging" => Ok(5),
        other => Err(format!("`{other}` is not a phase")),
    }
}

fn severity(value: &str) -> Result<u8, String> {
    const NAMES: [&str; 8] = ["EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG"];
    (0_u8..)
        .zip(NAMES)
        .find(|(number, name)| name.eq_ignore_ascii_case(value) || number.to_string() == value)
        .map(|(number, _)| number)
        .ok_or_else(|| format!("`{value}` is not a severity"))
}

fn allowance(value: &str) -> Result<Allowance, String> {
    match value.to_ascii_lowercase().as_str() {
        "" => Ok(Allowance::All),
        "phase" => Ok(Allowance::Phase),
        "request" => Ok(Allowance::Request),
        other => Err(format!("`allow:{other}` is not known")),
    }
}

fn stored(name: &str) -> Result<Variable, String> {
    match Variable::parse(name.trim()) {
        Some(
            variable @ (Variable::Tx
            | Variable::Ip
            | Variable::Global
            | Variable::Session
            | Variable::User
            | Variable::Resource
            | Variable::Env),
        ) => Ok(variable),
        _ => Err(format!("`{name}` is not a collection rules may write to")),
    }
}

fn set_variable(text: &str) -> Result<SetVariable, String> {
    let (removed, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
    let (name, value) = match split_assignment(text) {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let (collection, key) =
        name.split_once(['.', ':']).ok_or_else(|| format!("`{name}` names no member of a collection"))?;
    let change = match value {
        _ if removed => Change::Remove,
        None => Change::Assign(Template::parse("1")?),
        Some(value) => {
            if let Some(amount) = value.strip_prefix('+') {
                Change::Add(Template::parse(amount)?)
            } else if let Some(amount) = value.strip_prefix('-') {
                Change::Subtract(Template::parse(amount)?)
            } else {
                Change::Assign(Template::parse(value)?)
            }
        }
    };
    Ok(SetVariable { collection: stored(collection)?, key: Template::parse(key)?, change })
}

/// The first `=` outside of a macro.
fn split_assignment(text: &str) -> Option<(&str, &str)> {
    let mut inside = false;
    for (at, character) in text.char_indices() {
        match character {
            '{' => inside = true,
            '}' => inside = false,
            '=' if !inside => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

/// Numbers and ranges of rules: `1 2-3,"7"`.
pub(crate) fn ids(text: &str) -> Result<Vec<(u64, u64)>, String> {
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| format!("`{text}` is not a rule id"));
    let parts = text.split([' ', ',', '\t']).map(|part| part.trim_matches(['"', '\''])).filter(|part| !part.is_empty());
    parts
        .map(|part| match part.split_once('-') {
            Some((first, last)) => Ok((number(first)?, number(last)?)),
            None => number(part).map(|id| (id, id)),
        })
        .collect()
}

fn switch(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        other => Err(format!("`{other}` is neither `On` nor `Off`")),
    }
}

fn control(text: &str) -> Result<Control<Aim>, String> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
    let aimed = |parse: fn(&str) -> Result<Aim, String>| -> Result<Control<Aim>, String> {
        let (aim, target) = value.split_once(';').ok_or_else(|| format!("`{value}` names no target"))?;
        let mut targets = Targets::parse(target)?;
        targets.excluded.append(&mut targets.included);
        Ok(Control::RemoveTargets(parse(aim)?, targets))
    };
    Ok(match name.as_str() {
        "ruleremovebyid" => Control::RemoveRules(Aim::Ids(ids(value)?)),
        "ruleremovebytag" => Control::RemoveRules(Aim::Tag(value.to_owned())),
        "ruleremovebymsg" => Control::RemoveRules(Aim::Message(value.to_owned())),
        "ruleremovetargetbyid" => aimed(|aim| ids(aim).map(Aim::Ids))?,
        "ruleremovetargetbytag" => aimed(|aim| Ok(Aim::Tag(aim.to_owned())))?,
        "ruleremovetargetbymsg" => aimed(|aim| Ok(Aim::Message(aim.to_owned())))?,
        "ruleengine" => Control::Engine(Engine::parse(value)?),
        "requestbodyprocessor" => Control::BodyProcessor(value.to_ascii_uppercase()),
        "forcerequestbodyvariable" => Control::ForceBody(switch(value)?),
        "requestbodyaccess" => Control::ReadRequestBody(switch(value)?),
        "responsebodyaccess" => Control::ReadResponseBody(switch(value)?),
        "auditengine" | "auditlogparts" | "debugloglevel" | "hashengine" | "hashenforcement" | "requestbodylimit"
        | "responsebodylimit" => Control::Recording,
        other => return Err(format!("`ctl:{other}` is not known")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read() {
        let actions = Actions::parse(
            "id:'12', phase:request,block,deny,status:404,msg:'it\\'s a, b',t:lowercase,t:none,t:sha1,\
             setvar:'tx.a_%{tx.0}=+%{tx.b}',setvar:!ip.c,setvar:tx.d,skipAfter:END,severity:CRITICAL,\
             ctl:ruleRemoveTargetById=942100;ARGS:password,ctl:ruleRemoveById=1-3",
        )
        .unwrap();
        assert_eq!((actions.id, actions.phase, actions.severity), (Some(12), Some(2), Some(2)));
        assert_eq!(actions.disruptive, Some(Disruptive::Deny));
        assert_eq!(actions.message.unwrap().constant(), Some(b"it's a, b".as_slice()));
        assert_eq!(actions.transformations, [Transformation::Sha1]);
        assert!(matches!(actions.set[0].change, Change::Add(_)));
        assert_eq!(actions.set[1].change, Change::Remove);
        assert_eq!(actions.set[1].collection, Variable::Ip);
        assert_eq!(actions.skip, Some(Skip::After("END".to_owned())));
        assert!(matches!(&actions.control[0], Control::RemoveTargets(Aim::Ids(ids), targets)
            if ids == &[(942_100, 942_100)] && targets.excluded.len() == 1));
        assert_eq!(actions.control[1], Control::RemoveRules(Aim::Ids(vec![(1, 3)])));
    }

    #[test]
    fn wrong_lists_are_refused() {
        for text in ["id:-1", "id:'1,deny", "id:1'", "unheard", "t:rot13", "setvar:tx", "exec:/bin/true", "phase:9"] {
            assert!(Actions::parse(text).is_err(), "{text}");
        }
    }
}
