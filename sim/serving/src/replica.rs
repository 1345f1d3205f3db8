//! A replica of an engine: its queues, blocks and encoder's cache.

use crate::blocks::Blocks;
use crate::encoder::EncoderCache;
use crate::engines::{Admission, Rules};
use crate::estimate::Estimate;
use crate::request::{Id, Request};
use crate::sequence::{Sequence, Sequences};
use crate::settings::Settings;
use crate::waiting::Waiting;

/// One replica of a serving engine.
///
/// Requests go in by [`submit`](Self::submit), [`schedule`](Self::schedule) forms the next step, and
/// [`complete`](Self::complete) says what came out of it.
///
/// ```
/// use serving::{Replica, Request, Rules, Settings};
/// let mut replica = Replica::new(Rules::vllm_0_19(), Settings::default());
/// replica.submit(Request::text(1, 100, 2));
/// let prompt = replica.schedule();
/// assert_eq!((prompt.tokens(), replica.running().len()), (100, 1));
/// let outcome = replica.complete(&prompt, |_| 0);
/// assert_eq!((outcome[0].sampled, outcome[0].ended), (1, false));
/// let decode = replica.schedule();
/// assert!(replica.complete(&decode, |_| 0)[0].ended);
/// assert_eq!(replica.free_blocks(), 1000);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    pub(crate) rules: Rules,
    pub(crate) settings: Settings,
    pub(crate) sequences: Sequences,
    /// Admitted requests, in order of admission.
    pub(crate) running: Vec<Id>,
    pub(crate) waiting: Waiting,
    pub(crate) blocks: Blocks,
    pub(crate) encoder: EncoderCache,
    /// Learned under [`Admission::Estimate`](crate::Admission).
    pub(crate) estimate: Estimate,
}

impl Replica {
    /// An idle replica.
    pub fn new(rules: Rules, settings: Settings) -> Self {
        let settings = Settings { context: settings.context.min(slot_tokens(&rules, &settings)), ..settings };
        Self {
            sequences: Sequences::default(),
            running: Vec::new(),
            waiting: Waiting::new(settings.order),
            blocks: Blocks::new(&rules, &settings),
            encoder: EncoderCache::new(settings.encoder_cache, rules.pictures.held_by_place),
            estimate: Estimate::default(),
            rules,
            settings,
        }
    }

    /// Queues a request.
    ///
    /// # Panics
    /// A prompt or an answer without a token panics: there is nothing to compute.
    pub fn submit(&mut self, request: Request) -> Id {
        assert!(request.prompt_tokens() > 0, "a prompt has at least one token");
        assert!(request.output_tokens.min(request.output_limit) > 0, "an answer has at least one token");
        let id = self.sequences.insert(request);
        self.waiting.push(id, &self.sequences[id].request);
        id
    }

    /// The rules that it follows.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// No request waits or runs.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty() && self.waiting.len() == 0
    }

    /// Something can be computed, if there is room: not all that is here are sessions that wait for drafts.
    pub fn has_work(&self) -> bool {
        self.waiting.len() > 0 || self.at_work().next().is_some()
    }

    /// True if no other request waits, and none that is admitted has anything to compute.
    pub fn works_only_for(&self, id: Id) -> bool {
        self.waiting.len() == 0 && self.at_work().all(|other| other == id)
    }

    /// Admitted requests, in order of admission.
    pub fn running(&self) -> &[Id] {
        &self.running
    }

    /// Waiting requests, the next one first.
    pub fn waiting(&self) -> impl Iterator<Item = Id> + '_ {
        self.waiting.iter()
    }

    /// A request that has not ended.
    pub fn sequence(&self, id: Id) -> Option<&Sequence> {
        self.sequences.get(id)
    }

    /// KV blocks that nobody holds.
    pub fn free_blocks(&self) -> u32 {
        self.blocks.free()
    }

    /// KV blocks that can be found by their content.
    pub fn cached_blocks(&self) -> u32 {
        self.blocks.keyed()
    }

    /// Room in the encoder's cache that holds nothing, in embeddings.
    pub fn encoder_free(&self) -> u32 {
        self.encoder.free()
    }

    /// Room in the encoder's cache that holds nothing, or pictures that nobody needs.
    pub fn encoder_freeable(&self) -> u32 {
        self.encoder.freeable()
    }
}

/// Tokens that a request can have where each has a slot of its own.
fn slot_tokens(rules: &Rules, settings: &Settings) -> u32 {
    match rules.admission {
        Admission::Slot => settings.blocks / settings.sequences * settings.block_tokens,
        _ => u32::MAX,
    }
}
