//! Bytes to tree: no crash, and every place lies within the text.
#![no_main]

#[path = "../hook.rs"]
mod hook;

use brigandine_template::{Kind, Node, load::load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: hook::hear(), |bytes: &[u8]| {
    for name in ["t.yaml", "t.json"] {
        if let Ok(document) = load(&name.into(), bytes) {
            within(&document.root, &document.text);
        }
    }
});

fn within(node: &Node, text: &str) {
    if let Some(place) = node.origin.place {
        assert!(text.get(place.start as usize..place.end as usize).is_some(), "a place cuts a character, or lies outside");
        assert!(place.line >= 1 && place.column >= 1);
    }
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::List(items) => items.iter().for_each(|item| within(item, text)),
        Kind::Map(map) => map.iter().for_each(|(_, value)| within(value, text)),
    }
}
