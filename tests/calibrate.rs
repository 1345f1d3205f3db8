//! `sim calibrate`, and simulations on what it fits, through the binary.

use crate::parquet_file::{count, number, rows, text};
use crate::support::{Output, Sim, aloud, quoted, repository};
use serde_json::Value;

pub const GPUS: &str = "gpu,bw_gb_s,bf16_tflops\nbox,1000,100\n";
pub const MODELS: &str = "model,type,layers,hidden,intermediate,heads,kv_heads,head_dim,vocab,gated_mlp\n\
    house/tiny,dense,10,1024,4096,8,2,128,32000,1\nhouse/mix,moe,10,1024,4096,8,2,128,32000,1\n";
pub const HEADER: &str = "gpu,model,engine,batch,context_tokens,new_tokens,duration_ms\n";

/// The time of a decode step on the box, by a law of its own: 600 us, the weights at 700 GB/s, the cache at 500 GB/s.
fn decode_ms(batch: f64, context: f64) -> f64 {
    let layer = 2.0 * (2.0 * 1024.0 * 1024.0 + 2.0 * 1024.0 * 256.0 + 3.0 * 1024.0 * 4096.0);
    let weights = 10.0 * layer + 2.0 * 32_000.0 * 1024.0;
    let cache = batch * (context + 1.0) * 2.0 * 10.0 * 2.0 * 128.0 * 2.0;
    0.6 + weights / 700e6 + cache / 500e6
}

/// A table of decode steps, and the lines of it.
pub fn table() -> String {
    let mut text = HEADER.to_owned();
    for batch in [1, 2, 4, 8, 16, 32, 64] {
        for context in [16, 64, 256, 512, 1024, 2048, 4096, 8192] {
            let ms = decode_ms(f64::from(batch), f64::from(context));
            text += &format!("box,house/tiny,engine 1,{batch},{context},1,{ms:.6}\n");
        }
    }
    text
}

fn boxed(table: &str) -> Sim {
    Sim::new().with("gpus.csv", GPUS).with("models.csv", MODELS).with("t.csv", table)
}

fn parsed(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:#?}"))
}

#[test]
fn a_table_becomes_a_profile_that_knows_its_errors() {
    let sim = boxed(&table());
    let args = "calibrate --table t.csv --out p.toml --note machine=bench --note date=2026-11-21";
    let output = sim.done(format!("{args} --json").split(' '));
    let errors = parsed(&output);
    let of = |name: &str| errors[name].as_f64().unwrap_or_else(|| panic!("{name}: {errors:#}"));
    assert!(of("held_out_median_error_pct") < 1.0 && of("held_out_p90_error_pct") < 3.0, "{errors:#}");
    assert!(of("in_sample_median_error_pct") < 1.0, "{errors:#}");
    assert!(of("roofline_median_error_pct") > 20.0, "{errors:#}");
    for key in ["held_out_median_error_pct", "held_out_p90_error_pct", "roofline_median_error_pct"] {
        assert_eq!(errors["kinds"]["decode"][key], errors[key], "{key}");
    }
    let profile: toml::Table = sim.text("p.toml").parse().expect("TOML");
    assert_eq!(profile["provenance"]["machine"].as_str(), Some("bench"));
    let files: Vec<_> = profile["source"].as_array().expect("files").iter().map(|file| file["file"].as_str()).collect();
    assert_eq!(files, [Some("t.csv"), Some("gpus.csv"), Some("models.csv")]);
    let law = &profile["law"][0];
    assert_eq!((law["kind"].as_str(), law["rows"].as_integer()), (Some("decode"), Some(56)));
    // Again: the same bytes; and as a table, everything side by side.
    let first = sim.text("p.toml");
    let told = sim.done(args.split(' '));
    assert_eq!(sim.text("p.toml"), first);
    for word in ["uncalibrated roofline", "in sample", "held out", "decode on box: context ", "batch "] {
        assert!(told.stdout.contains(word), "{word}: {}", told.stdout);
    }
    for axis in ["batch", "context", "longest"] {
        let errors = parsed(&sim.done(format!("calibrate --table t.csv --json --hold-out {axis}").split(' ')));
        assert!(errors["held_out_median_error_pct"].as_f64().expect("held out") < 3.0, "{axis}: {errors:#}");
    }
}

