//! The decoder: sequences, steps of one or several tokens, and rolling back.
//!
//! A sequence's keys and values stay where the library put them: outputs of one step are inputs of the next. How a sequence is
//! rolled back depends on the graph. In either, what was rejected is masked out and stays in its slot. Plain attention takes a
//! mask with holes, until they are so many that they are squeezed out by a copy. Fused attention (`GroupQueryAttention`) makes a
//! length of the mask, and writes over what lies behind it. Neither copies when it rolls back.

use crate::error::{Result, failed, refused};
use crate::logits::LogitsRow;
use crate::positions::Positions;
use crate::session::{Loaded, floats, integers, is_float, nothing, sides, signature, to_floats};
use half::f16;
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::SessionInputValue;
use ort::value::{DynValue, TensorElementType, TensorRef};
use std::time::Instant;

/// The inputs of the decoder, by role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Embeddings,
    Mask,
    Positions(Layout),
    /// The number of rows of logits wanted; 0 for all. A number, or a list of one.
    RowsWanted {
        scalar: bool,
    },
    Past(usize),
}

/// The outputs of the decoder, by role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Logits,
    /// The next value of a past.
    Present(usize),
    Other,
}

/// The sides of the positions: there may be one row for all three axes, or the axes first or last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    OneRow,
    AxesFirst,
    AxesLast,
}

/// The memory in which steps are executed.
enum Execution {
    /// Everything in the host's memory.
    Host,
    /// Keys and values stay in the memory of a device.
    Bound { device: MemoryInfo<'static>, host: MemoryInfo<'static> },
}

/// The decoder of a model.
pub(crate) struct Decoder {
    pub graph: Loaded,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
    /// The layout of the positions, if the graph takes any.
    layout: Option<Layout>,
    embeddings: Option<TensorElementType>,
    /// Type and sides of the past, without tokens.
    past: Vec<(TensorElementType, Vec<i64>)>,
    /// True if attention goes by lengths.
    fused: bool,
    execution: Execution,
    /// Holes that a sequence may have before they are squeezed out.
    slack: usize,
}

/// A sequence: a prompt and what was appended, with its keys and values.
pub struct Sequence {
    past: Vec<DynValue>,
    /// A slot of the past each: 1 if it counts, 0 if it was rejected.
    mask: Vec<i64>,
    tokens: usize,
    /// Shift of the positions behind the prompt.
    delta: i64,
}

impl Sequence {
    /// Tokens that it holds.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// Slots that it takes, holes included.
    pub fn slots(&self) -> usize {
        self.mask.len()
    }

    /// Bytes of its keys and values.
    pub fn bytes(&self) -> usize {
        let bytes = |value: &DynValue| {
            let width = if value.dtype().tensor_type() == Some(TensorElementType::Float16) { 2 } else { 4 };
            sides(value).iter().product::<usize>() * width
        };
        self.past.iter().map(bytes).sum()
    }
}

/// Rows of logits.
pub struct Logits {
    value: DynValue,
    rows: usize,
}

impl Logits {
    /// Number of useful rows, counted from the end.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The row `at` of those that are of use.
    ///
    /// # Errors
    /// There is no such row.
    pub fn row(&self, at: usize) -> Result<LogitsRow<'_>> {
        let sides = sides(&self.value);
        let (there, width) = match sides.as_slice() {
            [_, rows, width] => (*rows, *width),
            _ => return refused(format!("logits of {} sides, expected 3", sides.len())),
        };
        let range = (there + at).checked_sub(self.rows).map(|row| row * width..(row + 1) * width);
        let row = if self.value.dtype().tensor_type() == Some(TensorElementType::Float16) {
            let (_, values) = self.value.try_extract_tensor::<f16>().map_err(failed("read the logits"))?;
            range.and_then(|range| values.get(range)).map(LogitsRow::Half)
        } else {
            let (_, values) = self.value.try_extract_tensor::<f32>().map_err(failed("read the logits"))?;
            range.and_then(|range| values.get(range)).map(LogitsRow::Single)
        };
        row.map_or_else(
            || refused(format!("row {at} of the logits, which have {there}; {} were asked for", self.rows)),
            Ok,
        )
    }
}

