//! Request traces as they are published, and what is no trace.

use super::{ends, over};
use crate::parquet_file::{Row, count, number, rows};
use crate::support::Sim;
use parquet::record::Field;

/// The requests that `case.toml` plays.
fn played(sim: &Sim) -> Vec<Row> {
    sim.done("case.toml --out out".split(' '));
    let mut rows = rows(&sim.path("out/requests.parquet"));
    rows.sort_by_key(|row| count(row, "request"));
    rows
}

pub fn pictures(_: &str) {
    let text = "arrival_s,input_tokens,output_tokens,num_images,image_width,image_height,colour\n0,50,20,1,640,480,red\n1,50,20,3,448,448,blue\n";
    let sim = over("served", "r.csv", text);
    let tokens = |rows: &[Row]| rows.iter().map(|row| count(row, "visual_tokens")).collect::<Vec<_>>();
    assert_eq!(tokens(&played(&sim)), [391, 3 * 256]);
    ends(&sim.done("case.toml --out out".split(' ')), 0, "r.csv: 1 column is not read: colour");
    // Bytes, where they are given, are those of the link.
    let bytes = over(
        "served",
        "r.csv",
        "arrival_s,input_tokens,output_tokens,num_images,image_width,image_height,image_bytes\n0,50,20,1,640,480,123456\n",
    );
    let sent = count(&played(&bytes)[0], "uplink_bytes");
    let twice = bytes.with("r.csv", "arrival_s,input_tokens,output_tokens,num_images,image_width,image_height,image_bytes\n0,50,20,1,640,480,223456\n");
    assert!(count(&played(&twice)[0], "uplink_bytes") >= sent + 100_000, "{sent}");
}

pub fn a_column_twice(_: &str) {
    for header in
        ["arrival_s,input_tokens,output_tokens,output_tokens", "arrival_s,input_tokens,input_tokens,output_tokens"]
    {
        let output = over("served", "r.csv", &format!("{header}\n0,50,20,300\n")).run("case.toml --out out".split(' '));
        ends(&output, 2, "a second time; expected each column once");
    }
}

pub fn marks_blanks_and_decimals(_: &str) {
    let marked = "\u{feff}{\"timestamp\": 0, \"input_length\": 70, \"output_length\": 5}\n{\"timestamp\": 2500.5, \"input_length\": 60, \"output_length\": 6}\n\n";
    let requests = played(&over("mooncake", "m.jsonl", marked));
    assert_eq!((number(&requests[1], "submit_s"), count(&requests[1], "text_tokens")), (Some(2.5005), 60));
    let question =
        "\u{feff}{\"id\": \"a\", \"images\": [\"p.jpg\"], \"question\": \"Which?\", \"answers\": [\"one\"]}\r\n";
    let sim = Sim::new().with("q.jsonl", question).with("p.jpg", crate::questions::JPEG);
    let described = sim.done("questions describe q.jsonl".split(' ')).stdout;
    assert!(described.contains("questions             1: 1 open"), "{described}");
    let sim = Sim::small().with("blank.up", "0\n1\n2\n5\n\n\n").with("plain.up", "0\n1\n2\n5\n");
    for file in ["blank", "plain"] {
        sim.done(["small.toml", "--out", file, "--set", &format!("link.up.mahimahi={file}.up")]);
    }
    // A row says which series its link had, by the file's name.
    let unnamed = |file: &str| {
        let mut requests = rows(&sim.path(&format!("{file}/requests.parquet")));
        let name = |row: &mut Row| row.remove("link.up");
        assert!(requests.iter_mut().all(|row| name(row) == Some(Field::Str(format!("{file}.up")))));
        // As text: a series has no one rate, and NaN is not equal to itself.
        format!("{requests:?}")
    };
    assert_eq!(unnamed("blank"), unnamed("plain"));
}

/// Format, file, and the lengths of its requests.
type Published = (&'static str, &'static str, &'static [(u64, u64)]);

pub fn published(_: &str) {
    let files: [Published; 4] = [
        (
            "vllm_bench",
            "{\"input_lens\": [90, 80], \"output_lens\": [3, 2], \"ttfts\": [0.05, 0.06], \"itls\": [[0.01, 0.01], [0.01]], \
             \"errors\": [\"\", \"\"], \"start_times\": [3.0, 3.5]}",
            &[(90, 3), (80, 2)],
        ),
        (
            "burstgpt",
            "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,400,18,418,Conversation log\n9,GPT-4,700,0,700,API log\n",
            &[(400, 18)],
        ),
        (
            "qwen_bailian",
            "{\"chat_id\":1,\"parent_chat_id\":-1,\"timestamp\":6.5,\"input_length\":52,\"output_length\":13,\"type\":\"text\",\"turn\":1,\"hash_ids\":[1,2,3,4]}\n",
            &[(52, 13)],
        ),
        (
            "azure_llm",
            ",TIMESTAMP,ContextTokens,GeneratedTokens\n0,2024-05-10 00:00:00.009930+00:00,216,5\n1,2024-05-10 00:00:01.5+00:00,50,7\n",
            &[(216, 5), (50, 7)],
        ),
    ];
    for (format, content, lengths) in files {
        let sim = over(format, "trace", content);
        let of = |rows: Vec<Row>| {
            rows.iter().map(|row| (count(row, "text_tokens"), count(row, "output_tokens"))).collect::<Vec<_>>()
        };
        assert_eq!(of(played(&sim)), lengths, "{format}");
        sim.done(["requests", "import", format, "trace", "--out", "r.csv"]);
        let imported = over("served", "r.csv", &sim.text("r.csv"));
        assert_eq!(of(played(&imported)), lengths, "{format}");
    }
}

pub fn summaries(_: &str) {
    let text = "Run Info,Benchmark\nModel,m\n";
    for format in ["served", "guidellm"] {
        ends(
            &over(format, "g.csv", text).run("case.toml --out out".split(' ')),
            2,
            "guidellm benchmark --outputs json",
        );
    }
    let sim = Sim::new().with("g.csv", text);
    ends(&sim.run("requests import guidellm g.csv --out r.csv".split(' ')), 2, "guidellm benchmark --outputs json");
}
