//! The options that say which columns of the table are printed.

use super::Failure;
use super::look::width;
use reports::Columns;
use tables::Metric;

/// The columns of the printed table. A pipe or a file gets all of them.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Layout {
    /// Metrics to print instead of the table's own, as summary.csv calls them; `sim list metrics` has all.
    #[arg(long, value_name = "METRIC,METRIC...", value_delimiter = ',', conflicts_with = "wide")]
    pub columns: Vec<String>,
    /// Print every column of the table, however narrow the terminal.
    #[arg(long)]
    pub wide: bool,
}

impl Layout {
    /// The columns that are asked for, or those that fit the terminal.
    ///
    /// # Errors
    /// If there is no such metric: the nearest is given.
    pub fn shown(&self) -> Result<Columns, Failure> {
        if !self.columns.is_empty() {
            let named = |name: &String| Metric::named(name.trim());
            let metrics = self.columns.iter().map(named).collect::<Result<Vec<_>, _>>();
            return metrics.map(Columns::Named).map_err(|error| Failure::refused(format!("--columns: {error}")));
        }
        Ok(width().filter(|_| !self.wide).map_or(Columns::All, Columns::Within))
    }
}
