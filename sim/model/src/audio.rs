//! Audio, as Qwen2-Audio and Qwen2.5-Omni read it: Whisper-large-v3's encoder in front of the language model.
//!
//! The models of the MSAO paper have no audio tower, though its configurations V5 to V7 have audio. An encoder of that
//! size beside the vision tower is an assumption. Its weights (1.3 GB) are not counted in any memory.

use units::{Bytes, Flops, SimDuration};

/// Tokens that the language model reads for a second of audio: one for 40 ms (Qwen2.5-Omni).
const TOKENS_PER_S: f64 = 25.0;
/// Bytes of a second of audio on the wire: a codec at 64 kbit/s (an assumption).
const BYTES_PER_S: f64 = 8000.0;
/// The encoder: 32 layers of width 1,280, MLP 5,120, two positions a token; attention over windows of 30 s.
const LAYERS: f64 = 32.0;
const HIDDEN: f64 = 1280.0;
const POSITIONS_PER_TOKEN: f64 = 2.0;
const WINDOW_POSITIONS: f64 = 1500.0;

/// The audio of a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Audio {
    /// Tokens that the language model reads.
    pub tokens: u32,
    /// Encoded bytes.
    pub payload: Bytes,
}

impl Audio {
    /// Audio of this length.
    pub fn lasting(duration: SimDuration) -> Self {
        let seconds = duration.as_secs_f64();
        Self {
            tokens: libm::ceil(seconds * TOKENS_PER_S) as u32,
            payload: Bytes::new(libm::ceil(seconds * BYTES_PER_S) as u64),
        }
    }
}

/// FLOP of encoding `tokens` of audio: 12 d^2 weights a layer and position, and attention within windows.
pub fn encoder_flop(tokens: u64) -> Flops {
    blocks_flop(tokens, LAYERS as u64)
}

/// FLOP of the encoder's first `blocks` layers, as a probe runs them.
pub fn blocks_flop(tokens: u64, blocks: u64) -> Flops {
    let positions = tokens as f64 * POSITIONS_PER_TOKEN;
    let seen = positions.min(WINDOW_POSITIONS);
    let layer = positions * (2.0 * 12.0 * HIDDEN * HIDDEN + 4.0 * HIDDEN * seen);
    Flops::new(layer * (blocks as f64).min(LAYERS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_seconds() {
        let audio = Audio::lasting(SimDuration::from_secs(10));
        assert_eq!(audio, Audio { tokens: 250, payload: Bytes::new(80_000) });
        // 500 positions x 32 layers x (24 x 1280^2 + 4 x 1280 x 500) = .67 TFLOP.
        assert!((encoder_flop(250).as_f64() / 0.670e12 - 1.0).abs() < 0.01, "{}", encoder_flop(250).as_f64());
        assert_eq!(encoder_flop(0), Flops::ZERO);
    }
}
