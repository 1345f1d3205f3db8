//! Names of blocks by content, for the prefix cache.
//!
//! The key of a block is made of the key of the block before it and of its tokens, so equal keys mean equal prefixes. A
//! token is a source and a place in it; a run of tokens is one word of the key.

use crate::request::{Piece, Request};

/// Key of a full block and of all before it.
pub(crate) type Key = u128;

const FIRST: Key = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834;
const FACTOR: u128 = 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645;

/// The keys of a request's full blocks, made as far as they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    made: Vec<Key>,
    /// The piece that the next block begins in; the answer is the last piece.
    piece: usize,
    /// Tokens of that piece that are in keys already.
    within: u32,
}

impl Keys {
    /// The keys of the first blocks, of `block_tokens` each.
    pub fn first(&mut self, blocks: u32, request: &Request, block_tokens: u32) -> &[Key] {
        while self.made.len() < blocks as usize {
            let key = self.next(request, block_tokens);
            self.made.push(key);
        }
        &self.made[..blocks as usize]
    }

    fn next(&mut self, request: &Request, block_tokens: u32) -> Key {
        let mut key = self.made.last().copied().unwrap_or(FIRST);
        let mut left = block_tokens;
        while left > 0 {
            let (kind, source, tokens) = match request.prompt.get(self.piece) {
                Some(&Piece::Text { source, tokens }) => (0, source, tokens),
                Some(&Piece::Picture { name, tokens }) => (1, name, tokens),
                None => (0, request.answer, u32::MAX),
            };
            let run = left.min(tokens - self.within);
            if run > 0 {
                key = mix(mix(key, source), kind << 63 | u64::from(self.within) << 31 | u64::from(run));
            }
            self.within += run;
            left -= run;
            if self.within == tokens {
                self.piece += 1;
                self.within = 0;
            }
        }
        key
    }
}

/// Adds a word to a key. For one word it is a bijection, so different prefixes followed by the same words stay apart.
fn mix(key: Key, word: u64) -> Key {
    let product = (key ^ Key::from(word)).wrapping_mul(FACTOR);
    product ^ (product >> 59)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(prompt: &[Piece], answer: u64, blocks: u32) -> Vec<Key> {
        let request = Request { prompt: prompt.to_vec(), answer, ..Request::text(0, 1, 1) };
        Keys::default().first(blocks, &request, 16).to_vec()
    }

    fn text(source: u64, tokens: u32) -> Piece {
        Piece::Text { source, tokens }
    }

    fn picture(name: u64, tokens: u32) -> Piece {
        Piece::Picture { name, tokens }
    }

    /// Number of first blocks with equal keys.
    fn shared(one: &[Piece], other: &[Piece]) -> usize {
        let (one, other) = (keys(one, 1, 6), keys(other, 2, 6));
        one.iter().zip(&other).take_while(|(a, b)| a == b).count()
    }

    #[test]
    fn prompts_share_blocks_as_far_as_their_pieces_are_equal() {
        for (one, other, blocks) in [
            (vec![text(1, 40), text(2, 60)], vec![text(1, 40), text(3, 60)], 2),
            (vec![text(1, 48), text(2, 60)], vec![text(1, 48), text(3, 60)], 3),
            (vec![text(1, 48)], vec![text(1, 90)], 3),
            (vec![text(1, 20), picture(5, 60)], vec![text(1, 20), picture(5, 60)], 5),
            (vec![text(1, 20), picture(5, 60)], vec![text(1, 20), picture(6, 60)], 1),
            (vec![text(1, 20), picture(5, 60)], vec![text(1, 20), text(5, 60)], 1),
            (vec![text(1, 32), picture(5, 16), text(2, 9)], vec![text(1, 32), picture(5, 17), text(2, 9)], 3),
        ] {
            assert_eq!(shared(&one, &other), blocks, "{one:?} {other:?}");
        }
    }

    #[test]
    fn an_answer_is_found_again_in_the_prompt_that_quotes_it() {
        let first = keys(&[text(1, 20)], 9, 4);
        let second = keys(&[text(1, 20), text(9, 44), text(2, 40)], 3, 4);
        assert_eq!(first, second);
    }

    #[test]
    fn the_place_within_a_source_counts() {
        assert_eq!(shared(&[text(1, 16), text(1, 32)], &[text(1, 48)]), 1);
    }
}
