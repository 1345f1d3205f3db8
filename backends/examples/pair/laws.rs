//! The simulator's laws of accuracy (`sim/model/src/accuracy.rs`), fitted to one half of the questions and compared with the other.

use super::mean;
use super::pruning::ByRetention;
use statrs::distribution::{Continuous, ContinuousCDF, Normal};

/// Prints the correlation of the two models' difficulties and the loss by pruning. `whole` has the scores of draft and target on
/// whole pictures, `less` those of the target on pruned ones, of which the stand-in's map counts.
pub fn compared(whole: &[Vec<f64>; 2], less: &ByRetention) {
    let [fit, judge] = [0, 1].map(|half| whole.each_ref().map(|scores| one_half(scores, half)));
    let correlation = correlation(&fit);
    let [draft, target] = judge.each_ref().map(|scores| Normal::standard().inverse_cdf(mean(scores)));
    println!("\nboth right, of one half: {:.3}, and of the other {:.3}", both(&fit), both(&judge));
    let by = [correlation, 0.85].map(|correlation| orthant(draft, target, correlation));
    println!("correlation of difficulties {correlation:.2}: by it {:.3} of the other, by .85 {:.3}", by[0], by[1]);
    let lost = |half: u64| -> Vec<(f64, f64)> {
        let all = mean(&one_half(&whole[1], half));
        less.iter().map(|(retention, [scores, ..])| (*retention, 1.0 - mean(&one_half(scores, half)) / all)).collect()
    };
    let published = |retention: f64, b: f64| libm::pow(retention, -b) - 1.0;
    let of_dropped = |retention: f64, b: f64| libm::pow(1.0 - retention, b);
    let [(a, b), (c, d)] = [fitted(&lost(0), published), fitted(&lost(0), of_dropped)];
    println!(
        "share of right answers lost, of one half: {a:.3} (r^-{b:.2} - 1), or {c:.3} (1 - r)^{d:.2}; of the other:"
    );
    println!("\n| retention | lost | by the first | by the second |\n|---|---|---|---|");
    for (retention, lost) in lost(1) {
        println!(
            "| {retention} | {lost:.3} | {:.3} | {:.3} |",
            a * published(retention, b),
            c * of_dropped(retention, d)
        );
    }
}

/// The scores of one half of the questions, drawn by their numbers: kinds of questions come in turn.
fn one_half(scores: &[f64], half: u64) -> Vec<f64> {
    let drawn = kernel::Streams::new(super::SEED).keyed("halves", 0);
    scores.iter().zip(0..).filter(|(_, request)| drawn.bits(*request) % 2 == half).map(|(score, _)| *score).collect()
}

/// The share of questions that both models answer rightly.
fn both([draft, target]: &[Vec<f64>; 2]) -> f64 {
    mean(&draft.iter().zip(target).map(|(small, large)| f64::from(*small > 0.5 && *large > 0.5)).collect::<Vec<_>>())
}

/// The correlation of normal difficulties that gives the share of questions that both answer.
fn correlation(scores: &[Vec<f64>; 2]) -> f64 {
    let [draft, target] = scores.each_ref().map(|scores| Normal::standard().inverse_cdf(mean(scores)));
    let wanted = both(scores);
    bisected((-0.999, 0.999), |correlation| orthant(draft, target, correlation) < wanted)
}

/// The share of a bivariate normal below both values, summed over the first.
fn orthant(first: f64, second: f64, correlation: f64) -> f64 {
    const STEPS: u32 = 4000;
    let normal = Normal::standard();
    let (from, rest) = (-8.0, (1.0 - correlation * correlation).sqrt());
    let width = (first - from) / f64::from(STEPS);
    let at = |step: u32| {
        let x: f64 = from + width * (f64::from(step) + 0.5);
        normal.pdf(x) * normal.cdf((second - correlation * x) / rest)
    };
    width * (0..STEPS).map(at).sum::<f64>()
}

/// Where a condition ends to hold.
fn bisected((mut low, mut high): (f64, f64), holds: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

/// The factor and the exponent of a form of retention with the least squares.
fn fitted(points: &[(f64, f64)], form: impl Fn(f64, f64) -> f64) -> (f64, f64) {
    let tried = (1..=80).map(|step| {
        let exponent = f64::from(step) * 0.05;
        let values: Vec<f64> = points.iter().map(|(retention, _)| form(*retention, exponent)).collect();
        let square: f64 = values.iter().map(|value| value * value).sum();
        let factor = values.iter().zip(points).map(|(value, (_, lost))| value * lost).sum::<f64>() / square;
        let off = |(value, (_, lost)): (&f64, &(f64, f64))| (factor * value - lost) * (factor * value - lost);
        (factor, exponent, values.iter().zip(points).map(off).sum::<f64>())
    });
    let best = tried.min_by(|one, other| one.2.total_cmp(&other.2)).expect("some were tried");
    (best.0, best.1)
}
