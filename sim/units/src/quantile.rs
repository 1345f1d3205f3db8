//! The one definition of a quantile.

/// The smallest of ascending values that at least `share` of them do not exceed; `None` of no values.
///
/// This is the nearest rank, the inverse of the empirical distribution (Hyndman and Fan's definition 1). It is always one of
/// the values. The summary's sketch of latencies has the same definition, within 0.1 %.
///
/// ```
/// use units::quantile;
///
/// let ms = [10, 20, 30, 40];
/// assert_eq!([0.0, 0.5, 0.75, 0.9].map(|share| quantile(&ms, share)), [10, 20, 30, 40].map(Some));
/// assert_eq!(quantile::<u32>(&[], 0.5), None);
/// ```
#[inline]
pub fn quantile<T: Copy>(ascending: &[T], share: f64) -> Option<T> {
    let last = ascending.len().checked_sub(1)?;
    let rank = (share * ascending.len() as f64).ceil() as usize;
    Some(ascending[rank.saturating_sub(1).min(last)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ends_are_the_least_and_the_greatest() {
        assert_eq!([-1.0, 0.0, 1.0, 2.0].map(|share| quantile(&[1, 2, 3], share)), [1, 1, 3, 3].map(Some));
        assert_eq!(quantile(&[7], 0.3), Some(7));
    }

    proptest! {
        #[test]
        fn it_is_the_smallest_value_that_the_share_does_not_exceed(
            mut values in prop::collection::vec(0u8..20, 1..40), share in 0.0..1.0f64,
        ) {
            values.sort();
            let reached = |value: &u8| values.iter().filter(|other| *other <= value).count() as f64 >= share * values.len() as f64;
            prop_assert_eq!(quantile(&values, share), values.iter().copied().find(|value| reached(value)));
        }
    }
}
