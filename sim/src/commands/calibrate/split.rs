//! The withheld rows: whole values of an axis, never single rows. A value's hash decides, so the choice is the same
//! everywhere and depends on no other row.

use super::set::{Row, Set};
use clap::ValueEnum;
use std::collections::BTreeSet;

/// An axis of configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Axis {
    /// Some batch sizes, some contexts and some numbers of new tokens, each whole.
    Configuration,
    /// Some batch sizes.
    Batch,
    /// Some contexts.
    Context,
    /// Some numbers of new tokens.
    Tokens,
    /// The longest contexts or prompts, a fifth of their values: how the law extrapolates.
    Longest,
    /// Each model in turn: its rows are predicted from the other models'.
    Model,
    /// Each device in turn.
    Device,
}

impl Axis {
    /// As it is written.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// True if whole sets are withheld.
    pub fn is_of_sets(self) -> bool {
        matches!(self, Self::Model | Self::Device)
    }
}

/// One value in so many is withheld.
const ONE_IN: usize = 6;

/// Axes with fewer values are left whole.
const LEAST_VALUES: usize = 4;

/// The withheld values of a set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Withheld {
    /// Values by axis: new tokens, context, batch.
    values: [BTreeSet<u64>; 3],
    /// True if the rows are of encoders alone, whose FLOP take the place of tokens.
    of_encoders: bool,
}

impl Withheld {
    /// Chooses; `salt` gives another choice, for a split within a split.
    pub fn choose(rows: &[&Row], axis: Axis, salt: &str) -> Self {
        let of_encoders = rows.first().is_some_and(|row| row.is_of_encoders());
        let mut withheld = Self { of_encoders, ..Self::default() };
        for number in 0..3 {
            let wanted = match axis {
                Axis::Configuration => true,
                Axis::Tokens => number == 0,
                Axis::Context => number == 1,
                Axis::Batch => number == 2,
                Axis::Longest | Axis::Model | Axis::Device => false,
            };
            if wanted {
                withheld.values[number] = by_hash(rows, number, salt);
            }
        }
        if axis == Axis::Longest {
            let number = if values(rows, 1).len() >= LEAST_VALUES { 1 } else { 0 };
            let values = values(rows, number);
            let count = if values.len() < LEAST_VALUES { 0 } else { values.len().div_ceil(5) };
            withheld.values[number] = values.into_iter().rev().take(count).collect();
        }
        withheld
    }

    /// True if a row is withheld.
    pub fn has(&self, row: &Row) -> bool {
        row.configuration().iter().zip(&self.values).any(|(value, withheld)| withheld.contains(&key(*value)))
    }

    /// Rows that are kept, and rows that are withheld.
    pub fn split<'r>(&self, rows: &[&'r Row]) -> (Vec<&'r Row>, Vec<&'r Row>) {
        rows.iter().partition(|row| !self.has(row))
    }

    /// In words.
    pub fn told(&self) -> String {
        let names = [if self.of_encoders { "MFLOP of encoders" } else { "new tokens" }, "context", "batch"];
        let told = names.iter().zip(&self.values).filter(|(_, values)| !values.is_empty()).map(|(name, values)| {
            const SHOWN: usize = 12;
            let shown: Vec<String> =
                values.iter().take(SHOWN).map(|value| format!("{}", *value as f64 / 8.0)).collect();
            let more = values.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{name} {}{more}", shown.join(", "))
        });
        told.collect::<Vec<_>>().join("; ")
    }
}

/// A value as it is compared: to an eighth, since means over a generation are no whole numbers.
fn key(value: f64) -> u64 {
    (value * 8.0).round() as u64
}

fn values(rows: &[&Row], number: usize) -> BTreeSet<u64> {
    rows.iter().map(|row| key(row.configuration()[number])).collect()
}

/// One in [`ONE_IN`] of the values: those of the least hash. A value that most rows have is no candidate: nothing would be
/// left to fit to.
fn by_hash(rows: &[&Row], number: usize, salt: &str) -> BTreeSet<u64> {
    let mut values = values(rows, number);
    if values.len() < LEAST_VALUES {
        return BTreeSet::new();
    }
    let count = values.len().div_ceil(ONE_IN);
    values.retain(|value| {
        let with = rows.iter().filter(|row| key(row.configuration()[number]) == *value).count();
        3 * with <= rows.len()
    });
    let mut hashed: Vec<(u64, u64)> =
        values.iter().map(|value| (hash(&format!("{salt} {number} {value}")), *value)).collect();
    hashed.sort_unstable();
    hashed.into_iter().take(count).map(|(_, value)| value).collect()
}

/// FNV-1a, and a last mix so that neighbours are far apart.
fn hash(text: &str) -> u64 {
    let hash = text
        .bytes()
        .fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
    (hash ^ (hash >> 31)).wrapping_mul(0x94D0_49BB_1331_11EB)
}

/// The sets that a set is predicted from where it is withheld whole: those of its kind at other models or devices; of them
/// those of the same engine, if there are any.
pub fn others<'s>(sets: &'s [Set], of: &Set, axis: Axis) -> Vec<&'s Set> {
    let differs = |set: &&Set| match axis {
        Axis::Model => set.place.model.name != of.place.model.name,
        _ => set.place.device.name != of.place.device.name,
    };
    let all: Vec<&Set> = sets.iter().filter(|set| set.kind == of.kind).filter(differs).collect();
    let same: Vec<&Set> = all.iter().copied().filter(|set| set.place.engine == of.place.engine).collect();
    if same.is_empty() { all } else { same }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::calibrate::set::load;
    use model::step::{Step, StepKind};

    fn rows() -> Vec<Row> {
        let row = |batch, context| Row {
            step: Step { load: load(StepKind::Decode, batch, 1, context, true), items: u64::from(batch) },
            ms: 1.0,
            each: Vec::new(),
        };
        (0..8).flat_map(|b| (0..10).map(move |c| row(1 << b, 100.0 * f64::from(c)))).collect()
    }

    #[test]
    fn whole_values_are_withheld_and_always_the_same() {
        let rows = rows();
        let all: Vec<&Row> = rows.iter().collect();
        let withheld = Withheld::choose(&all, Axis::Batch, "held out");
        let (kept, out) = withheld.split(&all);
        assert_eq!((kept.len(), out.len()), (60, 20));
        let batches = |rows: &[&Row]| rows.iter().map(|row| row.step.items).collect::<BTreeSet<_>>();
        assert!(batches(&kept).is_disjoint(&batches(&out)));
        let mut reversed = all.clone();
        reversed.reverse();
        assert_eq!(Withheld::choose(&reversed, Axis::Batch, "held out"), withheld);
        assert_ne!(Withheld::choose(&all, Axis::Configuration, "validation"), withheld);
    }

    #[test]
    fn the_longest_are_the_longest() {
        let rows = rows();
        let all: Vec<&Row> = rows.iter().collect();
        let withheld = Withheld::choose(&all, Axis::Longest, "x");
        assert_eq!(withheld.told(), "context 800, 900");
    }
}
