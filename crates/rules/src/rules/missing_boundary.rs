//! LP029: roles without a boundary, in an application whose people use boundaries or ask for them.

use brigandine_model::{
    App, Change, Fact, Finding, Fix, Literal, LogicalId, Piece, Role, RuleMeta, Severity, Value, Via,
};

use crate::{
    Context, Rule, Sink,
    role::Holder,
    rule::{STRICT, meta},
    wording::{count, list},
};

pub(crate) struct MissingBoundary;

const META: RuleMeta = RuleMeta {
    severity: Severity::Low,
    profiles: STRICT,
    frameworks: &["CWE-250"],
    ..meta(
        "LP029",
        "missing-boundary",
        "roles have no permissions boundary",
        include_str!("../../pages/LP029-missing-boundary.md"),
    )
};

impl Rule for MissingBoundary {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let used = app.roles.iter().find_map(|role| role.boundary.as_ref());
        let missing: Vec<Holder<'_>> =
            Holder::all(app).filter(|holder| holder.role.boundary.is_none() && !holder.is_people()).collect();
        match used {
            Some(boundary) => missing.iter().for_each(|holder| sink.finding(beside_others(holder, boundary, sink))),
            None => {
                if let Some(first) = missing.first() {
                    sink.finding(everywhere(first.role, &missing, sink));
                }
            }
        }
    }
}

/// Others here have one: this one was forgotten.
fn beside_others(holder: &Holder<'_>, boundary: &Fact<String>, sink: &Sink) -> Finding {
    let provenance = &holder.role.provenance;
    Finding {
        title: format!("the role of {} has no permissions boundary", holder.names()),
        message: "other roles of this template are bounded, and this one may be given more than they ever could"
            .to_owned(),
        label: "no boundary".to_owned(),
        related: boundary.provenance.span.iter().map(|span| (span.clone(), "as it is here".to_owned())).collect(),
        resource: Some(holder.resource()),
        fact: "no permissions boundary".to_owned(),
        help: vec!["set `PermissionsBoundary` to the same policy".to_owned()],
        fix: fix(holder, boundary),
        ..sink.draft(provenance)
    }
}

/// A boundary takes away, so it may stop what works.
fn fix(holder: &Holder<'_>, boundary: &Fact<String>) -> Option<Fix> {
    let value = match &boundary.value {
        Value::Known(text) => Literal::text(text.clone()),
        Value::Symbolic(symbol) => match symbol.pieces.as_slice() {
            [Piece::Parameter(name)] => Literal::reference(name),
            [Piece::Attribute { resource, attribute: None }] => Literal::reference(resource.as_str()),
            [Piece::Attribute { resource, attribute: Some(name) }] => Literal::attribute(resource.as_str(), name),
            _ => Literal::map([("Fn::Sub", Literal::text(symbol.to_string()))]),
        },
        Value::OneOf(_) | Value::Unknown(_) => return None,
    };
    let resource: LogicalId = match holder.role.provenance.via {
        Via::Written => holder.role.id.clone(),
        _ => holder.functions.first().map(|function| function.id.clone())?,
    };
    let path = vec!["Properties".into(), "PermissionsBoundary".into()];
    Some(Fix::risky("set the boundary that other roles have", vec![Change::Set { resource, path, value }]))
}

/// Nobody here has one: said once for all.
fn everywhere(first: &Role, missing: &[Holder<'_>], sink: &Sink) -> Finding {
    let ids: Vec<LogicalId> = missing.iter().map(Holder::resource).collect();
    Finding {
        title: format!("{} of this template have no permissions boundary", count(ids.len(), "role")),
        message: format!("nothing bounds what may be added later to what {} may do", list(&ids)),
        label: "no boundary".to_owned(),
        resource: ids.first().cloned(),
        also: ids.into_iter().skip(1).collect(),
        fact: "no permissions boundary".to_owned(),
        help: vec![
            "where the organisation keeps a boundary policy: name it once, under `Globals`, `Function`, \
             `PermissionsBoundary`"
                .to_owned(),
        ],
        ..sink.draft(&first.provenance)
    }
}
