//! `acceptance`: how many drafted tokens were accepted, by their place in the batch: a line for each policy, a panel for each
//! point. Solid: of all that had a verdict at that place, how many stand in the answer. Dashed: the same of those whose
//! predecessors in the batch all stand, so that it says how good the draft is there and not how far a batch gets.

use super::layout::{EDGE, Grid, Head, Sample, fitting, panel_title, y_title};
use super::tokens;
use super::{Figure, Folder, Prepared};
use drawing::{Across, At, Axis, Down, Drawing, Drawn, GREY, INK, Look, Panel, Sheet, grouped, stroke, text, width_px};
use std::collections::BTreeMap;

/// The line of the list.
pub(super) const FIGURE: Figure = Figure {
    name: "acceptance",
    title: "How many drafts are accepted, by their place in the batch",
    needs: &[TokenRow::DOC, RunRow::DOC],
    prepare,
};
use tables::{RunRow, TokenRow};

const MOST_POINTS: usize = 6;
const IN_A_ROW: usize = 3;

/// Places behind this one are not shown.
const LAST_PLACE: usize = 16;

struct Acceptance {
    head: Head,
    looks: Vec<Look>,
    panels: Vec<Point>,
    policies: Vec<String>,
    x: Axis,
    y: Axis,
}

struct Point {
    title: String,
    /// By policy, then by place in the batch.
    lines: Vec<Vec<Place>>,
}

/// The drafts at one position of all batches, by their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    /// That had a verdict.
    verified: u64,
    /// Drafts whose predecessors all stand in the answer.
    reached: u64,
    accepted: u64,
}

/// Counts batch by batch.
#[derive(Default)]
struct Count {
    policies: Vec<String>,
    by_cell: BTreeMap<(u32, usize), Vec<Place>>,
    batch: Option<Batch>,
}

/// The batch that is being read.
struct Batch {
    cell: (u32, usize),
    name: (u32, u64, u32),
    length: usize,
    all_stand: bool,
}

impl Count {
    fn add(&mut self, token: &TokenRow) {
        let policy = self.policies.iter().position(|known| **known == *token.policy).unwrap_or_else(|| {
            self.policies.push(token.policy.to_string());
            self.policies.len() - 1
        });
        let (cell, name) = ((token.point, policy), (token.replication, token.request, token.round));
        let batch = self.batch.take().filter(|batch| batch.cell == cell && batch.name == name);
        let mut batch = batch.unwrap_or(Batch { cell, name, length: 0, all_stand: true });
        if token.verified {
            let places = self.by_cell.entry(cell).or_default();
            places.resize(places.len().max(batch.length + 1), Place::default());
            let place = &mut places[batch.length];
            place.verified += 1;
            place.reached += u64::from(batch.all_stand);
            place.accepted += u64::from(token.accepted);
        }
        batch.all_stand &= token.accepted;
        batch.length += 1;
        self.batch = Some(batch);
    }
}

/// The 95 % interval of a share of `accepted` among `all`, by Wilson's score.
fn wilson(accepted: u64, all: u64) -> [f64; 2] {
    const Z: f64 = 1.959_963_984_540_054;
    let (n, share) = (all as f64, accepted as f64 / all as f64);
    let (middle, square) = (share + Z * Z / (2.0 * n), Z * Z / (4.0 * n * n));
    let half = Z * (share * (1.0 - share) / n + square).sqrt();
    [middle - half, middle + half].map(|end| (end / (1.0 + Z * Z / n)).clamp(0.0, 1.0))
}

