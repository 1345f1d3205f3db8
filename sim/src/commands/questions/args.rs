//! The arguments of `sim questions`.

use clap::{Args, Subcommand, ValueEnum};
use drawn::Kind;
use std::path::PathBuf;

const HELP: &str = "\
A file of questions is JSONL, a question a line: its pictures, what is asked,
options if there are any, and reference answers. Answers are scored as VQAv2
(open questions) and MMBench (with options) score them; docs/questions.md has
the keys and the rules.

Examples:
  sim questions draw --out questions --count 200
  sim questions describe questions/questions.jsonl
  sim questions import vqav2 --questions v2_OpenEnded_mscoco_val2014_questions.json \\
      --annotations v2_mscoco_val2014_annotations.json --images val2014 \\
      --limit 500 --out vqav2.jsonl
  sim questions import mmbench mmbench_dev_en.tsv --out mmbench";

/// Import, draw or describe what a replay asks real models: questions about pictures.
#[derive(Debug, Subcommand)]
#[command(after_help = HELP)]
pub enum Command {
    /// Make a file of questions from a published benchmark, whose files you have.
    #[command(subcommand)]
    Import(Import),
    /// Print what a file of questions holds.
    Describe(Describe),
    /// Draw questions and pictures of our own: coloured shapes.
    Draw(Draw),
}

/// The published formats.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// VQAv2: JSON of questions and of annotations, and COCO's pictures, which stay where they are.
    Vqav2(Vqav2),
    /// MMBench: a TSV with the pictures in it, which are written to files.
    Mmbench(Mmbench),
}

/// VQAv2's files.
#[derive(Debug, Args)]
pub struct Vqav2 {
    /// v2_OpenEnded_mscoco_val2014_questions.json, or that of the train split.
    #[arg(long, value_name = "FILE")]
    pub questions: PathBuf,
    /// v2_mscoco_val2014_annotations.json, of the same split.
    #[arg(long, value_name = "FILE")]
    pub annotations: PathBuf,
    /// Folder of pictures, COCO_val2014_000000000123.jpg and so on.
    #[arg(long, value_name = "DIR")]
    pub images: PathBuf,
    /// File for the questions; one that is there is replaced.
    #[arg(long, value_name = "FILE.jsonl")]
    pub out: PathBuf,
    /// Take the first N questions only [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

/// MMBench's file.
#[derive(Debug, Args)]
pub struct Mmbench {
    /// A split with answers, such as mmbench_dev_en.tsv.
    pub file: PathBuf,
    /// Folder for questions.jsonl and pictures/; not there yet, or empty.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// The arguments of `describe`.
#[derive(Debug, Args)]
pub struct Describe {
    /// The file of questions.
    pub file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `draw`.
#[derive(Debug, Args)]
pub struct Draw {
    /// Folder for questions.jsonl and pictures/; not there yet, or empty.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Number of questions, each with its picture.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// Equal seeds draw equal questions and pictures.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Kind of questions.
    #[arg(long, default_value = "mixed")]
    pub kind: KindName,
    /// Columns and rows of the pictures, in pixels [default: 84, 112 or 140 each].
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    pub size: Option<(u32, u32)>,
}

/// The kinds of drawn questions.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KindName {
    /// Answered by a sentence, in the words of the tiny models of the tests.
    Sentence,
    /// Answered by a sentence or, as many, by a word or two.
    Open,
    /// With options to choose from.
    Choice,
    /// As many open ones as ones with options.
    Mixed,
    /// Graded, with one or two pictures of 112 x 112 pixels: those that the trained pair was fitted on.
    Graded,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Sentence => Self::Sentence,
            KindName::Open => Self::Open,
            KindName::Choice => Self::Choice,
            KindName::Mixed => Self::Mixed,
            KindName::Graded => Self::Graded,
        }
    }
}

/// The longest side that is drawn.
const LONGEST_SIDE_PX: u32 = 4_096;

fn size(written: &str) -> Result<(u32, u32), String> {
    let side = |text: &str| text.parse().ok().filter(|side| (1..=LONGEST_SIDE_PX).contains(side));
    let sides = written.split_once('x').and_then(|(width, height)| Some((side(width)?, side(height)?)));
    sides.ok_or_else(|| format!("expected columns and rows from 1 to {LONGEST_SIDE_PX}, such as 448x336"))
}
