//! Code that functions and layers are made of.

use brigandine_model::{Fact, Layer, Package, Value};

use super::{Declared, Graph};
use crate::Node;

impl<'n> Graph<'n> {
    /// Shared code. References to a layer of the serverless transform bear the id it has after the expansion, and so does
    /// the layer.
    pub(super) fn layers(&mut self) {
        for declared in self.of(&["AWS::Lambda::LayerVersion"]) {
            let package = self.layer_package(&declared);
            self.app.layers.push(Layer { id: declared.id, package, provenance: declared.provenance });
        }
    }

    fn layer_package(&mut self, declared: &Declared<'n>) -> Package {
        if let Some(path) = self.asset(declared) {
            return path;
        }
        let content = declared.properties.and_then(|properties| self.part(properties, "Content", &declared.id));
        content.map_or(Package::Missing, |content| self.packed(content))
    }

    /// The folder or archive a synthesiser has put beside the template.
    pub(super) fn asset(&self, declared: &Declared<'n>) -> Option<Package> {
        declared.node.at(&["Metadata", "aws:asset:path"]).map(|path| Package::Local(self.resolve.text(path)))
    }

    /// One text that says where the code is, or an archive in a bucket.
    pub(super) fn packed(&self, code: &Node) -> Package {
        if code.as_text().is_some() || code.as_intrinsic().is_some() {
            return written(self.resolve.text(code));
        }
        self.archive(code)
    }

    /// An archive in a bucket, as one address.
    fn archive(&self, code: &Node) -> Package {
        let (bucket, key) = (self.text_at(code, "S3Bucket"), self.text_at(code, "S3Key"));
        let (Some(bucket), Some(key)) = (bucket, key) else { return Package::Missing };
        let shown = |fact: &Fact<String>| match &fact.value {
            Value::Known(text) => Some(text.clone()),
            Value::Symbolic(symbol) => Some(symbol.to_string()),
            _ => None,
        };
        let value = match (shown(&bucket), shown(&key)) {
            (Some(bucket), Some(key)) => Value::Known(format!("s3://{bucket}/{key}")),
            _ => Value::Unknown("bucket or key of the archive depend on a condition".into()),
        };
        Package::Remote(Fact { value, provenance: self.at(code) })
    }
}

/// Code written as one text: a path beside the template, or an address.
fn written(fact: Fact<String>) -> Package {
    let remote = match &fact.value {
        Value::Known(text) => text.contains("://"),
        _ => true,
    };
    if remote { Package::Remote(fact) } else { Package::Local(fact) }
}
