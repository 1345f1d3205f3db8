//! MoA-Off (Yang et al., arXiv 2509.16995): each modality is scored for its complexity, and stays on the edge if it is simple.
//!
//! Only the abstract and the first page were seen; the rule is second hand. A modality stays if its score is at most its threshold, **and**
//! the edge's load is within a limit, **and** the bandwidth is within a limit:
//!
//! ```text
//! stays_i  =  c_i <= tau_i  and  load <= load_max  and  bandwidth <= bandwidth_max
//! ```
//!
//! The paper scores a picture by resolution, edge density, entropy and sharpness, a text by its length and its density of entities.
//! Weights, thresholds and limits are open. Ours: equal weights, features scaled between the least and the greatest that the edge has seen,
//! thresholds of one half, MSAO's rates all within the limit. What a router sees in the content itself (the last three features of a picture,
//! the last of a text) is one look at the request, as good as its `auc`. A request is answered on the edge if all of its
//! modalities stay there, else in the cloud, which has to read all of it.

use crate::route::Target;
use crate::settings::open_share;
use crate::{About, Briefing, Edge, Memory, Note, Policy, ServedBy, Testbed, Uses, View};
use model::request::{ImageSize, Input, Prompt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use units::{BitsPerSecond, Ratio};

/// Settings of MoA-Off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MoaOff {
    /// Score up to which a text is simple; default .5.
    pub text_tau: Ratio,
    /// Score up to which pictures are simple; default .5.
    pub visual_tau: Ratio,
    /// Score up to which sound is simple; default .5.
    pub audio_tau: Ratio,
    /// Load of the edge up to which anything stays there, as n / (n + 1) of n requests that wait or run; default .8, which is four.
    pub load_max: Ratio,
    /// Rate of the uplink up to which anything stays on the edge, e.g. `400 Mbps` (default).
    pub bandwidth_max: BitsPerSecond,
    /// Area under the curve of the look at the content: .5 sees nothing, near 1 knows what the edge's model gets wrong; default .75.
    pub auc: Ratio,
}

impl Default for MoaOff {
    fn default() -> Self {
        let half = Ratio::new(0.5);
        Self {
            text_tau: half,
            visual_tau: half,
            audio_tau: half,
            load_max: Ratio::new(0.8),
            bandwidth_max: BitsPerSecond::from_mbps(400),
            auc: Ratio::new(0.75),
        }
    }
}

/// The scores of a request.
const TEXT: Note = Note { name: "text_complexity", unit: "", meaning: "Complexity of the text, from 0 to 1." };
const VISUAL: Note = Note { name: "visual_complexity", unit: "", meaning: "Complexity of the pictures, from 0 to 1." };

/// The least and the greatest value of a feature so far.
#[derive(Clone, Copy, Debug)]
struct Range(f64, f64);

impl Range {
    const EMPTY: Self = Self(f64::INFINITY, f64::NEG_INFINITY);

    /// The place of a value between both, from 0 to 1, once it is among them; one half while they are equal.
    fn place(&mut self, value: f64) -> f64 {
        *self = Self(self.0.min(value), self.1.max(value));
        if self.1 > self.0 { (value - self.0) / (self.1 - self.0) } else { 0.5 }
    }
}

/// The features that an edge has seen.
pub struct MoaOffMemory(RefCell<Seen>);

struct Seen {
    text_tokens: Range,
    pixels: Range,
    seconds: Range,
}

impl Memory<MoaOff> for MoaOffMemory {
    fn of(_: &MoaOff) -> Self {
        Self(RefCell::new(Seen { text_tokens: Range::EMPTY, pixels: Range::EMPTY, seconds: Range::EMPTY }))
    }
}

/// Scores of a prompt's modalities; none of those that it does not have.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Complexity {
    text: f64,
    visual: Option<f64>,
    audio: Option<f64>,
}

impl Complexity {
    /// The means of a modality's features, of which `content` stands for those of what is in it.
    fn of(prompt: &Prompt, content: f64, seen: &mut Seen) -> Self {
        let text = (seen.text_tokens.place(prompt.text_tokens.into()) + content) / 2.0;
        let visual = prompt.images.map(|images| {
            let pixels = match images.size {
                ImageSize::Pixels { width, height } => f64::from(width) * f64::from(height),
                ImageSize::Tokens(tokens) => f64::from(tokens),
            };
            (seen.pixels.place(pixels * f64::from(images.count)) + 3.0 * content) / 4.0
        });
        let audio = prompt.audio.map(|audio| (seen.seconds.place(audio.payload.as_u64() as f64) + content) / 2.0);
        Self { text, visual, audio }
    }
}

