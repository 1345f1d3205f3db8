//! Models that are written with random weights: they load, answer, and compute the same whichever operators they are made of.
//!
//! Without ONNX Runtime there is nothing to run: these tests say so past the runner's capture.

use onnx::write::{Attention, Dtype, Family, Recipe, Shape, Tower, write};
use onnx::{
    Finish, Folder, Model, OnnxError, Patches, Picture, Prompt, Provider, Runtime, Sequence, generate, speculate,
};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn runtime(test: &str) -> Option<Runtime> {
    match Runtime::new(None, Provider::Cpu, Some(1)) {
        Ok(runtime) => Some(runtime),
        Err(OnnxError::Unavailable(why)) => {
            // Not `eprintln!`, which the runner captures and shows of failed tests only.
            let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Heads and rotary positions as in the published shapes, few and narrow layers; a context that fills up.
const DRAFT: Shape = Shape {
    name: "small",
    family: Family::Qwen2Vl,
    layers: 2,
    hidden: 192,
    intermediate: 256,
    heads: 6,
    kv_heads: 2,
    head_dim: 128,
    vocab: 1024,
    tokens: 680,
    tied: true,
    sections: [16, 24, 24],
    context: 512,
    most_pixels: 1_003_520,
    theta: 1_000_000,
    tower: Tower { layers: 2, hidden: 160, intermediate: 320, heads: 2, full: &[] },
    trained: None,
};

const TARGET: Shape = Shape {
    family: Family::Qwen25Vl,
    layers: 3,
    tied: false,
    vocab: 1100,
    tower: Tower { layers: 3, hidden: 160, intermediate: 220, heads: 2, full: &[1] },
    ..DRAFT
};

fn recipe(shape: Shape, dtype: Dtype, attention: Attention) -> Recipe {
    Recipe { shape, dtype, attention, seed: 7 }
}

fn written(recipe: Recipe) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&[("", recipe)], folder.path(), &mut |_| {}).unwrap();
    folder
}

fn load(folder: &Path, runtime: &Runtime) -> Model {
    let folder = Folder::read(folder, None).unwrap();
    folder.check().unwrap();
    assert!(folder.config.random_weights);
    Model::load(folder, runtime).unwrap()
}

/// A picture of soft colours that differ from place to place.
fn picture(width: u32, height: u32) -> Picture {
    let wave = |at: u32, period: u32| ((at % period) * 255 / period) as u8;
    let bytes = (0..height)
        .flat_map(|y| (0..width).flat_map(move |x| [wave(x, 97), wave(y, 61), wave(x + 2 * y, 151)]))
        .collect();
    Picture { width, height, bytes }
}

/// A question about a picture whose last windows are not whole.
fn question(model: &Model) -> Prompt {
    let patches = model.preprocessing().patches(&picture(250, 180)).unwrap();
    let rendered = model.text().rendered(1, "What is in the picture?").unwrap();
    model.prompt(&model.text().tokens(&rendered).unwrap(), vec![patches], false).unwrap()
}

/// The largest difference, as a share of the largest value.
fn difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    let apart = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(largest > 0.0 && apart.is_finite());
    apart / largest
}

/// Steps of an answer as drafting makes them: logits of each, rows behind one another.
fn steps(model: &mut Model) -> Vec<Vec<f32>> {
    let prompt = question(model);
    let (mut sequence, logits) = model.open(&prompt).unwrap();
    let mut all = vec![logits.row(0).unwrap().to_vec()];
    let mut step = |model: &mut Model, sequence: &mut Sequence, tokens: &[u32]| {
        let logits = model.step(sequence, tokens, tokens.len()).unwrap();
        all.push((0..tokens.len()).flat_map(|row| logits.row(row).unwrap().to_vec()).collect());
    };
    let start = prompt.ids.len();
    step(model, &mut sequence, &[5]);
    step(model, &mut sequence, &[6, 7, 8, 9, 10]);
    model.rollback(&mut sequence, start + 3);
    step(model, &mut sequence, &[11]);
    step(model, &mut sequence, &[12, 13, 14, 15, 16, 17]);
    model.rollback(&mut sequence, start + 4);
    step(model, &mut sequence, &[18, 19]);
    all
}

