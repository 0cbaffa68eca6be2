//! Alarms that somebody gets: functions that fail or are turned away, doors that answer with errors, queues of what failed.

use std::collections::BTreeSet;

use brigandine_model::{ApiStyle, Change, Literal, LogicalId, StoreKind};

use super::{Plan, Site, again, declare, door::Stage, keys, names};

/// The topic that is added when no alarm tells one yet.
const TOPIC: &str = "LaunchAlarms";
/// The parameter with the address of those who are told.
const ADDRESS: &str = "LaunchAlarmEmail";

/// What is watched.
struct Watch<'a> {
    subject: &'a LogicalId,
    /// The tail of the alarm's name.
    name: &'static str,
    words: String,
    namespace: &'static str,
    metric: &'static str,
    dimensions: Vec<(&'static str, Literal)>,
    /// From how many in five minutes on.
    from: i64,
}

pub(super) fn alarms(site: &Site<'_>, stages: &[Stage<'_>], plan: &mut Plan) {
    let mut watches = functions(site);
    watches.extend(doors(site, stages, plan));
    watches.extend(queues(site));
    watches.retain(|watch| !is_watched(site, watch));
    if watches.is_empty() {
        return;
    }
    let topic = topic(site);
    if topic.is_none() {
        plan.step("add a topic that alarms tell, and somebody who gets it".to_owned(), told(site));
        plan.note(format!("alarms go to the address in the new parameter `{ADDRESS}`; give it when you deploy"));
    }
    let topic = topic.map_or_else(|| TOPIC.to_owned(), ToString::to_string);
    for watch in watches {
        let name = site.free(&format!("{}{}", watch.subject, watch.name));
        let title = format!("tell when {}", watch.words);
        let properties = properties(&watch, &topic);
        let change = declare(&name, "AWS::CloudWatch::Alarm", site.condition(watch.subject), properties);
        plan.step_with(&topic, title, vec![change]);
    }
}

/// A topic with a subscriber, whose address nobody but the team knows.
fn told(site: &Site<'_>) -> Vec<Change> {
    let subscriber = Literal::map([("Protocol", Literal::text("email")), ("Endpoint", Literal::reference(ADDRESS))]);
    let topic = Literal::map([("Subscription", Literal::List(vec![subscriber]))]);
    let parameter = Literal::map([
        ("Type", Literal::text("String")),
        ("Description", Literal::text("Address of those who are told of alarms.")),
    ]);
    let known = site.app.parameters.iter().any(|parameter| &*parameter.name == ADDRESS);
    let asked = Change::Declare { path: keys(&["Parameters"]), name: ADDRESS.into(), value: parameter };
    let asked = (!known).then_some(asked);
    asked.into_iter().chain([declare(TOPIC, "AWS::SNS::Topic", None, topic)]).collect()
}

fn functions<'a>(site: &Site<'a>) -> Vec<Watch<'a>> {
    let mut watches = Vec::new();
    for function in &site.app.functions {
        let id = &function.id;
        if site.written(id).is_none() {
            continue;
        }
        let watch = |name, metric, words: &str, from| Watch {
            subject: id,
            name,
            words: format!("`{id}` {words}"),
            namespace: "AWS/Lambda",
            metric,
            dimensions: vec![("FunctionName", Literal::reference(id.as_str()))],
            from,
        };
        watches.push(watch("Errors", "Errors", "fails", 5));
        watches.push(watch("Throttles", "Throttles", "is turned away for lack of room", 1));
    }
    watches
}

