//! EN006: requests, events or customers' data that travel over plain HTTP.

use brigandine_model::{App, Change, Finding, Fix, Judgement, Literal, Practice, Property, Provenance, RuleMeta, Via};

use crate::{
    Context, Rule, Sink,
    case::{any, when},
    reach::better,
    rule::meta,
    setting::{Named, ask, of_kinds, place_in},
    wording::with_origin,
};

pub(crate) struct ClearTextAddress;

const META: RuleMeta = RuleMeta {
    practice: Practice::Encryption,
    frameworks: &["CWE-319", "OWASP-Serverless-S3"],
    ..meta(
        "EN006",
        "clear-text-address",
        "requests or events are sent over plain HTTP",
        include_str!("../../pages/EN006-clear-text-address.md"),
    )
};

/// Settings that hold an address to which data is sent.
const ADDRESSES: [(&str, &[&str]); 4] = [
    ("AWS::ApiGateway::Method", &["Integration", "Uri"]),
    ("AWS::ApiGatewayV2::Integration", &["IntegrationUri"]),
    ("AWS::AppSync::DataSource", &["HttpConfig", "Endpoint"]),
    ("AWS::Events::ApiDestination", &["InvocationEndpoint"]),
];

/// Settings that hold a whole description of an API.
const BODIES: [(&str, &[&str]); 2] = [("AWS::ApiGateway::RestApi", &["Body"]), ("AWS::ApiGatewayV2::Api", &["Body"])];

impl Rule for ClearTextAddress {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for (kind, path) in ADDRESSES {
            for named in of_kinds(app, &[kind]).iter().filter(|named| !goes_through_a_private_link(named)) {
                let fix = named.at(path).and_then(secured);
                tell(named, (&named.place(path), fix), &named.text(path, false, &is_clear), sink);
            }
        }
        for (kind, path) in BODIES {
            for named in of_kinds(app, &[kind]) {
                body(&named, path, sink);
            }
        }
        for named in of_kinds(app, &["AWS::SNS::Subscription"]) {
            let place = named.place(&["Protocol"]);
            tell(&named, (&place, None), &named.text(&["Protocol"], false, &|text| text == "http"), sink);
        }
        for named in of_kinds(app, &["AWS::SNS::Topic"]) {
            for subscription in named.items(&["Subscription"]) {
                let clear = ask(Some(subscription), &["Protocol"], false, &|text| text == "http");
                let place = place_in(subscription, &["Protocol"]).unwrap_or_default();
                tell(&named, (&place, None), &clear, sink);
            }
        }
        for named in of_kinds(app, &["AWS::CloudFront::Distribution"]) {
            viewers(&named, sink);
            origins(&named, sink);
        }
    }
}

/// Names of the machine itself and of its closest neighbours are not the network.
fn is_clear(address: &str) -> bool {
    let Some(rest) = address.get(..7).filter(|start| start.eq_ignore_ascii_case("http://")).and(address.get(7..))
    else {
        return false;
    };
    !["localhost", "127.", "[::1]", "169.254."].iter().any(|near| rest.starts_with(near))
}

/// What goes through a private link never leaves the team's own network.
fn goes_through_a_private_link(named: &Named<'_>) -> bool {
    [&["ConnectionType"][..], &["Integration", "ConnectionType"][..]]
        .iter()
        .any(|path| named.at(path).and_then(Property::known) == Some("VPC_LINK"))
}

/// The addresses of an API's integrations, wherever they stand in its description.
fn body(named: &Named<'_>, path: &[&str], sink: &mut Sink) {
    let mut integrations = Vec::new();
    if let Some(body) = named.at(path) {
        collect(body, &mut integrations);
    }
    for integration in integrations {
        let private = integration.at(&["connectionType"]).and_then(Property::known) == Some("VPC_LINK");
        let clear = ask(Some(integration), &["uri"], false, &is_clear);
        if !private {
            let fix = integration.at(&["uri"]).and_then(secured);
            tell(named, (&place_in(integration, &["uri"]).unwrap_or_default(), fix), &clear, sink);
        }
    }
}