/// A table with one line in another form.
fn with_line(line: &str) -> String {
    format!("{}{line}\n", table())
}

#[test]
fn what_cannot_be_fitted_to_is_refused() {
    let cases: &[(&str, String, &str)] = &[
        ("no batch", table().replace("batch,", "sequences,"), ""),
        ("microseconds", table().replace("duration_ms", "duration_us"), ""),
        ("negative", with_line("box,house/tiny,engine 1,1,16,1,-2"), ""),
        ("not a number", with_line("box,house/tiny,engine 1,1,16,1,NaN"), ""),
        ("too few", table().lines().take(5).collect::<Vec<_>>().join("\n"), ""),
        ("one configuration", format!("{HEADER}{}", "box,house/tiny,engine 1,1,16,1,2.5\n".repeat(9)), ""),
        ("no such device", with_line("crate,house/tiny,engine 1,1,16,1,2"), ""),
        ("no such model", with_line("box,house/none,engine 1,1,16,1,2"), ""),
        (
            "too fast to be true",
            with_line("box,house/tiny,engine 1,1,16,1,0.1\nbox,house/tiny,engine 1,2,16,1,0.1"),
            "",
        ),
        ("nothing left", table(), "--engine other"),
        ("one device", table(), "--hold-out device"),
        ("no such kind", HEADER.replace('\n', ",kind\n") + "box,house/tiny,engine 1,1,16,1,2.5,dream\n", ""),
        ("another model", HEADER.replace('\n', ",layers\n") + "box,house/tiny,engine 1,1,16,1,2.5,12\n", ""),
        ("a note", table(), "--note machine"),
    ];
    let mut said = String::new();
    for (what, table, more) in cases {
        let sim = boxed(table);
        let args = format!("calibrate --table t.csv --out p.toml {more}");
        said +=
            &format!("# {what}\n{}\n", crate::refusals::refused(&sim, &args.split_whitespace().collect::<Vec<_>>()));
    }
    let sim = Sim::small();
    said += &format!("# no folder\n{}\n", crate::refusals::refused(&sim, &["calibrate", "results"]));
    insta::assert_snapshot!(said);
}

#[test]
fn broken_rows_are_left_out_where_that_is_asked_for() {
    let broken = with_line("box,house/tiny,engine 1,1,16,1,0.1\nbox,house/mix,engine 1,1,16,1,0.1");
    let sim = boxed(&broken);
    let output = sim.done("calibrate --table t.csv --skip-broken --json".split(' '));
    assert!(output.stderr.contains("left out: t.csv:58: found a row that implies"), "{output:#?}");
    assert!(output.stderr.contains("left out: 1 rows of house/mix, which is no dense model"), "{output:#?}");
    let whole = parsed(&boxed(&table()).done("calibrate --table t.csv --json".split(' ')));
    assert_eq!(parsed(&output), whole, "what is left is the table without them");
}

#[test]
fn mixtures_whose_experts_are_stated_are_fitted() {
    let models = "model,type,layers,hidden,intermediate,heads,kv_heads,head_dim,vocab,gated_mlp,experts,experts_per_token,moe_intermediate\n\
        house/tiny,dense,10,1024,4096,8,2,128,32000,1,0,0,0\nhouse/mix,moe,10,1024,4096,8,2,128,32000,1,64,4,1024\n";
    let mixed = table().replace("house/tiny", "house/mix");
    let fitted = |table: &str| {
        let sim = Sim::new().with("gpus.csv", GPUS).with("models.csv", models).with("t.csv", table);
        let output = sim.done("calibrate --table t.csv --json --skip-broken".split(' '));
        assert!(!output.stderr.contains("no dense model"), "{output:#?}");
        parsed(&output)["kinds"]["decode"].clone()
    };
    // The experts that a batch hits are read: the bare roofline of a mixture takes longer than that of the dense model.
    let [dense, mixture] = [fitted(&table()), fitted(&mixed)].map(|found| found["roofline_bias_pct"].as_f64());
    assert!(mixture > dense, "{mixture:?} {dense:?}");
    let lacking = models.replace("64,4,1024", "64,65,1024");
    let sim = Sim::new()
        .with("gpus.csv", GPUS)
        .with("models.csv", lacking)
        .with("t.csv", format!("{mixed}{}", table().trim_start_matches(HEADER)));
    let output = sim.run("calibrate --table t.csv".split(' '));
    assert!(output.stderr.contains("house/mix, which is no dense model"), "{output:#?}");
}

