//! Draws the measured numbers as one sheet of four panels, `trained_pair.png`.

use super::compression::Compressed;
use super::pruning::{ByRetention, MAPS};
use super::{BINS, Estimate, Measured, Tried};
use drawing::{
    Across, Axis, Down, Drawing, Drawn, GREY, INK, Look, Panel, Sheet, bold, looks, stroke, text, upright, width_px,
};
use std::path::Path;

/// Width and height of the sheet, in pixels.
const SIZE: (u32, u32) = (820, 650);

/// The left edge of title and legend, in pixels.
const EDGE: f64 = 22.0;

/// Left edges, upper edges, width and height of the panels, in pixels.
const LEFT: [f64; 2] = [70.0, 472.0];
const TOP: [f64; 2] = [124.0, 406.0];
const PANEL: (f64, f64) = (328.0, 190.0);

/// Middle of the legend, and size of its names, in pixels.
const LEGEND: f64 = 75.0;
const NAME_PX: f64 = 12.5;

/// Distance of the points of two maps at one retention, in pixels, so that their intervals do not cover each other.
const ASIDE: f64 = 4.0;

/// Name of the dashed lines in the legend.
const WHOLE: &str = "on whole pictures";

/// Explanation below the title.
const HOW: &str = "Whiskers and bands: 95 % intervals of single means. Maps answer the same questions, so their differences are surer.";

/// Writes the sheet into a folder.
pub fn drawn_into(folder: &Path, measured: &Measured) -> Tried<()> {
    let figure = Figure::of(measured);
    let defects = drawing::geometry(&figure)?.defects();
    if !defects.is_empty() {
        return Err(defects.join("\n").into());
    }
    std::fs::create_dir_all(folder)?;
    Ok(std::fs::write(folder.join("trained_pair.png"), drawing::png(&figure)?)?)
}

/// A line of a panel: its look, and a share at each place of the x axis.
type Line = (Look, Vec<(f64, Estimate)>);

