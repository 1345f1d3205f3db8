//! A graph in the making: values, nodes, constants and weights, and the file that they become.

use super::proto;
use super::weights::{Dtype, Fill, Source, Weight, stream};
use half::f16;
use prost::Message;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Weights from this size on lie in the file beside the graph, each at the start of a page, so that it can be mapped.
const EXTERNAL_BYTES: u64 = 1024;
const PAGE: u64 = 4096;

/// Operators of ONNX's own domain, and of ONNX Runtime's.
const OPERATORS: [(&str, i64); 2] = [("", 20), ("com.microsoft", 1)];
const IR_VERSION: i64 = 9;

/// The operators of ours that ONNX Runtime has and ONNX has not.
const RUNTIME_OPERATORS: [&str; 5] = [
    "GroupQueryAttention",
    "MultiHeadAttention",
    "RotaryEmbedding",
    "SkipLayerNormalization",
    "SkipSimplifiedLayerNormalization",
];

/// The type of a tensor's elements, by its number in ONNX.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    F32 = 1,
    I32 = 6,
    I64 = 7,
    Bool = 9,
    F16 = 10,
}

/// A value of a graph: an input, a constant, weights, or what a node gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Value(usize);

/// The value of an optional input that is not given.
pub(crate) const ABSENT: Value = Value(0);

/// The side of an input or output.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Fixed(u64),
    Varies(&'static str),
}

