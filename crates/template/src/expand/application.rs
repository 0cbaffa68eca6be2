//! `AWS::Serverless::Application`: another template, nested.

use crate::node::Node;

use super::Expansion;
use super::fault::{Fault, Outcome, Owner};
use super::function::tags_with;
use super::make::Maker;
use super::resource::{Made, Written};
use super::shape;
use super::tree;

/// Expands one nested application.
pub(super) fn expand(cx: &Expansion<'_>, id: &str, node: &Node) -> Outcome<Vec<Made>> {
    let mut written = Written::read_unchecked(id, node)?;
    let Some(location) = written.properties.get("Location").cloned() else {
        return Err(written.fault("Resource is missing the required [Location] property."));
    };
    let maker = Maker { origin: location.origin.clone() };
    let mut tags = Vec::new();
    let url = if location.as_map().is_some() {
        let (application, version) = repository(cx, &written, &location)?;
        tags.push(maker.tag("serverlessrepo:applicationId", application));
        tags.push(maker.tag("serverlessrepo:semanticVersion", version));
        maker.text(cx.options.repository_url.as_str())
    } else {
        location.clone()
    };
    written.properties.insert("TemplateUrl", url.clone());
    shape::check(id, "AWS::Serverless::Application", &written.properties, shape::APPLICATION)
        .map_err(|fault| fault.at(&node.origin))?;
    let mut stack = Made::of(&written, "AWS::CloudFormation::Stack").with("TemplateURL", url);
    stack.attributes = written.passed_on();
    stack.take(&written, &["Parameters", "NotificationARNs", "TimeoutInMinutes"]);
    stack.set("Tags", maker.list(tags_with(&written, tags)?));
    Ok(vec![stack])
}

/// Id and version of an application in the public repository.
fn repository(cx: &Expansion<'_>, written: &Written, location: &Node) -> Outcome<(Node, Node)> {
    let part = |name: &str| -> Outcome<Node> {
        let fault = |message: String| Fault::resource(&written.id, message).at(&location.origin);
        let Some(value) = location.get(name) else {
            return Err(fault(format!("Resource is missing the required [{name}] property.")));
        };
        if name == "SemanticVersion" && !tree::truthy(value) {
            return Err(fault(format!("Property '{name}' cannot be blank.")));
        }
        let value = Owner::Resource(&written.id).some(Some(value), name)?;
        let resolved = cx.parameters.resolved_with_mappings(value)?;
        if resolved.as_map().is_some() {
            return Err(fault(format!(
                "Property '{name}' cannot be resolved. Only FindInMap and Ref intrinsic functions are supported."
            )));
        }
        Owner::Resource(&written.id).text(&resolved, &format!("Location.{name}"))?;
        Ok(resolved)
    };
    Ok((part("ApplicationId")?, part("SemanticVersion")?))
}
