//! The requests of a fleet by the group of edges that they came in at: counts, latencies, accuracy, and the pools that worked
//! for them. Requests of the warm-up do not count.

use crate::estimate::Estimate;
use crate::frame::{self, ReportError};
use crate::manifest::Manifest;
use comfy_table::{CellAlignment, Table, presets};
use std::collections::BTreeMap;
use std::path::Path;
use tables::RequestRow;

/// Most rows of the printed table; a sweep has more in `requests.parquet`.
const MOST_ROWS: usize = 40;

/// The requests of one group under one policy at one point.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct OfGroup {
    /// By replication.
    replications: BTreeMap<u32, Sums>,
    /// Requests by pool; those that no pool worked for are not here.
    pools: BTreeMap<String, u64>,
}

/// Sums over requests of one replication.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    requests: u64,
    answered: u64,
    e2e_ms: f64,
    ttft_ms: f64,
    known: u64,
    correct: f64,
}

/// The number of a point, a policy and a group.
pub(crate) type Place = (u32, String, String);

impl OfGroup {
    /// Requests of all replications.
    pub fn requests(&self) -> u64 {
        self.replications.values().map(|sums| sums.requests).sum()
    }

    /// Mean time to the last token over replications, milliseconds; none without an answer.
    pub fn e2e_ms(&self) -> Option<Estimate> {
        self.mean(|sums| sums.e2e_ms / sums.answered as f64, |sums| sums.answered)
    }

    /// Mean time to the first token over replications, milliseconds; none without an answer.
    pub fn ttft_ms(&self) -> Option<Estimate> {
        self.mean(|sums| sums.ttft_ms / sums.answered as f64, |sums| sums.answered)
    }

    /// Share of right answers over replications, per cent; none where nothing is known of them.
    pub fn accuracy_pct(&self) -> Option<Estimate> {
        self.mean(|sums| 100.0 * sums.correct / sums.known as f64, |sums| sums.known)
    }

    /// Share of its requests that a pool worked for, per cent.
    pub fn pool_pct(&self, pool: &str) -> f64 {
        100.0 * *self.pools.get(pool).unwrap_or(&0) as f64 / self.requests() as f64
    }

    fn mean(&self, of: impl Fn(&Sums) -> f64, many: impl Fn(&Sums) -> u64) -> Option<Estimate> {
        let values: Vec<f64> = self.replications.values().filter(|sums| many(sums) > 0).map(of).collect();
        (!values.is_empty()).then(|| Estimate::of(&values))
    }
}

/// The groups and pools of a folder that has several of either.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    /// The policies, in the order of the table.
    pub policies: Vec<String>,
    /// The pools by name.
    pub pools: Vec<String>,
    /// The requests of each group.
    pub by_place: BTreeMap<Place, OfGroup>,
}

impl Groups {
    /// Reads the requests of a folder; none if it is of one group and one pool.
    ///
    /// # Errors
    ///
    /// If the requests cannot be read.
    pub fn read(folder: &Path) -> Result<Option<Self>, ReportError> {
        let manifest = Manifest::read(folder)?;
        let is_fleet = !manifest.groups.is_empty() || !manifest.pools.is_empty();
        if !is_fleet || !folder.join("requests.parquet").exists() {
            return Ok(None);
        }
        let mut all = Self { pools: manifest.pools, ..Self::default() };
        let table = frame::open::<RequestRow>(folder)?;
        for part in 0..table.groups() {
            let places =
                table.column(part, RequestRow::point)?.into_iter().zip(table.column(part, RequestRow::policy)?);
            let places = places.zip(table.column(part, RequestRow::group)?).zip(table.column(part, RequestRow::pool)?);
            let runs =
                table.column(part, RequestRow::replication)?.into_iter().zip(table.column(part, RequestRow::warm_up)?);
            let times =
                table.column(part, RequestRow::e2e_ms)?.into_iter().zip(table.column(part, RequestRow::ttft_ms)?);
            let answers = times.zip(table.column(part, RequestRow::correct)?);
            for ((place, (replication, warm_up)), ((e2e, ttft), correct)) in places.zip(runs).zip(answers) {
                let (((point, policy), group), pool) = place;
                if warm_up {
                    continue;
                }
                if !all.policies.iter().any(|known| **known == *policy) {
                    all.policies.push(policy.to_string());
                }
                let of = all.by_place.entry((point, policy.to_string(), group.to_string())).or_default();
                if !pool.is_empty() {
                    *of.pools.entry(pool.to_string()).or_default() += 1;
                }
                let sums = of.replications.entry(replication).or_default();
                sums.requests += 1;
                if let Some((e2e, ttft)) = e2e.zip(ttft) {
                    (sums.answered, sums.e2e_ms, sums.ttft_ms) =
                        (sums.answered + 1, sums.e2e_ms + e2e, sums.ttft_ms + ttft);
                }
                if let Some(correct) = correct {
                    (sums.known, sums.correct) = (sums.known + 1, sums.correct + correct);
                }
            }
        }
        Ok(Some(all))
    }

