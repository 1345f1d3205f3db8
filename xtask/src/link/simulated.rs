//! Simulated times of cells: those of the simulator's TCP, or of a file that anybody has written.

use super::cell::{Before, Cell, Link, Settings};
use crate::failure::Outcome;
use crate::house;
use serde::Deserialize;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::Path;
use std::process::Stdio;

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

/// The columns of a cell.
const COLUMNS: &str = "mbps,rtt_ms,congestion,idle_restart,bytes,connection";

impl Simulated {
    /// The times of a CSV file.
    ///
    /// # Errors
    /// If the file cannot be read, or if a column is missing or a value is none.
    pub fn read(path: &Path) -> Outcome<Self> {
        let name = path.display().to_string();
        Self::of_csv(std::fs::File::open(path).map_err(|error| format!("{name}: {error}"))?, &name)
    }

    /// The times that the simulator's TCP takes: `sim/kernel/examples/messages`, which is built for it.
    ///
    /// # Errors
    /// If cargo does not start, or if the example does not build or refuses a cell.
    pub fn by_the_simulator(cells: &[Cell]) -> Outcome<Self> {
        let mut asked = format!("{COLUMNS}\n");
        for Cell { link, settings, bytes, connection } in cells {
            let (Link { mbps, rtt_ms }, Settings { congestion, idle_restart }) = (link, settings);
            let name = connection.name();
            writeln!(asked, "{mbps},{rtt_ms},{congestion},{idle_restart},{bytes},{name}").expect("a text takes all");
        }
        let mut command = house::cargo();
        command.args(["run", "--quiet", "--package", "kernel", "--example", "messages"]);
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child =
            started.map_err(|error| format!("cargo did not start: {error}; set CARGO to a working cargo"))?;
        let told = child.stdin.take().expect("a pipe").write_all(asked.as_bytes());
        let output = child.wait_with_output().map_err(|error| format!("the example `messages`: {error}"))?;
        if !output.status.success() {
            return Err(format!("the example `messages` of the kernel failed ({})", output.status).into());
        }
        told.map_err(|error| format!("the example `messages`: {error}"))?;
        Self::of_csv(&output.stdout[..], "the example `messages`")
    }

    fn of_csv(text: impl Read, name: &str) -> Outcome<Self> {
        let columns = "mbps, rtt_ms, congestion, idle_restart (true or false), bytes, connection (warm, new or silent), simulated_ms";
        let refusal = |error: csv::Error| format!("{name}: {error}; expected the columns {columns}");
        let mut lines = Vec::new();
        for line in csv::Reader::from_reader(text).deserialize() {
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
