//! Pictures in the next step.
//!
//! A picture is encoded whole, in the step that computes its first placeholder. If what is left of the step's budget or
//! of the cache does not take it, the request gets tokens up to the picture only.

use super::due::{Due, Pictures};
use super::forming::Forming;
use crate::replica::Replica;
use crate::request::{Id, Picture};
use crate::step::Encoding;

/// The tokens of a request that a step may compute.
#[derive(Clone, Copy)]
struct Chunk {
    start: u32,
    tokens: u32,
    /// First position that is not read, by the model or by its drafter.
    read_end: u32,
}

impl Replica {
    /// Finds the pictures that a request needs for its next `tokens` tokens, and shortens these before a picture that the
    /// step cannot take.
    pub(super) fn with_pictures(&mut self, id: Id, computed: u32, tokens: u32, forming: &Forming) -> Due {
        if tokens == 0 {
            return Due::of(tokens);
        }
        let mut taken = Pictures { left: forming.embeddings, ..Pictures::default() };
        let mut allowed = tokens;
        let chunk = Chunk { start: computed, tokens, read_end: computed + tokens + self.settings.reads_ahead() };
        for place in 0..self.sequences[id].pictures.len() as u32 {
            let picture = self.sequences[id].pictures[place as usize];
            if picture.start >= chunk.read_end {
                break;
            }
            if picture.end() <= chunk.start {
                continue;
            }
            if let Some(shorter) = self.take_picture(id, place, picture, chunk, &mut taken) {
                allowed = shorter;
                break;
            }
        }
        Due { tokens: allowed, pictures: Some(Box::new(taken)) }
    }

    /// Takes a picture that the chunk touches into the step, or says to how many tokens the chunk is cut before it.
    fn take_picture(
        &mut self,
        id: Id,
        place: u32,
        picture: Picture,
        chunk: Chunk,
        taken: &mut Pictures,
    ) -> Option<u32> {
        let whole_from_start = self.rules.pictures.whole_from_start;
        if whole_from_start && self.would_be_cut(picture, chunk) {
            return Some(self.up_to(picture, chunk));
        }
        if taken.encode.iter().any(|other| self.sequences[id].pictures[*other as usize].name == picture.name) {
            taken.again.push(place);
            return None;
        }
        if self.encoder.hold(picture.name, (id, place)) {
            return None;
        }
        if !whole_from_start && self.would_be_cut(picture, chunk) {
            return Some(self.up_to(picture, chunk));
        }
        if picture.tokens > taken.left || !self.encoder.make_room(taken.embeddings + picture.tokens) {
            return Some(match self.rules.pictures.encoded_ahead {
                // what the drafter reads ahead may be a picture that is not encoded
                true => chunk.tokens.min(picture.start.saturating_sub(chunk.start)),
                false => self.up_to(picture, chunk),
            });
        }
        let needed = self.rules.pictures.encoded_ahead || picture.start < chunk.start + chunk.tokens;
        if needed {
            taken.encode.push(place);
            taken.embeddings += picture.tokens;
            taken.left -= picture.tokens;
        }
        None
    }

    /// The chunk holds a part of a picture that must not be cut.
    fn would_be_cut(&self, picture: Picture, chunk: Chunk) -> bool {
        let begins_within = match self.rules.pictures.whole_from_start {
            true => chunk.start <= picture.start,
            false => chunk.start < picture.start,
        };
        self.settings.whole_pictures && begins_within && chunk.start + chunk.tokens < picture.end()
    }

    /// Tokens of a chunk that ends before a picture, for the drafter too.
    fn up_to(&self, picture: Picture, chunk: Chunk) -> u32 {
        picture.start.saturating_sub(chunk.start + self.settings.reads_ahead())
    }

    /// Puts a request's pictures into the step and into the cache.
    pub(super) fn encode(&mut self, id: Id, pictures: &Pictures, forming: &mut Forming) {
        let shown = &self.sequences[id].pictures;
        for &place in &pictures.encode {
            let picture = shown[place as usize];
            self.encoder.add(picture, (id, place));
            forming.step.encodings.push(Encoding { id, place, embeddings: picture.tokens });
        }
        if self.rules.pictures.held_by_place {
            for place in &pictures.again {
                self.encoder.hold(shown[*place as usize].name, (id, *place));
            }
        }
        if !pictures.encode.is_empty() {
            forming.embeddings = pictures.left;
        }
    }
}