impl Decoder {
    /// Finds out what each input and output is.
    pub fn new(graph: Loaded) -> Result<Self> {
        let mut past = Vec::new();
        let mut outputs = vec![Output::Other; graph.session.outputs().len()];
        let mut inputs = Vec::new();
        let mut embeddings = None;
        let output = |name: &str| graph.session.outputs().iter().position(|output| output.name() == name);
        for input in graph.session.inputs() {
            let (kind, shape) = signature(input);
            let known = match input.name() {
                "inputs_embeds" if is_float(kind) => {
                    embeddings = kind;
                    Some(Input::Embeddings)
                }
                "attention_mask" if kind == Some(TensorElementType::Int64) => Some(Input::Mask),
                "position_ids" if kind == Some(TensorElementType::Int64) => layout(&shape).map(Input::Positions),
                "num_logits_to_keep" if kind == Some(TensorElementType::Int64) => {
                    Some(Input::RowsWanted { scalar: shape.is_empty() })
                }
                name => match (
                    name.strip_prefix("past_key_values.").and_then(|rest| output(&format!("present.{rest}"))),
                    kind,
                ) {
                    (Some(output), Some(kind)) if is_float(Some(kind)) && shape.len() == 4 => {
                        outputs[output] = Output::Present(past.len());
                        past.push((kind, vec![1, shape[1], 0, shape[3]]));
                        Some(Input::Past(past.len() - 1))
                    }
                    _ => None,
                },
            };
            match known {
                Some(known) => inputs.push(known),
                None => {
                    return graph.refuse(format_args!("input {} of type {kind:?} and sides {shape:?}", input.name()));
                }
            }
        }
        let Some(logits) = output("logits") else { return graph.refuse("no output logits") };
        if embeddings.is_none() || past.is_empty() || past.iter().any(|(_, sides)| sides.contains(&-1)) {
            return graph.refuse("no inputs_embeds, or no past_key_values with known heads and head size");
        }
        let fused = graph.outline.count("GroupQueryAttention") > 0;
        outputs[logits] = Output::Logits;
        let layout =
            inputs.iter().find_map(|input| if let Input::Positions(layout) = input { Some(*layout) } else { None });
        Ok(Self { graph, inputs, outputs, layout, embeddings, past, fused, execution: Execution::Host, slack: 32 })
    }

    /// Keeps keys and values in the memory of a device.
    pub fn bind(&mut self, device: AllocationDevice<'static>) -> Result<()> {
        let device = MemoryInfo::new(device, 0, AllocatorType::Device, MemoryType::Default);
        self.execution =
            Execution::Bound { device: device.map_err(failed("name a device's memory"))?, host: MemoryInfo::default() };
        Ok(())
    }

    /// Key and value heads, their size, and layers.
    pub fn heads(&self) -> (i64, i64, usize) {
        (self.past[0].1[1], self.past[0].1[3], self.past.len() / 2)
    }

    /// Tokens that it can give: the width of its logits, which may be padded beyond the tokenizer's.
    pub fn width(&self) -> usize {
        let logits = self.graph.session.outputs().iter().zip(&self.outputs).find(|(_, kind)| **kind == Output::Logits);
        let shape = logits.map(|(output, _)| signature(output).1).unwrap_or_default();
        shape.last().and_then(|width| usize::try_from(*width).ok()).unwrap_or(usize::MAX)
    }

    /// The type of keys and values.
    pub fn past_type(&self) -> TensorElementType {
        self.past[0].0
    }

    /// True if attention is fused, so that sequences go by their length.
    pub fn is_fused(&self) -> bool {
        self.fused
    }

    /// A sequence without tokens, whose later ones are shifted by `delta`.
    pub fn empty(&self, delta: i64) -> Result<Sequence> {
        let past = self.past.iter().map(|(kind, sides)| nothing(*kind, sides)).collect::<Result<_>>()?;
        Ok(Sequence { past, mask: Vec::new(), tokens: 0, delta })
    }

    /// Appends `count` tokens, of which these are the embeddings, and gives logits for the last `rows` of them. The positions are
    /// those of a prompt, or follow from the sequence. If it fails, the sequence is as it was.
    pub fn step(
        &mut self,
        sequence: &mut Sequence,
        embeddings: SessionInputValue<'_>,
        count: usize,
        prompt: Option<&Positions>,
        rows: usize,
    ) -> Result<Logits> {
        if !self.fused && sequence.slots() - sequence.tokens > self.slack.max(sequence.tokens / 4) {
            self.squeeze(sequence)?;
        }
        let slots = sequence.slots();
        extend(&mut sequence.mask, sequence.tokens, count, self.fused);
        match self.run(sequence, embeddings, count, prompt, rows) {
            Ok(outputs) => {
                let mut logits = None;
                for (output, value) in self.outputs.iter().zip(outputs) {
                    match *output {
                        Output::Logits => logits = Some(value),
                        Output::Present(at) => sequence.past[at] = value,
                        Output::Other => {}
                    }
                }
                sequence.tokens += count;
                Ok(Logits { value: logits.expect("it was looked for when the graph was loaded"), rows })
            }
            Err(error) => {
                sequence.mask.truncate(slots);
                if self.fused {
                    sequence.mask[sequence.tokens..].fill(0);
                }
                Err(error)
            }
        }
    }

