//! `mindfusion_devices`: time to the first token and speed of generation on phones, machines and pairs of both (MindFusion's
//! Table II), beside what its paper prints.

use super::dots::{Cell as Dot, Column, DotTable, PRINTED_SAMPLE, Row, Scale, Section, WIDTH, axis};
use super::layout::{Head, Sample, fitting, listed};
use super::{Figure, Folder, Prepared};
use crate::claims::{Amount, PrintedBeside};
use crate::estimate::Estimate;
use crate::natural::Levels;
use crate::numbers::{rounded, short};
use crate::runs::{Cell, Runs};
use drawing::Look;

/// The line of the list.
pub(super) const FIGURE: Figure = Figure {
    name: "mindfusion_devices",
    title: "A phone, a machine behind it, and MindFusion on both",
    needs: &[RunRow::DOC],
    prepare,
};
use tables::{Metric, RunRow};

/// More rows are a sweep's, and no table.
const MOST_ROWS: usize = 40;

/// A compared speed.
struct Speed {
    metric: Metric,
    /// The shown figure of it.
    made: fn(f64) -> f64,
    /// The same as the claims have it; a time is in the unit of its metric there.
    amount: fn() -> Amount,
    title: &'static str,
}

const COLUMNS: [Speed; 2] = [
    Speed {
        metric: Metric::TtftMean,
        made: |ms| ms / 1000.0,
        amount: || Amount::sum(&[Metric::TtftMean]),
        title: "time to the first token, s",
    },
    Speed {
        metric: Metric::TpotMean,
        made: |ms| 1000.0 / ms,
        amount: || Amount::inverse(1000.0, Metric::TpotMean),
        title: "generation, tokens/s",
    },
];

fn prepare(folder: &Folder<'_>) -> Prepared {
    let runs = folder.runs()?;
    let beside = PrintedBeside::new(folder.path, runs)?;
    let key = |name: &str| runs.keys.iter().position(|key| key == name);
    let (Some(edge), Some(cloud)) = (key("edge.device"), key("cloud.device")) else { return Ok(None) };
    let Some(bandwidth) = key(RunRow::bandwidth_mbps.name) else { return Ok(None) };
    let of_kind = |kind: &str| -> Vec<String> {
        let own = |label: &&str| beside.policies().iter().any(|policy| policy.label == **label && policy.kind == kind);
        runs.policies().into_iter().filter(own).map(str::to_owned).collect()
    };
    let groups = ["edge_only", "cloud_only", "mindfusion"].map(of_kind);
    if groups[2].is_empty() {
        return Ok(None);
    }
    let policies: Vec<String> = groups.concat();
    let table =
        Devices { runs, beside: &beside, looks: folder.looks(&policies)?, policies, keys: [edge, cloud, bandwidth] };
    let [phones, machines, pairs] = groups;
    let links = Levels::of(runs.cells.iter().map(|cell| cell.values[bandwidth].as_str())).texts;
    let numbers = pairs.len().max(1) + 1;
    let mut sections = vec![table.section("phone alone", &phones, [true, false], None, numbers)];
    for mbps in links.iter().rev() {
        let title = format!("machine alone, {mbps} Mbps");
        sections.push(table.section(&title, &machines, [false, true], Some(mbps), numbers));
    }
    for mbps in links.iter().rev() {
        sections.push(table.section(&format!("both, {mbps} Mbps"), &pairs, [true, true], Some(mbps), numbers));
    }
    let sections = chosen(sections);
    if !(1..=MOST_ROWS).contains(&sections.iter().map(|section| section.rows.len()).sum()) {
        return Ok(None);
    }
    let cells = |column: usize| sections.iter().flat_map(|section| &section.rows).map(move |row| &row.cells[column]);
    let column = |(index, speed): (usize, &Speed)| Column {
        title: speed.title.to_owned(),
        axis: axis(cells(index), 5, Scale::Log),
    };
    let columns = COLUMNS.iter().enumerate().map(column).collect();
    let head = Head::new(WIDTH, table.title(&phones, &machines, &pairs), &how(&beside, &pairs, &sections)).with_legend(
        &table.policies,
        &table.looks,
        Sample::Point,
    );
    let head = head.with_room_behind(PRINTED_SAMPLE);
    Ok(Some(Box::new(DotTable { width: WIDTH, head, columns, in_a_row: 2, sections })))
}

/// The explanation of the figure.
fn how(beside: &PrintedBeside, pairs: &[String], sections: &[Section]) -> String {
    let layers = |label: &String| {
        let policy = beside.policies().iter().find(|policy| policy.label == *label);
        let layers = policy.and_then(|policy| policy.settings.get("layers_on_device"));
        format!("{} ({label})", layers.map_or("the default", String::as_str))
    };
    let layers: Vec<String> = pairs.iter().map(layers).collect();
    let layers = listed(&layers.iter().map(String::as_str).collect::<Vec<_>>());
    let printed = sections.iter().flat_map(|section| &section.rows).any(is_printed);
    let shown = if printed {
        " Shown are the pairs and links that the paper prints; the speed of each device alone is taken from it."
    } else {
        ""
    };
    format!("Logarithmic axes. Layers on the phone, which the paper leaves open: {layers}.{shown}")
}

fn is_printed(row: &Row) -> bool {
    row.cells.iter().any(|cell| cell.printed.is_some())
}

/// The rows with a printed value, if there are any; otherwise all.
fn chosen(sections: Vec<Section>) -> Vec<Section> {
    let any = sections.iter().flat_map(|section| &section.rows).any(is_printed);
    let kept = sections.into_iter().map(|mut section| {
        section.rows.retain(|row| is_printed(row) || !any);
        section
    });
    kept.filter(|section| !section.rows.is_empty()).collect()
}

