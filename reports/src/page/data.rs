//! The interactive figures: their places on the page, and the numbers that the script draws them from. The numbers are those of
//! `summary.csv`, to the last digit.

use super::distribution;
use super::document::section as whole_section;
use super::folder::Folder;
use super::results::label;
use super::summary::{Figure, Summary};
use crate::frame::ReportError;
use drawing::{INK, Marker, RGBColor, looks};
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
            |(name, look)| json!({ "name": name, "colour": hexadecimal(look.colour), "symbol": symbol(look.marker) }),
        );
    let rows: Vec<Value> = summary.rows.iter().map(|row| json!([row.policy, row.point])).collect();
    let data = json!({
        "ink": hexadecimal(INK),
        "accuracy": ACCURACY.column(),
        "policies": policies.collect::<Vec<_>>(),
        "points": summary.points.iter().map(|point| &point.label).collect::<Vec<_>>(),
        "rows": rows,
        "metrics": (0..summary.metrics.len()).map(|place| metric(summary, place)).collect::<Vec<_>>(),
        "requests": distribution::json(folders, summary)?,
    });
    Ok(data.to_string())
}

fn metric(summary: &Summary, place: usize) -> Value {
    let MetricDoc { column: name, better, unit, decimals, .. } = summary.metrics[place].doc();
    let better = match better {
        Better::Lower => "lower is better",
        Better::Higher => "higher is better",
        Better::Neither => "",
    };
    let column =
        |of: fn(&Figure) -> Option<f64>| summary.rows.iter().map(|row| of(&row.metrics[place])).collect::<Vec<_>>();
    json!({
        "name": name,
        "unit": unit,
        "decimals": decimals,
        "better": better,
        "mean": column(|(mean, _)| *mean),
        "ci95": column(|(_, half)| *half),
    })
}

fn hexadecimal(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
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
pub(super) fn section(summary: &Summary) -> Markup {
    let (first, rest) = summary.metrics.split_at(summary.shown);
    whole_section(
        "explore",
        "Explore",
        html! {
            noscript { p.warning { "These figures need JavaScript; the drawn ones below do not." } }
            p.note { "Hover, or focus a chart and press the arrow keys, for values. Policies are shown and hidden for all charts at once." }
            fieldset.policies { legend { "Policies" } }
            (chart("bars", "Any metric", html! {
                label { "Metric " select name="metric" {
                    optgroup label="In the table" { @for metric in first { option value=(metric.column()) { (label(*metric)) } } }
                    @if !rest.is_empty() { optgroup label="All others" { @for metric in rest { option value=(metric.column()) { (metric.column()) } } } }
                } }
            }, "Means, with 95 % confidence intervals as whiskers: the numbers of summary.csv."))
            (chart("distribution", "How many requests were answered within a time", html! {
                label { "Point " select name="point" {
                    @for (place, point) in summary.points.iter().enumerate() { option value=(place) { (point.label) } }
                } }
                label { "Latency " select name="measure" {} }
            }, "All replications; thinned to equal steps of the share of requests, and cut off behind the 99th percentile of the slowest policy."))
            (chart("front", "Accuracy against cost", html! {
                label { "Cost " select name="cost" { @for cost in COSTS { option value=(cost.column()) { (label(cost)) } } } }
            }, "A mark for each policy at each point. The line joins the points that no other shown point beats in both metrics."))
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
