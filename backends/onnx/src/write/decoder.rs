//! The decoder's graph: `inputs_embeds`, `attention_mask`, `position_ids` and the past to `logits` and the present.

use super::blocks::{Attention, Norm, Rotary, frequencies};
use super::build::{Attribute, GraphBuilder, Kind, Side, Value};
use super::shape::Shape;
use super::tokenizer::SPECIAL;
use super::weights::{Dtype, Fill};

/// The values that all layers share in a step.
struct Step {
    attention: Attention,
    rotary: Rotary,
    masking: Masking,
}

/// The values that go from layer to layer: the residual stream, and a branch to be added to it.
type Stream = (Value, Option<Value>);

/// The form in which a layer is told the slots that a token sees.
enum Masking {
    /// By numbers that are added to scores.
    Added(Plain),
    /// The number of slots that count, less one, by sequence; and the number of slots.
    Lengths(Value, Value),
}

/// The values that attention of plain operators needs.
#[derive(Clone, Copy)]
struct Plain {
    /// `[batch, 1, 1, tokens, slots]`, added to scores.
    mask: Value,
    /// Sides of queries and of scores: key heads, the heads that share one, and tokens are apart.
    queries: Value,
    scores: Value,
    /// Sides of scores in which the heads that share keys are one matrix.
    together: Value,
}

/// The decoder.
pub(crate) fn decoder(shape: &Shape, dtype: Dtype, attention: Attention) -> GraphBuilder {
    let mut graph = GraphBuilder::new("decoder_model_merged", dtype);
    let row = [Side::Varies("batch_size"), Side::Varies("sequence_length")];
    let embeddings = graph.input("inputs_embeds", Kind::F32, &[row[0], row[1], Side::Fixed(shape.hidden)]);
    let mask = graph.input("attention_mask", Kind::I64, &[row[0], Side::Varies("total_sequence_length")]);
    let positions = graph.input("position_ids", Kind::I64, &[Side::Fixed(3), row[0], row[1]]);
    let sides = |slots| [row[0], Side::Fixed(shape.kv_heads), Side::Varies(slots), Side::Fixed(shape.head_dim)];
    let float = graph.float();
    let mut past = |layer: u64, what: &str| {
        graph.input(&format!("past_key_values.{layer}.{what}"), float, &sides("past_sequence_length"))
    };
    let past: Vec<[Value; 2]> = (0..shape.layers).map(|layer| [past(layer, "key"), past(layer, "value")]).collect();
    let wanted = graph.input("num_logits_to_keep", Kind::I64, &[]);

    let angles = angles(&mut graph, positions, shape);
    let rotary = Rotary::new(&mut graph, angles, shape.head_dim / 2, attention);
    let masking = match attention {
        Attention::Plain => Masking::Added(Plain::new(&mut graph, shape, mask, embeddings)),
        Attention::Fused => lengths(&mut graph, mask),
    };
    let step = Step { attention, rotary, masking };
    let mut stream = (graph.narrowed(embeddings), None);
    for (layer, past) in (0..shape.layers).zip(past) {
        let (next, present) = step.layer(&mut graph, shape, layer, stream, past);
        stream = next;
        for (value, what) in present.into_iter().zip(["key", "value"]) {
            graph.output(value, &format!("present.{layer}.{what}"), float, &sides("total_sequence_length"));
        }
    }
    let [normed, _] = graph.normed(Norm::Rms, ("model.norm", shape.hidden), stream, attention);
    let kept = last_rows(&mut graph, normed, wanted);
    let known = u64::from(shape.tokens) + SPECIAL.len() as u64;
    let head = graph.weight("lm_head.weight".to_owned(), &[shape.hidden, shape.vocab], Fill::head(shape.hidden, known));
    let logits = graph.node("MatMul", &[kept, head], &[]);
    let logits = graph.widened(logits);
    let rows = [row[0], Side::Varies("num_logits"), Side::Fixed(shape.vocab)];
    graph.output(logits, "logits", Kind::F32, &rows);
    graph
}

