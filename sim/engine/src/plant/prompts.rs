//! Prompts as a serving engine sees them: pieces by content, of which equal ones are found in its caches.
//!
//! A prompt is the system prompt, pictures, sound, texts that it quotes, and its own text. A part that a plan prunes or compresses
//! is another content for each retention and compression.

use super::resources::Slot;
use crate::scheduling::LARGEST_PICTURE;
use crate::workload::{Shared, Source, Text};
use backends::Pricing;
use model::modality::Modality;
use model::request::{Input, Kept};
use serving::{Piece, Request};

/// The kinds of content: numbers of one kind are no content of another.
#[derive(Clone, Copy)]
enum Content {
    System,
    Picture,
    /// Tokens around pictures; all of theirs where they were encoded elsewhere.
    BesidePictures,
    Sound,
    Text,
    Answer,
    Block,
}

/// A request's prompt for a serving engine, with so many tokens in all.
pub(super) fn request(slot: &Slot, prompt_tokens: u32, prices: &Pricing, input: &Input) -> Request {
    let number = input.prompt.request;
    let nothing = Shared::nothing(number);
    let shared = slot.about.shared.as_deref().unwrap_or(&nothing);
    let small = |tokens: u64| u32::try_from(tokens).unwrap_or(u32::MAX);
    let [text, visual, sound] = [Modality::Text, Modality::Visual, Modality::Audio].map(|one| input.kept[one]);
    let picture = small(prices.picture_tokens(input)).min(LARGEST_PICTURE);
    let count = input.prompt.images.map_or(0, |images| images.count);
    let count = prompt_tokens.checked_div(picture).map_or(0, |most| count.min(most));
    let mut prompt = Pieces { left: prompt_tokens - count * picture, pieces: Vec::new() };
    prompt.text(name(Content::System, 0, 0, text), share_of(shared.system, text));
    for place in 0..count {
        let name = name(Content::Picture, shared.shown, place, visual);
        prompt.pieces.push(Piece::Picture { name, tokens: picture });
    }
    let others = input.tokens(Modality::Text) + input.tokens(Modality::Audio) + u64::from(count * picture);
    let beside = small(prices.prompt_tokens(input).saturating_sub(others));
    prompt.text(name(Content::BesidePictures, shared.shown, 0, visual), beside);
    prompt.text(name(Content::Sound, shared.shown, 0, sound), small(input.tokens(Modality::Audio)));
    for Text { source, tokens } in &shared.texts {
        let (kind, number) = match *source {
            Source::Request(number) => (Content::Text, number),
            Source::Answer(number) => (Content::Answer, number),
            Source::Block(number) => (Content::Block, number),
        };
        prompt.text(name(kind, number, 0, text), share_of(*tokens, text));
    }
    prompt.text(name(Content::Text, number, 0, text), u32::MAX);
    let answer = name(Content::Answer, number, 0, Kept::WHOLE);
    let is_private = slot.about.shared.is_none();
    let base = Request::text(slot.generation.into(), prompt_tokens, u32::MAX);
    Request { prompt: prompt.pieces, answer, is_private, ..base }
}

/// The name of a request's pictures, if other prompts may show them too.
pub(super) fn shown(slot: &Slot, input: &Input) -> Option<u64> {
    let shared = slot.about.shared.as_deref()?;
    Some(name(Content::Picture, shared.shown, 0, input.kept[Modality::Visual]))
}

/// The pieces of a prompt so far.
struct Pieces {
    /// Tokens that are left for texts.
    left: u32,
    pieces: Vec<Piece>,
}

impl Pieces {
    /// Adds the first tokens of a text, as far as the prompt has room.
    fn text(&mut self, source: u64, tokens: u32) {
        let tokens = tokens.min(self.left);
        if tokens > 0 {
            self.left -= tokens;
            self.pieces.push(Piece::Text { source, tokens });
        }
    }
}

/// The tokens of a text that are kept.
fn share_of(tokens: u32, kept: Kept) -> u32 {
    if kept.retention == 1.0 { tokens } else { (f64::from(tokens) * kept.retention).ceil() as u32 }
}

/// The name of a content as far as it is kept.
fn name(kind: Content, number: u64, place: u32, kept: Kept) -> u64 {
    let words = [kind as u64, number, place.into(), kept.retention.to_bits(), kept.compression.to_bits()];
    words.into_iter().fold(0, |name, word| mix(name ^ word))
}

/// A bijection that spreads every bit (the finaliser of SplitMix64), so that names differ as soon as one word does.
fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_has_a_name_for_all_that_it_is() {
        let half = Kept { retention: 0.5, ..Kept::WHOLE };
        let smaller = Kept { compression: 0.5, ..Kept::WHOLE };
        let mut names = Vec::new();
        for kind in [Content::System, Content::Picture, Content::Text, Content::Answer] {
            for (number, place) in [(0, 0), (1, 0), (0, 1)] {
                names.extend([Kept::WHOLE, half, smaller].map(|kept| name(kind, number, place, kept)));
            }
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert_eq!((share_of(7, half), share_of(7, smaller)), (4, 7));
    }
}
