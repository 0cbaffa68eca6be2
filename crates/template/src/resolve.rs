//! What values come to, as far as the template settles them.
//!
//! A value is worked out under an assignment of the things it depends on: parameters that may take several values, and
//! conditions nobody can decide. Working out starts with the empty assignment; whenever it meets something open it
//! stops, and starts again once for every choice. So only what really matters is ever enumerated, correlated branches
//! stay correlated, and the number of cases is bounded. The case of the defaults always comes first.

mod assignment;
mod condition;
mod list;
mod mapping;
mod text;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
    sync::Arc,
};

use brigandine_model::{Case, Fact, LogicalId, Piece, Provenance, Symbol, Value};

pub use self::assignment::When;
use self::{
    assignment::{Assignment, Need},
    text::Text,
};
use crate::{Export, Map, Meaning, Node};

/// Most cases one value is taken apart into.
const MOST_CASES: usize = 256;
/// Deepest chain of intrinsics, conditions and mappings through each other.
const DEEPEST: usize = 64;
/// Most steps spent on one value, and on one template: a few lines can ask for more steps than there are atoms.
const MOST_STEPS: u32 = 100_000;
const MOST_STEPS_ALL: u32 = 20_000_000;
/// Most bytes of text put together for one value, and for one template.
const MOST_TEXT: usize = 48 * 1024 * 1024;
const MOST_TEXT_ALL: usize = 1024 * 1024 * 1024;

/// Why a value is unknown in a case in which `AWS::NoValue` takes it away.
pub const ABSENT: &str = "nothing is set in this case";

/// What is known from outside the template.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Values for parameters: they override defaults.
    pub parameters: BTreeMap<String, String>,
    /// Values for what the platform fills, by its name (`AWS::Region`).
    pub platform: BTreeMap<String, String>,
    /// What other templates export, by the name it is imported by.
    pub exports: BTreeMap<String, Export>,
}

/// Works values out.
pub struct Resolver<'n> {
    file: Arc<str>,
    root: &'n Node,
    settings: &'n Settings,
    /// Values that parameters are compared with in conditions.
    compared: BTreeMap<Arc<str>, BTreeSet<Arc<str>>>,
    /// Template parameters the value at hand passed through.
    passed: RefCell<Vec<Arc<str>>>,
    depth: Cell<usize>,
    steps: Cell<u32>,
    all_steps: Cell<u32>,
    text: Cell<usize>,
    all_text: Cell<usize>,
    /// Conditions being decided, to see a way round.
    deciding: RefCell<Vec<Arc<str>>>,
    /// Conditions that were seen to refer to themselves.
    round: RefCell<BTreeSet<Arc<str>>>,
}

/// What one node comes to in every case.
type Cases<T> = Vec<(Assignment, T)>;

impl<'n> Resolver<'n> {
    /// A resolver over the root of an expanded template.
    pub fn new(file: &Arc<str>, root: &'n Node, settings: &'n Settings) -> Self {
        Self {
            file: file.clone(),
            root,
            settings,
            compared: condition::compared(root),
            passed: RefCell::default(),
            depth: Cell::new(0),
            steps: Cell::new(0),
            all_steps: Cell::new(0),
            text: Cell::new(0),
            all_text: Cell::new(0),
            deciding: RefCell::default(),
            round: RefCell::default(),
        }
    }

    /// The file the template was read from.
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// Provenance of a node by itself.
    pub fn provenance(&self, node: &Node) -> Provenance {
        node.origin.provenance(&self.file)
    }

    /// A text. Where nothing is set in some case, that case is unknown.
    pub fn text(&self, node: &Node) -> Fact<String> {
        self.optional_text(node).unwrap_or_else(|| Fact::unknown("`AWS::NoValue` stands there", self.provenance(node)))
    }

    /// A text, or nothing where `AWS::NoValue` stands in every case.
    pub fn optional_text(&self, node: &Node) -> Option<Fact<String>> {
        self.passed.borrow_mut().clear();
        let cases = self.enumerate(&|assignment| self.text_in(node, assignment));
        let mut provenance = self.provenance(node);
        for parameter in self.passed.borrow().iter() {
            if !provenance.parameters.contains(parameter) {
                provenance.parameters.push(parameter.clone());
            }
        }
        let cases = match cases {
            Ok(cases) => cases,
            Err(why) => return Some(Fact::unknown(&why, provenance)),
        };
        if cases.iter().all(|(_, text)| matches!(text, Text::Absent)) {
            return None;
        }
        Some(Fact { value: one_of(cases, text_value), provenance })
    }

