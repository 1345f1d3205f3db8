//! A list as a table for people and as JSON for programs.

use reports::Sheet;
use schemars::JsonSchema;
use serde_json::Value;
use tables::Object;

/// Columns of a terminal that a table fills.
const WIDTH: u16 = 100;

/// A column: a key in JSON, with the unit last, and a heading.
#[derive(Clone, Copy)]
pub struct Column {
    key: &'static str,
    /// The heading in the table; none if only JSON has the column.
    heading: Option<&'static str>,
}

impl Column {
    /// A column whose heading is its key.
    pub const fn new(key: &'static str) -> Self {
        Self::headed(key, key)
    }

    /// A column with a heading that says the unit.
    pub const fn headed(key: &'static str, heading: &'static str) -> Self {
        Self { key, heading: Some(heading) }
    }

    /// A column of the JSON alone.
    pub const fn json_only(key: &'static str) -> Self {
        Self { key, heading: None }
    }
}

/// The lines of a list.
pub struct Listing {
    columns: &'static [Column],
    lines: Vec<Vec<Value>>,
}

impl Listing {
    /// Lines, each with a value for every column; null where there is none.
    pub fn new(columns: &'static [Column], lines: impl IntoIterator<Item = Vec<Value>>) -> Self {
        Self { columns, lines: lines.into_iter().collect() }
    }

    /// A table that fits a terminal of 100 columns.
    pub fn text(&self) -> String {
        let mut sheet = Sheet::new(self.columns.iter().filter_map(|column| column.heading));
        for line in &self.lines {
            let shown = self.columns.iter().zip(line).filter(|(column, _)| column.heading.is_some());
            sheet.row(shown.map(|(_, value)| text(value)));
        }
        sheet.text_within(WIDTH)
    }

    /// The keys and values of each line.
    pub fn objects(&self) -> Vec<Vec<(String, Value)>> {
        let keys = || self.columns.iter().map(|column| column.key.to_owned());
        self.lines.iter().map(|line| keys().zip(line.iter().cloned()).collect()).collect()
    }

    /// An array with an object for each line.
    pub fn json(&self) -> String {
        let object = |line: &Vec<Value>| {
            Object(self.columns.iter().map(|column| column.key).zip(line.iter().cloned()).collect())
        };
        let lines: Vec<Object<&str>> = self.lines.iter().map(object).collect();
        serde_json::to_string_pretty(&lines).expect("a list is JSON") + "\n"
    }
}

/// The names of an enum, each with the sentence that the schema of scenarios has from its declaration.
pub fn meanings<T: JsonSchema>() -> Vec<(String, String)> {
    let schema = schemars::schema_for!(T).to_value();
    let names = schema["oneOf"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    names.iter().map(|name| (text(&name["const"]), text(&name["description"]))).collect()
}

/// A value in a table.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(String::new, |number| number.to_string()),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(_) => value.to_string(),
    }
}

/// A number rounded to this many decimals: what a table shows is what JSON has.
pub fn rounded(number: f64, decimals: i32) -> Value {
    let scale = 10f64.powi(decimals);
    ((number * scale).round() / scale).into()
}
