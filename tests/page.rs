//! The page of a results folder, in a real browser.

mod browser;

use crate::support::Sim;
use crate::tools::are_there;
use browser::Browser;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Two policies at four points, of which one has a label that would be a script; three replications, so that there are intervals.
const SCENARIO: &str = "\
name = \"page\"
description = \"</script><script>alert(1)</script> & <b>\"
replications = 3

[workload]
dataset = \"vqav2\"
requests = 40

[policy.cloud_only]

[policy.edge_only]
label = \"</script><script>alert(1)</script>\"

[sweep]
\"link.bandwidth\" = [\"200 Mbps\", \"400 Mbps\"]
\"workload.dataset\" = [\"vqav2\", \"mmbench\"]
";

/// Its label.
const HOSTILE: &str = "</script><script>alert(1)</script>";

const TABLE: &str = "#results-table";

/// The results of that scenario, with their page.
fn results() -> (Sim, PathBuf) {
    let sim = Sim::new().with("page.toml", SCENARIO);
    sim.done(["page.toml", "--out", "out"]);
    sim.done(["report", "out"]);
    let page = sim.path("out/report/index.html");
    (sim, page)
}

/// A column of `summary.csv`, by its name.
fn column(sim: &Sim, name: &str) -> Vec<String> {
    let csv = sim.text("out/summary.csv");
    let mut lines = csv.lines();
    let place = lines.next().and_then(|names| names.split(',').position(|known| known == name)).expect("a column");
    lines.map(|line| line.split(',').nth(place).expect("a field").to_owned()).collect()
}

fn numbers(sim: &Sim, name: &str) -> Vec<f64> {
    column(sim, name).iter().map(|text| text.parse().expect("a number")).collect()
}

/// The numbers that stand in a column of the table, in the order in which they are shown.
fn shown(browser: &mut Browser, column: usize) -> Vec<f64> {
    let rows = browser.texts(&format!("{TABLE} tbody tr:not([hidden]) td:nth-child({column})"));
    let number = |text: &String| text.split('±').next().and_then(|mean| mean.trim().parse().ok()).expect("a number");
    rows.iter().map(number).collect()
}

/// The column of a metric's heading, from 1.
fn place(browser: &mut Browser, metric: &str) -> usize {
    let script = format!("document.querySelector('{TABLE} th[data-metric={metric}]').cellIndex + 1");
    browser.value(&script).as_u64().expect("a place") as usize
}

fn fine(browser: &Browser) {
    assert_eq!(browser.complaints(), Vec::<&Value>::new());
    assert!(browser.requests().iter().all(|url| url.starts_with("file://")), "{:?}", browser.requests());
    assert!(browser.requests().len() <= 1, "nothing but the page: {:?}", browser.requests());
}

#[test]
fn page_loads_alone_and_its_table_sorts_and_filters() {
    if !are_there("page_loads_alone_and_its_table_sorts_and_filters") {
        return;
    }
    let (_sim, page) = results();
    let mut browser = Browser::open(1280, 900);
    browser.load(&page);
    fine(&browser);
    assert_eq!(browser.texts("h1"), ["page"]);
    assert_eq!(browser.texts(".lead"), ["</script><script>alert(1)</script> & <b>"]);
    assert_eq!(browser.value("document.querySelectorAll('.chart svg').length"), 3, "each chart is drawn");

    let e2e = place(&mut browser, "e2e_ms_mean");
    let before = shown(&mut browser, e2e);
    let header = format!("{TABLE} th:nth-child({e2e})");
    let order = |browser: &mut Browser| browser.value(&format!("document.querySelector('{header}').ariaSort"));
    let mut rising = before.clone();
    rising.sort_by(f64::total_cmp);
    assert_ne!(before, rising, "the order of the scenario is another one");
    browser.click(&format!("{header} button"));
    assert_eq!((order(&mut browser), shown(&mut browser, e2e)), (json!("ascending"), rising.clone()));
    browser.click(&format!("{header} button"));
    rising.reverse();
    assert_eq!((order(&mut browser), shown(&mut browser, e2e)), (json!("descending"), rising.clone()));
    browser.click(&format!("{header} button"));
    assert_eq!((order(&mut browser), shown(&mut browser, e2e)), (json!("none"), before));

    browser.click(".tools[data-for=results-table] [name=filter]");
    for letter in "mmbench 400".chars() {
        browser.press(&letter.to_string());
    }
    let datasets = browser.texts(&format!("{TABLE} tbody tr:not([hidden]) td:nth-child(2)"));
    assert_eq!(datasets, ["mmbench", "mmbench"]);
    assert_eq!(browser.texts(".tools[data-for=results-table] output"), ["2 of 8 rows"]);

    // Claims of one verdict alone, at the press of a button.
    let all = browser.texts("#claims-table tbody tr:not([hidden])").len();
    browser.click(".verdicts .untestable button");
    let untestable = browser.texts("#claims-table tbody tr:not([hidden]) .verdict");
    assert!(untestable.len() < all && untestable.iter().all(|verdict| verdict == "not testable here"), "{all}");
    assert_eq!(browser.texts(".verdicts .untestable strong"), [untestable.len().to_string()]);

    let hidden = place(&mut browser, "makespan_s");
    let display = format!("getComputedStyle(document.querySelector('{TABLE} td:nth-child({hidden})')).display");
    assert_eq!(browser.value(&display), "none");
    browser.click(".tools[data-for=results-table] [name=all]");
    assert_eq!(browser.value(&display), "table-cell");
    fine(&browser);
}

