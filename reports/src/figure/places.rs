//! The points of a sweep as a reader sorts them: where one is (data set, link, load, devices), and what one may choose there
//! (the settings of policies). Policies are compared within a place, since nobody chooses the link.

use crate::effects::{Key, Points};
use crate::runs::{Cell, Runs};
use std::collections::{BTreeMap, BTreeSet};

/// Names of keys in figures, by the end of the key; others have its last part.
const NAMES: [(&str, &str); 20] = [
    ("cloud.device", "cloud"),
    ("cloud.engine", "cloud engine"),
    ("cloud.model", "cloud model"),
    ("edge.device", "edge"),
    ("edge.engine", "edge engine"),
    ("closed_loop.clients", "clients"),
    ("closed_loop.think", "silence"),
    ("accuracy.pruning_loss", "loss by pruning"),
    ("edge.tuning.eta_flop", "edge's share of peak"),
    ("edge.tuning.eta_mem", "edge's share of bandwidth"),
    ("cloud.tuning.eta_flop", "cloud's share of peak"),
    ("cloud.tuning.eta_mem", "cloud's share of bandwidth"),
    ("cloud.batch.sequences", "sequences at once"),
    ("arrivals.poisson.rate", "arrival rate"),
    ("edge.count", "edges"),
    ("link.rtt", "round trip"),
    ("tokens.iid", "acceptance"),
    ("workload.output_tokens", "output tokens"),
    ("n_draft", "N_draft"),
    ("n_max", "N_max"),
];

/// The places of a sweep.
pub(super) struct Places {
    /// Those that are shown, at most as many as asked for.
    pub shown: Vec<Place>,
    /// Number of all places.
    pub all: usize,
    /// The keys that differ within a place: indices into those of the points.
    pub choices: Vec<usize>,
}

/// Points that differ in nothing but what one may choose.
pub(super) struct Place {
    /// The values of what differs between places.
    pub title: String,
    /// Indices of its points.
    pub points: Vec<usize>,
}

impl Places {
    /// Sorts points into places. Where there are more than `most`, fewer values are kept of the keys that have most of them,
    /// evenly spread, until there are not.
    pub fn of(points: &Points, most: usize) -> Self {
        let is_choice = |key: &Key| key.names.iter().all(|name| name.starts_with("policy."));
        let (choices, where_it_is): (Vec<usize>, Vec<usize>) =
            (0..points.keys.len()).partition(|key| is_choice(&points.keys[*key]));
        let mut all: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for point in 0..points.count {
            let levels = where_it_is.iter().map(|key| points.keys[*key].of_point[point]).collect();
            all.entry(levels).or_default().push(point);
        }
        let count = all.len();
        let sizes: Vec<usize> = where_it_is.iter().map(|key| points.keys[*key].levels.texts.len()).collect();
        let mut kept = sizes.clone();
        let stays = |levels: &[usize], kept: &[usize]| {
            let mut sizes = levels.iter().zip(sizes.iter().zip(kept));
            sizes.all(|(level, (size, kept))| spread(*size, *kept).contains(level))
        };
        while all.keys().filter(|levels| stays(levels, &kept)).count() > most && thin(&mut kept) {}
        all.retain(|levels, _| stays(levels, &kept));
        let title = |levels: &[usize]| {
            let parts = where_it_is.iter().zip(levels).map(|(key, level)| value_name(&points.keys[*key], *level));
            parts.collect::<Vec<_>>().join(", ")
        };
        // Keys with few values differ from row to row of panels, those with many within a row.
        let distinct = |key: usize| all.keys().map(|levels| levels[key]).collect::<BTreeSet<usize>>().len();
        let mut order: Vec<usize> = (0..where_it_is.len()).collect();
        order.sort_by_key(|key| distinct(*key));
        let mut shown: Vec<(Vec<usize>, Vec<usize>)> = all.into_iter().collect();
        shown.sort_by_key(|(levels, _)| order.iter().map(|key| levels[*key]).collect::<Vec<_>>());
        let place = |(levels, points): (Vec<usize>, Vec<usize>)| Place { title: title(&levels), points };
        Self { shown: shown.into_iter().map(place).collect(), all: count, choices }
    }