fn doors<'a>(site: &Site<'a>, stages: &[Stage<'a>], plan: &mut Plan) -> Vec<Watch<'a>> {
    let mut watches = Vec::new();
    let mut seen = BTreeSet::new();
    for stage in stages.iter().filter(|stage| seen.insert(&stage.api.id)) {
        let id = &stage.api.id;
        let (server, client, dimension) = match stage.api.style {
            ApiStyle::Rest => {
                let Some(name) = api_name(site, id) else {
                    plan.note(format!("the name of `{id}` is not settled, so its errors are not watched"));
                    continue;
                };
                ("5XXError", "4XXError", ("ApiName", name))
            }
            ApiStyle::Http => ("5xx", "4xx", ("ApiId", Literal::reference(id.as_str()))),
            _ => continue,
        };
        let watch = |name, metric, words: &str, from| Watch {
            subject: id,
            name,
            words: format!("`{id}` {words}"),
            namespace: "AWS/ApiGateway",
            metric,
            dimensions: vec![dimension.clone()],
            from,
        };
        watches.push(watch("ServerErrors", server, "answers with faults of its own", 5));
        watches.push(watch("ClientErrors", client, "turns many requests away", 200));
    }
    watches
}

/// The name under which metrics of a REST API are kept: the title of its definition, or its own.
fn api_name(site: &Site<'_>, api: &LogicalId) -> Option<Literal> {
    let title = site.property(api, &["Body", "info", "title"]).or_else(|| site.property(api, &["Name"]));
    again(title?.text()?)
}

fn queues<'a>(site: &Site<'a>) -> Vec<Watch<'a>> {
    let app = site.app;
    let of_functions = app.functions.iter().flat_map(|function| &function.failure_targets);
    let targets: Vec<_> = of_functions
        .chain(app.stores.iter().filter_map(|store| store.failure_target.as_ref()))
        .chain(app.sources.iter().filter_map(|source| source.failure_target.as_ref()))
        .collect();
    let is_target = |id: &LogicalId| targets.iter().any(|target| names(&target.value, id));
    let queues = app.stores.iter().filter(|store| store.kind == StoreKind::Queue && is_target(&store.id));
    let watch = |id: &'a LogicalId| Watch {
        subject: id,
        name: "Depth",
        words: format!("something lies in `{id}`"),
        namespace: "AWS/SQS",
        metric: "ApproximateNumberOfMessagesVisible",
        dimensions: vec![("QueueName", Literal::attribute(id.as_str(), "QueueName"))],
        from: 1,
    };
    queues.map(|store| watch(&store.id)).collect()
}

/// Whether some alarm already looks at this metric of this subject.
fn is_watched(site: &Site<'_>, watch: &Watch<'_>) -> bool {
    let same = |alarm: &brigandine_model::Alarm| {
        let metric = alarm.metric.as_ref().and_then(|metric| metric.value.known());
        let mut texts = Vec::new();
        if let Some(dimensions) = site.property(&alarm.id, &["Dimensions"]) {
            dimensions.texts(&mut texts);
        }
        let subject = texts.iter().filter_map(|(_, at)| at.text()).any(|text| {
            names(text, watch.subject) || watch.dimensions.iter().any(|(_, value)| again(text).as_ref() == Some(value))
        });
        metric.is_some_and(|metric| metric == watch.metric) && subject
    };
    site.app.alarms.iter().any(same)
}

/// The topic that alarms tell already.
fn topic<'a>(site: &Site<'a>) -> Option<&'a LogicalId> {
    let told =
        |id: &LogicalId| site.app.alarms.iter().flat_map(|alarm| &alarm.actions).any(|action| names(&action.value, id));
    let mut topics = site.app.stores.iter().filter(|store| store.kind == StoreKind::Topic);
    topics.find(|store| store.id.as_str() == TOPIC || told(&store.id)).map(|store| &store.id)
}

fn properties(watch: &Watch<'_>, topic: &str) -> Literal {
    let dimension =
        |(name, value): &(&str, Literal)| Literal::map([("Name", Literal::text(*name)), ("Value", value.clone())]);
    Literal::map([
        ("AlarmDescription", Literal::text(watch.words.replace('`', ""))),
        ("Namespace", Literal::text(watch.namespace)),
        ("MetricName", Literal::text(watch.metric)),
        ("Dimensions", Literal::List(watch.dimensions.iter().map(dimension).collect())),
        ("Statistic", Literal::text("Sum")),
        ("Period", Literal::Number(300)),
        ("EvaluationPeriods", Literal::Number(1)),
        ("Threshold", Literal::Number(watch.from)),
        ("ComparisonOperator", Literal::text("GreaterThanOrEqualToThreshold")),
        ("TreatMissingData", Literal::text("notBreaching")),
        ("AlarmActions", Literal::List(vec![Literal::reference(topic)])),
    ])
}
