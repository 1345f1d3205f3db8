//! `sim capacity`, `[slo]` and the loads of `[arrivals]`, through the binary.

use crate::parquet_file::{Row, count, number, rows, text};
use crate::refusals::{refused, refused_with};
use crate::summary::{self, summary};
use crate::support::{Sim, repository};

/// Four edges, whose requests come at a rate.
const LOADED: &str = "\
name = \"loaded\"
replications = 3
edge.count = 4
policy.cloud_only = {}
policy.cloud_pruned = {}
[workload]
dataset = \"vqav2\"
requests = 300
output_tokens = 10
[arrivals.poisson]
rate = \"4 /s\"
";

const TARGET: [&str; 2] = ["--target", "e2e_ms_p99 <= 3 s"];

/// `sim capacity` over the rate of the arrivals.
fn capacity<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["capacity", "loaded.toml", "--vary", "arrivals.poisson.rate"], &TARGET[..], more].concat()
}

fn loaded() -> Sim {
    Sim::new().with("loaded.toml", LOADED)
}

/// Requests that are alike and come equally far apart, so that few runs tell.
const ALIKE: [&str; 4] = [
    "--set",
    "arrivals.constant.rate=4 /s",
    "--set",
    "workload.dataset={custom={width=640,height=480,text_tokens=30,output_tokens=10}}",
];

/// `sim capacity` over the rate of arrivals that are alike.
fn alike<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["capacity", "loaded.toml", "--vary", "arrivals.constant.rate"], &TARGET[..], &ALIKE, more].concat()
}

#[test]
fn the_largest_load_is_found_and_is_true() {
    let sim = loaded();
    let output = sim.done(alike(&["--out", "out", "--threads", "2"]));
    let csv = sim.text("out/capacity.csv");
    let answers = summary(&csv);
    assert_eq!(answers.iter().map(|row| row["policy"]).collect::<Vec<_>>(), ["cloud_only", "cloud_pruned"]);
    for row in &answers {
        let (meets, misses) = (summary::number(row, "meets_value"), summary::number(row, "misses_value"));
        assert_eq!((row["verdict"], row["key"]), ("found", "arrivals.constant.rate"));
        assert!(meets < misses && misses / meets <= 1.02, "{row:?}");
        assert!(output.stdout.contains(row["meets"]) && output.stdout.contains(row["misses"]), "{output:#?}");
        // What plain runs say there.
        for (rate, holds) in [(row["meets"], true), (row["misses"], false)] {
            let rate = format!("arrivals.constant.rate={rate}");
            let set = ["--set", "workload.warm_up=30", "--set", "replications=12", "--set", &rate];
            sim.done([&["loaded.toml", "--out", "plain"], &ALIKE[..], &set].concat());
            let plain = sim.text("plain/summary.csv");
            let of = summary(&plain).into_iter().find(|of| of["policy"] == row["policy"]).expect("the policy");
            let (p99, backlog) = (summary::number(&of, "e2e_ms_p99"), summary::number(&of, "backlog_growth_pct"));
            let is_carried = row["limited_by"] != "backlog" || backlog <= 2.0;
            assert_eq!(p99 <= 3000.0 && is_carried, holds, "{row:?}: {p99}, {backlog}");
        }
    }
    // Whatever the threads, and with the curve that led there.
    let again = sim.done(alike(&["--out", "again", "--threads", "1"]));
    assert_eq!(again.stdout, output.stdout);
    for file in ["runs.parquet", "summary.csv", "capacity.csv", "report/capacity.svg"] {
        assert_eq!(sim.tree_of("again")[file], sim.tree_of("out")[file], "{file}");
    }
    let rates = rows(&sim.path("out/summary.parquet")).iter().filter(|row| text(row, "policy") == "cloud_only").count();
    assert_eq!(rates as f64, summary::number(&answers[0], "points"));
    let document: serde_json::Value =
        serde_json::from_str(&sim.done(alike(&["--out", "json", "--json"])).stdout).expect("JSON");
    assert_eq!(
        (&document["table"], &document["rows"][0]["meets"]),
        (&"capacity/1".into(), &answers[0]["meets"].into())
    );
}

