//! Published seconds a request of Qwen2.5-VL on an A6000, one client at a time.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Measurement;
use super::errors::{Errors, error_pct};
use super::simulator::Run;
use super::table::{Line, Target};

const FILE: &str = "published_vllm_a6000.md";

/// Share of the cells that are to be within the margin, and the margin.
const CELLS_WITHIN: usize = 11;
const WITHIN_PCT: f64 = 15.0;

/// A cell of the table: what is asked of which model, and the seconds that it took.
#[derive(Debug, Clone, PartialEq)]
struct Cell {
    model: &'static str,
    weights: &'static str,
    shape: Shape,
    seconds: f64,
}

/// A picture, its prompt and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    width: u32,
    height: u32,
    text_tokens: u32,
    output_tokens: u32,
}

/// The table of the file.
pub struct Published(Vec<Cell>);

/// Reads the file.
pub fn read(folder: &Path) -> Result<Published, String> {
    let file = folder.join(FILE);
    let wrong = |reason: String| format!("{}: {reason}; copy the file again", file.display());
    let text = fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
    parse(&text).map_err(wrong)
}

/// The rows of the table, each with the models and the weights of its figures, in their order.
const ROWS: [(&str, &str, &[&str]); 3] = [
    ("Qwen2.5-VL-7B bf16, A6000", "qwen2.5-vl-7b", &["bf16"]),
    ("7B w8a8 / w4a16, A6000", "qwen2.5-vl-7b", &["w8a8", "w4a16_gptq"]),
    ("Qwen2.5-VL-3B bf16, A6000", "qwen2.5-vl-3b", &["bf16"]),
];

fn parse(text: &str) -> Result<Published, String> {
    let rows: Vec<Vec<&str>> = text.lines().filter_map(cells).collect();
    let find = |name: &str| {
        let found = rows.iter().find(|row| row[0] == name);
        found.ok_or_else(|| format!("found no row `{name}` in its table"))
    };
    let shapes: Vec<Shape> = find("model, GPU")?[1..].iter().map(|cell| shape(cell)).collect::<Result<_, _>>()?;
    let mut published = Vec::new();
    for (name, model, formats) in ROWS {
        for (cell, shape) in find(name)?[1..].iter().zip(&shapes) {
            let figures: Vec<f64> = cell.split('/').filter_map(|figure| figure.trim().parse().ok()).collect();
            if figures.len() != formats.len() {
                return Err(format!("found `{cell}` in the row `{name}`, expected {} figures", formats.len()));
            }
            let cells = formats.iter().zip(figures);
            published.extend(cells.map(|(weights, seconds)| Cell { model, weights, shape: *shape, seconds }));
        }
    }
    Ok(Published(published))
}

/// The cells of a row of Markdown; none of another line.
fn cells(line: &str) -> Option<Vec<&str>> {
    let inside = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inside.split('|').map(str::trim).collect())
}

/// `1680x2240, 64/128`: picture, prompt and answer.
fn shape(cell: &str) -> Result<Shape, String> {
    let numbers: Vec<u32> = cell.split(['x', ',', '/']).filter_map(|number| number.trim().parse().ok()).collect();
    let [width, height, text_tokens, output_tokens] = numbers[..] else {
        return Err(format!("found `{cell}` in the table's head, expected a shape such as `640x480, 128/128`"));
    };
    Ok(Shape { width, height, text_tokens, output_tokens })
}

impl Cell {
    fn name(&self) -> String {
        let Self { model, weights, shape: Shape { width, height, text_tokens, output_tokens }, .. } = self;
        format!("{model} {weights}, {width}x{height}, {text_tokens}/{output_tokens}")
    }

    /// The server works on the pictures, by its engine's constant; the edge does not.
    fn scenario(&self) -> String {
        let Self { model, weights, shape: Shape { width, height, text_tokens, output_tokens }, .. } = self;
        // There is always a token of text: a prompt without any has that of its template.
        let text_tokens = (*text_tokens).max(1);
        format!(
            "description = \"A6000, {}\"\nname = \"validation\"\nreplications = 1\npolicy.cloud_only = {{}}\narrivals.closed_loop.clients = 1\n\
             [workload]\nrequests = 10\n\
             dataset.custom = {{ name = \"cell\", width = {width}, height = {height}, text_tokens = {text_tokens}, \
             output_tokens = {output_tokens} }}\n\
             [edge]\npreprocess = \"0 ms\"\n\
             [cloud]\ndevice = \"a6000\"\nmodel = \"{model}\"\nengine = \"vllm-0.7\"\nweights = \"{weights}\"\n\
             [link]\nbandwidth = \"100 Gbps\"\nrtt = \"0 ms\"\n",
            self.name()
        )
    }
}