#[test]
fn page_works_with_the_keyboard_alone() {
    if !are_there("page_works_with_the_keyboard_alone") {
        return;
    }
    let (_sim, page) = results();
    let mut browser = Browser::open(1280, 900);
    browser.load(&page);
    browser.press("Tab");
    assert_eq!(browser.value("document.activeElement.className"), "skip");
    browser.press("Enter");
    let e2e = place(&mut browser, "e2e_ms_mean");
    let at = |browser: &mut Browser, what: &str| {
        for _ in 0..60 {
            if browser.value(&format!("document.activeElement.matches({what:?})")) == true {
                return;
            }
            browser.press("Tab");
        }
        panic!("Tab does not come to {what}");
    };
    at(&mut browser, &format!("{TABLE} th:nth-child({e2e}) button"));
    browser.press("Enter");
    assert!(shown(&mut browser, e2e).is_sorted());
    browser.press(" ");
    assert!(shown(&mut browser, e2e).iter().rev().is_sorted());

    // A policy is hidden, and a chart read, without a mouse.
    at(&mut browser, ".policies input");
    browser.press(" ");
    at(&mut browser, "#chart-bars .canvas");
    browser.press("ArrowRight");
    let tip = browser.texts("#chart-bars .tip tr");
    assert_eq!(tip.len(), 1, "{tip:?}");
    assert!(tip[0].contains("alert(1)") && tip[0].ends_with(" ms"), "{tip:?}");
    fine(&browser);
}