#[test]
fn preprocessing_is_fitted_and_takes_the_place_of_its_key() {
    let sim = Sim::new().with("truth.toml", TRUTH);
    // Requests wait for the one worker, which is no part of what preprocessing takes.
    let busy = ["--set", "edge.cpu_workers=1", "--set", "arrivals.poisson.rate=\"60 /s\"", "--set", "replications=1"];
    sim.done([&["truth.toml", "--steps", "--out", "truth"], &busy[..]].concat());
    let output = sim.done("calibrate truth --side edge --out p.toml".split(' '));
    assert!(output.stdout.contains("preprocess  edge: processor"), "{output:#?}");
    let profile: toml::Table = sim.text("p.toml").parse().expect("TOML");
    let sources: Vec<&str> =
        profile["source"].as_array().expect("a list").iter().filter_map(|source| source["file"].as_str()).collect();
    assert_eq!(sources, ["steps.parquet", "spans.parquet"]);
    let law = &profile["preprocess"]["law"];
    // Every request takes 12 ms, however large its picture.
    assert_eq!((law["base_us"].as_float(), law["token_us"].as_float()), (Some(12_000.0), Some(0.0)), "{law}");
    let scenario = format!("{TRUTH}[edge]\nprofile = \"p.toml\"\npreprocess = \"50 ms\"\n");
    let sim = sim.with("s.toml", scenario);
    sim.done(["s.toml", "--set", "replications=1", "--out", "out"]);
    let manifest: Value = serde_json::from_str(&sim.text("out/manifest.json")).expect("JSON");
    assert_eq!(manifest["assumptions"]["edge.profile.preprocess"], "measured, in place of edge.preprocess");
    let spans = crate::parquet_file::rows(&sim.path("out/spans.parquet"));
    let took = spans.iter().filter(|row| text(row, "lane") == "edge_cpu" && text(row, "kind") == "preprocess");
    let took = took.filter(|row| text(row, "phase") == "running");
    let took: Vec<u64> = took.map(|row| count(row, "duration_ns")).collect();
    assert!(took.len() > 30 && took.iter().all(|ns| *ns == 12_000_000), "{took:?}");
}

#[test]
fn a_run_beyond_a_table_goes_on_by_its_form_and_says_so() {
    let sim = Sim::new().with("truth.toml", TRUTH);
    sim.done("truth.toml --steps --out truth".split(' '));
    sim.done("calibrate truth --side cloud --out p.toml".split(' '));
    // The law of decode becomes a table of one batch and of contexts that no answer stays within.
    let mut profile: toml::Table = sim.text("p.toml").parse().expect("TOML");
    let laws = profile["law"].as_array_mut().expect("laws");
    let law = laws.iter_mut().find(|law| law["kind"].as_str() == Some("decode")).expect("decode");
    let law = law.as_table_mut().expect("a table");
    law.insert("form".to_owned(), "table".into());
    let table = "tokens = [1.0]\ncontext_tokens = [1.0, 300.0]\nbatch = [1.0]\nduration_ms = [9.0, 10.0]";
    law.insert("table".to_owned(), toml::Value::Table(table.parse().expect("TOML")));
    let scenario = format!("{TRUTH}[cloud]\nprofile = \"p.toml\"\n");
    let text = toml::to_string(&profile).expect("TOML");
    let sim = sim.with("p.toml", text).with("s.toml", scenario);
    let output = sim.done(["s.toml", "--set", "replications=1", "--out", "out"]);
    assert!(output.stdout.contains("withheld, "), "most iterations are outside: {}", output.stdout);
    let manifest: Value = serde_json::from_str(&sim.text("out/manifest.json")).expect("JSON");
    let measured = manifest["profile_coverage_pct"]["cloud"].as_f64().expect("a share");
    assert!(measured > 0.0 && measured < 50.0, "{measured} % of the iterations are in the table");
}

