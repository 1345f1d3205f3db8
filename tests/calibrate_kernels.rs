//! `sim calibrate` on tables of kernels that were timed alone, through the binary.

use crate::calibrate::{GPUS, MODELS};
use crate::support::{Sim, aloud, quoted, repository};
use serde_json::Value;

/// Ten layers of width 1,024 on the box: each product takes 5 us and 10 ns a token, so that a decode's step takes 250 us and more.
fn layers() -> String {
    let mut text = "gpu,engine,model,op,m_tokens,duration_us\n".to_owned();
    for op in ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"] {
        for tokens in [1, 64, 512, 4096] {
            text += &format!("box,engine 1,house/tiny,{op},{tokens},{}\n", 13.0 + 0.2 * f64::from(tokens));
        }
    }
    text
}

/// Attention: 3 us, 4 ns for each token of the caches, and half a nanosecond for each pair of a prompt.
fn attention_us(batch: u32, new: u32, past: u32) -> f64 {
    let [batch, new, past] = [batch, new, past].map(f64::from);
    3.0 + 0.004 * batch * (past + new) + if new > 1.0 { 0.0005 * new * (past + new / 2.0) } else { 0.0 }
}

fn attention() -> String {
    let mut text = "gpu,engine,model,phase,batch,new_tokens,past_tokens,duration_us\n".to_owned();
    for past in [16, 64, 256, 1024, 4096] {
        for batch in [1, 2, 4, 8, 16, 32] {
            text += &format!("box,engine 1,house/tiny,decode,{batch},1,{past},{}\n", attention_us(batch, 1, past));
        }
        for new in [16, 64, 128, 256, 512, 1024] {
            text += &format!("box,engine 1,house/tiny,prefill,1,{new},{past},{}\n", attention_us(1, new, past));
        }
    }
    text
}

/// Both at once: a decode's cache takes three times as long to read as alone.
fn mixed() -> String {
    let mut text =
        "gpu,engine,model,prefill_new_tokens,prefill_past_tokens,decode_batch,decode_past_tokens,duration_us\n"
            .to_owned();
    for new in [16, 64, 256, 512] {
        for batch in [8, 32] {
            for past in [256, 4096] {
                let us = attention_us(1, new, 256) + 3.0 * (attention_us(batch, 1, past) - 3.0);
                text += &format!("box,engine 1,house/tiny,{new},256,{batch},{past},{us}\n");
            }
        }
    }
    text
}

fn boxed() -> Sim {
    let sim = Sim::new().with("gpus.csv", GPUS).with("models.csv", MODELS);
    sim.with("layers.csv", layers()).with("attention.csv", attention()).with("mixed.csv", mixed())
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or_else(|| panic!("{name}: {value:#}"))
}

