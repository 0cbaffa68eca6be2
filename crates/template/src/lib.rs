//! Reads what a team already has into an [`App`](brigandine_model::App), keeping spans and provenance.
//!
//! bytes -> [`Node`] tree with places -> expansion of the serverless transform -> plain resources -> application graph.
//! Everything after the expansion knows plain CloudFormation only, so a SAM template, its expanded form and the output of
//! a synthesiser take the same way. This room is pure: bytes come in as arguments, and files it needs further are asked
//! for by name.
//!
//! ```
//! use brigandine_template::{Input, Options, Sources, read};
//!
//! let text = "Resources:\n  Orders:\n    Type: AWS::Lambda::Function\n    Properties: {Runtime: python3.13}\n";
//! let (options, sources) = (Options::default(), Sources::default());
//! let input = Input {
//!     file: "template.yaml".into(),
//!     name: "shop".into(),
//!     bytes: text.as_bytes(),
//!     options: &options,
//!     sources: &sources,
//! };
//! let app = read(&input).expect("a template").app;
//! assert_eq!(app.functions[0].memory.value.known(), Some(&128));
//! ```

mod allowed;
mod beside;
pub mod expand;
pub mod fix;
mod graph;
mod include;
pub mod load;
mod node;
mod recognise;
pub mod resolve;
mod sources;
mod suppress;

use std::{collections::BTreeMap, sync::Arc};

use brigandine_model::{App, Span, Unjudged, Value};

use self::{
    load::{Document, Note},
    resolve::{Resolver, Settings},
};
pub use self::{
    node::{Key, Kind, Map, Meaning, Node, Origin, Place, Scalar},
    recognise::{What, recognise},
    sources::Sources,
};

/// What is read.
#[derive(Clone, Debug)]
pub struct Input<'a> {
    /// The template's path as the user named it.
    pub file: Arc<str>,
    /// The application's name for people.
    pub name: Arc<str>,
    /// The template.
    pub bytes: &'a [u8],
    /// What the user settles from outside.
    pub options: &'a Options,
    /// Files beside the template, as far as they were asked for.
    pub sources: &'a Sources,
}

/// What the user settles from outside.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Values of template parameters; they override defaults.
    pub parameters: BTreeMap<String, String>,
    /// The region, where it is known.
    pub region: Option<String>,
    /// The account, where it is known.
    pub account: Option<String>,
    /// The partition (`aws`, `aws-cn`), where it is known.
    pub partition: Option<String>,
    /// What other templates export, by the name it is imported by.
    pub exports: BTreeMap<String, Export>,
}

/// What another template exports.
#[derive(Clone, Debug)]
pub struct Export {
    /// The value, in the terms of the template that exports it.
    pub value: Value<String>,
    /// That template.
    pub file: Arc<str>,
}

impl Options {
    fn settings(&self) -> Settings {
        let named =
            [("AWS::Region", &self.region), ("AWS::AccountId", &self.account), ("AWS::Partition", &self.partition)];
        let platform = named
            .into_iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| (name.to_owned(), value.clone())))
            .collect();
        Settings { parameters: self.parameters.clone(), platform, exports: self.exports.clone() }
    }
}

/// A template that was read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What it describes.
    pub app: App,
    /// What was odd about the text.
    pub notes: Vec<Note>,
    /// The text as it was read, for those who want to change it.
    pub document: Document,
}

/// Why a template gave no application.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// These files are asked for: put each into [`Sources`], as absent if it cannot be read, and call again. Paths are
    /// relative to the template's folder; the caller refuses those that lead out of the repository.
    #[error("files beside the template are needed: {}", .0.join(", "))]
    Missing(Vec<String>),
    /// The text cannot be read; the user can mend it at the place.
    #[error("{0}")]
    Unreadable(#[from] load::Error),
    /// The file is something else.
    #[error("{message}")]
    NotATemplate {
        /// One sentence: what it is or lacks, and what works today.
        message: String,
        /// Where, when there is a place.
        span: Option<Span>,
    },
    /// A value given for a parameter is none that the template allows: deployment would refuse it as well.
    #[error("{message}")]
    NotAllowed {
        /// One sentence.
        message: String,
        /// The parameter.
        span: Option<Span>,
    },
    /// The serverless transform refuses the template: deployment would refuse it as well.
    #[error("{}", told(.0))]
    Refused(Vec<Refusal>),
}

