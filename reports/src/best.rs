//! The best points of a sweep, by one metric under constraints or by several at once (the Pareto front).
//!
//! A candidate is a policy at a point; its figures are means over replications. What failed, or what a metric in question
//! does not apply to, is no candidate, and is counted.

mod question;
mod shown;

use crate::estimate::Estimate;
use crate::frame::ReportError;
use crate::runs::{Cell, Runs, Values};
pub use question::{Constraint, Objective, Per, Question};
use std::cmp::Ordering;

/// A policy at a point, with its figures.
#[derive(Clone, Debug)]
struct Candidate<'r> {
    cell: &'r Cell,
    /// Number of the group within which it is compared.
    group: usize,
    /// The means of the objectives, then those of metrics with a constraint alone.
    figures: Vec<Estimate>,
}

/// The answer, the best first.
#[derive(Clone, Debug)]
pub struct Answer<'r> {
    runs: &'r Runs,
    metrics: Vec<String>,
    objectives: Vec<Objective>,
    found: Vec<Candidate<'r>>,
    /// Policies at points that were looked at.
    looked_at: usize,
    failed: usize,
    without: usize,
    outside: usize,
    /// Those whose interval reaches over the bound of a constraint.
    unsure: usize,
    by_mean: bool,
    /// The places of the keys that make a group, and their values in each.
    per: Vec<usize>,
    groups: Vec<Vec<String>>,
}

/// Finds the best points by one objective, or the Pareto front of several.
///
/// # Errors
///
/// If there is no such metric or policy; the nearest known name is given.
pub fn best<'r>(runs: &'r Runs, question: &Question) -> Result<Answer<'r>, ReportError> {
    let Question { objectives, constraints, policy, per, by_mean } = question;
    if let Some(policy) = policy {
        runs.policy(policy)?;
    }
    let mut metrics: Vec<String> = objectives.iter().map(|objective| objective.metric.clone()).collect();
    for constraint in constraints.iter().filter(|constraint| !objectives.iter().any(|o| o.metric == constraint.metric))
    {
        if !metrics.contains(&constraint.metric) {
            metrics.push(constraint.metric.clone());
        }
    }
    let columns = metrics.iter().map(|name| runs.metric_named(name)).collect::<Result<Vec<_>, _>>()?;
    let objectives = objectives.clone();
    let mut answer = Answer {
        runs,
        metrics,
        objectives,
        found: Vec::new(),
        looked_at: 0,
        failed: 0,
        without: 0,
        outside: 0,
        unsure: 0,
        by_mean: *by_mean,
        per: per.places(runs)?,
        groups: Vec::new(),
    };
    // A point that failed as a whole has no policy: it failed for each.
    let asked = |cell: &&Cell| cell.policy.is_empty() || policy.as_ref().is_none_or(|policy| *policy == cell.policy);
    for cell in runs.cells.iter().filter(asked) {
        answer.consider(cell, &columns, constraints);
    }
    answer.sort();
    if answer.objectives.len() > 1 {
        answer.keep_the_front();
    }
    Ok(answer)
}

