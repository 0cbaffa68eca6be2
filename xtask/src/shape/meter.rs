//! Measures one crate: the length of its functions outside tests, their arguments, and the length of its files.

use anyhow::{Context, Result};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// One function or method with a body.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    /// File and first line.
    pub(crate) at: String,
    /// Its name, without the type it belongs to.
    pub(crate) name: String,
    /// From the signature to the closing brace; attributes and documentation do not count.
    pub(crate) lines: usize,
    /// Arguments besides `self`.
    pub(crate) arguments: usize,
}

/// What was measured so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    pub(crate) functions: Vec<Function>,
    /// Path and lines.
    pub(crate) files: Vec<(String, usize)>,
}

impl Meter {
    /// Adds one file; a test file counts as a file only.
    pub(crate) fn read(&mut self, path: &str, text: &str, counts_functions: bool) -> Result<()> {
        self.files.push((path.to_owned(), text.lines().count()));
        if counts_functions {
            let file = syn::parse_file(text).with_context(|| format!("cannot parse `{path}`"))?;
            Walk { path, functions: &mut self.functions }.visit_file(&file);
        }
        Ok(())
    }

    /// Adds everything another meter has seen.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.functions.extend(other.functions.iter().cloned());
        self.files.extend(other.files.iter().cloned());
    }
}

struct Walk<'a> {
    path: &'a str,
    functions: &'a mut Vec<Function>,
}

impl Walk<'_> {
    fn count(&mut self, signature: &syn::Signature, whole: proc_macro2::Span) {
        let first = signature.span().start().line;
        let is_self = |input: &&syn::FnArg| matches!(input, syn::FnArg::Receiver(_));
        self.functions.push(Function {
            at: format!("{}:{first}", self.path),
            name: signature.ident.to_string(),
            lines: whole.end().line + 1 - first,
            arguments: signature.inputs.len() - signature.inputs.iter().filter(is_self).count(),
        });
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            self.count(&item.sig, item.block.span());
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            self.count(&item.sig, item.block.span());
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.count(&item.sig, block.span());
            visit::visit_trait_item_fn(self, item);
        }
    }
}

/// `#[test]` in any of its spellings, or anything compiled for tests only.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let last = attribute.path().segments.last().map(|segment| segment.ident.to_string());
        match last.as_deref() {
            Some("test") => true,
            Some("cfg") => attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test"),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "\
/// Documentation does not count.
#[inline]
pub fn long_signature(
    first: u8,
    second: u8,
) -> u8 {
    first + second
}

struct Thing;

impl Thing {
    fn method(&self, one: u8) -> u8 { one }
}

trait Seam {
    fn without_body(&self);
    fn with_body(&self, a: u8, b: u8, c: u8, d: u8, e: u8) -> u8 {
        a + b + c + d + e
    }
}

#[cfg(test)]
mod tests {
    fn helper() {}
}

#[test]
fn alone() {}
";

    #[test]
    fn functions_are_measured_outside_tests() {
        let mut meter = Meter::default();
        meter.read("sample.rs", SAMPLE, true).unwrap();
        let seen: Vec<(&str, usize, usize)> =
            meter.functions.iter().map(|found| (found.name.as_str(), found.lines, found.arguments)).collect();
        assert_eq!(seen, [("long_signature", 6, 2), ("method", 1, 1), ("with_body", 3, 5)]);
        assert_eq!(meter.functions[0].at, "sample.rs:3");
        assert_eq!(meter.files, [("sample.rs".to_owned(), SAMPLE.lines().count())]);
    }

    #[test]
    fn a_file_that_does_not_parse_is_named() {
        let error = Meter::default().read("broken.rs", "fn (", true).unwrap_err();
        assert_eq!(error.to_string(), "cannot parse `broken.rs`");
    }
}