/// M-RoPE: each pair of values turns with one of the three axes. The angles are `[batch, tokens, pairs]`.
fn angles(graph: &mut GraphBuilder, positions: Value, shape: &Shape) -> Value {
    let pairs = shape.head_dim / 2;
    let axis_of = shape.sections.iter().enumerate().flat_map(|(axis, pairs)| (0..*pairs).map(move |_| axis));
    let mut by_axis = vec![0.0; 3 * pairs as usize];
    for ((pair, frequency), axis) in frequencies(shape.theta as f64, pairs).into_iter().enumerate().zip(axis_of) {
        by_axis[axis * pairs as usize + pair] = frequency;
    }
    let frequencies = graph.singles(&[3, 1, 1, pairs as i64], &by_axis);
    let positions = graph.cast(positions, Kind::F32);
    let positions = graph.unsqueezed(positions, &[-1]);
    let turned = graph.node("Mul", &[positions, frequencies], &[]);
    let axes = graph.ints(&[0]);
    // Of the three, all but one are 0.
    graph.node("ReduceSum", &[turned, axes], &[Attribute::Int("keepdims", 0)])
}

impl Plain {
    /// Hides slots that do not count, and those of tokens to come: the new tokens are in the last slots.
    fn new(graph: &mut GraphBuilder, shape: &Shape, mask: Value, embeddings: Value) -> Self {
        let (slots, tokens) = (graph.side(mask, 1), graph.side(embeddings, 1));
        let past = graph.node("Sub", &[slots, tokens], &[]);
        let (slot, token) = (graph.count_to(slots), graph.count_to(tokens));
        let own = graph.plus(token, past);
        let own = graph.unsqueezed(own, &[1]);
        let before = graph.node("LessOrEqual", &[slot, own], &[]);
        let counts = graph.cast(mask, Kind::Bool);
        let counts = graph.unsqueezed(counts, &[1, 2, 3]);
        let seen = graph.node("And", &[counts, before], &[]);

        let [kv_heads, size] = [shape.kv_heads, shape.head_dim].map(|side| side as i64);
        let group = (shape.heads / shape.kv_heads) as i64;
        let [tokens, slots] = [tokens, slots].map(|side| graph.unsqueezed(side, &[0]));
        let mut sides = |front: &[i64], back: &[Value]| {
            let front = graph.ints(front);
            graph.node("Concat", &[&[front], back].concat(), &[Attribute::Int("axis", 0)])
        };
        let scores = sides(&[0, kv_heads, group], &[tokens, slots]);
        let together = sides(&[0, kv_heads, -1], &[slots]);
        let size = graph.ints(&[size]);
        let front = graph.ints(&[0, kv_heads, group]);
        let queries = graph.node("Concat", &[front, tokens, size], &[Attribute::Int("axis", 0)]);
        Self { mask: graph.mask(seen), queries, scores, together }
    }
}

/// The same for an operator that goes by lengths: the slots that count are the first.
fn lengths(graph: &mut GraphBuilder, mask: Value) -> Masking {
    let axes = graph.ints(&[1]);
    let count = graph.node("ReduceSum", &[mask, axes], &[Attribute::Int("keepdims", 0)]);
    let one = graph.int(1);
    let last = graph.node("Sub", &[count, one], &[]);
    let slots = graph.side(mask, 1);
    Masking::Lengths(graph.cast(last, Kind::I32), graph.cast(slots, Kind::I32))
}

/// The last rows, as many as are wanted; all if 0 are.
fn last_rows(graph: &mut GraphBuilder, rows: Value, wanted: Value) -> Value {
    let start = graph.node("Neg", &[wanted], &[]);
    let start = graph.unsqueezed(start, &[0]);
    let (end, axis) = (graph.ints(&[i64::MAX]), graph.ints(&[1]));
    graph.node("Slice", &[rows, start, end, axis], &[])
}

impl Step {
    /// A layer: what the stream becomes, and its keys and values.
    fn layer(
        &self,
        graph: &mut GraphBuilder,
        shape: &Shape,
        layer: u64,
        stream: Stream,
        past: [Value; 2],
    ) -> (Stream, [Value; 2]) {
        let name = format!("model.layers.{layer}");
        let hidden = shape.hidden;
        let norm = format!("{name}.input_layernorm");
        let [normed, stream] = graph.normed(Norm::Rms, (&norm, hidden), stream, self.attention);
        let mut project = |what: &str, heads: u64| {
            graph.linear(normed, &format!("{name}.self_attn.{what}_proj"), [hidden, heads * shape.head_dim], true)
        };
        let [queries, keys, values] =
            [project("q", shape.heads), project("k", shape.kv_heads), project("v", shape.kv_heads)];
        let queries = self.rotary.turned(graph, queries, shape.heads, shape.head_dim);
        let keys = self.rotary.turned(graph, keys, shape.kv_heads, shape.head_dim);
        let [sums, key, value] = self.attention(graph, shape, [queries, keys, values], past);
        let out = [shape.heads * shape.head_dim, hidden];
        let attended = graph.linear(sums, &format!("{name}.self_attn.o_proj"), out, false);
        let norm = format!("{name}.post_attention_layernorm");
        let [normed, stream] = graph.normed(Norm::Rms, (&norm, hidden), (stream, Some(attended)), self.attention);
        let thought = graph.gated_mlp(normed, &format!("{name}.mlp"), [hidden, shape.intermediate], false);
        ((stream, Some(thought)), [key, value])
    }

