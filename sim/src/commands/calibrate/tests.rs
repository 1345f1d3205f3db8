//! Fits to devices that the tests make up, whose laws are known.

use super::choose::{Found, law};
use super::set::{Place, Row, Set, load};
use super::split::Axis;
use crate::scenario::profile::Form;
use kernel::{Keyed, Streams};
use model::device::Device;
use model::engine_kind::EngineKind;
use model::model_spec::ModelSpec;
use model::step::parts::{Overlap, Parts, Priced};
use model::step::{Step, StepKind};
use std::sync::Arc;

/// `model` has the kinds of laws apart from those of the tables, whose file formats it does not need.
#[test]
fn kinds_of_laws_are_kinds_of_tables() {
    for kind in StepKind::ALL {
        assert!(tables::Kind::named(kind.name()).is_some(), "no step is a {}", kind.name());
    }
}

fn place(device: &str, model: &str) -> Arc<Place> {
    let model = ModelSpec::named(model).expect("a model").clone();
    let known = Device::named(device).expect("a device").clone();
    Arc::new(Place {
        gpu: device.to_owned(),
        gpus: 1,
        assumed: EngineKind::Vllm.profile(&model, &known),
        device: known,
        model,
        engine: "made up".to_owned(),
        dtype: String::new(),
        how: String::new(),
        side: String::new(),
    })
}

/// A law that no engine of the simulator has.
fn truth() -> Parts {
    let engine = EngineKind::Vllm
        .profile(ModelSpec::named("qwen2.5-vl-7b").expect("a model"), Device::named("a100-80-sxm").expect("a device"));
    Parts {
        overlap: Overlap::Partial,
        tile_tokens: 1,
        overhead_us: 0.0,
        start_us: 0.0,
        layer_us: 60.0,
        item_us: 30.0,
        activations: 12.0,
        weights: 1.3,
        matrices: 1.9,
        kv: 1.7,
        attention: 3.0,
        ..Parts::of_engine(&engine)
    }
}

const BATCHES: [u32; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// Rows of one kind, each `ms` of its step times a factor.
fn set(place: &Arc<Place>, kind: StepKind, ms: impl Fn(&Step) -> f64) -> Set {
    let decode = BATCHES.iter().flat_map(|batch| (1..=12u32).map(move |n| (*batch, 1, f64::from(n * n) * 50.0)));
    let lengths = (1..=16u32).map(|n| 8 * n * n);
    let prefill = lengths.flat_map(|new| [0.0, 300.0, 1000.0, 2500.0, 6000.0].map(|context| (1, new, context)));
    let all: Vec<_> = if kind == StepKind::Prefill { prefill.collect() } else { decode.collect() };
    let row = |(batch, new, context): (u32, u32, f64)| {
        let load = load(kind, batch, new, context, true);
        let step = Step { load, items: u64::from(batch) };
        Row { step, ms: ms(&step), each: Vec::new() }
    };
    Set { place: place.clone(), kind, rows: all.into_iter().map(row).collect() }
}

fn found(set: &Set) -> Found {
    law(std::slice::from_ref(set), set, Axis::Configuration)
}

fn form(parts: Parts, place: &Place) -> Priced {
    parts.on(place.sheet(), &place.model)
}

#[test]
fn a_fit_recovers_the_law_that_made_its_rows() {
    let place = place("a100-80-sxm", "qwen2.5-vl-7b");
    for (kind, tile_tokens) in [(StepKind::Decode, 1), (StepKind::Prefill, 64)] {
        let truth = form(Parts { tile_tokens, ..truth() }, &place);
        let set = set(&place, kind, |step| truth.ns(&step.load, step.items) / 1e6);
        let Found { law, .. } = found(&set);
        assert_eq!(law.form, Form::Parts, "{kind:?}");
        let held_out = law.held_out.expect("rows were withheld");
        assert!(held_out.median_pct < 1.0 && held_out.p90_pct < 3.0, "{kind:?}: {held_out:?}");
        assert!(law.roofline.median_pct > 4.0 * held_out.median_pct, "{kind:?}: {:?}", law.roofline);
        let near = |found: f64, true_: f64, what: &str| {
            assert!((found / true_ - 1.0).abs() < 0.15, "{kind:?}: {what} = {found}, not {true_}: {:?}", law.parts);
        };
        if kind == StepKind::Decode {
            // A decode step says most of reading and of overheads.
            near(
                law.parts.weights + law.parts.layer_us * 1e-6 * 28.0 * 2.039e12 / 14.14e9,
                1.3 + 0.242,
                "what a step takes",
            );
            near(law.parts.kv, 1.7, "kv");
        } else {
            near(law.parts.matrices, 1.9, "matrices");
            near(law.parts.attention, 3.0, "attention");
            assert_eq!(law.parts.tile_tokens, tile_tokens);
        }
    }
}

#[test]
fn noise_is_what_is_left_of_the_error() {
    let place = place("rtx-4090", "qwen2.5-vl-3b");
    let truth = form(truth(), &place);
    let noise: Keyed = Streams::new(3).keyed("noise", 0);
    // Evenly spread over 10 % to either side: the median of its size is 5 %.
    let noisy = |step: &Step| {
        let draw = noise.unit(step.load.context_tokens << 20 | step.load.query_tokens << 8 | step.items);
        truth.ns(&step.load, step.items) / 1e6 * (0.9 + 0.2 * draw)
    };
    let Found { law, .. } = found(&set(&place, StepKind::Decode, noisy));
    let held_out = law.held_out.expect("rows were withheld");
    assert!((3.0..7.5).contains(&held_out.median_pct), "{held_out:?}");
    assert!(law.spread.quantile(0.05) < 0.94 && law.spread.quantile(0.95) > 1.06, "{:?}", law.spread);
}

#[test]
fn a_table_is_taken_where_no_form_fits() {
    let place = place("a100-80-sxm", "qwen2.5-vl-7b");
    // Reading a cache takes as long as the root of its length here, which no memory does.
    let odd = |step: &Step| 2.0 + (step.context_per_item()).sqrt() + 3.0 * (step.items as f64).sqrt();
    let Found { law, ratios } = found(&set(&place, StepKind::Decode, odd));
    assert_eq!(law.form, Form::Table, "{:?}", law.parts);
    assert!(law.table.is_some() && law.beside.is_some());
    let held_out = law.held_out.expect("rows were withheld");
    let beside = law.beside.expect("the form's errors").errors;
    assert!(held_out.median_pct < 0.7 * beside.median_pct, "{held_out:?} {beside:?}");
    assert_eq!(held_out.rows, law.roofline.rows);
    assert_eq!(ratios[2].len() as u64, held_out.rows);
}

#[test]
fn a_device_is_predicted_from_another_one() {
    let places = ["rtx-4090", "a100-80-sxm"].map(|device| place(device, "qwen2.5-vl-7b"));
    let sets: Vec<Set> = places
        .iter()
        .map(|place| {
            let truth = form(truth(), place);
            set(place, StepKind::Decode, move |step| truth.ns(&step.load, step.items) / 1e6)
        })
        .collect();
    for set in &sets {
        let Found { law, .. } = law(&sets, set, Axis::Device);
        assert_eq!(law.withheld, *set.place.device.name);
        // Overheads and efficiencies are the same here, so little is lost.
        let held_out = law.held_out.expect("the other device");
        assert!(held_out.median_pct < 12.0, "{held_out:?}");
    }
    assert!(law(&sets, &sets[0], Axis::Model).law.held_out.is_none(), "there is one model only");
}
