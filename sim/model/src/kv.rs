//! The paged KV cache: blocks of 16 tokens, counted, not listed.
//!
//! A token's block changes nothing that is simulated. So a sequence is a number of blocks, and every operation is
//! O(1).
//!
//! Without enough free blocks the pool refuses and changes nothing. The caller decides who waits.

use std::{borrow::Cow, error::Error, fmt};

use units::Bytes;

use crate::{
    device::Device,
    memory::{BatchLimits, Footprint},
    model_spec::ModelSpec,
};

/// Tokens of a block (vLLM's default).
pub const BLOCK_TOKENS: u64 = 16;

/// Per cent of a device's memory that weights, activations and cache may fill: `gpu_memory_utilization` of vLLM.
const USED_PERCENT: u64 = 90;

/// Blocks needed for that many tokens.
pub fn blocks_for(tokens: u64) -> u64 {
    tokens.div_ceil(BLOCK_TOKENS)
}

/// The blocks of one sequence. Give it back with [`KvPool::free`]; a dropped one stays allocated and fails the check at
/// the end of a run.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "blocks return to the pool only through `KvPool::free`"]
pub struct KvSequence {
    tokens: u64,
}

impl KvSequence {
    /// Tokens whose keys and values it holds.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Blocks that it occupies.
    pub fn blocks(&self) -> u64 {
        blocks_for(self.tokens)
    }
}

/// The KV cache of one device, as a pool of blocks.
///
/// ```
/// use model::kv::KvPool;
/// use units::Bytes;
///
/// let mut pool = KvPool::of_blocks(4, Bytes::new(28 << 10));
/// let mut sequence = pool.allocate(40).expect("3 blocks of 16 tokens");
/// assert!(pool.grow(&mut sequence, 24), "64 tokens fill 4 blocks");
/// assert!(!pool.grow(&mut sequence, 1), "no fifth block");
/// pool.truncate(&mut sequence, 30);
/// assert_eq!(pool.free_blocks(), 2);
/// pool.free(sequence);
/// assert!(pool.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvPool {
    total: u64,
    free: u64,
    allocated: u64,
    peak: u64,
    sequences: u64,
    most_sequences: u64,
    block_bytes: Bytes,
}

impl KvPool {
    /// A pool of that many blocks, each of `BLOCK_TOKENS` tokens.
    pub fn of_blocks(total: u64, kv_bytes_per_token: Bytes) -> KvPool {
        let block_bytes = kv_bytes_per_token * BLOCK_TOKENS;
        KvPool { total, free: total, allocated: 0, peak: 0, sequences: 0, most_sequences: u64::MAX, block_bytes }
    }

    /// The pool of a device that serves the whole model: 90 % of its memory, less weights, activations and runtime.
    ///
    /// # Errors
    ///
    /// If not even one block fits.
    pub fn for_model(device: &Device, model: &ModelSpec, largest: BatchLimits) -> Result<KvPool, DoesNotFit> {
        let resident = Footprint::paged(model, largest, Bytes::ZERO).total();
        KvPool::with_resident(device, &model.name, resident, model.kv_bytes_per_token(), None)
    }

    /// The pool of a device whose memory already holds `resident` bytes of `what`, e.g. of some layers of a model.
    ///
    /// Without `stated` blocks, the pool fills the memory up to 90 %. With them it may take all of it.
    ///
    /// # Errors
    ///
    /// If not even one block, or not all of the stated ones, fits.
    pub fn with_resident(
        device: &Device,
        what: &str,
        resident: Bytes,
        kv_bytes_per_token: Bytes,
        stated: Option<u64>,
    ) -> Result<KvPool, DoesNotFit> {
        let percent = if stated.is_some() { 100 } else { USED_PERCENT };
        let usable = Bytes::new(device.memory.as_u64() / 100 * percent);
        let block = kv_bytes_per_token * BLOCK_TOKENS;
        let left = usable.saturating_sub(resident).as_u64().checked_div(block.as_u64()).unwrap_or(0);
        let blocks = stated.unwrap_or(left.max(1));
        if blocks > left {
            let needed = Bytes::new(resident.as_u64().saturating_add(block.as_u64().saturating_mul(blocks)));
            let (what, device) = (what.to_owned(), device.name.clone());
            return Err(DoesNotFit { what, device, blocks, needed, usable, percent });
        }
        Ok(KvPool::of_blocks(blocks, kv_bytes_per_token))
    }

    /// The same pool for at most so many sequences at once.
    pub fn for_sequences(self, most: Option<u64>) -> KvPool {
        KvPool { most_sequences: most.unwrap_or(u64::MAX), ..self }
    }

    /// Blocks for a sequence of that many tokens, or `None` if there are too few free now, or as many sequences as may be.
    pub fn allocate(&mut self, tokens: u64) -> Option<KvSequence> {
        (self.sequences < self.most_sequences && self.take(blocks_for(tokens))).then(|| {
            self.sequences += 1;
            KvSequence { tokens }
        })
    }

