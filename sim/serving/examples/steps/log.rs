//! The format of step logs.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serving::{Drafter, Order, Rules, Settings};

/// A step log: settings, requests, and what an engine's own scheduler made of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    #[serde(rename = "name")]
    _name: String,
    #[serde(rename = "feature")]
    _feature: String,
    #[serde(rename = "about")]
    _about: String,
    vllm_version: Version,
    #[serde(rename = "other_versions")]
    _other_versions: BTreeMap<String, String>,
    pub settings: LogSettings,
    pub step_law: StepLaw,
    /// Steps are rows of counts.
    pub compact: bool,
    pub totals: Value,
    pub stuck: bool,
    pub requests: Vec<LogRequest>,
    pub steps: Vec<Value>,
    pub results: BTreeMap<String, Value>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
enum Version {
    V0_19,
    V0_33,
}

impl TryFrom<String> for Version {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.split('.').take(2).collect::<Vec<_>>()[..] {
            ["0", "19"] => Ok(Self::V0_19),
            ["0", "33"] => Ok(Self::V0_33),
            _ => Err(format!("found version {text:?}; expected 0.19.x or 0.33.x")),
        }
    }
}

/// Settings by vLLM's names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    max_num_seqs: u32,
    max_num_batched_tokens: u32,
    long_prefill_token_threshold: u32,
    enable_chunked_prefill: bool,
    block_size: std::num::NonZeroU32,
    num_gpu_blocks: std::num::NonZeroU32,
    max_model_len: std::num::NonZeroU32,
    enable_prefix_caching: bool,
    policy: Policy,
    pub async_scheduling: bool,
    scheduler_reserve_full_isl: bool,
    disable_chunked_mm_input: bool,
    encoder_compute_budget: u32,
    encoder_cache_size: u32,
    speculative: Option<Speculative>,
    num_speculative_tokens: u32,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Policy {
    Fcfs,
    Priority,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Speculative {
    Ngram,
    DraftModel,
    Eagle,
}

/// Duration of a step, in microseconds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepLaw {
    pub base_us: u64,
    pub per_token_us: u64,
    pub per_encoder_token_us: u64,
}

/// A request of the log.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogRequest {
    pub id: String,
    pub arrival_us: u64,
    pub prompt_tokens: std::num::NonZeroU32,
    pub output_tokens: std::num::NonZeroU32,
    #[serde(default)]
    pub priority: i32,
    pub prompt: Vec<(Source, u32)>,
    pub out_segment: u64,
    /// Pictures once more, as they stand in `prompt`.
    #[serde(default, rename = "images")]
    _images: Vec<(String, u32)>,
    /// Drafted tokens that are right, by verification, over and over.
    #[serde(default)]
    pub accept: Vec<u32>,
    #[serde(default, rename = "session")]
    _session: Option<u64>,
}

/// A text by number, or a picture by name.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Source {
    Text(u64),
    Picture(String),
}

impl Log {
    /// Reads a log, or says which line is wrong and what was expected.
    pub fn read(text: &str) -> Result<Self, String> {
        let log: Self = serde_json::from_str(text)
            .map_err(|error| format!("{}: {error}; expected a step log as its README describes it", error.line()))?;
        let last = text.lines().count();
        match log.vllm_version {
            Version::V0_33 if log.settings.async_scheduling => {
                Err(format!("{last}: found asynchronous scheduling of 0.33; expected it of 0.19 only"))
            }
            _ => log
                .requests
                .iter()
                .try_for_each(LogRequest::check)
                .map_err(|error| format!("{last}: {error}"))
                .map(|()| log),
        }
    }

    /// Rules of the engine.
    pub fn rules(&self) -> Rules {
        match (self.vllm_version, self.settings.async_scheduling) {
            (Version::V0_19, false) => Rules::vllm_0_19(),
            (Version::V0_19, true) => Rules::vllm_0_19_async(),
            (Version::V0_33, _) => Rules::vllm_0_33(),
        }
    }

    /// Settings of the replica.
    pub fn settings(&self) -> Settings {
        let settings = &self.settings;
        Settings {
            sequences: settings.max_num_seqs,
            step_tokens: settings.max_num_batched_tokens,
            long_prompt_threshold: Some(settings.long_prefill_token_threshold).filter(|tokens| *tokens > 0),
            chunked_prompts: settings.enable_chunked_prefill,
            block_tokens: settings.block_size.get(),
            blocks: settings.num_gpu_blocks.get() - 1,
            context: settings.max_model_len.get(),
            prefix_cache: settings.enable_prefix_caching,
            order: match settings.policy {
                Policy::Fcfs => Order::Fcfs,
                Policy::Priority => Order::Priority,
            },
            full_prompt_gate: settings.scheduler_reserve_full_isl,
            whole_pictures: settings.disable_chunked_mm_input,
            encoder_step: settings.encoder_compute_budget,
            encoder_cache: settings.encoder_cache_size,
            drafter: match settings.speculative {
                None => Drafter::None,
                Some(Speculative::Ngram) => Drafter::NGram,
                Some(Speculative::DraftModel) => Drafter::Model,
                Some(Speculative::Eagle) => Drafter::Eagle,
            },
            draft_tokens: settings.speculative.map_or(0, |_| settings.num_speculative_tokens),
        }
    }
}

impl LogRequest {
    fn check(&self) -> Result<(), String> {
        let pieces: u64 = self.prompt.iter().map(|(_, tokens)| u64::from(*tokens)).sum();
        if pieces == u64::from(self.prompt_tokens.get()) {
            return Ok(());
        }
        Err(format!(
            "found {pieces} tokens in the pieces of {}; expected its prompt_tokens, {}",
            self.id, self.prompt_tokens
        ))
    }
}