    /// Each group under each policy at a point, policies in their order.
    pub fn at(&self, point: u32) -> impl Iterator<Item = (&str, &str, &OfGroup)> {
        let of_policy = move |policy: &String| {
            let wanted = policy.clone();
            self.by_place.iter().filter(move |((at, by, _), _)| *at == point && *by == wanted)
        };
        self.policies.iter().flat_map(of_policy).map(|((_, policy, group), of)| (policy.as_str(), group.as_str(), of))
    }

    /// The numbers of its points.
    pub fn points(&self) -> Vec<u32> {
        let mut points: Vec<u32> = self.by_place.keys().map(|(point, ..)| *point).collect();
        points.dedup();
        points
    }
}

/// A table by group of edges, as text; empty for a folder of one group and one pool.
///
/// # Errors
///
/// If the requests of the folder cannot be read.
pub fn table_of_groups(folder: &Path) -> Result<String, ReportError> {
    let Some(groups) = Groups::read(folder)? else { return Ok(String::new()) };
    let points = groups.points();
    let several = points.len() > 1;
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let names = several.then_some("point").into_iter().chain([
        "policy",
        "group",
        "requests",
        "E2E ms",
        "TTFT ms",
        "accuracy %",
    ]);
    let names = names.map(str::to_owned).chain(groups.pools.iter().map(|pool| format!("in {pool} %")));
    table.set_header(names);
    let rows = points.iter().flat_map(|point| groups.at(*point).map(move |row| (point, row)));
    let all = groups.by_place.len();
    for (point, (policy, group, of)) in rows.take(MOST_ROWS) {
        let figure = |estimate: Option<Estimate>| estimate.map_or("-".to_owned(), |one| shown(one, 1));
        let figures = [figure(of.e2e_ms()), figure(of.ttft_ms()), figure(of.accuracy_pct())];
        let pools = groups.pools.iter().map(|pool| format!("{:.1}", of.pool_pct(pool)));
        let names = several.then(|| point.to_string()).into_iter().chain([policy.to_owned(), group.to_owned()]);
        table.add_row(names.chain([of.requests().to_string()]).chain(figures).chain(pools));
    }
    let more = all.saturating_sub(MOST_ROWS);
    let more = if more > 0 { format!("and {more} more rows, of requests.parquet\n") } else { String::new() };
    Ok(format!("\n{}\n{more}", aligned(table, 2 + usize::from(several))))
}

/// The lines of a table, whose columns are numbers behind so many names.
pub(crate) fn aligned(mut table: Table, names: usize) -> String {
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if index >= names {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A mean with its interval, where that is seen.
pub(crate) fn shown(estimate: Estimate, decimals: usize) -> String {
    let half = estimate.ci95.map(|half| format!("{half:.decimals$}"));
    let half = half.filter(|half| half.contains(['1', '2', '3', '4', '5', '6', '7', '8', '9']));
    half.map_or_else(|| format!("{:.decimals$}", estimate.mean), |half| format!("{:.decimals$} ±{half}", estimate.mean))
}