#[test]
fn the_fewest_gpus_are_found() {
    let sim = loaded();
    let args = "capacity loaded.toml --vary cloud.gpus --least --out out --max-runs 2000 --policy cloud_only --to 64";
    let set = ["--set", "arrivals.poisson.rate=120 /s", "--set", "workload.output_tokens=40"];
    sim.done(args.split(' ').chain(TARGET).chain(set));
    let csv = sim.text("out/capacity.csv");
    let answers = summary(&csv);
    let (meets, misses) = (summary::number(&answers[0], "meets_value"), summary::number(&answers[0], "misses_value"));
    assert_eq!((answers.len(), answers[0]["verdict"], meets - misses), (1, "found", 1.0), "{answers:?}");
}

#[test]
fn runs_that_do_not_suffice_leave_a_bracket_and_exit_code_5() {
    let sim = loaded();
    let output = sim.run(capacity(&["--out", "out", "--max-runs", "15"]));
    assert_eq!(output.code, Some(5), "{output:#?}");
    assert!(output.stderr.contains("--max-runs ended the search of"), "{output:#?}");
    assert!(output.stdout.contains("not known within 2 %"), "{output:#?}");
    let csv = sim.text("out/capacity.csv");
    assert!(summary(&csv).iter().all(|row| summary::number(row, "runs") <= 15.0), "{csv}");
}

