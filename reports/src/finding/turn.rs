//! The key along which the fastest policy changes, and the values at which each is the fastest.

use super::contest::Win;
use crate::effects::{Key, Points};
use crate::figure::key_name;

/// More stretches than this are not told one by one.
const MOST_STRETCHES: usize = 4;

/// Values of a key that have the same winner at most of their points.
struct Stretch {
    policy: usize,
    levels: Vec<usize>,
    /// Points that it wins, and all points.
    won: usize,
    points: usize,
}

/// A sentence on the key that decides most who is the fastest; none if one policy wins nearly everywhere, whatever the key.
pub(super) fn turn(points: &Points, wins: &[Win]) -> Option<String> {
    let right = |stretches: &[Stretch]| stretches.iter().map(|stretch| stretch.won).sum::<usize>();
    let of_keys = points.keys.iter().map(|key| (key, stretches(key, wins)));
    // Of equal keys the first is told.
    let (key, found) = of_keys.rev().max_by_key(|(_, stretches)| right(stretches))?;
    let of_policy = |policy: usize| wins.iter().filter(|win| win.policy == policy).count();
    let most = (0..points.policies.len()).map(of_policy).max()?;
    if found.len() < 2 || right(&found) <= most {
        return None;
    }
    let name = key_name(key);
    if found.len() > MOST_STRETCHES {
        return Some(format!("Which one is the fastest depends most on {name}."));
    }
    let said: Vec<String> = found.iter().map(|stretch| told(points, key, stretch)).collect();
    Some(format!("Where it turns, by {name}: {}.", said.join(", ")))
}

/// Neighbouring numbers with the same winner together, and words with the same winner.
fn stretches(key: &Key, wins: &[Win]) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    for level in 0..key.levels.texts.len() {
        let own: Vec<usize> =
            wins.iter().filter(|win| key.of_point[win.point] == level).map(|win| win.policy).collect();
        let won = |policy: usize| own.iter().filter(|other| **other == policy).count();
        let mut policies = own.clone();
        policies.sort_unstable();
        policies.dedup();
        let Some(policy) = policies.into_iter().rev().max_by_key(|policy| won(*policy)) else { continue };
        let (won, points) = (won(policy), own.len());
        let before = match key.levels.numbers {
            Some(_) => found.last_mut().filter(|last| last.policy == policy),
            None => found.iter_mut().find(|stretch| stretch.policy == policy),
        };
        match before {
            Some(stretch) => {
                stretch.levels.push(level);
                stretch.won += won;
                stretch.points += points;
            }
            None => found.push(Stretch { policy, levels: vec![level], won, points }),
        }
    }
    found
}

/// A stretch in words: `msao at 1 to 20 ms (11 of 12 points)`.
fn told(points: &Points, key: &Key, stretch: &Stretch) -> String {
    let levels = &key.levels;
    let text = |level: usize| levels.texts[level].trim_matches(['{', '}', ' ']);
    let values = match (&levels.numbers, &stretch.levels[..]) {
        (Some(_), [first, .., last]) => {
            // A bin is written from its first value to its last.
            let start = text(*first).split_once(" to ").map_or(levels.labels[*first].as_str(), |(start, _)| start);
            let end = text(*last).split_once(" to ").map_or(text(*last), |(_, end)| end);
            format!("{start} to {end}")
        }
        (_, all) => all.iter().map(|level| text(*level)).collect::<Vec<_>>().join(", "),
    };
    let count = match stretch {
        Stretch { won, points, .. } if won == points => String::new(),
        Stretch { won, points, .. } => format!(" ({won} of {points} points)"),
    };
    format!("{} at {values}{count}", points.policies[stretch.policy])
}
