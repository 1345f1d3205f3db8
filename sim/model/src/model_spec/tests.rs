//! Derived figures against the published ones.

use super::*;

/// One column of the table in `docs/hardware.md`.
struct Published {
    name: &'static str,
    params: u64,
    vision_m: f64,
    layers_m: f64,
    embedding_m: f64,
    head_m: f64,
    kv_bytes: u64,
    decode_gflop: f64,
    pair_flop: f64,
    prefill_gflop: f64,
    decode_gb: f64,
    vision_tflop: &'static [(u32, f64)],
}

#[rustfmt::skip]
const TABLE: [Published; 5] = [
    Published { name: "qwen2-vl-2b", params: 2_208_985_600, vision_m: 665.3, layers_m: 1310.3, embedding_m: 233.4, head_m: 0.0,
        kv_bytes: 28_672, decode_gflop: 3.087, pair_flop: 172_032.0, prefill_gflop: 2.620, decode_gb: 3.087,
        vision_tflop: &[(224, 0.34), (448, 1.48), (672, 3.82), (896, 7.99)] },
    Published { name: "qwen2.5-vl-3b", params: 3_754_622_976, vision_m: 668.7, layers_m: 2774.8, embedding_m: 311.2, head_m: 0.0,
        kv_bytes: 36_864, decode_gflop: 6.171, pair_flop: 294_912.0, prefill_gflop: 5.549, decode_gb: 6.172,
        vision_tflop: &[(224, 0.33), (448, 1.34), (672, 3.08), (896, 5.63)] },
    Published { name: "qwen2.5-vl-7b", params: 8_292_166_656, vision_m: 676.6, layers_m: 6525.6, embedding_m: 545.0, head_m: 545.0,
        kv_bytes: 57_344, decode_gflop: 14.141, pair_flop: 401_408.0, prefill_gflop: 13.051, decode_gb: 14.141,
        vision_tflop: &[(224, 0.33), (448, 1.35), (672, 3.09), (896, 5.65)] },
    Published { name: "qwen2-vl-7b", params: 8_291_375_616, vision_m: 675.8, layers_m: 6525.6, embedding_m: 545.0, head_m: 545.0,
        kv_bytes: 57_344, decode_gflop: 14.141, pair_flop: 401_408.0, prefill_gflop: 13.051, decode_gb: 14.141,
        vision_tflop: &[] },
    Published { name: "llava-1.5-7b", params: 7_063_427_072, vision_m: 303.5 + 21.0, layers_m: 6476.3, embedding_m: 131.3, head_m: 131.3,
        kv_bytes: 524_288, decode_gflop: 13.215, pair_flop: 524_288.0, prefill_gflop: 12.952, decode_gb: 13.215,
        vision_tflop: &[(336, 0.39)] },
];

/// `derived`, printed with as many decimals as `published` was, reads the same.
fn prints_as(derived: f64, published: f64, last_digit: f64) -> bool {
    (derived - published).abs() <= last_digit * 0.500_001
}

#[test]
fn parameters_are_the_published_ones() {
    for row in &TABLE {
        let model = ModelSpec::named(row.name).unwrap();
        assert_eq!(model.params(), row.params, "{}", row.name);
        let millions = |count: u64| count as f64 / 1e6;
        assert!(prints_as(millions(model.vision_params()), row.vision_m, 0.1), "{}", row.name);
        assert!(prints_as(millions(model.lm_layer_params()), row.layers_m, 0.1), "{}", row.name);
        assert!(prints_as(millions(model.embedding_params()), row.embedding_m, 0.1), "{}", row.name);
        assert!(prints_as(millions(model.head_params()), row.head_m, 0.1), "{}", row.name);
    }
}

#[test]
fn bytes_are_the_published_ones() {
    for row in &TABLE {
        let model = ModelSpec::named(row.name).unwrap();
        assert_eq!(model.kv_bytes_per_token(), Bytes::new(row.kv_bytes), "{}", row.name);
        assert!(prints_as(model.decode_weight_bytes().as_gb_f64(), row.decode_gb, 0.001), "{}", row.name);
        assert_eq!(model.weight_bytes().as_u64(), 2 * row.params, "{}", row.name);
    }
}

#[test]
fn flop_are_the_published_ones() {
    for row in &TABLE {
        let model = ModelSpec::named(row.name).unwrap();
        assert!(prints_as(model.decode_flop().as_f64() / 1e9, row.decode_gflop, 0.001), "{}", row.name);
        assert!(prints_as(model.layer_flop_per_token().as_f64() / 1e9, row.prefill_gflop, 0.001), "{}", row.name);
        assert_eq!(model.attention_flop_per_pair(), Flops::new(row.pair_flop), "{}", row.name);
        let tower = model.vision.as_ref().unwrap();
        for &(side, tflop) in row.vision_tflop {
            let image = tower.image(side, side).unwrap();
            // The published figures count biases and norms as well: 7.99 where the matrices alone give 7.985.
            let derived = tower.flop(image.patches).as_tflop_f64();
            assert!(prints_as(derived, tflop, 0.011), "{} at {side}: {derived}", row.name);
        }
    }
}

