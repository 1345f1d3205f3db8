//! The vision tower's graph: `pixel_values` and the grid of one picture to `image_features`.
//!
//! Patches come in merge order: the four of a token behind one another. Positions and windows are computed from the grid, so any
//! grid of even sides will do. Patches keep their order throughout; those of a window are gathered where they are attended to,
//! a window that is not whole padded with what is not seen.

use super::blocks::{Attention, Norm, Rotary, among_rows, frequencies};
use super::build::{Attribute, GraphBuilder, Kind, Side, Value};
use super::shape::{Family, MERGE, PATCH, PATCH_VALUES, Shape, WINDOW};
use super::weights::Dtype;

/// The base of rotary positions in vision towers.
const THETA: f64 = 1e4;

/// Patches that one token has.
const TOKEN: i64 = (MERGE * MERGE) as i64;

/// Tokens along a window's side.
const WINDOW_TOKENS: i64 = (WINDOW / PATCH / MERGE) as i64;

/// Patches of a whole window.
const WINDOW_PATCHES: i64 = WINDOW_TOKENS * WINDOW_TOKENS * TOKEN;

/// The grid of a picture, in a graph.
struct Grid {
    frames: Value,
    /// Rows and columns of tokens.
    rows: Value,
    columns: Value,
    /// Patches of a frame, and of all.
    frame: Value,
    patches: Value,
}

/// The patches of each window, by index.
struct Windows {
    /// The patch of each place of a window.
    patch: Value,
    /// The place of each patch.
    place: Value,
    /// The mask that hides padding, `[windows, 1, places, places]`.
    mask: Value,
}

/// The vision tower.
pub(crate) fn vision(shape: &Shape, dtype: Dtype, attention: Attention) -> GraphBuilder {
    let mut graph = GraphBuilder::new("vision_encoder", dtype);
    let tower = shape.tower;
    let pixels = graph.input("pixel_values", Kind::F32, &[Side::Varies("num_patches"), Side::Fixed(PATCH_VALUES)]);
    let grid = graph.input(shape.family.grid_name(), Kind::I64, &[Side::Varies("num_images"), Side::Fixed(3)]);
    let grid = Grid::new(&mut graph, grid);
    let pairs = tower.hidden / tower.heads / 2;
    let angles = grid.angles(&mut graph, pairs);
    let rotary = Rotary::new(&mut graph, angles, pairs, attention);
    let windowed = |layer: &u64| shape.family == Family::Qwen25Vl && !tower.full.contains(layer);
    let windows = (0..tower.layers).any(|layer| windowed(&layer)).then(|| Windows::new(&mut graph, &grid));

    let matrix = [PATCH_VALUES, tower.hidden];
    let pixels = graph.narrowed(pixels);
    let norm = match shape.family {
        Family::Qwen2Vl => Norm::Layer,
        Family::Qwen25Vl => Norm::Rms,
    };
    let mut stream = (graph.linear(pixels, "patch_embed.proj", matrix, false), None);
    for layer in 0..tower.layers {
        let name = format!("blocks.{layer}");
        let first = format!("{name}.norm1");
        let [normed, before] = graph.normed(norm, (&first, tower.hidden), stream, attention);
        let rows = graph.linear(normed, &format!("{name}.attn.qkv"), [tower.hidden, 3 * tower.hidden], true);
        let seen = windows.as_ref().filter(|_| windowed(&layer));
        let attended = attended(&mut graph, shape, rows, &rotary, &grid, seen, attention);
        let attended = graph.linear(attended, &format!("{name}.attn.proj"), [tower.hidden; 2], true);
        let second = format!("{name}.norm2");
        let [normed, before] = graph.normed(norm, (&second, tower.hidden), (before, Some(attended)), attention);
        let (name, sides) = (format!("{name}.mlp"), [tower.hidden, tower.intermediate]);
        let thought = match shape.family {
            Family::Qwen2Vl => graph.mlp(normed, &name, sides),
            Family::Qwen25Vl => graph.gated_mlp(normed, &name, sides, true),
        };
        stream = (before, Some(thought));
    }
    let [normed, _] = graph.normed(norm, ("merger.ln_q", tower.hidden), stream, attention);
    let features = merged(&mut graph, shape, normed);
    let features = graph.widened(features);
    graph.output(features, "image_features", Kind::F32, &[Side::Varies("num_tokens"), Side::Fixed(shape.hidden)]);
    graph
}

