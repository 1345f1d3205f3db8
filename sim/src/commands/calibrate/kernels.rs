//! Steps that are put together from kernels timed alone.
//!
//! A step of `batch` sequences takes: layers x (matrices + element-wise layers + attention) + embedding, last norm, head and
//! sampler. Layers without attention are linear between the numbers of tokens that were timed; attention is as it was timed. Nothing is
//! extrapolated, so a step whose layers were not timed for so many tokens is left out. Such sums have no host time.

use super::sheets::Sheets;
use crate::scenario::profile::KERNELS;
use crate::terminal::{Failure, say};
use std::collections::BTreeMap;
use std::path::Path;
use traces::measured::kernels::{Call, Kernel, KernelPlace};
use traces::measured::{MeasuredStep, kind_by_length};

/// The calls of a layer in a step.
#[derive(Clone, Copy, PartialEq)]
enum Times {
    /// So often in each layer of the model, over all tokens.
    Layer(f64),
    /// Once, over all tokens.
    Once,
    /// Once, over a token of each sequence.
    Sequences,
    /// In an expert, which no step is put together from.
    Expert,
}

/// The layers that are known by name. A layer has two norms and two residuals, which tables time once.
const OPS: [(&str, Times); 25] = [
    ("input_layernorm", Times::Layer(1.0)),
    ("post_layernorm", Times::Layer(1.0)),
    ("layernorm", Times::Layer(2.0)),
    ("residual_add", Times::Layer(2.0)),
    ("qkv_proj", Times::Layer(1.0)),
    ("q_proj", Times::Layer(1.0)),
    ("k_proj", Times::Layer(1.0)),
    ("v_proj", Times::Layer(1.0)),
    ("qk_norm", Times::Layer(1.0)),
    ("rotary_emb", Times::Layer(1.0)),
    ("rope", Times::Layer(1.0)),
    ("o_proj", Times::Layer(1.0)),
    ("gate_up_proj", Times::Layer(1.0)),
    ("gate_proj", Times::Layer(1.0)),
    ("up_proj", Times::Layer(1.0)),
    ("act_fn", Times::Layer(1.0)),
    ("down_proj", Times::Layer(1.0)),
    ("embedding", Times::Once),
    ("final_layernorm", Times::Once),
    (HEAD, Times::Sequences),
    ("sampler", Times::Sequences),
    ("gate", Times::Expert),
    ("expert.w1", Times::Expert),
    ("expert.w2", Times::Expert),
    ("expert.w3", Times::Expert),
];

/// The layer that makes logits.
const HEAD: &str = "lm_head";

/// Matrices that a step cannot do without: of each line, all layers of one of the lists.
const NEEDED: [&[&[&str]]; 4] = [
    &[&["qkv_proj"], &["q_proj", "k_proj", "v_proj"]],
    &[&["o_proj"]],
    &[&["gate_up_proj"], &["up_proj"]],
    &[&["down_proj"]],
];

/// A prompt's chunk and a batch of decodes in one step.
#[derive(Clone, Debug, PartialEq)]
pub struct MixedStep {
    /// The chunk, with the duration of the whole.
    pub prompt: MeasuredStep,
    /// The decodes, with the same duration.
    pub decodes: MeasuredStep,
}

/// The steps that kernels make.
#[derive(Debug, Default, PartialEq)]
pub struct Composed<'p> {
    /// Steps of prompts alone and of decodes alone, each with the table of its attention.
    pub steps: Vec<(&'p Path, MeasuredStep)>,
    /// Steps of both.
    pub mixed: Vec<(&'p Path, MixedStep)>,
}

/// Microseconds of one layer by its tokens, each time that it was timed.
type Timed = BTreeMap<u32, Vec<f64>>;

/// Layers without attention at one place, by the engine that ran them and by their names.
type Layers = BTreeMap<(KernelPlace, String), BTreeMap<&'static str, Timed>>;

/// Puts steps together. What is left out is said, with the number of kernels and the reason.
///
/// # Errors
/// If a layer's name is not known, or nothing is known of a model.
pub fn compose<'p>(kernels: &[(&'p Path, Kernel)], sheets: &Sheets) -> Result<Composed<'p>, Failure> {
    let mut left_out = LeftOut::default();
    let mut layers = Layers::new();
    let mut attention = Vec::new();
    for (path, kernel) in kernels {
        match &kernel.call {
            _ if kernel.place.tensor_parallel > 1 => left_out.add(SHARDS),
            _ if kernel.place.model == "-" => left_out.add(NO_MODEL),
            Call::Attention { is_encoder: true, .. } => left_out.add("kernels of vision towers"),
            Call::Linear { op, tokens } => {
                let op = known(path, kernel, op)?;
                let key = (kernel.place.clone(), kernel.engine.clone());
                let timed = layers.entry(key).or_default().entry(op).or_default();
                timed.entry(*tokens).or_default().push(kernel.duration_us);
            }
            Call::Attention { .. } | Call::Mixed { .. } => attention.push((*path, kernel)),
        }
    }
    for ((place, _), layers) in &layers {
        if !attention.iter().any(|(_, kernel)| kernel.place == *place) {
            let kernels = layers.values().flat_map(BTreeMap::values).map(Vec::len).sum::<usize>() as u64;
            left_out.add_many(
                &format!("kernels of {} on {}: its attention was not timed", place.model, place.gpu),
                kernels,
            );
        }
    }
    let mut composed = Composed::default();
    for (path, kernel) in attention {
        match Stack::find(&layers, kernel) {
            Ok(stack) => stack.step(path, kernel, sheets, &mut composed, &mut left_out)?,
            Err(lack) => left_out.add(&lack),
        }
    }
    left_out.say();
    Ok(composed)
}

