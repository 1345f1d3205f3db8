//! What can be said to `sim models`.

use crate::failure::Failure;
use backends::onnx::{Provider, Runtime};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use std::path::PathBuf;

const HELP: &str = "\
A FOLDER has config.json, tokenizer.json, preprocessor_config.json and onnx/
with vision_encoder, embed_tokens and decoder_model_merged, as published models
of the Qwen2-VL and Qwen2.5-VL families do. `cargo xtask onnxruntime` obtains
ONNX Runtime, which is loaded when it is needed.

Examples:
  sim models run FOLDER --image photo.jpg --prompt \"What is this?\"
  sim models run FOLDER --draft SMALL --gamma 4 --image a.png --prompt \"...\" --json";

/// What to do with real models.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print what is in a model's folder.
    Describe(Describe),
    /// Let a model answer, alone or with a draft model.
    Run(Box<Run>),
}

/// What executes a model.
#[derive(Debug, Args)]
pub struct Execution {
    /// Execution provider; the one asked for runs, or none.
    #[arg(long, value_name = "PROVIDER", default_value = "cpu")]
    provider: ProviderName,
    /// ONNX Runtime's library [default: ORT_DYLIB_PATH, target/onnxruntime, or Python's package].
    #[arg(long, value_name = "FILE")]
    ort_lib: Option<PathBuf>,
    /// Threads of one operator [default: ONNX Runtime's choice].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Which of several graphs: fp32, fp16, int8, uint8, quantized, q4, q4f16 or bnb4 [default: as config.json has it].
    #[arg(long)]
    pub dtype: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProviderName {
    Cpu,
    Cuda,
}

/// What to describe.
#[derive(Debug, Args)]
pub struct Describe {
    /// The model's folder.
    pub folder: PathBuf,
    #[command(flatten)]
    pub execution: Execution,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to answer.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
#[command(group(ArgGroup::new("question").required(true).args(["prompt", "rendered", "ids"])))]
pub struct Run {
    /// The model's folder.
    pub folder: PathBuf,
    /// A smaller model of the same tokenizer, which drafts.
    #[arg(long, value_name = "FOLDER")]
    pub draft: Option<PathBuf>,
    /// Tokens drafted at a time.
    #[arg(long, value_name = "N", default_value_t = 4, requires = "draft", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub gamma: u16,
    /// A PNG or JPEG; in the order of the prompt. Repeatable.
    #[arg(long, value_name = "FILE")]
    pub image: Vec<PathBuf>,
    /// The question; goes through the folder's chat template.
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,
    /// The whole prompt as it stands, with one <|image_pad|> an image.
    #[arg(long, value_name = "TEXT")]
    pub rendered: Option<String>,
    /// Tokens of the whole prompt: .npy, or numbers as in JSON.
    #[arg(long, value_name = "FILE")]
    pub ids: Option<PathBuf>,
    /// Pixels of an image as the vision tower takes them, instead of the image's own. Repeatable.
    #[arg(long, value_name = "FILE.npy")]
    pub pixels: Vec<PathBuf>,
    /// The grid of patches of --pixels: frames, rows, columns [default: that of --image, or the squarest]. Repeatable.
    #[arg(long, value_name = "T,H,W", requires = "pixels")]
    pub grid: Vec<String>,
    /// The most tokens of an answer.
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_tokens: u32,
    #[command(flatten)]
    pub execution: Execution,
    /// The draft's --dtype.
    #[arg(long, value_name = "DTYPE", requires = "draft")]
    pub draft_dtype: Option<String>,
    /// Also print how long it took, which differs from run to run.
    #[arg(long)]
    pub timings: bool,
    /// Print JSON: ids, text, entropies in nats, finish, and with a draft rounds and accepted.
    #[arg(long)]
    pub json: bool,
}

impl Execution {
    /// ONNX Runtime, with what was asked of it.
    pub fn runtime(&self) -> Result<Runtime, Failure> {
        let provider = match self.provider {
            ProviderName::Cpu => Provider::Cpu,
            ProviderName::Cuda => Provider::Cuda,
        };
        Ok(Runtime::new(self.ort_lib.as_deref(), provider, self.threads.map(usize::from))?)
    }
}
