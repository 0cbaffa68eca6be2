//! Usage plans: who may call how often with a key.

use brigandine_model::{Fact, LogicalId, Period, Quota, UsagePlan, Value};

use super::Graph;
use crate::{Map, Node, resolve::referred};

impl Graph<'_> {
    pub(super) fn plans(&mut self) {
        for declared in self.of(&["AWS::ApiGateway::UsagePlan"]) {
            let Some(properties) = declared.properties else { continue };
            let throttle = self.part(properties, "Throttle", &declared.id);
            let quota = self.part(properties, "Quota", &declared.id);
            let plan = UsagePlan {
                id: declared.id.clone(),
                throttle: throttle.and_then(|node| self.throttle(node, "RateLimit", "BurstLimit")),
                quota: quota.and_then(|node| self.quota(node)),
                keys: self.plan_keys(&declared.id),
                provenance: declared.provenance.clone(),
            };
            let Some(stages) = properties.get("ApiStages") else { continue };
            for (_, stage) in self.resolve.items(stages) {
                self.plan_stage(&plan, stage);
            }
        }
    }

    fn plan_stage(&mut self, plan: &UsagePlan, stage: &Node) {
        let Some(id) = self.text_at(stage, "ApiId").and_then(|fact| referred(&fact)) else {
            return self.unjudged("the API of the usage plan is not known", Some(&plan.id), stage);
        };
        if let Some(api) = self.app.apis.iter_mut().find(|api| api.id == id)
            && !api.usage_plans.iter().any(|known| known.id == plan.id)
        {
            api.usage_plans.push(plan.clone());
        }
        let own = stage.get("Throttle").and_then(Node::as_map);
        for (key, settings) in own.into_iter().flat_map(Map::iter) {
            let throttle = self.throttle(settings, "RateLimit", "BurstLimit");
            let (path, method) = key.rsplit_once('/').unwrap_or((key, ""));
            let routes = self.app.routes.iter_mut().filter(|route| route.api == id && *route.path == *path);
            for route in routes.filter(|route| route.method.to_string() == method && route.throttle.is_none()) {
                route.throttle.clone_from(&throttle);
            }
        }
    }

    fn quota(&self, node: &Node) -> Option<Fact<Quota>> {
        let limit = node.get("Limit").map(|node| self.resolve.parsed::<u64>(node, "a whole number"))?;
        let period = self.text_at(node, "Period")?;
        let parsed = match period.value.known().map(String::as_str) {
            Some("DAY") => Some(Period::Day),
            Some("WEEK") => Some(Period::Week),
            Some("MONTH") => Some(Period::Month),
            _ => None,
        };
        let value = match (limit.value.known(), parsed) {
            (Some(limit), Some(period)) => Value::Known(Quota { limit: *limit, period }),
            _ => Value::Unknown("limit or period of the quota are not settled".into()),
        };
        Some(Fact { value, provenance: limit.provenance })
    }

    fn plan_keys(&self, plan: &LogicalId) -> Vec<LogicalId> {
        let keys = self.of(&["AWS::ApiGateway::UsagePlanKey"]);
        keys.iter()
            .filter_map(|declared| declared.properties)
            .filter(|properties| self.belongs(properties, "UsagePlanId", plan))
            .filter_map(|properties| self.text_at(properties, "KeyId").and_then(|fact| referred(&fact)))
            .collect()
    }
}
