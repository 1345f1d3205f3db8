//! Traces of requests through the binary: played as they are, a window of them, read once, described and imported.

use crate::parquet_file::{Row, count, number, rows};
use crate::refusals::refused;
use crate::summary::summary;
use crate::support::{Sim, aloud, repository};
use serde_json::Value;

/// A scenario over a trace, without `[arrivals]`.
fn scenario(dataset: &str) -> String {
    format!("name = \"t\"\nreplications = 1\n[workload]\ndataset.{dataset}\n[policy.cloud_only]\n")
}

/// Requests an hour apart.
const GAPS: &str = "arrival_s,input_tokens,output_tokens\n0,40,20\n3600,40,20\n7200,40,20\n";

/// The rows of the requests of `t.toml`, in their order.
fn played(sim: &Sim, args: &[&str]) -> Vec<Row> {
    sim.done([&["t.toml", "--out", "out"], args].concat());
    let mut rows = rows(&sim.path("out/requests.parquet"));
    rows.sort_by_key(|row| count(row, "request"));
    rows
}

fn submits(rows: &[Row]) -> Vec<f64> {
    rows.iter().map(|row| number(row, "submit_s").expect("a time")).collect()
}

fn with(dataset: &str, name: &str, content: &str) -> Sim {
    Sim::new().with("t.toml", scenario(dataset)).with(name, content)
}

#[test]
fn a_trace_keeps_its_arrivals_unless_others_are_asked_for() {
    let sim = with("served = \"r.csv\"", "r.csv", GAPS);
    assert_eq!(submits(&played(&sim, &[])), [0.0, 3600.0, 7200.0]);
    let shown = sim.done(["show", "t.toml"]).stdout;
    assert!(shown.contains("[arrivals.trace]"), "{shown}");
    let closed = sim.done(["t.toml", "--out", "closed", "--set", "arrivals.closed_loop.clients=1"]);
    let remark = "rrivals: a closed loop of 1 client for each edge; not the times of the trace served";
    assert!(closed.stdout.contains(remark) && closed.stderr.contains(remark), "{closed:#?}");
    assert_eq!(closed.stderr.matches(remark).count(), 1, "{closed:#?}");
    // A point of a sweep whose dataset is no trace has the closed loop of old.
    let swept = scenario("served = \"r.csv\"") + "[sweep]\n\"workload.dataset\" = [\"vqav2\"]\n";
    Sim::new().with("t.toml", swept).with("r.csv", GAPS).done("t.toml --set workload.requests=3 --out out".split(' '));
}

#[test]
fn what_would_change_what_was_served_is_refused() {
    let measured = GAPS.replace(",output_tokens\n", ",output_tokens,e2e_ms\n").replace(",20\n", ",20,300\n");
    let sim = with("served = \"r.csv\"", "r.csv", &measured);
    for set in [
        "arrivals.closed_loop.clients=1",
        "arrivals.poisson.rate=2 /s",
        "arrivals.trace.speed=2",
        "arrivals.trace.rate=2 /s",
        "workload.output_tokens=3",
        "workload.system_prompt=3",
    ] {
        let said = refused(&sim, &["validate", "t.toml", "--out", "out", "--set", set]);
        assert!(said.contains("this is taken from the file of served requests; leave it out"), "{set}: {said}");
    }
    let compared = |args: &[&str]| -> Value {
        let args = [&["validate", "t.toml", "--json", "--out", "out"], args].concat();
        serde_json::from_str(&sim.done(args).stdout).expect("JSON")
    };
    assert_eq!(compared(&[])["comparisons"][0]["requests"], 3);
    assert_eq!(compared(&["--set", "workload.window.from=1 h"])["comparisons"][0]["requests"], 2);
}

#[test]
fn columns_that_nobody_reads_are_named_once() {
    let text = GAPS.replace("arrival_s", "speed,arrival_s,note").replace("\n0,", "\n1,0,a,");
    let text = text.replace("\n3600,", "\n1,3600,a,").replace("\n7200,", "\n1,7200,a,");
    let sim = with("served = \"r.csv\"", "r.csv", &text);
    let swept = sim.done(["t.toml", "--out", "out", "--set", "sweep.seed=[1,2,3]"]);
    assert_eq!(swept.stderr.matches("r.csv: 2 columns are not read: speed, note").count(), 1, "{swept:#?}");
}

