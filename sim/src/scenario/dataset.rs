//! The dataset of a workload: a benchmark's shape, a custom shape, or a trace.

use crate::terminal::Failure;
use engine::{Answer, Content, Shape, draw_servegen};
use kernel::Streams;
use model::{accuracy::Accuracy, published::Benchmark};
use policies::Asked;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use traces::requests::{RequestFormat, ServeGen, read_requests};
use units::{Ratio, SimDuration};

/// The `workload.dataset` key.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Dataset {
    /// VQAv2: one COCO picture, a short question, an answer of one word or two.
    Vqav2,
    /// MMBench: one small picture, a question with choices, a letter.
    Mmbench,
    /// Text alone, as the first of the seven configurations of the MSAO paper's Figure 4. It names their modalities and
    /// that they grow; sizes and lengths are assumptions.
    V1,
    /// A picture of 336 x 336 pixels.
    V2,
    /// A picture of 640 x 480 pixels.
    V3,
    /// A picture of 1024 x 1024 pixels.
    V4,
    /// 8 frames of video of 320 x 240 pixels and 4 s of sound.
    V5,
    /// 16 frames of 480 x 360 pixels and 8 s of sound.
    V6,
    /// 32 frames of 640 x 480 pixels and 16 s of sound.
    V7,
    /// A shape of one's own.
    Custom(Custom),
    /// A trace of Azure's LLM inference service, CSV.
    AzureLlm(PathBuf),
    /// A trace of Azure's multimodal inference service, CSV.
    AzureLmm(PathBuf),
    /// A Mooncake trace, JSONL.
    Mooncake(PathBuf),
    /// Requests that a server has answered, CSV: `arrival_s`, `input_tokens`, `output_tokens`, and for `sim validate` what was
    /// measured of them, `ttft_ms`, `tpot_ms`, `e2e_ms`.
    Served(PathBuf),
    /// ServeGen's multimodal clients: laws of arrival and length, from which requests are drawn.
    Servegen(ServegenFiles),
}

/// A shape of one's own.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Custom {
    /// Name of the dataset in tables.
    pub name: String,
    /// Width of the picture in pixels; 0 for text alone.
    pub width: u32,
    /// Height of the picture in pixels; 0 for text alone.
    pub height: u32,
    /// Frames of a video of that size, instead of one picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frames: Option<u32>,
    /// Length of the sound, if there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<SimDuration>,
    /// Text tokens of the prompt.
    pub text_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
}

impl Default for Custom {
    fn default() -> Self {
        Self {
            name: "custom".to_owned(),
            width: 640,
            height: 480,
            frames: None,
            audio: None,
            text_tokens: 30,
            output_tokens: 200,
        }
    }
}

impl Custom {
    /// True if there is only text.
    pub fn is_text(&self) -> bool {
        (self.width == 0 || self.height == 0) && self.audio.is_none()
    }

    fn shape(&self, answer: Answer) -> Shape {
        let pictures = self.width > 0 && self.height > 0;
        Shape {
            sizes: if pictures { vec![(self.width, self.height, 1.0)] } else { Vec::new() },
            frames: self.frames,
            audio: self.audio,
            text_tokens: (self.text_tokens, self.text_tokens),
            answer,
        }
    }
}

/// Answers of the configurations: a sentence or two.
const CONFIGURATION_OUTPUT_TOKENS: u32 = 50;

/// The two files of ServeGen's multimodal clients.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServegenFiles {
    /// File with the arrivals of each client, CSV.
    pub arrivals: PathBuf,
    /// File with the lengths of each client's requests, JSONL.
    pub tokens: PathBuf,
    /// Share of the requests to keep.
    #[serde(default = "all")]
    pub share: Ratio,
}

fn all() -> Ratio {
    Ratio::ONE
}

/// Sizes of COCO val pictures by how many of 3,000 have them or one within six pixels of them: 84 % of the set; mean
/// 353 visual tokens, against 349 for the whole set.
const COCO_SIZES: [(u32, u32, f64); 14] = [
    (640, 427, 731.0),
    (640, 480, 686.0),
    (480, 640, 269.0),
    (427, 640, 242.0),
    (500, 375, 149.0),
    (500, 333, 88.0),
    (640, 360, 78.0),
    (375, 500, 54.0),
    (640, 640, 54.0),
    (612, 612, 46.0),
    (640, 457, 36.0),
    (333, 500, 31.0),
    (640, 400, 29.0),
    (640, 512, 27.0),
];

/// MMBench's pictures span 106 x 56 to 512 x 512 pixels; the weights between are an assumption.
const MMBENCH_SIZES: [(u32, u32, f64); 4] = [(512, 384, 0.4), (384, 288, 0.3), (512, 512, 0.2), (256, 192, 0.1)];

impl Dataset {
    /// Name in tables.
    pub fn label(&self) -> String {
        match self {
            Self::Vqav2 => "vqav2",
            Self::Mmbench => "mmbench",
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::V3 => "v3",
            Self::V4 => "v4",
            Self::V5 => "v5",
            Self::V6 => "v6",
            Self::V7 => "v7",
            Self::Custom(custom) => &custom.name,
            Self::AzureLlm(_) => "azure_llm",
            Self::AzureLmm(_) => "azure_lmm",
            Self::Mooncake(_) => "mooncake",
            Self::Served(_) => "served",
            Self::Servegen(_) => "servegen",
        }
        .to_owned()
    }

