//! The varied keys of a scenario as columns: the text of each, and a number where all of its values are amounts of one quantity.

use crate::scenario::{Plan, PointLabel};
use tables::{VariedNumbers, number_column};
use units::amount;

/// Values of a key that are looked at before its column is called one of numbers.
const LOOKED_AT: usize = 1000;

/// The varied keys, and those among them that are numbers.
#[derive(Clone, Debug)]
pub struct Swept {
    /// Names of the keys.
    pub varied: Vec<String>,
    /// Places of the keys that are numbers, each with the unit of its column.
    numbers: Vec<(usize, &'static str)>,
}

impl Swept {
    /// The varied keys of a plan.
    pub fn of(plan: &Plan) -> Self {
        let unit = |(place, key): (usize, &String)| Some((place, unit_of(&plan.given(key, LOOKED_AT))?));
        let numbers = plan.varied.iter().enumerate().filter_map(unit).collect();
        Self { varied: plan.varied.clone(), numbers }
    }

    /// The names of all columns: of the keys, then of their numbers.
    pub fn columns(&self) -> Vec<String> {
        let numbers = self.numbers.iter().map(|(place, unit)| number_column(&self.varied[*place], unit));
        self.varied.iter().cloned().chain(numbers).collect()
    }

    /// The numbers of a point; none where its value is another quantity, or a word.
    pub fn numbers(&self, label: &PointLabel) -> VariedNumbers {
        let number = |(place, unit): &(usize, &'static str)| {
            let amount = amount(&label.values[*place]).filter(|amount| amount.unit == *unit);
            amount.map(|amount| amount.value)
        };
        VariedNumbers(self.numbers.iter().map(number).collect())
    }
}

/// The unit that all of these values have; none if one of them is no amount, or there is no value.
fn unit_of(values: &[String]) -> Option<&'static str> {
    let mut units = values.iter().map(|value| amount(value).map(|amount| amount.unit));
    let first = units.next()??;
    units.all(|unit| unit == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_quantity_have_its_unit() {
        let of = |values: &[&str]| unit_of(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>());
        assert_eq!([of(&["5 ms", "0.08 s"]), of(&["0.1", "3"])], [Some("ms"), Some("")]);
        assert_eq!([of(&["5 ms", "5"]), of(&["5 ms", "ideal"]), of(&[])], [None; 3]);
    }
}
