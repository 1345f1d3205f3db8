//! Lists of points, and sweeps that are refused.

use super::*;
use crate::scenario::read::testing::source;

const BASE: &str = "name = \"a\"\nworkload.dataset = \"vqav2\"\npolicy.msao = {}\n";

fn design(sweep: &str) -> Result<Design, String> {
    let (source, scenario) = source(&format!("{BASE}{sweep}"));
    Design::read(&source, &scenario.sweep, scenario.seed).map_err(|failure| failure.to_string())
}

fn points(design: &Design) -> Vec<String> {
    let show = |(key, value): (String, Value)| format!("{key}={value}");
    (0..design.points()).map(|n| design.point(n).into_iter().map(show).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn points_are_all_combinations_and_the_first_key_is_slowest() {
    assert_eq!(points(&design("").expect("no sweep")), [""]);
    let design = design(
        "[sweep]\n\"edge.count\" = [4, 5]\n\"link.rtt\" = { from = \"5 ms\", to = \"10 ms\", step = \"5 ms\" }\n\
         [[sweep.zip]]\nseed = [1, 2]\n\"edge.cpu_workers\" = [8, 9]",
    );
    let design = design.expect("a sweep");
    let points = points(&design);
    assert_eq!(points.len(), 8);
    assert_eq!(points[0], "edge.count=4 link.rtt=\"5 ms\" edge.cpu_workers=8 seed=1");
    assert_eq!(points[1], "edge.count=4 link.rtt=\"5 ms\" edge.cpu_workers=9 seed=2");
    assert_eq!(points[7], "edge.count=5 link.rtt=\"10 ms\" edge.cpu_workers=9 seed=2");
    assert_eq!(design.along_the_axes(10), BTreeSet::from([0, 1, 2, 4]));
}

#[test]
fn samples_cross_with_the_rest() {
    let sweep = "[sweep]\nseed = [1, 2]\n[sweep.latin_hypercube]\npoints = 3\n\
                 keys = { \"edge.count\" = { from = 1, to = 9 } }";
    let design = design(sweep).expect("a sweep");
    let points = points(&design);
    assert_eq!(points.len(), 6);
    let count = |point: &String| point.split_once("edge.count=").expect("drawn").1.to_owned();
    assert_eq!(points[..3].iter().map(count).collect::<Vec<_>>(), points[3..].iter().map(count).collect::<Vec<_>>());
}

#[test]
fn groups_one_at_a_time_leave_the_others_as_they_are() {
    let sweep = "[sweep]\nseed = [1, 2]\n[[sweep.one_at_a_time]]\n\"link.transport\" = [\"ideal\"]\n\
                 [[sweep.one_at_a_time]]\n\"edge.count\" = [4, 5]\n\"edge.cpu_workers\" = [8, 9]";
    let design = design(sweep).expect("a sweep");
    let alone = ["", "link.transport=\"ideal\"", "edge.count=4 edge.cpu_workers=8", "edge.count=5 edge.cpu_workers=9"];
    let of_seed = |seed: u32| alone.iter().map(move |row| format!("seed={seed} {row}").trim_end().to_owned());
    assert_eq!(points(&design), of_seed(1).chain(of_seed(2)).collect::<Vec<_>>());
    let places: Vec<String> = design.places().map(|(_, place)| place.join("/")).collect();
    let group = |group: u32, key: &str| format!("sweep/one_at_a_time/{group}/{key}");
    assert_eq!(
        places[1..],
        [group(0, "link.transport"), group(1, "edge.count"), group(1, "edge.cpu_workers")],
        "each at its own line"
    );
}

#[test]
fn what_cannot_vary_is_refused_at_its_line() {
    for (sweep, refusal) in [
        ("[sweep]\nseed = []", "s.toml:5:8: sweep.seed: expected at least one value"),
        ("[sweep]\nseed = 3", "sweep.seed: expected a list of values, or a range"),
        ("[sweep]\nname = [\"b\"]", "sweep.name: this key cannot vary from point to point"),
        ("[sweep]\nseed = { from = 3, to = 1, step = 1 }", "s.toml:5:1: sweep.seed: an empty range: 1 is less than 3"),
        ("[[sweep.zip]]\nseed = [1, 2]\n\"edge.count\" = [1]", "sweep.zip.0.seed: expected 1 values"),
        ("sweep.zip = 3", "sweep.zip: expected tables [[sweep.zip]]"),
        ("sweep.one_at_a_time = {}", "sweep.one_at_a_time: expected tables [[sweep.one_at_a_time]]"),
        (
            "[[sweep.one_at_a_time]]\nseed = [1]\n[[sweep.one_at_a_time]]\nseed = [2]",
            "s.toml:7:8: sweep.one_at_a_time.1.seed: this key varies twice",
        ),
        ("[sweep]\nseed = [1]\n[[sweep.zip]]\nseed = [1]", "s.toml:7:8: sweep.zip.0.seed: this key varies twice"),
        ("[sweep.random]\npoints = 3", "sweep.random: expected `points`, how many to draw"),
        ("[sweep.random]\npoints = 0\nkeys = { seed = [1] }", "sweep.random.points: expected a whole number"),
        (
            "[sweep.latin_hypercube]\npoints = 10000001\nkeys = { seed = [1] }",
            "sweep.latin_hypercube.points: expected a whole number from 1 to 10000000",
        ),
        ("[sweep.random]\npoints = 1\nkeys = { seed = [] }", "sweep.random.keys.seed: expected a range"),
    ] {
        let said = design(sweep).expect_err(sweep);
        assert!(said.contains(refusal), "{sweep}: {said}");
    }
}