/// One reason why the serverless transform refuses a template.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// One sentence.
    pub message: String,
    /// Where, when there is a place.
    pub span: Option<Span>,
}

fn told(refusals: &[Refusal]) -> String {
    let first = refusals.first().map_or("the serverless transform refuses the template", |refusal| &*refusal.message);
    match refusals.len() {
        0 | 1 => first.to_owned(),
        count => format!("{first} (and {} more)", count - 1),
    }
}

impl Failure {
    /// Where the failure stands, when it has a place.
    pub fn span(&self) -> Option<Span> {
        match self {
            Self::Missing(_) => None,
            Self::Unreadable(error) => Some(Span {
                file: error.file.clone(),
                start: error.offset,
                end: error.offset,
                line: error.line,
                column: error.column,
            }),
            Self::NotATemplate { span, .. } | Self::NotAllowed { span, .. } => span.clone(),
            Self::Refused(refusals) => refusals.iter().find_map(|refusal| refusal.span.clone()),
        }
    }
}

/// Reads a template into an application.
pub fn read(input: &Input<'_>) -> Result<Reading, Failure> {
    if let What::NotReadYet(kind) = recognise::by_name(&input.file) {
        return Err(not_read_yet(&input.file, kind));
    }
    read_document(input, load::load(&input.file, input.bytes)?)
}

/// The same for a text that was loaded already, as when further files were asked for: loading is half of the work.
pub fn read_document(input: &Input<'_>, document: Document) -> Result<Reading, Failure> {
    if let What::NotReadYet(kind) = recognise::by_name(&input.file) {
        return Err(not_read_yet(&input.file, kind));
    }
    check_shape(&document, &input.file)?;
    allowed::check(&document.root, input)?;
    let mut unjudged = odd(&document, &input.file);
    unjudged.extend(forgotten_transform(&document.root, &input.file));
    let written = document.root.clone();
    let included = include::locally(document.root.clone(), input, &mut unjudged)?;
    let plain = plain(included, input)?;
    let plain = include::bodies(plain, input, &mut unjudged)?;
    let settings = input.options.settings();
    let resolver = Resolver::new(&input.file, &plain, &settings);
    let mut app = graph::build(&resolver, &plain, &written);
    app.name = input.name.clone();
    app.file = input.file.clone();
    app.suppressions = suppress::suppressions(&document, &input.file, &mut unjudged);
    unjudged.append(&mut app.unjudged);
    app.unjudged = unjudged;
    Ok(Reading { app, notes: document.notes.clone(), document })
}

/// The template without the serverless transform.
fn plain(mut root: Node, input: &Input<'_>) -> Result<Node, Failure> {
    if !is_serverless(&root) {
        return Ok(root);
    }
    beside::pack(&mut root);
    let mut options = expand::Options { parameters: input.options.parameters.clone(), ..expand::Options::default() };
    if let Some(region) = &input.options.region {
        options.region.clone_from(region);
    }
    if let Some(partition) = &input.options.partition {
        options.partition.clone_from(partition);
    }
    let mut plain = expand_known(root, &options).map_err(|errors| {
        let refusal =
            |error: expand::ExpandError| Refusal { span: error.origin.span(&input.file), message: error.message };
        Failure::Refused(errors.into_iter().map(refusal).collect())
    })?;
    beside::unpack(&mut plain);
    Ok(plain)
}

/// How the expander says that it does not know a kind of resource, as opposed to a fault of the template.
const NOT_KNOWN: &str = "is not expanded here yet";

/// Expands what the expander knows. What it does not know yet stands in the result as it was written, and the graph
/// tells it as unjudged: one such resource must not cost the others.
fn expand_known(root: Node, options: &expand::Options) -> Result<Node, Vec<expand::ExpandError>> {
    let errors = match expand::expand(root.clone(), options) {
        Ok(plain) => return Ok(plain),
        Err(errors) => errors,
    };
    let (not_known, faults): (Vec<_>, Vec<_>) = errors.into_iter().partition(|error| error.message.contains(NOT_KNOWN));
    if !faults.is_empty() || not_known.is_empty() {
        return Err(if faults.is_empty() { not_known } else { faults });
    }
    let mut known = root;
    let mut aside = Vec::new();
    let resources = known.as_map_mut().and_then(|map| map.get_mut("Resources")).and_then(Node::as_map_mut);
    if let Some(resources) = resources {
        for id in not_known.iter().filter_map(|error| error.resource.as_ref()) {
            let origin = resources.key_origin(id).cloned().unwrap_or_default();
            aside.extend(resources.remove(id).map(|node| (Key { text: id.clone(), origin }, node)));
        }
    }
    if aside.is_empty() {
        return Err(not_known);
    }
    let mut plain = expand::expand(known, options)?;
    if let Some(resources) = plain.as_map_mut().and_then(|map| map.get_mut("Resources")).and_then(Node::as_map_mut) {
        for (key, node) in aside {
            resources.insert_key(key, node);
        }
    }
    Ok(plain)
}

