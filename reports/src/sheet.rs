//! A table of texts, for a terminal.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
use tables::RunRow;

/// The heading over a column of that name.
pub(crate) fn shown(name: &str) -> &str {
    if name == RunRow::bandwidth_mbps.name { "Mbps" } else { name }
}

/// Words up to this length are not broken.
const LONGEST: usize = 16;

/// Space between columns.
const GAP: u16 = 2;

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
        self.aligned(&mut Table::new())
    }

    /// The same within so many columns of a terminal: sentences are wrapped, names are not.
    pub fn text_within(&self, width: u16) -> String {
        let mut table = Table::new();
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        let is_name = |text: &String| !text.contains(' ');
        let constraint = |index: usize| {
            let texts = || std::iter::once(&self.heading[index]).chain(self.rows.iter().map(move |row| &row[index]));
            let longest_word = texts().flat_map(|text| text.split(' ')).map(str::len).max().unwrap_or(0).min(LONGEST);
            // The width of a column has the space behind it.
            let longest_word = u16::try_from(longest_word + usize::from(GAP)).unwrap_or(width);
            match texts().all(is_name) {
                true => ColumnConstraint::ContentWidth,
                false => ColumnConstraint::LowerBoundary(Width::Fixed(longest_word)),
            }
        };
        table.set_header(&self.heading).set_constraints((0..self.heading.len()).map(constraint));
        self.aligned(&mut table)
    }

    fn aligned(&self, table: &mut Table) -> String {
        table.load_style(presets::NOTHING);
        table.set_header(self.heading.iter().map(|name| shown(name)));
        for row in &self.rows {
            table.add_row(row);
        }
        let is_number = |text: &str| text == "-" || text.starts_with(|c: char| c.is_ascii_digit() || "+-".contains(c));
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, GAP));
            if !self.rows.is_empty() && self.rows.iter().all(|row| is_number(&row[index])) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}
