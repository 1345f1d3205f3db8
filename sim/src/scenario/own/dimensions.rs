//! The dimensions of a decoder: the range of each, and the specification that they make.

use super::ranges::{in_range, number, or_zero, stated};
use super::{CustomModel, Refusal};
use model::model_spec::{Experts, ModelSpec, Window};

impl CustomModel {
    /// The decoder of the written dimensions, without a name and without a vision tower.
    ///
    /// # Errors
    /// A dimension is missing or out of range.
    pub(super) fn decoder(&self) -> Result<ModelSpec, Refusal> {
        // Beyond any published model, and their products below 2^63.
        let layers = stated("layers", self.layers, 10_000)?;
        let hidden = stated("hidden", self.hidden, 1_000_000)?;
        let intermediate = stated("intermediate", self.intermediate, 1_000_000)?;
        let heads = stated("heads", self.heads, 10_000)?;
        let kv_heads = stated("kv_heads", self.kv_heads, 10_000)?;
        if !heads.is_multiple_of(kv_heads) {
            return Err(("kv_heads", format!("expected a divisor of its {heads} heads: each serves as many")));
        }
        let head_dim = match in_range("head_dim", self.head_dim, 10_000)? {
            Some(width) => width,
            None if hidden.is_multiple_of(heads) => hidden / heads,
            None => return Err(("head_dim", format!("expected it, as {heads} heads do not divide {hidden}"))),
        };
        let vocab = stated("vocab", self.vocab, 10_000_000)?;
        let dimensions = [layers, hidden, intermediate, heads, kv_heads, head_dim, vocab];
        Ok(ModelSpec {
            context_window: self.context_window()?,
            gated_mlp: self.gated_mlp.unwrap_or(true),
            qkv_bias: self.qkv_bias.unwrap_or(false),
            qk_norm: self.qk_norm.unwrap_or(false),
            tied_head: self.tied_head.unwrap_or(false),
            experts: self.experts()?,
            window: self.window(layers)?,
            ..ModelSpec::dense("", dimensions)
        })
    }

    /// The mixture of experts, where there is one.
    fn experts(&self) -> Result<Option<Experts>, Refusal> {
        let Some(written) = self.experts else { return Ok(None) };
        let experts = number("experts.experts", written.experts, 2048)?;
        Ok(Some(Experts {
            experts,
            per_token: number("experts.per_token", written.per_token, experts as u32)?,
            shared: or_zero("experts.shared", written.shared, 64)?,
            intermediate: number("experts.intermediate", written.intermediate, 1 << 16)?,
        }))
    }

    /// The window of its layers, where there is one.
    fn window(&self, layers: u64) -> Result<Option<Window>, Refusal> {
        let Some(written) = self.window else { return Ok(None) };
        Ok(Some(Window {
            tokens: number("window.tokens", written.tokens, 1_000_000_000)?,
            layers: in_range("window.layers", written.layers, layers as u32)?.unwrap_or(layers),
        }))
    }

    /// The context window, where it is stated.
    pub(super) fn context_window(&self) -> Result<Option<u64>, Refusal> {
        in_range("context_window", self.context_window, 1_000_000_000)
    }

    /// The first dimension that is written, the context window left out.
    pub(super) fn first_dimension(&self) -> Option<&'static str> {
        let numbers = [
            ("layers", self.layers),
            ("hidden", self.hidden),
            ("intermediate", self.intermediate),
            ("heads", self.heads),
            ("kv_heads", self.kv_heads),
            ("head_dim", self.head_dim),
            ("vocab", self.vocab),
        ];
        let marks = [
            ("gated_mlp", self.gated_mlp),
            ("qkv_bias", self.qkv_bias),
            ("qk_norm", self.qk_norm),
            ("tied_head", self.tied_head),
            ("experts", self.experts.map(|_| true)),
            ("window", self.window.map(|_| true)),
        ];
        let written = numbers.map(|(key, value)| (key, value.is_some()));
        let marked = marks.map(|(key, value)| (key, value.is_some()));
        written.into_iter().chain(marked).find_map(|(key, is_written)| is_written.then_some(key))
    }
}