/// An attribute of a node.
#[derive(Clone, Copy)]
pub(crate) enum Attribute {
    Int(&'static str, i64),
    Float(&'static str, f32),
    Ints(&'static str, &'static [i64]),
}

/// The bytes of a tensor within the file of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileRange {
    offset: u64,
    bytes: u64,
}

struct Node {
    operator: &'static str,
    inputs: Vec<Value>,
    outputs: Vec<Value>,
    attributes: Vec<Attribute>,
}

/// A graph in the making.
pub(crate) struct GraphBuilder {
    name: &'static str,
    dtype: Dtype,
    /// Names of the values.
    names: Vec<String>,
    nodes: Vec<Node>,
    constants: BTreeMap<(Kind, Vec<i64>, Vec<u8>), Value>,
    weights: Vec<(Weight, Value)>,
    inputs: Vec<proto::ValueInfo>,
    outputs: Vec<proto::ValueInfo>,
}

impl GraphBuilder {
    /// An empty graph that computes in a precision.
    pub fn new(name: &'static str, dtype: Dtype) -> Self {
        Self {
            name,
            dtype,
            names: vec![String::new()],
            nodes: Vec::new(),
            constants: BTreeMap::new(),
            weights: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// The type in which it computes.
    pub fn float(&self) -> Kind {
        match self.dtype {
            Dtype::Fp32 => Kind::F32,
            Dtype::Fp16 => Kind::F16,
        }
    }

    fn value(&mut self, name: String) -> Value {
        self.names.push(name);
        Value(self.names.len() - 1)
    }

    /// An input.
    pub fn input(&mut self, name: &str, kind: Kind, sides: &[Side]) -> Value {
        self.inputs.push(info(name, kind, sides));
        self.value(name.to_owned())
    }

    /// Makes a value an output, by this name.
    pub fn output(&mut self, value: Value, name: &str, kind: Kind, sides: &[Side]) {
        self.outputs.push(info(name, kind, sides));
        name.clone_into(&mut self.names[value.0]);
    }

    /// A node, and what it gives: so many values.
    pub fn nodes<const N: usize>(
        &mut self,
        operator: &'static str,
        inputs: &[Value],
        attributes: &[Attribute],
    ) -> [Value; N] {
        let number = self.nodes.len();
        let outputs = std::array::from_fn(|at| self.value(format!("{operator}_{number}_{at}")));
        self.nodes.push(Node {
            operator,
            inputs: inputs.to_vec(),
            outputs: outputs.to_vec(),
            attributes: attributes.to_vec(),
        });
        outputs
    }

    /// A node that gives one value.
    pub fn node(&mut self, operator: &'static str, inputs: &[Value], attributes: &[Attribute]) -> Value {
        let [output] = self.nodes(operator, inputs, attributes);
        output
    }

    /// Says that an optional output is not wanted.
    pub fn left_out(&mut self, value: Value) {
        self.names[value.0].clear();
    }

    fn constant(&mut self, kind: Kind, sides: &[i64], bytes: Vec<u8>) -> Value {
        let key = (kind, sides.to_vec(), bytes);
        if let Some(value) = self.constants.get(&key) {
            return *value;
        }
        let value = self.value(format!("constant_{}", self.constants.len()));
        self.constants.insert(key, value);
        value
    }

    /// A whole number.
    pub fn int(&mut self, value: i64) -> Value {
        self.constant(Kind::I64, &[], value.to_le_bytes().to_vec())
    }

    /// A list of whole numbers.
    pub fn ints(&mut self, values: &[i64]) -> Value {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(Kind::I64, &[values.len() as i64], bytes)
    }

    /// A number in the precision of the graph.
    pub fn number(&mut self, value: f32) -> Value {
        let bytes = match self.dtype {
            Dtype::Fp32 => value.to_le_bytes().to_vec(),
            Dtype::Fp16 => f16::from_f32(value).to_le_bytes().to_vec(),
        };
        self.constant(self.float(), &[], bytes)
    }

    /// Numbers in single precision, whatever that of the graph is.
    pub fn singles(&mut self, sides: &[i64], values: &[f32]) -> Value {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(Kind::F32, sides, bytes)
    }

    /// Another type of the same values.
    pub fn cast(&mut self, value: Value, kind: Kind) -> Value {
        self.node("Cast", &[value], &[Attribute::Int("to", kind as i64)])
    }

    /// In the precision of the graph, from single.
    pub fn narrowed(&mut self, value: Value) -> Value {
        if self.float() == Kind::F32 { value } else { self.cast(value, self.float()) }
    }

    /// In single precision, from that of the graph.
    pub fn widened(&mut self, value: Value) -> Value {
        if self.float() == Kind::F32 { value } else { self.cast(value, Kind::F32) }
    }

    /// The same values in other sides; -1 is what is left, 0 as it was.
    pub fn reshaped(&mut self, value: Value, sides: &[i64]) -> Value {
        let sides = self.ints(sides);
        self.node("Reshape", &[value, sides], &[])
    }

    /// A tensor of weights.
    pub fn weight(&mut self, name: String, sides: &[u64], fill: Fill) -> Value {
        let value = self.value(name.clone());
        self.weights.push((Weight { name, sides: sides.to_vec(), fill }, value));
        value
    }

    /// Rows times a matrix, plus a bias if there is one.
    pub fn linear(&mut self, rows: Value, name: &str, sides: [u64; 2], bias: bool) -> Value {
        let matrix = self.weight(format!("{name}.weight"), &sides, Fill::matrix(sides[0]));
        let product = self.node("MatMul", &[rows, matrix], &[]);
        if !bias {
            return product;
        }
        let bias = self.weight(format!("{name}.bias"), &[sides[1]], Fill::bias());
        self.node("Add", &[product, bias], &[])
    }

    /// Number of values of all weights.
    pub fn parameters(&self) -> u64 {
        self.weights.iter().map(|(weight, _)| weight.count()).sum()
    }

    /// The tensors of weights, in their order.
    pub fn tensors(&self) -> impl Iterator<Item = &Weight> {
        self.weights.iter().map(|(weight, _)| weight)
    }

    /// Bytes of all weights.
    pub fn bytes(&self) -> u64 {
        self.parameters() * self.dtype.bytes()
    }

    /// The range of each tensor in the file of weights; `None` for one stored in the graph.
    fn places(&self) -> Vec<Option<FileRange>> {
        let mut end = 0_u64;
        let mut place = |weight: &Weight| {
            let bytes = weight.count() * self.dtype.bytes();
            if bytes < EXTERNAL_BYTES {
                return None;
            }
            let offset = end.next_multiple_of(PAGE);
            end = offset + bytes;
            Some(FileRange { offset, bytes })
        };
        self.weights.iter().map(|(weight, _)| place(weight)).collect()
    }

    /// Writes the graph, and its weights beside it.
    pub fn write(&self, folder: &Path, source: &Source<'_>, written: &mut dyn FnMut(u64)) -> io::Result<()> {
        let ending = if self.dtype == Dtype::Fp32 { String::new() } else { format!("_{}", self.dtype.name()) };
        let file = format!("{}{ending}.onnx", self.name);
        let data = format!("{file}_data");
        let places = self.places();
        let mut out = File::create(folder.join(&data))?;
        let mut at = 0;
        for ((weight, _), place) in self.weights.iter().zip(&places) {
            let Some(place) = place else { continue };
            let gap = usize::try_from(place.offset - at).expect("a gap is less than a page");
            out.write_all(&[0; PAGE as usize][..gap])?;
            stream(weight, self.dtype, source, &mut out, written)?;
            at = place.offset + place.bytes;
        }
        // Not synced: what a loss of power takes can be written again.
        let model = self.model(&data, &places, source, written)?;
        std::fs::write(folder.join(file), model.encode_to_vec())
    }

    /// The graph as a message.
    fn model(
        &self,
        data: &str,
        places: &[Option<FileRange>],
        source: &Source<'_>,
        written: &mut dyn FnMut(u64),
    ) -> io::Result<proto::Model> {
        let constant = |((kind, sides, bytes), value): (&(Kind, Vec<i64>, Vec<u8>), &Value)| proto::Tensor {
            dims: sides.clone(),
            data_type: *kind as i32,
            name: self.names[value.0].clone(),
            raw_data: Some(bytes.clone()),
            ..proto::Tensor::default()
        };
        let mut initializer: Vec<_> = self.constants.iter().map(constant).collect();
        for ((weight, _), place) in self.weights.iter().zip(places) {
            let mut tensor = proto::Tensor {
                dims: weight.sides.iter().map(|side| *side as i64).collect(),
                data_type: self.float() as i32,
                name: weight.name.clone(),
                ..proto::Tensor::default()
            };
            if let Some(FileRange { offset, bytes }) = place {
                let entry = |key: &str, value: String| proto::Entry { key: key.to_owned(), value };
                tensor.external_data = vec![
                    entry("location", data.to_owned()),
                    entry("offset", offset.to_string()),
                    entry("length", bytes.to_string()),
                ];
                tensor.data_location = Some(1);
            } else {
                let mut raw = Vec::new();
                stream(weight, self.dtype, source, &mut raw, written)?;
                tensor.raw_data = Some(raw);
            }
            initializer.push(tensor);
        }
        let graph = proto::Graph {
            node: self.nodes.iter().enumerate().map(|(number, node)| self.told(number, node)).collect(),
            name: self.name.to_owned(),
            initializer,
            input: self.inputs.clone(),
            output: self.outputs.clone(),
        };
        let operators =
            OPERATORS.map(|(domain, version)| proto::OperatorSet { domain: domain.to_owned(), version }).to_vec();
        Ok(proto::Model {
            ir_version: IR_VERSION,
            producer_name: "msao-sim".to_owned(),
            graph: Some(graph),
            opset_import: operators,
        })
    }

    fn told(&self, number: usize, node: &Node) -> proto::Node {
        let names = |values: &[Value]| values.iter().map(|value| self.names[value.0].clone()).collect();
        let domain = if RUNTIME_OPERATORS.contains(&node.operator) { OPERATORS[1].0 } else { OPERATORS[0].0 };
        proto::Node {
            input: names(&node.inputs),
            output: names(&node.outputs),
            name: format!("{}_{number}", node.operator),
            op_type: node.operator.to_owned(),
            attribute: node.attributes.iter().map(|attribute| attribute.told()).collect(),
            domain: domain.to_owned(),
        }
    }
}

impl Attribute {
    fn told(self) -> proto::Attribute {
        let none = proto::Attribute::default();
        match self {
            Self::Float(name, f) => proto::Attribute { name: name.to_owned(), f: Some(f), kind: 1, ..none },
            Self::Int(name, i) => proto::Attribute { name: name.to_owned(), i: Some(i), kind: 2, ..none },
            Self::Ints(name, ints) => proto::Attribute { name: name.to_owned(), ints: ints.to_vec(), kind: 7, ..none },
        }
    }
}

/// An input or output as a message.
fn info(name: &str, kind: Kind, sides: &[Side]) -> proto::ValueInfo {
    let side = |side: &Side| match *side {
        Side::Fixed(length) => proto::Dimension { length: Some(length as i64), name: None },
        Side::Varies(name) => proto::Dimension { length: None, name: Some(name.to_owned()) },
    };
    let shape = proto::TensorShape { dims: sides.iter().map(side).collect() };
    let tensor = proto::TensorType { element: kind as i32, shape: Some(shape) };
    proto::ValueInfo { name: name.to_owned(), kind: Some(proto::Type { tensor: Some(tensor) }) }
}
