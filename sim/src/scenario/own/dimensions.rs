//! The dimensions of a dense decoder, wherever they are written, and the range of each.

use model::model_spec::ModelSpec;
use model::vision::VisionTower;

/// Dimensions of a dense decoder.
#[derive(Clone, Copy, Debug)]
pub struct Dimensions {
    /// Decoder layers.
    pub layers: u32,
    /// Width of the residual stream.
    pub hidden: u32,
    /// Width of the MLP.
    pub intermediate: u32,
    /// Query heads.
    pub heads: u32,
    /// Key and value heads.
    pub kv_heads: u32,
    /// Width of a head; `hidden / heads` if absent.
    pub head_dim: Option<u32>,
    /// Rows of the embedding.
    pub vocab: u32,
    /// Longest sequence, prompt and answer together, in tokens, where it is stated.
    pub context_window: Option<u32>,
    /// Three matrices of the MLP instead of two.
    pub gated_mlp: bool,
    /// Biases of the q, k and v projections.
    pub qkv_bias: bool,
    /// The head is the embedding.
    pub tied_head: bool,
}

impl Dimensions {
    /// Checks them. The error has the key and the expected range.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        // Beyond any published model, and their products below 2^63.
        let dimensions = [
            ("layers", self.layers, 10_000),
            ("hidden", self.hidden, 1_000_000),
            ("intermediate", self.intermediate, 1_000_000),
            ("heads", self.heads, 10_000),
            ("kv_heads", self.kv_heads, 10_000),
            ("head_dim", self.head_dim.unwrap_or(1), 10_000),
            ("vocab", self.vocab, 10_000_000),
            ("context_window", self.context_window.unwrap_or(1), 1_000_000_000),
        ];
        if let Some((key, _, most)) = dimensions.into_iter().find(|(_, value, most)| !(1..=*most).contains(value)) {
            return Err((key, format!("expected a whole number from 1 to {most}")));
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            return Err(("kv_heads", format!("expected a divisor of its {} heads: each serves as many", self.heads)));
        }
        if self.head_dim.is_none() && !self.hidden.is_multiple_of(self.heads) {
            return Err(("head_dim", format!("expected it, as {} heads do not divide {}", self.heads, self.hidden)));
        }
        Ok(())
    }

    /// The specification of a model with them, and with a vision tower that ends in its width.
    pub fn spec(&self, name: &str, vision: Option<VisionTower>) -> ModelSpec {
        ModelSpec {
            name: name.to_owned().into(),
            layers: self.layers.into(),
            hidden: self.hidden.into(),
            intermediate: self.intermediate.into(),
            heads: self.heads.into(),
            kv_heads: self.kv_heads.into(),
            head_dim: self.head_dim.unwrap_or(self.hidden / self.heads.max(1)).into(),
            vocab: self.vocab.into(),
            context_window: self.context_window.map(u64::from),
            gated_mlp: self.gated_mlp,
            qkv_bias: self.qkv_bias,
            tied_head: self.tied_head,
            bytes_per_weight: 2.0,
            bytes_per_kv: 2,
            vision,
        }
    }
}