    /// That not all of them are shown, if so; with a space before.
    pub fn note(&self) -> String {
        match self.all - self.shown.len() {
            0 => String::new(),
            _ => format!(" {} of {} places are shown.", self.shown.len(), self.all),
        }
    }
}

/// Keeps one value less of the key of which most are kept, the last one if there are several; whether there was one.
fn thin(kept: &mut [usize]) -> bool {
    let most = kept.iter_mut().filter(|kept| **kept > 1).max();
    most.map(|kept| *kept -= 1).is_some()
}

/// So many of a key's values, evenly spread, its ends among them; of one, the middle.
pub(super) fn spread(size: usize, kept: usize) -> Vec<usize> {
    match kept {
        0 | 1 => (0..size).skip(size / 2).take(kept).collect(),
        more => (0..more).map(|index| (2 * index * (size - 1) + more - 1) / (2 * (more - 1))).collect(),
    }
}

/// The points at which every key but these has its middle value, or its first one if it has words; and what they have.
pub(super) fn fixed(points: &Points, but: &[usize]) -> (Vec<usize>, String) {
    let others: Vec<&Key> =
        (0..points.keys.len()).filter(|key| !but.contains(key)).map(|key| &points.keys[key]).collect();
    let level = |key: &Key| if key.levels.numbers.is_some() { key.levels.texts.len() / 2 } else { 0 };
    let stays = |point: &usize| others.iter().all(|key| key.of_point[*point] == level(key));
    let said: Vec<String> = others.iter().map(|key| value_name(key, level(key))).collect();
    ((0..points.count).filter(stays).collect(), said.join(", "))
}

/// The name of a key in a figure.
pub(crate) fn called(whole: &str) -> &str {
    let known = NAMES.iter().find(|(name, _)| whole.ends_with(name)).map(|(_, called)| *called);
    known.unwrap_or_else(|| whole.rsplit('.').next().unwrap_or(whole))
}

