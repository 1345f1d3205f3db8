//! `ablation`: what MSAO loses without one of its parts (the paper's Fig. 9): accuracy, latency, computing and memory of each
//! whole system and of the same without a part, the change, and what the paper prints of both.

use super::bars::group_name;
use super::dots::{Cell as Dot, Column, DotTable, Row, Scale, Section, axis, signed, signed_interval, with_interval};
use super::layout::{Head, fitting};
use super::{Figure, Folder, Prepared};
use crate::claims::{Amount, PrintedBeside};
use crate::estimate::Estimate;
use crate::runs::{Cell, Runs};
use drawing::{Look, grouped};
use tables::{Metric, RunRow};

/// The line of the list.
pub(super) const FIGURE: Figure =
    Figure { name: "ablation", title: "What MSAO loses without one of its parts", needs: &[RunRow::DOC], prepare };

const KIND: &str = "msao";

/// The place in the paper: elsewhere it prints other values of the whole system.
const PLACE: &str = "Fig.9";

/// The setting that takes a part away, and what is missing then.
const PARTS: [(&str, &str); 2] = [
    ("plan.modality_awareness", "without modality-awareness"),
    ("semantics.route.static", "without collaborative scheduling"),
];

/// Four numbers beside each point need room.
const WIDTH: u32 = 1120;

/// More whole systems and points than this are a sweep's.
const MOST_SECTIONS: usize = 8;

/// An amount whose loss is shown.
struct Amounted {
    columns: &'static [Metric],
    title: &'static str,
    /// Its name in the figure's title.
    called: &'static str,
    decimals: usize,
    /// True if its change is in points, not in per cent.
    in_points: bool,
}

impl Amounted {
    /// The change from one value to another, in points or per cent.
    fn change(&self, of: f64, from: f64) -> f64 {
        if self.in_points { of - from } else { 100.0 * (of / from - 1.0) }
    }

    fn unit(&self) -> &'static str {
        if self.in_points { "pt" } else { "%" }
    }
}

const AMOUNTS: [Amounted; 4] = [
    Amounted { columns: &[Metric::Accuracy], title: "accuracy, %", called: "accuracy", decimals: 1, in_points: true },
    Amounted {
        columns: &[Metric::E2eMean],
        title: "end-to-end latency, ms",
        called: "latency",
        decimals: 0,
        in_points: false,
    },
    Amounted {
        columns: &[Metric::EdgeFlop, Metric::CloudFlop],
        title: "computing of both tiers, TFLOP a request",
        called: "computing",
        decimals: 2,
        in_points: false,
    },
    Amounted {
        columns: &[Metric::Memory],
        title: "memory of both tiers, GB",
        called: "memory",
        decimals: 1,
        in_points: false,
    },
];

const HEADS: [&str; 4] = ["simulated", "change", "printed", "change"];

fn prepare(folder: &Folder<'_>) -> Prepared {
    let runs = folder.runs()?;
    let beside = PrintedBeside::new(folder.path, runs)?;
    let applies = |metric: &Metric| runs.cells.iter().any(|cell| runs.metric(*metric).all_of(cell).is_some());
    let amounts: Vec<&Amounted> = AMOUNTS.iter().filter(|amount| amount.columns.iter().all(applies)).collect();
    let policies: Vec<String> = runs.policies().into_iter().map(str::to_owned).collect();
    let ablation = Ablation { runs, beside: &beside, amounts: &amounts, looks: folder.looks(&policies)? };
    let sections = ablation.sections();
    if sections.is_empty() || amounts.is_empty() || sections.len() > MOST_SECTIONS {
        return Ok(None);
    }
    let cells = |column: usize| sections.iter().flat_map(|section| &section.rows).map(move |row| &row.cells[column]);
    let column = |(index, metric): (usize, &&Amounted)| Column {
        title: metric.title.to_owned(),
        axis: axis(cells(index), 4, Scale::Close),
    };
    let columns = amounts.iter().enumerate().map(column).collect();
    let replications = runs.cells.iter().map(|cell| runs.seeds(cell).len()).max().unwrap_or(0);
    let how = format!(
        "Grey lines: the whole system. Other rows lack a part and show the change from it: points (pt) of accuracy, per cent \
         of the rest. {} The paper gives no unit of computing and memory.",
        match replications {
            1 => "One replication: no intervals.".to_owned(),
            more => format!(
                "Mean of {more} replications; whiskers and ±: 95 % confidence interval, of the paired change for rows that lack a part."
            ),
        }
    );
    let head = Head::new(WIDTH, ablation.title(), &how);
    Ok(Some(Box::new(DotTable { width: WIDTH, head, columns, in_a_row: 2, sections })))
}