#[test]
fn plain_and_fused_attention_agree() {
    let Some(runtime) = runtime("plain_and_fused_attention_agree") else { return };
    for shape in [DRAFT, TARGET] {
        for (dtype, tolerance) in [(Dtype::Fp32, 1e-4), (Dtype::Fp16, 3e-2)] {
            let [plain, fused] = [Attention::Plain, Attention::Fused].map(|attention| {
                let folder = written(recipe(shape, dtype, attention));
                let mut model = load(folder.path(), &runtime);
                assert_eq!(model.describe().fused_attention, attention == Attention::Fused);
                steps(&mut model)
            });
            let apart: Vec<_> = plain.iter().zip(&fused).map(|(plain, fused)| difference(plain, fused)).collect();
            println!("{:?} {dtype:?}: {apart:?}", shape.family);
            assert!(apart.iter().all(|apart| *apart <= tolerance), "{:?} {dtype:?}: {apart:?}", shape.family);
        }
    }
}

#[test]
fn written_models_answer_alone_and_with_a_draft() {
    let Some(runtime) = runtime("written_models_answer_alone_and_with_a_draft") else { return };
    for (dtype, attention) in
        [(Dtype::Fp32, Attention::Fused), (Dtype::Fp32, Attention::Plain), (Dtype::Fp16, Attention::Fused)]
    {
        let folders = [DRAFT, TARGET].map(|shape| written(recipe(shape, dtype, attention)));
        let [mut draft, mut target] = folders.each_ref().map(|folder| load(folder.path(), &runtime));
        let prompt = question(&target);
        let (answer, _) = generate(&mut target, &prompt, 24).unwrap();
        assert!(answer.finish == Finish::Eos || answer.ids.len() == 24);
        assert!(answer.entropies.iter().all(|entropy| entropy.is_finite() && *entropy > 0.0));
        // The padding of the logits is never the largest, so that every token is one of the tokenizer's.
        assert!(answer.ids.iter().all(|id| (*id as usize) < target.text().entries()));
        let (drafted, _) = speculate(&mut target, &mut draft, &prompt, 3, 24).unwrap();
        assert_eq!(drafted.ids, answer.ids, "{dtype:?} {attention:?}");
        assert!(drafted.rounds.iter().any(|round| round.accepted < round.proposed));
        // The target drafts for itself: all that is proposed is accepted.
        let mut itself = load(folders[1].path(), &runtime);
        let (drafted, _) = speculate(&mut target, &mut itself, &prompt, 3, 24).unwrap();
        assert_eq!(drafted.ids, answer.ids, "{dtype:?} {attention:?}");
        // As on a GPU, where keys and values are bound to its memory.
        let mut bound = load(folders[1].path(), &runtime.clone().bound());
        assert_eq!(generate(&mut bound, &prompt, 24).unwrap().0, answer, "{dtype:?} {attention:?}");
        let accepted: usize = drafted.rounds.iter().map(|round| round.accepted).sum();
        let proposed: usize = drafted.rounds.iter().map(|round| round.proposed).sum();
        assert!(accepted + 4 >= proposed, "{accepted} of {proposed}: {dtype:?} {attention:?}");
    }
}

/// All files in a folder, by their names, and what is in them.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| {
        if path.is_dir() { contents(&path) } else { BTreeMap::from([(path.clone(), std::fs::read(&path).unwrap())]) }
    };
    entries.flat_map(of).map(|(path, bytes)| (PathBuf::from(path.file_name().unwrap()), bytes)).collect()
}

#[test]
fn the_seed_decides_every_byte() {
    let first = recipe(TARGET, Dtype::Fp16, Attention::Fused);
    let of = |recipe: Recipe| contents(written(recipe).path());
    let bytes = of(first);
    assert_eq!(bytes.len(), 3 * 2 + 5);
    assert!(bytes == of(first));
    let other = of(Recipe { seed: 8, ..first });
    let differ: Vec<_> = bytes.iter().filter(|(path, bytes)| other[*path] != **bytes).map(|(path, _)| path).collect();
    // All weights, the small ones inside of the graphs, and config.json, which names the seed.
    let graphs = ["decoder_model_merged", "vision_encoder"].map(|name| format!("{name}_fp16.onnx"));
    let data = ["decoder_model_merged", "embed_tokens", "vision_encoder"].map(|name| format!("{name}_fp16.onnx_data"));
    let mut expected: Vec<_> =
        [&graphs[..], &data, &["config.json".to_owned()]].concat().iter().map(PathBuf::from).collect();
    expected.sort();
    assert_eq!(differ, expected.iter().collect::<Vec<_>>());
}