fn collect<'a>(property: &'a Property, found: &mut Vec<&'a Property>) {
    for entry in property.entries() {
        if &*entry.name == "x-amazon-apigateway-integration" {
            found.push(&entry.value);
        } else if matches!(entry.value.kind, brigandine_model::PropertyKind::Map(_)) {
            collect(&entry.value, found);
        }
    }
}

/// The same address with encryption; whether the other end offers it, only a person can find out.
fn secured(address: &Property) -> Option<Fix> {
    let rest = address.known()?.get(7..)?;
    let place = &address.provenance;
    let span = place.span.clone().filter(|_| place.via == Via::Written && place.parameters.is_empty())?;
    let change = Change::Replace { span, value: Literal::text(format!("https://{rest}")) };
    Some(Fix::risky("call it by HTTPS", vec![change]))
}

fn tell(named: &Named<'_>, (place, secured): (&Provenance, Option<Fix>), clear: &Judgement, sink: &mut Sink) {
    // An address that only deployment knows is nobody's fault and no question worth a line.
    if matches!(clear, Judgement::CannotTell(_)) {
        return;
    }
    let place = if place.span.is_some() { place.clone() } else { named.resource.provenance.clone() };
    sink.tell(clear, ("", (named.id, &place)), |sink| Finding {
        title: format!("`{}` sends over plain HTTP{}", named.id, when(clear)),
        message: "everyone on the way reads and changes what is sent: customers' data, tokens, answers".to_owned(),
        label: with_origin("not encrypted on the way", &place),
        resource: Some(named.id.clone()),
        fact: "plain http".to_owned(),
        help: vec!["use an address that begins with `https://`".to_owned()],
        fix: secured,
        ..sink.draft(&place)
    });
}

/// What browsers and customers send to a distribution.
fn viewers(named: &Named<'_>, sink: &mut Sink) {
    let base = ["DistributionConfig", "DefaultCacheBehavior"];
    let own = named.at(&base).into_iter();
    let more = named.items(&["DistributionConfig", "CacheBehaviors"]);
    let behaviours: Vec<&Property> = own.chain(more).collect();
    let path = ["ViewerProtocolPolicy"];
    let clear = any(behaviours.iter().map(|one| ask(Some(one), &path, false, &|text| text == "allow-all")));
    let first =
        behaviours.iter().find(|one| ask(Some(one), &path, false, &|text| text == "allow-all") != Judgement::No);
    let place = first.and_then(|one| place_in(one, &path)).unwrap_or_else(|| named.resource.provenance.clone());
    let what = format!("whether `{}` asks for HTTPS", named.id);
    sink.tell(&clear, (&what, (named.id, &place)), |sink| Finding {
        severity: better(META.severity),
        title: format!("`{}` serves plain HTTP to whoever asks{}", named.id, when(&clear)),
        message: "whoever shares the customer's network reads their requests and cookies, and changes the pages"
            .to_owned(),
        label: with_origin("plain HTTP is answered", &place),
        resource: Some(named.id.clone()),
        fact: "plain http for viewers".to_owned(),
        help: vec!["set `ViewerProtocolPolicy: redirect-to-https`".to_owned()],
        fix: fix(&place, behaviours.len()),
        ..sink.draft(&place)
    });
}

fn fix(place: &Provenance, behaviours: usize) -> Option<Fix> {
    let span = place.span.clone().filter(|_| behaviours == 1)?;
    let change = Change::Replace { span, value: Literal::text("redirect-to-https") };
    Some(Fix::risky("send callers to HTTPS", vec![change]))
}

/// What a distribution fetches from the machines behind it. Websites of buckets speak nothing else.
fn origins(named: &Named<'_>, sink: &mut Sink) {
    for origin in named.items(&["DistributionConfig", "Origins"]) {
        let path = ["CustomOriginConfig", "OriginProtocolPolicy"];
        let website = ask(Some(origin), &["DomainName"], false, &|text| text.contains("s3-website"));
        let clear = ask(Some(origin), &path, false, &|text| text == "http-only");
        let from_bucket = origin.at(&["DomainName"]).and_then(Property::text).is_some_and(|value| {
            matches!(value, brigandine_model::Value::Symbolic(symbol) if symbol.to_string().contains("WebsiteURL"))
        });
        if website != Judgement::Yes && !from_bucket {
            tell(named, (&place_in(origin, &path).unwrap_or_default(), None), &clear, sink);
        }
    }
}
