//! The load of work on a tier, and its cost on an idle device.

use crate::{Profile, Tier, profile::duration};
use model::{
    audio,
    load::Load,
    modality::Modality,
    request::{Input, Prompt},
    roofline::Roofline,
    step::{Step, StepKind},
    vision::{Patches, Resize, VisionTower},
};
use units::{Bytes, Flops, Ratio, SimDuration};

/// Loads and prices of one tier.
#[derive(Clone, Debug)]
pub struct Pricing {
    tier: Tier,
    roofline: Roofline,
}

/// The work of reading an input: its tokens, and FLOP of encoding what is left of sound and of each picture, as far as that
/// happens here.
pub(crate) struct Reading {
    /// Tokens of the whole input.
    pub tokens: u64,
    /// Encoding its sound.
    pub sound: Flops,
    /// Encoding one of its pictures.
    pub picture: Flops,
}

/// Bytes of an activation: fp16.
const ACTIVATION_BYTES: u64 = 2;

impl Pricing {
    /// The prices of a tier.
    pub fn new(tier: &Tier) -> Self {
        let roofline = Roofline::of_server(&tier.device, &tier.model, &tier.engine, tier.parallel);
        Self { roofline, tier: tier.clone() }
    }

    /// Time, arithmetic and memory traffic of loads.
    pub fn roofline(&self) -> &Roofline {
        &self.roofline
    }

    /// Measured laws, where the tier has them.
    pub fn profile(&self) -> Option<&Profile> {
        self.tier.profile.as_deref()
    }

    /// Time of one item alone.
    fn time(&self, kind: StepKind, load: &Load) -> SimDuration {
        let load = self.seen(*load);
        let measured = self.profile().and_then(|profile| profile.predict(kind, &Step::one(load)));
        measured.map_or_else(|| self.roofline.iteration(&load).duration, |predicted| duration(predicted.ns))
    }

    /// The load of one item as the model's layers see it.
    #[inline]
    pub(crate) fn seen(&self, load: Load) -> Load {
        load.seen_by(&self.tier.model)
    }

    /// Reading the whole prompt at once: encoders and language model.
    pub fn prefill(&self, input: &Input) -> SimDuration {
        self.time(StepKind::Prefill, &self.reading_load(input).1)
    }

    /// Tokens of the input, and the load of reading all of it at once.
    fn reading_load(&self, input: &Input) -> (u64, Load) {
        let Reading { tokens, sound, picture } = self.reading(input);
        let mut load = self.prompt_load(tokens, 0, true);
        let pictures = input.prompt.images.map_or(0, |images| images.count);
        load.add(&Load::vision(sound + picture * f64::from(pictures)));
        (tokens, load)
    }

    /// One token behind a context of so many.
    pub fn token(&self, context: u64) -> SimDuration {
        self.time(StepKind::Decode, &self.token_load(context))
    }

    /// So many tokens at once behind a context of so many.
    pub fn verify(&self, tokens: u64, context: u64) -> SimDuration {
        self.time(StepKind::Verify, &Load::verify(tokens, context))
    }

    /// The probe, alone.
    pub fn probe(&self, prompt: &Prompt) -> SimDuration {
        self.time(StepKind::Probe, &self.probe_load(self.probe_flop(prompt)))
    }

    /// The cloud model's vision tower, alone.
    pub fn encode(&self, prompt: &Prompt) -> SimDuration {
        self.time(StepKind::Encode, &Load::vision(self.encode_flop(prompt)))
    }

    /// `tokens` of a prompt behind `past` of it, on the layers that run here; `last` if its logits are wanted.
    pub(crate) fn prompt_load(&self, tokens: u64, past: u64, last: bool) -> Load {
        let load = Load::prefill_chunk(tokens, past);
        match &self.tier.part {
            None if last => load.with_head(),
            None => load,
            Some(part) if last && part.upper => load.on_layers(part.share).with_head(),
            Some(part) => load.on_layers(part.share),
        }
    }

    /// A load on the layers that run here.
    pub(crate) fn on_layers(&self, load: Load) -> Load {
        self.tier.part.as_ref().map_or(load, |part| load.on_layers(part.share))
    }