#[test]
fn requests_of_a_trace_have_its_pictures() {
    let text = "arrival_s,input_tokens,output_tokens,num_images,image_width,image_height,image_bytes,frames,audio_s\n\
                0,40,20,1,640,480,,,\n1,40,20,2,1920,1080,90000,,\n2,40,20,,,,,,\n3,40,20,,448,448,,8,2\n";
    let sim = with("served = \"r.csv\"", "r.csv", text);
    let rows = played(&sim, &[]);
    let of = |column: &str| rows.iter().map(|row| count(row, column)).collect::<Vec<_>>();
    assert_eq!(of("visual_tokens"), [391, 2 * 2691, 0, 4 * 256]);
    assert_eq!(of("audio_tokens"), [0, 0, 0, 50]);
    let text_model = "cloud.model=llama-3.2-1b";
    let own = "[model.\"llama-3.2-1b\"]\nlayers = 16\nhidden = 2048\nintermediate = 8192\nheads = 32\nkv_heads = 8\nvocab = 128256\n";
    let blind = Sim::new().with("t.toml", scenario("served = \"r.csv\"") + own).with("r.csv", text);
    let said = refused(&blind, &["t.toml", "--set", text_model]);
    assert!(said.contains("llama-3.2-1b has no vision tower, and the requests have pictures"), "{said}");
    blind.with("r.csv", GAPS).done(["t.toml", "--set", text_model, "--out", "text"]);
}

#[test]
fn a_window_of_a_trace_and_a_scale_of_its_rate() {
    let rows: String = (0..100).map(|n| format!("{},{},2\n", n * 10, 100 + n)).collect();
    let sim = with("served = \"r.csv\"", "r.csv", &format!("arrival_s,input_tokens,output_tokens\n{rows}"));
    let window = "workload.window={ from = \"200 s\", until = \"500 s\", skip = 3 }";
    let part = played(&sim, &["--set", window]);
    assert_eq!((part.len(), count(&part[0], "text_tokens")), (27, 123));
    assert_eq!(submits(&part)[..2], [0.0, 10.0]);
    let few = played(&sim, &["--set", window, "--set", "workload.requests=5", "--set", "arrivals.trace.rate=2 /s"]);
    assert_eq!(submits(&few), [0.0, 0.5, 1.0, 1.5, 2.0]);
    for (set, says) in [
        ("workload.window.from=1 h", "workload.window: the trace has no request in it; widen it"),
        ("workload.window={ from = \"5 s\", until = \"5 s\" }", "workload.window.until: expected a time after `from`"),
        ("arrivals.trace={ speed = 2, rate = \"1 /s\" }", "expected a speed or a rate, not both"),
        ("arrivals.trace.rate=1 /y", "arrivals.trace.rate"),
        ("workload.dataset=vqav2", ""),
    ] {
        let sets = ["t.toml", "--set", "workload.window.skip=1", "--set", set];
        let said = refused(&sim, &sets);
        assert!(said.contains(says), "{set}: {said}");
    }
}

#[test]
fn a_trace_without_times_is_played_as_somebody_says() {
    let sim = with("served = \"r.csv\"", "r.csv", "input_tokens,output_tokens\n40,20\n30,10\n");
    let said = refused(&sim, &["t.toml"]);
    assert!(said.contains("the trace has no times of arrival; say when requests come: [arrivals.poisson]"), "{said}");
    let closed = sim.done(["t.toml", "--set", "arrivals.closed_loop.clients=1", "--out", "out"]);
    assert!(closed.stdout.contains("not the times of the trace served"), "{closed:#?}");
}

#[test]
fn a_server_without_times_is_compared_under_the_load_that_somebody_says() {
    let timings = "{\"timings\":{\"prompt_n\":40,\"prompt_ms\":50.0,\"predicted_n\":20,\"predicted_ms\":190.0}}\n";
    let sim = with("llama_server = \"r.jsonl\"", "r.jsonl", &timings.repeat(3));
    let args = "validate t.toml --out out --set arrivals.closed_loop.clients=1";
    let done = sim.done(args.split(' '));
    assert!(done.stdout.contains("lengths are the file's, which has no times of arrival"), "{done:#?}");
}

/// A broken row behind the last wanted request does no harm at any point, since nobody reads it.
#[test]
fn a_trace_is_read_no_further_than_needed() {
    let text = GAPS.to_owned() + "broken\n";
    let sim = with("served = \"r.csv\"", "r.csv", &text);
    sim.done(["t.toml", "--out", "out", "--set", "workload.requests=3", "--set", "sweep.seed=[1,2,3]"]);
    assert_eq!(summary(&sim.text("out/summary.csv")).len(), 3);
    for number in ["4", "1000"] {
        let said = refused(&sim, &["t.toml", "--set", &format!("workload.requests={number}")]);
        assert!(said.contains("r.csv:5: found 1 fields; expected 3"), "{said}");
    }
}

