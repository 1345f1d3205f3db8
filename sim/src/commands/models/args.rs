//! The arguments of `sim models`.

use crate::terminal::Failure;
use backends::onnx::write::{Attention, Dtype, RELEASES};
use backends::onnx::{Provider, Runtime};
use clap::builder::PossibleValue;
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use std::path::PathBuf;

const HELP: &str = "\
A FOLDER has config.json, tokenizer.json, preprocessor_config.json (or
processor_config.json) and onnx/ with vision_encoder, embed_tokens and
decoder_model_merged, as published models of the Qwen2-VL and Qwen2.5-VL
families do. `cargo xtask onnxruntime` obtains
ONNX Runtime, which is loaded when it is needed.

Examples:
  sim models run FOLDER --image photo.jpg --prompt \"What is this?\"
  sim models run FOLDER --draft SMALL --gamma 4 --image a.png --prompt \"...\" --json";

/// The commands on real models.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print what is in a model's folder.
    Describe(Describe),
    /// Let a model answer, alone or with a draft model.
    Run(Box<Run>),
    /// Write a model of a published architecture with random weights, or the small trained pair.
    Write(Write),
    /// Hold a pair of models to recorded answers, or to those of the processor, and name operators left to the processor.
    Check(Check),
    /// Measure steps of a model, one by one, into a table that `sim calibrate` reads.
    Measure(Measure),
}

/// The execution of a model.
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
    /// Precision of the graph, if there are several: fp32, fp16, int8, uint8, q8, q4, q4f16 or bnb4 [default: as
    /// config.json has it].
    #[arg(long)]
    pub dtype: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProviderName {
    Cpu,
    Cuda,
}

/// The arguments of `describe`.
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

/// The arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
#[command(group(ArgGroup::new("question").required(true).args(["prompt", "rendered", "ids"])))]
pub struct Run {
    /// The model's folder.
    pub folder: PathBuf,
    /// A smaller model, which drafts; the tokens of the other begin with its own.
    #[arg(long, value_name = "FOLDER")]
    pub draft: Option<PathBuf>,
    /// Tokens drafted at a time.
    #[arg(long, value_name = "N", default_value_t = 4, requires = "draft", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub gamma: u16,
    /// A PNG, JPEG or WebP; in the order of the prompt. Repeatable.
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
    /// Also print the time taken, which differs from run to run.
    #[arg(long)]
    pub timings: bool,
    /// Print JSON: ids, text, entropies in nats, finish, and with a draft rounds and accepted.
    #[arg(long)]
    pub json: bool,
}

const CHECK_HELP: &str = "\
Ids have to be the same, entropies within the tolerance, and the answer that the
draft proposes has to be the target's own. Exit code 3 if any is not.

Examples:
  sim models check target --draft draft --provider cuda
  sim models check target --draft draft --golden golden/golden.json";

