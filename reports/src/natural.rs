//! The order in which a reader expects the values of a key: `5 ms` before `20 ms`, `9` before `10`, and words by the alphabet
//! with the numbers in them by size. Says too how the values are best spaced along an axis. It knows nothing of tables.

use std::cmp::Ordering;
use units::{Amount, amount};

/// The distinct values of a key, in their order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Levels {
    /// Each value as it was written, rising.
    pub texts: Vec<String>,
    /// Each value without what all of them share: the unit, the braces of a table.
    pub labels: Vec<String>,
    /// Each value as a number, where all of them are numbers of one kind.
    pub numbers: Option<Vec<f64>>,
    /// The unit that all of them are written in, if they are.
    pub unit: Option<String>,
}

/// The spacing of values along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spacing {
    /// By size.
    Linear,
    /// By size, on a logarithmic scale.
    Log,
    /// Evenly, one after the other.
    Even,
}

impl Levels {
    /// The distinct values among `texts`.
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut distinct: Vec<&str> = texts.into_iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        // Values of different quantities have no order of size.
        let read: Option<Vec<Amount>> = distinct.iter().map(|text| amount(text)).collect();
        let Some(read) = read.filter(|read| read.iter().all(|own| own.unit == read[0].unit)) else {
            distinct.sort_by(|a, b| compare_words(a, b));
            let labels = distinct.iter().map(|text| text.trim_matches(['{', '}', ' ']).to_owned()).collect();
            return Self { texts: owned(distinct), labels, numbers: None, unit: None };
        };
        let mut rows: Vec<(f64, &str)> = read.into_iter().map(|own| own.value).zip(distinct).collect();
        rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
        let (numbers, texts): (Vec<f64>, Vec<&str>) = rows.into_iter().unzip();
        let unit =
            texts.first().and_then(|text| unit(text)).filter(|own| texts.iter().all(|text| unit(text) == Some(own)));
        let label = |text: &&str| text.strip_suffix(unit.unwrap_or_default()).unwrap_or(text).trim().to_owned();
        let labels = texts.iter().map(label).collect();
        Self { labels, numbers: Some(numbers), unit: unit.map(str::to_owned), texts: owned(texts) }
    }

    /// The distinct words among `texts`, in the order in which they come: that of the scenario.
    pub fn as_written<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut distinct: Vec<&str> = Vec::new();
        for text in texts {
            if !distinct.contains(&text) {
                distinct.push(text);
            }
        }
        Self { labels: owned(distinct.clone()), texts: owned(distinct), numbers: None, unit: None }
    }

    /// Bins of these values, which must be numbers: `bins` has the bin of each, rising. With the place of each value among the bins
    /// that are not empty. A bin is called by its first and last value, and stands where its middle one does.
    pub fn binned(&self, bins: &[usize]) -> (Self, Vec<usize>) {
        let mut members: Vec<Vec<usize>> = Vec::new();
        let mut places = Vec::new();
        for (level, bin) in bins.iter().enumerate() {
            if level == 0 || bins[level - 1] != *bin {
                members.push(Vec::new());
            }
            places.push(members.len() - 1);
            members.last_mut().expect("one was pushed for the first value").push(level);
        }
        let labels = &self.labels;
        let unit = self.unit.as_ref().map_or_else(String::new, |unit| format!(" {unit}"));
        let text = |bin: &Vec<usize>| format!("{} to {}{unit}", labels[bin[0]], labels[bin[bin.len() - 1]]);
        let middle = |bin: &Vec<usize>| bin[bin.len() / 2];
        let levels = Self {
            texts: members.iter().map(text).collect(),
            numbers: self.numbers.as_ref().map(|numbers| members.iter().map(|bin| numbers[middle(bin)]).collect()),
            labels: members.iter().map(|bin| short(&labels[middle(bin)])).collect(),
            unit: self.unit.clone(),
        };
        (levels, places)
    }

    /// The best spacing of the values. Numbers are spaced by size, or on a logarithmic scale if that comes nearer to
    /// equal steps. With a zero among them they are spaced evenly instead.
    pub fn spacing(&self) -> Spacing {
        let Some(numbers) = &self.numbers else { return Spacing::Even };
        if numbers.len() < 3 {
            return Spacing::Linear;
        }
        let positive: Vec<f64> = numbers.iter().copied().filter(|number| *number > 0.0).collect();
        if positive.len() + 1 < numbers.len()
            || unevenness(numbers, |a, b| b - a) <= unevenness(&positive, |a, b| (b / a).ln())
        {
            return Spacing::Linear;
        }
        if positive.len() == numbers.len() { Spacing::Log } else { Spacing::Even }
    }
}