#[test]
fn profiles_that_ship_can_be_run_on() {
    let mut seen = 0;
    for entry in std::fs::read_dir(repository("scenarios/profiles")).expect("profiles") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
        let scenario = format!(
            "name = \"s\"\nreplications = 1\nworkload = {{ dataset = \"vqav2\", requests = 5 }}\n\
             edge.profile = \"{name}\"\ncloud.profile = \"{name}\"\npolicy.speculative = {{}}\n"
        );
        let sim = Sim::new().with(&name, std::fs::read(&path).expect("a profile")).with("s.toml", scenario);
        let output = sim.done("s.toml --out out".split(' '));
        // None of the simulator's models was measured, so no step is a measured one.
        assert!(output.stdout.contains("withheld, 0 % of the edge's iterations"), "{name}: {}", output.stdout);
        let manifest = sim.text("out/manifest.json");
        assert!(manifest.contains("withheld, for the roofline of the engine: measured"), "{name}: {manifest}");
        seen += 1;
    }
    assert!(seen >= 6, "{seen} profiles");
}

/// A scenario in which a server fills up, and answers have a length.
const TRUTH: &str = "\
name = \"truth\"
replications = 2
[workload]
dataset = \"vqav2\"
requests = 120
output_tokens = 40
[arrivals.poisson]
rate = \"3 /s\"
[policy.cloud_only]
[policy.edge_only]
[policy.speculative]
";

fn on_profile(more: &str) -> String {
    format!("{TRUTH}[edge]\nprofile = \"p.toml\"\n{more}[cloud]\nprofile = \"p.toml\"\n{more}")
}

#[test]
fn a_simulation_on_a_profile_of_a_simulation_is_that_simulation() {
    let sim = Sim::new().with("truth.toml", TRUTH).with("again.toml", on_profile(""));
    sim.done("truth.toml --steps --out truth".split(' '));
    let errors = parsed(&sim.done("calibrate truth --out p.toml --json".split(' ')));
    // The truth is a roofline, so that has no error at all: the loads are worked out right.
    assert!(errors["roofline_p90_error_pct"].as_f64().expect("a number") < 0.5, "{errors:#}");
    assert!(errors["held_out_median_error_pct"].as_f64().expect("a number") < 1.0, "{errors:#}");
    assert!(errors["held_out_p90_error_pct"].as_f64().expect("a number") < 5.0, "{errors:#}");
    let output = sim.done("again.toml --out again".split(' '));
    assert!(output.stdout.contains("Prediction intervals"), "{}", output.stdout);
    let (before, after) = (rows(&sim.path("truth/summary.parquet")), rows(&sim.path("again/summary.parquet")));
    for (before, after) in before.iter().zip(&after) {
        for (metric, most) in
            [("e2e_ms_mean", 0.02), ("e2e_ms_p90", 0.04), ("ttft_ms_mean", 0.02), ("tpot_ms_mean", 0.02)]
        {
            let [was, is] = [before, after].map(|row| number(row, metric).expect("a number"));
            assert!((is / was - 1.0).abs() < most, "{}: {metric} is {is}, was {was}", text(before, "policy"));
        }
    }
    let manifest: Value = serde_json::from_str(&sim.text("again/manifest.json")).expect("JSON");
    assert_eq!(manifest["backend"], "profile");
    assert!(manifest["profile_coverage_pct"]["cloud"].as_f64().expect("a number") > 90.0, "{manifest:#}");
}

