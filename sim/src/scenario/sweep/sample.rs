//! Samples: points drawn at random, or as a Latin hypercube (McKay, Beckman and Conover 1979): of n points, each of n equal
//! parts of every key's range has one.

use super::range::{Form, Range};
use kernel::{Keyed, Streams};
use toml::Value;

/// The law by which points are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// Independently.
    Random,
    /// One in each part of each range.
    LatinHypercube,
}

/// The values from which a key is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// Any number of a range.
    Within(Range),
    /// One of these.
    OneOf(Vec<Value>),
}

impl Domain {
    /// Any number of a range, which says its ends and no spacing.
    pub fn within(range: Range) -> Result<Self, String> {
        if range.is_spaced() {
            return Err("a range that is drawn from has no `step` and no `points` of its own".to_owned());
        }
        Ok(Self::Within(range))
    }

    /// The value at `share`, 0 to 1, of the way.
    fn value(&self, share: f64) -> Value {
        match self {
            Self::OneOf(values) => values[((share * values.len() as f64) as usize).min(values.len() - 1)].clone(),
            // Each whole number is as likely as the others.
            Self::Within(range) if range.form == Form::Whole && !range.log => {
                let number = (range.from + share * (range.to - range.from + 1.0)).floor();
                range.form.between(number.min(range.to))
            }
            Self::Within(range) => range.form.between(range.at(share)),
        }
    }
}

/// Points drawn over some keys.
#[derive(Clone, Debug)]
pub struct Sampled {
    points: u32,
    keys: Vec<Drawn>,
}

#[derive(Clone, Debug)]
struct Drawn {
    domain: Domain,
    draws: Keyed,
    /// The part of the range that each point is in, for a Latin hypercube.
    parts: Option<Vec<u32>>,
}

impl Sampled {
    /// Draws `points` of them; what is drawn for one key depends on no other.
    pub fn new(law: Law, points: u32, domains: Vec<(String, Domain)>, seed: u64) -> Self {
        let drawn = |(key, domain): (String, Domain)| {
            let draws = Streams::new(seed).keyed(&format!("sweep/{key}"), 0);
            let parts = (law == Law::LatinHypercube).then(|| shuffled(points, draws));
            Drawn { domain, draws, parts }
        };
        Self { points, keys: domains.into_iter().map(drawn).collect() }
    }

    pub fn points(&self) -> u64 {
        u64::from(self.points)
    }

    /// A value for each key at point number `row`.
    pub fn values(&self, row: u64) -> impl Iterator<Item = Value> {
        self.keys.iter().map(move |drawn| {
            let within = drawn.draws.unit(row);
            let share = match &drawn.parts {
                Some(parts) => (f64::from(parts[row as usize]) + within) / f64::from(self.points),
                None => within,
            };
            drawn.domain.value(share)
        })
    }
}

/// 0 to `count` - 1 in a random order (Fisher and Yates), with draws that no point's place within its part uses.
fn shuffled(count: u32, draws: Keyed) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count).collect();
    for last in (1..count).rev() {
        let draw = draws.unit(u64::from(count) + u64::from(last));
        let chosen = (draw * (f64::from(last) + 1.0)) as u32;
        order.swap(last as usize, chosen.min(last) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> Domain {
        Domain::within(Range::read(&toml::from_str(text).expect("TOML")).expect("a range")).expect("a domain")
    }

    fn drawn(law: Law, points: u32, domain: Domain, seed: u64) -> Vec<Value> {
        let sampled = Sampled::new(law, points, vec![("key".to_owned(), domain)], seed);
        (0..u64::from(points)).flat_map(|row| sampled.values(row).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn a_latin_hypercube_has_one_point_in_each_part() {
        let values = drawn(Law::LatinHypercube, 20, range("from = 0.0\nto = 20.0"), 1);
        let mut parts: Vec<i64> = values.iter().map(|value| value.as_float().expect("a float") as i64).collect();
        assert_ne!(parts, (0..20).collect::<Vec<_>>(), "in a random order");
        parts.sort_unstable();
        assert_eq!(parts, (0..20).collect::<Vec<_>>());
    }

    #[test]
    fn whole_numbers_and_choices_are_even() {
        for domain in [range("from = 1\nto = 4"), Domain::OneOf((1..=4).map(Value::Integer).collect())] {
            let values = drawn(Law::LatinHypercube, 400, domain, 2);
            for choice in 1..=4 {
                assert_eq!(values.iter().filter(|value| value.as_integer() == Some(choice)).count(), 100);
            }
        }
    }

    #[test]
    fn draws_depend_on_the_seed_and_stay_within() {
        let draws = |seed| drawn(Law::Random, 100, range("from = \"1 ms\"\nto = \"100 ms\"\nscale = \"log\""), seed);
        assert_eq!(draws(1), draws(1));
        assert_ne!(draws(1), draws(2));
        let number =
            |value: &Value| value.as_str().expect("text").trim_end_matches(" ms").parse::<f64>().expect("a number");
        let numbers: Vec<f64> = draws(1).iter().map(number).collect();
        assert!(numbers.iter().all(|number| (1.0..=100.0).contains(number)));
        // Half of them below the geometric mean.
        let below = numbers.iter().filter(|number| **number < 10.0).count();
        assert!((35..=65).contains(&below), "{below}");
    }
}
