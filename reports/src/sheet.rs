//! A table of texts, for a terminal and as CSV.

use comfy_table::{CellAlignment, Table, presets};
use tables::spreadsheet_text;

/// Rows under a heading.
#[derive(Clone, Debug)]
pub struct Sheet {
    heading: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Sheet {
    /// A sheet without rows.
    pub fn new<'h>(heading: impl Iterator<Item = &'h str>) -> Self {
        Self { heading: heading.map(str::to_owned).collect(), rows: Vec::new() }
    }

    /// Adds a row, as long as the heading.
    pub fn row(&mut self, row: impl Iterator<Item = String>) {
        self.rows.push(row.collect());
    }

    /// Aligned columns, numbers to the right; byte-stable, whatever the terminal.
    pub fn text(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let shown = |name: &String| if name == "bandwidth_mbps" { "Mbps".to_owned() } else { name.clone() };
        table.set_header(self.heading.iter().map(shown));
        for row in &self.rows {
            table.add_row(row);
        }
        let is_number = |text: &str| text == "-" || text.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c));
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if !self.rows.is_empty() && self.rows.iter().all(|row| is_number(&row[index])) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    /// RFC 4180, with lines that end in `\n`, and what a spreadsheet would run marked.
    pub fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in std::iter::once(&self.heading).chain(&self.rows) {
            let marked = row.iter().map(|text| spreadsheet_text(text).into_owned());
            writer.write_record(marked).expect("rows are as long as their heading");
        }
        let bytes = writer.into_inner().expect("memory");
        String::from_utf8(bytes).expect("texts are UTF-8")
    }
}
