//! The table, in Markdown.

use std::fmt::Write;

/// A line of the table.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// Device, model, engine and their number.
    pub server: String,
    /// File and source of the measurements.
    pub source: &'static str,
    /// Constants that were fitted to these measurements.
    pub fitted: &'static str,
    /// Number of rows compared, of how many there are.
    pub rows: (usize, usize),
    /// Errors of E2E, TTFT and TPOT, in words; empty where the source has none.
    pub errors: [String; 3],
    /// Targets of the line.
    pub targets: Vec<Target>,
}

/// A quantity that is to be met within a margin.
#[derive(Debug, Clone)]
pub struct Target {
    /// The quantity and its margin.
    pub asked: String,
    /// True if it is met; none where nothing could be compared.
    pub met: Option<bool>,
}

impl Target {
    /// The size of an error against its margin.
    pub fn within(quantity: &str, error_pct: Option<f64>, most_pct: f64) -> Self {
        Self { asked: format!("{quantity} {most_pct} %"), met: error_pct.map(|error| error.abs() <= most_pct) }
    }

    fn said(&self) -> String {
        let verdict = match self.met {
            Some(true) => "MET",
            Some(false) => "MISSED",
            None => "not compared",
        };
        format!("{}: {verdict}", self.asked)
    }
}

/// An error with its sign, as the table writes it.
pub fn signed(error_pct: Option<f64>) -> String {
    error_pct.map_or_else(|| "-".to_owned(), |error| format!("{error:+.1}"))
}

/// The size of an error, as the table writes it.
pub fn size(error_pct: Option<f64>) -> String {
    error_pct.map_or_else(|| "-".to_owned(), |error| format!("{:.1}", error.abs()))
}

/// The whole table.
pub fn markdown(lines: &[Line]) -> String {
    let mut text = "| server | measured by | fitted to it | rows | E2E, % | TTFT, % | TPOT, % | target |\n\
                    | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for line in lines {
        let (compared, all) = line.rows;
        let rows = if compared == all { all.to_string() } else { format!("{compared} of {all}") };
        let [e2e, ttft, tpot] = line.errors.each_ref().map(|error| if error.is_empty() { "-" } else { error });
        let targets: Vec<String> = line.targets.iter().map(Target::said).collect();
        let targets = if targets.is_empty() { "-".to_owned() } else { targets.join("; ") };
        let Line { server, source, fitted, .. } = line;
        writeln!(text, "| {server} | {source} | {fitted} | {rows} | {e2e} | {ttft} | {tpot} | {targets} |")
            .expect("a string");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_source_its_rows_and_its_verdicts() {
        let line = Line {
            server: "a card".to_owned(),
            source: "a file",
            fitted: "nothing",
            rows: (14, 15),
            errors: [String::new(), "median 3.0".to_owned(), signed(Some(-2.04))],
            targets: vec![
                Target::within("TTFT", Some(-3.0), 20.0),
                Target::within("TPOT", Some(-8.1), 8.0),
                Target::within("E2E", None, 5.0),
            ],
        };
        let text = markdown(&[line, Line::default()]);
        let row = "| a card | a file | nothing | 14 of 15 | - | median 3.0 | -2.0 | \
                   TTFT 20 %: MET; TPOT 8 %: MISSED; E2E 5 %: not compared |";
        assert_eq!(text.lines().nth(2), Some(row));
        assert_eq!(text.lines().nth(3), Some("|  |  |  | 0 | - | - | - | - |"));
        assert_eq!((size(Some(-4.26)), size(None), signed(None)), ("4.3".to_owned(), "-".to_owned(), "-".to_owned()));
    }
}
