//! Circles in a graph of names.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The names that each name points to.
pub type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The knots of a graph: sets of names of which each leads to each other.
pub fn knots<'a>(graph: &Graph<'a>) -> Vec<BTreeSet<&'a str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = graph.keys().map(|name| (*name, reachable(graph, name))).collect();
    let mut knots: Vec<BTreeSet<&'a str>> = Vec::new();
    for name in graph.keys() {
        let is_known = knots.iter().any(|knot| knot.contains(name));
        if !is_known && reached[name].contains(name) {
            let back = |other: &&str| reached.get(other).is_some_and(|from| from.contains(name));
            knots.push(reached[name].iter().copied().filter(back).collect());
        }
    }
    knots
}

/// The shortest circle within a knot, its first name again at the end.
pub fn shortest<'a>(graph: &Graph<'a>, knot: &BTreeSet<&'a str>) -> Vec<&'a str> {
    let circles = knot.iter().filter_map(|name| around(graph, name));
    circles.min_by_key(Vec::len).unwrap_or_default()
}

fn reachable<'a>(graph: &Graph<'a>, from: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = graph.get(from).into_iter().flatten().copied().collect();
    while let Some(name) = next.pop() {
        if reached.insert(name) {
            next.extend(graph.get(name).into_iter().flatten());
        }
    }
    reached
}

/// The shortest way from a name back to itself.
fn around<'a>(graph: &Graph<'a>, name: &'a str) -> Option<Vec<&'a str>> {
    let mut ways = VecDeque::from([vec![name]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in graph.get(way.last()?).into_iter().flatten() {
            let mut longer = way.clone();
            longer.push(next);
            if *next == name {
                return Some(longer);
            }
            if seen.insert(*next) {
                ways.push_back(longer);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph<'a>(edges: &[(&'a str, &'a str)]) -> Graph<'a> {
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph.entry(*from).or_default().insert(*to);
            graph.entry(*to).or_default();
        }
        graph
    }

    #[test]
    fn a_knot_is_found_with_its_shortest_circle() {
        type Edges = &'static [(&'static str, &'static str)];
        let cases: [(Edges, &str, &str); 4] = [
            (&[("a", "b"), ("b", "c"), ("a", "c")], "", ""),
            (&[("a", "b"), ("b", "a"), ("a", "c")], "a b", "a b a"),
            (&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "c")], "a b c d", "c d c"),
            (&[("x", "a"), ("a", "b"), ("b", "c"), ("c", "a")], "a b c", "a b c a"),
        ];
        for (edges, knot, circle) in cases {
            let graph = graph(edges);
            let knots = knots(&graph);
            let words = |knot: &BTreeSet<&str>| knot.iter().copied().collect::<Vec<_>>().join(" ");
            assert_eq!(knots.iter().map(words).collect::<Vec<_>>().join(" | "), knot);
            let shortest = knots.first().map(|knot| shortest(&graph, knot)).unwrap_or_default();
            assert_eq!(shortest.join(" "), circle);
        }
    }
}
