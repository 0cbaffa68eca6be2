//! Every fix of every finding: written together or alone it is the same edit, and what it leaves can be read.
#![no_main]

#[path = "../hook.rs"]
mod hook;

use brigandine_rules::{Context, Selection, judge};
use brigandine_template::{
    Input, Options, Sources,
    fix::{Unwritable, Written, apply},
    load::load,
    read,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: hook::hear(), |bytes: &[u8]| {
    let (options, sources) = (Options::default(), Sources::default());
    let input = Input { file: "t.yaml".into(), name: "t".into(), bytes, options: &options, sources: &sources };
    let Ok(reading) = read(&input) else { return };
    let strict = Selection::new("strict", &[], &[]).expect("a profile");
    let findings = judge(&reading.app, &strict, &Context { today: jiff::civil::date(2026, 11, 1) }).findings;
    let text = reading.document.text.clone();
    let Ok(written) = Written::of("t.yaml".into(), reading.document) else { return };
    let fixes: Vec<_> = findings.iter().filter_map(|finding| finding.fix.as_ref()).map(|fix| &*fix.changes).collect();
    for (changes, edits) in fixes.iter().zip(written.edits_of_each(&fixes, 1 << 20)) {
        if edits == Err(Unwritable::TooMuch) {
            continue;
        }
        assert_eq!(edits, written.edits(changes), "together is not as alone");
        if let Ok(edits) = edits {
            load(&"t.yaml".into(), apply(&text, &edits).as_bytes()).expect("a fixed text can be read");
        }
    }
});
