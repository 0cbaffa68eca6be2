//! Law 3 and 12: nothing impure anywhere below a pure room, and no runtime half in the check-only binary.
//!
//! A list of direct dependencies would not do: a parser that brings a random number generator brings it three levels down.

use super::graph::Graph;
use super::table::{IMPURE, RUNTIME_CRATES, RUNTIME_ROOMS, room};

/// A sentence per impure crate below a pure room, with the way to it.
pub(crate) fn impure(graph: &Graph) -> Vec<String> {
    let pure = graph.ours().filter(|own| room(&own.name).is_some_and(|room| room.pure));
    pure.flat_map(|own| ways_to(graph, own, IMPURE))
        .map(|way| format!("a pure room must not reach `{}`: {}", way.last().unwrap_or(&""), way.join(" -> ")))
        .collect()
}

/// A sentence per crate of the runtime half below a binary that was built without it.
pub(crate) fn runtime_in_check_only(graph: &Graph) -> Vec<String> {
    let rooms: Vec<String> = RUNTIME_ROOMS.iter().map(|room| format!("brigandine-{room}")).collect();
    let mut unwanted: Vec<&str> = rooms.iter().map(String::as_str).collect();
    unwanted.extend(RUNTIME_CRATES);
    graph
        .ours()
        .filter(|own| own.name == "brigandine")
        .flat_map(|own| ways_to(graph, own, &unwanted))
        .map(|way| {
            format!("the check-only binary must not reach `{}`: {}", way.last().unwrap_or(&""), way.join(" -> "))
        })
        .collect()
}

fn ways_to<'a>(graph: &'a Graph, from: &'a super::graph::Crate, unwanted: &[&str]) -> Vec<Vec<&'a str>> {
    let reaches = |way: &Vec<&str>| way.last().is_some_and(|name| unwanted.contains(name));
    graph.closure(from).into_iter().filter(reaches).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_impure_crate_three_levels_down_is_found_with_its_way() {
        let graph = Graph::of(
            &[
                ("brigandine-template", &["parser"]),
                ("parser", &["maps"]),
                ("maps", &["getrandom"]),
                ("getrandom", &[]),
            ],
            &["parser", "maps", "getrandom"],
        );
        assert_eq!(
            impure(&graph),
            ["a pure room must not reach `getrandom`: brigandine-template -> parser -> maps -> getrandom"]
        );
    }

    #[test]
    fn an_acting_room_may_reach_the_network() {
        let graph = Graph::of(&[("brigandine-gateway", &["tokio"]), ("tokio", &[])], &["tokio"]);
        assert_eq!(impure(&graph), Vec::<String>::new());
    }

    #[test]
    fn the_check_only_binary_has_no_runtime() {
        let graph = Graph::of(
            &[("brigandine", &["brigandine-gateway"]), ("brigandine-gateway", &["tokio"]), ("tokio", &[])],
            &["tokio"],
        );
        assert_eq!(runtime_in_check_only(&graph).len(), 2);
    }
}
