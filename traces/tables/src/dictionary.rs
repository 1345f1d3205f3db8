//! The dictionary of columns: every column of every table, from their declarations.

use crate::{
    AnswerRow, BestRow, Better, CapacityRow, CheckRow, ChoiceRow, ClaimRow, ClassRow, ClassRunRow, DecisionRow,
    DifferenceRow, EffectRow, FailureRow, IntervalRow, Metric, RegretRow, RequestRow, RunRow, ShortfallRow, SpanRow,
    StepRow, SummaryRow, TableDoc, TokenRow, ValidationRow,
};

/// True of a table whose metrics each have an interval.
fn has_intervals(table: &TableDoc) -> bool {
    [SummaryRow::DOC.name, ClassRow::DOC.name].contains(&table.name)
}

/// Every table, in the order of the dictionary.
pub const TABLES: &[TableDoc] = &[
    SummaryRow::DOC,
    RunRow::DOC,
    RequestRow::DOC,
    StepRow::DOC,
    SpanRow::DOC,
    TokenRow::DOC,
    DecisionRow::DOC,
    AnswerRow::DOC,
    RegretRow::DOC,
    FailureRow::DOC,
    ClassRow::DOC,
    ClassRunRow::DOC,
    ShortfallRow::DOC,
    EffectRow::DOC,
    ClaimRow::DOC,
    ValidationRow::DOC,
    DifferenceRow::DOC,
    BestRow::DOC,
    CheckRow::DOC,
    IntervalRow::DOC,
    CapacityRow::DOC,
    ChoiceRow::DOC,
];

/// Endings of columns, and the units that they say.
const UNITS: [(&str, &str); 18] = [
    ("_tokens_per_s", "tokens/s"),
    ("requests_per_s", "requests/s"),
    ("_tflop_per_s", "TFLOP/s"),
    ("_gb_per_s", "GB/s"),
    ("_per_s", "1/s"),
    ("_tokens", "tokens"),
    ("_bytes", "bytes"),
    ("_mbps", "Mbps"),
    ("_nats", "nats"),
    ("_tflop", "TFLOP"),
    ("_pct", "%"),
    ("_ms", "ms"),
    ("_ns", "ns"),
    ("_mb", "MB"),
    ("_gb", "GB"),
    ("_w", "W"),
    ("_j", "J"),
    ("_s", "s"),
];

/// Words behind the unit that say how values became one; percentiles, as in `p99`, are others.
const STATISTICS: [&str; 5] = ["mean", "peak", "max", "eq14", "renewal"];

/// The unit of a column, which is the end of its name; empty for a number without one and for text. A statistic or a share
/// (`_per_request`, `_per_token`) may follow it.
///
/// ```
/// assert_eq!(tables::unit_of("uplink_mb_per_request"), "MB");
/// assert_eq!(tables::unit_of("ttft_ms_p99"), "ms");
/// assert_eq!(tables::unit_of("output_tokens_per_s_per_request"), "tokens/s");
/// assert_eq!(tables::unit_of("policy"), "");
/// ```
pub fn unit_of(column: &str) -> &'static str {
    let name = column.strip_suffix("_ci95").unwrap_or(column);
    let stem = match (name.rsplit_once("_per_"), name.rsplit_once('_')) {
        (Some((stem, of)), _) if of != "s" => stem,
        (_, Some((stem, word))) if is_statistic(word) => stem,
        _ => name,
    };
    let stem = if stem == "tokens" || stem.starts_with('_') { "_tokens" } else { stem };
    UNITS.iter().find(|(ending, _)| stem.ends_with(ending)).map_or("", |(_, unit)| unit)
}

fn is_statistic(word: &str) -> bool {
    let percent = word.strip_prefix('p').and_then(|percent| percent.parse::<u32>().ok());
    percent.is_some() || STATISTICS.contains(&word)
}

/// A column of a table as the dictionary has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentedColumn {
    /// The table.
    pub table: &'static str,
    /// The version of the table.
    pub version: u32,
    /// The name of the column.
    pub name: String,
    /// The unit; empty without one.
    pub unit: &'static str,
    /// The type of the values.
    pub r#type: &'static str,
    /// The meaning, a sentence.
    pub meaning: String,
}

/// Every column of every table. A field that is several columns has one entry for each; varied keys share one, `KEY`.
pub fn documented_columns() -> Vec<DocumentedColumn> {
    TABLES.iter().flat_map(columns).collect()
}