    /// A number or anything else that is parsed from text.
    pub fn parsed<T: FromStr + Clone + PartialEq>(&self, node: &Node, what: &str) -> Fact<T> {
        parse_fact(self.text(node), what)
    }

    /// A whole number.
    pub fn number(&self, node: &Node) -> Fact<u32> {
        let fact = self.text(node);
        Fact { value: reparse_number(fact.value), provenance: fact.provenance }
    }

    /// A number with a fraction.
    pub fn decimal(&self, node: &Node) -> Fact<f64> {
        self.parsed(node, "a number")
    }

    /// True or false.
    pub fn boolean(&self, node: &Node) -> Fact<bool> {
        let fact = self.text(node);
        Fact { value: reparse(fact.value, &truth, "true or false"), provenance: fact.provenance }
    }

    /// What stands at `node` once `Fn::If` has chosen: every alternative that can be reached, with when it can.
    /// `AWS::NoValue` alternatives are left out.
    pub fn choose<'a>(&self, node: &'a Node) -> Vec<(When, &'a Node)> {
        let chosen = self.enumerate(&|assignment| self.branch(node, assignment));
        let Ok(cases) = chosen else { return vec![(When::unsettled(), node)] };
        let mut out: Vec<(Vec<Assignment>, &'a Node)> = Vec::new();
        let total = cases.len();
        for (assignment, node) in cases {
            let Some(node) = node else { continue };
            match out.iter_mut().find(|(_, known)| std::ptr::eq(*known, node)) {
                Some((assignments, _)) => assignments.push(assignment),
                None => out.push((vec![assignment], node)),
            }
        }
        out.into_iter().map(|(assignments, node)| (When::of(&assignments, total), node)).collect()
    }

    /// Like [`Self::choose`], with the cases in which nothing is set; nothing where there are too many cases.
    pub fn alternatives<'a>(&self, node: &'a Node) -> Option<Vec<(When, Option<&'a Node>)>> {
        let cases = self.enumerate(&|assignment| self.branch(node, assignment)).ok()?;
        let total = cases.len();
        let mut out: Vec<(Vec<Assignment>, Option<&'a Node>)> = Vec::new();
        for (assignment, node) in cases {
            let same = |known: Option<&Node>| match (known, node) {
                (Some(known), Some(node)) => std::ptr::eq(known, node),
                (None, None) => true,
                _ => false,
            };
            match out.iter_mut().find(|(_, known)| same(*known)) {
                Some((assignments, _)) => assignments.push(assignment),
                None => out.push((vec![assignment], node)),
            }
        }
        Some(out.into_iter().map(|(assignments, node)| (When::of(&assignments, total), node)).collect())
    }

    /// Whether an intrinsic comes to a list.
    pub fn is_list(&self, node: &Node) -> bool {
        list::is_list_intrinsic(self, node)
    }

    /// The one thing `node` certainly is, or the first case where it depends.
    pub fn first<'a>(&self, node: &'a Node) -> Option<&'a Node> {
        self.choose(node).into_iter().next().map(|(_, node)| node)
    }

    /// The value under `key`, choices made: the case of the defaults.
    pub fn field<'a>(&self, node: &'a Node, key: &str) -> Option<&'a Node> {
        self.first(self.first(node)?.get(key)?)
    }

    /// The value at a path of keys, choices made on the way.
    pub fn path<'a>(&self, node: &'a Node, keys: &[&str]) -> Option<&'a Node> {
        keys.iter().try_fold(node, |node, key| self.field(node, key))
    }

    /// The items of a list, choices made for the list and for each item. What is no list is its own only item.
    pub fn items<'a>(&self, node: &'a Node) -> Vec<(When, &'a Node)> {
        let mut out = Vec::new();
        for (outer, node) in self.choose(node) {
            match node.as_list() {
                None if is_null(node) => {}
                None => out.push((outer, node)),
                Some(items) => {
                    for item in items {
                        out.extend(self.choose(item).into_iter().map(|(inner, node)| (outer.and(&inner), node)));
                    }
                }
            }
        }
        out
    }

    /// The texts of a list or of one scalar; list parameters and cuts are taken apart.
    pub fn strings(&self, node: &Node) -> Vec<Fact<String>> {
        let mut out = Vec::new();
        for (when, item) in self.items(node) {
            if list::is_list_intrinsic(self, item) {
                out.extend(self.list_facts(item));
            } else if let Some(fact) = self.optional_text(item) {
                out.push(when.wrap(fact));
            }
        }
        out
    }

    fn list_facts(&self, node: &Node) -> Vec<Fact<String>> {
        self.passed.borrow_mut().clear();
        let cases = self.enumerate(&|assignment| self.list_in(node, assignment));
        let provenance = Provenance { parameters: self.passed.borrow().clone(), ..self.provenance(node) };
        match cases {
            Ok(cases) if cases.len() == 1 => cases
                .into_iter()
                .flat_map(|(_, list)| list.unwrap_or_else(|why| vec![Text::Unknown(why)]))
                .map(|text| Fact { value: text_value(text), provenance: provenance.clone() })
                .collect(),
            Ok(cases) => cases
                .into_iter()
                .flat_map(|(assignment, list)| {
                    let when = assignment.label();
                    list.unwrap_or_else(|why| vec![Text::Unknown(why)])
                        .into_iter()
                        .map(move |text| (when.clone(), text))
                })
                .map(|(when, text)| Fact {
                    value: Value::OneOf(vec![Case { when, value: text_value(text) }]),
                    provenance: provenance.clone(),
                })
                .collect(),
            Err(why) => vec![Fact::unknown(&why, provenance)],
        }
    }

    /// Whether the named condition can hold, in which cases, and whether it always does.
    pub fn condition(&self, name: &str) -> When {
        match self.enumerate(&|assignment| self.holds(name, assignment)) {
            Err(_) => When::unsettled(),
            Ok(cases) => {
                let total = cases.len();
                let holding: Vec<Assignment> =
                    cases.into_iter().filter(|(_, holds)| *holds).map(|(assignment, _)| assignment).collect();
                When::of(&holding, total)
            }
        }
    }

    /// Runs `work` under every assignment it asks for. Too many cases are told as a reason.
    fn enumerate<T>(&self, work: &dyn Fn(&Assignment) -> Result<T, Need>) -> Result<Cases<T>, String> {
        self.all_steps.set(self.all_steps.get().saturating_add(self.steps.take()));
        self.all_text.set(self.all_text.get().saturating_add(self.text.take()));
        let mut open = vec![Assignment::default()];
        let mut done = Vec::new();
        while let Some(assignment) = open.pop() {
            match work(&assignment) {
                Ok(result) => done.push((assignment, result)),
                Err(Need { variable, choices }) => {
                    // Pushed backwards, so that the defaults are worked out first.
                    let choices = choices.unwrap_or_else(|| self.choices(&variable));
                    open.extend(choices.into_iter().rev().map(|choice| assignment.with(variable.clone(), choice)));
                }
            }
            if self.steps.get() > MOST_STEPS || self.all_steps.get() > MOST_STEPS_ALL {
                return Err("it depends on too much to be worked out".to_owned());
            }
            if open.len() + done.len() > MOST_CASES {
                return Err(format!("it depends on more than {MOST_CASES} combinations of parameters"));
            }
        }
        Ok(done)
    }

    /// Guards one step into another value: an answer instead of an endless way round.
    fn deeper<T>(&self, work: impl FnOnce() -> T, too_deep: impl FnOnce() -> T) -> T {
        self.steps.set(self.steps.get().saturating_add(1));
        if self.depth.get() >= DEEPEST || self.steps.get() > MOST_STEPS || self.all_steps.get() > MOST_STEPS_ALL {
            return too_deep();
        }
        self.depth.set(self.depth.get() + 1);
        let result = work();
        self.depth.set(self.depth.get() - 1);
        result
    }

    /// Literal text, counted: a short text can be asked for so often that no memory holds the result.
    fn literal(&self, text: &str) -> Text {
        self.text.set(self.text.get().saturating_add(text.len()));
        if self.text.get() > MOST_TEXT || self.all_text.get() > MOST_TEXT_ALL {
            return Text::unknown("the text grows too long");
        }
        Text::literal(text)
    }

    fn section(&self, name: &str) -> Option<&'n Map> {
        self.root.get(name)?.as_map()
    }

    /// Conditions that were seen to refer to themselves: nobody can decide them.
    pub fn circular(&self) -> Vec<Arc<str>> {
        self.round.borrow().iter().cloned().collect()
    }

    /// The declaration of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&'n Node> {
        self.section("Parameters")?.get(name)
    }

    /// The declaration of a resource.
    pub fn resource(&self, name: &str) -> Option<&'n Node> {
        self.section("Resources")?.get(name)
    }

    /// The resource a value refers to, whichever way: a reference, an attribute, or text with just one of them.
    pub fn referred(&self, node: &Node) -> Option<LogicalId> {
        referred(&self.text(node))
    }
}