    /// Grows a sequence by `more` tokens. Returns false, and changes nothing, if there are too few free blocks now.
    #[must_use = "a refused sequence has not grown"]
    pub fn grow(&mut self, sequence: &mut KvSequence, more: u64) -> bool {
        let longer = KvSequence { tokens: sequence.tokens + more };
        let granted = self.take(longer.blocks() - sequence.blocks());
        if granted {
            *sequence = longer;
        }
        granted
    }

    /// Drops all but the first `tokens` tokens, as after a rejected draft. No effect if it has no more than those.
    pub fn truncate(&mut self, sequence: &mut KvSequence, tokens: u64) {
        let shorter = KvSequence { tokens: tokens.min(sequence.tokens) };
        self.give_back(sequence.blocks() - shorter.blocks());
        *sequence = shorter;
    }

    /// Takes a sequence's blocks back.
    pub fn free(&mut self, sequence: KvSequence) {
        self.give_back(sequence.blocks());
        self.sequences -= 1;
    }

    /// True if a sequence of that many tokens fits the empty pool. Otherwise its request must be refused instead of
    /// waiting.
    pub fn could_hold(&self, tokens: u64) -> bool {
        blocks_for(tokens) <= self.total
    }

    /// Blocks in all.
    pub fn total_blocks(&self) -> u64 {
        self.total
    }

    /// Free blocks.
    pub fn free_blocks(&self) -> u64 {
        self.free
    }

    /// Bytes of the blocks that sequences occupy.
    pub fn used_bytes(&self) -> Bytes {
        self.block_bytes * self.allocated
    }

    /// The most that [`KvPool::used_bytes`] has been.
    pub fn peak_bytes(&self) -> Bytes {
        self.block_bytes * self.peak
    }

    /// Notes that so many tokens were held at once, where somebody else hands the blocks out.
    pub fn note_use(&mut self, tokens: u64) {
        self.peak = self.peak.max(blocks_for(tokens));
    }

    /// The invariant: allocated + free = total, and no sequences means nothing allocated.
    pub fn check(&self) -> Result<(), Imbalance> {
        let Self { total, free, allocated, sequences, .. } = *self;
        let leaked = sequences == 0 && allocated > 0;
        if allocated + free == total && !leaked { Ok(()) } else { Err(Imbalance { total, free, allocated, sequences }) }
    }

    fn take(&mut self, blocks: u64) -> bool {
        let granted = blocks <= self.free;
        if granted {
            self.free -= blocks;
            self.allocated += blocks;
            self.peak = self.peak.max(self.allocated);
        }
        granted
    }

    fn give_back(&mut self, blocks: u64) {
        self.free += blocks;
        self.allocated -= blocks;
    }
}

/// A model that leaves no room for a single block on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoesNotFit {
    /// The model, or the part of one.
    pub what: String,
    /// The device.
    pub device: Cow<'static, str>,
    /// Blocks of KV cache that it must hold: one, if they are not stated.
    pub blocks: u64,
    /// Weights, activations, runtime and those blocks.
    pub needed: Bytes,
    /// Bytes of the device's memory that may be filled.
    pub usable: Bytes,
    /// The same in per cent of the memory.
    pub percent: u64,
}

impl fmt::Display for DoesNotFit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, device, blocks, needed, usable, percent } = self;
        let (needed, usable) = (needed.as_gb_f64(), usable.as_gb_f64());
        let cache = if *blocks == 1 { "one block".to_owned() } else { format!("{blocks} blocks") };
        write!(
            f,
            "{what} does not fit {device}: needs {needed:.2} GB with {cache} of KV cache, and {usable:.2} GB \
             ({percent} % of its memory) may be used"
        )
    }
}

impl Error for DoesNotFit {}

/// Blocks that were lost or invented: a bug in the caller or here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imbalance {
    /// Blocks in all.
    pub total: u64,
    /// Free blocks.
    pub free: u64,
    /// Blocks that sequences have.
    pub allocated: u64,
    /// Sequences that have not been freed.
    pub sequences: u64,
}

impl fmt::Display for Imbalance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { total, free, allocated, sequences } = self;
        write!(
            f,
            "KV blocks out of balance: {allocated} allocated to {sequences} sequences, {free} free, {total} in all"
        )
    }
}