const SHARDS: &str =
    "kernels of one GPU of several; a law of several GPUs takes measured steps, with what passes between them";
const NO_MODEL: &str = "kernels that name no model, so the steps that they are part of are not known";

/// The layer of that name.
fn known(path: &Path, kernel: &Kernel, op: &str) -> Result<&'static str, Failure> {
    OPS.iter().map(|(name, _)| *name).find(|name| *name == op).ok_or_else(|| {
        let names: Vec<&str> = OPS.iter().map(|(name, _)| *name).collect();
        let at = format!("{}:{}", path.display(), kernel.line);
        Failure::refused(format!("{at}: found op = \"{op}\"; expected one of {}; rename it", names.join(", ")))
    })
}

/// Kernels that are left out, by the reason.
#[derive(Default)]
struct LeftOut(BTreeMap<String, u64>);

impl LeftOut {
    fn add(&mut self, reason: &str) {
        self.add_many(reason, 1);
    }

    fn add_many(&mut self, reason: &str, kernels: u64) {
        *self.0.entry(reason.to_owned()).or_default() += kernels;
    }

    fn say(self) {
        for (reason, kernels) in self.0 {
            say(format_args!("sim: left out: {kernels} {reason}"));
        }
    }
}

/// The layers without attention of one model on one device.
struct Stack<'l> {
    engine: &'l str,
    layers: &'l BTreeMap<&'static str, Timed>,
}

impl<'l> Stack<'l> {
    /// The layers that belong to an attention: those of its engine, or of the only one that there is.
    fn find(layers: &'l Layers, attention: &Kernel) -> Result<Self, String> {
        let place = &attention.place;
        let named = |lack: &str| format!("kernels of {} on {}: {lack}", place.model, place.gpu);
        let here = layers.iter().filter(|((there, _), _)| there == place);
        let here: Vec<Self> = here.map(|((_, engine), layers)| Self { engine, layers }).collect();
        let found = match &here[..] {
            [] => return Err(named("its layers without attention were not timed")),
            [only] => only,
            several => several
                .iter()
                .find(|stack| stack.engine == attention.engine)
                .ok_or_else(|| named("its other layers were timed by several engines, none of them its own"))?,
        };
        let has = |op: &str| found.layers.contains_key(op);
        if let Some(expert) = OPS.iter().find(|(op, times)| *times == Times::Expert && has(op)) {
            return Err(named(&format!("it has experts ({})", expert.0)));
        }
        match NEEDED.iter().find(|lists| !lists.iter().any(|list| list.iter().all(|op| has(op)))) {
            Some(lists) => Err(named(&format!("no row of {}", lists[0].join(", ")))),
            None => Ok(Self { ..*found }),
        }
    }