#[test]
fn noise_repeats_itself_and_widens() {
    let noisy = on_profile("noise = \"profile\"\n");
    let sim = Sim::new().with("truth.toml", TRUTH).with("noisy.toml", noisy);
    // Durations that tremble: what a machine would have measured.
    sim.done("truth.toml --steps --out truth".split(' '));
    sim.done("calibrate truth --out p.toml".split(' '));
    let sound = sim.text("p.toml");
    let spread = sound.lines().find(|line| line.starts_with("spread")).expect("a spread").to_owned();
    let wide: Vec<String> = (0..21).map(|n| format!("{}", 0.8 + f64::from(n) / 50.0)).collect();
    let text = sound.lines().map(|line| match line.strip_prefix("spread") {
        Some(_) => format!("spread = [{}]\n", wide.join(", ")),
        None => format!("{line}\n"),
    });
    let sim = sim.with("p.toml", text.collect::<String>());
    assert_ne!(sim.text("p.toml"), sound, "{spread}");
    let one = sim.done("noisy.toml --out one --threads 1".split(' '));
    let two = sim.done("noisy.toml --out two --threads 2 --twice".split(' '));
    assert_eq!(one.stdout, two.stdout);
    assert_eq!(sim.tree_of("one")["requests.parquet"], sim.tree_of("two")["requests.parquet"]);
    let quiet = on_profile("");
    let sim = sim.with("quiet.toml", quiet);
    let still = sim.done("quiet.toml --out quiet".split(' '));
    assert_ne!(sim.tree_of("one")["requests.parquet"], sim.tree_of("quiet")["requests.parquet"]);
    // A fifth faster and a fifth slower at the ends.
    let line = still
        .stdout
        .lines()
        .find(|line| line.contains("edge_only"))
        .and_then(|_| still.stdout.lines().rfind(|line| line.trim_start().starts_with("edge_only")));
    let line = line.expect("an interval");
    let tpot = line.split("TPOT ms ").nth(1).expect("TPOT");
    let numbers: Vec<f64> =
        tpot.split(|c: char| !(c.is_ascii_digit() || c == '.')).filter_map(|number| number.parse().ok()).collect();
    assert!(numbers[1] < 0.9 * numbers[0] && numbers[2] > 1.1 * numbers[0], "{line}");
}

#[test]
fn a_profile_of_elsewhere_is_marked_and_gives_no_interval() {
    let sim = boxed(&table());
    sim.done("calibrate --table t.csv --out p.toml".split(' '));
    let scenario = "name = \"s\"\nreplications = 1\nworkload = { dataset = \"vqav2\", requests = 5 }\n\
        cloud.profile = \"p.toml\"\npolicy.cloud_only = {}\n";
    let sim = sim.with("s.toml", scenario);
    let output = sim.done("s.toml --out out".split(' '));
    assert!(output.stdout.contains("withheld, 0 % of the cloud's iterations"), "{}", output.stdout);
    let manifest: Value = serde_json::from_str(&sim.text("out/manifest.json")).expect("JSON");
    let assumed = &manifest["assumptions"];
    let decode = assumed["cloud.profile.decode"].as_str().expect("a sentence");
    let elsewhere = "measured on box with tiny, not on a100-40-sxm with qwen2.5-vl-7b";
    assert_eq!(decode, format!("withheld, for the roofline of the engine: {elsewhere}"));
    let warned = format!("cloud.profile has no effect: {elsewhere}; for those the roofline is safer");
    assert_eq!(output.stderr.matches(&warned).count(), 1, "{output:#?}");
    // Never worse than the bare formula, since it is that.
    let bare = scenario.replace("cloud.profile = \"p.toml\"\n", "");
    let sim = sim.with("bare.toml", bare);
    sim.done("bare.toml --out bare".split(' '));
    let timed = |folder: &str| {
        let each = |row: &crate::parquet_file::Row| number(row, "e2e_ms").expect("a latency");
        rows(&sim.path(&format!("{folder}/requests.parquet"))).iter().map(each).collect::<Vec<_>>()
    };
    assert_eq!(timed("bare"), timed("out"));
    assert_eq!(assumed["cloud.profile.prefill"], "not in the profile: the roofline of the engine");
    // On the side that runs nothing a profile has no effect, which is said.
    let idle = sim.done("s.toml --set edge.profile=p.toml --out idle".split(' '));
    assert!(idle.stderr.contains("edge.profile has no effect: no policy here runs a model on the edge"), "{idle:#?}");
    assert_eq!(sim.tree_of("idle")["requests.parquet"], sim.tree_of("out")["requests.parquet"]);
    // Run from what it resolved to, it gives the same.
    sim.done("out/scenario.toml --out again".split(' '));
    assert_eq!(sim.tree_of("again")["requests.parquet"], sim.tree_of("out")["requests.parquet"]);
}