/// The patches of each token become one row, as wide as the decoder.
fn merged(graph: &mut GraphBuilder, shape: &Shape, normed: Value) -> Value {
    let width = shape.tower.hidden * MERGE * MERGE;
    let rows = graph.reshaped(normed, &[-1, width as i64]);
    let rows = graph.linear(rows, "merger.mlp.0", [width, width], true);
    let rows = graph.node("Gelu", &[rows], &[]);
    graph.linear(rows, "merger.mlp.2", [width, shape.hidden], true)
}

/// Attention of a layer: within frames, or within windows. `rows` are queries, keys and values side by side.
fn attended(
    graph: &mut GraphBuilder,
    shape: &Shape,
    rows: Value,
    rotary: &Rotary,
    grid: &Grid,
    windows: Option<&Windows>,
    attention: Attention,
) -> Value {
    let tower = shape.tower;
    let heads = [tower.heads, tower.hidden / tower.heads];
    let rows = graph.unsqueezed(rows, &[0]);
    let thirds = [Attribute::Int("axis", -1), Attribute::Int("num_outputs", 3)];
    let [queries, keys, values] = graph.nodes("Split", &[rows], &thirds);
    let [queries, keys] = [queries, keys].map(|rows| rotary.turned(graph, rows, heads[0], heads[1]));
    let width = tower.hidden as i64;
    let batched = [queries, keys, values].map(|rows| match windows {
        None => {
            let frames = graph.unsqueezed(grid.frames, &[0]);
            let rest = graph.ints(&[-1, width]);
            let sides = graph.node("Concat", &[frames, rest], &[Attribute::Int("axis", 0)]);
            graph.node("Reshape", &[rows, sides], &[])
        }
        Some(windows) => {
            let rows = graph.node("Gather", &[rows, windows.patch], &[Attribute::Int("axis", 1)]);
            graph.reshaped(rows, &[-1, WINDOW_PATCHES, width])
        }
    });
    let sums = among_rows(graph, batched, windows.map(|windows| windows.mask), heads, attention);
    let sums = graph.reshaped(sums, &[-1, width]);
    match windows {
        None => sums,
        Some(windows) => graph.node("Gather", &[sums, windows.place], &[]),
    }
}

impl Grid {
    fn new(graph: &mut GraphBuilder, grid: Value) -> Self {
        let sides = graph.reshaped(grid, &[-1]);
        let mut side = |at| {
            let at = graph.int(at);
            graph.node("Gather", &[sides, at], &[])
        };
        let [frames, high, wide] = [side(0), side(1), side(2)];
        let frame = graph.times(high, wide);
        let patches = graph.times(frame, frames);
        let merge = graph.int(MERGE as i64);
        let [[rows, _], [columns, _]] = [high, wide].map(|side| graph.divided(side, merge));
        Self { frames, rows, columns, frame, patches }
    }