    /// Adds the step that an attention is part of.
    fn step<'p>(
        &self,
        path: &'p Path,
        kernel: &Kernel,
        sheets: &Sheets,
        composed: &mut Composed<'p>,
        left_out: &mut LeftOut,
    ) -> Result<(), Failure> {
        let at = || format!("{}:{}", path.display(), kernel.line);
        let Some(model) = sheets.model(&kernel.place.model, &at)? else {
            left_out.add(&format!("kernels of {}, which is no dense model", kernel.place.model));
            return Ok(());
        };
        let (tokens, sequences) = match kernel.call {
            Call::Attention { batch, new_tokens, .. } => (batch.saturating_mul(new_tokens), batch),
            Call::Mixed { new_tokens, batch, .. } => (new_tokens.saturating_add(batch), batch.saturating_add(1)),
            Call::Linear { .. } => return Ok(()),
        };
        let Some(us) = self.us(model.layers as f64, tokens, sequences) else {
            left_out.add(&format!(
                "kernels of {} over more or fewer tokens than its other layers were timed with",
                kernel.place.model
            ));
            return Ok(());
        };
        let ms = (us + model.layers as f64 * kernel.duration_us) / 1e3;
        let part = |batch, new_tokens, past_tokens| self.part(kernel, (batch, new_tokens, past_tokens), ms);
        match kernel.call {
            Call::Mixed { new_tokens, past_tokens, batch, batch_past_tokens } => {
                let (prompt, decodes) = (part(1, new_tokens, past_tokens), part(batch, 1, batch_past_tokens));
                composed.mixed.push((path, MixedStep { prompt, decodes }));
            }
            Call::Attention { batch, new_tokens, past_tokens, .. } => {
                composed.steps.push((path, part(batch, new_tokens, past_tokens)));
            }
            Call::Linear { .. } => {}
        }
        Ok(())
    }

    /// Microseconds of all layers without attention; none if one was not timed for so many tokens.
    fn us(&self, layers: f64, tokens: u32, sequences: u32) -> Option<f64> {
        let one = |(op, timed): (&&str, &Timed)| {
            let (_, times) = OPS.iter().find(|(name, _)| name == op)?;
            match times {
                Times::Layer(times) => Some(layers * times * between(timed, tokens)?),
                Times::Once => between(timed, tokens),
                Times::Sequences => between(timed, sequences),
                Times::Expert => None,
            }
        };
        self.layers.iter().map(one).sum()
    }

    fn part(
        &self,
        kernel: &Kernel,
        (batch, new_tokens, past_tokens): (u32, u32, u32),
        duration_ms: f64,
    ) -> MeasuredStep {
        let place = &kernel.place;
        let engine = match self.engine == kernel.engine {
            true => kernel.engine.clone(),
            false => format!("{} + {}", kernel.engine, self.engine),
        };
        MeasuredStep {
            line: kernel.line,
            source: place.source.clone(),
            how: KERNELS.to_owned(),
            gpu: place.gpu.clone(),
            model: place.model.clone(),
            dtype: place.dtype.clone(),
            bytes_per_weight: None,
            engine,
            tensor_parallel: 1,
            kind: kind_by_length(new_tokens, f64::from(past_tokens)).to_owned(),
            batch,
            context_tokens: f64::from(past_tokens),
            new_tokens,
            head: self.layers.contains_key(HEAD),
            duration_ms,
            dimensions: [None; 3],
        }
    }
}