    /// One token of an answer behind `past` tokens, on the layers that run here.
    #[inline]
    pub(crate) fn token_load(&self, past: u64) -> Load {
        let load = Load::decode(past);
        match &self.tier.part {
            None => load,
            Some(part) => Load { head_rows: u64::from(part.upper), ..load.on_layers(part.decode_share) },
        }
    }

    /// A pass of the newest token of a context, and of so many behind it. A newest token with known logits is spared.
    #[inline]
    pub(crate) fn pass_load(context: u64, known: bool, behind: usize) -> Load {
        match (known, behind as u64) {
            (true, 0) => Load::NONE,
            (true, behind) => Load::verify(behind, context),
            (false, behind) => Load::verify(behind + 1, context.saturating_sub(1)),
        }
    }

    /// True if all layers run here, and each token reads its whole context.
    #[inline]
    pub(crate) fn is_whole(&self) -> bool {
        self.tier.part.is_none() && self.tier.model.window.is_none()
    }

    /// True if the part of the model here makes tokens.
    #[inline]
    pub(crate) fn makes_tokens(&self) -> bool {
        self.tier.part.is_none_or(|part| part.upper)
    }

    /// Tokens of the input as this model counts them: text, visual tokens (and for Qwen's towers the two markers around
    /// each picture), and sound.
    pub fn prompt_tokens(&self, input: &Input) -> u64 {
        let patches = self.tier.model.vision.as_ref().map_or(Patches::default(), |tower| input.patches(tower));
        self.tokens(input, patches)
    }

    /// The work of reading an input.
    pub(crate) fn reading(&self, input: &Input) -> Reading {
        let sound =
            if input.prompt.audio.is_some() { audio::encoder_flop(input.tokens(Modality::Audio)) } else { Flops::ZERO };
        let sound = self.unless_upper(sound);
        let Some((tower, images)) = self.tier.model.vision.as_ref().zip(input.prompt.images) else {
            return Reading { tokens: self.tokens(input, Patches::default()), sound, picture: Flops::ZERO };
        };
        let patches = input.patches(tower);
        let elsewhere = self.tier.receives && images.encoded;
        let picture = if elsewhere { Flops::ZERO } else { tower.flop(patches.patches) };
        Reading { tokens: self.tokens(input, patches), sound, picture: self.unless_upper(picture) }
    }

    /// The upper part of a split model is given hidden states: what encoders do has been done.
    fn unless_upper(&self, encoders: Flops) -> Flops {
        if self.tier.part.is_some_and(|part| part.upper) { Flops::ZERO } else { encoders }
    }

    /// Tokens of the input, with that much left of each picture.
    fn tokens(&self, input: &Input, patches: Patches) -> u64 {
        let spoken = input.tokens(Modality::Text) + input.tokens(Modality::Audio);
        let (Some(tower), Some(images)) = (&self.tier.model.vision, input.prompt.images) else { return spoken };
        let markers = if matches!(tower.resize, Resize::Qwen { .. }) { 2 } else { 0 };
        spoken + u64::from(images.count) * (patches.tokens + markers)
    }

    /// FLOP of encoding pictures of so many patches.
    #[cfg(feature = "onnx")]
    pub(crate) fn encoder_flop(&self, pictures: impl Iterator<Item = u64>) -> Flops {
        let tower = self.tier.model.vision.as_ref();
        tower.map_or(Flops::ZERO, |tower| pictures.map(|patches| tower.flop(patches)).sum())
    }

    /// The load of a probe of so much arithmetic, which reads the layers that it runs.
    #[inline]
    pub(crate) fn probe_load(&self, flop: Flops) -> Load {
        let layers = self.tier.model.vision.as_ref().map_or(1, |tower| tower.layers.max(1));
        Load::probe(flop, Ratio::new((self.tier.probe_blocks as f64 / layers as f64).min(1.0)))
    }

    /// FLOP of the first layers of the encoders on the whole input.
    pub fn probe_flop(&self, prompt: &Prompt) -> Flops {
        let (input, blocks) = (Input::whole(*prompt), self.tier.probe_blocks);
        let sound = audio::blocks_flop(input.tokens(Modality::Audio), blocks);
        let tower = self.tier.model.vision.as_ref();
        sound + each_picture(tower, &input, |tower, patches| tower.blocks_flop(patches.patches, blocks))
    }