/// The sheet.
struct Figure {
    title: String,
    /// Names and looks of the legend.
    names: Vec<(&'static str, Look)>,
    /// Accuracy of draft and target on whole pictures.
    whole: [(Look, Estimate); 2],
    /// Accuracy of the target by retention, a line for each map, with tokens dropped before the vision tower, and behind it.
    pruned: [Vec<Line>; 2],
    /// Number of tokens and share that agrees, by bin of entropy.
    agreement: Vec<(usize, usize, Estimate)>,
    /// Accuracy of draft and target by share of the bytes.
    compressed: [Line; 2],
    /// The axis of all accuracies, in per cent.
    accuracy: Axis,
}

impl Figure {
    fn of(measured: &Measured) -> Self {
        // In the order of `MAPS`; MAS, the draft and the target have the colours of their systems.
        let maps = looks(&["msao_stand_in", "msao", "even", "random"].map(String::from));
        let models = looks(&["edge_only", "cloud_only"].map(String::from));
        let whole = [0, 1].map(|model| (models[model], Estimate::of(&measured.whole[model])));
        let pruned = measured.pruned.each_ref().map(|scores| by_map(scores, &maps));
        let compressed = [0, 1].map(|model| (models[model], by_share(&measured.compressed, model)));
        let points = pruned.iter().flatten().chain(&compressed).flat_map(|(_, points)| points);
        let all = points.map(|(_, value)| *value).chain(whole.map(|(_, value)| value));
        let accuracy = Axis::over(all.flat_map(Estimate::ends).map(|share| 100.0 * share), 8, false);
        let bins = measured.agreement.iter();
        Self {
            title: format!("The trained pair on {} graded questions", measured.whole[0].len()),
            names: MAPS.into_iter().zip(maps).chain(["draft", "target"].into_iter().zip(models)).collect(),
            agreement: bins.map(|(bin, tokens)| (*bin, tokens.len(), Estimate::of(tokens))).collect(),
            whole,
            pruned,
            compressed,
            accuracy,
        }
    }
}

/// Accuracy by retention, in per cent of the tokens, a line for each map.
fn by_map(scores: &ByRetention, looks: &[Look]) -> Vec<Line> {
    let line = |map: usize| scores.iter().map(move |(kept, maps)| (100.0 * kept, Estimate::of(&maps[map]))).collect();
    looks.iter().enumerate().map(|(map, look)| (*look, line(map))).collect()
}

/// Accuracy of a model by share of the bytes, in per cent, where pixels alone were taken away.
fn by_share(compressed: &[Compressed], model: usize) -> Vec<(f64, Estimate)> {
    let pixels = compressed.iter().filter(|less| less.bits == 8);
    pixels.map(|less| (100.0 * less.share, Estimate::of(&less.scores[model]))).collect()
}

/// A tick at each of these places of a line.
fn ticks(line: &Line) -> Vec<(f64, String)> {
    let mut places: Vec<f64> = line.1.iter().map(|(place, _)| *place).collect();
    places.sort_by(f64::total_cmp);
    places.into_iter().map(|place| (place, format!("{place:.1}").trim_end_matches(".0").to_owned())).collect()
}

/// The axes of acceptance: bins of entropy by their upper ends, and shares in per cent with room for numbers above them.
fn bins_and_shares() -> (Axis, Axis) {
    let name = |end: f64| if end.is_finite() { end.to_string() } else { "above".to_owned() };
    let bins = BINS.iter().enumerate().map(|(bin, end)| (bin as f64, name(*end)));
    let shares = [0, 20, 40, 60, 80, 100].map(|share| (f64::from(share), share.to_string()));
    (Axis::between(-0.6, BINS.len() as f64 - 0.4, bins.collect()), Axis::between(0.0, 112.0, shares.to_vec()))
}

/// A panel with its frame, its title, and the titles of its axes.
fn panel(
    sheet: &Sheet<'_>,
    (column, row): (usize, usize),
    (x, y): (Axis, Axis),
    [title, x_title, y_title]: [&str; 3],
) -> Result<Panel, drawing::DrawError> {
    let panel = Panel { left: LEFT[column], top: TOP[row], width: PANEL.0, height: PANEL.1, x, y };
    let middle = panel.left + panel.width / 2.0;
    panel.grid(sheet)?;
    panel.x_labels(sheet, true)?;
    panel.y_labels(sheet)?;
    sheet.text(title, (middle, panel.top - 10.0), &bold(13.0, INK, Across::Center, Down::Bottom))?;
    sheet.text(x_title, (middle, panel.bottom() + 29.0), &text(11.0, GREY, Across::Center, Down::Top))?;
    let beside = (panel.left - 46.0, panel.top + panel.height / 2.0);
    sheet.text(y_title, beside, &upright(&bold(12.0, INK, Across::Center, Down::Top)))?;
    Ok(panel)
}

/// An accuracy on whole pictures: a dashed line with the band of its interval.
fn across(sheet: &Sheet<'_>, panel: &Panel, (look, value): (Look, Estimate)) -> Drawn {
    let (left, right) = (panel.left, panel.left + panel.width);
    let y = |share: f64| panel.at(1.0, 100.0 * share).1;
    let [low, high] = value.ends().map(y);
    sheet.area([(left, high), (right, high), (right, low), (left, low)], look.colour, 0.12)?;
    sheet.dashed(&[(left, y(value.mean)), (right, y(value.mean))], stroke(look.colour, 1.5))
}

/// A line with its points and their intervals, so many pixels beside its places.
fn line(sheet: &Sheet<'_>, panel: &Panel, (look, points): &Line, aside: f64) -> Drawn {
    let at = |place: f64, share: f64| {
        let (x, y) = panel.at(place, 100.0 * share);
        (x + aside, y)
    };
    for (place, value) in points {
        sheet.line(value.ends().map(|end| at(*place, end)), stroke(look.colour, 1.1))?;
    }
    sheet.line(points.iter().map(|(place, value)| at(*place, value.mean)), stroke(look.colour, 2.0))?;
    points.iter().try_for_each(|(place, value)| sheet.marker(at(*place, value.mean), *look, 3.6))
}

impl Figure {
    fn head(&self, sheet: &Sheet<'_>) -> Drawn {
        sheet.text(&self.title, (EDGE, 16.0), &bold(17.0, INK, Across::Left, Down::Top))?;
        sheet.text(HOW, (EDGE, 42.0), &text(11.5, GREY, Across::Left, Down::Top))?;
        let style = text(NAME_PX, INK, Across::Left, Down::Center);
        let mut left = EDGE;
        for (name, look) in &self.names {
            sheet.line([(left, LEGEND), (left + 18.0, LEGEND)], stroke(look.colour, 2.0))?;
            sheet.marker((left + 9.0, LEGEND), *look, 3.6)?;
            sheet.text(name, (left + 24.0, LEGEND), &style)?;
            left += 40.0 + width_px(name, NAME_PX, false);
        }
        sheet.dashed(&[(left, LEGEND), (left + 22.0, LEGEND)], stroke(GREY, 1.5))?;
        sheet.text(WHOLE, (left + 28.0, LEGEND), &style)
    }

