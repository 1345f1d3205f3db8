//! `sweep`: the effect of each key of a sweep. A column for each key, the one that explains most first; a row for each
//! of the metrics that decide; in each panel the mean at each value of the key over all other keys, a line for each
//! policy, and a band from the 10th to the 90th percentile over the other keys.

use super::layout::{Head, Sample, fitted, fitted_to, fitting, y_title};
use super::{Figure, Folder, Prepared};
use crate::effects::{Effect, Key, Points, effect};
use crate::natural::Spacing;
use drawing::{
    Across, Axis, Down, Drawing, Drawn, GREY, INK, Look, Panel, Sheet, TICK_PX, bold, stroke, text, width_px,
};
use tables::{Metric, RunRow};

/// The metrics that may have a row, the most wanted first.
const ROWS: [Metric; 6] =
    [Metric::E2eMean, Metric::Accuracy, Metric::Energy, Metric::AcceptanceRate, Metric::OutputRate, Metric::Uplink];

/// So many of them have one.
const MOST_ROWS: usize = 3;

/// Keys that have a column; the others explain less, and stand in `effects.csv`.
const MOST_COLUMNS: usize = 6;

/// Policies up to which each has a band: those of more would hide each other.
const MOST_BANDS: usize = 7;

/// Policies whose shares are printed one by one.
const MOST_SHARES: usize = 4;

const HEIGHT: u32 = 800;
/// Widths of the figure with one column, with two and with more.
const WIDTHS: [u32; 3] = [760, 1000, 1200];
/// Margin left of the panels.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 20.0;
/// From the head to the panels.
const ABOVE: f64 = 52.0;
const BOTTOM: f64 = 58.0;
const BETWEEN_COLUMNS: f64 = 18.0;
const BETWEEN_ROWS: f64 = 30.0;

/// The figure with its data.
struct Sweep {
    policies: Vec<String>,
    looks: Vec<Look>,
    columns: Vec<Key>,
    rows: Vec<Row>,
    keys: usize,
    points: usize,
    replications: usize,
}

/// A row of panels.
struct Row {
    title: &'static str,
    y: Axis,
    /// By column, then by policy.
    effects: Vec<Vec<Effect>>,
}

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "sweep", title: "What each key of a sweep does", needs: &[RunRow::DOC], prepare };

/// Reads the runs; nothing if they are all of one point.
fn prepare(folder: &Folder<'_>) -> Prepared {
    let points = Points::of(folder.runs()?);
    if points.keys.is_empty() {
        return Ok(None);
    }
    let looks = folder.looks(&points.policies)?;
    Ok(Some(Box::new(Sweep::of(points, looks))))
}

impl Sweep {
    fn of(points: Points, looks: Vec<Look>) -> Self {
        let values = |metric: Metric| points.metrics.iter().find(|(name, _)| *name == metric).map(|(_, values)| values);
        let rows = ROWS.iter().filter_map(|metric| {
            let effects = |key: &Key| values(*metric).into_iter().flatten().map(|values| effect(key, values)).collect();
            let effects: Vec<Vec<Effect>> = points.keys.iter().map(effects).collect();
            // What hardly differs needs no row.
            let differs = effects.iter().flatten().any(differs);
            differs.then_some((metric.doc().axis, effects))
        });
        let mut rows: Vec<(&str, Vec<Vec<Effect>>)> = rows.take(MOST_ROWS).collect();
        let weight = |key: usize| rows.iter().map(|(_, effects)| weight(&effects[key])).sum::<f64>();
        let mut order: Vec<usize> = (0..points.keys.len()).collect();
        order.sort_by(|a, b| weight(*b).total_cmp(&weight(*a)).then(a.cmp(b)));
        order.truncate(MOST_COLUMNS);
        let rows = rows.iter_mut().map(|(title, effects)| {
            let effects: Vec<Vec<Effect>> = order.iter().map(|key| std::mem::take(&mut effects[*key])).collect();
            let spreads = effects.iter().flatten().flat_map(|effect| effect.levels.iter().flatten());
            let y = Axis::over(spreads.flat_map(|spread| [spread.p10, spread.mean, spread.p90]), 5, false);
            Row { title, y, effects }
        });
        Self {
            rows: rows.collect(),
            looks,
            columns: order.iter().map(|key| points.keys[*key].clone()).collect(),
            keys: points.keys.len(),
            points: points.count,
            replications: points.replications,
            policies: points.policies,
        }
    }

