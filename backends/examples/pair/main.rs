//! Measures a pair of models on graded questions that no lesson had: `cargo run --release -p backends --features onnx --example
//! pair -- FOLDER [QUESTIONS [FIGURES]]`. FOLDER has `draft` and `target`; if it is not there, the trained pair is written into
//! it. FIGURES is a folder that takes a sheet of figures of the same numbers, `trained_pair.png`.
//!
//! Prints accuracies by topic and grade; right answers and agreement of the models by the draft's entropy and by place; accuracy
//! of the target by retention, when tokens go by the probe's map (its stand-in's and its fitted head's), evenly, or at random;
//! accuracy of both models by what compression leaves of a picture; and the simulator's laws of accuracy, fitted to one half
//! of the questions and compared with the other.

mod compression;
mod figures;
mod laws;
mod pruning;

use backends::onnx::write::{Attention, Recipe, Release, write};
use backends::onnx::{Folder, Model, Picture, Provider, Runtime, generate, speculate};
use backends::real::{Questions, recorded};
use drawn::{Kind, SIDE_PX, drawn};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

/// Seed of the questions.
const SEED: u64 = 1;
/// Tokens of an answer, at most.
const LONGEST: usize = 64;
/// Upper ends of the bins of entropy, in nats.
const BINS: [f64; 7] = [0.001, 0.01, 0.05, 0.2, 0.5, 1.0, f64::INFINITY];

type Tried<T> = Result<T, Box<dyn Error>>;

/// The numbers that figures are drawn from.
struct Measured {
    /// The scores of draft and target on whole pictures.
    whole: [Vec<f64>; 2],
    /// One for each token of the draft that is the target's own and zero for each other one, by the bin of the draft's entropy.
    agreement: BTreeMap<usize, Vec<f64>>,
    /// The target's scores with tokens dropped before the vision tower, and behind it.
    pruned: [pruning::ByRetention; 2],
    /// The scores of both models on compressed pictures.
    compressed: Vec<compression::Compressed>,
}

#[expect(clippy::disallowed_methods, reason = "an example has arguments; nothing that is simulated does")]
fn main() -> Tried<()> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: pair FOLDER [QUESTIONS [FIGURES]]")?;
    let count = args.next().map_or(Ok(400), |text| text.parse())?;
    let figures = args.next();
    if !Path::new(&folder).is_dir() {
        let release = Release::named("trained").ok_or("no release of that name")?;
        let recipe = |shape| Recipe { shape, dtype: release.dtype, attention: Attention::Fused, seed: 0 };
        let models: Vec<_> = release.models.iter().map(|(name, shape)| (*name, recipe(*shape))).collect();
        write(&models, folder.as_ref(), &mut |_| ())?;
    }
    let runtime = Runtime::new(None, Provider::Cpu, Some(1))?;
    let load = |name: &str| Model::load(Folder::read(&Path::new(&folder).join(name), None)?, &runtime);
    let mut models = [load("draft")?, load("target")?];
    let [draft, target] = &mut models;
    draft.drafts_for(target)?;
    let whole = words(&mut models, count)?;
    let agreement = agreement(&mut models, count)?;
    let fitted = std::fs::read_to_string(Path::new(&folder).join("draft/probe_heads.toml"))?;
    let pruned = pruning::measured(&mut models, &backends::Heads::parse(&fitted)?, count)?;
    let compressed = compression::measured(&mut models, &whole, count)?;
    laws::compared(&whole, &pruned[1]);
    let measured = Measured { whole, agreement, pruned, compressed };
    figures.map_or(Ok(()), |folder| figures::drawn_into(folder.as_ref(), &measured))
}

/// Graded questions by their numbers.
struct Graded;

impl Questions for Graded {
    fn pictures(&self, request: u64) -> onnx::Result<Vec<Picture>> {
        let pictures = drawn(SEED, request, Kind::Graded, None).pictures.into_iter();
        Ok(pictures.map(|picture| Picture { width: SIDE_PX, height: SIDE_PX, bytes: picture.rgb }).collect())
    }

    fn text(&self, request: u64) -> String {
        drawn(SEED, request, Kind::Graded, None).question.prompt()
    }

    fn score(&self, request: u64, answer: &str) -> f64 {
        drawn(SEED, request, Kind::Graded, None).question.score(answer)
    }
}

fn prompt(model: &Model, request: u64) -> onnx::Result<onnx::Prompt> {
    prompt_of(model, request, &Graded.pictures(request)?)
}

/// The prompt of a question about these pictures.
fn prompt_of(model: &Model, request: u64, pictures: &[Picture]) -> onnx::Result<onnx::Prompt> {
    let patches =
        pictures.iter().map(|picture| model.preprocessing().patches(picture)).collect::<onnx::Result<Vec<_>>>()?;
    let rendered = model.text().rendered(patches.len(), &Graded.text(request))?;
    model.prompt(&model.text().tokens(&rendered)?, patches, false)
}

/// The score of an answer to a prompt, its tokens, and the entropy behind the first.
fn answered(model: &mut Model, prompt: &onnx::Prompt, request: u64) -> onnx::Result<(f64, Vec<u32>, f64)> {
    let (answer, _) = generate(model, prompt, LONGEST)?;
    let score = Graded.score(request, &model.text().text(&answer.ids)?);
    let largest = answer.entropies.iter().copied().fold(0.0, f64::max);
    Ok((score, answer.ids, largest))
}

/// Sums of several quantities and how many went in.
#[derive(Default)]
struct Mean(Vec<f64>, f64);

