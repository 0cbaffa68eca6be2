//! Values that are not always known, and judgements that say so.
//!
//! A template is a program: values may depend on parameters, on conditions, on resources that do not exist yet. Every
//! question asked of such a value has three answers, and "cannot tell" is never a pass.

use std::{fmt, sync::Arc};

use serde::Serialize;

use crate::{LogicalId, Provenance};

/// A value as far as the template settles it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value<T> {
    /// Settled.
    Known(T),
    /// Text that names resources or parameters whose final value only the platform knows.
    Symbolic(Symbol),
    /// Depends on a condition; every case that can be reached.
    OneOf(Vec<Case<T>>),
    /// Could not be settled; says why, as the tail of "could not be judged because ...".
    Unknown(Arc<str>),
}

/// One case of a value that depends on a condition.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Case<T> {
    /// When it holds, for people: `Mode=wide`, or a condition's name.
    pub when: Arc<str>,
    /// The value then.
    pub value: Value<T>,
}

/// Text with holes: literal pieces between attributes of resources and parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Symbol {
    /// The pieces, in order; never empty in a symbol that a template produced.
    pub pieces: Vec<Piece>,
}

/// One piece of a [`Symbol`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    /// Literal text.
    Text(Arc<str>),
    /// What the platform will say of a resource of this template: its reference value, or the named attribute.
    Attribute {
        /// The resource.
        resource: LogicalId,
        /// The attribute (`Arn`), or nothing for the plain reference.
        attribute: Option<Arc<str>>,
    },
    /// A template parameter without a default, or one the platform fills (`AWS::Region`).
    Parameter(Arc<str>),
    /// A reference the platform resolves at deployment, such as a dynamic reference to a stored secret; its text.
    Dynamic(Arc<str>),
}

/// A value with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Fact<T> {
    /// The value.
    pub value: Value<T>,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// The answer to a question about a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// In every case.
    Yes,
    /// In no case.
    No,
    /// In the named cases only, which can all be reached.
    Sometimes(Vec<Arc<str>>),
    /// Cannot tell, and why.
    CannotTell(Arc<str>),
}

impl Symbol {
    /// A symbol of one resource's attribute.
    pub fn attribute(resource: LogicalId, attribute: Option<&str>) -> Self {
        Self { pieces: vec![Piece::Attribute { resource, attribute: attribute.map(Arc::from) }] }
    }

    /// The resources it names, in order, repeated as often as they occur.
    pub fn resources(&self) -> impl Iterator<Item = &LogicalId> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Attribute { resource, .. } => Some(resource),
            _ => None,
        })
    }

    /// The literal text it starts with, up to the first hole.
    pub fn literal_prefix(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }
}

/// As a person would write it: `arn:aws:s3:::${Photos}/*`, `${Orders.Arn}`.
impl fmt::Display for Symbol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) | Piece::Dynamic(text) => out.write_str(text)?,
                Piece::Attribute { resource, attribute: None } => write!(out, "${{{resource}}}")?,
                Piece::Attribute { resource, attribute: Some(name) } => write!(out, "${{{resource}.{name}}}")?,
                Piece::Parameter(name) => write!(out, "${{{name}}}")?,
            }
        }
        Ok(())
    }
}

impl<T> Value<T> {
    /// The value where it is settled.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }

    /// Every settled value among the cases; one when the value is known, none when nothing is.
    pub fn settled(&self) -> Vec<&T> {
        match self {
            Self::Known(value) => vec![value],
            Self::OneOf(cases) => cases.iter().flat_map(|case| case.value.settled()).collect(),
            Self::Symbolic(_) | Self::Unknown(_) => Vec::new(),
        }
    }

    /// The same shape with every settled value put through `change`.
    pub fn map<U>(self, change: &impl Fn(T) -> U) -> Value<U> {
        match self {
            Self::Known(value) => Value::Known(change(value)),
            Self::Symbolic(symbol) => Value::Symbolic(symbol),
            Self::OneOf(cases) => Value::OneOf(
                cases.into_iter().map(|case| Case { when: case.when, value: case.value.map(change) }).collect(),
            ),
            Self::Unknown(why) => Value::Unknown(why),
        }
    }

