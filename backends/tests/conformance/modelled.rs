//! The suite on the modelled backend, by the roofline and by measured laws.

use super::*;

/// The modelled backend on the paper's platform.
pub struct Simulated(pub EngineKind, pub TokenProcess);

/// The same, priced by measured laws.
pub struct Profiled;

impl Profiled {
    fn profile(tier: &Tier) -> Profile {
        let engine = Parts::of_engine(&tier.engine);
        let parts = Parts { overlap: Overlap::Partial, item_us: 20.0, layer_us: 15.0, kv: 1.4, ..engine };
        let prefill = Parts { tile_tokens: 16, start_us: 900.0, activations: 9.0, attention: 2.5, ..parts };
        let range = Range { tokens: [1, 4096], context_tokens: [1, 65_536], batch: [1, 16] };
        let spread = Spread::of(vec![0.97, 1.0, 1.04]).expect("three ratios");
        let law = |parts: &Parts| {
            let sheet = DataSheet::of(&tier.device, tier.parallel);
            Law::new(parts, (sheet, &tier.model), None, Some(range), spread.clone())
        };
        let laws = [StepKind::Decode, StepKind::Draft, StepKind::Verify].map(|kind| (kind, law(&parts)));
        Profile::new(laws.into_iter().chain([(StepKind::Prefill, law(&prefill))]), Noise::None)
    }

    fn backend(device: &str, model: &str, part: impl FnOnce(&ModelSpec) -> Option<Part>) -> Modelled {
        let mut tier = Simulated::tier(EngineKind::Vllm, device, model, part);
        tier.profile = Some(Arc::new(Self::profile(&tier)));
        Modelled::new(&tier, TokenProcess::default(), Streams::new(7))
    }
}

impl Factory for Profiled {
    type Backend = Modelled;

    fn target(&self) -> Modelled {
        Self::backend("a100-40-sxm", "qwen2.5-vl-7b", |_| None)
    }

    fn drafter(&self) -> Modelled {
        Self::backend("rtx-3090", "qwen2-vl-2b", |_| None)
    }

    fn request(&self, number: u64) -> Request {
        Simulated(EngineKind::Vllm, TokenProcess::default()).request(number)
    }
}

impl Simulated {
    fn tier(engine: EngineKind, device: &str, model: &str, part: impl FnOnce(&ModelSpec) -> Option<Part>) -> Tier {
        let tier = Tier::named(device, model, engine).expect("a known device and model");
        Tier { part: part(&tier.model), ..tier }
    }

    fn backend(&self, device: &str, model: &str, part: impl FnOnce(&ModelSpec) -> Option<Part>) -> Modelled {
        Modelled::new(&Self::tier(self.0, device, model, part), self.1.clone(), Streams::new(7))
    }
}

impl Factory for Simulated {
    type Backend = Modelled;

    fn target(&self) -> Modelled {
        self.backend("a100-40-sxm", "qwen2.5-vl-7b", |_| None)
    }

    fn drafter(&self) -> Modelled {
        self.backend("rtx-3090", "qwen2-vl-2b", |_| None)
    }

    fn request(&self, number: u64) -> Request {
        let size = ImageSize::Pixels { width: 280, height: 280 };
        let images = Images { count: 2, size, payload: Bytes::new(40_000), moving: false, encoded: false };
        let images = (number % 2 == 1).then_some(images);
        let prompt = Prompt { request: number, text_tokens: 30 + number as u32, images, audio: None };
        Request { prompt, output_tokens: 1 + 7 * number as u32 }
    }
}

impl Splits for Profiled {
    fn part(&self, upper: bool) -> Modelled {
        let part = |model: &ModelSpec| if upper { Part::upper(model, 8, false) } else { Part::lower(model, 8) };
        Self::backend("a100-40-sxm", "qwen2.5-vl-7b", |model| Some(part(model)))
    }
}

impl Splits for Simulated {
    fn part(&self, upper: bool) -> Modelled {
        let part = |model: &ModelSpec| if upper { Part::upper(model, 8, false) } else { Part::lower(model, 8) };
        self.backend("a100-40-sxm", "qwen2.5-vl-7b", |model| Some(part(model)))
    }
}

#[test]
pub fn noise_is_drawn_from_the_spread_and_repeats_itself() {
    let durations = |noise| {
        let mut tier = Simulated::tier(EngineKind::Vllm, "rtx-3090", "qwen2-vl-2b", |_| None);
        tier.profile = Some(Arc::new(Profiled::profile(&tier).with_noise(noise)));
        let mut backend = Modelled::new(&tier, TokenProcess::default(), Streams::new(7));
        let sequence = open(&mut backend, &Profiled.request(9));
        read(&mut backend, sequence, false);
        let durations: Vec<f64> =
            (0..200).map(|_| one(&mut backend, sequence, Work::Pass).1.duration.as_ms_f64()).collect();
        let coverage = backend.coverage().expect("a profile counts");
        assert_eq!((coverage.iterations, coverage.measured), (201, 201));
        durations
    };
    let (plain, drawn) = (durations(Noise::None), durations(Noise::Stream("noise/edge")));
    assert_eq!(drawn, durations(Noise::Stream("noise/edge")));
    let ratios: Vec<f64> = plain.iter().zip(&drawn).map(|(plain, drawn)| drawn / plain).collect();
    assert!(ratios.iter().all(|ratio| (0.969..=1.041).contains(ratio)), "{ratios:?}");
    assert!(ratios.iter().any(|ratio| *ratio < 0.99) && ratios.iter().any(|ratio| *ratio > 1.01));
    let slow = durations(Noise::Quantile(1.0));
    assert!(plain.iter().zip(&slow).all(|(plain, slow)| (slow / plain - 1.04).abs() < 1e-6));
}