const BENCH: &str = "{\"input_lens\": [100, 50], \"output_lens\": [3, 1], \"ttfts\": [0.05, 0.2], \
                     \"itls\": [[0.01, 0.02], []], \"errors\": [\"\", \"\"], \"start_times\": [7.5, 7.0]}";

#[test]
fn what_a_benchmark_measured_survives_the_import() {
    let sim = Sim::new().with("bench.json", BENCH);
    let done = sim.done("requests import vllm-bench bench.json --out r.csv".split(' '));
    assert!(
        done.stderr.contains("2 requests in r.csv; a scenario names it as dataset.served = \"r.csv\""),
        "{done:#?}"
    );
    let header = "# msao-sim requests, version 1\narrival_s,input_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms\n";
    assert_eq!(sim.text("r.csv"), format!("{header}0,50,1,200,,200\n0.5,100,3,50,15,80\n"));
    for dataset in ["served = \"r.csv\"", "vllm_bench = \"bench.json\""] {
        let sim =
            Sim::new().with("t.toml", scenario(dataset)).with("bench.json", BENCH).with("r.csv", sim.text("r.csv"));
        let told = sim.done("validate t.toml --json --out out".split(' ')).stdout;
        let told: Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(told["comparisons"][0]["figures"]["e2e_ms_mean"]["measured"], 140.0, "{dataset}");
    }
}

#[test]
fn a_file_is_described() {
    let sim = Sim::new().with("bench.json", BENCH).with("r.csv", GAPS);
    let told: Value =
        serde_json::from_str(&sim.done("requests describe bench.json --json".split(' ')).stdout).expect("JSON");
    assert_eq!(
        (&told["format"], &told["requests"], &told["rate_per_s"]),
        (&"vllm_bench".into(), &2.into(), &2.0.into())
    );
    assert_eq!((&told["input_tokens"]["p50"], &told["ttft_ms"]["max"]), (&50.0.into(), &200.0.into()));
    let told = sim.done("requests describe r.csv".split(' ')).stdout;
    for line in [
        "r.csv: Requests in our own CSV",
        "  requests        3\n  duration        7200 s\n  rate            0.000278 /s, busiest minute 0.0167 /s,",
        "  input tokens    min 40, P50 40, mean 40, P90 40, P99 40, max 40\n",
        "  missing         pictures: the requests are text alone\n  missing         ttft_ms, the measured time",
    ] {
        assert!(told.contains(line), "{told}\nhas no\n{line}");
    }
    let unknown = refused(&sim.with("x.csv", "a,b\n1,2\n"), &["requests", "describe", "x.csv"]);
    assert!(unknown.contains("x.csv: found no known format; name one with --format: aiperf, azure_llm"), "{unknown}");
}

#[test]
fn what_cannot_be_imported_is_refused() {
    let sim = Sim::new()
        .with(
            "chats.json",
            "[{\"conversations\": [{\"from\": \"human\", \"value\": \"a\"}, {\"from\": \"gpt\", \"value\": \"b\"}]}]",
        )
        .with("guide.csv", "Run Info,Benchmark\nModel,m\n")
        .with("bench.json", BENCH);
    let cases = [
        (
            "sharegpt chats.json",
            "chats.json: texts have no lengths in tokens; name a tokenizer: --tokenizer tokenizer.json",
        ),
        ("sharegpt chats.json --tokenizer none.json", "cannot read the tokenizer none.json"),
        ("guidellm guide.csv", "guide.csv:1: found guidellm's CSV, which has summaries and no request"),
        ("served guide.csv", "export the JSON, which has them: guidellm benchmark --outputs json"),
        ("served bench.json", ""),
        ("azure_llm bench.json --run 1", "azure_llm takes no --run; leave it out"),
        ("vllm_bench bench.json --run 1", "bench.json: found no run 1; there are 1, from 0"),
        ("vllm_bench bench.json --skip 2", "bench.json: the trace has no request in that window"),
        ("vllm_bench nowhere.json", "nowhere.json: found no such file"),
        ("servegen bench.json", ""),
    ];
    for (args, says) in cases {
        let args = ["requests", "import"].into_iter().chain(args.split(' ')).chain(["--out", "r.csv"]);
        let said = refused(&sim, &args.collect::<Vec<_>>());
        assert!(said.contains(says), "{said}\nhas no\n{says}");
    }
}

