//! The arguments of `sim requests`.

use crate::scenario::Wanted;
use crate::terminal::Failure;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use traces::requests::{FormatEntry, RequestTrace};
use units::{Ratio, SimDuration};

const HELP: &str = "\
A trace says when requests arrive and how long they are. Scenarios read every
format as it is, dataset.FORMAT = \"FILE\"; import makes our own CSV of it, which
docs/traces.md describes, with what was measured for sim validate.

Examples:
  sim requests describe benchmark.json
  sim requests import vllm_bench benchmark.json --out requests.csv
  sim requests import sharegpt chats.json --tokenizer tokenizer.json --out requests.csv
  sim requests import azure_llm trace.csv --from 10min --until 20min --out requests.csv
  sim requests import servegen data/language/m-large --limit 1000 --out requests.csv";

/// Describe traces of requests, or import them into our own CSV.
#[derive(Debug, Subcommand)]
#[command(after_help = HELP)]
pub enum Command {
    /// Make a file of our own CSV from a trace or a benchmark's result.
    Import(Import),
    /// Print what a file is, how many requests it has, their rates and lengths, and what is missing.
    Describe(Describe),
}

/// The arguments of `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// Format of the file: aiperf, azure_llm, azure_lmm, burstgpt, guidellm, llama_server, mooncake, qwen_bailian, served,
    /// servegen, sharegpt or vllm_bench.
    #[arg(value_parser = format)]
    pub format: FormatEntry,
    /// The trace; of ServeGen, the folder of a model.
    pub file: PathBuf,
    /// File for the requests; one that is there is replaced.
    #[arg(long, value_name = "FILE.csv")]
    pub out: PathBuf,
    #[command(flatten)]
    pub options: Options,
    /// Leave out requests before this time, counted from the first.
    #[arg(long, value_name = "TIME")]
    pub from: Option<SimDuration>,
    /// Leave out requests at this time or later.
    #[arg(long, value_name = "TIME")]
    pub until: Option<SimDuration>,
    /// Number of requests to leave out first.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub skip: u64,
    /// Number of requests, at most [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Seed of what is drawn from ServeGen's laws.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

impl Import {
    /// The part of the trace that is wanted.
    pub fn wanted(&self) -> Wanted {
        let from = self.from.unwrap_or_default();
        Wanted { from, until: self.until, skip: self.skip, most: self.limit.unwrap_or(u64::MAX) }
    }
}

/// The arguments of `describe`.
#[derive(Debug, Args)]
pub struct Describe {
    /// The trace.
    pub file: PathBuf,
    /// Format of the file, as for import [default: by its content].
    #[arg(long, value_parser = format)]
    pub format: Option<FormatEntry>,
    #[command(flatten)]
    pub options: Options,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Options of single formats.
#[derive(Debug, Args)]
pub struct Options {
    /// Tokenizer of a model, tokenizer.json, that counts the texts of ShareGPT.
    #[arg(long, value_name = "FILE")]
    pub tokenizer: Option<PathBuf>,
    /// Number of the run, from 0, in a file of vLLM or guidellm that has several.
    #[arg(long, value_name = "N")]
    pub run: Option<u32>,
    /// Share of the requests of ServeGen to keep.
    #[arg(long, value_name = "SHARE")]
    pub share: Option<Ratio>,
}

impl Options {
    /// The trace of a file, as a scenario would name it.
    ///
    /// # Errors
    /// If the format does not take an option, or lacks one.
    pub fn trace(&self, format: &FormatEntry, file: &PathBuf) -> Result<RequestTrace, Failure> {
        let mut keys = Map::new();
        let mut set = |key: &str, value: Option<Value>| keys.extend(value.map(|value| (key.to_owned(), value)));
        set("tokenizer", self.tokenizer.as_ref().map(|tokenizer| json!(tokenizer)));
        set("run", self.run.map(|run| json!(run)));
        set("share", self.share.map(|share| json!(share)));
        let folder = format.name == "servegen";
        let value = if keys.is_empty() && !folder {
            json!(file)
        } else {
            keys.insert(if folder { "folder" } else { "file" }.to_owned(), json!(file));
            Value::Object(keys)
        };
        serde_json::from_value(json!({ format.name: value })).map_err(|_| {
            let given = [
                (self.tokenizer.is_some(), "--tokenizer"),
                (self.run.is_some(), "--run"),
                (self.share.is_some(), "--share"),
            ];
            let given: Vec<&str> = given.into_iter().filter(|(given, _)| *given).map(|(_, option)| option).collect();
            Failure::refused(match (format.name, self.tokenizer.is_some()) {
                ("sharegpt", false) => {
                    let file = file.display();
                    format!("{file}: texts have no lengths in tokens; name a tokenizer: --tokenizer tokenizer.json")
                }
                _ => format!("{} takes no {}; leave it out", format.name, given.join(" and no ")),
            })
        })
    }
}

/// The format of that name; a dash may stand for an underscore.
fn format(name: &str) -> Result<FormatEntry, String> {
    let plain = |name: &str| name.replace('-', "_").to_ascii_lowercase();
    let formats = RequestTrace::FORMATS;
    formats.iter().find(|format| plain(format.name) == plain(name)).copied().ok_or_else(|| {
        let names: Vec<&str> = formats.iter().map(|format| format.name).collect();
        format!("expected one of {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[derive(clap::Parser)]
    struct Alone {
        #[command(subcommand)]
        _command: Command,
    }

    #[test]
    fn the_help_names_every_format() {
        let command = Alone::command();
        let import = command.find_subcommand("import").expect("a command");
        let help = import.get_arguments().find(|arg| arg.get_id() == "format").expect("an argument").get_help();
        let help = help.expect("a help").to_string();
        for FormatEntry { name, .. } in RequestTrace::FORMATS {
            assert!(help.contains(name), "{name}");
        }
    }
}