#[test]
fn a_whole_folder_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let models = [("", recipe(DRAFT, Dtype::Fp16, Attention::Fused))];
    let attempt = |name: &str| write(&models, &folder.path().join(name), &mut |_| {}).unwrap_err().to_string();
    std::fs::write(folder.path().join("file"), "").unwrap();
    assert!(attempt("file").contains("a file is in the way"));
    assert!(attempt("file/m").contains("a file is in the way"), "{}", attempt("file/m"));
    assert!(attempt("..").contains("give a folder by its name"));
    std::fs::create_dir(folder.path().join("full")).unwrap();
    std::fs::write(folder.path().join("full/mine"), "").unwrap();
    assert!(attempt("full").contains("full is not empty"));
    let huge = [("", recipe(Shape { intermediate: 1 << 48, ..DRAFT }, Dtype::Fp16, Attention::Fused))];
    let refusal = write(&huge, &folder.path().join("huge"), &mut |_| {}).unwrap_err().to_string();
    assert!(refusal.contains(" GB are needed, and "), "{refusal}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    let (mut told, target) = (0, folder.path().join("deep/er"));
    write(&models, &target, &mut |more| told += more).unwrap();
    assert_eq!(told, models[0].1.bytes());
    assert_eq!(std::fs::read_dir(folder.path().join("deep")).unwrap().count(), 1);
}

/// The tower alone: a picture's features.
fn features(model: &mut Model, patches: &Patches) -> Vec<Vec<f32>> {
    let rows = model.features(patches).unwrap();
    rows.values.chunks(rows.width).map(<[f32]>::to_vec).collect()
}

#[test]
fn a_patch_is_seen_in_its_window_or_everywhere() {
    let Some(runtime) = runtime("a_patch_is_seen_in_its_window_or_everywhere") else { return };
    let windowed = Shape { tower: Tower { full: &[], ..TARGET.tower }, ..TARGET };
    for attention in [Attention::Plain, Attention::Fused] {
        for (shape, everywhere) in [(windowed, false), (TARGET, true), (DRAFT, true)] {
            let folder = written(recipe(shape, Dtype::Fp32, attention));
            let mut model = load(folder.path(), &runtime);
            // 9 x 6 tokens: windows of 4 x 4, and what is left of them.
            let mut patches = model.preprocessing().patches(&picture(252, 168)).unwrap();
            assert_eq!(patches.grid, [1, 12, 18]);
            let before = features(&mut model, &patches);
            // A patch of the token in row 5 and column 1.
            let changed = 5 * 9 + 1;
            let values = model.preprocessing().patch_values();
            patches.values[(changed * 4 + 2) * values..][..values].fill(0.5);
            let after = features(&mut model, &patches);
            for (token, (before, after)) in before.iter().zip(&after).enumerate() {
                let (row, column) = (token / 9, token % 9);
                let together = row / 4 == 1 && column / 4 == 0;
                let what = format!("{:?} {attention:?}: row {row}, column {column}", shape.family);
                assert_eq!(before != after, together || everywhere, "{what}");
            }
        }
    }
}

/// Frames do not see each other, and stand at the same places.
#[test]
fn frames_are_encoded_each_by_itself() {
    let Some(runtime) = runtime("frames_are_encoded_each_by_itself") else { return };
    for shape in [DRAFT, TARGET] {
        let folder = written(recipe(shape, Dtype::Fp32, Attention::Fused));
        let mut model = load(folder.path(), &runtime);
        let first = model.preprocessing().patches(&picture(140, 84)).unwrap();
        let mut second = first.clone();
        second.values.iter_mut().for_each(|value| *value *= -0.5);
        let both =
            Patches { grid: [2, first.grid[1], first.grid[2]], values: [&*first.values, &second.values].concat() };
        let together = features(&mut model, &both).concat();
        let apart = [features(&mut model, &first), features(&mut model, &second)].concat().concat();
        let difference = difference(&together, &apart);
        assert!(difference < 1e-5, "{:?}: {difference}", shape.family);
    }
}

#[test]
fn every_grid_has_its_features() {
    let Some(runtime) = runtime("every_grid_has_its_features") else { return };
    let folder = [Attention::Plain, Attention::Fused].map(|attention| written(recipe(TARGET, Dtype::Fp32, attention)));
    let [mut plain, mut fused] = folder.each_ref().map(|folder| load(folder.path(), &runtime));
    for (columns, rows) in [(1, 4), (2, 2), (4, 4), (5, 3), (8, 8), (13, 7)] {
        let patches = plain.preprocessing().patches(&picture(28 * columns, 28 * rows)).unwrap();
        assert_eq!(patches.grid, [1, 2 * rows, 2 * columns]);
        let features = [&mut plain, &mut fused].map(|model| features(model, &patches));
        assert_eq!(features[0].len(), (rows * columns) as usize);
        let difference = difference(&features[0].concat(), &features[1].concat());
        assert!(difference < 1e-4, "{rows} x {columns}: {difference}");
    }
}