#[test]
fn what_has_no_capacity_is_refused() {
    let sim = loaded();
    let mut said = Vec::new();
    for args in [
        vec!["--vary", "arrivals.poisson.rate"],
        vec!["--vary", "arrivals.poisson.rate", "--target", "e2e_p99 <= 2 s"],
        vec!["--vary", "arrivals.poisson.rate", "--target", "e2e_ms_p99 2 s"],
        vec!["--vary", "arrivals.poisson.rat", TARGET[0], TARGET[1]],
        vec!["--vary", "edge.engine", TARGET[0], TARGET[1]],
        vec!["--vary", "arrivals.gamma.rate", TARGET[0], TARGET[1]],
        vec!["--vary", "arrivals.poisson.rate", TARGET[0], TARGET[1], "--policy", "cloud_onli"],
        vec!["--vary", "arrivals.poisson.rate", TARGET[0], TARGET[1], "--from", "9 /s", "--to", "2 /s"],
        vec!["--vary", "arrivals.poisson.rate", "--target", "acceptance_rate >= 0.5"],
        vec!["--vary", "arrivals.poisson.rate", TARGET[0], TARGET[1], "--set", "sweep.link.rtt=[\"9 ms\"]"],
        vec!["--vary", "edge.count", TARGET[0], TARGET[1], "--set", "slo.targets=[\"e2e_ms_mean <= 1 s\"]"],
    ] {
        let args = [&["capacity", "loaded.toml"], &args[..]].concat();
        said.push(format!("$ sim {}\n{}", args.join(" "), refused(&sim, &args)));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_target_that_nothing_meets_or_misses_is_told() {
    let sim = loaded();
    let told = |target: &str, to: &str| {
        let args = ["capacity", "loaded.toml", "--vary", "arrivals.poisson.rate", "--out", "out"];
        let output = sim.run([&args[..], &["--target", target, "--from", "0.1 /s", "--to", to]].concat());
        assert_eq!(output.code, Some(2), "{output:#?}");
        output
    };
    let never = told("e2e_ms_p99 <= 1 ms", "10 /s");
    assert!(never.stdout.contains("not even at 0.1 /s"), "{never:#?}");
    assert!(never.stderr.contains("no policy has an answer: the targets are met nowhere"), "{never:#?}");
    let always = told("e2e_ms_p99 <= 1 h", "2 /s");
    assert!(always.stdout.contains("even at 2 /s"), "{always:#?}");
    assert!(always.stderr.contains("the targets are met all over"), "{always:#?}");
    // However long the latencies may be, a backlog that grows is not carried.
    let args = ["capacity", "loaded.toml", "--vary", "arrivals.poisson.rate", "--out", "out", "--policy", "cloud_only"];
    let grows = sim.done([&args[..], &["--target", "e2e_ms_p99 <= 1 h", "--max-runs", "4000"]].concat());
    assert!(grows.stdout.contains("backlog"), "{grows:#?}");
}

/// Attainment, goodput and rates of a folder against the rows of its requests.
#[test]
fn figures_of_an_slo_are_those_of_its_requests() {
    let sim = loaded();
    let slo = "slo.targets=[\"ttft_ms_p99 <= 100 ms\", \"e2e_ms_p95 <= 350 ms\"]";
    let set = ["--set", slo, "--set", "arrivals.poisson.rate=16 /s", "--set", "replications=1"];
    sim.done([&["loaded.toml", "--out", "out", "--set", "workload.warm_up=40"], &set[..]].concat());
    let all = rows(&sim.path("out/requests.parquet"));
    let csv = sim.text("out/summary.csv");
    for row in summary(&csv) {
        let of: Vec<&Row> = all.iter().filter(|one| text(one, "policy") == row["policy"]).collect();
        let at = |one: &Row| number(one, "submit_s").expect("a time");
        let ends = |one: &Row| at(one) + number(one, "e2e_ms").expect("an answer") / 1e3;
        let met = |one: &&&Row| {
            number(one, "ttft_ms").expect("an answer") <= 100.0 && number(one, "e2e_ms").expect("an answer") <= 350.0
        };
        let mut sent: Vec<f64> = of.iter().map(|one| at(one)).collect();
        sent.sort_by(f64::total_cmp);
        // From the first request behind the warm-up to the last arrival.
        let (begins, drains) = (sent[40], sent[sent.len() - 1]);
        let counted = || of.iter().filter(|one| at(one) >= begins);
        let within = || of.iter().filter(|one| (begins..=drains).contains(&ends(one)));
        let tokens = |found: Vec<&&Row>| found.iter().map(|one| count(one, "output_tokens")).sum::<u64>() as f64;
        let lasts = drains - begins;
        let expected = [
            ("slo_attainment_pct", 100.0 * counted().filter(met).count() as f64 / counted().count() as f64),
            ("requests_per_s", within().count() as f64 / lasts),
            ("goodput_requests_per_s", within().filter(met).count() as f64 / lasts),
            ("goodput_tokens_per_s", tokens(within().filter(met).collect()) / lasts),
            ("backlog_growth_pct", {
                // The request in the middle of the counted 260, and the last one, are in flight when they come.
                let in_flight = |now: f64| of.iter().filter(|one| at(one) <= now && ends(one) > now).count() as f64;
                100.0 * (in_flight(drains) - in_flight(sent[40 + 129])) / 130.0
            }),
        ];
        for (column, expected) in expected {
            let found = summary::number(&row, column);
            assert!(
                (found - expected).abs() <= 1e-6 * expected.abs(),
                "{} {column}: {found}, rows say {expected}",
                row["policy"]
            );
        }
        let attained = summary::number(&row, "slo_attainment_pct");
        assert!((1.0..99.9).contains(&attained), "{attained}: the limits decide nothing");
    }
}

/// Requests that come faster than they are served: the rate is that of the service, however many are left for the drain.
#[test]
fn the_drain_is_in_no_rate() {
    let sim = loaded();
    let rate = |requests: &str, rate: &str| {
        let set = [format!("workload.requests={requests}"), format!("arrivals.constant.rate={rate}")];
        let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set.as_str()]).collect();
        let fixed = ["--set", "workload.warm_up=50"];
        sim.done([&["loaded.toml", "--out", "out"], &set[..], &fixed[..]].concat());
        let csv = sim.text("out/summary.csv");
        let rows = summary(&csv);
        let row = rows.iter().find(|row| row["policy"] == "cloud_only").expect("the policy");
        summary::number(row, "requests_per_s")
    };
    // Below the capacity as many leave as come.
    let slow = rate("400", "5 /s");
    assert!((slow - 5.0).abs() < 0.1, "{slow}");
    // Above it, the rate is that of the service.
    let (few, many) = (rate("400", "40 /s"), rate("1600", "40 /s"));
    assert!(few < 35.0 && (few / many - 1.0).abs() < 0.1, "{few} and {many}");
}

/// Each load runs, and comes at its rate.
#[test]
fn every_load_has_its_rate() {
    let sim = loaded().with("counts.csv", "minute,requests\n0,30\n1,90\n2,0\n");
    for load in [
        "arrivals.constant.rate=20 /s",
        "arrivals.gamma={ rate = \"20 /s\", shape = 0.5 }",
        "arrivals.mmpp={ rate = \"20 /s\", states = [{ weight = 1, mean = \"2 s\" }, { weight = 4, mean = \"500 ms\" }] }",
        "arrivals.periodic.period=200 ms",
        "arrivals.periodic={ period = \"200 ms\", phases = \"random\" }",
        "arrivals.curve={ file = \"counts.csv\", step = \"1 s\", rate = \"20 /s\" }",
        "arrivals.curve={ counts = [10, 30], step = \"1 s\" }",
        "arrivals.diurnal={ rate = \"20 /s\", day = \"5 s\" }",
    ] {
        sim.done(["loaded.toml", "--out", "out", "--set", load, "--set", "workload.requests=1500"]);
        let all = rows(&sim.path("out/requests.parquet"));
        let of: Vec<f64> = all
            .iter()
            .filter(|row| text(row, "policy") == "cloud_only")
            .map(|row| number(row, "submit_s").expect("a time"))
            .collect();
        let last = of.iter().copied().fold(0.0, f64::max);
        let rate = 1500.0 / last;
        assert!((rate / 20.0 - 1.0).abs() < 0.15, "{load}: {rate} /s");
    }
}

