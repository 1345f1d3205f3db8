//! The compute model against published and measured times. `cargo test -p model --test measured -- --nocapture` prints
//! the tables that `docs/compute-model.md` quotes.
//!
//! No constant is fitted here: devices, models and engines are those of the simulator, and the asserted bounds only guard
//! what was found. An error is `modelled / measured - 1` of a duration: positive means that the model is too slow.

use model::{device::Device, load::Load, model_spec::ModelSpec, roofline::Roofline};

#[path = "measured/published.rs"]
mod published;
#[path = "measured/steps.rs"]
mod steps;

/// One comparison: a label, and two durations in seconds.
struct Row {
    label: String,
    measured_s: f64,
    modelled_s: f64,
}

impl Row {
    fn error(&self) -> f64 {
        self.modelled_s / self.measured_s - 1.0
    }
}

/// Median, 90th percentile and worst of the absolute error, and the mean of the signed one.
struct Errors {
    rows: usize,
    median: f64,
    p90: f64,
    worst: f64,
    mean_signed: f64,
    worst_label: String,
}

/// The head of the table that [`Errors::print`] fills.
const ERRORS_HEAD: &str =
    "| group | rows | median | P90 | worst | mean signed |\n| --- | --- | --- | --- | --- | --- |";

impl Errors {
    fn of(rows: &[Row]) -> Errors {
        let mut sorted: Vec<&Row> = rows.iter().collect();
        sorted.sort_by(|a, b| a.error().abs().total_cmp(&b.error().abs()));
        let at = |share: f64| sorted[((rows.len() - 1) as f64 * share).round() as usize];
        Errors {
            rows: rows.len(),
            median: f64::midpoint(sorted[(rows.len() - 1) / 2].error().abs(), sorted[rows.len() / 2].error().abs()),
            p90: at(0.9).error().abs(),
            worst: at(1.0).error(),
            mean_signed: rows.iter().map(Row::error).sum::<f64>() / rows.len() as f64,
            worst_label: at(1.0).label.clone(),
        }
    }

    fn print(&self, group: &str) {
        let percent = |share: f64| share * 100.0;
        let (median, p90, worst) = (percent(self.median), percent(self.p90), percent(self.worst));
        let (mean, label, rows) = (percent(self.mean_signed), &self.worst_label, self.rows);
        quote(&format!("| {group} | {rows} | {median:.0} % | {p90:.0} % | {worst:+.0} % ({label}) | {mean:+.0} % |"));
    }

    /// A regression guard, far from tight: the median and the worst must not leave what `docs/compute-model.md` says.
    fn guard(&self, group: &str, median: f64, worst: f64) {
        assert!(self.median <= median, "{group}: median error {}, guard {median}", self.median);
        assert!(self.worst.abs() <= worst, "{group}: worst error {}, guard {worst}", self.worst);
    }
}

/// Prints a row of a table. `docs/compute-model.md` must have it word for word.
fn quote(row: &str) {
    println!("{row}");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/compute-model.md");
    let text = std::fs::read_to_string(page).expect("the page");
    if option_env!("MEASURED_UPDATE").is_some() {
        return;
    }
    assert!(
        text.lines().any(|line| line == row),
        "docs/compute-model.md does not have the row that is printed now:\n{row}"
    );
}

fn model(name: &str) -> ModelSpec {
    ModelSpec::named(name).expect("a built-in model").clone()
}

fn device(name: &str) -> Device {
    Device::named(name).expect("a built-in device").clone()
}

fn seconds(roofline: &Roofline, load: &Load) -> f64 {
    roofline.iteration(load).duration.as_secs_f64()
}
