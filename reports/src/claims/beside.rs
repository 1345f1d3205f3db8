//! The papers' values beside the runs of a results folder, for figures that show both.
//!
//! A printed value stands beside a policy at a point only where it is of that system, data set and bandwidth.

use super::answer::{Scene, comparable, is_system};
use super::papers::{CLAIMS, Claim, Printed};
use super::question::{Amount, Measure, Over, Question, SystemSpec};
use crate::frame::ReportError;
use crate::manifest::PolicySettings;
use crate::runs::{Cell, Runs};
use std::path::Path;

/// The printed values, by a folder's policies and points.
pub(crate) struct PrintedBeside(Scene);

impl PrintedBeside {
    /// For the runs of a results folder.
    pub fn new(folder: &Path, runs: &Runs) -> Result<Self, ReportError> {
        Scene::read(folder, runs).map(Self)
    }

    /// The policies of the folder, and what they set.
    pub fn policies(&self) -> &[PolicySettings] {
        &self.0.manifest.policies
    }

    /// The printed value of an amount, such as `a + b` or `1000 / c`, under a policy at a point, in the unit of its
    /// metrics.
    pub fn of(&self, amount: &Amount, cell: &Cell) -> Option<f64> {
        self.of_place("", amount, cell)
    }

    /// The same, as it stands at a place of a paper, such as `Fig.9`.
    pub fn of_place(&self, place: &str, amount: &Amount, cell: &Cell) -> Option<f64> {
        self.asked(amount, cell).find_map(|(claim, question)| {
            let stands_there = question.is_of_one_value() && claim.place.starts_with(place);
            let value = claim.printed.number().filter(|_| stands_there)?;
            Some(if claim.unit == "s" && question.amount.is_in_ms() { 1000.0 * value } else { value })
        })
    }

    /// From what to what it is printed to be over several points of which this is one; either end may be open.
    pub fn range(&self, amount: &Amount, cell: &Cell) -> [Option<f64>; 2] {
        let claims = self.asked(amount, cell).filter(|(_, question)| question.measure == Measure::Value);
        claims.fold([None, None], |[low, high], (claim, question)| match (&claim.printed, question.over) {
            (Printed::Range(least, _), Over::Min) => [low.or(*least), high],
            (Printed::Range(_, most), Over::Max) => [low, high.or(*most)],
            (Printed::Range(least, most), Over::Worst) => [low.or(*least), high.or(*most)],
            _ => [low, high],
        })
    }

    /// By how much an amount of one policy is printed to differ from that of another at the same point: in per cent, or in
    /// the points of an accuracy.
    pub fn change(&self, amount: &Amount, of: &Cell, from: &Cell) -> Option<f64> {
        let from = self.0.manifest.policy(&from.policy)?;
        self.asked(amount, of).find_map(|(claim, question)| {
            let differs = matches!(question.measure, Measure::Change | Measure::Difference);
            let against = question.against.iter().any(|spec| is_system(from, spec));
            claim.printed.number().filter(|_| differs && against)
        })
    }

    /// The setting of these by which one policy is another without a part, and is alike in everything else.
    pub fn is_without<'s>(
        &self,
        part: &PolicySettings,
        whole: &PolicySettings,
        settings: &[&'s str],
    ) -> Option<&'s str> {
        let system = |setting: Option<&str>| {
            let setting = setting.map(str::to_owned);
            SystemSpec { kind: whole.kind.clone(), setting, value: None }
        };
        let full = system(None);
        let is_part = |setting: &&&str| {
            let spec = system(Some(setting));
            is_system(part, &spec) && is_system(whole, &full) && comparable((part, &spec), (whole, &full))
        };
        settings.iter().find(is_part).copied()
    }

    /// The claims of an amount under a policy that can be of this point.
    fn asked<'a>(
        &'a self,
        amount: &'a Amount,
        cell: &Cell,
    ) -> impl Iterator<Item = (&'static Claim, &'static Question)> + 'a {
        let (cell, policy) = (cell.clone(), self.0.manifest.policy(&cell.policy));
        CLAIMS.iter().filter_map(move |claim| {
            let question = claim.question.as_ref()?;
            let of_all = question.class.is_none();
            let asked = of_all && question.amount == *amount && is_system(policy?, &question.of);
            (asked && self.0.is_at(claim, question, &cell)).then_some((claim, question))
        })
    }
}