fn prepare(folder: &Folder<'_>) -> Prepared {
    let mut count = Count::default();
    tokens::each(folder, |token| count.add(token))?;
    let name = tokens::point_names(folder.runs()?);
    let points: Vec<u32> = {
        let mut points: Vec<u32> = count.by_cell.keys().map(|(point, _)| *point).collect();
        points.dedup();
        points
    };
    if points.is_empty() || points.len() > MOST_POINTS {
        return Ok(None);
    }
    let policies = 0..count.policies.len();
    let line = |point: u32, policy: usize| {
        let places = count.by_cell.get(&(point, policy)).map(Vec::as_slice).unwrap_or_default();
        places[..places.len().min(LAST_PLACE)].to_vec()
    };
    let panel = |point: &u32| Point {
        title: name(*point),
        lines: policies.clone().map(|policy| line(*point, policy)).collect(),
    };
    let panels: Vec<Point> = points.iter().map(panel).collect();
    let places = || panels.iter().flat_map(|panel| &panel.lines).flatten();
    let longest = panels.iter().flat_map(|panel| &panel.lines).map(Vec::len).max().unwrap_or(1);
    let all =
        |policy: usize| panels.iter().flat_map(|panel| &panel.lines[policy]).map(|place| place.verified).sum::<u64>();
    let lowest = places().filter(|place| place.verified > 0).map(|place| wilson(place.accepted, place.verified)[0]);
    let y = Axis::over([100.0 * lowest.fold(1.0, f64::min), 100.0], 5, false);
    let looks = folder.looks(&count.policies)?;
    let counts: Vec<String> = policies.clone().map(|policy| grouped(all(policy) as f64, 0)).collect();
    let named: Vec<String> =
        count.policies.iter().zip(&counts).map(|(policy, count)| format!("{policy} ({count} drafts)")).collect();
    let how = "Solid: of all drafts with a verdict at that place, the share that stands in the answer; dashed: the same of those \
               whose predecessors in the batch all stand. Bars: 95 % by Wilson, tokens taken as independent. Below: how many \
               had a verdict.";
    let head = Head::new(width(panels.len()), title(&count.policies, &panels), how);
    let ticks = (1..=longest).map(|place| (place as f64, place.to_string())).collect();
    Ok(Some(Box::new(Acceptance {
        head: head.with_legend(&named, &looks, Sample::LineAndPoint),
        looks,
        panels,
        policies: count.policies,
        x: Axis::between(0.5, longest as f64 + 0.5, ticks),
        y,
    })))
}

/// From the first place to the last, over all points.
fn title(policies: &[String], panels: &[Point]) -> String {
    let ends = |policy: usize| {
        let lines = || panels.iter().map(|panel| &panel.lines[policy]);
        let share = |place: usize| {
            let at = || lines().filter_map(|line| line.get(place));
            let all: u64 = at().map(|place| place.verified).sum();
            (all > 0).then(|| 100.0 * at().map(|place| place.accepted).sum::<u64>() as f64 / all as f64)
        };
        let last = lines().map(Vec::len).max()?.checked_sub(1)?;
        Some([share(0)?, share(last)?])
    };
    let named = policies.iter().enumerate().filter_map(|(policy, name)| Some((name, ends(policy)?)));
    let (names, ends): (Vec<&String>, Vec<[f64; 2]>) = named.unzip();
    let part = |(name, [first, last]): (&&String, &[f64; 2])| format!("{first:.0} to {last:.0} % for {name}");
    let parts: Vec<String> = names.iter().zip(&ends).map(part).collect();
    let range = |end: usize| {
        let shares = ends.iter().map(|ends| ends[end]);
        let (least, most) = (shares.clone().fold(100.0, f64::min), shares.fold(0.0, f64::max));
        format!("{least:.0} to {most:.0} %")
    };
    let long = format!("Accepted drafts, from the first place in a batch to the last: {}", parts.join(", "));
    let short = format!("Accepted drafts: {} at the first place, {} at the last", range(0), range(1));
    fitting(width(panels.len()), [long, short])
}

fn width(panels: usize) -> u32 {
    if panels == 1 { 820 } else { 1100 }
}

/// Heights of a panel: of one alone, of a row of them, and of two rows.
const HEIGHTS: [f64; 3] = [330.0, 270.0, 240.0];

/// From the names to the line that explains the kinds of lines.
const KINDS_BELOW: f64 = 20.0;