    /// The outputs of a step whose tokens are in the mask already.
    fn run(
        &mut self,
        sequence: &Sequence,
        embeddings: SessionInputValue<'_>,
        count: usize,
        prompt: Option<&Positions>,
        rows: usize,
    ) -> Result<Vec<DynValue>> {
        let (positions, rows) = (self.layout.map(|layout| positions(sequence, count, prompt, layout)), [rows as i64]);
        let execution = &self.execution;
        let mut embeddings = Some(embeddings);
        let mut inputs = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            inputs.push(match *input {
                Input::Embeddings => embeddings.take().expect("one input takes them"),
                Input::Mask => whole(execution, [1, sequence.mask.len()], &sequence.mask)?,
                Input::Positions(layout) => {
                    let positions = positions.as_deref().expect("there is a layout");
                    match layout {
                        Layout::OneRow => whole(execution, [1, count], positions)?,
                        Layout::AxesFirst => whole(execution, [3, 1, count], positions)?,
                        Layout::AxesLast => whole(execution, [1, count, 3], positions)?,
                    }
                }
                Input::RowsWanted { scalar: true } => whole(execution, [], &rows)?,
                Input::RowsWanted { scalar: false } => whole(execution, [1], &rows)?,
                Input::Past(at) => (&sequence.past[at]).into(),
            });
        }
        match &self.execution {
            Execution::Host => self.graph.run(&inputs),
            Execution::Bound { device, host } => bound(&mut self.graph, &inputs, &self.outputs, device, host),
        }
    }

    /// Embeddings as the decoder takes them; those of another precision are converted.
    pub fn in_our_type(&self, embeddings: DynValue) -> Result<DynValue> {
        if embeddings.dtype().tensor_type() == self.embeddings {
            return Ok(embeddings);
        }
        floats(self.embeddings, &sides(&embeddings), to_floats(&embeddings)?)
    }

    /// Forgets all but the first `tokens`, without a copy.
    pub fn rollback(sequence: &mut Sequence, tokens: usize) {
        sequence.tokens = kept(&mut sequence.mask, sequence.tokens, tokens);
    }

    /// Copies what counts of a sequence together. Only where the host can read it: on a GPU holes stay.
    fn squeeze(&self, sequence: &mut Sequence) -> Result<()> {
        if matches!(self.execution, Execution::Bound { .. }) && !sequence.past.iter().all(is_in_host) {
            return Ok(());
        }
        for past in &mut sequence.past {
            let sides = sides(past);
            let (head, width) = (sides[2] * sides[3], sides[3]);
            let all = to_floats(past)?;
            let mut kept = Vec::with_capacity(sides[1] * sequence.tokens * width);
            for head in all.chunks(head.max(1)) {
                let slots = head.chunks(width.max(1)).zip(&sequence.mask);
                slots.filter(|(_, counts)| **counts == 1).for_each(|(slot, _)| kept.extend_from_slice(slot));
            }
            *past = floats(past.dtype().tensor_type(), &[1, sides[1], sequence.tokens, width], kept)?;
        }
        sequence.mask = vec![1; sequence.tokens];
        Ok(())
    }
}

/// A tensor of whole numbers as a step takes it: a view, or on a device, to which it is copied, a tensor of its own.
fn whole<'v, const N: usize>(
    execution: &Execution,
    shape: [usize; N],
    values: &'v [i64],
) -> Result<SessionInputValue<'v>> {
    match execution {
        Execution::Host => Ok(TensorRef::from_array_view((shape, values)).map_err(failed("make a tensor"))?.into()),
        Execution::Bound { .. } => Ok(integers(&shape, values.to_vec())?.into()),
    }
}

/// Makes the mask that of a step that adds `count` tokens to `tokens`: a slot each of the past and the new ones. Plain
/// attention finds the new ones in the last slots. Fused attention takes the first slots as those that count, and puts
/// the new ones behind them. If they fit, they go into rejected slots; else the past grows by as many slots.
fn extend(mask: &mut Vec<i64>, tokens: usize, count: usize, fused: bool) {
    let ones = tokens + count;
    if !fused {
        mask.resize(mask.len() + count, 1);
    } else {
        let slots = if ones <= mask.len() { mask.len() } else { mask.len() + count };
        mask.resize(slots, 0);
        mask[tokens..ones].fill(1);
    }
}

