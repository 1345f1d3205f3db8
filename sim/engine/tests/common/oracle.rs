//! The hand calculation: iterations priced by the roofline alone, in nanoseconds, without queues, events or backends.

use backends::{Part, Tier};
use model::{
    load::Load,
    request::{ImageSize, Prompt},
    roofline::Roofline,
    vision::VisionTower,
};
use units::{Flops, Ratio};

/// One tier on which nothing else happens.
pub struct Idle {
    roofline: Roofline,
    tower: VisionTower,
    /// Longest chunk of a prompt.
    chunk: u64,
    /// Time of the host on a megapixel, ns.
    megapixel_ns: u64,
    /// The layers that run here, where the model is split.
    part: Option<Part>,
}

impl Idle {
    /// A tier that serves its own model, or its part of the cloud's.
    pub fn new(tier: &Tier) -> Self {
        let tower = tier.model.vision.clone().expect("a multimodal model");
        let chunk = if tier.engine.batches { 1024 } else { u64::MAX };
        let roofline = Roofline::of_server(&tier.device, &tier.model, &tier.engine, tier.parallel);
        let megapixel_ns = tier.engine.megapixel_overhead.as_ns();
        Self { roofline, tower, chunk, megapixel_ns, part: tier.part }
    }

    /// Duration and arithmetic of an iteration.
    pub fn ns(&self, load: &Load) -> u64 {
        self.roofline.iteration(load).duration.as_ns()
    }

    fn vision(&self, prompt: &Prompt) -> Flops {
        let patches = pictures(prompt).map_or(0, |(tokens, _)| tokens * 4);
        if patches == 0 { Flops::ZERO } else { self.tower.flop(patches) }
    }

    /// True where pictures are encoded, and where tokens are made: only a split model has these apart.
    fn ends(&self) -> (bool, bool) {
        self.part.map_or((true, true), |part| (!part.upper, part.upper))
    }

    /// A load on the layers that run here.
    fn here(&self, load: Load, share: impl Fn(&Part) -> Ratio) -> Load {
        self.part.as_ref().map_or(load, |part| load.on_layers(share(part)))
    }

    /// The chunks of a prompt; the first encodes the picture, the last has the logits of one row.
    pub fn prompt_loads(&self, prompt: &Prompt) -> Vec<Load> {
        let (tokens, mut past, mut loads) = (prompt_tokens(prompt), 0, Vec::new());
        while past < tokens {
            let chunk = self.chunk.min(tokens - past);
            loads.push(self.here(Load::prefill_chunk(chunk, past), |part| part.share));
            past += chunk;
        }
        let (encodes, makes) = self.ends();
        if encodes {
            loads[0].add(&Load::vision(self.vision(prompt)));
        }
        let last = loads.len() - 1;
        if makes {
            loads[last] = loads[last].with_head();
        }
        loads
    }

    pub fn prefill_ns(&self, prompt: &Prompt) -> u64 {
        self.prompt_loads(prompt).iter().map(|load| self.ns(load)).sum()
    }

    /// The time from an input's arrival at a server: its host works on the picture, of 28 x 28 pixels a token, then the GPU reads.
    pub fn read_ns(&self, prompt: &Prompt) -> u64 {
        let pixels = pictures(prompt).map_or(0, |(tokens, _)| tokens * 28 * 28);
        self.megapixel_ns * pixels / 1_000_000 + self.prefill_ns(prompt)
    }

    /// One token's pass behind `past` tokens whose keys and values are cached.
    pub fn token_load(&self, past: u64) -> Load {
        let load = self.here(Load::decode(past), |part| part.decode_share);
        Load { head_rows: u64::from(self.ends().1), ..load }
    }

    /// The pass that makes the next token behind `context` tokens of prompt and answer: the newest of
    /// them goes in, so its keys and values are not cached yet.
    pub fn decode_ns(&self, context: u64) -> u64 {
        self.ns(&self.token_load(context - 1))
    }

    /// The tokens 1 to `output - 1` of an answer; its first is the prompt's.
    pub fn decode_answer_ns(&self, prompt: &Prompt, output: u64) -> u64 {
        (1..output).map(|made| self.decode_ns(prompt_tokens(prompt) + made)).sum()
    }

    /// So many tokens, all at once, behind `past` tokens whose keys and values are cached.
    pub fn verify_ns(&self, tokens: u64, past: u64) -> u64 {
        self.ns(&Load::verify(tokens, past))
    }
}

/// Visual tokens and bytes of a prompt's one picture.
fn pictures(prompt: &Prompt) -> Option<(u64, u64)> {
    let images = prompt.images?;
    assert_eq!((images.count, images.size), (1, ImageSize::Pixels { width: 640, height: 480 }));
    // 640 / 28 = 22.9 and 480 / 28 = 17.1: 23 x 17 tokens.
    Some((23 * 17, images.payload.as_u64()))
}

/// Text, visual tokens and the two markers around the picture.
pub fn prompt_tokens(prompt: &Prompt) -> u64 {
    u64::from(prompt.text_tokens) + pictures(prompt).map_or(0, |(tokens, _)| tokens + 2)
}

/// Four bytes a text token, and the picture.
pub fn payload(prompt: &Prompt) -> u64 {
    4 * u64::from(prompt.text_tokens) + pictures(prompt).map_or(0, |(_, bytes)| bytes)
}

/// One direction of a FIFO link of constant rate.
pub struct Wire {
    pub bits_per_second: u64,
    pub header: u64,
    pub latency_ns: u64,
    free_at: u64,
}

impl Wire {
    pub fn new(bits_per_second: u64, header: u64, latency_ns: u64) -> Self {
        Self { bits_per_second, header, latency_ns, free_at: 0 }
    }

    /// Arrival time of a message that is sent now.
    pub fn arrival(&mut self, now: u64, payload: u64) -> u64 {
        let bytes = payload + self.header * payload.div_ceil(1448).max(1);
        self.free_at = self.free_at.max(now) + (bytes * 8 * 1_000_000_000).div_ceil(self.bits_per_second);
        self.free_at + self.latency_ns
    }
}