#[test]
fn profiles_that_make_no_sense_are_refused() {
    let sim = boxed(&table());
    sim.done("calibrate --table t.csv --out p.toml".split(' '));
    let sound = sim.text("p.toml");
    let scenario =
        |keys: &str| format!("name = \"s\"\nworkload.dataset = \"vqav2\"\npolicy.cloud_only = {{}}\n{keys}\n");
    let profile = "cloud.profile = \"p.toml\"";
    let broken = |from: &str, to: &str| {
        let at = sound.find(from).unwrap_or_else(|| panic!("{from} in {sound}"));
        let end = sound[at..].find('\n').expect("a line") + at;
        format!("{}{to}{}", &sound[..at], &sound[end..])
    };
    let cases = [
        ("no file", scenario("cloud.profile = \"none.toml\""), sound.clone()),
        ("noise of nothing", scenario("cloud.noise = \"profile\""), sound.clone()),
        ("another file", scenario(profile), "a = 1\n".to_owned()),
        ("another version", scenario(profile), broken("format", "format = \"msao-sim profile 9\"")),
        ("a negative coefficient", scenario(profile), broken("weights =", "weights = -1.0")),
        ("an unknown key", scenario(profile), broken("weights =", "wheights = 1.0")),
    ];
    let mut said = String::new();
    for (what, scenario, profile) in cases {
        let sim = Sim::new().with("s.toml", scenario).with("p.toml", profile);
        said += &format!("# {what}\n{}\n", crate::refusals::refused(&sim, &["s.toml"]));
    }
    insta::assert_snapshot!(said);
}