struct Devices<'r> {
    runs: &'r Runs,
    beside: &'r PrintedBeside,
    policies: Vec<String>,
    looks: Vec<Look>,
    /// Indices of the keys: the devices of both sides and the bandwidth.
    keys: [usize; 3],
}

impl Devices<'_> {
    /// The title: the first token of MindFusion against those of the phone and of the machine alone, over all pairs and links.
    fn title(&self, phones: &[String], machines: &[String], pairs: &[String]) -> String {
        let times = |alone: &[String], whose: &str| {
            let ratios = self.ratios(pairs, alone);
            let (least, most) = (ratios.iter().copied().reduce(f64::min)?, ratios.iter().copied().reduce(f64::max)?);
            let [least, most] = [least, most].map(|ratio| short(ratio, 2));
            let range = if least == most { least } else { format!("{least} to {most}") };
            Some(format!("{range} times the {whose}'s time"))
        };
        let said = [times(phones, "phone"), times(machines, "machine")];
        let told = said.iter().flatten().map(String::as_str).collect::<Vec<_>>();
        let long = format!("First token of MindFusion: {}", told.join(", "));
        let first =
            told.first().map_or_else(|| FIGURE.title.to_owned(), |told| format!("First token of MindFusion: {told}"));
        fitting(WIDTH, [if told.is_empty() { FIGURE.title.to_owned() } else { long }, first])
    }

    /// The times to the first token of these policies over those of the first of the others, point by point.
    fn ratios(&self, of: &[String], against: &[String]) -> Vec<f64> {
        let column = self.runs.metric(Metric::TtftMean);
        let mean = |cell: &Cell| column.all_of(cell).map(|values| Estimate::of(&values).mean);
        let base = |cell: &Cell| {
            let is_it = |other: &&Cell| other.point == cell.point && against.first() == Some(&other.policy);
            self.runs.cells.iter().find(is_it).and_then(mean)
        };
        let own = self.runs.cells.iter().filter(|cell| of.contains(&cell.policy));
        let ratio = |cell: &Cell| Some(mean(cell)? / base(cell)?);
        own.filter_map(ratio).filter(|ratio| ratio.is_finite()).collect()
    }

    /// A row for each device, or pair of devices, that a section is of.
    fn section(
        &self,
        title: &str,
        policies: &[String],
        sides: [bool; 2],
        mbps: Option<&String>,
        numbers: usize,
    ) -> Section {
        let of = |cell: &Cell| {
            let own = |(side, key): (bool, usize)| side.then(|| cell.values[key].clone());
            let names: Vec<String> = sides.into_iter().zip(self.keys).filter_map(own).collect();
            names.join(" + ")
        };
        let is_here = |cell: &&Cell| mbps.is_none_or(|mbps| cell.values[self.keys[2]] == *mbps);
        let cells: Vec<(String, &Cell)> = self.runs.cells.iter().filter(is_here).map(|cell| (of(cell), cell)).collect();
        let mut labels: Vec<&str> = Vec::new();
        for (label, _) in &cells {
            if !labels.contains(&label.as_str()) {
                labels.push(label);
            }
        }
        let row = |label: &&str| {
            let own: Vec<&Cell> = cells.iter().filter(|(own, _)| own == label).map(|(_, cell)| *cell).collect();
            // Alone, it does not matter what stands at the other side: the first is as good as any.
            let of = |policy: &String| own.iter().find(|cell| cell.policy == *policy).copied();
            let found: Vec<&Cell> = policies.iter().filter_map(of).collect();
            let dots = COLUMNS.iter().map(|column| self.dot(column, &found, numbers)).collect();
            let look = (policies.len() == 1).then(|| self.look(&policies[0]));
            Row { label: (*label).to_owned(), look, cells: dots }
        };
        let rows: Vec<Row> = labels.iter().map(row).filter(|row| !row.cells[0].simulated.is_empty()).collect();
        let mut heads: Vec<String> = vec![String::new(); numbers - 1 - policies.len().min(numbers - 1)];
        match policies {
            [_] => heads.push("simulated".to_owned()),
            _ => heads.extend(policies.iter().cloned()),
        }
        heads.push("printed".to_owned());
        Section { title: title.to_owned(), heads, rows }
    }

    fn look(&self, policy: &str) -> Look {
        let index = self.policies.iter().position(|own| own == policy);
        self.looks[index.expect("policies of the table have a look")]
    }

    fn dot(&self, column: &Speed, cells: &[&Cell], numbers: usize) -> Dot {
        let Speed { metric, made, amount, .. } = column;
        let value = |cell: &&Cell| {
            let values: Vec<f64> = self.runs.metric(*metric).all_of(cell)?.into_iter().map(made).collect();
            // Nothing else has a place on a logarithmic axis.
            let estimate = Some(Estimate::of(&values)).filter(|value| value.mean.is_finite() && value.mean > 0.0);
            estimate.map(|estimate| (self.look(&cell.policy), estimate))
        };
        let simulated: Vec<(Look, Estimate)> = cells.iter().filter_map(value).collect();
        let amount = amount();
        let printed = cells.iter().find_map(|cell| self.beside.of(&amount, cell));
        // A time is printed in seconds and asked for in milliseconds; a speed is as it is.
        let printed = printed.map(|value| if amount == Amount::sum(&[*metric]) { made(value) } else { value });
        let mut texts = vec![String::new(); numbers - 1 - simulated.len().min(numbers - 1)];
        texts.extend(simulated.iter().map(|(_, value)| rounded(value.mean, 3)));
        texts.push(printed.map_or_else(String::new, |printed| rounded(printed, 3)));
        Dot { simulated, printed, from: None, numbers: texts, parts: Vec::new(), upto: None }
    }
}
