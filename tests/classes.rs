//! Classes of requests and deadlines of periodic ones, through the binary.

use crate::parquet_file::{Row, count, number, rows, text};
use crate::refusals::refused;
use crate::summary::{self, summary};
use crate::support::Sim;
use parquet::record::Field;
use std::collections::BTreeMap;

/// Chat beside photos, and robots that send periodically.
const MIXED: &str = "\
name = \"mixed\"
replications = 1
edge.count = 4
policy.cloud_only = {}
policy.cloud_pruned = {}
[workload]
dataset = \"vqav2\"
requests = 600
output_tokens = 10
[arrivals.poisson]
rate = \"20 /s\"
[classes.chat]
dataset = { custom = { name = \"chat\", width = 0, height = 0, text_tokens = 200, output_tokens = 20 } }
output_tokens = 40
share = 0.3
slo.targets = [\"ttft_ms_p99 <= 60 ms\"]
[classes.photo]
[classes.robot]
arrivals.periodic = { period = \"2 s\", deadline = \"300 ms\" }
[slo]
targets = [\"e2e_ms_p99 <= 400 ms\"]
";

fn mixed() -> Sim {
    Sim::new().with("mixed.toml", MIXED)
}

/// [`MIXED`] with one text in the place of another, which is there.
fn with(old: &str, new: &str) -> Sim {
    assert!(MIXED.contains(old), "{old}");
    Sim::new().with("mixed.toml", MIXED.replace(old, new))
}

fn is_true(row: &Row, column: &str) -> bool {
    row[column] == Field::Bool(true)
}

#[test]
fn a_request_is_of_one_class_whatever_the_policy() {
    let sim = mixed();
    sim.done(["mixed.toml", "--out", "out"]);
    let all = rows(&sim.path("out/requests.parquet"));
    let mut classes: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    all.iter().for_each(|row| classes.entry(count(row, "request")).or_default().push(text(row, "class")));
    assert!(classes.values().all(|of| of.len() == 2 && of[0] == of[1]), "policies see different classes");
    let many = |class: &str| classes.values().filter(|of| of[0] == class).count() as f64;
    // A tenth of the requests come from 4 robots every 2 s, beside 20 a second.
    let [chat, photo, robot] = ["chat", "photo", "robot"].map(many);
    assert!((0.25..0.35).contains(&(chat / (chat + photo))) && (45.0..65.0).contains(&robot), "{chat} {photo} {robot}");
    for row in &all {
        let (tokens, seen) = (count(row, "output_tokens"), count(row, "visual_tokens"));
        let is_chat = text(row, "class") == "chat";
        assert_eq!((tokens, seen > 0), if is_chat { (40, false) } else { (10, true) }, "{row:?}");
    }
}

/// Attainment, goodput, latency and missed deadlines of each class against the rows of its requests.
#[test]
fn figures_of_a_class_are_those_of_its_requests() {
    let sim = mixed();
    let output = sim.done(["mixed.toml", "--out", "out", "--set", "workload.warm_up=50"]);
    let all = rows(&sim.path("out/requests.parquet"));
    let csv = sim.text("out/classes.csv");
    let classes = summary(&csv);
    assert_eq!(classes.len(), 6);
    for class in &classes {
        assert!(output.stdout.contains(class["class"]), "{output:#?}");
        let of_policy = || all.iter().filter(|row| text(row, "policy") == class["policy"]);
        let at = |row: &Row| number(row, "submit_s").expect("a time");
        let took = |row: &Row| number(row, "e2e_ms").expect("an answer");
        let begins = of_policy().filter(|row| !is_true(row, "warm_up")).map(at).fold(f64::INFINITY, f64::min);
        let drains = of_policy().map(at).fold(0.0, f64::max);
        let of: Vec<&Row> = of_policy().filter(|row| text(row, "class") == class["class"]).collect();
        let counted: Vec<&&Row> = of.iter().filter(|row| !is_true(row, "warm_up")).collect();
        let within = |row: &&&Row| (begins..=drains).contains(&(at(row) + took(row) / 1e3));
        let met = |row: &Row| match class["class"] {
            "chat" => number(row, "ttft_ms").expect("an answer") <= 60.0,
            _ => took(row) <= 400.0,
        };
        let good: Vec<&&Row> = of.iter().filter(within).filter(|row| met(row)).collect();
        let tokens: u64 = good.iter().map(|row| count(row, "output_tokens")).sum();
        let many = counted.len() as f64;
        let expected = [
            ("requests", many),
            ("slo_attainment_pct", 100.0 * counted.iter().filter(|row| met(row)).count() as f64 / many),
            ("goodput_requests_per_s", good.len() as f64 / (drains - begins)),
            ("goodput_tokens_per_s", tokens as f64 / (drains - begins)),
            ("e2e_ms_mean", counted.iter().map(|row| took(row)).sum::<f64>() / many),
            ("deadline_miss_pct", 100.0 * counted.iter().filter(|row| took(row) > 300.0).count() as f64 / many),
        ];
        for (column, expected) in expected {
            if column == "deadline_miss_pct" && class["class"] != "robot" {
                assert_eq!(class[column], "", "{class:?}");
                continue;
            }
            let found = summary::number(class, column);
            assert!(
                (found - expected).abs() <= 1e-5 * expected,
                "{} {column}: {found}, not {expected}",
                class["class"]
            );
        }
        assert!(counted.iter().all(|row| met(row) == is_true(row, "met_slo")), "{class:?}");
    }
    let of = |class: &str, column: &str| {
        let row = classes.iter().find(|row| row["class"] == class && row["policy"] == "cloud_only").expect("a class");
        summary::number(row, column)
    };
    assert!((1.0..99.0).contains(&of("chat", "slo_attainment_pct")), "the limit decides nothing");
    assert!((1.0..99.0).contains(&of("robot", "deadline_miss_pct")), "the deadline decides nothing");
    let all = sim.text("out/summary.csv");
    let row = &summary(&all)[0];
    let goodput: f64 = ["chat", "photo", "robot"].map(|class| of(class, "goodput_requests_per_s")).iter().sum();
    assert!((summary::number(row, "goodput_requests_per_s") / goodput - 1.0).abs() < 1e-5);
    assert_eq!(summary::number(row, "deadline_miss_pct"), of("robot", "deadline_miss_pct"));
}

#[test]
fn an_urgent_class_waits_less() {
    let sim = mixed();
    let p99 = |priority: &str| {
        let set = ["arrivals.poisson.rate=50 /s", "cloud.batch.sequences=8", "workload.output_tokens=40", priority];
        let set = set.iter().flat_map(|set| ["--set", set]);
        sim.done(["mixed.toml", "--out", "out"].into_iter().chain(set));
        let csv = sim.text("out/classes.csv");
        let row = summary(&csv).into_iter().find(|row| row["class"] == "robot").expect("the class");
        summary::number(&row, "ttft_ms_mean")
    };
    let (last, equal, first) =
        (p99("classes.robot.priority=9"), p99("classes.robot.priority=0"), p99("classes.robot.priority=-9"));
    assert!(first < 0.7 * equal && equal < 0.9 * last, "{first}, {equal} and {last} ms");
}

#[test]
fn a_share_can_be_swept_and_classes_have_capacities() {
    let sim = mixed();
    let sweep = ["--set", "sweep={ \"classes.chat.share\" = [0.1, 0.9] }", "--set", "workload.requests=200"];
    sim.done(["mixed.toml", "--out", "out"].into_iter().chain(sweep));
    let csv = sim.text("out/classes.csv");
    let shares: Vec<(f64, f64)> = summary(&csv)
        .iter()
        .filter(|row| row["class"] == "chat" && row["policy"] == "cloud_only")
        .map(|row| (summary::number(row, "classes.chat.share"), summary::number(row, "requests")))
        .collect();
    assert!(shares[0].0 == 0.1 && shares[1].0 == 0.9 && shares[0].1 * 4.0 < shares[1].1, "{shares:?}");
    let capacity = "capacity mixed.toml --vary arrivals.poisson.rate --out found --policy cloud_only --max-runs 60";
    let looser = ["--set", "classes.chat.slo.targets=[\"ttft_ms_p99 <= 900 ms\"]"];
    let found = sim.run(capacity.split(' ').chain(looser));
    let csv = sim.text("found/capacity.csv");
    let expected = "chat:ttft_ms_p99 <= 900 ms; photo:e2e_ms_p99 <= 400 ms; robot:e2e_ms_p99 <= 400 ms";
    let answer = &summary(&csv)[0];
    assert_eq!(answer["targets"], expected, "{found:#?}");
    let limit = answer["limited_by"];
    assert!(limit.starts_with("photo:") || limit.starts_with("robot:"), "{limit}: chat has longer");
    let one = ["--target", "chat:ttft_ms_p99 <= 250 ms"];
    let of_chat = sim.run(capacity.split(' ').chain(one));
    assert_eq!(summary(&sim.text("found/capacity.csv"))[0]["targets"], "chat:ttft_ms_p99 <= 250 ms", "{of_chat:#?}");
}

#[test]
fn a_sweep_has_the_classes_of_a_run() {
    let sweep = "[sweep]\n\"classes.chat.share\" = [0.1, 0.5, 0.9]\n";
    let text = MIXED.replace("requests = 600", "requests = 60").replace("replications = 1", "replications = 2");
    let sim = Sim::new().with("mixed.toml", text + sweep);
    sim.done(["mixed.toml", "--out", "run"]);
    sim.done(["sweep", "mixed.toml", "--out", "sweep", "--threads", "2"]);
    for shard in ["0/2", "1/2"] {
        sim.done(["sweep", "mixed.toml", "--out", "shards", "--shard", shard]);
    }
    sim.done(["sweep", "mixed.toml", "--out", "shards", "--merge"]);
    let bytes = |name: &str| std::fs::read(sim.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    for file in ["classes.csv", "classes.parquet"] {
        let run = bytes(&format!("run/{file}"));
        for other in ["sweep", "shards"] {
            assert!(run == bytes(&format!("{other}/{file}")), "{other}/{file} differs from that of a run");
        }
    }
    assert_eq!(sim.text("run/classes.csv").lines().count(), 1 + 3 * 2 * 3, "points, policies, classes");
    // A part without its classes is run again.
    let lost = sim.names("sweep/parts").into_iter().find(|name| name.ends_with(".classes.parquet")).expect("classes");
    std::fs::remove_file(sim.path(&format!("sweep/parts/{lost}"))).expect("a file");
    let before = bytes("sweep/classes.csv");
    sim.done(["sweep", "mixed.toml", "--out", "sweep", "--resume"]);
    assert!(sim.path(&format!("sweep/parts/{lost}")).exists() && bytes("sweep/classes.csv") == before);
}

/// MindFusion's paper prints another share of the right answers for VQAv2 than for MMBench.
#[test]
fn published_accuracies_are_those_on_the_dataset_of_the_class() {
    let classes = "[classes.look]\nshare = 0.5\n[classes.quiz]\ndataset = \"mmbench\"\n";
    let text = format!(
        "name = \"two\"\nreplications = 1\npolicy.token_dropping.method = \"fastv\"\n[workload]\ndataset = \"vqav2\"\n\
         requests = 40\n[arrivals.poisson]\nrate = \"2 /s\"\n{classes}"
    );
    let sim = Sim::new().with("two.toml", text);
    sim.done(["two.toml", "--out", "out", "--set", "accuracy.cloud=1.0", "--set", "accuracy.edge=1.0"]);
    let csv = sim.text("out/classes.csv");
    let of: BTreeMap<&str, f64> =
        summary(&csv).iter().map(|row| (row["class"], summary::number(row, "accuracy_pct"))).collect();
    let printed = [("look", 55.0 / 78.5), ("quiz", 48.0 / 64.7)];
    for (class, remaining) in printed {
        assert!((of[class] / 100.0 - remaining).abs() < 1e-6, "{class}: {of:?}");
    }
}

#[test]
fn classes_that_cannot_be_are_refused() {
    let robot = "arrivals.periodic = { period = \"2 s\", deadline = \"300 ms\" }";
    let mut said = Vec::new();
    for (what, sim) in [
        ("shares that do not sum", with("[classes.photo]", "[classes.photo]\nshare = 0.6")),
        ("two classes without a share", with("share = 0.3\n", "")),
        ("shares that leave nothing", with("share = 0.3", "share = 1.0")),
        ("a share and arrivals", with(robot, &format!("{robot}\nshare = 0.1"))),
        ("a closed loop of a class", with(robot, "arrivals.closed_loop.clients = 2")),
        ("open classes beside a closed loop", with("[arrivals.poisson]\nrate = \"20 /s\"\n", "")),
        ("a dataset that there is not", with("[classes.photo]", "[classes.photo]\ndataset = \"vqa\"")),
        ("a trace of a class", with("[classes.photo]", "[classes.photo]\ndataset.csv = \"x.csv\"")),
        ("pictures in common", with("requests = 600", "requests = 600\nquestions_per_picture = 2")),
        ("priorities that no engine has", with("[classes.photo]", "[classes.photo]\npriority = 1").with_engines("hf")),
        ("a target that is none", with("ttft_ms_p99 <= 60 ms", "ttft_ms_mean <= 60 ms")),
        ("answers without a token", with("output_tokens = 40", "output_tokens = 0")),
        ("a name that is none", with("[classes.photo]", "[classes.\"a b\"]")),
        ("a deadline of nothing", with("300 ms", "0 s")),
    ] {
        said.push(format!("# {what}\n{}", refused(&sim, &["mixed.toml"])));
    }
    let sim = mixed();
    for target in ["chit:ttft_ms_p99 <= 1 s", "chat:ttft_p99 <= 1 s"] {
        let args = ["capacity", "mixed.toml", "--vary", "arrivals.poisson.rate", "--target", target];
        said.push(format!("# --target {target}\n{}", refused(&sim, &args)));
    }
    insta::assert_snapshot!(said.join("\n"));
}

impl Sim {
    /// The same scenario with one engine on both tiers.
    fn with_engines(self, engine: &str) -> Self {
        let text = format!("edge.engine = \"{engine}\"\ncloud.engine = \"{engine}\"\n{}", self.text("mixed.toml"));
        self.with("mixed.toml", text)
    }
}
