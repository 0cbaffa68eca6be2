//! Functions' own addresses.

use brigandine_model::{ApiStyle, Authentication, Fact, Payload, Route, RouteMethod};

use super::{Graph, api::Door, authorizer::unwritten, cors};
use crate::resolve::reparse;

impl Graph<'_> {
    pub(super) fn urls(&mut self) {
        for declared in self.of(&["AWS::Lambda::Url"]) {
            let Some(properties) = declared.properties else { continue };
            let mut door = Door::new(&declared.id, ApiStyle::FunctionUrl, &declared.provenance);
            door.api.stages.push(unwritten("$default".to_owned(), &declared.provenance));
            if let Some(node) = self.part(properties, "Cors", &declared.id) {
                door.api.cors = Some(self.cors(node, &cors::RESOURCE, &declared.id));
            }
            door.api.streams = self
                .text_at(properties, "InvokeMode")
                .is_some_and(|fact| fact.value.known().is_some_and(|mode| mode == "RESPONSE_STREAM"));
            let function = self.text_at(properties, "TargetFunctionArn").and_then(|fact| self.function_behind(&fact));
            if function.is_none() {
                self.unjudged("the function behind the address is not known", Some(&declared.id), properties);
            }
            let parse = |text: &str| match text {
                "NONE" => Some(Authentication::Open),
                "AWS_IAM" => Some(Authentication::Signature),
                _ => None,
            };
            let authentication = match self.text_at(properties, "AuthType") {
                Some(fact) => {
                    Fact { value: reparse(fact.value, &parse, "`NONE` or `AWS_IAM`"), provenance: fact.provenance }
                }
                None => Fact::unknown("the address has no `AuthType`", declared.provenance.clone()),
            };
            let target = function.is_none().then(|| "unknown".into());
            self.app.apis.push(door.api);
            self.app.routes.push(Route {
                api: declared.id.clone(),
                method: RouteMethod::Any,
                path: "$default".into(),
                function,
                target,
                authentication,
                key_required: unwritten(false, &declared.provenance),
                throttle: None,
                payload: Payload::V2,
                model: None,
                required_parameters: Vec::new(),
                timeout_ms: None,
                provenance: declared.provenance,
            });
        }
    }
}