impl Error for Imbalance {}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(blocks: u64) -> KvPool {
        KvPool::of_blocks(blocks, Bytes::new(28_672))
    }

    #[test]
    fn sequences_are_as_many_as_may_be() {
        let mut pool = KvPool::of_blocks(100, Bytes::new(1)).for_sequences(Some(2));
        let (first, _second) = (pool.allocate(16).unwrap(), pool.allocate(16).unwrap());
        assert_eq!((pool.allocate(16), pool.free_blocks()), (None, 98));
        pool.free(first);
        assert!(pool.allocate(16).is_some());
    }

    #[test]
    fn stated_blocks_are_what_there_is_if_they_fit() {
        let (device, model) = (Device::named("a100-40-pcie").unwrap(), ModelSpec::named("qwen2.5-vl-7b").unwrap());
        let pool = |stated| {
            KvPool::with_resident(device, &model.name, model.weight_bytes(), model.kv_bytes_per_token(), Some(stated))
        };
        assert_eq!(pool(1234).unwrap().total_blocks(), 1234);
        let refusal = pool(100_000).unwrap_err().to_string();
        let start = "qwen2.5-vl-7b does not fit a100-40-pcie: needs 108.33 GB with 100000 blocks of KV cache, and 42.95 GB \
                     (100 % of its memory)";
        assert!(refusal.starts_with(start), "{refusal}");
    }

    #[test]
    fn sequences_take_whole_blocks_and_give_them_back() {
        let mut pool = pool(10);
        let mut sequence = pool.allocate(17).unwrap();
        assert_eq!((sequence.blocks(), pool.free_blocks()), (2, 8));
        assert!(pool.grow(&mut sequence, 15));
        assert_eq!((sequence.tokens(), sequence.blocks()), (32, 2));
        assert!(pool.grow(&mut sequence, 1));
        assert_eq!((sequence.blocks(), pool.free_blocks()), (3, 7));
        pool.truncate(&mut sequence, 16);
        assert_eq!((sequence.tokens(), sequence.blocks(), pool.free_blocks()), (16, 1, 9));
        pool.truncate(&mut sequence, 100);
        assert_eq!(sequence.tokens(), 16);
        assert_eq!(pool.used_bytes(), Bytes::new(16 * 28_672));
        pool.free(sequence);
        assert_eq!(pool.check(), Ok(()));
        assert_eq!((pool.free_blocks(), pool.peak_bytes()), (10, Bytes::new(3 * 16 * 28_672)));
    }

    #[test]
    fn a_refusal_changes_nothing() {
        let mut pool = pool(3);
        let mut sequence = pool.allocate(30).unwrap();
        let before = pool.clone();
        assert_eq!(pool.allocate(17), None);
        assert!(!pool.grow(&mut sequence, 19));
        assert_eq!((pool.clone(), sequence.tokens()), (before, 30));
        assert!(pool.could_hold(48) && !pool.could_hold(49));
        pool.free(sequence);
    }

    #[test]
    fn a_sequence_that_is_dropped_fails_the_check() {
        let mut pool = pool(3);
        let _lost = pool.allocate(16);
        assert_eq!(pool.check(), Ok(()), "held or lost cannot be told while sequences exist");
        pool.sequences = 0;
        let imbalance = pool.check().unwrap_err();
        assert_eq!(imbalance.allocated, 1);
        assert!(imbalance.to_string().contains("1 allocated to 0 sequences, 2 free, 3 in all"));
    }

    #[test]
    fn the_balance_survives_any_sequence_of_operations() {
        let mut pool = pool(64);
        let mut held: Vec<KvSequence> = Vec::new();
        let mut state = 12_345_u64;
        for _ in 0..10_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (choice, tokens) = ((state >> 60) % 4, (state >> 40) % 200);
            match (choice, held.pop()) {
                (0, Some(sequence)) => pool.free(sequence),
                (1, Some(mut sequence)) => {
                    pool.truncate(&mut sequence, tokens);
                    held.insert(0, sequence);
                }
                (2, Some(mut sequence)) => {
                    let _granted = pool.grow(&mut sequence, tokens);
                    held.insert(0, sequence);
                }
                (_, popped) => {
                    held.extend(popped);
                    held.extend(pool.allocate(tokens));
                }
            }
            assert_eq!(pool.check(), Ok(()));
            assert_eq!(held.iter().map(KvSequence::blocks).sum::<u64>(), pool.allocated);
        }
        held.drain(..).for_each(|sequence| pool.free(sequence));
        assert_eq!((pool.check(), pool.free_blocks()), (Ok(()), 64));
    }

    #[test]
    fn a_pool_is_what_weights_leave_of_ninety_per_cent() {
        let (device, model) = (Device::named("a100-40-pcie").unwrap(), ModelSpec::named("qwen2.5-vl-7b").unwrap());
        let pool = KvPool::for_model(device, model, BatchLimits::default()).unwrap();
        let cache = pool.total_blocks() as f64 * 16.0 * 57_344.0 / 1e9;
        assert!((21.0..21.6).contains(&cache), "{cache} GB");
    }

    #[test]
    fn a_model_that_does_not_fit_is_refused_with_the_figures() {
        let (device, model) =
            (Device::named("jetson-orin-nano-8").unwrap(), ModelSpec::named("qwen2.5-vl-7b").unwrap());
        let refusal = KvPool::for_model(device, model, BatchLimits::default()).unwrap_err();
        assert!(
            refusal.to_string().starts_with("qwen2.5-vl-7b does not fit jetson-orin-nano-8: needs 17."),
            "{refusal}"
        );
        // Eight layers of LLaVA fit a phone of 8 GB (MindFusion), the whole of it does not.
        let (phone, llava) = (Device::named("iphone-15-pro").unwrap(), ModelSpec::named("llava-1.5-7b").unwrap());
        assert!(KvPool::for_model(phone, llava, BatchLimits::default()).is_err());
        let eight = llava.prefix_weight_bytes(8);
        assert!(KvPool::with_resident(phone, "8 layers", eight, llava.kv_bytes_per_token_of(8), None).is_ok());
    }
}