/// A tokenizer whose tokens are words.
const WORDS: &str = r#"{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": null,
    "pre_tokenizer": {"type": "WhitespaceSplit"}, "post_processor": null, "decoder": null,
    "model": {"type": "WordLevel", "vocab": {"<unk>": 0, "red": 1}, "unk_token": "<unk>"}}"#;

#[test]
fn conversations_are_counted_by_a_tokenizer() {
    let turn = |from: &str, value: &str| serde_json::json!({"from": from, "value": value});
    let chats = serde_json::json!([
        {"id": "a", "conversations": [turn("human", "is it red ?"), turn("gpt", "yes , red"), turn("human", "more")]},
        {"id": "b", "conversations": [turn("gpt", "alone")]},
        {"id": "c", "conversations": [turn("system", "be kind"), turn("human", "how many"), turn("gpt", "one")]},
    ]);
    let sim = Sim::new().with("chats.json", chats.to_string()).with("words.json", WORDS);
    let done = sim.done("requests import sharegpt chats.json --tokenizer words.json --out r.csv".split(' '));
    assert_eq!(sim.text("r.csv"), "# msao-sim requests, version 1\ninput_tokens,output_tokens\n4,3\n2,1\n");
    for said in [
        "chats.json: 1 of 3 requests are left out: no prompt with an answer behind it",
        "chats.json: no times of arrival; a scenario says when",
        "2 requests in r.csv",
    ] {
        assert!(done.stderr.contains(said), "{said}: {done:#?}");
    }
    // The same requests as a dataset.
    let dataset = "sharegpt = { file = \"chats.json\", tokenizer = \"words.json\" }";
    let sim = sim.with("t.toml", scenario(dataset));
    let rows = played(&sim, &["--set", "arrivals.closed_loop.clients=1"]);
    let lengths = rows.iter().map(|row| (count(row, "text_tokens"), count(row, "output_tokens")));
    assert_eq!(lengths.collect::<Vec<_>>(), [(4, 3), (2, 1)]);
    let broken = sim.with("words.json", "{}");
    let said = refused(
        &broken,
        &["requests", "import", "sharegpt", "chats.json", "--tokenizer", "words.json", "--out", "s.csv"],
    );
    assert!(said.contains("words.json"), "{said}");
}

#[test]
fn a_folder_of_servegen_is_drawn_and_what_is_not_drawn_is_said() {
    let arrivals = "0,2,1,Exponential,0,0\n600,0,0,,0,0\n";
    let text = r#"{"0": {"input_tokens": "{30: 0.5, 40: 0.5}", "output_tokens": "{5: 1.0}", "reason_ratio": "{0.0: 0.5, 0.5: 0.5}"}}"#;
    let media = r#"{"0": {"text_tokens": "{7: 1.0}", "image_tokens": "{391: 1.0}", "image_count": "{2: 1.0}",
        "audio_count": "{1: 1.0}", "audio_tokens": "{50: 1.0}", "video_count": "{0: 1.0}", "output_tokens": "{9: 1.0}"}}"#;
    let sim = Sim::new()
        .with("mm/chunk-0-trace.csv", arrivals)
        .with("mm/chunk-0-dataset.json", text)
        .with("mm/chunk-7-trace.csv", arrivals)
        .with("mm/chunk-7-dataset.json", media);
    let done = sim.done("requests import servegen mm --limit 40 --seed 3 --out r.csv".split(' '));
    for field in ["audio_count", "audio_tokens", "reason_ratio"] {
        let said = format!("mm: {field} of 1 of 2 clients is not read: their requests are drawn without it");
        assert!(done.stderr.contains(&said), "{said}: {done:#?}");
    }
    assert!(!done.stderr.contains("video_count"), "{done:#?}");
    let csv = sim.text("r.csv");
    let mut lines = csv.lines().skip(1);
    assert_eq!(lines.next(), Some("arrival_s,input_tokens,output_tokens,num_images,image_tokens"));
    let kinds: std::collections::BTreeSet<&str> = lines.map(|line| line.split_once(',').expect("columns").1).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["30,5,,", "40,5,,", "7,9,2,782"]);
    assert_eq!(csv.lines().count(), 42);
    // A scenario says it too, once.
    let sim = sim.with("t.toml", scenario("servegen.folder = \"mm\""));
    let swept = sim.done(["t.toml", "--out", "out", "--set", "workload.requests=5", "--set", "sweep.seed=[1,2]"]);
    assert_eq!(swept.stderr.matches("audio_count of 1 of 2 clients is not read").count(), 1, "{swept:#?}");
    let described = sim.done("requests describe mm".split(' ')).stdout;
    assert!(
        described.contains("[servegen]") && described.contains("remark          audio_count of 1 of 2"),
        "{described}"
    );
}

