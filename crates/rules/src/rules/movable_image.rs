//! DE005: a container image named by a tag that can be moved to other code.

use brigandine_model::{App, Fact, Finding, Fix, Judgement, Literal, LogicalId, Package, Practice, RuleMeta, Severity};

use crate::{
    Context, Rule, Sink,
    case::{ask_text, when},
    cause::by_place,
    reach::better,
    rule::meta,
    setting::{Named, ask, of_kinds, place_in},
    wording::{list, with_origin},
};

pub(crate) struct MovableImage;

const META: RuleMeta = RuleMeta {
    severity: Severity::Medium,
    practice: Practice::Dependencies,
    frameworks: &["CWE-829", "ECR.2", "OWASP-Serverless-S9"],
    ..meta(
        "DE005",
        "movable-image",
        "a container image is named by a tag that moves",
        include_str!("../../pages/DE005-movable-image.md"),
    )
};

impl Rule for MovableImage {
    fn meta(&self) -> &'static RuleMeta {
        &META
    }

    fn check(&self, app: &App, _context: &Context, sink: &mut Sink) {
        let facts = app.functions.iter().filter_map(|function| match &function.package {
            Package::Image(fact) => Some((&function.id, fact)),
            _ => None,
        });
        for (fact, functions) in by_place(facts) {
            function_image(fact, &functions, sink);
        }
        for named in of_kinds(app, &["AWS::ECS::TaskDefinition"]) {
            for container in named.items(&["ContainerDefinitions"]) {
                let moves = ask(Some(container), &["Image"], false, &moves);
                let place = place_in(container, &["Image"]).unwrap_or_else(|| named.resource.provenance.clone());
                if !matches!(moves, Judgement::CannotTell(_)) {
                    tell((&named.id.clone(), &[]), &place, &moves, sink);
                }
            }
        }
        for named in of_kinds(app, &["AWS::ECR::Repository"]) {
            repository(&named, sink);
        }
    }
}

fn function_image(fact: &Fact<String>, functions: &[LogicalId], sink: &mut Sink) {
    let Some((first, more)) = functions.split_first() else { return };
    // A name without a registry is a build on this machine: the tools push it and put its address in.
    let pushed = |image: &str| image.contains('/') && moves(image);
    tell((first, more), &fact.provenance, &ask_text(&fact.value, &pushed), sink);
}

/// Tags that are moved with every build, and no tag, which is the same as `latest`.
fn moves(image: &str) -> bool {
    const MOVING: [&str; 13] = [
        "latest",
        "main",
        "master",
        "dev",
        "develop",
        "development",
        "stable",
        "prod",
        "production",
        "staging",
        "test",
        "edge",
        "nightly",
    ];
    if image.is_empty() || image.contains("@sha256:") {
        return false;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    match name.split_once(':') {
        Some((_, tag)) => MOVING.contains(&tag),
        // What fills a hole at the end may well be the tag.
        None => !name.ends_with(crate::case::HOLE),
    }
}

fn tell(
    (first, more): (&LogicalId, &[LogicalId]),
    place: &brigandine_model::Provenance,
    moves: &Judgement,
    sink: &mut Sink,
) {
    let all: Vec<&LogicalId> = std::iter::once(first).chain(more).collect();
    let what = format!("which image {} runs", list(&all));
    sink.tell(moves, (&what, (first, place)), |sink| Finding {
        title: format!("{} runs whatever its image's tag points at{}", list(&all), when(moves)),
        message: "whoever may push to the repository changes what runs without a change of the template, and the next deployment may run other code than was tested".to_owned(),
        label: with_origin("a tag that moves", place),
        resource: Some(first.clone()),
        also: more.to_vec(),
        fact: "moving tag".to_owned(),
        help: vec!["name the image by its digest (`repository@sha256:...`), which the build prints".to_owned()],
        ..sink.draft(place)
    });
}

fn repository(named: &Named<'_>, sink: &mut Sink) {
    let path = ["ImageTagMutability"];
    let movable = named.text(&path, true, &|text| text == "MUTABLE");
    let place = named.place(&path);
    let what = format!("whether tags of `{}` can be moved", named.id);
    sink.tell(&movable, (&what, (named.id, &place)), |sink| Finding {
        severity: better(META.severity),
        title: format!("tags of the repository `{}` can be moved{}", named.id, when(&movable)),
        message: "a tag that was tested can be made to point at other code by whoever may push".to_owned(),
        label: with_origin("tags may be moved", &place),
        resource: Some(named.id.clone()),
        fact: "mutable tags".to_owned(),
        help: vec!["set `ImageTagMutability: IMMUTABLE` and give each build its own tag".to_owned()],
        fix: named
            .set(&path, Literal::text("IMMUTABLE"))
            .map(|change| Fix::risky("keep tags where they are", vec![change])),
        ..sink.draft(&place)
    });
}
