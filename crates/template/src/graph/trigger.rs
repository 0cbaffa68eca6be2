//! Resources that start functions by naming them.

use brigandine_model::{Delivery, EventSource, Fact, Provenance, SourceKind, Value};

use super::{Declared, Graph};
use crate::{Map, Node};

impl<'n> Graph<'n> {
    pub(super) fn triggers(&mut self) {
        for declared in self.resources.clone() {
            let Some(properties) = declared.properties else { continue };
            match declared.kind {
                "AWS::Events::Rule" => self.rule(&declared, properties),
                "AWS::Scheduler::Schedule" => self.schedule(&declared, properties),
                "AWS::SNS::Subscription" => self.subscription(&declared, properties, properties.get("TopicArn")),
                "AWS::SNS::Topic" => self.topic(&declared, properties),
                "AWS::S3::Bucket" => self.bucket(&declared, properties),
                "AWS::Logs::SubscriptionFilter" => self.logs(&declared, properties),
                "AWS::Cognito::UserPool" => self.pool_steps(&declared, properties),
                "AWS::IoT::TopicRule" => self.device_rule(&declared, properties),
                "AWS::StepFunctions::StateMachine" => self.workflow(&declared, properties),
                "AWS::ElasticLoadBalancingV2::TargetGroup" => self.balancer(&declared, properties),
                "AWS::SecretsManager::RotationSchedule" => self.rotation(&declared, properties),
                "AWS::AppSync::DataSource" => self.data_source(&declared, properties),
                kind if kind.starts_with("Custom::") || kind == "AWS::CloudFormation::CustomResource" => {
                    self.custom(&declared, properties);
                }
                _ => {}
            }
        }
    }

    /// Adds a source for the function a property names, when it is a function of this template.
    fn starts(
        &mut self,
        declared: &Declared<'n>,
        node: Option<&Node>,
        kind: SourceKind,
        delivery: Delivery,
    ) -> Option<&mut EventSource> {
        let function = node.map(|node| self.resolve.text(node)).and_then(|fact| self.function_behind(&fact))?;
        self.app.sources.push(Self::source(function, kind, delivery, &declared.provenance));
        self.app.sources.last_mut()
    }

    /// Like `starts`, for what can only be a function: not finding it is told.
    fn surely_starts(
        &mut self,
        declared: &Declared<'n>,
        node: Option<&Node>,
        kind: SourceKind,
        delivery: Delivery,
        from: Option<Fact<String>>,
    ) {
        let Some(function) = self.target_function(node, declared) else { return };
        let source = EventSource { source: from, ..Self::source(function, kind, delivery, &declared.provenance) };
        // One event of several kinds is merged in as several configurations.
        let same = |known: &EventSource| {
            known.function == source.function
                && known.kind == source.kind
                && known.source == source.source
                && known.provenance == source.provenance
        };
        if !self.app.sources.iter().any(same) {
            self.app.sources.push(source);
        }
    }