/// Whether the transform is named, or forgotten although there are resources for it.
fn is_serverless(root: &Node) -> bool {
    names_transform(root) || serverless_resource(root).is_some()
}

fn names_transform(root: &Node) -> bool {
    let transform = root.get("Transform");
    let names = transform.map(|node| node.as_list().unwrap_or(std::slice::from_ref(node))).unwrap_or_default();
    names.iter().filter_map(Node::as_text).any(|name| name.starts_with("AWS::Serverless-"))
}

/// The first resource that only the serverless transform understands: its id and its type.
fn serverless_resource(root: &Node) -> Option<(&str, &Node)> {
    let mut resources = root.get("Resources").and_then(Node::as_map)?.iter();
    resources.find_map(|(id, resource)| {
        let kind = resource.get("Type")?;
        kind.as_text()?.starts_with("AWS::Serverless::").then_some((id, kind))
    })
}

/// Resources of the transform without the transform are judged as if it stood there. Deployment would refuse them.
fn forgotten_transform(root: &Node, file: &Arc<str>) -> Option<Unjudged> {
    let (id, kind) = serverless_resource(root).filter(|_| !names_transform(root))?;
    let reason = format!(
        "`Transform: AWS::Serverless-2016-10-31` is missing, so deployment refuses `{id}`; it is judged as if the line were there"
    );
    Some(Unjudged { reason: reason.into(), resource: None, code: None, span: kind.origin.span(file) })
}

/// Most resources of one template. Deployment takes 500.
const MOST_RESOURCES: usize = 5_000;

fn check_shape(document: &Document, file: &Arc<str>) -> Result<(), Failure> {
    let refuse = |message: String, node: &Node| Err(Failure::NotATemplate { message, span: node.origin.span(file) });
    let root = &document.root;
    if root.as_map().is_none() {
        return refuse("the file holds no map of sections, so it is not a template".to_owned(), root);
    }
    let Some(resources) = root.get("Resources") else {
        let message = match other_language(root) {
            Some(kind) => return Err(not_read_yet(file, kind)),
            None => "the file has no `Resources`, so it is neither a SAM nor a CloudFormation template",
        };
        return refuse(message.to_owned(), root);
    };
    match resources.as_map() {
        None => refuse("`Resources` is not a map of resources".to_owned(), resources),
        Some(map) if map.is_empty() => refuse("`Resources` is empty".to_owned(), resources),
        Some(map) if map.len() > MOST_RESOURCES => {
            refuse(format!("the template has {} resources, at most {MOST_RESOURCES} are read", map.len()), resources)
        }
        Some(_) => Ok(()),
    }
}

/// A known language by the shape of its file.
fn other_language(root: &Node) -> Option<&'static str> {
    if root.get("service").is_some() && root.get("provider").is_some() {
        return Some("Serverless Framework");
    }
    let schema = root.get("$schema").and_then(Node::as_text).unwrap_or_default();
    schema.contains("deploymentTemplate").then_some("Azure Resource Manager")
}

fn not_read_yet(file: &str, kind: &str) -> Failure {
    let message = format!(
        "`{file}` belongs to {kind}, which is not read yet: SAM templates, CloudFormation templates and the output of `cdk synth` are"
    );
    Failure::NotATemplate { message, span: None }
}

/// Oddities of the text are no faults, but a person should hear of them.
fn odd(document: &Document, file: &Arc<str>) -> Vec<Unjudged> {
    let span = |place: Place| Origin::written(place).span(file);
    let told =
        |note: &Note| Unjudged { reason: note.message().into(), resource: None, code: None, span: span(note.place()) };
    document.notes.iter().map(told).collect()
}