#[test]
fn loads_that_cannot_be_are_refused() {
    let sim = loaded().with("counts.csv", "minute,requests\n0,30\n1,-9\n").with("none.csv", "minute,requests\n0,0\n");
    let loads = [
        "arrivals.constant.rate=0 /s",
        "arrivals.gamma={ rate = \"20 /s\", shape = 0 }",
        "arrivals.gamma.rate=20 /s",
        "arrivals.mmpp={ rate = \"20 /s\", states = [] }",
        "arrivals.mmpp={ rate = \"20 /s\", states = [{ weight = -1, mean = \"2 s\" }, { weight = 1, mean = \"1 s\" }] }",
        "arrivals.mmpp={ rate = \"20 /s\", states = [{ weight = 1, mean = \"0 s\" }] }",
        "arrivals.periodic.period=0 s",
        "arrivals.curve={ rate = \"20 /s\" }",
        "arrivals.curve={ file = \"counts.csv\" }",
        "arrivals.curve={ file = \"none.csv\" }",
        "arrivals.curve={ file = \"none.csv\", column = \"users\" }",
        "arrivals.curve={ counts = [1e300] }",
        "arrivals.curve={ rate = \"20 /s\", counts = [1e-300] }",
        "arrivals.diurnal={ rate = \"20 /s\", peak_to_trough = 0.5 }",
        "slo.targets=[\"ttft_ms_mean <= 1 s\"]",
        "slo.targets=[\"ttft_ms_p99 <= 1 s\", \"ttft_ms_p50 <= 1 s\"]",
    ];
    insta::assert_snapshot!(refused_with(&sim, "loaded.toml", &loads));
}

/// The answers for the paper's platform, by policy: the two ends of each bracket, as the page has them.
fn answers() -> Vec<(String, [f64; 2])> {
    let page = std::fs::read_to_string(repository("docs/capacity.md")).expect("the page");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let policy = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
        let (meets, misses) = cells.get(2)?.split_once(" to ")?;
        Some((policy.to_owned(), [meets.parse().ok()?, misses.parse().ok()?]))
    };
    page.lines().filter_map(row).collect()
}

/// A little to either side of each bracket the target is met and missed, and the README says the same.
#[test]
fn the_answers_of_the_page_hold() {
    let sim = Sim::new();
    let scenario = repository("scenarios/capacity.toml").display().to_string();
    let answers = answers();
    assert_eq!(answers.len(), 7, "{answers:?}");
    for (policy, [meets, misses]) in &answers {
        assert!(misses / meets <= 1.023, "{policy}");
        for (rate, holds) in [(0.96 * meets, true), (1.06 * misses, false)] {
            let rate = format!("arrivals.poisson.rate={rate:.3} /s");
            sim.done([
                &scenario,
                "--out",
                "out",
                "--set",
                &rate,
                "--set",
                "replications=12",
                "--set",
                "workload.warm_up=200",
            ]);
            let csv = sim.text("out/summary.csv");
            let row = summary(&csv).into_iter().find(|row| row["policy"] == policy).expect("the policy");
            let (p99, backlog) = (summary::number(&row, "e2e_ms_p99"), summary::number(&row, "backlog_growth_pct"));
            assert_eq!(p99 <= 2000.0 && backlog <= 2.0, holds, "{policy} at {rate}: {p99} ms, {backlog} %");
        }
    }
    let of = |policy: &str| answers.iter().find(|(name, _)| name == policy).expect("the policy").1[0];
    let readme = std::fs::read_to_string(repository("README.md")).expect("the README");
    let said = format!(
        "99 of 100 answers are there in 2 s up to some load: {:.0} requests/s under Cloud-only, {:.0} under MSAO and {:.0} under Cloud-only",
        of("cloud_only"),
        of("msao"),
        of("cloud_pruned")
    );
    assert!(readme.contains(&said), "{said}");
}