    fn width(&self) -> u32 {
        WIDTHS[self.columns.len().clamp(1, WIDTHS.len()) - 1]
    }

    /// Upper edge of the panels: below the head, the names of the keys and the shares.
    fn top(&self) -> f64 {
        self.head().bottom() + ABOVE
    }

    fn panel(&self, column: usize, row: usize) -> Panel {
        let columns = self.columns.len() as f64;
        let width = (f64::from(self.width()) - LEFT - RIGHT - BETWEEN_COLUMNS * (columns - 1.0)) / columns;
        let rows = self.rows.len() as f64;
        let height = (f64::from(HEIGHT) - self.top() - BOTTOM - BETWEEN_ROWS * (rows - 1.0)) / rows;
        Panel {
            left: LEFT + column as f64 * (width + BETWEEN_COLUMNS),
            top: self.top() + row as f64 * (height + BETWEEN_ROWS),
            width,
            height,
            x: x_axis(&self.columns[column], width),
            y: self.rows[row].y.clone(),
        }
    }

    fn head(&self) -> Head {
        let runs = match self.replications {
            1 => "one replication of each".to_owned(),
            more => format!("{more} replications of each"),
        };
        let shown = match self.keys - self.columns.len() {
            0 => String::new(),
            more => format!(" {more} keys that explain less: effects.csv."),
        };
        let points = self.points;
        let bands = if self.policies.len() <= MOST_BANDS { "bands and bars" } else { "bars, of words alone" };
        let explains = if self.keys > 1 { " “explains”: share of the variance between points." } else { "" };
        let how = format!(
            "Points: means over all points with that value; {bands}: their 10th to 90th percentile.{explains} {points} points, \
             {runs}.{shown}"
        );
        let head = Head::new(self.width(), self.title(), &how);
        head.with_legend(&self.policies, &self.looks, Sample::LineAndPoint)
    }

    /// The title: the key that explains most of the first metric, or what the only key does to it.
    fn title(&self) -> String {
        let (Some(first), Some(key)) = (self.rows.first(), self.columns.first()) else {
            return "No metric differs between the points of the sweep".to_owned();
        };
        let (metric, key) = (first.title, last_names(key));
        let most = first.effects[0].iter().filter_map(|effect| effect.share).fold(0.0, f64::max);
        let long = match self.keys {
            1 => format!("What {key} does to {metric}"),
            _ => format!("{key} decides most: it explains up to {} of {metric}", percent(most)),
        };
        fitting(self.width(), [long, format!("{key} decides most"), FIGURE.title.to_owned()])
    }

    /// The key's name above its column.
    fn key_name(&self, sheet: &Sheet<'_>, column: usize) -> Drawn {
        let panel = self.panel(column, 0);
        let key = &self.columns[column];
        let unit = key.levels.unit.as_ref().map_or_else(String::new, |unit| format!(", {unit}"));
        let middle = panel.left + panel.width / 2.0;
        let (name, size) = fitted(&format!("{}{unit}", last_names(key)), panel.width + 8.0, 14.0, true);
        sheet.text(&name, (middle, panel.top - 38.0), &bold(size, INK, Across::Center, Down::Top))?;
        let below = self.panel(column, self.rows.len() - 1).bottom() + 38.0;
        let whole = match key.names.as_slice() {
            [name] => name.clone(),
            names => format!("{} keys that vary together", names.len()),
        };
        let (whole, size) = fitted(&whole, panel.width + 4.0, 11.0, false);
        sheet.text(&whole, (middle, below), &text(size, GREY, Across::Center, Down::Top))
    }

