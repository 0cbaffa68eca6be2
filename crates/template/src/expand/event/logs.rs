//! Log groups whose lines call a function.

use crate::expand::Expansion;
use crate::expand::resource::Made;

use super::{Event, Target};

pub(super) fn expand(cx: &Expansion<'_>, target: &Target, event: &Event) -> Vec<Made> {
    let maker = event.maker();
    let group = event.get("LogGroupName").cloned().unwrap_or_else(|| maker.no_value());
    let arn = format!(
        "arn:{}:logs:${{AWS::Region}}:${{AWS::AccountId}}:log-group:${{__LogGroupName__}}:*",
        cx.options.partition
    );
    let permission = event
        .permission(target, "logs.amazonaws.com", "")
        .with("SourceArn", maker.sub_with(arn, [("__LogGroupName__", group)]));
    let mut filter = event.made("AWS::Logs::SubscriptionFilter", &target.passed_on());
    filter.take(&event.written, &["LogGroupName", "FilterPattern"]);
    filter.set("DestinationArn", target.arn.clone());
    filter.depends_on = Some(maker.texts([permission.id.as_str()]));
    vec![permission, filter]
}
