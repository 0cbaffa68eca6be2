//! DP006: a security group that lets the whole internet in where only neighbours should.

use std::collections::BTreeSet;

use brigandine_model::{App, Finding, Judgement, LogicalId, Practice, Property, Provenance, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::{any, both, may_hold, when},
    rule::meta,
    setting::{Named, ask, of_kinds, place_in, referred_below},
    wording::with_origin,
};

pub(crate) struct OpenNetwork;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Frameworks,
    frameworks: &["CWE-284", "EC2.19"],
    ..meta(
        "DP006",
        "open-network",
        "a security group lets the internet reach a database or a machine's controls",
        include_str!("../../pages/DP006-open-network.md"),
    )
};

/// Ports of databases, caches, shells and remote desktops.
const PORTS: [u32; 19] =
    [20, 21, 22, 23, 135, 445, 1433, 1521, 2375, 3306, 3389, 5432, 5601, 5900, 6379, 9092, 9200, 11211, 27017];

impl Rule for OpenNetwork {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let functions = groups_of_functions(app);
        for named in of_kinds(app, &["AWS::EC2::SecurityGroup"]) {
            let of_function = functions.contains(named.id);
            for rule in named.items(&["SecurityGroupIngress"]) {
                check_rule(&named, rule, of_function, sink);
            }
        }
        for named in of_kinds(app, &["AWS::EC2::SecurityGroupIngress"]) {
            let group = named.at(&["GroupId"]).map(referred_below).unwrap_or_default();
            let of_function = group.iter().any(|id| functions.contains(id));
            if let Some(rule) = &named.resource.properties {
                check_rule(&named, rule, of_function, sink);
            }
        }
    }
}

/// Security groups that functions stand in.
fn groups_of_functions(app: &App) -> BTreeSet<&LogicalId> {
    let functions = of_kinds(app, &["AWS::Lambda::Function"]);
    functions.iter().filter_map(|named| named.at(&["VpcConfig", "SecurityGroupIds"])).flat_map(referred_below).collect()
}

fn check_rule(named: &Named<'_>, rule: &Property, of_function: bool, sink: &mut Sink) {
    let from_anywhere = any([
        ask(Some(rule), &["CidrIp"], false, &|text| text == "0.0.0.0/0"),
        ask(Some(rule), &["CidrIpv6"], false, &|text| text == "::/0"),
    ]);
    let holds = both(from_anywhere, opens(rule, of_function));
    // Which network a parameter names, deployment knows.
    if !may_hold(&holds) {
        return;
    }
    let path = if rule.at(&["CidrIp"]).is_some() { ["CidrIp"] } else { ["CidrIpv6"] };
    let place = place_in(rule, &path).unwrap_or_else(|| named.resource.provenance.clone());
    let finding = finding(named, (rule, &place), (&holds, of_function), sink);
    sink.finding(finding);
}

/// Nobody calls a function by its network address, so every opening of its group is one too many.
fn opens(rule: &Property, of_function: bool) -> Judgement {
    let every = ask(Some(rule), &["IpProtocol"], false, &|text| text == "-1" || text == "all");
    let number = |key: &str| rule.at(&[key])?.known()?.parse::<u32>().ok();
    let (from, to) = (number("FromPort"), number("ToPort"));
    let transport = ask(Some(rule), &["IpProtocol"], false, &|text| matches!(text, "tcp" | "6" | "udp" | "17"));
    let ports = match (from, to) {
        (Some(from), Some(to)) => Judgement::settled(PORTS.iter().any(|port| (from..=to).contains(port))),
        _ => Judgement::No,
    };
    any([every, both(transport, ports), Judgement::settled(of_function)])
}

fn finding(
    named: &Named<'_>,
    (rule, place): (&Property, &Provenance),
    (holds, of_function): (&Judgement, bool),
    sink: &Sink,
) -> Finding {
    let port = |key: &str| rule.at(&[key]).and_then(Property::known);
    let what = match (port("FromPort"), port("ToPort")) {
        (Some(from), Some(to)) if from == to => format!("port {from}"),
        (Some("0"), Some("65535")) | (None, _) | (_, None) => "every port".to_owned(),
        (Some(from), Some(to)) => format!("ports {from} to {to}"),
    };
    let message = if of_function {
        "nobody calls a function by its network address: the opening serves only what else stands in the same group"
    } else {
        "scanners find it within minutes, and then a password or one missing update is all that is left"
    };
    Finding {
        title: format!("`{}` opens {what} to the internet{}", named.id, when(holds)),
        message: message.to_owned(),
        label: with_origin("every address there is", place),
        resource: Some(named.id.clone()),
        fact: format!("{what} open"),
        help: vec![
            "name the security group of those who may connect (`SourceSecurityGroupId`) instead of addresses"
                .to_owned(),
        ],
        ..sink.draft(place)
    }
}