    fn pruning(&self, sheet: &Sheet<'_>, column: usize, title: &str) -> Drawn {
        let lines = &self.pruned[column];
        let axes = (Axis::at(ticks(&lines[0]), false, 0.06), self.accuracy.clone());
        let panel = panel(sheet, (column, 0), axes, [title, "visual tokens kept, %", "accuracy of the target, %"])?;
        across(sheet, &panel, self.whole[1])?;
        let aside = |map: usize| (map as f64 - (lines.len() - 1) as f64 / 2.0) * ASIDE;
        lines.iter().enumerate().try_for_each(|(map, one)| line(sheet, &panel, one, aside(map)))
    }

    fn agreement(&self, sheet: &Sheet<'_>) -> Drawn {
        let titles = [
            "Acceptance by entropy; on top: tokens",
            "entropy of the draft's token, nats, up to",
            "tokens that agree, %",
        ];
        let panel = panel(sheet, (0, 1), bins_and_shares(), titles)?;
        let look = looks(&["speculative".to_owned()])[0];
        for (bin, count, value) in &self.agreement {
            let (x, top) = panel.at(*bin as f64, 100.0 * value.mean);
            sheet.bar((x - 14.0, top), (x + 14.0, panel.bottom()), look)?;
            sheet.line(value.ends().map(|end| panel.at(*bin as f64, 100.0 * end)), stroke(INK, 1.2))?;
            let above = (x, panel.at(0.0, 106.0).1);
            sheet.text(&count.to_string(), above, &text(10.5, GREY, Across::Center, Down::Center))?;
        }
        Ok(())
    }

    fn compression(&self, sheet: &Sheet<'_>) -> Drawn {
        let axes = (Axis::at(ticks(&self.compressed[0]), true, 0.08), self.accuracy.clone());
        let titles = ["Fewer pixels, 8 bits a channel", "bytes of the picture that are left, %", "accuracy, %"];
        let panel = panel(sheet, (1, 1), axes, titles)?;
        self.whole.iter().try_for_each(|whole| across(sheet, &panel, *whole))?;
        self.compressed.iter().try_for_each(|one| line(sheet, &panel, one, 0.0))
    }
}

impl Drawing for Figure {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.head(sheet)?;
        self.pruning(sheet, 0, "Tokens dropped before the tower (pre_vit)")?;
        self.pruning(sheet, 1, "Tokens dropped behind the tower (post_vit)")?;
        self.agreement(sheet)?;
        self.compression(sheet)
    }
}