    /// Memory that the probe takes while it runs: the feature map of the last layer that it runs, and the importance map.
    /// The weights are those of the encoder that is loaded anyway.
    pub fn probe_bytes(&self, prompt: &Prompt) -> Bytes {
        let input = Input::whole(*prompt);
        let map = |tower: &VisionTower| {
            let patches = u64::from(prompt.images.map_or(0, |images| images.count)) * input.patches(tower).patches;
            patches * (tower.hidden * ACTIVATION_BYTES + 4)
        };
        Bytes::new(self.tier.model.vision.as_ref().map_or(0, map))
    }

    /// FLOP of the cloud model's vision tower on the whole pictures.
    pub(crate) fn encode_flop(&self, prompt: &Prompt) -> Flops {
        each_picture(self.tier.encoder.as_ref(), &Input::whole(*prompt), |tower, whole| tower.flop(whole.patches))
    }

    /// Bytes of a token's hidden state.
    pub fn hidden_bytes(&self) -> Bytes {
        Bytes::new(self.tier.model.hidden * ACTIVATION_BYTES)
    }

    /// Bytes of a token's keys and values.
    pub fn kv_bytes(&self) -> Bytes {
        self.tier.model.kv_bytes_per_token()
    }

    /// Bytes of the pictures as this model's vision tower encodes them: a row of the language model's width a token.
    pub fn encoded_bytes(&self, prompt: &Prompt) -> Bytes {
        self.hidden_bytes() * self.visual_tokens(&Input::whole(*prompt))
    }

    /// Tokens of one of the pictures, where it is encoded here; 0 where it is not.
    pub fn picture_tokens(&self, input: &Input) -> u64 {
        self.tower_here(input).map_or(0, |tower| input.patches(tower).tokens)
    }

    /// Time of the host's processor on the pictures, where they are encoded here.
    pub fn picture_time(&self, input: &Input) -> SimDuration {
        if self.tier.engine.megapixel_overhead == SimDuration::ZERO {
            return SimDuration::ZERO;
        }
        self.tier.engine.picture_time(self.pixels(input))
    }

    /// Pixels of the pictures as the tower takes them, where they are encoded here.
    pub fn pixels(&self, input: &Input) -> u64 {
        self.tower_here(input).map_or(0, |tower| input.pixels(tower))
    }

    /// The vision tower that encodes the pictures of an input, if it has any and they are encoded here.
    fn tower_here(&self, input: &Input) -> Option<&VisionTower> {
        let (images, tower) = input.prompt.images.zip(self.tier.model.vision.as_ref())?;
        let is_upper = self.tier.part.is_some_and(|part| part.upper);
        let is_elsewhere = is_upper || self.tier.receives && images.encoded;
        (!is_elsewhere).then_some(tower)
    }

    /// Visual tokens that are left of all pictures, without the markers around each.
    pub fn visual_tokens(&self, input: &Input) -> u64 {
        let pictures = input.prompt.images.zip(self.tier.model.vision.as_ref());
        pictures.map_or(0, |(images, tower)| u64::from(images.count) * input.patches(tower).tokens)
    }

    /// Bytes of the hidden states of a prompt, with this share of the visual tokens'.
    pub fn prompt_state_bytes(&self, input: &Input, visual: Ratio) -> Bytes {
        let (all, pictures) = (self.prompt_tokens(input), self.visual_tokens(input));
        let sent = self.hidden_bytes().as_u64() as f64 * ((all - pictures) as f64 + pictures as f64 * visual.as_f64());
        Bytes::new(sent.ceil() as u64)
    }

    /// FLOP of the whole of a request on this tier, with an answer of so many tokens: what the probe is compared with.
    pub fn request_flop(&self, input: &Input, output_tokens: u32) -> Flops {
        let (prompt, load) = self.reading_load(input);
        let flop = |load| self.roofline.iteration(&self.seen(load)).flop;
        let answer = flop(self.token_load(prompt + u64::from(output_tokens) / 2));
        flop(load) + answer * f64::from(output_tokens - 1)
    }
}

/// FLOP of some work on each picture.
fn each_picture(tower: Option<&VisionTower>, input: &Input, work: impl Fn(&VisionTower, Patches) -> Flops) -> Flops {
    let (Some(tower), Some(images)) = (tower, input.prompt.images) else { return Flops::ZERO };
    work(tower, input.patches(tower)) * f64::from(images.count)
}