#[test]
fn kernels_become_laws_of_steps_and_mixed_ones_say_what_decodes_take_beside_a_prompt() {
    let sim = boxed();
    let args = "calibrate --table layers.csv attention.csv mixed.csv --out p.toml --json";
    let told: Value = serde_json::from_str(&sim.done(args.split(' ')).stdout).expect("JSON");
    let laws = told["laws"].as_array().expect("laws");
    let kinds: Vec<&str> = laws.iter().map(|law| law["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["decode", "prefill"]);
    for law in laws {
        assert_eq!(law["rows"], 30, "{law:#}");
        assert!(number(law, "held_out_median_error_pct") < 5.0, "{law:#}");
    }
    let both = &told["mixed"][0];
    assert_eq!((both["gpu"].as_str(), both["held_out_rows"].as_u64()), (Some("box"), Some(8)));
    assert!(number(both, "held_out_median_error_pct") < 8.0, "{both:#}");
    // Without the table of both, what a cache takes beside a prompt is the engine's, which the box does not keep to.
    let profile: toml::Table = sim.text("p.toml").parse().expect("TOML");
    let kv_per_head = |law: &toml::Value| law["parts"]["kv_per_head"].as_float().expect("a share");
    let fitted = kv_per_head(&profile["law"][0]);
    // Four query heads share a KV head, so three times as long is a share of .75.
    assert!((fitted - 0.75).abs() < 0.1, "{fitted}");
    sim.done("calibrate --table layers.csv attention.csv --out q.toml".split(' '));
    let profile: toml::Table = sim.text("q.toml").parse().expect("TOML");
    assert_eq!(kv_per_head(&profile["law"][0]), 0.4);
    assert_eq!(kv_per_head(&profile["law"][1]), 0.0, "a prompt's own cache is in `kv`");
}

#[test]
fn kernels_that_make_no_step_are_said_or_refused() {
    let sim = boxed();
    let refused = crate::refusals::refused(&sim, &["calibrate", "--table", "attention.csv"]);
    assert!(refused.contains("found 60 kernels, none of them part of a step that can be put together"), "{refused}");
    let few = layers().lines().filter(|line| !line.contains("o_proj")).collect::<Vec<_>>().join("\n");
    let sim = boxed().with("layers.csv", few);
    let output = sim.run("calibrate --table layers.csv attention.csv".split(' '));
    let said = "sim: left out: 60 kernels of house/tiny on box: no row of o_proj";
    assert!(output.code == Some(2) && output.stderr.contains(said), "{output:#?}");
    let output = boxed().run("calibrate --table layers.csv".split(' '));
    let said = "sim: left out: 16 kernels of house/tiny on box: its attention was not timed";
    assert!(output.code == Some(2) && output.stderr.contains(said), "{output:#?}");
    let sim = boxed().with("layers.csv", layers().replace("o_proj", "o_projection"));
    let refused = crate::refusals::refused(&sim, &["calibrate", "--table", "layers.csv", "attention.csv"]);
    assert!(
        refused.contains("layers.csv:6: found op = \"o_projection\"; expected one of input_layernorm"),
        "{refused}"
    );
}

#[test]
fn shared_kernels_make_the_steps_that_were_put_together_of_them() {
    let folder = repository("../shared/measured");
    if !folder.is_dir() {
        aloud("skipped: shared_kernels_make_the_steps_that_were_put_together_of_them: ../shared/measured is not here");
        return;
    }
    let sim = Sim::new();
    let calibrate = |tables: &[&str]| -> Value {
        let tables = tables.iter().map(|name| folder.join(format!("{name}.csv.gz")).display().to_string());
        let args = ["calibrate", "--json", "--gpu", "RTX4090", "--gpu", "RTX-PRO-6000", "--table"].map(str::to_owned);
        let output = sim.done(args.into_iter().chain(tables).collect::<Vec<_>>());
        serde_json::from_str(&output.stdout).expect("JSON")
    };
    let kernels = calibrate(&["ops_linear", "ops_attention", "ops_attention_mixed"]);
    let steps = calibrate(&["decode_steps", "prefill_steps"]);
    let laws = |told: &Value| {
        let law = |law: &Value| {
            let place = format!("{} {} {}", law["kind"], law["gpu"], law["rows"]);
            (place, number(law, "roofline_median_error_pct"), number(law, "held_out_median_error_pct"))
        };
        told["laws"].as_array().expect("laws").iter().map(law).collect::<Vec<_>>()
    };
    for (ours, theirs) in laws(&kernels).iter().zip(laws(&steps)) {
        assert_eq!(ours.0, theirs.0);
        // Durations have five digits there.
        assert!((ours.1 - theirs.1).abs() < 0.1 && (ours.2 - theirs.2).abs() < 0.3, "{ours:?} {theirs:?}");
    }
    for both in kernels["mixed"].as_array().expect("mixed steps") {
        let pair = |of: &str| {
            let pct = |name: &str| number(both, &format!("{of}_{name}_error_pct"));
            format!("{:.1} / {:.1}", pct("median"), pct("p90"))
        };
        let [bare, seen, withheld] = ["roofline", "in_sample", "held_out"].map(pair);
        quoted("docs/calibration.md", &format!("| {bare} | {seen} | **{withheld}** |"));
    }
}
