//! Whether a risk that is put into a template without one is found where it was put, and nothing else changes.
//!
//! The mutations are edits of the text, one fault each. On the example they run always, on a whole corpus with
//! `cargo xtask mutate`.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a runner reads a suite, prints its count and may panic"
)]

#[path = "mutation/bench.rs"]
mod bench;
#[path = "mutation/list.rs"]
mod list;
#[path = "mutation/policies.rs"]
mod policies;
#[path = "mutation/site.rs"]
mod site;

use std::path::{Path, PathBuf};

use bench::{Score, Template, print};

/// The share that must be found of all, and of each mutation that has at least [`ENOUGH`] sites: one miss in twenty is
/// chance, more is a hole in the rule.
const FLOOR: f64 = 0.98;
const FLOOR_OF_EACH: f64 = 0.9;
const ENOUGH: usize = 10;

#[test]
fn every_mutation_of_the_example_is_found_where_it_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop/template.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let template = Template::read("shop.yaml", &text).unwrap();
    assert!(template.is_clean(), "the example has findings of its own");
    let mut sites = 0;
    for mutation in list::all() {
        let score = Score::of(&mutation, std::slice::from_ref(&template), 1);
        sites += score.sites;
        assert!(score.misses.is_empty(), "{}: {:#?}", mutation.name, score.misses);
    }
    println!("{sites} mutations");
    assert!(sites >= 25, "only {sites} mutations fit the example");
}

#[test]
#[ignore = "takes minutes: `cargo xtask mutate`"]
fn mutations_of_the_corpus_are_found() {
    let Some(templates) = corpus() else { return };
    let clean: Vec<Template> = templates.into_iter().filter(Template::is_clean).collect();
    println!("{} templates are clean in the default profile", clean.len());
    let only = std::env::var("BRIGANDINE_MUTATION").ok();
    let wanted =
        list::all().into_iter().filter(|mutation| only.as_deref().is_none_or(|only| mutation.name.contains(only)));
    let scores: Vec<Score> = wanted.map(|mutation| Score::of(&mutation, &clean, 3)).collect();
    print(&scores);
    let (sites, found) = scores.iter().fold((0, 0), |(sites, found), one| (sites + one.sites, found + one.found()));
    let low: Vec<&str> =
        scores.iter().filter(|one| one.sites >= ENOUGH && one.recall() < FLOOR_OF_EACH).map(|one| one.name).collect();
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let all = found as f64 / sites.max(1) as f64;
    println!(
        "{} kinds, {sites} sites: {found} passed, {} failed, 0 excused; recall {all:.3}",
        scores.len(),
        sites - found
    );
    assert!(all >= FLOOR, "recall {all:.3} is under {FLOOR}");
    assert!(low.is_empty(), "under {FLOOR_OF_EACH}: {low:?}");
}

/// Every SAM and CloudFormation template of the suite that can be read.
fn corpus() -> Option<Vec<Template>> {
    let root = std::env::var_os("BRIGANDINE_SUITE_TEMPLATES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/templates"), PathBuf::from);
    let Ok(index) = std::fs::read_to_string(root.join("index.csv")) else {
        println!("skipped: no suite at {}", root.display());
        return None;
    };
    let rows = index.lines().map(|row| row.splitn(3, ',').collect::<Vec<_>>());
    let paths =
        rows.filter(|row| row.len() == 3 && matches!(row[0], "sam" | "cloudformation")).map(|row| row[2].to_owned());
    let read = |path: String| Template::read(&path, &std::fs::read_to_string(root.join("patterns").join(&path)).ok()?);
    Some(paths.filter_map(read).collect())
}
