//! The suite on real models, on the processor: those of `../shared/models`, whose attention is of plain operators, and written ones
//! with random weights, whose attention is fused.

use super::*;
use backends::onnx::write::{Attention, Recipe, Release, write};
use backends::onnx::{Folder, Model, OnnxError, Picture, Provider, Runtime};
use backends::real::{Questions, Real, Replayed, TimeScale, spec};
use backends::{Heads, Probe};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// Real models, which stay loaded.
pub struct Loaded {
    target: (&'static Mutex<Model>, ModelSpec),
    drafter: (&'static Mutex<Model>, ModelSpec),
}

/// The models of `../shared/models`, where they are and the library is too.
pub fn shared(test: &str) -> Option<Loaded> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/models");
    if !folder.join("target/config.json").is_file() {
        return skipped(test, "../shared/models is not here");
    }
    loaded(test, &folder)
}

/// A pair of models of our own.
pub fn written(test: &str) -> Option<Loaded> {
    let folder = tempfile::tempdir().unwrap();
    let release = Release::named("tiny").unwrap();
    let recipe = |shape| Recipe { shape, dtype: release.dtype, attention: Attention::Fused, seed: 7 };
    let models: Vec<_> = release.models.iter().map(|(folder, shape)| (*folder, recipe(*shape))).collect();
    write(&models, &folder.path().join("tiny"), &mut |_| ()).unwrap();
    loaded(test, &folder.path().join("tiny"))
}

fn loaded(test: &str, folder: &Path) -> Option<Loaded> {
    let runtime = match Runtime::new(None, Provider::Cpu, Some(1)) {
        Ok(runtime) => runtime,
        Err(OnnxError::Unavailable(why)) => return skipped(test, &why),
        Err(error) => panic!("{error}"),
    };
    let load = |name: &str| {
        let model = Model::load(Folder::read(&folder.join(name), None).unwrap(), &runtime).unwrap();
        let spec = spec(&model).unwrap();
        (&*Box::leak(Box::new(Mutex::new(model))), spec)
    };
    Some(Loaded { target: load("target"), drafter: load("draft") })
}

/// Says past the runner's capture that a test had nothing to test.
fn skipped<T>(test: &str, why: &str) -> Option<T> {
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
    None
}

/// A bar on a background, and a question about it.
struct Bars;

const ASKED: [&str; 5] = [
    "Tell a short story about the shape.",
    "Describe the picture.",
    "Count from one to seven.",
    "What color is the background?",
    "Where is the shape?",
];

impl Questions for Bars {
    fn pictures(&self, request: u64) -> backends::onnx::Result<Vec<Picture>> {
        let (width, height) = (112, 84);
        let bar = |at: usize| (20..60).contains(&(at % width)) && (30..50).contains(&(at / width));
        let colour = |at| if bar(at) { [200, 30, (request * 20) as u8] } else { [30, 40, 220] };
        let bytes = (0..width * height).flat_map(colour).collect();
        Ok(vec![Picture { width: width as u32, height: height as u32, bytes }])
    }

    fn text(&self, request: u64) -> String {
        ASKED[request as usize % ASKED.len()].to_owned()
    }

    fn score(&self, _: u64, answer: &str) -> f64 {
        f64::from(u8::from(answer.contains("bar")))
    }
}

impl Loaded {
    fn backend(&self, (model, spec): &(&'static Mutex<Model>, ModelSpec)) -> Replayed<'static> {
        let tier = Tier::named("rtx-3090", "qwen2-vl-2b", EngineKind::Hf).expect("a known device and model");
        let tier = Tier { engine: EngineKind::Hf.profile(spec, &tier.device), model: spec.clone(), ..tier };
        let probe = Probe::new(Heads::default(), Streams::new(7));
        Replayed::Own(Real::new(&tier, model, &Bars, TimeScale::MEASURED, probe, Default::default()).into())
    }
}

impl Factory for Loaded {
    type Backend = Replayed<'static>;
    const MEASURED: bool = true;
    const LENGTHS: bool = false;

    fn target(&self) -> Replayed<'static> {
        self.backend(&self.target)
    }

    fn drafter(&self) -> Replayed<'static> {
        self.backend(&self.drafter)
    }

    fn request(&self, number: u64) -> Request {
        let size = ImageSize::Pixels { width: 112, height: 84 };
        let images = Some(Images { count: 1, size, payload: Bytes::new(9_000), moving: false, encoded: false });
        let prompt = Prompt { request: number, text_tokens: 12, images, audio: None };
        Request { prompt, output_tokens: 64 }
    }
}
