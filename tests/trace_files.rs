//! Trace files that are not as they should be: each is refused through the binary, with file, line and remedy.

use crate::refusals::refused;
use crate::support::{SMALL, Sim, gzipped};

const AZURE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
const MOONCAKE: &str = "{\"timestamp\":0,\"input_length\":10,\"output_length\":5}\n";
const SERVEGEN: &str = "client,t_s,rate_per_s,interarrival_cv,dist,shape,scale\n0,0,1,1,Exponential,0,0\n";

/// The refusal of a file that the scenario names under this key.
fn said(key: &str, content: impl AsRef<[u8]>) -> String {
    refused(&Sim::small().with("file", content), &["small.toml", "--set", key])
}

/// The refusal of each of these files.
fn all_said<const N: usize>(key: &str, contents: [(&str, &[u8]); N]) -> String {
    contents.map(|(what, content)| format!("# {what}\n{}\n", said(key, content))).concat()
}

#[test]
fn azure() {
    let whole = gzipped(&format!("{AZURE}{}", "2023-11-16 18:15:46.6805900,374,44\n".repeat(50)));
    let two = |second: &str| format!("{AZURE}2023-11-16 18:15:46.6805900,374,44\n{second}\n");
    let said = all_said(
        "workload.dataset.azure_llm=file",
        [
            ("empty", b""),
            ("only a header", AZURE.as_bytes()),
            ("wrong header", b"time,in,out\n0,1,2\n"),
            ("header of the trace with images", b"TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n"),
            ("truncated gzip", &whole[..whole.len() / 2]),
            ("time going back", two("2023-11-16 18:15:45,374,44").as_bytes()),
            ("not a time", two("yesterday,374,44").as_bytes()),
            ("NaN tokens", two("2023-11-16 18:15:47,NaN,44").as_bytes()),
            ("negative tokens", two("2023-11-16 18:15:47,374,-1").as_bytes()),
            ("no output", two("2023-11-16 18:15:47,374,0").as_bytes()),
            ("cut off", two("2023-11-16 18:15:47,3").as_bytes()),
            ("not text", b"TIMESTAMP,ContextTokens,GeneratedTokens\n\xff\xfe,1,1\n"),
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn mooncake() {
    let two = |second: &str| format!("{MOONCAKE}{second}\n");
    let said = all_said(
        "workload.dataset.mooncake=file",
        [
            ("empty", b""),
            ("cut off", two("{\"timestamp\":5,\"input_le").as_bytes()),
            ("another key", two("{\"time\":5,\"input_length\":10,\"output_length\":5}").as_bytes()),
            ("NaN", two("{\"timestamp\":NaN,\"input_length\":10,\"output_length\":5}").as_bytes()),
            ("a CSV file", AZURE.as_bytes()),
            (
                "time going back",
                two("{\"timestamp\":5,\"input_length\":10,\"output_length\":5}\n{\"timestamp\":4,\"input_length\":1,\"output_length\":5}")
                    .as_bytes()
            ),
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn servegen() {
    let said = |arrivals: &str, tokens: &str| {
        let files = "dataset.servegen = { arrivals = \"arrivals\", tokens = \"tokens\" }";
        let scenario = SMALL.replace("dataset = \"vqav2\"", files);
        let sim = Sim::new().with("scenario.toml", scenario).with("arrivals", arrivals).with("tokens", tokens);
        refused(&sim, &["scenario.toml"])
    };
    let tokens = "{\"client\":0,\"window_s\":0,\"text_tokens\":[[1,1.0]],\"image_tokens\":[[1,1.0]],\
                  \"image_count\":[[1,1.0]],\"output_tokens\":[[1,1.0]]}\n";
    let cases = [
        ("no tokens", said(SERVEGEN, "")),
        ("no arrivals", said("", tokens)),
        ("arrivals and tokens exchanged", said(tokens, SERVEGEN)),
        ("tokens of another client", said(SERVEGEN, &tokens.replace("\"client\":0", "\"client\":7"))),
        ("probabilities that do not sum to 1", said(SERVEGEN, &tokens.replace("1.0", "0.7"))),
        ("a rate that is NaN", said(&SERVEGEN.replace("0,0,1,1", "0,0,NaN,1"), tokens)),
        ("nothing arrives", said(&SERVEGEN.replace("1,1,Exponential", "0,0,"), tokens)),
    ];
    let said = cases.map(|(what, said)| format!("# {what}\n{said}\n")).concat();
    insta::assert_snapshot!(said);
}

#[test]
fn bandwidth_series() {
    let whole =
        gzipped(&format!("t_s,up_mbps\n{}", (0..100).map(|t| format!("{t},{}\n", t * 7 % 13)).collect::<String>()));
    let said = all_said(
        "link.up.csv={ file = \"file\", time = \"t_s\", rate = \"up_mbps\" }",
        [
            ("empty", b""),
            ("only a header", b"t_s,up_mbps\n"),
            ("wrong header", b"time,rate\n0,1\n"),
            ("truncated gzip", &whole[..whole.len() / 2]),
            ("time going back", b"t_s,up_mbps\n0,1\n2,1\n1,1\n"),
            ("NaN", b"t_s,up_mbps\n0,NaN\n"),
            ("negative", b"t_s,up_mbps\n0,-5\n"),
            ("never any rate", b"t_s,up_mbps\n0,0\n1,0\n"),
            ("a missing field", b"t_s,up_mbps\n0\n"),
        ],
    );
    insta::assert_snapshot!(said);
}

#[test]
fn mahimahi() {
    let said = all_said(
        "link.up.mahimahi=file",
        [
            ("empty", b""),
            ("not a number", b"0\nNaN\n"),
            ("time going back", b"0\n5\n4\n"),
            ("ends at 0", b"0\n0\n"),
            ("a CSV file", b"t_s,up_mbps\n0,1\n"),
        ],
    );
    insta::assert_snapshot!(said);
}

/// An input is hashed and read, so it must be a file: a device would never end.
#[cfg(unix)]
#[test]
fn a_device() {
    for key in ["link.up.mahimahi", "workload.dataset.mooncake", "edge.profile", "tokens.profile"] {
        let said = refused(&Sim::small(), &["small.toml", "--set", &format!("{key}=/dev/zero")]);
        assert!(said.contains("/dev/zero") && said.contains("a device or a pipe"), "{key}: {said}");
    }
    let said = refused(&Sim::new(), &["/dev/zero"]);
    assert!(said.contains("cannot read the scenario /dev/zero: it is larger than 16 MiB"), "{said}");
}

#[test]
fn a_file_that_is_not_there() {
    let of = |key: &str| refused(&Sim::small(), &["small.toml", "--set", key]);
    insta::assert_snapshot!(of("link.up.mahimahi=nowhere"), @"sim: nowhere: found no such file; expected a trace file; check the path");
    insta::assert_snapshot!(of("workload.dataset.azure_lmm=nowhere"), @"sim: nowhere: found no such file; expected a trace file; check the path");
}
