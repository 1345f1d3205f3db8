//! Simulated times of cells, from a file that the program `sim` or anybody else has written.

use super::cell::{Before, Cell, Link, Settings};
use crate::failure::Outcome;
use serde::Deserialize;
use std::path::Path;

/// A line of the file.
#[derive(Clone, Debug, Deserialize)]
struct Line {
    mbps: f64,
    rtt_ms: f64,
    congestion: String,
    idle_restart: bool,
    bytes: usize,
    connection: Before,
    simulated_ms: f64,
}

/// Simulated times by cell.
#[derive(Clone, Debug, Default)]
pub struct Simulated(Vec<(Cell, f64)>);

impl Simulated {
    /// The times of a CSV file.
    ///
    /// # Errors
    /// If the file cannot be read, or if a column is missing or a value is none.
    pub fn read(path: &Path) -> Outcome<Self> {
        let columns = "mbps, rtt_ms, congestion, idle_restart (true or false), bytes, connection (warm, new or silent), simulated_ms";
        let refusal = |error: csv::Error| format!("{}: {error}; expected the columns {columns}", path.display());
        let mut lines = Vec::new();
        for line in csv::Reader::from_path(path).map_err(refusal)?.deserialize() {
            let Line { mbps, rtt_ms, congestion, idle_restart, bytes, connection, simulated_ms } =
                line.map_err(refusal)?;
            let (link, settings) = (Link { mbps, rtt_ms }, Settings { congestion, idle_restart });
            lines.push((Cell { link, settings, bytes, connection }, simulated_ms));
        }
        Ok(Self(lines))
    }

    /// The time of a cell, if there is one.
    pub fn of(&self, cell: &Cell) -> Option<f64> {
        self.0.iter().find(|(known, _)| known == cell).map(|(_, ms)| *ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_by_cell_and_a_wrong_file_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let header = "mbps,rtt_ms,congestion,idle_restart,bytes,connection,simulated_ms\n";
        std::fs::write(file.path(), format!("{header}400,20,cubic,true,14000,silent,10.5\n")).expect("a file");
        let simulated = Simulated::read(file.path()).expect("times");
        let mut cell = simulated.0[0].0.clone();
        assert_eq!(simulated.of(&cell), Some(10.5));
        cell.connection = Before::New;
        assert_eq!(simulated.of(&cell), None);
        std::fs::write(file.path(), format!("{header}400,20,cubic,true,14000,idle,10.5\n")).expect("a file");
        assert!(Simulated::read(file.path()).unwrap_err().to_string().contains("expected the columns mbps"));
    }
}