#[test]
fn pictures_of_aiperf_that_are_not_read_are_said() {
    let record = |media: &str| {
        format!(
            "{{\"metadata\": {{\"request_start_ns\": 5}}, \"metrics\": {{{media}\"input_sequence_length\": {{\"value\": 50}}, \
             \"output_sequence_length\": {{\"value\": 9}}}}, \"error\": null}}\n"
        )
    };
    let media = record("\"num_images\": {\"value\": 2, \"unit\": \"images\"}, \"image_latency\": {\"value\": 3.5}, ");
    let sim = Sim::new().with("profile_export.jsonl", media + &record(""));
    let done = sim.done("requests import aiperf profile_export.jsonl --out r.csv".split(' '));
    let said =
        "profile_export.jsonl: 1 of 2 records have image_latency, num_images, which say no size and are not read";
    assert!(done.stderr.contains(said), "{done:#?}");
    assert_eq!(sim.text("r.csv").lines().count(), 4);
}

/// The page has the columns of the format.
#[test]
fn the_page_has_the_columns() {
    let page = std::fs::read_to_string(repository("docs/traces.md")).expect("docs/traces.md");
    for (column, meaning) in traces::requests::COLUMNS {
        assert!(page.contains(&format!("| `{column}` | {meaning} |\n")), "{column}: {meaning}");
    }
    for format in traces::requests::RequestTrace::FORMATS {
        assert!(page.contains(&format!("`{}`", format.name)), "{}", format.name);
    }
    let example = page.split("```csv\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
    let sim = with("served = \"r.csv\"", "r.csv", example);
    assert_eq!(played(&sim, &[]).len(), 2);
}

/// The files of the shared cases, each with what is right.
#[test]
fn shared_cases_are_right() {
    let Some(cases) = Some(repository("../shared/cases")).filter(|folder| folder.is_dir()) else {
        return aloud("skipped: shared_cases_are_right: ../shared is not here");
    };
    let file = |name: &str| cases.join("requests").join(name).canonicalize().expect("a case").display().to_string();
    let sim = Sim::new();
    let scenario =
        |name: &str| cases.join("scenarios").join(name).canonicalize().expect("a case").display().to_string();
    let run = |scenario_file: &str, dataset: &str, name: &str| {
        let set = format!("workload.dataset.{dataset}={}", file(name));
        sim.run([&scenario(scenario_file), "--out", "out", "--set", &set])
    };
    let requests = || rows(&sim.path("out/requests.parquet"));
    // The file's arrivals, not a closed loop.
    assert_eq!(sim.run([&scenario("noarr.toml"), "--out", "out"]).code, Some(0));
    assert!(requests().iter().any(|row| number(row, "submit_s") == Some(7_200.0)));
    assert_eq!(run("req.toml", "served", "served_images.csv").code, Some(0));
    assert!(requests().iter().all(|row| count(row, "visual_tokens") >= 391));
    let twice = run("req.toml", "served", "served_dup_header.csv");
    assert!(twice.code == Some(2) && twice.stderr.contains("the column output_tokens a second time"), "{twice:#?}");
    for (format, name, number) in [
        ("mooncake", "mooncake_bom.jsonl", 2),
        ("mooncake", "mooncake_float_ms.jsonl", 2),
        ("vllm_bench", "vllm_bench_detailed.json", 6),
        ("burstgpt", "burstgpt.csv", 3),
        ("qwen_bailian", "qwen_bailian.jsonl", 2),
        ("azure_llm", "azure_index_column.csv", 1),
    ] {
        let done = run("req.toml", format, name);
        assert!(done.code == Some(0) && requests().len() == number, "{name}: {done:#?}");
        let imported = sim.run(["requests", "import", format, &file(name), "--out", "r.csv"]);
        assert_eq!((imported.code, sim.text("r.csv").lines().count()), (Some(0), 2 + number), "{name}: {imported:#?}");
        let described = sim.run(["requests", "describe", &file(name)]);
        assert!(described.code == Some(0) && described.stdout.contains(&format!("[{format}]")), "{described:#?}");
    }
    for format in ["served", "guidellm"] {
        let summaries = run("req.toml", format, "guidellm_requests.csv");
        assert!(summaries.code == Some(2) && summaries.stderr.contains("--outputs json"), "{summaries:#?}");
    }
}