    fn curves(&self, sheet: &Sheet<'_>, column: usize, row: usize) -> Drawn {
        let panel = self.panel(column, row);
        let places = places(&self.columns[column]);
        panel.grid(sheet)?;
        let effects = &self.rows[row].effects[column];
        let spreads = |effect: &Effect| -> Vec<_> {
            let places = places.iter().copied().zip(&effect.levels);
            places.filter_map(|(x, spread)| spread.map(|spread| (x, spread))).collect()
        };
        if are_words(&self.columns[column]) {
            self.bars(sheet, &panel, column, effects)?;
            return self.around(sheet, &panel, (column, row));
        }
        for (effect, look) in effects.iter().zip(&self.looks) {
            let spreads = spreads(effect);
            let upper = spreads.iter().map(|(x, spread)| panel.at(*x, spread.p90));
            let lower = spreads.iter().rev().map(|(x, spread)| panel.at(*x, spread.p10));
            if spreads.len() > 1 && effects.len() <= MOST_BANDS {
                sheet.area(upper.chain(lower), look.colour, 0.14)?;
            }
        }
        for (effect, look) in effects.iter().zip(&self.looks) {
            let means: Vec<_> = spreads(effect).iter().map(|(x, spread)| panel.at(*x, spread.mean)).collect();
            sheet.line(means.iter().copied(), stroke(look.colour, 2.0))?;
            for at in means {
                sheet.marker(at, *look, 3.4)?;
            }
        }
        self.around(sheet, &panel, (column, row))
    }

    /// The spreads of values that are words: a bar for each policy beside the others, no line.
    fn bars(&self, sheet: &Sheet<'_>, panel: &Panel, column: usize, effects: &[Effect]) -> Drawn {
        let places = places(&self.columns[column]);
        let step = 0.36 / effects.len().max(1) as f64;
        for (index, (effect, look)) in effects.iter().zip(&self.looks).enumerate() {
            let off = step * (index as f64 - (effects.len() as f64 - 1.0) / 2.0);
            for (place, spread) in places.iter().zip(&effect.levels) {
                let Some(spread) = spread else { continue };
                let [low, mean, high] = [spread.p10, spread.mean, spread.p90].map(|value| panel.at(place + off, value));
                sheet.line([low, high], stroke(look.colour, 2.0))?;
                sheet.marker(mean, *look, 3.4)?;
            }
        }
        Ok(())
    }

    /// The axes of a panel, and the shares above it.
    fn around(&self, sheet: &Sheet<'_>, panel: &Panel, (column, row): (usize, usize)) -> Drawn {
        panel.x_labels(sheet, row + 1 == self.rows.len())?;
        if column == 0 {
            panel.y_labels(sheet)?;
            y_title(sheet, panel, self.rows[row].title, 12.5)?;
        }
        self.shares(sheet, panel, &self.rows[row].effects[column])
    }

    /// The share that the key explains, above its panel: for each policy in its colour, or the most of all.
    fn shares(&self, sheet: &Sheet<'_>, panel: &Panel, effects: &[Effect]) -> Drawn {
        if self.keys == 1 {
            return Ok(());
        }
        let shares: Vec<(f64, Look)> = effects
            .iter()
            .zip(&self.looks)
            .filter_map(|(effect, look)| effect.share.map(|share| (share, *look)))
            .collect();
        let most = shares.iter().map(|(share, _)| *share).fold(0.0, f64::max);
        const MARK: f64 = 13.0;
        let width = |(part, look): &(String, Option<Look>)| {
            width_px(part, 11.5, false) + if look.is_some() { MARK } else { 0.0 }
        };
        let whole =
            |parts: &[(String, Option<Look>)]| parts.iter().map(width).sum::<f64>() + 7.0 * (parts.len() - 1) as f64;
        let all = || vec![(format!("explains up to {}", percent(most)), None)];
        let mut parts: Vec<(String, Option<Look>)> = match shares.len() {
            0 => vec![("does not differ".to_owned(), None)],
            1 => vec![(format!("explains {}", percent(shares[0].0)), None)],
            2..=MOST_SHARES => {
                let own = shares.iter().map(|(share, look)| (percent(*share), Some(*look)));
                std::iter::once(("explains".to_owned(), None)).chain(own).collect()
            }
            _ => all(),
        };
        if whole(&parts) > panel.width + 10.0 {
            parts = all();
        }
        let mut x = panel.left + (panel.width - whole(&parts)) / 2.0;
        for part in parts {
            let (words, look) = &part;
            let from = if let Some(look) = look {
                sheet.marker((x + 4.0, panel.top - 10.0), *look, 3.6)?;
                x + MARK
            } else {
                x
            };
            sheet.text(words, (from, panel.top - 6.0), &text(11.5, INK, Across::Left, Down::Bottom))?;
            x += width(&part) + 7.0;
        }
        Ok(())
    }
}