/// The mean time over so many tokens, linear between those that were timed; none outside of them.
fn between(timed: &Timed, tokens: u32) -> Option<f64> {
    let mean = |all: &Vec<f64>| all.iter().sum::<f64>() / all.len() as f64;
    let (low, low_us) = timed.range(..=tokens).next_back().map(|(low, all)| (low, mean(all)))?;
    let (high, high_us) = timed.range(tokens..).next().map(|(high, all)| (high, mean(all)))?;
    let share = if high > low { f64::from(tokens - low) / f64::from(high - low) } else { 0.0 };
    Some(low_us + share * (high_us - low_us))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::calibrate::args::Args;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn kernel(engine: &str, model: &str, call: Call, duration_us: f64) -> Kernel {
        let place = KernelPlace {
            source: "s".into(),
            gpu: "rtx-4090".into(),
            model: model.into(),
            dtype: "bf16".into(),
            tensor_parallel: 1,
        };
        Kernel { line: 7, place, engine: engine.into(), call, duration_us }
    }

    fn linear(op: &str, tokens: u32, us: f64) -> Kernel {
        kernel("e", MODEL, Call::Linear { op: op.into(), tokens }, us)
    }

    fn attention(batch: u32, new_tokens: u32, past_tokens: u32, us: f64) -> Kernel {
        kernel("e", MODEL, Call::Attention { batch, new_tokens, past_tokens, is_encoder: false }, us)
    }

    /// 28 layers.
    const MODEL: &str = "qwen2.5-vl-7b";

    /// Four products of 1 us over a token and 9 over 17, two norms, and around them a head of 100 us a step.
    fn layers() -> Vec<Kernel> {
        let products = ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"];
        let rows = |op: &str| [linear(op, 1, 1.0), linear(op, 17, 9.0)];
        let head = [linear(HEAD, 1, 100.0), linear(HEAD, 17, 100.0)];
        products.into_iter().chain(["layernorm"]).flat_map(rows).chain(head).collect()
    }

    fn composed(kernels: Vec<Kernel>) -> Result<Vec<MeasuredStep>, String> {
        let line = Line::try_parse_from(["calibrate", "--table", "t.csv"]).expect("a line");
        let sheets = Sheets::read(&line.args).map_err(|refused| refused.to_string())?;
        let path = Path::new("t.csv");
        let kernels: Vec<_> = kernels.into_iter().map(|kernel| (path, kernel)).collect();
        let composed = compose(&kernels, &sheets).map_err(|refused| refused.to_string())?;
        Ok(composed.steps.into_iter().map(|(_, step)| step).collect())
    }

    #[test]
    fn a_step_is_the_sum_of_its_layers_and_of_what_is_around_them() {
        let both = [attention(1, 1, 100, 50.0), attention(1, 9, 0, 10.0), attention(9, 1, 100, 20.0)];
        let steps = composed(layers().into_iter().chain(both).collect()).expect("steps");
        // Over 9 tokens, in the middle between 1 and 17, a layer takes 5 us.
        let expected = [28.0 * (6.0 + 50.0) + 100.0, 28.0 * (30.0 + 10.0) + 100.0, 28.0 * (30.0 + 20.0) + 100.0];
        for (step, us) in steps.iter().zip(expected) {
            assert!((step.duration_ms - us / 1e3).abs() < 1e-9, "{step:?}");
            assert_eq!((&*step.how, step.head, step.line, step.tensor_parallel), (KERNELS, true, 7, 1));
        }
        let kinds: Vec<&str> = steps.iter().map(|step| &*step.kind).collect();
        assert_eq!(kinds, ["decode", "prefill", "decode"]);
        assert_eq!((steps[2].batch, steps[2].new_tokens, steps[2].context_tokens), (9, 1, 100.0));
    }

    #[test]
    fn a_layer_that_was_timed_twice_takes_the_mean_and_nothing_is_extrapolated() {
        let timed = Timed::from([(1, vec![1.0, 3.0]), (3, vec![6.0])]);
        assert_eq!([1, 2, 3].map(|tokens| between(&timed, tokens)), [Some(2.0), Some(4.0), Some(6.0)]);
        assert_eq!([0, 4].map(|tokens| between(&timed, tokens)), [None, None]);
    }

    #[test]
    fn what_is_not_whole_makes_no_step() {
        let one = attention(1, 1, 100, 50.0);
        let without = |op: &'static str| {
            layers().into_iter().filter(move |kernel| !matches!(&kernel.call, Call::Linear { op: is, .. } if is == op))
        };
        let with = |kernels: Vec<Kernel>| {
            composed(kernels.into_iter().chain([one.clone()]).collect()).expect("no refusal").len()
        };
        assert_eq!(with(layers()), 1);
        assert_eq!(with(without("down_proj").collect()), 0);
        assert_eq!(with(layers().into_iter().chain([linear("gate", 1, 1.0)]).collect()), 0, "an expert's router");
        assert_eq!(
            composed(layers().into_iter().chain([attention(18, 1, 100, 5.0)]).collect()).expect("none").len(),
            0
        );
        let shard = |mut kernel: Kernel| {
            kernel.place.tensor_parallel = 2;
            kernel
        };
        assert_eq!(composed(layers().into_iter().chain([one]).map(shard).collect()).expect("none").len(), 0);
    }

    #[test]
    fn layers_belong_to_the_attention_of_their_engine_or_are_the_only_ones() {
        let of = |engine: &str| kernel(engine, MODEL, attention(1, 1, 100, 50.0).call, 50.0);
        let other = |mut kernel: Kernel| {
            kernel.engine = "f".into();
            kernel.duration_us *= 2.0;
            kernel
        };
        let told = |kernels: Vec<Kernel>| {
            let steps = composed(kernels).expect("steps");
            steps.into_iter().map(|step| (step.engine, (step.duration_ms * 1e3).round())).collect::<Vec<_>>()
        };
        let alone = told(layers().into_iter().chain([of("flash")]).collect());
        assert_eq!(alone, [("flash + e".to_owned(), 1668.0)]);
        let twice = || layers().into_iter().chain(layers().into_iter().map(other));
        assert_eq!(told(twice().chain([of("f")]).collect()), [("f".to_owned(), 28.0 * 62.0 + 200.0)]);
        assert_eq!(told(twice().chain([of("flash")]).collect()), []);
    }

    #[test]
    fn a_layer_that_is_not_known_is_refused_by_name() {
        let refused = composed(vec![linear("mystery", 1, 1.0)]).unwrap_err();
        assert!(refused.starts_with("t.csv:7: found op = \"mystery\"; expected one of input_layernorm, "), "{refused}");
    }
}
