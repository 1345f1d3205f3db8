//! Chains of hops through the binary: the shorthand is the same chain, and chains that cannot be are refused.

use crate::refusals::refused;
use crate::support::Sim;

/// Two groups of edges, and whatever stands between them and the cloud.
fn scenario(groups: [&str; 2], link: &str) -> String {
    let [phone, camera] = groups;
    format!(
        "name = \"hops\"\nreplications = 2\n{link}\n[edges.phone]\ncount = 3\n{phone}\n[edges.camera]\ncount = 2\n{camera}\n\
         [workload]\ndataset = \"vqav2\"\nrequests = 40\n[arrivals.poisson]\nrate = \"9 /s\"\n[policy.cloud_only]\n[policy.msao]\n"
    )
}

const RADIO: &str = "name = \"radio\"\ngroups = [\"phone\"]\nshared_by = \"edge\"\nbandwidth = \"30 Mbps\"\nrtt = \"9 ms\"\nloss = \"1 %\"";
const WAN: &str = "name = \"wan\"\nbandwidth = \"90 Mbps\"\nrtt = \"20 ms\"";

fn chain(hops: &[&str]) -> String {
    hops.iter().map(|hop| format!("[[hop]]\n{hop}\n")).collect()
}

#[test]
fn the_link_of_an_edge_and_the_shared_one_are_a_chain_of_two() {
    let results = |text: String| {
        let sim = Sim::new().with("s.toml", text);
        sim.done(["s.toml", "--out", "out"]);
        (sim.text("out/summary.csv"), std::fs::read(sim.path("out/requests.parquet")).expect("rows"))
    };
    let own = "link = { bandwidth = \"30 Mbps\", rtt = \"9 ms\", loss = \"1 %\" }";
    let shorthand = results(scenario([own, ""], "[link]\nbandwidth = \"90 Mbps\"\nrtt = \"20 ms\""));
    let hops = results(scenario(["", ""], &chain(&[RADIO, WAN])));
    assert_eq!(hops.0, shorthand.0);
    assert!(hops.1 == shorthand.1, "the rows of requests differ");
    let other = results(scenario(["", ""], &chain(&[&RADIO.replace("9 ms", "8 ms"), WAN])));
    assert_ne!(other.0, shorthand.0);
}

#[test]
fn a_results_folder_has_a_scenario_that_runs_again() {
    let sim = Sim::new().with("s.toml", scenario(["", ""], &chain(&[RADIO, WAN])));
    let shown = sim.done(["show", "s.toml"]).stdout;
    assert!(shown.contains("[[hop]]") && !shown.contains("bandwidth = \"400 Mbps\""), "{shown}");
    let again = Sim::new().with("s.toml", shown);
    let e2e = |sim: &Sim| {
        sim.done(["s.toml", "--out", "out"]);
        sim.text("out/summary.csv")
    };
    assert_eq!(e2e(&again), e2e(&sim));
    // A hop's key can be set and swept, by its number.
    let swept = ["s.toml", "--out", "swept", "--set", "sweep.hop.1.rtt=[\"1 ms\",\"90 ms\"]"];
    sim.done(swept);
    assert_eq!(sim.text("swept/summary.csv").lines().count(), 5);
}

#[test]
fn chains_that_cannot_be() {
    let plain = ["", ""];
    let with = |old: &str, new: &str| chain(&[&RADIO.replace(old, new), WAN]);
    let cases = [
        (
            "hops beside the rate of the link",
            scenario(plain, &format!("[link]\nbandwidth = \"9 Mbps\"\n{}", chain(&[WAN]))),
        ),
        ("hops beside a link of edges", scenario(["link.bandwidth = \"9 Mbps\"", ""], &chain(&[WAN]))),
        ("two hops of one name", scenario(plain, &chain(&[WAN, WAN]))),
        ("a hop without a name", scenario(plain, &chain(&["bandwidth = \"9 Mbps\""]))),
        ("a hop that nobody takes", scenario(plain, &with("[\"phone\"]", "[]"))),
        ("a group that is not there", scenario(plain, &with("phone", "phones"))),
        ("a group without a hop", scenario(plain, &chain(&[RADIO]))),
        ("a hop without a rate", scenario(plain, &chain(&["name = \"wan\""]))),
        ("a rate of one direction", scenario(plain, &chain(&["name = \"wan\"\nup = \"9 Mbps\""]))),
        (
            "a queue of a shared rate",
            scenario(plain, &chain(&[&format!("{WAN}\nqueue = \"9 MB\"\nsharing.fair = {{}}")])),
        ),
        ("too much loss", scenario(plain, &with("1 %", "95 %"))),
        ("a format that losses do not have", scenario(plain, &chain(&[&format!("{WAN}\nloss.mahimahi = \"x\"")]))),
        ("an unknown sharer", scenario(plain, &with("\"edge\"", "\"cell\""))),
    ];
    let mut told = String::new();
    for (what, text) in cases {
        told += &format!("# {what}\n{}\n", refused(&Sim::new().with("s.toml", text), &["s.toml"]));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn requests_fall_back_under_way_only_if_they_do_when_they_come_in() {
    let with = |keys: &str| scenario(["", ""], "").replace("[workload]", &format!("[workload]\n{keys}"));
    let refusal = |keys: &str| refused(&Sim::new().with("s.toml", with(keys)), &["s.toml"]);
    assert!(refusal("fall_back_after = \"2 s\"").contains("set workload.fall_back = true as well"));
    // Looked at each nanosecond, a request of milliseconds took minutes.
    for time in ["0 s", "1 ns", "0.9 ms"] {
        let keys = format!("fall_back = true\nfall_back_after = \"{time}\"");
        assert!(refusal(&keys).contains("expected 1 ms or more"), "{time}");
    }
}