/// True if the points differ by more than a thousandth: less is noise that nobody would act on.
fn differs(effect: &Effect) -> bool {
    let mean = effect.levels.iter().flatten().next().map_or(0.0, |level| level.mean);
    effect.share.is_some() && effect.variance.sqrt() > 1e-3 * mean.abs()
}

/// The weight of a key for a metric: its explained variance, as a share of that of the policy that varies most.
fn weight(effects: &[Effect]) -> f64 {
    let most = effects.iter().map(|effect| effect.variance).fold(0.0, f64::max);
    let parts =
        effects.iter().map(|effect| effect.share.unwrap_or(0.0) * effect.variance / most.max(f64::MIN_POSITIVE));
    parts.fold(0.0, f64::max)
}

fn percent(share: f64) -> String {
    match 100.0 * share {
        none if none < 1e-6 => "0 %".to_owned(),
        tiny if tiny < 0.1 => "< 0.1 %".to_owned(),
        small if small < 9.95 => format!("{small:.1} %"),
        large => format!("{large:.0} %"),
    }
}

/// The positions of a key's values along its axis.
fn places(key: &Key) -> Vec<f64> {
    match (&key.levels.numbers, key.levels.spacing()) {
        (Some(numbers), Spacing::Linear | Spacing::Log) => numbers.clone(),
        _ => (0..key.levels.texts.len()).map(|place| place as f64).collect(),
    }
}

/// True if the values of a key are words, which have no order and no distance.
fn are_words(key: &Key) -> bool {
    key.levels.numbers.is_none()
}

/// The last parts of a key's names.
fn last_names(key: &Key) -> String {
    let mut last: Vec<&str> = key.names.iter().map(|name| name.rsplit('.').next().unwrap_or(name)).collect();
    last.sort_unstable_by_key(|name| key.names.iter().position(|whole| whole.ends_with(name)));
    last.dedup();
    last.join(" / ")
}

fn x_axis(key: &Key, width: f64) -> Axis {
    // Words take more room than figures, and each of them has its own.
    let margin = if are_words(key) { 0.2 } else { 0.1 };
    let slot = width / ((1.0 + 2.0 * margin) * (key.levels.texts.len() as f64 - 1.0).max(1.0));
    let label = |label: &String| if are_words(key) { fitted_to(label, 1.3 * slot, TICK_PX) } else { label.clone() };
    let ticks = places(key).into_iter().zip(key.levels.labels.iter().map(label)).collect();
    Axis::at(ticks, key.levels.spacing() == Spacing::Log, margin)
}

impl Drawing for Sweep {
    fn size(&self) -> (u32, u32) {
        (self.width(), HEIGHT)
    }

    fn draw(&self, sheet: &Sheet<'_>) -> Drawn {
        self.head().draw(sheet)?;
        for column in 0..self.columns.len() {
            self.key_name(sheet, column)?;
            for row in 0..self.rows.len() {
                self.curves(sheet, column, row)?;
            }
        }
        Ok(())
    }
}
