//! Every text of a template, wherever it stands: what rules about secrets read.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use brigandine_model::{App, LogicalId, Property, Span, Value};

use crate::case;

/// A text within a resource's properties or an output, with those who get it from the same place.
pub(crate) struct Leaf<'a> {
    /// The keys that lead to it.
    pub(crate) path: Vec<&'a str>,
    /// The text.
    pub(crate) property: &'a Property,
    /// Resources as they are written, first the one that says it; an output has its own name here.
    pub(crate) owners: Vec<LogicalId>,
    /// Type of the first owner after expansion; nothing for an output.
    pub(crate) kind: Option<&'a str>,
    /// Its number as they were found, which is resource by resource.
    number: usize,
}

/// Every text of resources and outputs, in template order. One line in Globals is one text.
pub(crate) fn leaves(app: &App) -> Vec<Leaf<'_>> {
    let outputs: Vec<(LogicalId, &Property)> =
        app.outputs.iter().map(|output| (LogicalId::new(output.name.clone()), &output.value)).collect();
    let mut found: Vec<Leaf<'_>> = Vec::new();
    // The file comes last: it is the same one nearly always, and long.
    let key = |span: &'_ Span| (span.start, span.end);
    let mut places: BTreeMap<((usize, usize), &str), usize> = BTreeMap::new();
    let of_resources = app.resources.iter().filter_map(|(id, resource)| {
        Some((resource.implied_by.as_ref().unwrap_or(id), Some(&*resource.kind), resource.properties.as_ref()?))
    });
    let of_outputs = outputs.iter().map(|(id, value)| (id, None, *value));
    for (id, kind, properties) in of_resources.chain(of_outputs) {
        let mut texts = Vec::new();
        properties.texts(&mut texts);
        for (path, property) in texts {
            let place = property.provenance.span.as_ref();
            let known = place.and_then(|span| places.get(&(key(span), &*span.file)));
            let known = known.and_then(|index| found.get_mut(*index));
            if let Some(known) = known.filter(|known| known.property.kind == property.kind) {
                if !known.owners.contains(id) && known.kind.is_some() == kind.is_some() {
                    known.owners.push(id.clone());
                }
                continue;
            }
            places.extend(place.map(|span| ((key(span), &*span.file), found.len())));
            found.push(Leaf { path, property, owners: vec![id.clone()], kind, number: found.len() });
        }
    }
    found.sort_by_key(|leaf| leaf.property.provenance.span.as_ref().map_or(usize::MAX, |span| span.start));
    found
}

/// How many texts of the same owner stand under the same keys before each one: items of lists have no keys of their own.
pub(crate) struct Repeats(Vec<usize>);

impl Repeats {
    /// Counted only where something was found, since nearly nothing ever is.
    pub(crate) fn of(leaves: &[Leaf<'_>]) -> Self {
        let mut in_order: Vec<&Leaf<'_>> = leaves.iter().collect();
        in_order.sort_by_key(|leaf| leaf.number);
        let mut seen: HashMap<(Option<&LogicalId>, &[&str]), usize> = HashMap::new();
        let mut counts = Vec::with_capacity(in_order.len());
        for leaf in in_order {
            let count = seen.entry((leaf.owners.first(), &leaf.path)).or_insert(0);
            counts.push(*count);
            *count += 1;
        }
        Self(counts)
    }
}

impl Leaf<'_> {
    /// The texts it can have, holes filled. What comes from the default of a parameter is a hole too: it stands elsewhere.
    pub(crate) fn texts(&self, app: &App) -> Vec<Cow<'_, str>> {
        const SHORTEST: usize = 6;
        let Some(value) = self.property.text() else { return Vec::new() };
        if let Value::Known(text) = value
            && self.property.provenance.parameters.is_empty()
        {
            return vec![Cow::Borrowed(text)];
        }
        let mut texts = case::texts(value);
        let defaults = self.property.provenance.parameters.iter().filter_map(|name| default_of(app, name));
        for default in defaults.filter(|default| !default.is_empty()) {
            texts.retain(|text| text != default);
            if default.len() >= SHORTEST {
                texts = texts.iter().map(|text| text.replace(default, &case::HOLE.to_string())).collect();
            }
        }
        texts.into_iter().map(Cow::Owned).collect()
    }

    /// The key under which it stands.
    pub(crate) fn name(&self) -> &str {
        self.path.last().copied().unwrap_or_default()
    }

    /// `` `DB_PASSWORD` of `Orders` ``, or `` the output `Key` ``.
    pub(crate) fn words(&self) -> String {
        match (self.kind, self.owners.first(), self.path.last()) {
            (None, Some(name), _) => format!("the output `{name}`"),
            (_, Some(_), Some(key)) => format!("`{key}` of {}", crate::wording::list(&self.owners)),
            (_, Some(owner), None) => format!("`{owner}`"),
            _ => "a text".to_owned(),
        }
    }

    /// The keys that lead to it, as one word that stays the same while the template's lines move.
    pub(crate) fn place(&self, repeats: &Repeats) -> String {
        let keys = self.path.join(".");
        match repeats.0.get(self.number).copied().unwrap_or_default() {
            0 => keys,
            before => format!("{keys} ({})", before + 1),
        }
    }

    /// Whether it is a variable of a function.
    pub(crate) fn is_variable(&self) -> bool {
        self.kind == Some("AWS::Lambda::Function") && matches!(self.path.as_slice(), ["Environment", "Variables", _])
    }

    /// Where it stands and what it is, when it depends on nothing: something else can be put in its place.
    pub(crate) fn plain_literal(&self) -> Option<(&Span, &str)> {
        let span = self.property.provenance.span.as_ref().filter(|_| self.property.provenance.parameters.is_empty())?;
        Some((span, self.property.known()?))
    }
}

fn default_of<'a>(app: &'a App, name: &str) -> Option<&'a str> {
    app.parameters.iter().find(|parameter| *parameter.name == *name)?.default.as_deref()
}
