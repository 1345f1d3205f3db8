//! Each command that README, CONTRIBUTING and `docs` show is run as it stands, over scenarios of a few requests.

mod desk;
mod page;

use crate::support::{Sim, aloud, repository};
use desk::Desk;
use page::{Command, all_pages, commands, mentions, pages};
use std::fs;

/// A page, and what its reader has done before.
struct Documented {
    page: &'static str,
    /// Lines of shell that are run first.
    before: &'static [&'static str],
}

/// A command that a test cannot run.
struct Elsewhere {
    command: &'static str,
    /// A line of shell that comes to the same here, or nothing.
    instead: &'static str,
    reason: &'static str,
}

const PAPER: &str = "sim scenarios/paper.toml --no-report";
const TINY: &str = "sim models write tiny --out tiny && cp -r tiny/draft FOLDER";
const REPLAYED: &str = "sim my.toml --mode replay --no-report";
const DRAWN: &str =
    "sim questions draw --out drawn --count 1 --size 56x42 && cp drawn/pictures/*.png photo.jpg && cp photo.jpg FILE";
/// A file of MMBench with one question.
const MMBENCH: &str = "printf 'index\\tquestion\\thint\\tA\\tB\\tC\\tD\\tanswer\\tcategory\\timage\\tsplit\\n7\\tWhich?\\t\\tred\\tblue\\t\\t\\tB\\tcolour\\t%s\\tdev\\n' \
    $(base64 -w 0 photo.jpg) > FILE.tsv && cp FILE.tsv mmbench_dev_en.tsv";
