//! One transformation or one operator on its own: what conformance suites ask, and what explaining a match needs.

use crate::operator::{Captures, Operator, Outcome};
use crate::transform::Transformation;

/// What one evaluation of an operator found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the value matches.
    pub matched: bool,
    /// The captured groups, the whole match first; `None` where a group took no part.
    pub groups: Vec<Option<Vec<u8>>>,
}

/// The value after the transformation of that name; `None` if there is no such transformation.
///
/// ```
/// let decoded = brigandine_inspect::probe::transformed("urlDecodeUni", b"%u003cscript%3e");
/// assert_eq!(decoded.as_deref(), Some(b"<script>".as_slice()));
/// ```
pub fn transformed(name: &str, value: &[u8]) -> Option<Vec<u8>> {
    Transformation::parse(name).map(|transformation| transformation.apply(value).into_owned())
}

/// Whether the operator matches the value. The files its argument names come from `files`.
///
/// Returns the reason, in one sentence, if the operator cannot be compiled.
pub fn evaluated(
    operator: (&str, &[u8]),
    value: &[u8],
    files: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Result<Finding, String> {
    let (name, argument) = operator;
    let operator = Operator::compile(name, argument, files).map_err(|error| error.to_string())?;
    let mut captures = Captures::default();
    let matched = operator.evaluate(value, Some(&mut captures)) == Outcome::Hit;
    let groups = (0..captures.len()).map(|group| captures.text(group, value).map(<[u8]>::to_vec)).collect();
    Ok(Finding { matched, groups })
}

/// Whether the filter in front of an operator would let the value through to it. A value that matches must pass.
pub fn admitted(
    operator: (&str, &[u8]),
    value: &[u8],
    files: &dyn Fn(&str) -> Option<Vec<u8>>,
) -> Result<bool, String> {
    let (name, argument) = operator;
    let operator = Operator::compile(name, argument, files).map_err(|error| error.to_string())?;
    Ok(operator.filter().admits(&value.to_ascii_lowercase(), crate::operator::ByteSet::of(value)))
}
