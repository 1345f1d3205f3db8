//! The frame of the page: its head with the policy that forbids the network, its landmarks, its style and its scripts.

use super::folder;
use base64::{Engine, prelude::BASE64_STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The parts of a page.
pub(crate) struct Parts<'p> {
    pub title: &'p str,
    /// Ids and names of its sections, in their order.
    pub sections: &'p [(&'p str, &'p str)],
    /// Rules of style that hang on the data.
    pub rules: &'p str,
    /// True if drawings stand in it, whose font it must have then.
    pub has_drawings: bool,
    pub body: Markup,
    /// The data that the scripts read, as JSON; none of a page without charts, which has no scripts.
    pub data: Option<&'p str>,
}

/// The page as text.
pub(crate) fn document(parts: &Parts<'_>) -> String {
    let own = BASE64_STANDARD.encode(Sha256::digest(SCRIPT));
    // Only the scripts of this hash run, and nothing is loaded from anywhere. Styles are ours and the chart library's.
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}' 'sha256-{own}'; style-src 'unsafe-inline'; font-src data:; base-uri 'none'; \
         form-action 'none'",
        charts::SHA256_BASE64
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (parts.title) " · msao-sim" }
                style { (PreEscaped(STYLE)) (PreEscaped(folder::colours())) (PreEscaped(parts.rules)) @if parts.has_drawings { (PreEscaped(font())) } }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                nav aria-label="Sections" {
                    span.brand { "msao-sim" }
                    ul { @for (id, name) in parts.sections { li { a href={ "#" (id) } { (name) } } } }
                }
                main id="main" tabindex="-1" { (parts.body) }
                footer {
                    "One file, nothing loaded from elsewhere."
                    @if parts.data.is_some() {
                        " Charts by " (charts::NAME) ", Copyright 2017–2024 The Apache Software Foundation, Apache License 2.0; the \
                         notice stands at the head of its script in this file."
                    }
                }
                @if let Some(data) = parts.data {
                    script id="data" type="application/json" { (PreEscaped(json_in_html(data))) }
                    script { (PreEscaped(charts::SCRIPT)) }
                    script { (PreEscaped(SCRIPT)) }
                }
            }
        }
    };
    page.into_string() + "\n"
}

/// The font that drawings were measured with, as a rule of style.
fn font() -> String {
    let (name, faces) = drawing::FONT;
    let face = |(weight, bytes): (u16, &[u8])| {
        let bytes = BASE64_STANDARD.encode(bytes);
        format!("@font-face{{font-family:\"{name}\";font-weight:{weight};src:url(data:font/ttf;base64,{bytes})}}")
    };
    faces.into_iter().map(face).collect()
}

/// JSON that no parser of HTML takes for anything else: `<` stands in texts alone, where it may be written so.
fn json_in_html(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// A section of the page, with its heading.
pub(crate) fn section(id: &str, heading: &str, body: Markup) -> Markup {
    html! {
        section id=(id) aria-labelledby={ (id) "-heading" } {
            h2 id={ (id) "-heading" } { (heading) }
            (body)
        }
    }
}

/// A table that can be sorted and filtered, with its tools above it. `more` counts columns that are shown only if asked for.
pub(super) fn sortable(id: &str, what: &str, more: usize, head: Markup, rows: &[Markup]) -> Markup {
    // A table that fits on a screen or two needs no window of its own.
    let long = rows.len() > 40;
    html! {
        div.tools data-for=(id) hidden {
            label { "Filter " input type="search" name="filter" placeholder="every word must be there" autocomplete="off"; }
            @if more > 0 { label { input type="checkbox" name="all"; " " (more) " more columns" } }
            output {}
        }
        div.scroll.long[long] tabindex="0" role="region" aria-label=(what) {
            table id=(id) { thead { tr { (head) } } tbody { @for row in rows { (row) } } }
        }
    }
}

/// A heading that sorts by its column. `metric` is the whole name of what stands there; if it is one that the charts have, its
/// exact numbers decide, not what is shown of them.
pub(super) fn heading(text: &str, metric: Option<&str>) -> Markup {
    let name = metric.filter(|name| *name != text);
    html! {
        th scope="col" aria-sort="none" data-metric=[metric] {
            button type="button" title=[name] { (breakable(text)) }
        }
    }
}

/// A long name of a column may be broken behind its dots and underscores.
pub(super) fn breakable(text: &str) -> Markup {
    html! {
        @for part in text.split_inclusive(['_', '.']) { (part) @if part.ends_with(['_', '.']) { wbr; } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_ends_no_script() {
        let json = serde_json::json!({ "policy": "</script><!--<script>" }).to_string();
        let written = json_in_html(&json);
        assert!(!written.contains('<'));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&written).expect("JSON")["policy"],
            "</script><!--<script>"
        );
    }

    #[test]
    fn the_own_script_may_stand_in_a_page() {
        assert!(!SCRIPT.contains("</script") && !SCRIPT.contains("<!--") && !STYLE.contains("</style"));
    }
}
