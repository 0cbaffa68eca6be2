//! DE006: a part of the template that is fetched at deployment and may be another one each time.

use brigandine_model::{App, Finding, Practice, Property, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    reach::better,
    rule::meta,
    setting::{Named, of_kinds},
    wording::with_origin,
};

pub(crate) struct UnpinnedPart;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Dependencies,
    frameworks: &["CWE-829", "SAS-06"],
    ..meta(
        "DE006",
        "unpinned-part",
        "a nested application, template, module or macro is not pinned to a version",
        include_str!("../../pages/DE006-unpinned-part.md"),
    )
};

impl Rule for UnpinnedPart {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        for named in of_kinds(app, &["AWS::CloudFormation::Stack"]) {
            stack(&named, sink);
        }
        for (id, resource) in app.resources.iter().filter(|(_, resource)| resource.kind.ends_with("::MODULE")) {
            module(&Named { id, resource }, sink);
        }
        macros(app, sink);
    }
}

/// A template fetched from a bucket of somebody else. The platform's own packaging names templates by a hash of their text,
/// and applications of the public repository have a version, without which the template cannot be read at all.
fn stack(named: &Named<'_>, sink: &mut Sink) {
    let path = ["TemplateURL"];
    let Some(address) = named.at(&path).and_then(Property::known) else { return };
    let from_repository = named
        .items(&["Tags"])
        .iter()
        .any(|tag| tag.at(&["Key"]).and_then(Property::known) == Some("serverlessrepo:applicationId"));
    if from_repository || !address.starts_with("https://") || is_hashed(address) || address.contains("versionId=") {
        return;
    }
    let words = (
        "deploys whatever stands at an address",
        "name one version of the object (`?versionId=...`), or keep the template beside this one",
    );
    tell(named, &path, words, sink);
}

fn is_hashed(address: &str) -> bool {
    let name = address.rsplit('/').next().unwrap_or(address);
    let stem = name.split('.').next().unwrap_or(name);
    stem.len() >= 32 && stem.chars().all(|letter| letter.is_ascii_hexdigit())
}

/// The version of a module is chosen in the account's registry, not in the template.
fn module(named: &Named<'_>, sink: &mut Sink) {
    let words = (
        "is a module whose version the account's registry chooses",
        "write its resources out, or pin its default version in the registry and say so in a suppression",
    );
    tell(named, &[], words, sink);
}

fn tell(named: &Named<'_>, path: &[&str], (does, cure): (&str, &str), sink: &mut Sink) {
    let place = if path.is_empty() { named.resource.provenance.clone() } else { named.place(path) };
    let finding = Finding {
        title: format!("`{}` {does}", named.id),
        message: "what is deployed can change without a change of this template, with all rights of the deployment"
            .to_owned(),
        label: with_origin("not pinned", &place),
        resource: Some(named.id.clone()),
        fact: does.to_owned(),
        help: vec![cure.to_owned()],
        ..sink.draft(&place)
    };
    sink.finding(finding);
}

/// A macro rewrites the whole template at deployment; it has no version that a template could name.
fn macros(app: &App, sink: &mut Sink) {
    let own = of_kinds(app, &["AWS::CloudFormation::Macro"]);
    for fact in &app.macros {
        let Some(name) = fact.value.known() else { continue };
        let is_own = own.iter().any(|named| named.at(&["Name"]).and_then(Property::known) == Some(name));
        if name.starts_with("AWS::") || is_own {
            continue;
        }
        let finding = Finding {
            severity: better(META.severity),
            title: format!("the macro `{name}` rewrites the template at deployment"),
            message: "a macro has no version: who may change its function changes every template that names it"
                .to_owned(),
            label: with_origin("not pinned", &fact.provenance),
            fact: format!("macro {name}"),
            help: vec!["check the template as the macro leaves it, and let few people change its function".to_owned()],
            ..sink.draft(&fact.provenance)
        };
        sink.finding(finding);
    }
}
