//! Blocks of both the decoder and the vision tower: norms, MLPs, rotary positions, and attention among rows.

use super::build::{ABSENT, Attribute, GraphBuilder, Value};
use super::shape::EPSILON;
use super::weights::Fill;

/// The score that hides a position from attention: the lowest number of half precision.
const HIDDEN: f32 = -65_504.0;

/// The operators of attention, and of norms and rotary positions with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// Operators of ONNX: matrices, masks, softmax. The only other one is the norm of root mean squares.
    Plain,
    /// ONNX Runtime's own, one an attention, as serving engines have it: the runtime does not put them together by itself.
    Fused,
}

/// The normalisation of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Norm {
    /// To a root mean square of about 1.
    Rms,
    /// To about mean 0 and variance 1.
    Layer,
}

impl GraphBuilder {
    /// Adds to the stream, if there is something to add, and norms it: the rows, and what the stream is then.
    pub fn normed(
        &mut self,
        norm: Norm,
        (name, width): (&str, u64),
        (stream, added): (Value, Option<Value>),
        attention: Attention,
    ) -> [Value; 2] {
        let mut weights = vec![self.weight(format!("{name}.weight"), &[width], Fill::scale())];
        if norm == Norm::Layer {
            weights.push(self.weight(format!("{name}.bias"), &[width], Fill::bias()));
        }
        let epsilon = Attribute::Float("epsilon", EPSILON);
        let stream = match (added, attention) {
            (None, _) => stream,
            (Some(added), Attention::Plain) => self.plus(stream, added),
            (Some(added), Attention::Fused) => {
                let operator = match norm {
                    Norm::Rms => "SkipSimplifiedLayerNormalization",
                    Norm::Layer => "SkipLayerNormalization",
                };
                let inputs = [&[stream, added][..], &weights].concat();
                let [rows, mean, deviation, sum] = self.nodes(operator, &inputs, &[epsilon]);
                self.left_out(mean);
                self.left_out(deviation);
                return [rows, sum];
            }
        };
        let operator = match norm {
            Norm::Rms => "SimplifiedLayerNormalization",
            Norm::Layer => "LayerNormalization",
        };
        let inputs = [&[stream][..], &weights].concat();
        [self.node(operator, &inputs, &[Attribute::Int("axis", -1), epsilon]), stream]
    }

    /// An MLP of three matrices, the first of which gates the second.
    pub fn gated_mlp(&mut self, rows: Value, name: &str, [hidden, intermediate]: [u64; 2], bias: bool) -> Value {
        let gate = self.linear(rows, &format!("{name}.gate_proj"), [hidden, intermediate], bias);
        let up = self.linear(rows, &format!("{name}.up_proj"), [hidden, intermediate], bias);
        let opened = self.node("Sigmoid", &[gate], &[]);
        let gate = self.node("Mul", &[gate, opened], &[]);
        let gated = self.node("Mul", &[gate, up], &[]);
        self.linear(gated, &format!("{name}.down_proj"), [intermediate, hidden], bias)
    }

    /// An MLP of two matrices.
    pub fn mlp(&mut self, rows: Value, name: &str, [hidden, intermediate]: [u64; 2]) -> Value {
        let wide = self.linear(rows, &format!("{name}.fc1"), [hidden, intermediate], true);
        let steepness = self.number(1.702);
        let steep = self.node("Mul", &[wide, steepness], &[]);
        let opened = self.node("Sigmoid", &[steep], &[]);
        let bent = self.node("Mul", &[wide, opened], &[]);
        self.linear(bent, &format!("{name}.fc2"), [intermediate, hidden], true)
    }

    /// The mask added to scores: 0 where `seen`, else a number that hides.
    pub fn mask(&mut self, seen: Value) -> Value {
        let (shown, hidden) = (self.number(0.0), self.number(HIDDEN));
        self.node("Where", &[seen, shown, hidden], &[])
    }

    /// A side of a value.
    pub fn side(&mut self, value: Value, axis: i64) -> Value {
        let sides = self.node("Shape", &[value], &[]);
        let axis = self.int(axis);
        self.node("Gather", &[sides, axis], &[])
    }

    /// Whole numbers from 0 on.
    pub fn count_to(&mut self, end: Value) -> Value {
        let (zero, one) = (self.int(0), self.int(1));
        self.node("Range", &[zero, end, one], &[])
    }

    /// Adds sides of length 1.
    pub fn unsqueezed(&mut self, value: Value, axes: &[i64]) -> Value {
        let axes = self.ints(axes);
        self.node("Unsqueeze", &[value, axes], &[])
    }
}

/// Rotary positions: every head's values, in pairs, turned by angles that grow with the position.
pub(crate) struct Rotary {
    attention: Attention,
    cosines: Value,
    sines: Value,
    /// The rows of cosines and sines, where an operator looks them up.
    places: Value,
}

