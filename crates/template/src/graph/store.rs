//! Places where data or messages rest, and stored secrets.

use brigandine_model::{Fact, LogicalId, Provenance, Secret, Store, StoreKind, Value};

use super::{Declared, Graph};
use crate::{Node, load, resolve::referred};

/// Kind, and the property that holds the name.
fn kind_of(kind: &str) -> Option<(StoreKind, &'static str)> {
    Some(match kind {
        "AWS::S3::Bucket" => (StoreKind::Bucket, "BucketName"),
        "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" => (StoreKind::Table, "TableName"),
        "AWS::SQS::Queue" => (StoreKind::Queue, "QueueName"),
        "AWS::SNS::Topic" => (StoreKind::Topic, "TopicName"),
        "AWS::Kinesis::Stream" => (StoreKind::Stream, "Name"),
        "AWS::KinesisFirehose::DeliveryStream" => (StoreKind::Stream, "DeliveryStreamName"),
        "AWS::MSK::Cluster" | "AWS::MSK::ServerlessCluster" => (StoreKind::Stream, "ClusterName"),
        "AWS::Events::EventBus" => (StoreKind::Bus, "Name"),
        "AWS::RDS::DBInstance" => (StoreKind::Database, "DBInstanceIdentifier"),
        "AWS::RDS::DBCluster" | "AWS::DocDB::DBCluster" | "AWS::Neptune::DBCluster" => {
            (StoreKind::Database, "DBClusterIdentifier")
        }
        "AWS::OpenSearchService::Domain" | "AWS::Elasticsearch::Domain" => (StoreKind::Database, "DomainName"),
        _ => return None,
    })
}

impl<'n> Graph<'n> {
    pub(super) fn stores(&mut self) {
        for declared in self.resources.clone() {
            let Some((kind, name)) = kind_of(declared.kind) else { continue };
            let store = Store {
                id: declared.id.clone(),
                kind,
                name: declared.properties.and_then(|properties| self.text_at(properties, name)),
                encrypted: declared.properties.and_then(|properties| self.encrypted(&declared, properties)),
                failure_target: declared.properties.and_then(|properties| self.redrive(&declared, properties)),
                provenance: declared.provenance.clone(),
            };
            self.app.stores.push(store);
        }
    }

    /// What a store's own settings say about encryption at rest.
    fn encrypted(&mut self, declared: &Declared<'n>, properties: &Node) -> Option<Fact<bool>> {
        let id = &declared.id;
        match declared.kind {
            "AWS::S3::Bucket" => self.set(properties, "BucketEncryption"),
            "AWS::SNS::Topic" => self.set(properties, "KmsMasterKeyId"),
            "AWS::Kinesis::Stream" => self.set(properties, "StreamEncryption"),
            "AWS::Events::EventBus" => self.set(properties, "KmsKeyIdentifier"),
            "AWS::KinesisFirehose::DeliveryStream" => {
                self.set(properties, "DeliveryStreamEncryptionConfigurationInput")
            }
            "AWS::SQS::Queue" => {
                self.set(properties, "KmsMasterKeyId").or_else(|| self.flag_at(properties, "SqsManagedSseEnabled"))
            }
            "AWS::DynamoDB::Table" | "AWS::DynamoDB::GlobalTable" => {
                self.part(properties, "SSESpecification", id).and_then(|node| self.flag_at(node, "SSEEnabled"))
            }
            "AWS::OpenSearchService::Domain" | "AWS::Elasticsearch::Domain" => {
                self.part(properties, "EncryptionAtRestOptions", id).and_then(|node| self.flag_at(node, "Enabled"))
            }
            _ => self.flag_at(properties, "StorageEncrypted"),
        }
    }

    /// True where the property is set to anything.
    fn set(&self, properties: &Node, key: &str) -> Option<Fact<bool>> {
        let node = properties.get(key)?;
        let choices = self.resolve.choose(node);
        let provenance = self.at(node);
        match choices.as_slice() {
            [] => None,
            [(when, _)] if when.label().is_none() => Some(Fact::known(true, provenance)),
            [(when, _), ..] => Some(when.wrap(Fact::known(true, provenance))),
        }
    }

    /// Where messages go that cannot be processed; the policy may be a map or one JSON text.
    pub(super) fn redrive(&mut self, declared: &Declared<'n>, properties: &Node) -> Option<Fact<String>> {
        let policy = self.part(properties, "RedrivePolicy", &declared.id)?;
        if policy.as_map().is_some() && policy.as_intrinsic().is_none() {
            return self.text_at(policy, "deadLetterTargetArn");
        }
        let fact = self.resolve.text(policy);
        let read = fact.value.known().and_then(|text| load::load(self.resolve.file(), text.as_bytes()).ok());
        let target = read.and_then(|read| read.root.get("deadLetterTargetArn")?.as_text().map(str::to_owned));
        Some(match target {
            Some(target) => Fact { value: Value::Known(target), provenance: fact.provenance },
            None => fact,
        })
    }

    pub(super) fn secrets(&mut self) {
        let on_schedule = self.secrets_on_schedule();
        for declared in self.of(&["AWS::SecretsManager::Secret"]) {
            let encrypted = Fact::known(true, Provenance::platform_default(declared.provenance.span.clone()));
            let rotates = on_schedule.contains(&declared.id);
            self.secret(&declared, encrypted, rotates);
        }
        for declared in self.of(&["AWS::SSM::Parameter"]) {
            let kind = declared.properties.and_then(|properties| self.text_at(properties, "Type"));
            let encrypted = match kind {
                Some(kind) => {
                    Fact { value: kind.value.map(&|text| text == "SecureString"), provenance: kind.provenance }
                }
                None => Fact::known(false, declared.provenance.clone()),
            };
            self.secret(&declared, encrypted, false);
        }
    }

    /// Secrets that something replaces. A schedule may name the attachment that gives a secret its database instead.
    fn secrets_on_schedule(&self) -> Vec<LogicalId> {
        let named_by = |kind: &str| -> Vec<(LogicalId, LogicalId)> {
            let declared = self.of(&[kind]);
            declared
                .iter()
                .filter_map(|one| Some((one.id.clone(), referred(&self.text_at(one.properties?, "SecretId")?)?)))
                .collect()
        };
        let attached = named_by("AWS::SecretsManager::SecretTargetAttachment");
        let behind =
            |id: LogicalId| attached.iter().find(|(own, _)| *own == id).map_or(id, |(_, secret)| secret.clone());
        named_by("AWS::SecretsManager::RotationSchedule").into_iter().map(|(_, id)| behind(id)).collect()
    }

    fn secret(&mut self, declared: &Declared<'n>, encrypted: Fact<bool>, rotates: bool) {
        let name = declared.properties.and_then(|properties| self.text_at(properties, "Name"));
        let (id, provenance) = (declared.id.clone(), declared.provenance.clone());
        self.app.secrets.push(Secret { id, name, encrypted, rotates, provenance });
    }
}
