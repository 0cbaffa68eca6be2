//! Text to verdict: expansion, resolution, the graph and every rule, whatever the text says.
#![no_main]

#[path = "../hook.rs"]
mod hook;

use brigandine_rules::{Context, Selection, judge};
use brigandine_template::{Failure, Input, Options, Sources, read};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: hook::hear(), |bytes: &[u8]| {
    let options = Options::default();
    let mut sources = Sources::default();
    for _ in 0..100 {
        let input = Input { file: "t.yaml".into(), name: "t".into(), bytes, options: &options, sources: &sources };
        match read(&input) {
            Ok(reading) => {
                let strict = Selection::new("strict", &[], &[]).expect("a profile");
                judge(&reading.app, &strict, &Context { today: jiff::civil::date(2026, 11, 1) });
                return;
            }
            Err(Failure::Missing(paths)) => paths.iter().for_each(|path| sources.insert(path, None)),
            Err(failure) => {
                assert!(!failure.to_string().is_empty());
                return;
            }
        }
    }
    panic!("the same file is asked for again and again");
});