#[test]
fn page_draws_the_values_of_the_summary() {
    if !are_there("page_draws_the_values_of_the_summary") {
        return;
    }
    let (sim, page) = results();
    assert!(std::fs::metadata(&page).expect("a file").len() < 3_000_000);
    let mut browser = Browser::open(1280, 900);
    browser.load(&page);
    // Read by the browser, which reads every digit.
    for name in ["e2e_ms_mean", "e2e_ms_mean_ci95", "accuracy_pct", "energy_j_per_request_ci95"] {
        let texts = json!(column(&sim, name));
        let (metric, kind) = name.strip_suffix("_ci95").map_or((name, "mean"), |metric| (metric, "ci95"));
        let is_same = format!(
            "(() => {{ const {{ metrics }} = JSON.parse(document.getElementById('data').textContent); \
             const found = metrics.find((metric) => metric.name === '{metric}').{kind}; const texts = {texts}; \
             return found.length === 8 && found.every((value, row) => value === Number(texts[row])); }})()"
        );
        assert_eq!(browser.value(&is_same), true, "{name}");
    }

    // What is drawn: by the numbers along the axis, each bar is as high as its value.
    let (means, halves) = (numbers(&sim, "e2e_ms_mean"), numbers(&sim, "e2e_ms_mean_ci95"));
    let (policies, datasets) = (column(&sim, "policy"), column(&sim, "dataset"));
    let is_label = |text: &(f64, f64)| text.0.is_finite();
    let texts = "[...document.querySelectorAll('#chart-bars svg text')].map((text) => { \
         const box = text.getBoundingClientRect(); return [Number(text.textContent), box.y + box.height / 2]; })";
    let texts: Vec<(Option<f64>, f64)> = serde_json::from_value(browser.value(texts)).expect("texts");
    let labels: Vec<(f64, f64)> =
        texts.iter().map(|(value, y)| (value.unwrap_or(f64::NAN), *y)).filter(is_label).collect();
    let (low, high) = (labels[0], labels[labels.len() - 1]);
    assert!(low.0 == 0.0 && high.0 > 50.0, "{labels:?}");
    let scale = (high.0 - low.0) / (low.1 - high.1);
    for (policy, colour) in [("cloud_only", "#0072b2"), (HOSTILE, "#4c2678")] {
        let bars = format!(
            "[...document.querySelectorAll('#chart-bars svg path')].filter((path) => path.getAttribute('fill') === {colour:?})\
             .map((path) => path.getBBox()).sort((a, b) => a.x - b.x).map((box) => box.height)"
        );
        let bars: Vec<f64> = serde_json::from_value(browser.value(&bars)).expect("heights");
        let drawn: Vec<f64> = bars.iter().map(|height| height * scale).collect();
        // Points stand by dataset, then by bandwidth; rows the other way round.
        let is_it = |row: &usize, dataset: &str| policies[*row] == policy && datasets[*row] == dataset;
        let of =
            |dataset| (0..means.len()).filter(|row| is_it(row, dataset)).map(|row| means[row]).collect::<Vec<f64>>();
        let expected = [of("vqav2"), of("mmbench")].concat();
        let is_near = |(drawn, mean): (&f64, &f64)| (drawn - mean).abs() < 0.005 * mean;
        assert!(drawn.len() == 4 && drawn.iter().zip(&expected).all(is_near), "{policy}: {drawn:?}, not {expected:?}");
    }

    let label = browser.value("document.querySelector('#chart-bars .canvas').ariaLabel");
    assert!(label.as_str().is_some_and(|label| label.starts_with("end-to-end latency, ms")), "{label}");

    // What is said: value, interval and unit under the mouse.
    browser.hover("#chart-bars .canvas");
    let [point, first] = ["#chart-bars strong", "#chart-bars .tip td + td"].map(|what| browser.texts(what));
    let row = (0..means.len()).find(|row| point[0] == said(&datasets[*row], &column(&sim, "bandwidth_mbps")[*row]));
    let row = row.unwrap_or_else(|| panic!("{point:?}"));
    assert_eq!(first[0], format!("{:.1} ± {:.1} ms", means[row], halves[row]));

    // Another metric, and a policy less.
    browser.value(
        "(() => { const list = document.querySelector('[name=metric]'); list.value = 'accuracy_pct'; \
                   list.dispatchEvent(new Event('change')); })()",
    );
    assert!(browser.texts("#chart-bars svg text")[0].contains("accuracy, % (higher is better)"));
    browser.click(".policies label:last-child input");
    assert_eq!(browser.value("document.querySelectorAll('#chart-bars svg path[fill=\"#4c2678\"]').length"), 0);
    fine(&browser);
}

#[test]
fn page_says_how_to_get_the_same_numbers() {
    if !are_there("page_says_how_to_get_the_same_numbers") {
        return;
    }
    let (sim, page) = results();
    let mut browser = Browser::open(1280, 900);
    browser.load(&page);
    let commands = browser.texts("#reproduce pre").concat();
    let commands: Vec<&str> = commands.lines().filter(|line| line.starts_with("sim ")).collect();
    assert_eq!(commands, ["sim scenario.toml --out again", "sim report again"]);
    let typed = commands.join(" && ").replace("sim ", "\"$SIM\" ");
    let output = sim.shell(&format!("cd out && {typed}"));
    assert_eq!(output.code, Some(0), "{output:#?}");
    for table in ["summary.csv", "requests.parquet", "report/latency.svg"] {
        let [first, again] =
            ["out", "out/again"].map(|folder| std::fs::read(sim.path(folder).join(table)).expect("a file"));
        assert!(first == again, "{table}");
    }
}

/// The name of a point.
fn said(dataset: &str, mbps: &str) -> String {
    format!("{dataset}, {mbps} Mbps")
}

/// Waits until the page has heard of a change of its media: it is told of it with a frame.
fn next_frame(browser: &mut Browser) {
    let frames = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))";
    assert_eq!(browser.value(frames), true);
}