/// The arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = CHECK_HELP)]
pub struct Check {
    /// The target's folder.
    pub folder: PathBuf,
    /// The draft's folder.
    #[arg(long, value_name = "FOLDER")]
    pub draft: PathBuf,
    /// Recorded prompts, answers, entropies and tolerances, JSON [default: the processor's answers to a few prompts].
    #[arg(long, value_name = "FILE")]
    pub golden: Option<PathBuf>,
    /// Tokens drafted at a time.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub gamma: u16,
    #[command(flatten)]
    pub execution: Execution,
    /// Also write the findings there, as JSON.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

const MEASURE_HELP: &str = "\
Each shape runs once unmeasured and then --repeats times, a row each. Rows are
written shape by shape, so that what ends early leaves those before. FILE.json
beside the table has the machine, the library and the model's dimensions.

Examples:
  sim models measure qwen2-vl-2b --provider cuda --out steps.csv
  sim calibrate --table steps.csv --out profile.toml";

/// The arguments of `measure`.
#[derive(Debug, Args)]
#[command(after_help = MEASURE_HELP)]
pub struct Measure {
    /// The model's folder.
    pub folder: PathBuf,
    /// The table to write, CSV.
    #[arg(long, value_name = "FILE.csv")]
    pub out: PathBuf,
    /// Device's name in the table [default: the machine's].
    #[arg(long, value_name = "NAME")]
    pub gpu: Option<String>,
    /// Tokens of prompts that are read; none with `0`.
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "128,256,512,1024,2048")]
    pub prefill: Vec<u32>,
    /// Contexts behind which one token is decoded.
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "128,256,512,1024,2048,4096,8192")]
    pub context: Vec<u32>,
    /// Numbers of tokens that are verified at once.
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "2,3,4,5,6,7,8,9")]
    pub verify: Vec<u32>,
    /// The context of verifications.
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..))]
    pub verify_context: u32,
    /// Pictures that the vision tower encodes, in pixels.
    #[arg(long, value_name = "WxH,...", value_delimiter = ',', default_value = "224x224,448x448,672x672,1344x896")]
    pub pictures: Vec<String>,
    /// Measurements of each shape.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub repeats: u32,
    /// Begin no shape after so many seconds; those left out are named.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..))]
    pub seconds: Option<u32>,
    #[command(flatten)]
    pub execution: Execution,
}

const WRITE_HELP: &str = "\
The graphs have the operators, sizes and precision of the published models, so
that they take as long; the weights are random, so that the answers are noise
and a draft is hardly ever accepted. `trained` is the exception: two small
models that were trained on drawn pictures. config.json says which, and `sim
models describe`. The folder is whole or not there.

Examples:
  sim models write tiny --out target/models/tiny
  sim models run target/models/tiny/target --draft target/models/tiny/draft --prompt \"...\"
  sim models write qwen2-vl-2b --dtype fp16 --out qwen2-vl-2b";

/// The arguments of `write`.
#[derive(Debug, Args)]
#[command(after_help = WRITE_HELP)]
pub struct Write {
    /// Name of the model; `tiny` and `trained` are pairs, in DIR/draft and DIR/target.
    #[arg(value_parser = releases())]
    pub model: String,
    /// The folder to write; not there yet, or empty.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Precision of weights, keys and values [default: fp16; of pairs fp32].
    #[arg(long)]
    dtype: Option<DtypeName>,
    /// Operators of attention: ONNX Runtime's own, as engines have them, or those of ONNX, as the hub's graphs do.
    #[arg(long, default_value = "fused")]
    attention: AttentionName,
    /// Seed of random weights.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DtypeName {
    Fp32,
    Fp16,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AttentionName {
    Fused,
    Plain,
}

/// The models that can be written, each with its description.
fn releases() -> Vec<PossibleValue> {
    RELEASES.iter().map(|release| PossibleValue::new(release.name).help(release.about)).collect()
}

impl Write {
    /// The precision that was asked for.
    pub fn dtype(&self) -> Option<Dtype> {
        self.dtype.map(|dtype| match dtype {
            DtypeName::Fp32 => Dtype::Fp32,
            DtypeName::Fp16 => Dtype::Fp16,
        })
    }

    /// The operators of attention.
    pub fn attention(&self) -> Attention {
        match self.attention {
            AttentionName::Fused => Attention::Fused,
            AttentionName::Plain => Attention::Plain,
        }
    }
}

impl Execution {
    /// ONNX Runtime, with what was asked of it.
    pub fn runtime(&self) -> Result<Runtime, Failure> {
        let provider = match self.provider {
            ProviderName::Cpu => Provider::Cpu,
            ProviderName::Cuda => Provider::Cuda,
        };
        self.runtime_on(provider)
    }

    /// ONNX Runtime as it was asked for, on another provider.
    pub fn runtime_on(&self, provider: Provider) -> Result<Runtime, Failure> {
        Ok(Runtime::new(self.ort_lib.as_deref(), provider, self.threads.map(usize::from))?)
    }
}