/// Masks out the last of `tokens` that count, until no more than `most` do; how many do then.
fn kept(mask: &mut [i64], mut tokens: usize, most: usize) -> usize {
    for slot in mask.iter_mut().rev() {
        if tokens <= most {
            break;
        }
        tokens -= usize::from(std::mem::take(slot) == 1);
    }
    tokens
}

fn is_in_host(value: &DynValue) -> bool {
    value
        .view()
        .downcast::<ort::value::DynTensorValueType>()
        .is_ok_and(|tensor| tensor.memory_info().is_cpu_accessible())
}

/// The positions of the next `count` tokens, in the order of a layout.
fn positions(sequence: &Sequence, count: usize, prompt: Option<&Positions>, layout: Layout) -> Vec<i64> {
    let start = sequence.tokens;
    let of = |axis: usize, at: usize| match prompt {
        Some(prompt) => prompt.rows[axis][start + at],
        None => (start + at) as i64 + sequence.delta,
    };
    match layout {
        Layout::OneRow => (0..count).map(|at| of(0, at)).collect(),
        Layout::AxesFirst => (0..3 * count).map(|place| of(place / count, place % count)).collect(),
        Layout::AxesLast => (0..3 * count).map(|place| of(place % 3, place / 3)).collect(),
    }
}

fn layout(shape: &[i64]) -> Option<Layout> {
    match shape {
        [_, _] => Some(Layout::OneRow),
        [3, _, _] => Some(Layout::AxesFirst),
        [_, _, 3] => Some(Layout::AxesLast),
        _ => None,
    }
}

/// Runs a step whose keys and values stay in a device's memory; the logits go to the host.
fn bound(
    graph: &mut Loaded,
    inputs: &[SessionInputValue<'_>],
    kinds: &[Output],
    device: &MemoryInfo<'static>,
    host: &MemoryInfo<'static>,
) -> Result<Vec<DynValue>> {
    let doing = "bind a step's tensors";
    let mut binding = graph.session.create_binding().map_err(failed(doing))?;
    for (input, value) in graph.session.inputs().iter().zip(inputs) {
        binding.bind_input(input.name(), value).map_err(failed(doing))?;
    }
    for (kind, output) in kinds.iter().zip(graph.session.outputs()) {
        let memory = if *kind == Output::Logits { host } else { device };
        binding.bind_output_to_device(output.name(), memory).map_err(failed(doing))?;
    }
    let start = Instant::now();
    let outputs = graph.session.run_binding(&binding);
    graph.inside += start.elapsed();
    graph.runs += 1;
    let outputs = outputs.map_err(failed(format_args!("run {}", graph.path.display())))?;
    Ok(outputs.into_iter().map(|(_, value)| value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extended(mask: &[i64], tokens: usize, count: usize, fused: bool) -> Vec<i64> {
        let mut mask = mask.to_vec();
        extend(&mut mask, tokens, count, fused);
        mask
    }

    #[test]
    fn plain_attention_leaves_holes() {
        let mut mask = extended(&[1, 1], 2, 3, false);
        assert_eq!(kept(&mut mask, 5, 3), 3);
        assert_eq!(mask, [1, 1, 1, 0, 0]);
        assert_eq!(extended(&mask, 3, 1, false), [1, 1, 1, 0, 0, 1]);
        let mut mask = extended(&mask, 3, 1, false);
        assert_eq!(kept(&mut mask, 4, 2), 2);
        assert_eq!(mask, [1, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn fused_attention_writes_over_what_was_rejected() {
        let mut mask = extended(&[1, 1], 2, 3, true);
        assert_eq!(kept(&mut mask, 5, 3), 3);
        assert_eq!(extended(&mask, 3, 2, true), [1, 1, 1, 1, 1]);
        // Three do not fit into two slots: the library wants a past that grows by three.
        assert_eq!(extended(&mask, 3, 3, true), [1, 1, 1, 1, 1, 1, 0, 0]);
    }

    #[test]
    fn positions_have_one_of_three_layouts() {
        assert_eq!(layout(&[-1, -1]), Some(Layout::OneRow));
        assert_eq!(layout(&[3, -1, -1]), Some(Layout::AxesFirst));
        assert_eq!(layout(&[-1, -1, 3]), Some(Layout::AxesLast));
        assert_eq!(layout(&[-1, -1, -1]), None);
        assert_eq!(layout(&[-1]), None);
    }
}