/// From the axis to its title, and room for a line of counts.
const COUNTS: f64 = 12.5;

impl Acceptance {
    fn columns(&self) -> usize {
        let count = self.panels.len();
        if count == 4 { 2 } else { count.min(IN_A_ROW) }
    }

    /// From the upper edge of the sheet to the panels, and from their lower edge to the last line of counts.
    fn above_and_below(&self) -> (f64, f64) {
        let titles = if self.panels[0].title.is_empty() { 12.0 } else { 34.0 };
        (self.head.bottom() + KINDS_BELOW + titles, 30.0 + COUNTS * self.policies.len() as f64)
    }

    fn grid(&self) -> Grid {
        let (count, (above, below)) = (self.panels.len(), self.above_and_below());
        let edges = [86.0, 24.0, above, below + 24.0];
        Grid { size: self.size(), edges, between: (24.0, below + 44.0), columns: self.columns(), count }
    }

    fn lines(&self, sheet: &Sheet<'_>, panel: &Panel, point: &Point) -> Drawn {
        let lines = || point.lines.iter().zip(&self.looks).enumerate();
        let middle = (point.lines.len() as f64 - 1.0) / 2.0;
        // Beside each other, so that no interval hides another.
        let step = (0.8 / point.lines.len().max(1) as f64).min(0.07);
        let x = |index: usize, place: usize| place as f64 + 1.0 + step * (index as f64 - middle);
        for (index, (line, look)) in lines() {
            let places = line.iter().enumerate().filter(|(_, place)| place.reached > 0);
            let shares =
                places.map(|(at, place)| panel.at(x(index, at), 100.0 * place.accepted as f64 / place.reached as f64));
            sheet.dashed(&shares.collect::<Vec<_>>(), stroke(look.colour, 1.3))?;
        }
        for (index, (line, look)) in lines() {
            let places = || line.iter().enumerate().filter(|(_, place)| place.verified > 0);
            let at = |at: usize, share: f64| panel.at(x(index, at), 100.0 * share);
            let share = |place: &Place| place.accepted as f64 / place.verified as f64;
            sheet.line(places().map(|(place, of)| at(place, share(of))), stroke(look.colour, 2.0))?;
            for (place, of) in places() {
                let ends = wilson(of.accepted, of.verified).map(|end| at(place, end));
                sheet.line(ends, stroke(look.colour, 1.2))?;
                sheet.marker(at(place, share(of)), *look, 3.4)?;
            }
        }
        Ok(())
    }

    /// The two kinds of lines, behind the names.
    fn legend(&self, sheet: &Sheet<'_>, (_, y): At) -> Drawn {
        let (mut x, y) = (EDGE, y + KINDS_BELOW);
        for (label, is_dashed) in [("of all with a verdict", false), ("of those whose predecessors all stand", true)] {
            let ends = [(x, y), (x + 22.0, y)];
            if is_dashed {
                sheet.dashed(&ends, stroke(GREY, 1.3))?;
            } else {
                sheet.line(ends, stroke(GREY, 2.0))?;
            }
            sheet.text(label, (x + 28.0, y), &text(12.0, INK, Across::Left, Down::Center))?;
            x += 28.0 + width_px(label, 12.0, false) + 18.0;
        }
        Ok(())
    }

    /// The number of drafts with a verdict at each position, below its number.
    fn counts(&self, sheet: &Sheet<'_>, panel: &Panel, point: &Point) -> Drawn {
        for (row, (line, look)) in point.lines.iter().zip(&self.looks).enumerate() {
            let y = panel.bottom() + 28.0 + COUNTS * row as f64;
            sheet.marker((panel.left - 6.0, y), *look, 3.0)?;
            let mut free_from = f64::NEG_INFINITY;
            for (place, of) in line.iter().enumerate() {
                let label = grouped(of.verified as f64, 0);
                let (x, half) = (panel.at(place as f64 + 1.0, 0.0).0, width_px(&label, 9.0, false) / 2.0);
                if x - half > free_from {
                    sheet.text(&label, (x, y), &text(9.0, INK, Across::Center, Down::Center))?;
                    free_from = x + half + 3.0;
                }
            }
        }
        Ok(())
    }
}