    /// Angles of the patches, `[1, patches, pairs]`: half of the pairs turn with the row, half with the column.
    fn angles(&self, graph: &mut GraphBuilder, pairs: u64) -> Value {
        let (token, merge) = (graph.int(TOKEN), graph.int(MERGE as i64));
        let patch = graph.count_to(self.patches);
        let [_, patch] = graph.divided(patch, self.frame);
        let outer_and_inner = graph.divided(patch, token);
        let outer = graph.divided(outer_and_inner[0], self.columns);
        let inner = graph.divided(outer_and_inner[1], merge);
        let [row, column] = [0, 1].map(|axis| {
            let first = graph.times(outer[axis], merge);
            let at = graph.plus(first, inner[axis]);
            let at = graph.cast(at, Kind::F32);
            graph.unsqueezed(at, &[1])
        });
        let half = frequencies(THETA, pairs / 2);
        let speeds = graph.singles(&[1, half.len() as i64], &half);
        let turns = [row, column].map(|at| graph.times(at, speeds));
        let angles = graph.node("Concat", &turns, &[Attribute::Int("axis", 1)]);
        graph.unsqueezed(angles, &[0])
    }
}

impl Windows {
    fn new(graph: &mut GraphBuilder, grid: &Grid) -> Self {
        let side = graph.int(WINDOW_TOKENS);
        let (one, token, area) = (graph.int(1), graph.int(TOKEN), graph.int(WINDOW_TOKENS * WINDOW_TOKENS));
        // Windows along each side, those that are not whole included.
        let [down, across] = [grid.rows, grid.columns].map(|tokens| {
            let all_but_one = graph.int(WINDOW_TOKENS - 1);
            let tokens = graph.plus(tokens, all_but_one);
            graph.divided(tokens, side)[0]
        });

        let count = graph.times(down, across);
        let count = graph.times(count, grid.frames);
        let whole = graph.int(WINDOW_PATCHES);
        let places = graph.times(count, whole);
        let place = graph.count_to(places);
        let [slot, within] = graph.divided(place, token);
        let [window, inside] = graph.divided(slot, area);
        let inside = graph.divided(inside, side);
        let [window, across_at] = graph.divided(window, across);
        let [frame, down_at] = graph.divided(window, down);
        let mut row_and_column =
            [(down_at, inside[0], grid.rows), (across_at, inside[1], grid.columns)].map(|(window, inside, tokens)| {
                let first = graph.times(window, side);
                let at = graph.plus(first, inside);
                let there = graph.below(at, tokens);
                let last = graph.node("Sub", &[tokens, one], &[]);
                (graph.node("Min", &[at, last], &[]), there)
            });
        let [(row, in_rows), (column, in_columns)] = &mut row_and_column;
        let there = graph.node("And", &[*in_rows, *in_columns], &[]);
        let patch = joined(graph, frame, [(grid.rows, *row), (grid.columns, *column), (token, within)]);

        Self { patch, place: Self::places(graph, grid, [down, across]), mask: Self::mask(graph, there) }
    }

    /// The place of each patch.
    fn places(graph: &mut GraphBuilder, grid: &Grid, [down, across]: [Value; 2]) -> Value {
        let (side, token) = (graph.int(WINDOW_TOKENS), graph.int(TOKEN));
        let patch = graph.count_to(grid.patches);
        let [unit, within] = graph.divided(patch, token);
        let [row, column] = graph.divided(unit, grid.columns);
        let [frame, row] = graph.divided(row, grid.rows);
        let [down_at, row] = graph.divided(row, side);
        let [across_at, column] = graph.divided(column, side);
        joined(graph, frame, [(down, down_at), (across, across_at), (side, row), (side, column), (token, within)])
    }

    /// Hides places that are not there from all others of their window.
    fn mask(graph: &mut GraphBuilder, there: Value) -> Value {
        let mask = graph.mask(there);
        let mask = graph.reshaped(mask, &[-1, 1, 1, WINDOW_PATCHES]);
        let sides = graph.ints(&[1, 1, WINDOW_PATCHES, 1]);
        graph.node("Expand", &[mask, sides], &[])
    }
}

/// A number of several digits, each with its base.
fn joined<const N: usize>(graph: &mut GraphBuilder, first: Value, digits: [(Value, Value); N]) -> Value {
    digits.into_iter().fold(first, |number, (base, digit)| {
        let number = graph.times(number, base);
        graph.plus(number, digit)
    })
}