/// The name of a key in a figure; of keys that vary together, all names.
pub(crate) fn key_name(key: &Key) -> String {
    let mut names: Vec<String> = Vec::new();
    for name in key.names.iter().map(|name| called(name).to_owned()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(" / ")
}

/// The same with the unit of its values.
pub(super) fn key_title(key: &Key) -> String {
    key.levels.unit.as_ref().map_or_else(|| key_name(key), |unit| format!("{}, {unit}", key_name(key)))
}

/// A value of a key, as it is understood by itself.
fn value_name(key: &Key, level: usize) -> String {
    let text = &key.levels.texts[level];
    match key.names[0].as_str() {
        "workload.dataset" | "link.bandwidth" => text.clone(),
        _ => format!("{} {}", key_name(key), text.trim_matches(['{', '}', ' '])),
    }
}

/// A point by the values of all that varies; empty where nothing does.
pub(crate) fn point_name(points: &Points, point: usize) -> String {
    points.keys.iter().map(|key| value_name(key, key.of_point[point])).collect::<Vec<_>>().join(", ")
}

/// A value for each cell of two keys, by row and then by column, from these points; none if two points would be in one cell.
pub(super) fn by_cell<T: Clone>(
    points: &Points,
    at: &[usize],
    [x, y]: [usize; 2],
    of: impl Fn(usize) -> Option<T>,
) -> Option<Vec<Vec<Option<T>>>> {
    let (x, y) = (&points.keys[x], &points.keys[y]);
    let mut cells = vec![vec![None; x.levels.texts.len()]; y.levels.texts.len()];
    let mut seen = vec![vec![false; x.levels.texts.len()]; y.levels.texts.len()];
    for &point in at {
        let (column, row) = (x.of_point[point], y.of_point[point]);
        if std::mem::replace(&mut seen[row][column], true) {
            return None;
        }
        cells[row][column] = of(point);
    }
    Some(cells)
}

/// The values of `of` for each policy at each point, in the order of [`Points`].
pub(crate) fn by_point<T: Clone>(runs: &Runs, points: &Points, of: impl Fn(&Cell) -> Option<T>) -> Vec<Vec<Option<T>>> {
    let cells = || runs.cells.iter().filter(|cell| !cell.policy.is_empty());
    let mut numbers: Vec<u64> = cells().map(|cell| cell.point).collect();
    numbers.dedup();
    let mut values = vec![vec![None; points.count]; points.policies.len()];
    for cell in cells() {
        let policy = points.policies.iter().position(|policy| *policy == cell.policy).expect("each cell has a policy");
        values[policy][numbers.binary_search(&cell.point).expect("each cell has a point")] = of(cell);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points of a full grid of these keys.
    fn grid(keys: &[(&str, &[&str])]) -> Points {
        let count = keys.iter().map(|(_, values)| values.len()).product();
        let mut stride: usize = count;
        let key = |(name, values): &(&str, &[&str])| {
            stride /= values.len();
            let texts: Vec<String> = (0..count).map(|point| values[point / stride % values.len()].to_owned()).collect();
            Key::new(name, &texts)
        };
        let keys = keys.iter().map(key).collect();
        Points { policies: vec!["msao".to_owned()], keys, metrics: Vec::new(), count, replications: 1 }
    }

    const RTTS: (&str, &[&str]) = ("link.rtt", &["1 ms", "5 ms", "20 ms", "80 ms"]);
    const RATES: (&str, &[&str]) = ("link.bandwidth", &["20 Mbps", "400 Mbps"]);
    const TAUS: (&str, &[&str]) = ("policy.msao.tau_s", &["0.1", "0.3"]);

    #[test]
    fn policies_are_compared_where_they_are() {
        let places = Places::of(&grid(&[RATES, TAUS]), 6);
        let shown: Vec<(&str, &[usize])> =
            places.shown.iter().map(|place| (place.title.as_str(), place.points.as_slice())).collect();
        assert_eq!(shown, [("20 Mbps", [0, 1].as_slice()), ("400 Mbps", &[2, 3])]);
        assert_eq!((places.choices, places.all), (vec![1], 2));
        let one = Places::of(&grid(&[TAUS]), 6);
        assert_eq!((one.shown.len(), one.shown[0].title.as_str()), (1, ""));
    }

    #[test]
    fn of_many_places_some_are_shown() {
        let titles = |most| {
            let places = Places::of(&grid(&[RATES, RTTS]), most);
            (places.shown.into_iter().map(|place| place.title).collect::<Vec<_>>(), places.all)
        };
        let (six, all) = titles(6);
        assert_eq!((six.len(), all), (6, 8));
        assert_eq!(six[..3], ["20 Mbps, round trip 1 ms", "20 Mbps, round trip 20 ms", "20 Mbps, round trip 80 ms"]);
        assert_eq!(titles(2).0, ["20 Mbps, round trip 20 ms", "400 Mbps, round trip 20 ms"]);
        assert_eq!(titles(1).0, ["400 Mbps, round trip 20 ms"]);
    }

    #[test]
    fn values_are_spread_evenly() {
        assert_eq!([spread(9, 1), spread(9, 2), spread(9, 3)], [vec![4], vec![0, 8], vec![0, 4, 8]]);
        assert_eq!(spread(9, 6), [0, 2, 3, 5, 6, 8]);
        assert_eq!(spread(4, 4), [0, 1, 2, 3]);
    }

    #[test]
    fn keys_have_names_that_are_understood() {
        let key = |name: &str| Key::new(name, &["1".to_owned(), "2".to_owned()]);
        let mut zipped = key("policy.msao.1.n_draft");
        assert_eq!(key_name(&zipped), "N_draft");
        zipped.names.extend(["policy.speculative.n_draft", "policy.msao.0.n_max"].map(str::to_owned));
        assert_eq!(key_name(&zipped), "N_draft / N_max");
        assert_eq!(key_name(&key("policy.msao.mas.tau_s")), "tau_s");
        let rtt = Key::new("link.rtt", &["1 ms".to_owned(), "5 ms".to_owned()]);
        assert_eq!(key_title(&rtt), "round trip, ms");
    }

    #[test]
    fn the_middle_is_what_stays_fixed() {
        let points = grid(&[RATES, RTTS, TAUS]);
        assert_eq!(fixed(&points, &[0, 2]), (vec![4, 5, 12, 13], "round trip 20 ms".to_owned()));
        assert_eq!(fixed(&points, &[0, 1, 2]).1, "");
    }
}
