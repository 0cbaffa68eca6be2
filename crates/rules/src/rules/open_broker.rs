//! EN010: a broker or a database proxy that speaks in clear, or asks nobody who they are.

use brigandine_model::{App, Finding, Fix, Judgement, Literal, Practice, RuleMeta};

use crate::{
    Context, Rule, Sink,
    case::when,
    rule::meta,
    setting::{Named, is_true, of_kinds},
    wording::{with_origin, with_origin_of_event},
};

pub(crate) struct OpenBroker;

const META: RuleMeta = RuleMeta {
    practice: Practice::Encryption,
    frameworks: &["CWE-319", "OWASP-Serverless-S3"],
    ..meta(
        "EN010",
        "open-broker",
        "a broker or database proxy takes connections in clear or without asking who connects",
        include_str!("../../pages/EN010-open-broker.md"),
    )
};

/// Ways in which a broker of one's own knows the function.
const PROOFS: [&str; 5] =
    ["BASIC_AUTH", "SASL_SCRAM_256_AUTH", "SASL_SCRAM_512_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH", "VIRTUAL_HOST"];

impl Rule for OpenBroker {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for named in of_kinds(app, &["AWS::MSK::Cluster"]) {
            let path = ["EncryptionInfo", "EncryptionInTransit", "ClientBroker"];
            let clear = named.text(&path, false, &|text| text == "PLAINTEXT" || text == "TLS_PLAINTEXT");
            tell(&named, (&path, "takes connections in clear", Literal::text("TLS")), &clear, sink);
            let path = ["ClientAuthentication", "Unauthenticated", "Enabled"];
            let open = named.text(&path, false, &is_true);
            tell(&named, (&path, "asks nobody who connects", Literal::Flag(false)), &open, sink);
        }
        for named in of_kinds(app, &["AWS::RDS::DBProxy"]) {
            let clear = named.text(&["RequireTLS"], true, &|text| !is_true(text));
            tell(&named, (&["RequireTLS"], "takes connections in clear", Literal::Flag(true)), &clear, sink);
        }
        for named in of_kinds(app, &["AWS::Lambda::EventSourceMapping"]) {
            mapping(&named, sink);
        }
    }
}

fn tell(named: &Named<'_>, (path, what, cure): (&[&str], &str, Literal), holds: &Judgement, sink: &mut Sink) {
    let place = named.place(path);
    let fix = named.set(path, cure).map(|change| Fix::risky("close it", vec![change]));
    sink.tell(holds, (&format!("whether `{}` {what}", named.id), (named.id, &place)), |sink| Finding {
        title: format!("`{}` {what}{}", named.id, when(holds)),
        message: "who is in the same network reads every record on the way, or connects and reads them all".to_owned(),
        label: with_origin(what, &place),
        resource: Some(named.id.clone()),
        fact: what.to_owned(),
        help: vec![format!("set `{}`, and move clients over first", path.join("."))],
        fix,
        ..sink.draft(&place)
    });
}

/// A mapping that reads from a broker of one's own says how the function proves who it is.
fn mapping(named: &Named<'_>, sink: &mut Sink) {
    let path = ["SelfManagedEventSource"];
    if named.at(&path).is_none() {
        return;
    }
    let proves = named.items(&["SourceAccessConfigurations"]).iter().any(|item| {
        let kind = item.at(&["Type"]).and_then(brigandine_model::Property::known);
        kind.is_none_or(|kind| PROOFS.contains(&kind))
    });
    if proves {
        return;
    }
    let place = &named.resource.provenance;
    let finding = Finding {
        title: format!("`{}` reads from a broker that does not ask who it is", named.id),
        message: "the function connects without a password or certificate, so the broker lets in anyone who reaches it"
            .to_owned(),
        label: with_origin_of_event("no proof of identity", place),
        resource: Some(named.resource.implied_by.clone().unwrap_or_else(|| named.id.clone())),
        fact: "broker without authentication".to_owned(),
        help: vec![
            "add `SourceAccessConfigurations` with `SASL_SCRAM_512_AUTH` or `CLIENT_CERTIFICATE_TLS_AUTH`".to_owned(),
        ],
        ..sink.draft(place)
    };
    sink.finding(finding);
}