impl MoaOff {
    /// The tier that answers.
    fn choose(&self, complexity: &Complexity, view: &View<'_>) -> Target {
        let load = f64::from(view.edge_requests) / f64::from(view.edge_requests + 1);
        let has_room = load <= self.load_max.as_f64() && view.uplink <= self.bandwidth_max;
        let simple = |score: Option<f64>, tau: Ratio| score.is_none_or(|score| score <= tau.as_f64());
        let stays = simple(Some(complexity.text), self.text_tau)
            && simple(complexity.visual, self.visual_tau)
            && simple(complexity.audio, self.audio_tau);
        if stays && has_room { Target::Edge } else { Target::Cloud }
    }
}

impl About for MoaOff {
    fn uses(&self) -> Uses {
        Uses { edge_model: true, edge_answers: true, cloud: true, ..Uses::default() }
    }

    fn notes(&self) -> &'static [Note] {
        &[TEXT, VISUAL]
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.auc.as_f64() < 0.5 {
            return Err(("auc", "expected at least one half, that of a coin".to_owned()));
        }
        open_share("auc", self.auc)
    }
}

impl Policy for MoaOff {
    type Memory = MoaOffMemory;

    async fn serve<B: Testbed>(&self, bed: &B, _: &Briefing, memory: &MoaOffMemory) -> ServedBy {
        bed.edge().preprocess().await;
        let prompt = bed.prompt();
        let content = bed.edge().score(self.auc);
        let complexity = Complexity::of(&prompt, content, &mut memory.0.borrow_mut());
        bed.note(0, &TEXT, complexity.text);
        complexity.visual.into_iter().for_each(|score| bed.note(0, &VISUAL, score));
        let tier = self.choose(&complexity, &bed.view());
        tier.serve(bed, &Input::whole(prompt)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::request::Images;
    use units::Bytes;

    fn seen() -> Seen {
        Seen { text_tokens: Range::EMPTY, pixels: Range::EMPTY, seconds: Range::EMPTY }
    }

    fn prompt(text_tokens: u32, width: u32) -> Prompt {
        let size = ImageSize::Pixels { width, height: 100 };
        let images = Images { count: 1, size, payload: Bytes::new(9), moving: false, encoded: false };
        Prompt { request: 0, text_tokens, images: Some(images), audio: None }
    }

    /// The first request of an edge is in the middle of its ranges. The second, of 60 tokens behind 20, is at the end of the text's
    /// range: (1 + .2) / 2 = .6; its picture of half the pixels is at the start: (0 + 3 x .2) / 4 = .15. The third lies between:
    /// a text of 30 at (.25 + .4) / 2 = .325, a picture of 7,500 pixels at (.5 + 3 x .4) / 4 = .425.
    #[test]
    fn scores_by_hand() {
        let seen = &mut seen();
        let mut of = |text_tokens, width, content| {
            let Complexity { text, visual, .. } = Complexity::of(&prompt(text_tokens, width), content, seen);
            (text, visual.expect("a picture"))
        };
        let close = |(a, b): (f64, f64), (c, d): (f64, f64)| (a - c).abs() < 1e-12 && (b - d).abs() < 1e-12;
        assert!(close(of(20, 100, 0.7), (0.6, 0.65)));
        assert!(close(of(60, 50, 0.2), (0.6, 0.15)));
        assert!(close(of(30, 75, 0.4), (0.325, 0.425)));
    }

    #[test]
    fn text_alone_has_a_score_of_its_own() {
        let alone = Prompt { images: None, ..prompt(20, 1) };
        let scored = Complexity::of(&alone, 0.2, &mut seen());
        assert_eq!(scored, Complexity { text: 0.35, visual: None, audio: None });
    }

    #[test]
    fn settings_without_sense_are_refused() {
        for auc in [0.4, 1.0] {
            let settings = MoaOff { auc: Ratio::new(auc), ..MoaOff::default() };
            assert_eq!(settings.check().expect_err("refused").0, "auc");
        }
    }
}