#[test]
fn page_stands_the_dark_paper_and_narrow_screens() {
    if !are_there("page_stands_the_dark_paper_and_narrow_screens") {
        return;
    }
    let (_sim, page) = results();
    for width in [390, 1280] {
        let mut browser = Browser::open(width, 844);
        browser.load(&page);
        let over = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.value(over), 0, "something runs over the edge");
        let dark = |scheme: &str| json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        let ground = "getComputedStyle(document.body).backgroundColor";
        let ink = "document.querySelector('#chart-bars svg text').getAttribute('fill')";
        let mut looks = Vec::new();
        for scheme in ["light", "dark"] {
            browser.call("Emulation.setEmulatedMedia", dark(scheme));
            next_frame(&mut browser);
            looks.push([browser.value(ground), browser.value(ink)]);
        }
        assert!(looks[0][0] != looks[1][0] && looks[0][1] != looks[1][1], "the charts go with the page: {looks:?}");
        let paper = "getComputedStyle(document.querySelector('.paper')).backgroundColor";
        assert_eq!(browser.value(paper), "rgb(26, 30, 34)", "drawings go with the page");

        // On paper all is light and unfolded, and afterwards as before.
        let printed = browser.call("Page.printToPDF", json!({ "preferCSSPageSize": true }));
        let pdf = printed["data"].as_str().expect("a PDF in base 64");
        assert!(pdf.starts_with("JVBERi") && pdf.len() > 50_000, "{} letters", pdf.len());
        next_frame(&mut browser);
        assert_eq!([browser.value(ground), browser.value(ink)], looks[1]);
        assert_eq!(browser.value("document.querySelectorAll('details[open]').length"), 0);
        fine(&browser);
    }
}

/// Findings of axe-core that are serious or worse: the rule, and the elements that break it.
fn serious(browser: &mut Browser, axe: &str) -> Vec<String> {
    browser.value(&format!("(() => {{ {axe}; }})()"));
    let rules = "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations\
                 .filter(({ impact }) => ['serious', 'critical'].includes(impact))\
                 .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map(({ target, any }) => \
                 `${target.join(' ')} (${any.map(({ message }) => message).join('; ')})`).join(', ')}, ${nodes.length} in all`))";
    serde_json::from_value(browser.value(rules)).expect("texts")
}

#[test]
fn axe_has_no_serious_finding_in_either_theme() {
    if !are_there("axe_has_no_serious_finding_in_either_theme") {
        return;
    }
    let (sim, page) = results();
    sim.done(["page.toml", "--out", "other", "--set", "link.rtt=80 ms"]);
    sim.done(["report", "out", "other", "--out", "both"]);
    let axe = std::fs::read_to_string(crate::tools::find("axe.min.js").expect("it was looked for")).expect("a script");
    for page in [page, sim.path("both/index.html")] {
        for width in [390, 1280] {
            for scheme in ["light", "dark"] {
                let mut browser = Browser::open(width, 900);
                browser.call(
                    "Emulation.setEmulatedMedia",
                    json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }),
                );
                browser.load(&page);
                next_frame(&mut browser);
                // What is folded is held to the rules too.
                browser.value("document.querySelectorAll('details').forEach((one) => (one.open = true))");
                let found = serious(&mut browser, &axe);
                assert!(found.is_empty(), "{} at {width} px, {scheme}: {found:#?}", page.display());
            }
        }
    }
}

#[test]
fn tab_comes_to_every_control_and_goes_on() {
    if !are_there("tab_comes_to_every_control_and_goes_on") {
        return;
    }
    let (_sim, page) = results();
    let mut browser = Browser::open(1280, 900);
    browser.load(&page);
    let controls = "[...document.querySelectorAll('a[href], button, input, select, summary, [tabindex=\"0\"]')]\
                    .filter((one) => one.checkVisibility() && !one.closest('[hidden]'))";
    let count = browser.value(&format!("{controls}.length")).as_u64().expect("a count");
    assert!(count > 40, "{count} controls");
    for _ in 0..count + 10 {
        browser.press("Tab");
        browser.value("document.activeElement.setAttribute('data-reached', '')");
    }
    let missed = format!(
        "{controls}.filter((one) => !one.hasAttribute('data-reached')).map((one) => one.outerHTML.slice(0, 120))"
    );
    assert_eq!(browser.value(&missed), json!([]), "Tab does not come to them");
    // Where the keyboard is, an outline shows.
    let outline = "(() => { const link = document.querySelector('nav a'); link.focus(); return getComputedStyle(link).outlineStyle; })()";
    browser.press("Tab");
    assert_eq!(browser.value(outline), "solid");
    fine(&browser);
}