    /// The resource as it is told where this part of it is meant: what an event of a function was merged into is
    /// somebody else's resource, and its line is not the one to edit.
    fn part_of(&self, declared: &Declared<'n>, part: &Node) -> Declared<'n> {
        let provenance = Provenance { span: self.named(&part.origin), ..self.at(part) };
        let known = provenance.span.is_some();
        Declared { provenance: if known { provenance } else { declared.provenance.clone() }, ..declared.clone() }
    }

    fn rule(&mut self, declared: &Declared<'n>, properties: &Node) {
        let schedule = self.text_at(properties, "ScheduleExpression");
        let bus = self.text_at(properties, "EventBusName");
        let Some(targets) = properties.get("Targets") else { return };
        for (_, target) in self.resolve.items(targets) {
            let failure =
                self.part(target, "DeadLetterConfig", &declared.id).and_then(|node| self.text_at(node, "Arn"));
            let kind = if schedule.is_some() { SourceKind::Schedule } else { SourceKind::Bus };
            if let Some(source) = self.starts(declared, target.get("Arn"), kind, Delivery::Async) {
                source.source = schedule.clone().or_else(|| bus.clone());
                source.failure_target = failure;
            }
        }
    }

    fn schedule(&mut self, declared: &Declared<'n>, properties: &Node) {
        let expression = self.text_at(properties, "ScheduleExpression");
        let Some(target) = self.part(properties, "Target", &declared.id) else { return };
        let failure = self.part(target, "DeadLetterConfig", &declared.id).and_then(|node| self.text_at(node, "Arn"));
        if let Some(source) = self.starts(declared, target.get("Arn"), SourceKind::Schedule, Delivery::Async) {
            source.source = expression;
            source.failure_target = failure;
        }
    }

    fn subscription(&mut self, declared: &Declared<'n>, node: &Node, topic: Option<&Node>) {
        let protocol = self.text_at(node, "Protocol").and_then(|fact| fact.value.known().cloned());
        if protocol.as_deref() != Some("lambda") {
            return;
        }
        let failure = self.redrive(declared, node);
        let topic = topic.map(|node| self.resolve.text(node));
        let Some(function) = self.target_function(node.get("Endpoint"), declared) else { return };
        let mut source = Self::source(function, SourceKind::Topic, Delivery::Async, &declared.provenance);
        source.source = topic;
        source.failure_target = failure;
        self.app.sources.push(source);
    }

    fn topic(&mut self, declared: &Declared<'n>, properties: &Node) {
        let Some(subscriptions) = properties.get("Subscription") else { return };
        let own = Self::itself(declared);
        for (_, subscription) in self.resolve.items(subscriptions) {
            let before = self.app.sources.len();
            self.subscription(declared, subscription, None);
            self.app.sources.iter_mut().skip(before).for_each(|source| source.source = Some(own.clone()));
        }
    }

    /// The resource as its own source.
    fn itself(declared: &Declared<'n>) -> Fact<String> {
        let symbol = brigandine_model::Symbol::attribute(declared.id.clone(), None);
        Fact { value: Value::Symbolic(symbol), provenance: declared.provenance.clone() }
    }

    fn bucket(&mut self, declared: &Declared<'n>, properties: &Node) {
        let Some(notifications) = self.part(properties, "NotificationConfiguration", &declared.id) else { return };
        let Some(configurations) = notifications.get("LambdaConfigurations") else { return };
        let own = Self::itself(declared);
        for (_, configuration) in self.resolve.items(configurations) {
            let part = self.part_of(declared, configuration);
            self.surely_starts(
                &part,
                configuration.get("Function"),
                SourceKind::Bucket,
                Delivery::Async,
                Some(own.clone()),
            );
        }
    }

    fn logs(&mut self, declared: &Declared<'n>, properties: &Node) {
        let group = self.text_at(properties, "LogGroupName");
        if let Some(source) = self.starts(declared, properties.get("DestinationArn"), SourceKind::Logs, Delivery::Async)
        {
            source.source = group;
        }
    }

    fn pool_steps(&mut self, declared: &Declared<'n>, properties: &Node) {
        let steps = self.part(properties, "LambdaConfig", &declared.id).and_then(Node::as_map);
        for (step, node) in steps.into_iter().flat_map(Map::iter) {
            let named = node.get("LambdaArn").unwrap_or(node);
            if step == "KMSKeyID" {
                continue;
            }
            let own = Fact::known(step.to_owned(), self.at(node));
            let part = self.part_of(declared, node);
            self.surely_starts(&part, Some(named), SourceKind::Identity, Delivery::Sync, Some(own));
        }
    }

    fn device_rule(&mut self, declared: &Declared<'n>, properties: &Node) {
        let Some(payload) = self.part(properties, "TopicRulePayload", &declared.id) else { return };
        let Some(actions) = payload.get("Actions") else { return };
        let query = self.text_at(payload, "Sql");
        for (_, action) in self.resolve.items(actions) {
            if let Some(function) = action.at(&["Lambda", "FunctionArn"]) {
                let kind = SourceKind::Other("iot".into());
                self.surely_starts(declared, Some(function), kind, Delivery::Async, query.clone());
            }
        }
    }

    /// Every function a workflow's definition or its substitutions name.
    fn workflow(&mut self, declared: &Declared<'n>, properties: &Node) {
        let mut found = Vec::new();
        for key in ["Definition", "DefinitionString", "DefinitionSubstitutions"] {
            if let Some(node) = properties.get(key) {
                self.functions_within(node, &mut found);
            }
        }
        found.sort();
        found.dedup();
        for function in found {
            self.app.sources.push(Self::source(function, SourceKind::Workflow, Delivery::Sync, &declared.provenance));
        }
        if properties.get("DefinitionS3Location").is_some() && properties.get("DefinitionSubstitutions").is_none() {
            self.unjudged("the workflow is described outside the template", Some(&declared.id), properties);
        }
    }

    fn functions_within(&self, node: &Node, found: &mut Vec<brigandine_model::LogicalId>) {
        if node.as_text().is_some() || node.as_intrinsic().is_some() {
            let fact = self.resolve.text(node);
            self.functions_in(&fact.value, 0, found);
        }
        match (node.as_map(), node.as_list()) {
            (Some(map), _) => map.iter().for_each(|(_, inner)| self.functions_within(inner, found)),
            (_, Some(items)) => items.iter().for_each(|inner| self.functions_within(inner, found)),
            _ => {}
        }
    }

    fn balancer(&mut self, declared: &Declared<'n>, properties: &Node) {
        let Some(targets) = properties.get("Targets") else { return };
        for (_, target) in self.resolve.items(targets) {
            let kind = SourceKind::Other("load balancer".into());
            self.starts(declared, target.get("Id"), kind, Delivery::Sync);
        }
    }

    fn rotation(&mut self, declared: &Declared<'n>, properties: &Node) {
        if let Some(node) = properties.get("RotationLambdaARN") {
            let kind = SourceKind::Other("secret rotation".into());
            self.surely_starts(declared, Some(node), kind, Delivery::Unknown, None);
        }
    }

    fn data_source(&mut self, declared: &Declared<'n>, properties: &Node) {
        let configuration = self.part(properties, "LambdaConfig", &declared.id);
        if let Some(node) = configuration.and_then(|node| node.get("LambdaFunctionArn")) {
            let kind = SourceKind::Other("graphql".into());
            self.surely_starts(declared, Some(node), kind, Delivery::Sync, None);
        }
    }

    /// Deployment itself calls a custom resource's function, and sees its errors.
    fn custom(&mut self, declared: &Declared<'n>, properties: &Node) {
        let kind = SourceKind::Other("custom resource".into());
        self.starts(declared, properties.get("ServiceToken"), kind, Delivery::Sync);
    }
}
