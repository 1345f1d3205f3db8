//! Errors in percent, and their summaries.

/// Error of a modelled figure, in percent of the measured one: minus means that the model is too fast.
pub fn error_pct(modelled: f64, measured: f64) -> f64 {
    100.0 * (modelled / measured - 1.0)
}

/// The errors of one quantity over the rows of a line.
#[derive(Debug, Clone, Default)]
pub struct Errors(Vec<f64>);

impl FromIterator<f64> for Errors {
    fn from_iter<I: IntoIterator<Item = f64>>(errors_pct: I) -> Self {
        Self(errors_pct.into_iter().collect())
    }
}

impl Errors {
    /// Number of rows.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Median size of the errors; none without rows.
    pub fn median_size(&self) -> Option<f64> {
        let mut sizes: Vec<f64> = self.0.iter().map(|error| error.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let upper = *sizes.get(sizes.len() / 2)?;
        let lower = sizes[(sizes.len() - 1) / 2];
        Some(f64::midpoint(lower, upper))
    }

    /// Mean of the errors with their signs; none without rows.
    pub fn mean(&self) -> Option<f64> {
        let count = self.0.len() as f64;
        (!self.0.is_empty()).then(|| self.0.iter().sum::<f64>() / count)
    }

    /// Number of errors of at most this size.
    pub fn within(&self, most_pct: f64) -> usize {
        self.0.iter().filter(|error| error.abs() <= most_pct).count()
    }

    /// Place and error of the largest one.
    pub fn worst(&self) -> Option<(usize, f64)> {
        let sized = self.0.iter().copied().enumerate();
        sized.max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_in_percent_of_what_was_measured() {
        assert!((error_pct(9.0, 10.0) + 10.0).abs() < 1e-9);
        assert!((error_pct(15.0, 10.0) - 50.0).abs() < 1e-9);
    }

    #[test]
    fn summaries_take_sizes_or_signs() {
        let errors: Errors = [-30.0, 10.0, 20.0, -2.0].into_iter().collect();
        assert_eq!(errors.median_size(), Some(15.0));
        assert_eq!(errors.mean(), Some(-0.5));
        assert_eq!(errors.within(20.0), 3);
        assert_eq!(errors.worst(), Some((0, -30.0)));
        let odd: Errors = [7.0, -1.0, 3.0].into_iter().collect();
        assert_eq!(odd.median_size(), Some(3.0));
        let none = Errors::default();
        assert_eq!((none.median_size(), none.mean(), none.worst(), none.within(5.0)), (None, None, None, 0));
    }
}
