//! Law 1 and 2: rooms import the few rooms the table names, nothing else, and only the binary wires rooms together.

use super::graph::{Crate, Graph, Kind};
use super::table::{EVERY_ROOM, Room, room};

/// A sentence per edge that the table does not allow, and per crate that is no room.
pub(crate) fn illegal(graph: &Graph) -> Vec<String> {
    graph.ours().flat_map(|own| of(graph, own)).collect()
}

fn of(graph: &Graph, own: &Crate) -> Vec<String> {
    let Some(from) = room(&own.name) else {
        return vec![format!("`{}` is not in the table of rooms (xtask/src/layers/table.rs)", own.name)];
    };
    let mut violations: Vec<String> = graph
        .our_edges(own)
        .filter(|(kind, to)| !allowed(from, *kind, &to.name))
        .map(|(kind, to)| sentence(from, kind, &to.name))
        .collect();
    violations.sort();
    violations.dedup();
    violations
}

fn allowed(from: &Room, kind: Kind, to: &str) -> bool {
    let Some(to) = room(to) else { return false };
    // INVARIANT: nothing imports the binary or the developer tool, not even what may import every room.
    if matches!(to.name, "brigandine" | "xtask") {
        return false;
    }
    let for_tests = kind == Kind::Development && from.tests_may_import.contains(&to.name);
    from.may_import == EVERY_ROOM || from.may_import.contains(&to.name) || for_tests
}

fn sentence(from: &Room, kind: Kind, to: &str) -> String {
    let how = match kind {
        Kind::Normal => "imports",
        Kind::Development => "imports, for its tests,",
    };
    let may = if from.may_import.is_empty() { "nothing of ours".to_owned() } else { from.may_import.join(", ") };
    format!("`{}` {how} `{to}`, but may import {may} only", from.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_of_the_table_are_legal() {
        let graph = Graph::of(
            &[
                ("brigandine-model", &[]),
                ("brigandine-iam", &["brigandine-model"]),
                ("brigandine-rules", &["brigandine-model", "brigandine-iam"]),
                ("brigandine", &["brigandine-rules", "brigandine-model"]),
            ],
            &[],
        );
        assert_eq!(illegal(&graph), Vec::<String>::new());
    }

    #[test]
    fn an_edge_outside_the_table_is_named() {
        let graph = Graph::of(
            &[
                ("brigandine-model", &[]),
                ("brigandine-template", &["brigandine-model", "brigandine-gateway"]),
                ("brigandine-gateway", &[]),
            ],
            &[],
        );
        assert_eq!(illegal(&graph), ["`template` imports `brigandine-gateway`, but may import model only"]);
    }

    #[test]
    fn nothing_imports_the_binary() {
        let graph = Graph::of(&[("brigandine", &[]), ("xtask", &["brigandine"])], &[]);
        assert_eq!(illegal(&graph).len(), 1);
    }

    #[test]
    fn a_crate_that_is_no_room_is_named() {
        let graph = Graph::of(&[("brigandine-helpers", &[])], &[]);
        assert!(
            illegal(&graph)
                .first()
                .is_some_and(|sentence| sentence.contains("`brigandine-helpers` is not in the table"))
        );
    }

    #[test]
    fn tests_may_import_what_the_room_may_not() {
        let mut graph = Graph::of(&[("brigandine-rules", &[]), ("brigandine-template", &[])], &[]);
        let edge = |kind| vec![(kind, "brigandine-template".to_owned())];
        graph.crates.get_mut("brigandine-rules").unwrap().depends_on = edge(Kind::Development);
        assert_eq!(illegal(&graph), Vec::<String>::new());
        graph.crates.get_mut("brigandine-rules").unwrap().depends_on = edge(Kind::Normal);
        assert_eq!(illegal(&graph).len(), 1);
    }
}