/// The files of VQAv2 with one question.
const VQAV2: &str = "mkdir val2014 && cp photo.jpg val2014/COCO_val2014_000000000042.jpg
echo '{\"data_subtype\": \"val2014\", \"questions\": [{\"image_id\": 42, \"question\": \"What color is it?\", \"question_id\": 1}]}' > v2_OpenEnded_mscoco_val2014_questions.json
answers=$(for n in 1 2 3 4 5 6 7 8 9 10; do printf '%s{\"answer\": \"red\", \"answer_confidence\": \"yes\", \"answer_id\": %s}' \"$comma\" $n; comma=,; done)
echo '{\"annotations\": [{\"answer_type\": \"other\", \"image_id\": 42, \"question_id\": 1, \"answers\": ['\"$answers\"']}]}' > v2_mscoco_val2014_annotations.json";

/// Exit codes other than 0, where a page says that they are to be expected.
const EXITS: &[(&str, &[i32])] = &[("sim validate my.toml --tolerance 10", &[0, 3])];

/// The models of the scenario `my.toml` are small and drawn.
const RANDOM: &str = "words of random weights cannot be compared";

const ELSEWHERE: &[Elsewhere] = &[
    Elsewhere { command: "cargo xtask test", instead: "", reason: "it runs this test" },
    Elsewhere {
        command: "cargo run --bin sim -- scenarios/paper.toml --set policy.cloud_if_long.long_tokens=60",
        instead: "",
        reason: "the policy is its reader's; a test of `policies` compiles it",
    },
    Elsewhere {
        command: "COLUMNS_UPDATE=1 cargo nextest run -p tables",
        instead: "",
        reason: "it writes the repository's dictionary anew",
    },
    Elsewhere {
        command: "INSTA_UPDATE=always cargo nextest run -p sim results:: check:: tune::",
        instead: "",
        reason: "it accepts the repository's snapshots",
    },
    Elsewhere { command: "sim referee", instead: "sim referee --only mindfusion_table4", reason: "minutes" },
    Elsewhere {
        command: "sim referee --only paper,ablation,tornado",
        instead: "sim referee --only mindfusion_table4",
        reason: "half a minute",
    },
    Elsewhere {
        command: "sim capacity scenarios/load.toml --vary arrivals.poisson.rate --target \"e2e_ms_p99 <= 2 s\"",
        instead: "sim capacity scenarios/load.toml --vary arrivals.poisson.rate --target \"e2e_ms_p99 <= 2 s\" --policy msao \
                  --set workload.requests=200 --max-runs 20 || test $? = 5",
        reason: "a minute",
    },
    Elsewhere {
        command: "sim capacity scenarios/load.toml --set sweep={} --set arrivals.poisson.rate=\"40 /s\" --vary cloud.gpus --least --target \"ttft_ms_p99 <= 500 ms\" --to 64",
        instead: "sim capacity scenarios/load.toml --set sweep={} --set arrivals.poisson.rate=\"40 /s\" --vary cloud.gpus --least --target \"ttft_ms_p99 <= 500 ms\" --to 64 \
                  --policy msao --set workload.requests=200 --max-runs 20 || test $? = 5",
        reason: "a minute",
    },
    Elsewhere {
        command: "sim capacity scenarios/capacity.toml --vary arrivals.poisson.rate --max-runs 3000",
        instead: "sim capacity scenarios/capacity.toml --vary arrivals.poisson.rate --set workload.requests=400 --max-runs 20 \
                  || test $? = 5",
        reason: "minutes",
    },
    Elsewhere {
        command: "sim capacity scenarios/capacity.toml --vary arrivals.poisson.rate --max-runs 3000 --target \"ttft_ms_p99 <= 500 ms\"",
        instead: "sim capacity scenarios/capacity.toml --vary arrivals.poisson.rate --set workload.requests=400 --max-runs 20 \
                  --target \"ttft_ms_p99 <= 500 ms\" || test $? = 5",
        reason: "minutes",
    },
    Elsewhere {
        command: "sim capacity scenarios/orin_l40s.toml --vary arrivals.poisson.rate",
        instead: "sim capacity scenarios/orin_l40s.toml --vary arrivals.poisson.rate --set workload.requests=100 --max-runs 20 \
                  || test $? = 5",
        reason: "minutes",
    },
    Elsewhere {
        command: "sim capacity scenarios/classes.toml --vary arrivals.poisson.rate",
        instead: "sim capacity scenarios/classes.toml --vary arrivals.poisson.rate --set workload.requests=200 --max-runs 20 \
                  || test $? = 5",
        reason: "minutes",
    },
    Elsewhere {
        command: "sim first.toml",
        instead: "sim first.toml --set replications=1 --set workload.requests=8",
        reason: "most of a minute",
    },
    Elsewhere { command: "cargo install --path sim --locked", instead: "", reason: "a release build of many minutes" },
    Elsewhere { command: "cargo xtask wheel", instead: "", reason: "a release build of many minutes" },
    Elsewhere { command: "cargo xtask onnxruntime", instead: "", reason: "a step of `cargo xtask test`" },
    Elsewhere { command: "cargo xtask gpu-check", instead: "", reason: "it needs a GPU" },
    Elsewhere {
        command: "cargo xtask gpu-check --provider cpu",
        instead: "",
        reason: "a test of `xtask` runs it with the binary of this build",
    },
    Elsewhere {
        command: "cargo xtask gpu-check --pack target/gpu-pack",
        instead: "",
        reason: "it obtains 250 MB and builds for release",
    },
    Elsewhere { command: "cargo xtask train", instead: "", reason: "an hour of a core" },
    Elsewhere {
        command: "cargo xtask replay scenarios/replay_tiny.toml",
        instead: "",
        reason: "tests of replays write the same models and run them",
    },
    Elsewhere { command: "cargo xtask replay", instead: "", reason: "a step of `cargo xtask test`" },
    Elsewhere {
        command: "cargo test -p model --test measured -- --nocapture",
        instead: "",
        reason: "a test of its own",
    },
    Elsewhere {
        command: "sim models write qwen2-vl-2b --out qwen2-vl-2b",
        instead: "sim models write tiny --out qwen && cp -r qwen/target qwen2-vl-2b",
        reason: "4.9 GB",
    },
    Elsewhere {
        command: "sim check results/paper --baseline paper.baseline.toml",
        instead: "sim check results/paper --baseline paper.baseline.toml --bless && \
            sim check results/paper --baseline paper.baseline.toml",
        reason: "a baseline is blessed once, by its owner",
    },
    Elsewhere {
        command: "sim calibrate --served requests.csv server.toml --out tuning.toml",
        instead: "",
        reason: "tests/calibrate_served.rs runs it on enough requests",
    },
    Elsewhere {
        command: "sim calibrate --served single.csv --served light.csv server.toml --out tuning.toml",
        instead: "",
        reason: "tests/calibrate_served.rs runs it on enough requests",
    },
    Elsewhere { command: "cargo xtask validation", instead: "", reason: "it needs ../shared and ten minutes" },
    Elsewhere { command: "sim validate my.toml", instead: "sim validate served.toml", reason: RANDOM },
    Elsewhere {
        command: "sim validate my.toml --tolerance 10",
        instead: "sim validate served.toml --tolerance 10",
        reason: RANDOM,
    },
    Elsewhere {
        command: "sim scenarios/paper.toml --json | jq '.rows[] | {policy, bandwidth_mbps, e2e_ms_mean}'",
        instead: "sim scenarios/paper.toml --json --no-report | grep -q e2e_ms_mean",
        reason: "jq is not everywhere",
    },
    Elsewhere {
        command: "sim check out --baseline short.baseline.toml --json | jq -r '.rows[] | select(.fails) | [.policy, .metric, .evidence] | @tsv'",
        instead: "sim check out --baseline short.baseline.toml --json | grep -q evidence",
        reason: "jq is not everywhere",
    },
    Elsewhere { command: "sim models write qwen2.5-vl-7b --out qwen2.5-vl-7b", instead: "", reason: "16.6 GB" },
    Elsewhere {
        command: "sim sweep scenarios/sweep_mas.toml --shards 200 --slurm --out DIR",
        instead: "",
        reason: "tests/slurm.rs runs it on a cluster",
    },
    Elsewhere {
        command: "sbatch DIR/job.sbatch",
        instead: "seq 0 199 | xargs -P 2 -I{} \"$SIM\" sweep scenarios/sweep_mas.toml --shards 200 --shard {}/200 --out DIR",
        reason: "tests/slurm.rs runs it on a cluster",
    },
];

const PAGES: &[Documented] = &[
    Documented { page: "CONTRIBUTING.md", before: &[] },
    Documented {
        page: "README.md",
        before: &[TINY, DRAWN, MMBENCH, REPLAYED, PAPER, "sim scenarios/preset_r.toml --no-report"],
    },
    Documented { page: "docs/calibration.md", before: &[TINY, REPLAYED] },
    Documented { page: "docs/capacity.md", before: &[] },
    Documented {
        page: "docs/claims.md",
        before: &["sim scenarios/preset_r.toml --no-report", "sim scenarios/ablation.toml --no-report"],
    },
    Documented { page: "docs/clusters.md", before: &[] },
    Documented { page: "docs/command-line.md", before: &[] },
    Documented { page: "docs/compute-model.md", before: &[] },
    Documented { page: "docs/external.md", before: &[] },
    Documented { page: "docs/links.md", before: &[] },
    Documented { page: "docs/models.md", before: &[DRAWN] },
    Documented {
        page: "docs/output.md",
        before: &[
            "sim scenarios/regression/short.toml --out out --no-report",
            "sim check out --baseline short.baseline.toml --bless",
        ],
    },
    Documented { page: "docs/questions.md", before: &[DRAWN, MMBENCH, VQAV2] },
    Documented { page: "docs/referee.md", before: &[] },
    Documented { page: "docs/regression.md", before: &["cp \"$SIM\" sim-of-main"] },
    Documented { page: "docs/replay.md", before: &[TINY] },
    Documented { page: "docs/sweeps.md", before: &[] },
    Documented { page: "docs/tutorial.md", before: &[] },
];

/// Runs the commands of a page, and says which did not end as the page says.
fn run(page: &str) {
    let documented = PAGES.iter().find(|documented| documented.page == page).expect("a page of the list");
    let desk = Desk::new();
    for line in documented.before {
        let output = desk.shell(line);
        if has_no_runtime(&output.stderr, output.code) {
            return aloud(&format!("skipped: {page}: {}", output.stderr.trim()));
        }
        assert_eq!(output.code, Some(0), "{page}: before its commands: {line}\n{output:#?}");
    }
    let faults: Vec<_> = commands(page).iter().filter_map(|command| fault(&desk, page, command)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// The way in which a command failed, if it did.
fn fault(desk: &Desk, page: &str, Command { line, text }: &Command) -> Option<String> {
    let elsewhere = ELSEWHERE.iter().find(|elsewhere| elsewhere.command == text);
    let shell = elsewhere.map_or(text.as_str(), |elsewhere| elsewhere.instead);
    let output = desk.shell(shell);
    let exits = EXITS.iter().find(|(command, _)| command == text).map_or(&[0][..], |(_, exits)| exits);
    if has_no_runtime(&output.stderr, output.code) {
        aloud(&format!("skipped: {page}:{line}: {}", output.stderr.trim()));
        return None;
    }
    let is_good = output.code.is_some_and(|code| exits.contains(&code));
    (!is_good).then(|| format!("{page}:{line}: {text}\nexit code {:?}\n{}", output.code, output.stderr))
}

fn has_no_runtime(stderr: &str, code: Option<i32>) -> bool {
    code == Some(4) && stderr.contains("ONNX Runtime")
}

#[test]
fn every_page_with_commands_is_in_the_list() {
    let listed: Vec<_> = PAGES.iter().map(|documented| documented.page.to_owned()).collect();
    assert_eq!(pages(), listed);
}

/// Commands within sentences have placeholders and are not run: each is one that there is, with the options that it names.
#[test]
fn every_command_that_a_sentence_names_is_known() {
    let sim = Sim::new();
    for page in all_pages() {
        for words in mentions(&page) {
            let is_name = |word: &&String| word.chars().all(|letter| letter.is_ascii_lowercase());
            let names: Vec<&String> = words.iter().take_while(is_name).collect();
            // `sim list devices` names a value.
            let names =
                &names[..names.len().min(if names.first().is_some_and(|name| *name == "list") { 1 } else { 2 })];
            let help = sim.run(names.iter().map(|name| name.as_str()).chain(["--help"]));
            assert_eq!(help.code, Some(0), "{page}: `sim {}`: {}", words.join(" "), help.stderr);
            let is_known = |option: &str| {
                help.stdout.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).any(|word| word == option)
            };
            for option in
                words.iter().filter_map(|word| word.starts_with("--").then(|| word.split('=').next()).flatten())
            {
                assert!(is_known(option), "{page}: `sim {}` names {option}, which its help does not", words.join(" "));
            }
        }
    }
}

#[test]
fn every_command_that_is_not_run_stands_in_a_page() {
    let shown: Vec<_> = PAGES.iter().flat_map(|documented| commands(documented.page)).collect();
    let is_shown = |command: &str| shown.iter().any(|shown| shown.text == command);
    for Elsewhere { command, reason, .. } in ELSEWHERE {
        assert!(is_shown(command), "no page says `{command}`, which is not run: {reason}");
    }
    for (command, _) in EXITS {
        assert!(is_shown(command), "no page says `{command}`");
    }
}

/// A test for each page, so that they run beside each other.
macro_rules! documented {
    ($($name:ident: $page:literal;)*) => {
        $(#[test] fn $name() { run($page); })*

        #[test]
        fn every_page_has_a_test() {
            let tested = [$($page),*];
            assert_eq!(tested.to_vec(), PAGES.iter().map(|documented| documented.page).collect::<Vec<_>>());
        }
    };
}

documented! {
    contributing: "CONTRIBUTING.md";
    readme: "README.md";
    calibration: "docs/calibration.md";
    capacity: "docs/capacity.md";
    claims: "docs/claims.md";
    clusters: "docs/clusters.md";
    command_line: "docs/command-line.md";
    compute_model: "docs/compute-model.md";
    external: "docs/external.md";
    links: "docs/links.md";
    models: "docs/models.md";
    output: "docs/output.md";
    questions: "docs/questions.md";
    referee: "docs/referee.md";
    regression: "docs/regression.md";
    replay: "docs/replay.md";
    sweeps: "docs/sweeps.md";
    tutorial: "docs/tutorial.md";
}

/// The tutorial shows parts of its example, and no others.
#[test]
fn the_tutorial_shows_its_own_files() {
    let read = |file: &str| fs::read_to_string(repository(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let files = ["toml", "csv"].map(|ending| {
        let name = if ending == "toml" { "phones.toml" } else { "requests.csv" };
        (ending, read(&format!("docs/examples/phones/{name}")))
    });
    let page = read("docs/tutorial.md");
    for (ending, file) in files {
        let blocks: Vec<&str> =
            page.split(&format!("```{ending}\n")).skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert!(!blocks.is_empty(), "no block of {ending}");
        for block in blocks {
            assert!(file.contains(block), "the example has not:\n{block}");
        }
    }
}