impl Measurement for Published {
    fn server(&self) -> &str {
        "A6000, Qwen2.5-VL-7B and 3B in four formats, vLLM 0.7, one client"
    }

    fn runs(&self) -> Vec<Run> {
        self.0.iter().map(|cell| Run { command: &["--no-report"], scenario: cell.scenario() }).collect()
    }

    fn line(&self, printed: &[Option<&Value>]) -> Line {
        let compared: Vec<(String, f64)> = self
            .0
            .iter()
            .zip(printed)
            .filter_map(|(cell, printed)| {
                let modelled = (*printed)?["rows"][0]["e2e_ms_mean"].as_f64()?;
                Some((cell.name(), error_pct(modelled, 1e3 * cell.seconds)))
            })
            .collect();
        let errors: Errors = compared.iter().map(|(_, error)| *error).collect();
        let near = errors.within(WITHIN_PCT);
        let worst = errors
            .worst()
            .map_or_else(String::new, |(place, error)| format!(", worst {error:+.1} ({})", compared[place].0));
        Line {
            server: self.server().to_owned(),
            source: "model cards, published_vllm_a6000",
            fitted: "nothing",
            rows: (compared.len(), self.0.len()),
            errors: [format!("{near} of {} within 15{worst}", self.0.len()), String::new(), String::new()],
            targets: vec![Target {
                asked: format!("{CELLS_WITHIN} of {} within {WITHIN_PCT} %", self.0.len()),
                met: (!compared.is_empty()).then_some(near >= CELLS_WITHIN),
            }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TABLE: &str = "Words.\n\n| model, GPU | 1680x2240, 64/128 | 480x360, 0/128 |\n| --- | --- | --- |\n\
        | Qwen2.5-VL-7B bf16, A6000 | 4.9 | 3.1 |\n| 7B w8a8 / w4a16, A6000 | 3.6 / 3.3 | 2.0 / 1.4 |\n\
        | Qwen2.5-VL-3B bf16, A6000 | 3.1 | 1.7 |\n";

    #[test]
    fn cells_have_their_model_their_format_and_their_shape() {
        let Published(cells) = parse(TABLE).unwrap();
        assert_eq!(cells.len(), 8);
        let shape = Shape { width: 1680, height: 2240, text_tokens: 64, output_tokens: 128 };
        let cell = Cell { model: "qwen2.5-vl-7b", weights: "w4a16_gptq", shape, seconds: 3.3 };
        assert_eq!(cells.iter().filter(|one| **one == cell).count(), 1, "{cells:?}");
        for cell in &cells {
            let scenario: toml::Table = cell.scenario().parse().unwrap();
            let text = &scenario["workload"]["dataset"]["custom"]["text_tokens"];
            assert!(text.as_integer().is_some_and(|tokens| tokens >= 1), "a scenario without text is refused: {text}");
        }
    }

    #[test]
    fn a_table_that_lacks_something_is_refused() {
        let said = |table: String| parse(&table).map(|_| ()).unwrap_err();
        assert!(said(TABLE.replace("3B", "4B")).contains("found no row `Qwen2.5-VL-3B bf16, A6000`"));
        assert!(said(TABLE.replace("3.6 / 3.3", "3.6")).contains("found `3.6`"));
        assert!(said(TABLE.replace("480x360, 0/128", "small")).contains("found `small` in the table's head"));
    }

    #[test]
    fn the_line_counts_the_cells_within_the_margin() {
        let cells = [4.0, 2.0, 1.0].map(|seconds| {
            let shape = Shape { width: 640, height: 480, text_tokens: 128, output_tokens: 128 };
            Cell { model: "qwen2.5-vl-7b", weights: "bf16", shape, seconds }
        });
        let printed = json!({"rows": [{"e2e_ms_mean": 2200.0}]});
        let line = Published(cells.to_vec()).line(&[Some(&printed), Some(&printed), None]);
        assert_eq!(line.rows, (2, 3));
        assert_eq!(line.errors[0], "1 of 3 within 15, worst -45.0 (qwen2.5-vl-7b bf16, 640x480, 128/128)");
        assert_eq!(line.targets[0].met, Some(false));
    }
}
