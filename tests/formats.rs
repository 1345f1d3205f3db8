//! Formats of weights, keys and values, and models of one's own with experts, windows and a tower.

use crate::refusals::refused;
use crate::summary::{number, summary};
use crate::support::{SMALL, Sim};

const COLUMNS: [&str; 3] = ["tpot_ms_mean", "ttft_ms_mean", "cloud_memory_gb_peak"];

/// TPOT, TTFT and peak memory of the cloud, under further settings.
fn figures(sim: &Sim, settings: &[&str]) -> [f64; 3] {
    let mut args = vec!["small.toml", "--out", "out"];
    settings.iter().for_each(|setting| args.extend(["--set", setting]));
    sim.done(args);
    let csv = sim.text("out/summary.csv");
    COLUMNS.map(|column| number(&summary(&csv)[0], column))
}

fn near(figure: f64, expected: f64) -> bool {
    (figure - expected).abs() < 0.01
}

#[test]
fn fewer_bits_are_read_faster_and_take_less_memory() {
    let sim = Sim::small();
    let of = |format: &str| figures(&sim, &["cloud.device=h100-sxm", &format!("cloud.weights={format}")]);
    let [half, brain, fp8, w8a8, awq] = ["fp16", "bf16", "fp8", "w8a8", "w4a16_awq"].map(of);
    assert_eq!(half, brain);
    assert_eq!(fp8, w8a8, "an H100 has both at one rate");
    assert!(awq[0] < fp8[0] && fp8[0] < half[0], "{awq:?} {fp8:?} {half:?}");
    // 8-bit arithmetic reads prompts faster, 4-bit weights are unpacked for 16-bit arithmetic.
    assert!(fp8[1] < awq[1], "{fp8:?} {awq:?}");
    // 6.5256 G weights in the layers; embedding, head and tower keep their 16 bits.
    assert!(
        near(half[2] - fp8[2], 6.5256) && near(half[2] - awq[2], 6.5256 * (2.0 - 0.519_531)),
        "{half:?} {fp8:?} {awq:?}"
    );
    let tower = figures(&sim, &["cloud.device=h100-sxm", "cloud.tower_weights=fp8"]);
    assert!(near(half[2] - tower[2], 0.67655) && near(half[0], tower[0]), "{half:?} {tower:?}");
    let cached = figures(&sim, &["cloud.device=h100-sxm", "cloud.kv=fp8"]);
    assert!(cached[2] < half[2] && cached[0] < half[0], "{half:?} {cached:?}");
}

#[test]
fn a_device_without_the_arithmetic_says_what_it_does() {
    let sim = Sim::small();
    let said = sim.done(["small.toml", "--out", "out", "--set", "cloud.weights=fp8"]).stderr;
    let told =
        "a100-40-sxm does not multiply 8-bit floats: its weights are read in 8 bits, unpacked and multiplied in 16";
    assert_eq!(said.matches(told).count(), 1, "{said}");
    let said = sim.done(["small.toml", "--out", "out", "--set", "cloud.weights=w8a8"]).stderr;
    assert!(!said.contains("does not multiply"), "{said}");
}

const MINE: &str = "\
[cloud]
model = \"mine\"
[model.mine]
layers = 24
hidden = 2048
intermediate = 6144
heads = 16
kv_heads = 4
vocab = 151936
experts = { experts = 64, per_token = 4, intermediate = 1024 }
window = { tokens = 128, layers = 12 }
[model.mine.vision]
layers = 27
width = 1152
intermediate = 4304
patch = 16
merge = 2
frames = 2
";

#[test]
fn a_model_of_one_s_own_has_experts_a_window_and_a_tower() {
    let sim = Sim::new().with("small.toml", SMALL.to_owned() + MINE);
    let own = figures(&sim, &[]);
    // Four of 64 experts are read for a token: far less than all.
    let all = figures(&sim, &["model.mine.experts={ experts = 64, per_token = 64, intermediate = 1024 }"]);
    assert!(own[0] < 0.4 * all[0] && own[2] == all[2], "{own:?} {all:?}");
    let wide = figures(&sim, &["model.mine.window={ tokens = 100000, layers = 12 }"]);
    assert!(own[0] < wide[0] && own[2] == wide[2], "{own:?} {wide:?}");
    let few = figures(&sim, &["model.mine.vision.max_tokens=64"]);
    assert!(few[1] < own[1], "{own:?} {few:?}");
    let shown = sim.done(["show", "small.toml"]).stdout;
    let again = Sim::new().with("small.toml", shown);
    assert_eq!(figures(&again, &[]), own);
}

#[test]
fn parts_of_a_model_are_refused_by_their_key() {
    let sim = Sim::new().with("small.toml", SMALL.to_owned() + MINE);
    for (setting, told) in [
        ("model.mine.vision.patch=0", "with model.mine.vision.patch = 0: expected a whole number from 1 to 128"),
        ("model.mine.vision_of=qwen2-vl-7b", "the table `vision` is its tower; leave one out"),
        ("model.mine.experts.per_token=65", "per_token = 65: expected a whole number from 1 to 64"),
        ("model.mine.window.layers=25", "layers = 25: expected a whole number from 1 to 24"),
        ("cloud.weights=q4", "unknown value `q4`; did you mean `q4_0`?"),
        ("cloud.kv=fp4", "unknown value `fp4`"),
    ] {
        let said = refused(&sim, &["small.toml", "--out", "no", "--set", setting]);
        assert!(said.contains(told), "{setting}: {said}");
    }
    let blind = (SMALL.to_owned() + MINE).split("[model.mine.vision]").next().unwrap().to_owned();
    let said = refused(&Sim::new().with("small.toml", blind), &["small.toml", "--out", "no"]);
    let told =
        "mine has no vision tower, and the requests have pictures; name another model, or give it one in model.mine";
    assert!(said.contains(told), "{said}");
}