impl Mean {
    fn add(&mut self, values: &[f64]) {
        self.0.resize(values.len(), 0.0);
        self.0.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        self.1 += 1.0;
    }

    fn row(&self) -> String {
        let means: Vec<String> = self.0.iter().map(|sum| format!("{:.3}", sum / self.1)).collect();
        format!("{} | {}", self.1, means.join(" | "))
    }
}

/// A mean and the half of its 95 % interval.
#[derive(Clone, Copy)]
struct Estimate {
    mean: f64,
    half: f64,
}

impl Estimate {
    fn of(values: &[f64]) -> Self {
        let (mean, count) = (mean(values), values.len() as f64);
        let square = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (count - 1.0).max(1.0);
        Self { mean, half: 1.96 * (square / count).sqrt() }
    }

    /// The ends of the interval of a share.
    fn ends(self) -> [f64; 2] {
        [self.mean - self.half, self.mean + self.half].map(|end| end.clamp(0.0, 1.0))
    }
}

/// Accuracies, and right answers by the largest entropy of an answer. Gives the scores of both models.
fn words([draft, target]: &mut [Model; 2], count: u64) -> Tried<[Vec<f64>; 2]> {
    let mut scores: [Vec<f64>; 2] = Default::default();
    let mut topics: BTreeMap<String, Mean> = BTreeMap::new();
    let mut bins: BTreeMap<usize, [Mean; 2]> = BTreeMap::new();
    let (mut both, mut all, mut equal) = ([[0_u32; 2]; 2], Mean::default(), 0);
    for request in 0..count {
        let [of_draft, of_target] = [prompt(draft, request)?, prompt(target, request)?];
        let small = answered(draft, &of_draft, request)?;
        let large = answered(target, &of_target, request)?;
        let (together, _) = speculate(target, draft, &of_target, 4, LONGEST)?;
        equal += u64::from(together.ids == large.1);
        let id = drawn(SEED, request, Kind::Graded, None).question.id;
        let mut parts = id.split('-');
        let topic = [parts.next(), parts.next()].map(Option::unwrap_or_default).join(", ");
        topics.entry(topic).or_default().add(&[small.0, large.0]);
        all.add(&[small.0, large.0]);
        for (model, (score, _, entropy)) in [&small, &large].into_iter().enumerate() {
            bins.entry(bin(*entropy)).or_default()[model].add(&[*score]);
            scores[model].push(*score);
        }
        both[usize::from(small.0 > 0.5)][usize::from(large.0 > 0.5)] += 1;
    }
    println!("| questions | count | draft | target |\n|---|---|---|---|");
    for (topic, mean) in &topics {
        println!("| {topic} | {} |", mean.row());
    }
    println!("| all | {} |\n", all.row());
    println!("speculative answers that are the target's own: {equal} of {count}");
    println!(
        "both right {}, only target {}, only draft {}, neither {}\n",
        both[1][1], both[0][1], both[1][0], both[0][0]
    );
    println!(
        "| largest entropy, nats, up to | draft: answers | right | target: answers | right |\n|---|---|---|---|---|"
    );
    for (at, [small, large]) in &bins {
        println!("| {} | {} | {} |", BINS[*at], small.row(), large.row());
    }
    Ok(scores)
}

fn bin(entropy: f64) -> usize {
    BINS.iter().position(|end| entropy <= *end).unwrap_or(BINS.len() - 1)
}

/// Prints agreement of the draft with the target's answer by its entropy and by place. Gives that by entropy: one or zero for
/// each token of a bin.
fn agreement([draft, target]: &mut [Model; 2], count: u64) -> Tried<BTreeMap<usize, Vec<f64>>> {
    let (mut bins, mut places) = (BTreeMap::<usize, Vec<f64>>::new(), BTreeMap::<usize, Vec<f64>>::new());
    let mut runs = [[0.0_f64; 2]; 2];
    for request in 0..count {
        let outcomes = recorded([&mut *draft, &mut *target], &Graded, request, LONGEST)?;
        for (place, outcome) in outcomes.iter().enumerate() {
            let agrees = f64::from(u8::from(outcome.agrees));
            bins.entry(bin(f64::from(outcome.entropy_nats))).or_default().push(agrees);
            places.entry(place.min(12)).or_default().push(agrees);
        }
        for pair in outcomes.windows(2) {
            runs[usize::from(pair[0].agrees)][usize::from(pair[1].agrees)] += 1.0;
        }
    }
    let row = |tokens: &[f64]| format!("{} | {:.3}", tokens.len(), mean(tokens));
    println!("\n| draft's entropy, nats, up to | tokens | agree |\n|---|---|---|");
    bins.iter().for_each(|(at, tokens)| println!("| {} | {} |", BINS[*at], row(tokens)));
    println!("\n| place in the answer | tokens | agree |\n|---|---|---|");
    places.iter().for_each(|(at, tokens)| println!("| {at} | {} |", row(tokens)));
    let [behind_wrong, behind_right] = runs.map(|[wrong, right]| right / (wrong + right));
    println!("\nagrees behind a token that agrees: {behind_right:.3}; behind one that does not: {behind_wrong:.3}");
    Ok(bins)
}

fn mean(scores: &[f64]) -> f64 {
    scores.iter().sum::<f64>() / scores.len() as f64
}

/// The mean paired difference, with its interval.
fn gain(scores: &[f64], other: &[f64]) -> String {
    let differences: Vec<f64> = scores.iter().zip(other).map(|(score, other)| score - other).collect();
    let Estimate { mean, half } = Estimate::of(&differences);
    format!("{mean:+.3} ± {half:.3}")
}