#[test]
fn causal_attention_counts_every_pair_once() {
    let (new, past) = (5_u64, 7_u64);
    let by_hand: u64 = (0..new).map(|i| past + i + 1).sum();
    assert_eq!(causal_pairs(new, past), by_hand);
    // A prompt in two chunks has the pairs of the prompt in one.
    assert_eq!(causal_pairs(300, 0), causal_pairs(100, 0) + causal_pairs(200, 100));
    // Decode behind a context: context + 1 pairs.
    assert_eq!(causal_pairs(1, 1000), 1001);
}

#[test]
fn the_two_halves_of_a_split_model_hold_all_its_weights() {
    let model = ModelSpec::named("llava-1.5-7b").unwrap();
    let both = model.prefix_weight_bytes(8) + model.suffix_weight_bytes(8);
    assert_eq!(both.as_u64(), model.weight_bytes().as_u64() + 2 * model.embedding_params());
    assert_eq!(model.kv_bytes_per_token_of(8) * 4, model.kv_bytes_per_token());
}

/// Totals as the hub counts them in the checkpoints' safetensors; Qwen's model cards round the first two to 33.5 and 73.4 B.
#[test]
fn larger_and_sparse_models_have_the_published_parameters() {
    for (name, params) in [
        ("qwen2.5-vl-32b", 33_452_718_336),
        ("qwen2.5-vl-72b", 73_410_777_344),
        ("qwen3-vl-8b", 8_767_123_696),
        ("qwen3-vl-30b-a3b", 31_070_754_032),
        ("llama-3.1-8b", 8_030_261_248),
        ("qwen3-30b-a3b-instruct-2507", 30_532_122_624_u64),
    ] {
        assert_eq!(ModelSpec::named(name).unwrap().params(), params, "{name}");
    }
    // The publisher states 3.3 B activated, which are the first two digits of ours with the embedding.
    let sparse = ModelSpec::named("qwen3-30b-a3b-instruct-2507").unwrap();
    let active = (sparse.active_params() + sparse.embedding_params()) as f64 / 1e9;
    assert!((3.3..3.4).contains(&active), "{active}");
    let dense = ModelSpec::named("llama-3.1-8b").unwrap();
    assert_eq!(dense.active_params(), dense.params() - dense.embedding_params());
}

#[test]
fn an_iteration_reads_the_experts_that_its_tokens_hit() {
    let sparse = ModelSpec::named("qwen3-30b-a3b-instruct-2507").unwrap();
    let (fixed, expert) = (sparse.fixed_layer_weight_bytes(), sparse.expert_weight_bytes());
    assert_eq!(fixed + expert * 128, sparse.layer_weight_bytes());
    assert_eq!(sparse.layer_bytes_read(1), fixed + expert * 8);
    assert!(sparse.layer_bytes_read(64) > sparse.layer_bytes_read(8));
    assert!(sparse.layer_bytes_read(100_000) <= sparse.layer_weight_bytes());
    // Attention, router and eight experts in each of 48 layers.
    assert_eq!(sparse.layer_flop_per_token().as_f64(), 2.0 * 48.0 * (18_874_368.0 + 262_144.0 + 8.0 * 4_718_592.0));
    let dense = ModelSpec::named("llama-3.1-8b").unwrap();
    assert_eq!((dense.layer_bytes_read(1), dense.expert_weight_bytes()), (dense.layer_weight_bytes(), Bytes::ZERO));
}

#[test]
fn windows_limit_reads_and_pairs_and_keep_the_cache() {
    let whole = ModelSpec::named("llama-3.1-8b").unwrap();
    let half = ModelSpec { window: Some(Window { tokens: 100, layers: 16 }), ..whole.clone() };
    assert_eq!(half.context_seen(1, 999), (100.0 + 1000.0) / 2.0);
    assert_eq!(half.pairs_seen(1, 999), (100.0 + 1000.0) / 2.0);
    assert_eq!((half.context_seen(10, 20), half.pairs_seen(10, 20)), (30.0, causal_pairs(10, 20) as f64));
    assert!(half.attention_flop(500, 0) < whole.attention_flop(500, 0));
    assert_eq!(half.kv_bytes_per_token(), whole.kv_bytes_per_token());
}