    /// Accuracies of Qwen2.5-VL-7B and Qwen2-VL-2B: the means over bandwidths of what Table 1 of the MSAO paper prints for
    /// Cloud-only and Edge-only (they do not depend on the link here). Where no paper says, VQAv2's.
    pub fn accuracy(&self) -> Accuracy {
        let (cloud, edge) = match self {
            Self::Mmbench => (0.7607, 0.5990),
            _ => (0.7717, 0.6270),
        };
        Accuracy { cloud: Ratio::new(cloud), edge: Ratio::new(edge) }
    }

    /// True if requests have arrival times.
    pub fn is_trace(&self) -> bool {
        matches!(self, Self::AzureLlm(_) | Self::AzureLmm(_) | Self::Mooncake(_) | Self::Served(_) | Self::Servegen(_))
    }

    /// The modalities that requests may have.
    pub fn asked(&self) -> Asked {
        let custom = match self {
            Self::Custom(custom) => Some(custom.clone()),
            one => one.configuration(),
        };
        let more_than_text = !self.is_text();
        let Some(custom) = custom else { return Asked { pictures: more_than_text, moves: false, more_than_text } };
        let pictures = custom.width > 0 && custom.height > 0;
        let moves = pictures && custom.frames.is_some() || custom.audio.is_some();
        Asked { pictures, moves, more_than_text }
    }

    /// True if requests have only text.
    pub fn is_text(&self) -> bool {
        match self {
            Self::V1 | Self::AzureLlm(_) | Self::Mooncake(_) | Self::Served(_) => true,
            Self::Custom(custom) => custom.is_text(),
            _ => false,
        }
    }

    /// The benchmark, as far as published accuracies go by it.
    pub fn benchmark(&self) -> Benchmark {
        match self {
            Self::Vqav2 => Benchmark::Vqav2,
            Self::Mmbench => Benchmark::Mmbench,
            _ => Benchmark::Other,
        }
    }

    /// One of the seven configurations: width, height, frames, seconds of sound, text tokens.
    fn configuration(&self) -> Option<Custom> {
        let (width, height, frames, audio_s, text_tokens) = match self {
            Self::V1 => (0, 0, None, 0, 128),
            Self::V2 => (336, 336, None, 0, 32),
            Self::V3 => (640, 480, None, 0, 48),
            Self::V4 => (1024, 1024, None, 0, 64),
            Self::V5 => (320, 240, Some(8), 4, 48),
            Self::V6 => (480, 360, Some(16), 8, 64),
            Self::V7 => (640, 480, Some(32), 16, 96),
            _ => return None,
        };
        let audio = (audio_s > 0).then(|| SimDuration::from_secs(audio_s));
        let output_tokens = CONFIGURATION_OUTPUT_TOKENS;
        Some(Custom { name: self.label(), width, height, frames, audio, text_tokens, output_tokens })
    }

    /// The content of the requests. Reads the files of a trace, relative to the scenario.
    pub fn content(&self, beside: &Path, output: Option<u32>, requests: u64, seed: u64) -> Result<Content, Failure> {
        let answer = |own| output.map_or(own, Answer::Fixed);
        let read = |file: &Path, format| -> Result<Content, Failure> {
            let mut trace = read_requests(&beside.join(file), format)?;
            if let Some(tokens) = output {
                trace.iter_mut().for_each(|request| request.output_tokens = tokens);
            }
            Ok(Content::Trace(trace.into()))
        };
        Ok(match self {
            // A question of 7 or 8 tokens and 20 to 30 of the chat template.
            Self::Vqav2 => Content::Shape(Shape {
                sizes: COCO_SIZES.to_vec(),
                frames: None,
                audio: None,
                text_tokens: (27, 38),
                answer: answer(Answer::OnePlusGeometric(1.6)),
            }),
            // About 50 tokens of question and choices and 20 to 30 of the chat template.
            Self::Mmbench => Content::Shape(Shape {
                sizes: MMBENCH_SIZES.to_vec(),
                frames: None,
                audio: None,
                text_tokens: (50, 110),
                answer: answer(Answer::Fixed(2)),
            }),
            Self::Custom(custom) => Content::Shape(custom.shape(answer(Answer::Fixed(custom.output_tokens)))),
            Self::V1 | Self::V2 | Self::V3 | Self::V4 | Self::V5 | Self::V6 | Self::V7 => {
                let configuration = self.configuration().expect("one of the seven");
                Content::Shape(configuration.shape(answer(Answer::Fixed(configuration.output_tokens))))
            }
            Self::AzureLlm(file) => read(file, RequestFormat::AzureLlm)?,
            Self::AzureLmm(file) => read(file, RequestFormat::AzureLmm)?,
            Self::Mooncake(file) => read(file, RequestFormat::Mooncake)?,
            Self::Served(file) => read(file, RequestFormat::Served)?,
            Self::Servegen(files) => {
                let laws = ServeGen::read(&beside.join(&files.arrivals), &beside.join(&files.tokens))?;
                let mut drawn = draw_servegen(&laws, Streams::new(seed), requests, files.share);
                if let Some(tokens) = output {
                    drawn.iter_mut().for_each(|request| request.output_tokens = tokens);
                }
                Content::Trace(drawn.into())
            }
        })
    }

    /// The files that it reads.
    pub fn files(&mut self) -> Vec<&mut PathBuf> {
        match self {
            Self::AzureLlm(file) | Self::AzureLmm(file) | Self::Mooncake(file) | Self::Served(file) => vec![file],
            Self::Servegen(files) => vec![&mut files.arrivals, &mut files.tokens],
            _ => Vec::new(),
        }
    }
}
