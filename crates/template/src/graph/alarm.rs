//! Keys, log groups, alarms, firewalls.

use brigandine_model::{Alarm, Fact, Key, LogGroup, LogicalId, Provenance, Waf};

use super::{Declared, Graph};
use crate::resolve::referred;

impl<'n> Graph<'n> {
    pub(super) fn keys_logs_alarms(&mut self) {
        for declared in self.of(&["AWS::KMS::Key", "AWS::KMS::ReplicaKey"]) {
            let rotates = declared.properties.and_then(|properties| self.flag_at(properties, "EnableKeyRotation"));
            self.app.keys.push(Key { id: declared.id, rotates, provenance: declared.provenance });
        }
        for declared in self.of(&["AWS::Logs::LogGroup"]) {
            let name = declared.properties.and_then(|properties| self.text_at(properties, "LogGroupName"));
            let retention_days =
                declared.properties.and_then(|properties| self.number_at(properties, "RetentionInDays"));
            let (id, provenance) = (declared.id, declared.provenance);
            self.app.log_groups.push(LogGroup { id, name, retention_days, provenance });
        }
        for declared in self.of(&["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"]) {
            let metric = declared.properties.and_then(|properties| self.text_at(properties, "MetricName"));
            let actions = declared.properties.map(|properties| self.strings_at(properties, "AlarmActions"));
            let (id, provenance) = (declared.id, declared.provenance);
            self.app.alarms.push(Alarm { id, metric, actions: actions.unwrap_or_default(), provenance });
        }
    }

    /// Firewalls; an association with a firewall of another stack counts as one of its own.
    pub(super) fn wafs(&mut self) {
        for declared in self.of(&["AWS::WAFv2::WebACL"]) {
            let rules = declared.properties.and_then(|properties| properties.get("Rules"));
            let rules = rules.map_or(0, |rules| self.resolve.items(rules).len());
            self.push_waf(&declared.id, Vec::new(), Some(rules), declared.provenance);
        }
        // The older kind names its firewall by another property.
        for declared in self.of(&["AWS::WAFv2::WebACLAssociation", "AWS::WAFRegional::WebACLAssociation"]) {
            let Some(properties) = declared.properties else { continue };
            let protected = self.text_at(properties, "ResourceArn");
            let acl = self.text_at(properties, "WebACLArn").or_else(|| self.text_at(properties, "WebACLId"));
            let acl = acl.and_then(|fact| referred(&fact));
            self.protect(acl.as_ref(), protected, &declared);
        }
        for declared in self.of(&["AWS::CloudFront::Distribution"]) {
            let configuration =
                declared.properties.and_then(|node| self.part(node, "DistributionConfig", &declared.id));
            let Some(fact) = configuration.and_then(|node| self.text_at(node, "WebACLId")) else { continue };
            let own = Fact::known(declared.id.to_string(), fact.provenance.clone());
            self.protect(referred(&fact).as_ref(), Some(own), &declared);
        }
    }

    fn protect(&mut self, acl: Option<&LogicalId>, protected: Option<Fact<String>>, by: &Declared<'n>) {
        let known = self.app.wafs.iter_mut().find(|waf| Some(&waf.id) == acl);
        match known {
            Some(waf) => waf.protects.extend(protected),
            None => self.push_waf(&by.id, protected.into_iter().collect(), None, by.provenance.clone()),
        }
    }

    fn push_waf(&mut self, id: &LogicalId, protects: Vec<Fact<String>>, rules: Option<usize>, provenance: Provenance) {
        self.app.wafs.push(Waf { id: id.clone(), protects, rules, provenance });
    }
}