/// The one resource a fact names; nothing when it names none or several.
pub fn referred(fact: &Fact<String>) -> Option<LogicalId> {
    fn of(value: &Value<String>, found: &mut Vec<LogicalId>) {
        match value {
            Value::Symbolic(symbol) => found.extend(symbol.resources().cloned()),
            Value::OneOf(cases) => cases.iter().for_each(|case| of(&case.value, found)),
            Value::Known(_) | Value::Unknown(_) => {}
        }
    }
    let mut found = Vec::new();
    of(&fact.value, &mut found);
    found.dedup();
    match found.as_slice() {
        [one] => Some(one.clone()),
        _ => None,
    }
}

/// One value where all cases agree, else all of them with their labels.
fn one_of<T>(cases: Cases<T>, value: impl Fn(T) -> Value<String>) -> Value<String> {
    let mut values: Vec<(Assignment, Value<String>)> =
        cases.into_iter().map(|(assignment, case)| (assignment, value(case))).collect();
    let alike = values.windows(2).all(|pair| matches!(pair, [first, second] if first.1 == second.1));
    match values.pop() {
        Some((_, value)) if alike => value,
        Some(last) => {
            values.push(last);
            Value::OneOf(
                values.into_iter().map(|(assignment, value)| Case { when: assignment.label(), value }).collect(),
            )
        }
        None => Value::Unknown("no case of it can be reached".into()),
    }
}