fn owned(texts: Vec<&str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

/// A number in three digits; other texts as they are.
fn short(label: &str) -> String {
    let Ok(number) = label.parse::<f64>() else { return label.to_owned() };
    let whole = number.abs().max(f64::MIN_POSITIVE).log10().floor() as i32;
    let rounded = format!("{number:.*}", (2 - whole).clamp(0, 12) as usize);
    if rounded.contains('.') { rounded.trim_end_matches('0').trim_end_matches('.').to_owned() } else { rounded }
}

/// Largest step over the smallest; at least 1.
fn unevenness(numbers: &[f64], step: fn(f64, f64) -> f64) -> f64 {
    let steps = || numbers.windows(2).map(|pair| step(pair[0], pair[1]));
    steps().fold(0.0, f64::max) / steps().fold(f64::INFINITY, f64::min)
}

/// The unit behind the number of a quantity.
fn unit(text: &str) -> Option<&str> {
    text.rsplit_once(' ').map(|(_, unit)| unit)
}

/// By the alphabet, runs of digits by their size.
fn compare_words(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while let (Some(first), Some(second)) = (left.chars().next(), right.chars().next()) {
        if first.is_ascii_digit() && second.is_ascii_digit() {
            let ((one, rest), (other, other_rest)) = (digits(left), digits(right));
            let (one, other) = (one.trim_start_matches('0'), other.trim_start_matches('0'));
            match one.len().cmp(&other.len()).then(one.cmp(other)) {
                Ordering::Equal => (left, right) = (rest, other_rest),
                different => return different,
            }
        } else if first == second {
            (left, right) = (&left[first.len_utf8()..], &right[second.len_utf8()..]);
        } else {
            return first.cmp(&second);
        }
    }
    left.len().cmp(&right.len()).then(a.cmp(b))
}

/// The run of digits that a text begins with, and the rest.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(texts: &[&str]) -> Vec<String> {
        Levels::of(texts.iter().copied()).texts
    }

    #[test]
    fn quantities_go_by_their_size() {
        assert_eq!(sorted(&["1 s", "20 ms", "5 ms", "20 ms"]), ["5 ms", "20 ms", "1 s"]);
        assert_eq!(sorted(&["1 Gbps", "200 Mbps"]), ["200 Mbps", "1 Gbps"]);
        assert_eq!(sorted(&["100 %", "5 %", "70 %"]), ["5 %", "70 %", "100 %"]);
        assert_eq!(sorted(&["10", "9", "0.5", "-1"]), ["-1", "0.5", "9", "10"]);
        assert_eq!(
            sorted(&["{ pipelined = 12 }", "blocking", "{ pipelined = 3 }"]),
            ["blocking", "{ pipelined = 3 }", "{ pipelined = 12 }"]
        );
    }

    #[test]
    fn kinds_do_not_mix() {
        let levels = Levels::of(["5 ms", "1 GB", "nan"]);
        assert_eq!(levels.numbers, None);
        assert_eq!(levels.texts, ["1 GB", "5 ms", "nan"]);
        assert_eq!(levels.spacing(), Spacing::Even);
    }

    #[test]
    fn labels_leave_out_the_common_unit() {
        assert_eq!(Levels::of(["20 ms", "5 ms"]).labels, ["5", "20"]);
        assert_eq!(Levels::of(["20 ms", "1 s"]).labels, ["20 ms", "1 s"]);
        assert_eq!(Levels::of(["{ pipelined = 3 }", "blocking"]).labels, ["blocking", "pipelined = 3"]);
        assert_eq!(Levels::of(["0.1", "0.25"]).labels, ["0.1", "0.25"]);
    }

    #[test]
    fn bins_are_called_by_their_ends() {
        let levels = Levels::of(["1.23456 s", "2 s", "3 s", "10 s"]);
        let (binned, places) = levels.binned(&[0, 0, 0, 5]);
        assert_eq!(binned.texts, ["1.23456 to 3 s", "10 to 10 s"]);
        assert_eq!(binned.labels, ["2", "10"]);
        assert_eq!(places, [0, 0, 0, 1]);
        assert_eq!(["0.0123456", "1234.5", "0", "7.0", "word"].map(short), ["0.0123", "1234", "0", "7", "word"]);
    }

    #[test]
    fn geometric_values_stand_on_a_logarithmic_axis() {
        let spacing = |texts: &[&str]| Levels::of(texts.iter().copied()).spacing();
        assert_eq!(spacing(&["1", "2", "3", "4"]), Spacing::Linear);
        assert_eq!(spacing(&["200 Mbps", "300 Mbps", "400 Mbps"]), Spacing::Linear);
        assert_eq!(spacing(&["5 ms", "20 ms", "80 ms"]), Spacing::Log);
        assert_eq!(spacing(&["1", "2", "4", "8", "16"]), Spacing::Log);
        assert_eq!(spacing(&["0 ms", "5 ms", "20 ms", "80 ms"]), Spacing::Even);
        assert_eq!(spacing(&["0", "0.5", "1"]), Spacing::Linear);
        assert_eq!(spacing(&["-4", "0", "4", "100"]), Spacing::Linear);
        assert_eq!(spacing(&["vqav2", "mmbench"]), Spacing::Even);
    }

    proptest! {
        /// The order of words is one: it does not contradict itself, and only equal texts are equal.
        #[test]
        fn words_have_one_order(a in "[a-b0-2]{0,5}", b in "[a-b0-2]{0,5}", c in "[a-b0-2]{0,5}") {
            prop_assert_eq!(compare_words(&a, &b), compare_words(&b, &a).reverse());
            prop_assert_eq!(compare_words(&a, &b) == Ordering::Equal, a == b);
            if compare_words(&a, &b).is_le() && compare_words(&b, &c).is_le() {
                prop_assert!(compare_words(&a, &c).is_le());
            }
        }

        #[test]
        fn numbers_rise(values in prop::collection::vec(-1e6f64..1e6, 1..20)) {
            let texts: Vec<String> = values.iter().map(f64::to_string).collect();
            let numbers = Levels::of(texts.iter().map(String::as_str)).numbers.expect("numbers");
            prop_assert!(numbers.is_sorted());
        }
    }
}