impl Drawing for Acceptance {
    fn size(&self) -> (u32, u32) {
        let (count, rows) = (self.panels.len(), self.panels.len().div_ceil(self.columns()));
        let (above, below) = self.above_and_below();
        let height = if count == 1 { HEIGHTS[0] } else { HEIGHTS[rows.min(2)] };
        let all = above + rows as f64 * height + (rows - 1) as f64 * (below + 44.0) + below + 24.0;
        (width(count), all.ceil() as u32)
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        let behind = self.head.draw(sheet)?;
        self.legend(sheet, behind)?;
        let grid = self.grid();
        for (index, point) in self.panels.iter().enumerate() {
            let panel = grid.panel(index, self.x.clone(), self.y.clone());
            panel.grid(sheet)?;
            panel_title(sheet, &panel, &point.title)?;
            self.lines(sheet, &panel, point)?;
            panel.x_labels(sheet, true)?;
            self.counts(sheet, &panel, point)?;
            if grid.is_first(index) {
                panel.y_labels(sheet)?;
                y_title(sheet, &panel, "accepted drafts, %", 12.5)?;
                let beside = text(9.0, GREY, Across::Right, Down::Center);
                sheet.text("verdicts", (panel.left - 16.0, panel.bottom() + 28.0), &beside)?;
            }
            if grid.is_lowest(index) {
                let below = panel.bottom() + 30.0 + COUNTS * self.policies.len() as f64;
                let below = (panel.left + panel.width / 2.0, below);
                sheet.text("place in the batch", below, &text(11.0, GREY, Across::Center, Down::Top))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::tests::{count, svg};
    use crate::figure::tokens::testing::{folder, token};

    const STANDS: [bool; 2] = [true, true];
    const FAILS: [bool; 2] = [true, false];
    const UNJUDGED: [bool; 2] = [false, false];

    #[test]
    fn wilsons_interval_against_known_values() {
        // Of Newcombe, 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
        let known = [
            (81, 263, [0.2553, 0.3662]),
            (15, 148, [0.0624, 0.1605]),
            (0, 20, [0.0, 0.1611]),
            (1, 29, [0.0061, 0.1718]),
        ];
        for (accepted, all, expected) in known {
            let found = wilson(accepted, all);
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4), "{accepted} of {all}: {found:?}");
        }
    }

    #[test]
    fn places_are_counted_batch_by_batch() {
        let mut all = Count::default();
        let rows = [(0, STANDS), (0, STANDS), (0, FAILS), (1, STANDS), (1, UNJUDGED), (2, FAILS), (2, FAILS)];
        for (round, verdict) in rows {
            all.add(&token(round, 0, 0.1, verdict));
        }
        let place = |verified, reached, accepted| Place { verified, reached, accepted };
        assert_eq!(all.by_cell[&(0, 0)], [place(3, 3, 2), place(2, 1, 1), place(1, 1, 0)]);
    }

    #[test]
    fn the_counts_stand_below_their_places() {
        let batch = |round: u32| [token(round, 0, 0.1, STANDS), token(round, 1, 0.1, [true, round.is_multiple_of(2)])];
        let rows: Vec<TokenRow> = (0..1234).flat_map(batch).collect();
        let figure = svg("acceptance", folder(&rows).path()).expect("a figure");
        let title = "Accepted drafts, from the first place in a batch to the last: 100 to 50 % for msao";
        for (text, times) in [(title, 1), ("msao (2,468 drafts)", 1), ("1,234", 2), ("place in the batch", 1)] {
            assert_eq!(count(&figure, text), times, "{text} in {figure}");
        }
    }

    #[test]
    fn without_drafts_there_is_nothing_to_draw() {
        assert_eq!(svg("acceptance", folder(&[]).path()), None);
    }
}