impl<'r> Answer<'r> {
    fn consider(&mut self, cell: &'r Cell, columns: &[Values<'r>], constraints: &[Constraint]) {
        self.looked_at += 1;
        if self.runs.failures(cell).next().is_some() {
            self.failed += 1;
            return;
        }
        let figures = columns.iter().map(|column| column.all_of(cell).map(|values| Estimate::of(&values)));
        let Some(figures) = figures.collect::<Option<Vec<_>>>() else {
            self.without += 1;
            return;
        };
        let place = |name: &str| self.metrics.iter().position(|metric| metric == name).expect("a column for each");
        let holds = |constraint: &Constraint| {
            let figure = figures[place(&constraint.metric)];
            if self.by_mean { Some(constraint.holds(figure.mean)) } else { constraint.surely_holds(figure) }
        };
        let verdicts: Vec<Option<bool>> = constraints.iter().map(holds).collect();
        if verdicts.contains(&Some(false)) {
            self.outside += 1;
        } else if verdicts.contains(&None) {
            self.unsure += 1;
        } else {
            let group = self.group(cell);
            self.found.push(Candidate { cell, group, figures });
        }
    }

    /// The number of a cell's group, in the order of the table.
    fn group(&mut self, cell: &Cell) -> usize {
        let values: Vec<String> = self.per.iter().map(|key| cell.values[*key].clone()).collect();
        self.groups.iter().position(|known| *known == values).unwrap_or_else(|| {
            self.groups.push(values);
            self.groups.len() - 1
        })
    }

    /// Group by group, then by the first objective, then by the next; equal ones stay in the order of the table.
    fn sort(&mut self) {
        let objectives = &self.objectives;
        self.found.sort_by(|a, b| {
            let orders = objectives.iter().enumerate().map(|(i, o)| o.order(a.figures[i].mean, b.figures[i].mean));
            orders.fold(a.group.cmp(&b.group), Ordering::then)
        });
    }

    /// The first `top` of each group, each with its rank in it, from 0.
    fn ranked(&self, top: usize) -> impl Iterator<Item = (usize, &Candidate<'r>)> {
        let groups = self.found.chunk_by(|a, b| a.group == b.group);
        groups.flat_map(move |group| group.iter().enumerate().take(top))
    }

    /// Groups in which something was found.
    pub fn groups(&self) -> usize {
        self.found.chunk_by(|a, b| a.group == b.group).count()
    }

    /// Drops what another candidate is better than in one metric and as good as in all. Sorted as they are, only one that
    /// comes before can be, and then one of the front is.
    fn keep_the_front(&mut self) {
        let objectives = &self.objectives;
        let mut front: Vec<Candidate<'r>> = Vec::new();
        for candidate in self.found.drain(..) {
            let beats =
                |other: &Candidate<'r>| other.group == candidate.group && dominates(objectives, other, &candidate);
            if !front.iter().any(beats) {
                front.push(candidate);
            }
        }
        self.found = front;
    }

    /// Points found: all that hold the constraints, or those on the front.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// True if no point holds the constraints.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// A count of what was judged and what was not, if that is not all, or if nothing was found; none otherwise.
    pub fn shortfall(&self) -> Option<String> {
        let Self { looked_at, failed, without, outside, unsure, .. } = self;
        let judged = looked_at - failed - without;
        if judged == *looked_at && !self.is_empty() {
            return None;
        }
        let metrics = self.metrics.join(" or ");
        let mut said = format!("{judged} of {looked_at} policies at points could be judged");
        if *without > 0 {
            said += &format!("; {without} have no {metrics} in some replication");
        }
        if *failed > 0 {
            said += &format!("; {failed} failed");
        }
        if self.is_empty() && *outside > 0 {
            said += &format!("; {outside} are outside the constraints");
        }
        if self.is_empty() && *unsure > 0 {
            said += &format!("; {unsure} are within by their means, not by their intervals");
        }
        Some(said)
    }

    /// Each found policy and point, in order, with the means of the objectives; what tests hold against other searches.
    #[cfg(test)]
    fn means(&self) -> Vec<(u64, &str, Vec<f64>)> {
        let means = |candidate: &Candidate<'_>| candidate.figures.iter().map(|figure| figure.mean).collect();
        self.found.iter().map(|found| (found.cell.point, found.cell.policy.as_str(), means(found))).collect()
    }
}

fn dominates(objectives: &[Objective], one: &Candidate<'_>, other: &Candidate<'_>) -> bool {
    let orders = objectives.iter().enumerate().map(|(i, o)| o.order(one.figures[i].mean, other.figures[i].mean));
    let (mut better, mut worse) = (false, false);
    for order in orders {
        better |= order == Ordering::Less;
        worse |= order == Ordering::Greater;
    }
    better && !worse
}

#[cfg(test)]
mod tests;
