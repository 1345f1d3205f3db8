//! The finding of a results folder, in one to three sentences that are made of its rows: the fastest policy at equal accuracy, its lead,
//! and where the fastest changes.

mod contest;
#[cfg(test)]
mod tests;
mod turn;

use crate::effects::Points;
use crate::figure::point_name;
use crate::numbers::{rounded, short};
use crate::reference::AS_ACCURATE;
use crate::runs::Runs;
use contest::{Contest, Lead, Win};
use turn::turn;

/// The sentences of a folder's runs; none if no policy has a latency.
pub(crate) fn finding(runs: &Runs) -> Vec<String> {
    let points = Points::of(runs);
    if points.policies.is_empty() {
        return Vec::new();
    }
    let finding = Finding { contest: Contest::of(runs, &points), points };
    match finding.points.policies.len() {
        1 => finding.of_one_policy().into_iter().collect(),
        _ => finding.of_several(),
    }
}

struct Finding {
    points: Points,
    contest: Contest,
}

impl Finding {
    fn of_one_policy(&self) -> Option<String> {
        let policy = &self.points.policies[0];
        let mut found: Vec<(usize, f64)> =
            (0..self.points.count).filter_map(|point| Some((point, self.contest.ms(0, point)?))).collect();
        found.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (least, most) = (*found.first()?, *found.last()?);
        let accuracy = |point| {
            let known = self.contest.accuracy_pct(0, point);
            known.map_or_else(String::new, |accuracy| format!(", with {} % accuracy", rounded(accuracy, 3)))
        };
        if found.len() == 1 {
            return Some(format!("{policy} takes {} ms a request{}.", rounded(least.1, 3), accuracy(least.0)));
        }
        let at = |(point, ms): (usize, f64)| format!("{} ms ({})", rounded(ms, 3), point_name(&self.points, point));
        Some(format!("{policy} takes {} to {} a request.", at(least), at(most)))
    }

    fn of_several(&self) -> Vec<String> {
        let wins = self.contest.wins(self.points.count, false);
        let Some(first) = wins.first() else { return Vec::new() };
        let mut sentences = if wins.len() == 1 {
            vec![self.fastest_at_one(first)]
        } else {
            [Some(self.fastest(&wins)), lead(&wins), turn(&self.points, &wins)].into_iter().flatten().collect()
        };
        if sentences.len() < 3 {
            sentences.extend(self.less_accurate(&wins));
        }
        sentences
    }

    /// The condition under which policies are compared.
    fn among(&self) -> String {
        if self.contest.knows_accuracy {
            let reference = &self.points.policies[self.contest.reference];
            format!("Of the policies within {AS_ACCURATE} points of {reference}'s accuracy,")
        } else {
            "Whatever the accuracy, which is not known here,".to_owned()
        }
    }

    fn fastest_at_one(&self, win: &Win) -> String {
        let name = |policy: usize| &self.points.policies[policy];
        let saved = |lead: &Lead, what: &str| {
            let sure = if lead.is_sure { "" } else { ", no more than the 95 % interval" };
            format!("{} less than {}{what}{sure}", per_cent(lead.saved), name(lead.over))
        };
        let next = win.next.as_ref().map(|lead| saved(lead, ", the next"));
        let reference =
            win.reference.as_ref().filter(|lead| win.next.as_ref().is_none_or(|next| next.over != lead.over));
        let leads: Vec<String> = next.into_iter().chain(reference.map(|lead| saved(lead, ""))).collect();
        let ms = rounded(win.ms, 3);
        if leads.is_empty() {
            let reference = name(self.contest.reference);
            return format!(
                "{} alone is within {AS_ACCURATE} points of {reference}'s accuracy: {ms} ms a request.",
                name(win.policy)
            );
        }
        format!("{} {} is the fastest: {ms} ms a request, {}.", self.among(), name(win.policy), leads.join(", and "))
    }

    fn fastest(&self, wins: &[Win]) -> String {
        let mut counts: Vec<(usize, usize)> = Vec::new();
        for win in wins {
            match counts.iter_mut().find(|(policy, _)| *policy == win.policy) {
                Some((_, count)) => *count += 1,
                None => counts.push((win.policy, 1)),
            }
        }
        counts.sort_by_key(|(policy, count)| (std::cmp::Reverse(*count), *policy));
        let all = wins.len();
        let name = |policy: usize| &self.points.policies[policy];
        let said = |(place, (policy, count)): (usize, &(usize, usize))| match place {
            0 if *count == all => format!("{} is the fastest at all {all} points", name(*policy)),
            0 => format!("{} is the fastest at {count} of {all} points", name(*policy)),
            _ => format!("{} at {count}", name(*policy)),
        };
        let said: Vec<String> = counts.iter().enumerate().map(said).collect();
        format!("{} {}.", self.among(), said.join(", "))
    }

    /// The policy that is the fastest of all most often without being as accurate, and its price.
    fn less_accurate(&self, wins: &[Win]) -> Option<String> {
        let free = self.contest.wins(self.points.count, true);
        // Both are in the order of the points.
        let own = |point: usize| wins.binary_search_by_key(&point, |win| win.point).ok().map(|place| &wins[place]);
        let beaten = |win: &&Win| own(win.point).is_some_and(|own| own.policy != win.policy && own.ms > win.ms);
        let faster: Vec<&Win> = free.iter().filter(beaten).collect();
        let count = |policy: usize| faster.iter().filter(|win| win.policy == policy).count();
        let policies = 0..self.points.policies.len();
        let policy = policies.rev().filter(|policy| count(*policy) > 0).max_by_key(|policy| count(*policy))?;
        let reference = self.contest.reference;
        let lost = |win: &&&Win| {
            let accuracy = |policy| self.contest.accuracy_pct(policy, win.point);
            (win.policy == policy).then(|| Some(accuracy(reference)? - accuracy(policy)?)).flatten()
        };
        let lost: Vec<f64> = faster.iter().filter_map(|win| lost(&win)).collect();
        let name = |policy: usize| &self.points.policies[policy];
        let price = format!("loses {} points of {}'s accuracy", range(lost.iter().copied())?, name(reference));
        Some(match wins.len() {
            1 => format!("{} is faster still, and {price}.", name(policy)),
            all if all == count(policy) => format!("{} is faster still at all of them, and {price}.", name(policy)),
            all => format!("{} is faster still at {} of {all} points, and {price}.", name(policy), count(policy)),
        })
    }
}

/// A sentence on the leads over the next policy; none if no point has a next one.
fn lead(wins: &[Win]) -> Option<String> {
    let leads = || wins.iter().filter_map(|win| win.next.as_ref());
    let saved = range(leads().map(|lead| 100.0 * lead.saved))?;
    let unsure = leads().filter(|lead| !lead.is_sure).count();
    let unsure = match unsure {
        0 => String::new(),
        1 => ", at one point no more than the 95 % interval".to_owned(),
        more => format!(", at {more} points no more than the 95 % interval"),
    };
    Some(format!("The lead is {saved} % of the next policy's latency{unsure}."))
}

fn per_cent(share: f64) -> String {
    format!("{} %", short(100.0 * share, 2))
}

/// The least and the greatest of some numbers, in two digits; none of no number.
fn range(values: impl Iterator<Item = f64> + Clone) -> Option<String> {
    let (least, most) = (values.clone().reduce(f64::min)?, values.reduce(f64::max)?);
    let [least, most] = [least, most].map(|value| short(value, 2));
    Some(if least == most { least } else { format!("{least} to {most}") })
}
