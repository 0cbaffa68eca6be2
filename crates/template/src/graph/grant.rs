//! Resources' own word on who may call them.

use brigandine_model::{Effect, Fact, Grant, LogicalId, Principal, Statement, Symbol, Value};

use super::{Declared, Graph, policy::narrowed};
use crate::{Node, resolve::When};

const SOURCE: [&str; 1] = ["aws:SourceArn"];
const SOURCE_ACCOUNT: [&str; 2] = ["aws:SourceAccount", "aws:PrincipalOrgID"];

/// Resources that hold a policy, the property that holds it, and the one that names what it protects (nothing: itself).
const HOLDERS: [(&str, &str, &str); 9] = [
    ("AWS::SQS::QueuePolicy", "PolicyDocument", "Queues"),
    ("AWS::SNS::TopicPolicy", "PolicyDocument", "Topics"),
    ("AWS::S3::BucketPolicy", "PolicyDocument", "Bucket"),
    ("AWS::SecretsManager::ResourcePolicy", "ResourcePolicy", "SecretId"),
    ("AWS::KMS::Key", "KeyPolicy", ""),
    ("AWS::Events::EventBus", "Policy", ""),
    ("AWS::Kinesis::ResourcePolicy", "ResourcePolicy", "ResourceArn"),
    ("AWS::DynamoDB::Table", "ResourcePolicy", ""),
    ("AWS::SNS::TopicInlinePolicy", "PolicyDocument", "TopicArn"),
];

impl<'n> Graph<'n> {
    pub(super) fn grants(&mut self) {
        for declared in self.of(&["AWS::Lambda::Permission"]) {
            self.permission(&declared);
        }
        for (kind, policy, target) in HOLDERS {
            for declared in self.of(&[kind]) {
                self.holder(&declared, policy, target);
            }
        }
        for declared in self.of(&["AWS::Events::EventBusPolicy"]) {
            self.bus_policy(&declared);
        }
    }

    fn permission(&mut self, declared: &Declared<'n>) {
        let Some(properties) = declared.properties else { return };
        let missing =
            |what: &str| Fact::unknown(&format!("the permission has no `{what}`"), declared.provenance.clone());
        let principal = self.text_at(properties, "Principal");
        let organisation = self.text_at(properties, "PrincipalOrgID");
        self.app.grants.push(Grant {
            resource: self.text_at(properties, "FunctionName").unwrap_or_else(|| missing("FunctionName")),
            action: self.text_at(properties, "Action").unwrap_or_else(|| missing("Action")),
            principal: principal
                .map_or_else(|| Principal::Unknown("the permission has no `Principal`".into()), Self::principal_text),
            source: self.text_at(properties, "SourceArn"),
            source_account: self.text_at(properties, "SourceAccount").or(organisation),
            conditions: Vec::new(),
            provenance: declared.provenance.clone(),
        });
    }

    fn holder(&mut self, declared: &Declared<'n>, policy: &str, target: &str) {
        let Some(properties) = declared.properties else { return };
        let Some(document) = properties.get(policy).map(|node| node.get("PolicyDocument").unwrap_or(node)) else {
            return;
        };
        let targets = match target {
            "" => vec![itself(declared)],
            key => self.strings_at(properties, key),
        };
        for statement in self.statements(document, &declared.id, &When::always()) {
            for target in &targets {
                self.granted(target, &statement);
            }
        }
    }

    /// Events to a bus, allowed in short words or by a statement.
    fn bus_policy(&mut self, declared: &Declared<'n>) {
        let Some(properties) = declared.properties else { return };
        let bus = self
            .text_at(properties, "EventBusName")
            .unwrap_or_else(|| Fact::known("default".to_owned(), declared.provenance.clone()));
        if let Some(statement) = properties.get("Statement") {
            let mut document = crate::Map::default();
            document.insert("Statement", statement.clone());
            let document = Node::map(document, &statement.origin);
            for statement in self.statements(&document, &declared.id, &When::always()) {
                self.granted(&bus, &statement);
            }
        } else if let Some(principal) = self.text_at(properties, "Principal") {
            let action = self.text_at(properties, "Action");
            let condition = self.part(properties, "Condition", &declared.id);
            self.app.grants.push(Grant {
                resource: bus,
                action: action
                    .unwrap_or_else(|| Fact::unknown("the policy has no `Action`", declared.provenance.clone())),
                principal: Self::principal_text(principal),
                source: None,
                source_account: condition.and_then(|node| self.text_at(node, "Value")),
                conditions: Vec::new(),
                provenance: declared.provenance.clone(),
            });
        }
    }

    fn granted(&mut self, target: &Fact<String>, statement: &Statement) {
        if statement.effect.value == Value::Known(Effect::Deny) {
            return;
        }
        let principals = if statement.except_principals {
            vec![Principal::Unknown("the statement names who is not meant".into())]
        } else {
            statement.principals.clone()
        };
        let every = Fact::known("*".to_owned(), statement.provenance.clone());
        let actions = if statement.actions.is_empty() { std::slice::from_ref(&every) } else { &statement.actions };
        for principal in principals {
            for action in actions {
                self.app.grants.push(Grant {
                    resource: target.clone(),
                    action: action.clone(),
                    principal: principal.clone(),
                    source: narrowed(statement, &SOURCE),
                    source_account: narrowed(statement, &SOURCE_ACCOUNT),
                    conditions: statement.conditions.clone(),
                    provenance: statement.provenance.clone(),
                });
            }
        }
    }
}

/// The resource itself, as a reference to it.
fn itself(declared: &Declared<'_>) -> Fact<String> {
    let id: LogicalId = declared.id.clone();
    Fact { value: Value::Symbolic(Symbol::attribute(id, Some("Arn"))), provenance: declared.provenance.clone() }
}