    /// Asks a question of the value. `of_symbol` answers it for text with holes, where often the shape is enough
    /// (`None`: it is not).
    pub fn judge(&self, of_value: &impl Fn(&T) -> bool, of_symbol: &impl Fn(&Symbol) -> Option<bool>) -> Judgement {
        match self {
            Self::Known(value) => Judgement::settled(of_value(value)),
            Self::Symbolic(symbol) => of_symbol(symbol).map_or_else(
                || Judgement::CannotTell(format!("`{symbol}` is only known once deployed").into()),
                Judgement::settled,
            ),
            Self::OneOf(cases) => judge_cases(cases, of_value, of_symbol),
            Self::Unknown(why) => Judgement::CannotTell(why.clone()),
        }
    }
}

fn judge_cases<T>(
    cases: &[Case<T>],
    of_value: &impl Fn(&T) -> bool,
    of_symbol: &impl Fn(&Symbol) -> Option<bool>,
) -> Judgement {
    Judgement::of_cases(cases.iter().map(|case| (case.when.clone(), case.value.judge(of_value, of_symbol))))
}

impl Judgement {
    /// The judgement of a settled value.
    pub fn settled(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    /// The judgement of something that depends on a condition: each reachable case with its own judgement.
    pub fn of_cases(cases: impl IntoIterator<Item = (Arc<str>, Self)>) -> Self {
        let mut yes = Vec::new();
        let mut unknown = None;
        let mut holds_always = true;
        for (when, judgement) in cases {
            holds_always &= judgement == Self::Yes;
            match judgement {
                Self::Yes => yes.push(when),
                Self::Sometimes(inner) => yes.extend(inner.iter().map(|deeper| format!("{when}, {deeper}").into())),
                Self::No => {}
                Self::CannotTell(why) => unknown = Some(why),
            }
        }
        match (yes.is_empty(), unknown) {
            (true, Some(why)) => Self::CannotTell(why),
            (true, None) => Self::No,
            (false, _) if holds_always => Self::Yes,
            (false, _) => Self::Sometimes(yes),
        }
    }
}

impl<T> Fact<T> {
    /// A settled fact.
    pub fn known(value: T, provenance: Provenance) -> Self {
        Self { value: Value::Known(value), provenance }
    }

    /// A fact that could not be settled, and why.
    pub fn unknown(why: &str, provenance: Provenance) -> Self {
        Self { value: Value::Unknown(why.into()), provenance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(when: &str, value: Value<&'static str>) -> Case<&'static str> {
        Case { when: when.into(), value }
    }

    fn is_star(value: &Value<&'static str>) -> Judgement {
        value.judge(&|text| *text == "*", &|_| None)
    }

    #[test]
    fn a_value_that_opens_in_one_case_is_judged_with_that_case() {
        let value = Value::OneOf(vec![case("Mode=wide", Value::Known("*")), case("Mode=narrow", Value::Known("a"))]);
        assert_eq!(is_star(&value), Judgement::Sometimes(vec!["Mode=wide".into()]));
    }

    #[test]
    fn unknown_is_never_a_pass() {
        let value =
            Value::OneOf(vec![case("a", Value::Known("x")), case("b", Value::Unknown("it is imported".into()))]);
        assert_eq!(is_star(&value), Judgement::CannotTell("it is imported".into()));
    }

    #[test]
    fn all_cases_alike_is_a_plain_yes() {
        let value = Value::OneOf(vec![case("a", Value::Known("*")), case("b", Value::Known("*"))]);
        assert_eq!(is_star(&value), Judgement::Yes);
    }

    #[test]
    fn a_symbol_reads_as_it_was_written() {
        let symbol = Symbol {
            pieces: vec![
                Piece::Text("arn:x:".into()),
                Piece::Attribute { resource: LogicalId::new("Photos"), attribute: None },
                Piece::Text("/*".into()),
            ],
        };
        assert_eq!(symbol.to_string(), "arn:x:${Photos}/*");
        assert_eq!(symbol.literal_prefix(), "arn:x:");
    }
}
