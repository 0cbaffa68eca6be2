//! The way out of a template for a secret: a parameter that the platform hides and that has no default.

use brigandine_model::{App, Change, Fix, Literal, LogicalId, Span};

/// Puts a parameter in the place of a literal: whoever deploys gives the value from now on. Nothing where the name that
/// the parameter would have is taken, and where the text is not written in one piece.
pub(crate) fn fix(app: &App, variable: &str, literal: (&Span, &str)) -> Option<Fix> {
    let (span, text) = literal;
    let quotes = span.end.checked_sub(span.start)?.checked_sub(text.len())?;
    let name = camel(variable).filter(|_| matches!(quotes, 0 | 2))?;
    let taken = app.parameters.iter().any(|parameter| *parameter.name == *name)
        || app.resources.contains_key(&LogicalId::new(name.clone()));
    if taken {
        return None;
    }
    let declared = Literal::map([("Type", Literal::text("String")), ("NoEcho", Literal::Flag(true))]);
    Some(Fix::risky(
        format!("ask for the value at deployment, as the hidden parameter `{name}`"),
        vec![
            Change::Declare { path: vec!["Parameters".into()], name: name.clone().into(), value: declared },
            Change::Replace { span: span.clone(), value: Literal::reference(&name) },
        ],
    ))
}

/// `DB_PASSWORD` is `DbPassword`: names of parameters have letters and figures only.
fn camel(variable: &str) -> Option<String> {
    let shouts = !variable.chars().any(|sign| sign.is_ascii_lowercase());
    let mut name = String::new();
    for word in variable.split(|sign: char| !sign.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut signs = word.chars();
        name.extend(signs.next().map(|sign| sign.to_ascii_uppercase()));
        name.extend(signs.map(|sign| if shouts { sign.to_ascii_lowercase() } else { sign }));
    }
    name.starts_with(|sign: char| sign.is_ascii_alphabetic()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::camel;

    #[test]
    fn names_become_names_of_parameters() {
        assert_eq!(camel("DB_PASSWORD").as_deref(), Some("DbPassword"));
        assert_eq!(camel("apiKey").as_deref(), Some("ApiKey"));
        assert_eq!(camel("9"), None);
        assert_eq!(camel("___"), None);
    }
}