/// Pools of one kind each, of which the dear one is quick and the cheap one slow.
const POOLS: &str = "\
name = \"pools\"
replications = 3
policy.cloud_only = {}
[pools.large]
device = \"h100-sxm\"
[pools.small]
device = \"l40s\"
[pools.tiny]
device = \"rtx-3090\"
batch.sequences = 1
[workload]
dataset = \"vqav2\"
requests = 200
output_tokens = 10
[arrivals.poisson]
rate = \"8 /s\"
[device.h100-sxm]
";

#[test]
fn the_cheapest_pool_that_meets_the_targets_is_found() {
    let priced = |name: &str, price: f64| {
        format!(
            "[device.{name}]\nmemory = \"80 GiB\"\nbandwidth = \"2 TB/s\"\npeak = \"300 TFLOP/s\"\ntdp = \"350 W\"\nidle = \"25 W\"\n\
             price_per_hour = {price}\n"
        )
    };
    let devices = priced("dear", 400.0) + &priced("cheap", 100.0) + &priced("slow", 10.0).replace("2 TB/s", "20 GB/s");
    let text = POOLS.replace("[device.h100-sxm]\n", &devices);
    let text = text.replace("h100-sxm", "dear").replace("l40s", "cheap").replace("rtx-3090", "slow");
    let sim = Sim::new().with("pools.toml", text);
    let args = ["capacity", "pools.toml", "--vary", "pool=large,small,tiny", "--minimise", "price"];
    let told = sim.done([&args[..], &TARGET].concat()).stdout;
    let lines: Vec<Vec<&str>> = told.lines().skip(2).map(|line| line.split_whitespace().collect()).collect();
    let found: Vec<[&str; 2]> = lines.iter().filter(|line| line.len() > 3).map(|line| [line[1], line[2]]).collect();
    assert_eq!(found, [["small", "met"], ["large", "met"], ["tiny", "missed"]], "{told}");
    assert!(lines[0].contains(&"cheapest") && told.matches("cheapest").count() == 1, "{told}");
    // Four times the price by the hour, and the same time.
    let price = |line: &[&str]| line[3].parse::<f64>().expect("a price");
    assert!((price(&lines[1]) / price(&lines[0]) - 4.0).abs() < 0.1, "{told}");
    // The folder has the runs of every choice and the answers; the document has the same rows.
    let csv = sim.text("results/pools-capacity/choices.csv");
    let answers = summary(&csv);
    let verdicts: Vec<_> = answers.iter().map(|row| (row["choice"], row["verdict"])).collect();
    assert_eq!(verdicts, [("small", "cheapest"), ("large", "met"), ("tiny", "missed")]);
    let csv = sim.text("results/pools-capacity/summary.csv");
    assert_eq!(summary(&csv).iter().map(|row| row["pool"]).collect::<Vec<_>>(), ["large", "small", "tiny"]);
    let json = sim.done([&args[..], &TARGET, &["--json", "--out", "json", "--no-report"]].concat()).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["table"], &json["rows"][0]["choice"]), (&"choices/1".into(), &"small".into()));
    assert!(sim.path("json/choices.parquet").exists() && !sim.path("json/report").exists());
    let values = ["capacity", "loaded.toml", "--vary", "cloud.gpus=1,2", "--minimise", "energy_j_per_request"];
    let told = loaded().done([&values[..], &TARGET].concat()).stdout;
    assert!(told.contains("energy_j_per_request") && told.matches("cheapest").count() == 2, "{told}");
    let refusals = [
        ["--vary", "pool=large,smal", "--minimise", "price"],
        ["--vary", "pool=large", "--minimise", "prize"],
        ["--vary", "arrivals.poisson.rate", "--minimise", "price"],
        ["--vary", "pools.large.device=dear,chip", "--minimise", "price"],
    ];
    let said = refusals.map(|args| {
        let args = [&["capacity", "pools.toml"][..], &args, &TARGET].concat();
        format!("$ sim {}\n{}", args.join(" "), refused(&sim, &args))
    });
    insta::assert_snapshot!(said.join("\n"));
    let none = sim.run([&args[..], &["--target", "e2e_ms_p99 <= 1 ms"]].concat());
    assert_eq!(none.code, Some(2), "{none:#?}");
}
