//! VQAv2's accuracy of an answer to an open question (Antol et al. 2015, Goyal et al. 2017).
//!
//! Of nine annotators at a time: a third of a point for each who gave the answer, at most one; then the mean over the ten ways to leave
//! one out. Answers are compared normalised, on both sides, as the published description has it. The published script does not
//! normalise where all annotators wrote the same; that is not followed.

use super::normal::normalised;

/// The number of agreeing annotators that make an answer fully right.
const ENOUGH: f64 = 3.0;

/// From 0 to 1. A single reference stands for annotators who all agree.
pub fn accuracy(answer: &str, references: &[String]) -> f64 {
    let answer = normalised(answer);
    if answer.is_empty() {
        return 0.0;
    }
    let gave = references.iter().filter(|reference| normalised(reference) == answer).count() as f64;
    let all = references.len() as f64;
    if all <= 1.0 {
        return gave;
    }
    let among = |count: f64| (count / ENOUGH).clamp(0.0, 1.0);
    // Left out is one of those who gave it, or one of the others.
    (gave * among(gave - 1.0) + (all - gave) * among(gave)) / all
}

#[cfg(test)]
mod tests {
    use super::accuracy;
    use proptest::prelude::*;

    fn references(gave: usize) -> Vec<String> {
        (0..10).map(|n| if n < gave { "Red".into() } else { format!("other {n}") }).collect()
    }

    #[test]
    fn accuracies_are_the_published_ones() {
        // From the definition by hand: 1 of 10 is left out once and alone nine times, and so on.
        let by_hand = [0.0, 0.3, 0.6, 0.9, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
        for (gave, expected) in by_hand.iter().enumerate() {
            let found = accuracy("red.", &references(gave));
            assert!((found - expected).abs() < 1e-12, "{gave} of 10: {found}");
        }
        assert_eq!(accuracy("the red", &["red".into()]), 1.0);
        assert_eq!(accuracy("", &["?".into()]), 0.0);
        assert_eq!(accuracy("red", &[]), 0.0);
    }

    proptest! {
        /// The same by the definition: every subset of nine is formed.
        #[test]
        fn the_closed_form_is_the_mean_over_subsets(
            answers in prop::collection::vec(prop_oneof!["red", "blue", "a red", "2", "two"], 10),
            answer in prop_oneof!["red", "Blue", "two"],
        ) {
            let said = super::normalised(&answer);
            let mean = (0..10).map(|out| {
                let others = answers.iter().enumerate().filter(|(at, _)| *at != out);
                let gave = others.filter(|(_, other)| super::normalised(other) == said).count();
                (gave as f64 / 3.0).min(1.0)
            }).sum::<f64>() / 10.0;
            prop_assert!((accuracy(&answer, &answers) - mean).abs() < 1e-12);
        }
    }
}