fn text_value(text: Text) -> Value<String> {
    match text {
        Text::Absent => Value::Unknown(ABSENT.into()),
        Text::Unknown(why) => Value::Unknown(why),
        Text::Pieces(pieces) => match pieces.as_slice() {
            [] => Value::Known(String::new()),
            [Piece::Text(text)] => Value::Known(text.to_string()),
            _ => Value::Symbolic(Symbol { pieces }),
        },
    }
}

fn parse_fact<T: FromStr>(fact: Fact<String>, what: &str) -> Fact<T> {
    Fact { value: reparse(fact.value, &|text| text.trim().parse().ok(), what), provenance: fact.provenance }
}

/// Reads the settled texts of a value as something else; what cannot be read is unknown.
pub fn reparse<T>(value: Value<String>, parse: &dyn Fn(&str) -> Option<T>, what: &str) -> Value<T> {
    match value {
        Value::Known(text) => {
            parse(&text).map_or_else(|| Value::Unknown(format!("`{text}` is not {what}").into()), Value::Known)
        }
        Value::Symbolic(symbol) => Value::Symbolic(symbol),
        Value::Unknown(why) => Value::Unknown(why),
        Value::OneOf(cases) => Value::OneOf(
            cases.into_iter().map(|case| Case { when: case.when, value: reparse(case.value, parse, what) }).collect(),
        ),
    }
}

/// Reads settled texts as whole numbers.
pub fn reparse_number(value: Value<String>) -> Value<u32> {
    reparse(value, &whole, "a whole number")
}

/// `900`, `900.0` and `9e2` are the same whole number to the platform.
fn whole(text: &str) -> Option<u32> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        let fits = number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be whole and in range")]
        fits.then_some(number as u32)
    })
}

fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn is_null(node: &Node) -> bool {
    matches!(node.meaning(), Some(Meaning::Null))
}

#[cfg(test)]
mod tests;