impl Rotary {
    /// From angles `[batch, rows, pairs]` in single precision.
    pub fn new(graph: &mut GraphBuilder, angles: Value, pairs: u64, attention: Attention) -> Self {
        let [cosines, sines] = ["Cos", "Sin"].map(|operator| {
            let turned = graph.node(operator, &[angles], &[]);
            let turned = graph.narrowed(turned);
            match attention {
                Attention::Plain => graph.unsqueezed(turned, &[2]),
                Attention::Fused => graph.reshaped(turned, &[-1, pairs as i64]),
            }
        });
        let places = match attention {
            Attention::Plain => ABSENT,
            Attention::Fused => {
                let rows = graph.side(cosines, 0);
                let places = graph.count_to(rows);
                let sides = graph.node("Shape", &[angles], &[Attribute::Int("start", 0), Attribute::Int("end", 2)]);
                graph.node("Reshape", &[places, sides], &[])
            }
        };
        Self { attention, cosines, sines, places }
    }

    /// Turns rows `[batch, rows, heads * size]`.
    pub fn turned(&self, graph: &mut GraphBuilder, rows: Value, heads: u64, size: u64) -> Value {
        if self.attention == Attention::Fused {
            return graph.node("RotaryEmbedding", &[rows, self.places, self.cosines, self.sines], &[]);
        }
        let rows = graph.reshaped(rows, &[0, 0, heads as i64, size as i64]);
        let halves = [Attribute::Int("axis", -1), Attribute::Int("num_outputs", 2)];
        let [first, second] = graph.nodes("Split", &[rows], &halves);
        let mut product = |half, by| graph.node("Mul", &[half, by], &[]);
        let parts = [
            [product(first, self.cosines), product(second, self.sines)],
            [product(second, self.cosines), product(first, self.sines)],
        ];
        let first = graph.node("Sub", &parts[0], &[]);
        let second = graph.node("Add", &parts[1], &[]);
        let turned = graph.node("Concat", &[first, second], &[Attribute::Int("axis", -1)]);
        graph.reshaped(turned, &[0, 0, (heads * size) as i64])
    }
}

/// Attention among all rows of each batch; queries, keys and values are `[batch, rows, heads * size]`. The mask, `[batch, 1,
/// rows, rows]`, is added to scores.
pub(crate) fn among_rows(
    graph: &mut GraphBuilder,
    [queries, keys, values]: [Value; 3],
    mask: Option<Value>,
    [heads, size]: [u64; 2],
    attention: Attention,
) -> Value {
    let heads_sides = [0, 0, heads as i64, size as i64];
    if attention == Attention::Fused {
        let mut inputs = vec![queries, keys, values];
        inputs.extend(mask.into_iter().flat_map(|mask| [ABSENT, ABSENT, mask]));
        return graph.node("MultiHeadAttention", &inputs, &[Attribute::Int("num_heads", heads as i64)]);
    }
    let mut by_head = |rows, order| {
        let rows = graph.reshaped(rows, &heads_sides);
        graph.node("Transpose", &[rows], &[Attribute::Ints("perm", order)])
    };
    let queries = by_head(queries, &[0, 2, 1, 3]);
    let keys = by_head(keys, &[0, 2, 3, 1]);
    let values = by_head(values, &[0, 2, 1, 3]);
    let scale = graph.number(1.0 / (size as f32).sqrt());
    let queries = graph.node("Mul", &[queries, scale], &[]);
    let mut scores = graph.node("MatMul", &[queries, keys], &[]);
    if let Some(mask) = mask {
        scores = graph.node("Add", &[scores, mask], &[]);
    }
    let shares = graph.node("Softmax", &[scores], &[Attribute::Int("axis", -1)]);
    let sums = graph.node("MatMul", &[shares, values], &[]);
    let sums = graph.node("Transpose", &[sums], &[Attribute::Ints("perm", &[0, 2, 1, 3])]);
    graph.reshaped(sums, &[0, 0, (heads * size) as i64])
}

/// The rotary frequencies of `pairs` pairs; the first turns by 1 with every position.
pub(crate) fn frequencies(theta: f64, pairs: u64) -> Vec<f32> {
    (0..pairs).map(|pair| theta.powf(-(pair as f64) / pairs as f64) as f32).collect()
}

/// The arithmetic of graphs.
impl GraphBuilder {
    /// The sum.
    pub fn plus(&mut self, a: Value, b: Value) -> Value {
        self.node("Add", &[a, b], &[])
    }

    /// The product.
    pub fn times(&mut self, a: Value, b: Value) -> Value {
        self.node("Mul", &[a, b], &[])
    }

    /// The quotient and what is left.
    pub fn divided(&mut self, a: Value, b: Value) -> [Value; 2] {
        [self.node("Div", &[a, b], &[]), self.node("Mod", &[a, b], &[])]
    }

    /// The comparison `a < b`.
    pub fn below(&mut self, a: Value, b: Value) -> Value {
        self.node("Less", &[a, b], &[])
    }
}
