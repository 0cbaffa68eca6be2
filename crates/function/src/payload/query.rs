//! Query strings, decoded and gathered by name.

use std::{borrow::Cow, collections::BTreeMap};

use percent_encoding::percent_decode_str;

/// Parameters by name, values in order.
pub(crate) type Parameters<'a> = BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>;

/// Splits and decodes a query string; bytes that are no UTF-8 become replacement characters.
pub(crate) fn parameters(query: &str) -> Parameters<'_> {
    let mut parameters = Parameters::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        parameters.entry(decode(name)).or_default().push(decode(value));
    }
    parameters
}

fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded_and_gathered_in_order() {
        let found = parameters("a=1&b=x%20y+z&a=2&&c&%61=3&d=%ff");
        assert_eq!(found["a"], ["1", "2", "3"]);
        assert_eq!(found["b"], ["x y z"]);
        assert_eq!(found["c"], [""]);
        assert_eq!(found["d"], ["\u{fffd}"]);
        assert!(parameters("").is_empty());
    }
}