    /// Attention over past and new tokens: what is seen, and all keys and values.
    fn attention(
        &self,
        graph: &mut GraphBuilder,
        shape: &Shape,
        [queries, keys, values]: [Value; 3],
        past: [Value; 2],
    ) -> [Value; 3] {
        match self.masking {
            Masking::Lengths(last, slots) => graph.nodes(
                "GroupQueryAttention",
                &[queries, keys, values, past[0], past[1], last, slots],
                &[
                    Attribute::Int("num_heads", shape.heads as i64),
                    Attribute::Int("kv_num_heads", shape.kv_heads as i64),
                ],
            ),
            Masking::Added(plain) => plain.attention(graph, shape, [queries, keys, values], past),
        }
    }
}

impl Plain {
    /// Attention. The queries of the heads that share keys are put into one matrix, so that keys are not copied.
    fn attention(
        &self,
        graph: &mut GraphBuilder,
        shape: &Shape,
        [queries, keys, values]: [Value; 3],
        past: [Value; 2],
    ) -> [Value; 3] {
        let [kv_heads, size, width] =
            [shape.kv_heads, shape.head_dim, shape.heads * shape.head_dim].map(|side| side as i64);
        let group = (shape.heads / shape.kv_heads) as i64;
        let [key, value] = [(keys, past[0]), (values, past[1])].map(|(new, past)| {
            let new = graph.reshaped(new, &[0, 0, kv_heads, size]);
            let new = graph.node("Transpose", &[new], &[Attribute::Ints("perm", &[0, 2, 1, 3])]);
            graph.node("Concat", &[past, new], &[Attribute::Int("axis", 2)])
        });
        let scale = graph.number(1.0 / (size as f32).sqrt());
        let queries = graph.times(queries, scale);
        let queries = graph.reshaped(queries, &[0, 0, kv_heads, group, size]);
        let queries = graph.node("Transpose", &[queries], &[Attribute::Ints("perm", &[0, 2, 3, 1, 4])]);
        let queries = graph.reshaped(queries, &[0, 0, -1, size]);
        let turned = graph.node("Transpose", &[key], &[Attribute::Ints("perm", &[0, 1, 3, 2])]);
        let scores = graph.node("MatMul", &[queries, turned], &[]);
        let scores = graph.node("Reshape", &[scores, self.scores], &[]);
        let scores = graph.plus(scores, self.mask);
        let shares = graph.node("Softmax", &[scores], &[Attribute::Int("axis", -1)]);
        let shares = graph.node("Reshape", &[shares, self.together], &[]);
        let sums = graph.node("MatMul", &[shares, value], &[]);
        let sums = graph.node("Reshape", &[sums, self.queries], &[]);
        let sums = graph.node("Transpose", &[sums], &[Attribute::Ints("perm", &[0, 3, 1, 2, 4])]);
        [graph.reshaped(sums, &[0, 0, width]), key, value]
    }
}

/// The embedding: `input_ids` to `inputs_embeds`.
pub(crate) fn embedding(shape: &Shape, dtype: Dtype) -> GraphBuilder {
    let mut graph = GraphBuilder::new("embed_tokens", dtype);
    let sides = [Side::Varies("batch_size"), Side::Varies("sequence_length"), Side::Fixed(shape.hidden)];
    let ids = graph.input("input_ids", Kind::I64, &sides[..2]);
    let matrix = graph.weight("model.embed_tokens.weight".to_owned(), &[shape.vocab, shape.hidden], Fill::table());
    let rows = graph.node("Gather", &[matrix, ids], &[]);
    let rows = graph.widened(rows);
    graph.output(rows, "inputs_embeds", Kind::F32, &sides);
    graph
}