fn columns(table: &TableDoc) -> Vec<DocumentedColumn> {
    let column = |name: &str, r#type, meaning: String| DocumentedColumn {
        table: table.name,
        version: table.version,
        name: name.to_owned(),
        unit: unit_of(name),
        r#type,
        meaning,
    };
    let half_width = |of: &str, r#type| {
        let meaning = format!("Half-width of the 95 % confidence interval of `{of}`.");
        column(&format!("{of}_ci95"), r#type, meaning)
    };
    let field = |field: &crate::FieldDoc| match field.name {
        "varied" => vec![column("KEY", field.r#type, field.meaning.to_owned())],
        "numbers" => vec![column("KEY_UNIT", field.r#type, field.meaning.to_owned())],
        "notes" => vec![column("NOTE", field.r#type, field.meaning.to_owned())],
        "asked" => vec![column("METRIC", field.r#type, field.meaning.to_owned()), half_width("METRIC", field.r#type)],
        "metrics" => Metric::ALL
            .iter()
            .flat_map(|metric| {
                let value = column(metric.column(), field.r#type, metric.doc().meaning.to_owned());
                let has_interval = has_intervals(table);
                std::iter::once(value).chain(has_interval.then(|| half_width(metric.column(), field.r#type)))
            })
            .collect(),
        name => vec![column(name, field.r#type, field.meaning.to_owned())],
    };
    table.fields.iter().flat_map(field).collect()
}

/// The dictionary as Markdown: `docs/columns.md`.
pub fn dictionary() -> String {
    let mut text = "# Columns\n\n\
        Every column of every table that a run, a sweep, a report or a comparison writes. Generated from the declarations in `traces/tables` \
        by `COLUMNS_UPDATE=1 cargo nextest run -p tables`; a test holds this page to them.\n\n\
        The unit is the end of a column's name. Each Parquet file has `<table>/<version>` in its metadata under \
        `msao_sim.schema`, and `sim` refuses another version. `KEY` stands for each key that a scenario varies, \
        `NOTE` for each note of its policies, which [`policies.md`](policies.md#notes) lists, `METRIC` for each metric that is \
        asked for. The same names are the keys of [documents](output.md) on stdout.\n"
        .to_owned();
    for table in TABLES {
        text +=
            &format!("\n## {}, version {}\n\n{} File: {}.\n\n", table.name, table.version, table.meaning, table.files);
        text += "| column | unit | type | meaning |\n|---|---|---|---|\n";
        let is_half_of_metric = |name: &str| name.strip_suffix("_ci95").is_some_and(|of| Metric::named(of).is_ok());
        for column in columns(table).iter().filter(|column| !is_half_of_metric(&column.name)) {
            let DocumentedColumn { name, unit, r#type, meaning, .. } = column;
            text += &format!("| `{name}` | {unit} | {} | {meaning} |\n", r#type);
        }
        if has_intervals(table) {
            text += "\nEach metric has a second column, `NAME_ci95`: the half-width of the 95 % confidence interval of its \
                     mean over replications, by Student's t.\n";
        }
    }
    text += "\n## Metrics\n\n| column | unit | better | less is | more is | decimals | heading | axis |\n\
             |---|---|---|---|---|---|---|---|\n";
    for metric in Metric::ALL {
        let doc = metric.doc();
        let better = match doc.better {
            Better::Lower => "lower",
            Better::Higher => "higher",
            Better::Neither => "",
        };
        let [less, more] = doc.words;
        text += &format!(
            "| `{}` | {} | {better} | {less} | {more} | {} | {} | {} |\n",
            doc.column, doc.unit, doc.decimals, doc.heading, doc.axis
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Row;
    use std::collections::HashSet;

    #[test]
    fn the_page_in_docs_is_the_dictionary() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/columns.md");
        if std::env::var_os("COLUMNS_UPDATE").is_some() {
            std::fs::write(path, dictionary()).unwrap();
        }
        let page = std::fs::read_to_string(path).unwrap_or_default();
        let remedy = "docs/columns.md is out of date: run COLUMNS_UPDATE=1 cargo nextest run -p tables";
        assert!(page == dictionary(), "{remedy}");
    }

    #[test]
    fn columns_are_documented_and_distinct() {
        for table in TABLES {
            let columns = columns(table);
            let names: HashSet<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            assert_eq!(names.len(), columns.len(), "{}", table.name);
            for column in columns {
                assert!(column.meaning.ends_with('.') && !column.meaning.starts_with(' '), "{column:?}");
                assert!(!["What ", "How ", "Whether ", "Who "].iter().any(|word| column.meaning.starts_with(word)));
            }
        }
    }

    /// The dictionary has the columns that files have: the schema of a table names the same, in the same order.
    #[test]
    fn the_dictionary_has_the_columns_of_the_files() {
        fn check<R: Row>() {
            // A name that is a metric's stands for METRIC.
            let asked = Metric::E2eMean.column();
            let varied = ["KEY", "KEY_number", asked].map(str::to_owned);
            let names = R::column_names(&varied).into_iter().map(|name| name.replace("KEY_number", "KEY_UNIT"));
            let names = names.map(|name| if R::TABLE == BestRow::TABLE { name.replace(asked, "METRIC") } else { name });
            let documented: Vec<String> = documented_columns()
                .into_iter()
                .filter(|column| column.table == R::TABLE)
                .map(|column| column.name)
                .collect();
            assert_eq!(documented, names.collect::<Vec<_>>());
        }
        check::<SummaryRow>();
        check::<RunRow>();
        check::<RequestRow>();
        check::<StepRow>();
        check::<SpanRow>();
        check::<TokenRow>();
        check::<AnswerRow>();
        check::<RegretRow>();
        check::<ClassRow>();
        check::<ClassRunRow>();
        check::<ShortfallRow>();
        check::<FailureRow>();
        check::<EffectRow>();
        check::<ClaimRow>();
        check::<ValidationRow>();
        check::<DifferenceRow>();
        check::<BestRow>();
        check::<CheckRow>();
        check::<IntervalRow>();
        check::<CapacityRow>();
        check::<ChoiceRow>();
    }
}
