//! Counts over time: a CSV file with a row for each step, such as the requests of each minute of a published trace.

use crate::{TraceError, rows::CsvFile};
use std::path::Path;

/// Names of columns of counts, where nobody names one.
const COLUMNS: [&str; 3] = ["requests", "count", "arrivals"];

/// Reads the counts in `column` of the file at `path`, in the order of its rows.
///
/// # Errors
///
/// If the file cannot be read, has no such column or no row, or has a count that is no number from 0 up.
pub fn read(path: &Path, column: Option<&str>) -> Result<Vec<f64>, TraceError> {
    let mut file = CsvFile::open(path, "a CSV file with a header")?;
    let column = match column {
        Some(name) => file.column(name)?,
        None => {
            let found = file.find(|name| COLUMNS.contains(&name))?;
            found.ok_or_else(|| file.lacks("a column requests, count or arrivals"))?
        }
    };
    let mut counts = Vec::new();
    while let Some(row) = file.next()? {
        counts.push(row.number(column)?);
    }
    if counts.is_empty() {
        return Err(TraceError::new(path, "no row", "a row for each step", "check the file"));
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{file_with, shared};

    fn counts(text: &str, column: Option<&str>) -> Result<Vec<f64>, String> {
        read(file_with(text.as_bytes()).path(), column).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn counts_are_of_the_column_that_is_named_or_known() {
        let text = "# a remark\nminute,requests,other\n0,132,7\n1,0,8.5\n";
        assert_eq!(counts(text, None), Ok(vec![132.0, 0.0]));
        assert_eq!(counts(text, Some("other")), Ok(vec![7.0, 8.5]));
    }

    #[test]
    fn what_is_no_count_is_refused_at_its_line() {
        for (text, column, told) in [
            ("minute,requests\n0,1\n1,-2\n", None, ":3: found requests = \"-2\""),
            ("minute,requests\n0,many\n", None, ":2: found requests = \"many\""),
            ("minute,users\n0,1\n", None, "expected a column requests, count or arrivals"),
            ("minute,requests\n0,1\n", Some("request"), "expected a column \"request\""),
            ("minute,requests\n", None, "found no row"),
            ("requests,count\n1,2\n", None, "a second time"),
        ] {
            let refused = counts(text, column).expect_err(text);
            assert!(refused.contains(told), "{refused}");
        }
    }

    #[test]
    fn shared_counts_of_a_published_trace_are_read() {
        let Some(path) = shared("traces/requests/azure_lmm_2024_arrivals_per_minute.csv") else { return };
        let counts = read(&path, None).expect("counts");
        assert_eq!((counts.len(), counts[0], counts[3]), (612, 132.0, 277.0));
    }
}