const DRAFTING: &str = "\
name = \"drafting\"
replications = 1
workload = { dataset = \"vqav2\", requests = 250, output_tokens = 60 }
policy.speculative = {}
[tokens.two_state]
stay = 0.7
hard_entropy_nats = 2.0
accept_half_nats = 0.8
";

#[test]
fn the_token_process_that_made_a_log_is_found_again() {
    let sim = Sim::new().with("s.toml", DRAFTING);
    sim.done("s.toml --tokens --out log".split(' '));
    let said = parsed(&sim.done("calibrate log --tokens --out tokens.toml --json".split(' ')));
    let found = |key: &str| said["two_state"][key].as_f64().unwrap_or_else(|| panic!("{key}: {said:#}"));
    assert!((found("stay") - 0.7).abs() < 0.12, "{said:#}");
    assert!((found("hard_entropy_nats") / 2.0 - 1.0).abs() < 0.12, "{said:#}");
    assert!((found("easy_entropy_nats") / 0.12 - 1.0).abs() < 0.12, "{said:#}");
    assert!((found("accept_half_nats") / 0.8 - 1.0).abs() < 0.2, "{said:#}");
    let held = &said["held_out"];
    let pair = |value: &Value| [0, 1].map(|n| value[n].as_f64().expect("a number"));
    let [measured, process] = pair(&held["acceptance_pct"]);
    assert!((measured - process).abs() < 4.0, "{said:#}");
    let [loss, always] = pair(&held["verdict_log_loss"]);
    assert!(loss < 0.8 * always, "{said:#}");
    let [own, default] = pair(&held["entropy_log_likelihood"]);
    assert!(own > default, "{said:#}");
    // A scenario can name it: then about as many drafts are accepted as before.
    let (head, _) = DRAFTING.split_once("[tokens").expect("tokens");
    let sim = sim.with("again.toml", format!("{head}tokens.profile = \"tokens.toml\"\n"));
    sim.done("again.toml --out again".split(' '));
    let accepted = |folder: &str| {
        let rows = rows(&sim.path(&format!("{folder}/summary.parquet")));
        number(&rows[0], "acceptance_rate").expect("a rate")
    };
    assert!((accepted("again") - accepted("log")).abs() < 0.05, "{} {}", accepted("again"), accepted("log"));
    let output = sim.run("calibrate small --tokens".split(' '));
    assert!(output.code == Some(2) && output.stderr.contains("found no tokens.parquet"), "{output:#?}");
}

#[test]
fn shared_tables_are_predicted_within_the_target() {
    let folder = repository("../shared/measured");
    if !folder.is_dir() {
        aloud("skipped: shared_tables_are_predicted_within_the_target: ../shared/measured is not here");
        return;
    }
    let sim = Sim::new();
    let calibrate = |axis: &str| {
        let tables =
            ["decode_steps.csv.gz", "prefill_steps.csv.gz"].map(|name| folder.join(name).display().to_string());
        let args = ["calibrate", "--json", "--hold-out", axis, "--table", &tables[0], &tables[1]];
        parsed(&sim.done(args))
    };
    let of = |errors: &Value, name: &str| errors[name].as_f64().unwrap_or_else(|| panic!("{name}"));
    // Asked for: a median below 10 %, and half of the roofline's. Found: see docs/calibration.md; guarded with a margin.
    for (axis, median, p90) in [("configuration", 3.5, 14.0), ("longest", 5.0, 16.0)] {
        let errors = calibrate(axis);
        let held_out = of(&errors, "held_out_median_error_pct");
        assert!(held_out < median && of(&errors, "held_out_p90_error_pct") < p90, "{axis}: {errors:#}");
        assert!(held_out < 0.5 * of(&errors, "roofline_median_error_pct"), "{axis}: {errors:#}");
        quoted("docs/calibration.md", &hold_out_row(axis, &errors));
        if axis == "configuration" {
            let laws = errors["laws"].as_array().expect("laws");
            laws.iter().for_each(|law| quoted("docs/calibration.md", &law_row(law)));
        }
        for kind in ["decode", "prefill"] {
            let kind = &errors["kinds"][kind];
            let half = 0.5 * of(kind, "roofline_median_error_pct");
            assert!(of(kind, "held_out_median_error_pct") < half, "{axis}: {errors:#}");
        }
    }
    // A whole device or model that was not seen is another matter.
    for axis in ["device", "model"] {
        let errors = calibrate(axis);
        assert!(of(&errors, "held_out_median_error_pct") < 20.0, "{errors:#}");
        quoted("docs/calibration.md", &hold_out_row(axis, &errors));
    }
}

/// A pair of median and P90, in per cent.
fn median_and_p90(errors: &Value, of: &str) -> String {
    let pct = |name: &str| errors[format!("{of}_{name}_error_pct")].as_f64().expect("a number");
    format!("{:.1} / {:.1}", pct("median"), pct("p90"))
}

/// The end of a law's row in the table of laws.
fn law_row(law: &Value) -> String {
    let [roofline, seen, held_out] = ["roofline", "in_sample", "held_out"].map(|of| median_and_p90(law, of));
    let form = law["form"].as_str().expect("a form");
    format!("| {form} | {} | {roofline} | {seen} | **{held_out}** |", law["rows"])
}

/// The row of a way of withholding.
fn hold_out_row(axis: &str, errors: &Value) -> String {
    let rows = errors["held_out_rows"].as_u64().expect("a count");
    let rows = if rows < 1000 { rows.to_string() } else { format!("{},{:03}", rows / 1000, rows % 1000) };
    let [decode, prefill] = ["decode", "prefill"].map(|kind| median_and_p90(&errors["kinds"][kind], "held_out"));
    let [worst, bias] =
        ["held_out_worst_error_pct", "held_out_bias_pct"].map(|name| errors[name].as_f64().expect("a number"));
    format!(
        "| `{axis}` | {rows} | {} | {decode} | {prefill} | **{}** | {worst:+.0} | {bias:+.1} |",
        median_and_p90(errors, "roofline"),
        median_and_p90(errors, "held_out"),
    )
}
