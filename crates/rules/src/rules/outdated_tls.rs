//! EN005: a door that still speaks a version of TLS that is broken or retired.

use brigandine_model::{App, Finding, Fix, Judgement, Literal, Practice, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::{both, when},
    reach::better,
    rule::meta,
    setting::{Named, is_true, of_kinds},
    wording::with_origin,
};

pub(crate) struct OutdatedTls;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Encryption,
    frameworks: &["CWE-326", "OWASP-Serverless-S3"],
    ..meta(
        "EN005",
        "outdated-tls",
        "a domain or an endpoint accepts TLS older than 1.2",
        include_str!("../../pages/EN005-outdated-tls.md"),
    )
};

/// Type, setting, whether nothing set means old, and what to set instead.
const DOORS: [(&str, &[&str], bool, &str); 5] = [
    ("AWS::ApiGateway::DomainName", &["SecurityPolicy"], false, "TLS_1_2"),
    ("AWS::ElasticLoadBalancingV2::Listener", &["SslPolicy"], true, "ELBSecurityPolicy-TLS13-1-2-2021-06"),
    (
        "AWS::OpenSearchService::Domain",
        &["DomainEndpointOptions", "TLSSecurityPolicy"],
        false,
        "Policy-Min-TLS-1-2-PFS-2023-10",
    ),
    (
        "AWS::Elasticsearch::Domain",
        &["DomainEndpointOptions", "TLSSecurityPolicy"],
        false,
        "Policy-Min-TLS-1-2-2019-07",
    ),
    ("AWS::Transfer::Server", &["SecurityPolicyName"], false, "TransferSecurityPolicy-2024-01"),
];

const CERTIFICATE: &str = "ViewerCertificate";

impl Rule for OutdatedTls {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for (kind, path, absent, better) in DOORS {
            for named in of_kinds(app, &[kind]) {
                let speaks = named.text(path, absent, &is_old);
                let encrypted = match kind {
                    "AWS::ElasticLoadBalancingV2::Listener" => {
                        named.text(&["Protocol"], false, &|text| ["HTTPS", "TLS"].contains(&text))
                    }
                    _ => Judgement::Yes,
                };
                tell(&named, (path, better), &both(speaks, encrypted), sink);
            }
        }
        for named in of_kinds(app, &["AWS::CloudFront::Distribution"]) {
            distribution(&named, sink);
        }
    }
}

/// Names of the provider's sets of protocols and ciphers that still contain TLS 1.0 or 1.1.
fn is_old(policy: &str) -> bool {
    matches!(policy, "TLS_1_0" | "SSLv3" | "TLSv1" | "TLSv1_2016" | "TLSv1.1_2016")
        || matches!(policy, "ELBSecurityPolicy-2016-08" | "ELBSecurityPolicy-2015-05" | "ELBSecurityPolicy-FS-2018-06")
        || policy.starts_with("ELBSecurityPolicy-TLS-1-0")
        || policy.starts_with("ELBSecurityPolicy-TLS-1-1")
        || policy.starts_with("ELBSecurityPolicy-TLS13-1-0")
        || policy.starts_with("ELBSecurityPolicy-TLS13-1-1")
        || policy.starts_with("ELBSecurityPolicy-FS-1-1")
        || policy == "Policy-Min-TLS-1-0-2019-07"
        || matches!(policy, "TransferSecurityPolicy-2018-11" | "TransferSecurityPolicy-2020-06")
}

fn tell(named: &Named<'_>, (path, newer): (&[&str], &str), old: &Judgement, sink: &mut Sink) {
    let place = named.place(path);
    let what = format!("which versions of TLS `{}` accepts", named.id);
    sink.tell(old, (&what, (named.id, &place)), |sink| Finding {
        title: format!("`{}` accepts TLS older than 1.2{}", named.id, when(old)),
        message: message(named),
        label: with_origin("old versions accepted", &place),
        resource: Some(named.id.clone()),
        fact: "old tls".to_owned(),
        help: vec![format!("set `{}: {newer}`", path.join("."))],
        fix: named
            .set(path, Literal::text(newer))
            .map(|change| Fix::risky("accept TLS 1.2 and newer only", vec![change])),
        ..sink.draft(&place)
    });
}

fn message(named: &Named<'_>) -> String {
    format!("an attacker on the line can talk a client of `{}` down to a protocol with known breaks", named.id)
}

/// A distribution under its own name takes the version it is told; under the provider's name it takes them all.
fn distribution(named: &Named<'_>, sink: &mut Sink) {
    let base = ["DistributionConfig", CERTIFICATE];
    let path = ["DistributionConfig", CERTIFICATE, "MinimumProtocolVersion"];
    let on_default = named.text(&["DistributionConfig", CERTIFICATE, "CloudFrontDefaultCertificate"], false, &is_true);
    if named.at(&base).is_some() && on_default == Judgement::No {
        return tell(named, (&path, "TLSv1.2_2021"), &named.text(&path, true, &is_old), sink);
    }
    let place = named.place(&base);
    let holds = if named.at(&base).is_none() { Judgement::Yes } else { on_default };
    let what = format!("which versions of TLS `{}` accepts", named.id);
    sink.tell(&holds, (&what, (named.id, &place)), |sink| Finding {
        severity: better(META.severity),
        title: format!("`{}` accepts TLS older than 1.2 under the provider's name{}", named.id, when(&holds)),
        message: format!("{}: with the provider's certificate no other minimum can be set", message(named)),
        label: with_origin("the provider's certificate", &place),
        resource: Some(named.id.clone()),
        fact: "old tls by default certificate".to_owned(),
        help: vec![
            "give the distribution a name and a certificate of its own, with `MinimumProtocolVersion: TLSv1.2_2021`"
                .to_owned(),
        ],
        ..sink.draft(&place)
    });
}
