//! Datasets that a scenario describes, and the files of traces, through the binary.

use crate::parquet_file::{count, rows};
use crate::refusals::refused;
use crate::summary::summary;
use crate::support::{SMALL, Sim, repository};
use parquet::record::Field;

/// A file of the repository, as text.
fn file(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// [`SMALL`] with another dataset, and with tables below it.
fn with(dataset: &str, tables: &str) -> String {
    format!("{}\n[policy.edge_only]\n[policy.token_dropping]\n{tables}\n", SMALL.replace("\"vqav2\"", dataset))
}

/// `summary.csv`, and the bytes of `requests.parquet`.
fn results(scenario: &str) -> (String, Vec<u8>) {
    let sim = Sim::new().with("small.toml", scenario);
    sim.done(["small.toml", "--out", "out", "--set", "workload.requests=60"]);
    (sim.text("out/summary.csv"), std::fs::read(sim.path("out/requests.parquet")).expect("a file"))
}

/// A serving engine takes no prompt without a token. A distribution that may draw none gives one.
#[test]
fn every_prompt_has_a_token() {
    let table = "[dataset.mine]\ntext_tokens = { lognormal = { median = 1, sigma = 3.0 } }\noutput_tokens = 3\n\
        [cloud]\nengine = \"vllm-0.19\"\n";
    let sim = Sim::new().with("small.toml", with("\"mine\"", table));
    sim.done(["small.toml", "--out", "out", "--set", "workload.requests=60", "--set", "edge.engine=\"vllm-0.19\""]);
    let tokens = rows(&sim.path("out/requests.parquet")).into_iter().map(|row| count(&row, "text_tokens"));
    let tokens: Vec<u64> = tokens.collect();
    assert!(tokens.iter().all(|tokens| *tokens >= 1) && tokens.contains(&1), "{tokens:?}");
}

/// Processors refuse a picture that is more than 200 times as long as it is wide.
#[test]
fn a_picture_that_no_processor_takes_is_refused() {
    let header = "arrival_s,input_tokens,output_tokens,num_images,image_width,image_height\n";
    let trace = with("{ served = \"r.csv\" }", "");
    let sim =
        |row: &str| Sim::new().with("small.toml", &trace).with("r.csv", format!("{header}0,40,2,1,640,480\n{row}\n"));
    let said = refused(&sim("1,0,2,1,1,480"), &["small.toml"]);
    assert!(said.contains("request 2 of the trace has a picture of 1x480; expected sides"), "{said}");
    sim("1,0,2,1,2,400").done(["small.toml", "--out", "out"]);
}

#[test]
fn a_table_equal_to_a_built_in_dataset_gives_its_bytes() {
    for (name, file_name) in [("vqav2", "vqav2"), ("mmbench", "mmbench"), ("v6", "msao_configurations")] {
        let table = file(&format!("scenarios/datasets/{file_name}.toml"));
        let built_in = results(&with(&format!("{name:?}"), ""));
        // Under its own name it replaces the built-in one.
        assert_eq!(results(&with(&format!("{name:?}"), &table)), built_in, "{name}");
        // Under another name only the label is another.
        let table = table.replace(&format!("[dataset.{name}"), "[dataset.mine");
        let figures = format!("[accuracy]\ndataset = {name:?}\n");
        let (summary, _) = results(&with("\"mine\"", &format!("{figures}{table}")));
        assert_eq!(summary.replace(",mine,", &format!(",{name},")), built_in.0, "{name}");
    }
}

#[test]
fn constants_within_the_key_are_a_table_of_constants() {
    let custom = "{ custom = { name = \"video\", width = 448, height = 336, frames = 6, audio = \"2 s\", text_tokens = 40, \
                  output_tokens = 20 } }";
    let table =
        "[dataset.video]\nsize = \"448x336\"\nframes = 6\nsound = \"2 s\"\ntext_tokens = 40\noutput_tokens = 20";
    assert_eq!(results(&with(custom, "")), results(&with("\"video\"", table)));
}

/// Every kind of quantity, with what it draws.
#[test]
fn quantities_are_drawn_as_they_are_written() {
    let table = "[dataset.all]\nsize = { width = 280, height = { uniform = { from = 280, to = 560 } } }\n\
                 pictures = [[0, 1], [2, 1]]\nsound = { uniform = { from = \"1 s\", to = \"2 s\" } }\n\
                 text_tokens = [[10, 1], [20, 1]]\noutput_tokens = { gamma = { mean = 30, shape = 2, within = [5, 50] } }\n";
    let sim = Sim::new().with("small.toml", with("\"all\"", table));
    sim.done(["small.toml", "--out", "out", "--set", "workload.requests=200"]);
    let rows = rows(&sim.path("out/requests.parquet"));
    let number = |field: &Field| field.to_string().parse::<f64>().expect("a number");
    let of = |column: &str| rows.iter().map(|row| number(&row[column])).collect::<Vec<f64>>();
    let between = |column: &str, least: f64, most: f64| {
        let values = of(column);
        let (low, high) = values.iter().fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
        assert!(low >= least && high <= most && low < high, "{column}: {low} to {high}");
    };
    between("text_tokens", 10.0, 20.0);
    between("output_tokens", 5.0, 50.0);
    between("audio_tokens", 25.0, 50.0);
    // Two pictures of 10 x 10 to 10 x 20 tokens, or none.
    between("visual_tokens", 0.0, 400.0);
    assert!(of("visual_tokens").iter().all(|tokens| *tokens == 0.0 || *tokens >= 200.0));
}

/// The table of the walk-through in CONTRIBUTING runs as it stands.
#[test]
fn the_table_of_the_walk_through_runs() {
    let document = file("CONTRIBUTING.md");
    let (_, section) = document.split_once("## Add a dataset").expect("the section");
    let table = section.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a table");
    let (summary, _) = results(&with("\"receipts\"", table));
    assert!(summary.contains(",receipts,"), "{summary}");
}

#[test]
fn keys_are_shown_set_and_swept() {
    let table = "[dataset.mine]\nsize = \"640x480\"\ntext_tokens = 30\noutput_tokens = 20\n";
    let sim = Sim::new().with("small.toml", with("\"mine\"", table));
    let shown = sim.done(["show", "small.toml"]).stdout;
    assert!(shown.contains("[dataset.mine]") && shown.contains("size = \"640x480\""), "{shown}");
    // What is shown runs and gives the same.
    let again = sim.with("shown.toml", &shown);
    again.done(["small.toml", "--out", "a"]);
    again.done(["shown.toml", "--out", "b"]);
    assert_eq!(again.text("a/summary.csv"), again.text("b/summary.csv"));
    let swept = "[sweep]\n\"dataset.mine.output_tokens.uniform.to\" = [2, 40]";
    let table = table.replace("= 20", "= { uniform = { from = 2, to = 2 } }") + swept;
    let again = again.with("swept.toml", with("\"mine\"", &table));
    again.done(["swept.toml", "--out", "c"]);
    let csv = again.text("c/summary.csv");
    let lengths: Vec<&str> = summary(&csv).iter().map(|row| row["output_tokens_per_request"]).collect();
    assert_eq!((lengths[0], lengths.len()), ("2", 6), "{csv}");
    assert!(lengths[3..].iter().all(|length| length.parse::<f64>().expect("a number") > 5.0), "{csv}");
    // Another distribution replaces the first.
    again.done(["small.toml", "--out", "d", "--set", "dataset.mine.text_tokens.lognormal={median=40,sigma=0.2}"]);
}

#[test]
fn what_is_no_dataset_is_refused() {
    let table = |keys: &str| {
        let required = [("text_tokens", "text_tokens = 30\n"), ("output_tokens", "output_tokens = 20\n")];
        let missing = required.iter().filter(|(key, _)| !keys.contains(key)).map(|(_, line)| *line);
        with("\"mine\"", &format!("[dataset.mine]\n{}{keys}", missing.collect::<String>()))
    };
    let cases = [
        ("an unknown dataset", with("\"vqav\"", "")),
        (
            "an unknown dataset beside one of one's own",
            with("\"mien\"", "[dataset.mine]\ntext_tokens = 3\noutput_tokens = 2"),
        ),
        ("a format without its file", with("\"servegen\"", "")),
        ("an unknown format", with("{ moncake = \"FILE\" }", "")),
        ("two formats", with("{ mooncake = \"FILE\", served = \"FILE\" }", "")),
        ("no format", with("{}", "")),
        ("a number", with("3", "")),
        ("an unknown key", table("sizes = \"640x480\"")),
        ("a missing key", with("\"mine\"", "[dataset.mine]\ntext_tokens = 3")),
        ("an unknown distribution", table("text_tokens = { unifrom = { from = 1, to = 9 } }")),
        ("two distributions", table("text_tokens = { uniform = { from = 1, to = 9 }, geometric = { mean = 2 } }")),
        ("no distribution", table("text_tokens = {}")),
        ("an unknown setting", table("text_tokens = { uniform = { from = 1, to = 9, step = 2 } }")),
        ("weights that sum to 0", table("text_tokens = [[10, 0], [20, 0]]")),
        ("no weights", table("text_tokens = [10, 20]")),
        ("an empty list", table("size = []")),
        ("a weight below 0", table("size = [[\"640x480\", -1]]")),
        ("a size below 0", table("size = \"-640x480\"")),
        ("a size of one number", table("size = 640")),
        ("a size of 0", table("size = \"0x480\"")),
        ("a count below 0", table("text_tokens = -3")),
        ("a count in halves", table("pictures = 1.5")),
        ("a mean that is not finite", table("output_tokens = { geometric = { mean = inf } }")),
        ("a mean that is no number", table("output_tokens = { geometric = { mean = nan } }")),
        ("ends that fall", table("output_tokens = { uniform = { from = 9, to = 1 } }")),
        ("answers of nothing", table("output_tokens = 0")),
        ("a geometric length of sound", table("sound = { geometric = { mean = 2 } }")),
        ("sound without a unit", table("sound = 3")),
        ("pictures and a video", table("size = \"640x480\"\npictures = 2\nframes = 8")),
        ("an accuracy above 1", table("accuracy = { cloud = 1.2, edge = 0.5 }")),
        ("a source of no key", table("sources.tokens = \"a guess\"")),
    ];
    let said = cases.map(|(what, text)| {
        let message = refused(&Sim::new().with("scenario.toml", text), &["scenario.toml"]);
        assert!(message.starts_with("sim: scenario.toml:"), "{what} has no line: {message}");
        format!("# {what}\n{message}\n")
    });
    insta::assert_snapshot!(said.concat());
}

/// Warnings of a scenario, each without its excerpt.
fn warnings(scenario: &str, set: &[&str]) -> Vec<String> {
    let sim = Sim::new().with("small.toml", scenario);
    let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
    let stderr = sim.done([&["show", "small.toml"][..], &set].concat()).stderr;
    stderr.lines().filter_map(|line| line.strip_prefix("sim: warning: small.toml:")).map(str::to_owned).collect()
}

#[test]
fn keys_without_effect_are_warned_of() {
    const TABLE: &str = "[dataset.mine]\ntext_tokens = 30\noutput_tokens = 20\n";
    let is = |found: Vec<String>, says: &[&str]| {
        assert_eq!(found.len(), says.len(), "{found:?}");
        found.iter().zip(says).for_each(|(found, says)| assert!(found.ends_with(says), "{found}"));
    };
    is(warnings(&with("\"mine\"", TABLE), &[]), &[]);
    is(warnings(&with("\"vqav2\"", TABLE), &[]), &["dataset.mine has no effect: workload.dataset is not \"mine\""]);
    is(
        warnings(&with("\"mine\"", &format!("{TABLE}frames = 8\n")), &[]),
        &["dataset.mine.frames has no effect: the dataset has no size, so there are no pictures"],
    );
    is(
        warnings(&with("\"mine\"", TABLE), &["workload.output_tokens=9"]),
        &["dataset.mine.output_tokens has no effect: workload.output_tokens gives every answer its length"],
    );
    is(
        warnings(
            &with("\"mine\"", &format!("{TABLE}accuracy = {{ cloud = 0.8, edge = 0.7 }}")),
            &["accuracy.edge=0.5"],
        ),
        &["dataset.mine.accuracy.edge has no effect: accuracy.edge is set"],
    );
    // A sweep over datasets uses both.
    let both = format!("{TABLE}\n[sweep]\n\"workload.dataset\" = [\"vqav2\", \"mine\"]");
    is(warnings(&with("\"vqav2\"", &both), &[]), &[]);
}

/// A scenario that reads a file in every place where one can be named, and the file of each.
const READS: &str = "name = \"reads\"\nreplications = 1\n[workload]\nrequests = 2\ndataset.azure_llm = \"trace.csv\"\n\
                     [arrivals.trace]\n[link]\nup.csv = { file = \"up.csv\", time = \"t_s\", rate = \"up_mbps\" }\n\
                     down.mahimahi = \"down.trace\"\n[cloud]\nprofile = \"profile.toml\"\n[policy.cloud_only]\n\
                     [sweep]\n\"link.rtt\" = [\"5 ms\", \"9 ms\"]\n";

/// Another content of a file under the same name is another sweep, whichever file it is.
#[test]
fn a_sweep_does_not_go_on_with_other_files() {
    let trace = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6,37,4\n2023-11-16 18:15:47.9,39,5\n";
    let profile = file("scenarios/profiles/a100-80-sxm.toml");
    let files = [
        ("trace.csv", trace.to_owned(), trace.replace(",39,5", ",38,5")),
        ("up.csv", "t_s,up_mbps\n0,40\n1,50\n".to_owned(), "t_s,up_mbps\n0,40\n1,51\n".to_owned()),
        ("down.trace", "1\n2\n3\n".to_owned(), "1\n2\n4\n".to_owned()),
        ("profile.toml", profile.clone(), format!("{profile}\n# Another byte.\n")),
    ];
    for (name, content, other) in &files {
        let sim = Sim::new().with("reads.toml", READS);
        let sim = files.iter().fold(sim, |sim, (name, content, _)| sim.with(name, content));
        let sweep = "sweep reads.toml --out swept --resume";
        sim.done(sweep.split(' '));
        let done = sim.tree_of("swept");
        // Nothing was changed: it has nothing to do.
        sim.done(sweep.split(' '));
        assert_eq!(sim.tree_of("swept"), done);
        let sim = sim.with(name, other);
        let output = sim.run(sweep.split(' '));
        assert_eq!(output.code, Some(2), "{name}: {output:?}");
        assert!(output.stderr.contains("swept"), "{name}: {output:?}");
        assert_eq!(sim.tree_of("swept"), done, "{name}");
        // With its old content it goes on.
        sim.with(name, content).done(sweep.split(' '));
    }
}
