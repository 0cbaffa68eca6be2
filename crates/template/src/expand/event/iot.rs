//! Device messages that call a function.

use crate::expand::Expansion;
use crate::expand::resource::Made;
use crate::expand::tree;

use super::{Event, Target};

pub(super) fn expand(cx: &Expansion<'_>, target: &Target, event: &Event) -> Vec<Made> {
    let maker = event.maker();
    let arn = format!("arn:{}:iot:${{AWS::Region}}:${{AWS::AccountId}}:rule/${{RuleName}}", cx.options.partition);
    let permission = event
        .permission(target, "iot.amazonaws.com", "")
        .with("SourceArn", maker.sub_with(arn, [("RuleName", maker.reference(event.id()))]))
        .with("SourceAccount", maker.sub("${AWS::AccountId}"));
    let action = maker.map([("Lambda", maker.map([("FunctionArn", target.arn.clone())]))]);
    let mut payload = vec![("RuleDisabled", maker.flag(false)), ("Actions", maker.list([action]))];
    payload.extend(event.get("Sql").map(|sql| ("Sql", sql.clone())));
    let version = event.get("AwsIotSqlVersion").filter(|version| tree::truthy(version));
    payload.extend(version.map(|version| ("AwsIotSqlVersion", version.clone())));
    let rule = event.made("AWS::IoT::TopicRule", &target.passed_on()).with("TopicRulePayload", maker.map(payload));
    vec![permission, rule]
}
