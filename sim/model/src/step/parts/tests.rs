use super::*;
use crate::engine_kind::EngineKind;
use crate::format::{KvFormat, Storage, WeightFormat};
use proptest::prelude::*;

fn paper() -> (Device, ModelSpec) {
    (Device::named("a100-40-sxm").unwrap().clone(), ModelSpec::named("qwen2.5-vl-7b").unwrap().clone())
}

proptest! {
    #[test]
    fn a_form_is_positive_and_never_falls(
        coefficients in proptest::collection::vec(0.0f64..50.0, 11),
        (tile, overlap) in (1u32..300, 0usize..3),
        (batch, tokens, context) in (1u64..64, 1u64..600, 0u64..5000),
        more in (0u64..8, 0u64..100, 0u64..1000),
    ) {
        let (device, model) = paper();
        let [floor_us, overhead_us, start_us, layer_us, item_us, activations, weights, matrices, kv, attention, vision] =
            coefficients[..] else { unreachable!("eleven") };
        let overlap = [Overlap::Full, Overlap::Partial, Overlap::None][overlap];
        let parts = Parts {
            overlap, tile_tokens: tile, floor_us, overhead_us, hidden_us: overhead_us, hidden_item_us: 2.0 * item_us, start_us, layer_us, item_us, activations,
            weights: weights + 0.1, matrices, kv, quantise: attention, quantise_us: layer_us, vector_token: 0.0, kv_per_head: kv / 50.0, kv_alone: attention, attention, vision,
        };
        prop_assert_eq!(parts.check(), Ok(()));
        let form = parts.on(DataSheet::of(&device, Parallel::NONE), &model);
        let ns = |batch: u64, tokens: u64, context: u64| {
            let mut load = Load::NONE;
            (0..batch).for_each(|_| load.add(&Load::verify(tokens, context)));
            form.ns(&load, batch)
        };
        let least = ns(batch, tokens, context);
        prop_assert!(least > 0.0 && least.is_finite());
        let most = ns(batch + more.0, tokens + more.1, context + more.2);
        prop_assert!(most >= least * (1.0 - 1e-12), "{most} {least}");
    }
}

/// 28 layers of a width of 3,584 and an inner one of 18,944: each token has 2 x 3,584 + 3,584 + 18,944 inputs a layer.
#[test]
fn inputs_of_products_in_8_bits_are_quantised_first() {
    let model = ModelSpec::named("qwen2.5-vl-7b").unwrap();
    let added_us = |device: &str, weights: WeightFormat, tokens: u64| {
        let device = Device::named(device).unwrap();
        let model = model.clone().stored(Storage::of(weights, WeightFormat::Fp16, KvFormat::Fp16));
        let with = Parts::of_engine(&EngineKind::Vllm.profile(&model, device));
        let without = Parts { quantise: 0.0, quantise_us: 0.0, hidden_us: 0.0, ..with };
        let ns =
            |form: Parts| form.on(DataSheet::of(device, Parallel::NONE), &model).ns(&Load::prefill_chunk(tokens, 0), 1);
        (ns(Parts { hidden_us: 0.0, ..with }) - ns(without)) / 1e3
    };
    let by_hand = |tokens: f64| 28.0 * (15.0 + 2.5 * tokens * 29_696.0 * 3.0 / 3.35e6);
    for tokens in [1, 1000] {
        let added = added_us("h100-sxm", WeightFormat::Fp8, tokens);
        assert!((added / by_hand(tokens as f64) - 1.0).abs() < 1e-6, "{added} for {}", by_hand(tokens as f64));
        assert!(added_us("h100-sxm", WeightFormat::Fp16, tokens) == 0.0, "16 bits are read as they are");
        assert!(added_us("a100-80-sxm", WeightFormat::Fp8, tokens) == 0.0, "an A100 unpacks them");
        assert!(added_us("a100-80-sxm", WeightFormat::W8a8, tokens) > 28.0 * 15.0);
    }
}

#[test]
fn tiles_round_tokens_up() {
    let (device, model) = paper();
    let engine = EngineKind::Vllm.profile(&model, &device);
    let form = Parts { tile_tokens: 128, activations: 0.0, kv: 0.0, attention: 0.0, ..Parts::of_engine(&engine) };
    let form = form.on(DataSheet::of(&device, Parallel::NONE), &model);
    let ns = |tokens| form.ns(&Load::prefill_chunk(tokens, 0), 1);
    assert_eq!(ns(1025), ns(1152));
    assert!(ns(1024) < ns(1025));
}

#[test]
fn less_overlap_is_slower() {
    let (device, model) = paper();
    let engine = EngineKind::Vllm.profile(&model, &device);
    let ns = |overlap| {
        let form = Parts { overlap, ..Parts::of_engine(&engine) };
        form.on(DataSheet::of(&device, Parallel::NONE), &model).ns(&Load::prefill_chunk(128, 0), 1)
    };
    assert!(ns(Overlap::Full) < ns(Overlap::Partial) && ns(Overlap::Partial) < ns(Overlap::None));
}

#[test]
fn impossible_coefficients_are_named() {
    let (device, model) = paper();
    let sound = Parts::of_engine(&EngineKind::Vllm.profile(&model, &device));
    assert_eq!(sound.check(), Ok(()));
    assert_eq!(Parts { kv: -1.0, ..sound }.check(), Err("kv"));
    assert_eq!(Parts { layer_us: f64::NAN, ..sound }.check(), Err("layer_us"));
    assert_eq!(Parts { tile_tokens: 0, ..sound }.check(), Err("tile_tokens"));
}