struct Ablation<'r> {
    runs: &'r Runs,
    beside: &'r PrintedBeside,
    /// The amounts that apply to a run of the folder.
    amounts: &'r [&'static Amounted],
    /// The looks of all policies.
    looks: Vec<Look>,
}

impl Ablation<'_> {
    /// A section for each point and whole system that is there with and without a part.
    fn sections(&self) -> Vec<Section> {
        let mut sections = Vec::new();
        for whole in &self.runs.cells {
            let parts = self.without_parts(whole);
            if parts.is_empty() {
                continue;
            }
            let rows = std::iter::once(self.row(whole, None, "whole".to_owned()));
            let twice = |part: usize| parts.iter().filter(|(other, _)| *other == part).count() > 1;
            let lacking = parts.iter().map(|(part, cell)| {
                let name = PARTS[*part].1.to_owned();
                let label = if twice(*part) { format!("{name} ({})", cell.policy) } else { name };
                self.row(cell, Some(whole), label)
            });
            let rows = rows.chain(lacking).collect();
            sections.push(Section { title: self.place(whole), heads: HEADS.map(str::to_owned).to_vec(), rows });
        }
        sections
    }

    /// The cells at the point of a whole system that lack one of its parts, by the part.
    fn without_parts(&self, whole: &Cell) -> Vec<(usize, &Cell)> {
        let policies = self.beside.policies();
        let of = |cell: &Cell| policies.iter().find(|policy| policy.label == cell.policy && policy.kind == KIND);
        let settings = PARTS.map(|(setting, _)| setting);
        let Some(policy) = of(whole) else { return Vec::new() };
        let without = |cell: &Cell| {
            let setting = self.beside.is_without(of(cell)?, policy, &settings)?;
            PARTS.iter().position(|(own, _)| *own == setting)
        };
        let at_point = self.runs.cells.iter().filter(|cell| cell.point == whole.point);
        let mut parts: Vec<(usize, &Cell)> = at_point.filter_map(|cell| Some((without(cell)?, cell))).collect();
        parts.sort_by_key(|(part, _)| *part);
        parts
    }

    /// The title: how much of the first two amounts changes without each part, over all whole systems.
    fn title(&self) -> String {
        let said = |part: usize, amounts: usize| {
            let changes: Vec<String> =
                self.amounts.iter().take(amounts).filter_map(|amount| self.change(amount, part)).collect();
            (!changes.is_empty()).then(|| format!("{}: {}", PARTS[part].1, changes.join(", ")))
        };
        let told = |amounts: usize| {
            let all: Vec<String> = (0..PARTS.len()).filter_map(|part| said(part, amounts)).collect();
            let mut all = all.join("; ");
            // Each part's words begin with a small letter.
            all.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
            all
        };
        let told = [told(2), told(1)].into_iter().filter(|title| !title.is_empty());
        fitting(WIDTH, told.chain([FIGURE.title.to_owned()]))
    }

    /// The mean change of an amount without a part, in words; none if no system lacks it, or nothing changes.
    fn change(&self, amount: &Amounted, part: usize) -> Option<String> {
        let own = |whole: &Cell| {
            let lacking = self.without_parts(whole).into_iter().filter(|(other, _)| *other == part);
            let change = |(_, cell)| {
                let [of, from] =
                    [cell, whole].map(|cell| self.values(amount, cell).map(|values| Estimate::of(&values).mean));
                Some(amount.change(of?, from?))
            };
            lacking.filter_map(change).collect::<Vec<f64>>()
        };
        let changes: Vec<f64> = self.runs.cells.iter().flat_map(own).collect();
        let (least, most) = (changes.iter().copied().reduce(f64::min)?, changes.iter().copied().reduce(f64::max)?);
        let [least, most] = [least, most].map(|change| signed(change, 1));
        let range = if least == most { least } else { format!("{least} to {most}") };
        // What does not change is left out.
        (range != signed(0.0, 1)).then(|| format!("{} {range} {}", amount.called, amount.unit()))
    }

    fn place(&self, cell: &Cell) -> String {
        let dataset =
            self.runs.keys.iter().position(|key| *key == RunRow::dataset.name).map(|key| cell.values[key].clone());
        let more = group_name(self.runs, cell);
        let parts =
            dataset.into_iter().chain(Some(cell.policy.clone())).chain(Some(more).filter(|more| !more.is_empty()));
        parts.collect::<Vec<_>>().join(", ")
    }

    fn row(&self, cell: &Cell, whole: Option<&Cell>, label: String) -> Row {
        let place = self.runs.policies().iter().position(|policy| *policy == cell.policy);
        let look = self.looks[place.expect("each cell has a policy")];
        let dot = |metric: &&Amounted| self.dot(metric, look, cell, whole);
        Row { label, look: Some(look), cells: self.amounts.iter().map(dot).collect() }
    }

    fn dot(&self, metric: &Amounted, look: Look, cell: &Cell, whole: Option<&Cell>) -> Dot {
        let Some(values) = self.values(metric, cell) else { return Dot::default() };
        let from = self.values(metric, whole.unwrap_or(cell)).filter(|from| from.len() == values.len());
        let from = from.unwrap_or_else(|| values.clone());
        let changes: Vec<f64> = values.iter().zip(&from).map(|(of, from)| metric.change(*of, *from)).collect();
        let unit = metric.unit();
        let changed =
            |value: Option<f64>| value.map_or_else(String::new, |value| format!("{} {unit}", signed(value, 1)));
        let amount = Amount::sum(metric.columns);
        let (simulated, change_here) = (Estimate::of(&values), Estimate::of(&changes));
        // Of a change, pairs of runs tell more than either side.
        let shown = match whole {
            Some(_) => Estimate { ci95: Estimate::paired(&values, &from).ci95, ..simulated },
            None => simulated,
        };
        let printed = self.beside.of_place(PLACE, &amount, cell);
        // What is not printed as a change is one of printed values.
        let of_printed = || Some(metric.change(printed?, self.beside.of_place(PLACE, &amount, whole?)?));
        let printed_change = whole.and_then(|whole| self.beside.change(&amount, cell, whole)).or_else(of_printed);
        let numbers = vec![
            match whole {
                Some(_) => grouped(simulated.mean, metric.decimals),
                None => with_interval(simulated, metric.decimals),
            },
            whole.map_or_else(String::new, |_| format!("{} {unit}", signed_interval(change_here, 1))),
            printed.map_or_else(String::new, |printed| grouped(printed, metric.decimals)),
            changed(printed_change),
        ];
        Dot {
            simulated: vec![(look, shown)],
            printed,
            from: Some(Estimate::of(&from).mean),
            numbers,
            parts: Vec::new(),
            upto: None,
        }
    }

    /// The value of each run; `None` if a run has none.
    fn values(&self, metric: &Amounted, cell: &Cell) -> Option<Vec<f64>> {
        let all: Option<Vec<Vec<f64>>> =
            metric.columns.iter().map(|column| self.runs.metric(*column).all_of(cell)).collect();
        let all = all?;
        Some((0..all.first()?.len()).map(|run| all.iter().map(|column| column[run]).sum()).collect())
    }
}
