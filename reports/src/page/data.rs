//! The interactive figures: their places on the page, and the numbers that the script draws them from. The numbers are those of
//! `summary.csv`, to the last digit.

use super::distribution;
use super::document::section as whole_section;
use super::folder::{Folder, hexadecimal};
use super::summary::{Figure, Summary};
use crate::frame::ReportError;
use drawing::{Marker, RGBColor, looks};
use maud::{Markup, html};
use serde_json::{Value, json};
use tables::{Better, Metric, MetricDoc};

/// The metric of the front's y axis, and those that may be on its x axis.
const ACCURACY: Metric = Metric::Accuracy;
const COSTS: [Metric; 6] =
    [Metric::E2eMean, Metric::E2eP99, Metric::TtftMean, Metric::Energy, Metric::Uplink, Metric::Memory];

/// The data that the script reads, as JSON.
pub(super) fn json(folders: &[Folder], summary: &Summary) -> Result<String, ReportError> {
    let policies =
        summary.policies.iter().zip(looks(&summary.policies)).map(
            |(name, look)| json!({ "name": name, "colour": small(look.colour), "dark": small(on_dark(look.colour)), "symbol": symbol(look.marker) }),
        );
    let (environments, of_point) = summary.environments(folders);
    let rows: Vec<Value> = summary.rows.iter().map(|row| json!([row.policy, row.point])).collect();
    let data = json!({
        "accuracy": ACCURACY.column(),
        "policies": policies.collect::<Vec<_>>(),
        "points": summary.points.iter().map(|point| &point.label).collect::<Vec<_>>(),
        "rows": rows,
        "environments": environments,
        "environment": of_point,
        "metrics": charted(summary).map(|place| metric(summary, place)).collect::<Vec<_>>(),
        "requests": distribution::json(folders, summary)?,
    });
    Ok(data.to_string())
}

/// Places of the metrics that charts have: all, or of many rows those of the table and of the front.
fn charted(summary: &Summary) -> impl Iterator<Item = usize> {
    let has = |place: &usize| {
        let metric = summary.metrics[*place];
        *place < summary.shown || metric == ACCURACY || COSTS.contains(&metric) || !are_many(summary)
    };
    (0..summary.metrics.len()).filter(has)
}

/// True if there are more rows than the table shows.
fn are_many(summary: &Summary) -> bool {
    summary.in_table < summary.rows.len()
}

/// A number in six digits.
fn in_short(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
}

fn metric(summary: &Summary, place: usize) -> Value {
    let MetricDoc { column: name, better, unit, decimals, axis, .. } = summary.metrics[place].doc();
    let better = match better {
        Better::Lower => "lower is better",
        Better::Higher => "higher is better",
        Better::Neither => "",
    };
    let written = |number: f64| if are_many(summary) { in_short(number) } else { number };
    let column = |of: fn(&Figure) -> Option<f64>| {
        summary.rows.iter().map(|row| of(&row.metrics[place]).map(written)).collect::<Vec<_>>()
    };
    json!({
        "name": name,
        "words": axis,
        "unit": unit,
        "decimals": decimals,
        "better": better,
        "mean": column(|(mean, _)| *mean),
        "ci95": column(|(_, half)| *half),
    })
}

/// A colour in small letters, as browsers give it back.
fn small(colour: RGBColor) -> String {
    hexadecimal(colour).to_lowercase()
}

/// A colour as a dark page shows it.
fn on_dark(colour: RGBColor) -> RGBColor {
    drawing::DARK_PAGE.iter().find(|(light, _)| *light == colour).map_or(colour, |(_, dark)| *dark)
}

/// The symbol that comes nearest to that of the drawn figures.
fn symbol(marker: Marker) -> &'static str {
    match marker {
        Marker::Circle => "circle",
        Marker::Square => "rect",
        Marker::Triangle => "triangle",
        Marker::Diamond => "diamond",
        Marker::Cross => "path://M0,18L18,0L50,32L82,0L100,18L68,50L100,82L82,100L50,68L18,100L0,82L32,50Z",
    }
}

/// Places for the charts; the script fills them.
pub(super) fn section(folders: &[Folder], summary: &Summary) -> Markup {
    let all: Vec<Metric> = charted(summary).map(|place| summary.metrics[place]).collect();
    let (first, rest) = all.split_at(summary.shown);
    let (environments, _) = summary.environments(folders);
    whole_section(
        "explore",
        "Explore",
        html! {
            noscript { p.warning { "These figures need JavaScript; the drawn ones below do not." } }
            p.note { "Hover, or focus a chart and press the arrow keys, for values. Policies are shown and hidden for all charts at once." }
            fieldset.policies { legend { "Policies" } }
            (chart("bars", "Any metric", html! {
                label { "Metric " select name="metric" {
                    optgroup label="In the table" { @for metric in first { option value=(metric.column()) { (metric.doc().axis) } } }
                    @if !rest.is_empty() { optgroup label="All others" { @for metric in rest { option value=(metric.column()) { (metric.doc().axis) } } } }
                } }
            }, "Means, with 95 % confidence intervals as whiskers: the numbers of summary.csv."))
            (chart("distribution", "How many requests were answered within a time", html! {
                label { "Point " select name="point" {
                    @for (place, point) in summary.points.iter().enumerate() { option value=(place) { (point.label) } }
                } }
                label { "Latency " select name="measure" {} }
            }, "All replications; thinned to equal steps of the share of requests, and cut off behind the 99th percentile of the slowest policy."))
            (chart("front", "Accuracy against cost", html! {
                @if environments.len() > 1 {
                    label { "Environment " select name="environment" {
                        @for (place, name) in environments.iter().enumerate() { option value=(place) { (name) } }
                    } }
                }
                label { "Cost " select name="cost" { @for cost in COSTS { option value=(cost.column()) { (cost.doc().axis) } } } }
            }, "A mark for each policy and each choice of its settings in one environment, which nobody chooses. The line joins the marks that no other shown mark beats in both metrics."))
        },
    )
}

fn chart(id: &str, title: &str, tools: Markup, caption: &str) -> Markup {
    html! {
        figure.chart id={ "chart-" (id) } aria-labelledby={ "chart-" (id) "-title" } {
            div.head { h3 id={ "chart-" (id) "-title" } { (title) } div.tools { (tools) } }
            div.canvas tabindex="0" {}
            figcaption { (caption) }
        }
    }
}
