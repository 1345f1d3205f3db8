//! The `[replay]` table: what `mode = "replay"` plays the tiers with. Without that mode it is not read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Real models, and how they are executed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// What executes the graphs: the provider that is named runs, or none.
    #[serde(default)]
    pub provider: Provider,
    /// ONNX Runtime's library; if absent it is looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library: Option<PathBuf>,
    /// Threads of one operator on a processor.
    #[serde(default = "one")]
    pub threads: u16,
    /// What is asked: a file of questions, JSONL; if absent, pictures and questions that are drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub questions: Option<PathBuf>,
    /// Which questions are drawn, where there is no file of them; if absent, MMBench's have options and all others are open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<Drawn>,
    /// Fitted heads of the probe (Eq. 3 and 6), TOML; if absent, stand-ins without parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_heads: Option<PathBuf>,
    /// Where tokens, entropies and acceptances come from.
    #[serde(default)]
    pub outcomes: Outcomes,
    /// Questions that the threshold's calibration set is made of, behind those that are asked, where there are more.
    #[serde(default = "sixteen")]
    pub calibration_questions: u32,
    /// The edge's model.
    pub edge: Played,
    /// The cloud's model.
    pub cloud: Played,
}

fn one() -> u16 {
    1
}

fn sixteen() -> u32 {
    16
}

/// What executes graphs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// The processor.
    #[default]
    Cpu,
    /// A GPU of NVIDIA's.
    Cuda,
}

/// Which questions are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Drawn {
    /// Answered by a sentence.
    Sentence,
    /// Answered by a word or two, or by a sentence.
    Open,
    /// With options to choose from.
    Choice,
    /// As many open ones as ones with options.
    Mixed,
}

/// Where tokens, entropies and acceptances of a replay come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcomes {
    /// The models' own; of models with random weights, which say nothing, those of `[tokens]`.
    #[default]
    Auto,
    /// The models' own, whatever they say.
    Models,
    /// Those of `[tokens]`: only times are real.
    Tokens,
}

/// The model of a tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Played {
    /// Its folder, in the hub's layout.
    pub folder: PathBuf,
    /// Which of several graphs; if absent, as its configuration has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtype: Option<String>,
    /// What measured times are multiplied by, where the machine is not the tier.
    #[serde(default)]
    pub time_scale: Scale,
}

/// What the measured times of each kind of step are multiplied by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Scale {
    /// Decoding and resizing pictures.
    pub preprocess: f64,
    /// The probe.
    pub probe: f64,
    /// Reading prompts.
    pub prefill: f64,
    /// Tokens of an answer of the model's own.
    pub decode: f64,
    /// Drafted tokens.
    pub draft: f64,
    /// Verifying drafts.
    pub verify: f64,
}

impl Default for Scale {
    fn default() -> Self {
        Self { preprocess: 1.0, probe: 1.0, prefill: 1.0, decode: 1.0, draft: 1.0, verify: 1.0 }
    }
}

impl Scale {
    /// The scales by name.
    fn named(&self) -> [(&'static str, f64); 6] {
        let Self { preprocess, probe, prefill, decode, draft, verify } = *self;
        [
            ("preprocess", preprocess),
            ("probe", probe),
            ("prefill", prefill),
            ("decode", decode),
            ("draft", draft),
            ("verify", verify),
        ]
    }
}

/// A scale beyond these is a mistake.
const SCALES: std::ops::RangeInclusive<f64> = 1e-6..=1e6;

impl Replay {
    /// The defaults, with models that have no name.
    pub fn of_nothing() -> Self {
        let nothing = Played { folder: PathBuf::new(), dtype: None, time_scale: Scale::default() };
        Self {
            provider: Provider::default(),
            library: None,
            threads: one(),
            questions: None,
            drawn: None,
            probe_heads: None,
            outcomes: Outcomes::default(),
            calibration_questions: sixteen(),
            edge: nothing.clone(),
            cloud: nothing,
        }
    }

    /// The files and folders that it names.
    pub fn files(&mut self) -> Vec<&mut PathBuf> {
        let Self { library, questions, probe_heads, edge, cloud, .. } = self;
        library.iter_mut().chain(questions).chain(probe_heads).chain([&mut edge.folder, &mut cloud.folder]).collect()
    }

    /// Refuses numbers that make no sense: dotted key and what was expected.
    pub fn check(&self) -> Result<(), (String, &'static str)> {
        for (side, played) in [("edge", &self.edge), ("cloud", &self.cloud)] {
            if let Some((kind, _)) = played.time_scale.named().into_iter().find(|(_, scale)| !SCALES.contains(scale)) {
                return Err((format!("replay.{side}.time_scale.{kind}"), "expected a number from 0.000001 to 1000000"));
            }
        }
        match self {
            Self { threads: 0, .. } => Err(("replay.threads".to_owned(), "expected at least 1")),
            Self { calibration_questions: 0, .. } => {
                Err(("replay.calibration_questions".to_owned(), "expected at least 1"))
            }
            _ => Ok(()),
        }
    }
}
