//! Pareto fronts: of several costs, what nothing else beats.

/// The items that no other dominates, by the first cost: one dominates another if none of its costs is higher and one is
/// lower. Items that are equal in all are on the front together.
pub(super) fn front<const COSTS: usize>(items: &[[f64; COSTS]]) -> Vec<usize> {
    let order = |a: usize, b: usize| {
        let pairs = items[a].iter().zip(&items[b]);
        pairs.map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne()).unwrap_or(a.cmp(&b))
    };
    let mut sorted: Vec<usize> = (0..items.len()).collect();
    sorted.sort_by(|a, b| order(*a, *b));
    // In this order nothing dominates what comes before it.
    let mut front: Vec<usize> = Vec::new();
    for item in sorted {
        if !front.iter().any(|other| dominates(&items[*other], &items[item])) {
            front.push(item);
        }
    }
    front
}

fn dominates<const COSTS: usize>(one: &[f64; COSTS], other: &[f64; COSTS]) -> bool {
    let pairs = || one.iter().zip(other);
    pairs().all(|(one, other)| one <= other) && pairs().any(|(one, other)| one < other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_beaten_is_not_on_the_front() {
        assert_eq!(front(&[[3.0, 1.0], [1.0, 3.0], [2.0, 2.0], [3.0, 3.0]]), [1, 2, 0]);
        assert_eq!(front::<2>(&[]), [] as [usize; 0]);
    }

    #[test]
    fn equals_are_on_the_front_together() {
        assert_eq!(front(&[[1.0, 2.0], [0.0, 3.0], [1.0, 2.0]]), [1, 0, 2]);
        assert_eq!(front(&[[1.0, 2.0], [1.0, 1.0]]), [1], "as fast, and better");
    }

    #[test]
    fn a_third_cost_can_save_an_item() {
        assert_eq!(front(&[[1.0, 1.0, 5.0], [2.0, 2.0, 1.0], [2.0, 2.0, 6.0]]), [0, 1]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn the_front_against_its_definition(costs in proptest::collection::vec((0..6u8, 0..6u8, 0..6u8), 0..30)) {
            let items: Vec<[f64; 3]> = costs.iter().map(|(a, b, c)| [*a, *b, *c].map(f64::from)).collect();
            let mut found = front(&items);
            prop_assert!(found.is_sorted_by(|a, b| items[*a][0] <= items[*b][0]), "by the first cost");
            found.sort_unstable();
            let beaten = |item: &[f64; 3]| items.iter().any(|other| dominates(other, item));
            let expected: Vec<usize> = (0..items.len()).filter(|item| !beaten(&items[*item])).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
