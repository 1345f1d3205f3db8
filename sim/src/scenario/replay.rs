//! The `[replay]` table: the real models of `mode = "replay"`. Without that mode it is not read.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Real models that stand for the tiers, and their execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Execution provider of the graphs, `cpu` (default) or `cuda`. A missing provider is an error, never replaced.
    #[serde(default)]
    pub provider: Provider,
    /// Name of the device that plays both tiers, in place of `edge.device` and `cloud.device`: a built-in device or a `[device.NAME]`
    /// table. Memory, energy and plans are those of this device. If absent, those two count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Path of ONNX Runtime's library; if absent, it is searched for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library: Option<PathBuf>,
    /// Threads of one operator on a processor; default 1.
    #[serde(default = "one")]
    pub threads: u16,
    /// File of questions, JSONL. If absent, pictures and questions are generated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub questions: Option<PathBuf>,
    /// Kind of the generated questions. If absent, MMBench has questions with options, all other datasets open ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<Drawn>,
    /// Fitted heads of the probe (Eq. 3 and 6), TOML; if absent, stand-ins without parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe_heads: Option<PathBuf>,
    /// Source of tokens, entropies and acceptances: the models, or the `[tokens]` process.
    #[serde(default)]
    pub outcomes: Outcomes,
    /// Number of questions in the threshold's calibration set; default 16. They follow those that are asked, if there
    /// are more.
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

/// The execution provider of graphs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// The processor.
    #[default]
    Cpu,
    /// A GPU of NVIDIA, through CUDA.
    Cuda,
}

/// The kind of generated questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Drawn {
    /// Open questions with a sentence as the answer.
    Sentence,
    /// Open questions with a word or two, or a sentence, as the answer.
    Open,
    /// Questions with options to choose from.
    Choice,
    /// Open questions and questions with options, in equal parts.
    Mixed,
    /// Graded questions, which the trained pair was fitted on, with one or two pictures of 112 x 112 pixels.
    Graded,
}

/// The source of tokens, entropies and acceptances of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcomes {
    /// Those of the models, unless their weights are random; then those of `[tokens]`.
    #[default]
    Auto,
    /// Those of the models, even with random weights.
    Models,
    /// Those of `[tokens]`: only times are measured.
    Tokens,
}

/// The model of a tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Played {
    /// Folder of the model, in the layout of the Hugging Face hub.
    pub folder: PathBuf,
    /// Precision of the graph, if there are several, e.g. `fp16`; the configuration's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtype: Option<String>,
    /// Factors on measured times, for a machine that differs from the tier's; default 1.
    #[serde(default)]
    pub time_scale: Scale,
}

/// Factors on the measured times of each kind of step; default 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Scale {
    /// Factor on decoding and resizing pictures.
    pub preprocess: f64,
    /// Factor on the probe.
    pub probe: f64,
    /// Factor on prefill.
    pub prefill: f64,
    /// Factor on decode steps.
    pub decode: f64,
    /// Factor on draft steps.
    pub draft: f64,
    /// Factor on verify steps.
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
            device: None,
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
