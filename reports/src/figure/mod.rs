//! Figures of a results folder: each is one file here and one line of [`FIGURES`], and is drawn as SVG and as PNG.
//!
//! Equal folders give equal bytes. A figure says what it shows without a caption.

mod ablation;
mod acceptance;
mod accuracy;
mod answers;
mod bars;
mod beside_input;
mod break_even;
mod capacity;
mod computing;
mod contour;
mod dots;
mod energy;
mod flip;
mod front;
mod groups;
pub(crate) mod lacking;
mod latency;
mod latency_cdf;
mod layout;
mod load;
mod memory;
mod mindfusion_devices;
mod mindfusion_traffic;
mod pareto;
mod places;
mod price;
mod probe;
mod slo;
mod stages;
mod sweep;
mod theta;
mod throughput;
mod tokens;
mod tornado;
mod winner;
mod wire;

pub(crate) use places::{by_point, called as key_called, key_name, point_name};
pub(crate) use tornado::moved;

use crate::file::write;
use crate::frame::ReportError;
use crate::runs::Runs;
use drawing::{Drawing, Look};
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tables::TableDoc;

/// A figure with its data; none where the folder's tables do not have what it shows.
type Prepared = Result<Option<Box<dyn Drawing>>, ReportError>;

/// The folder that figures are of, with its runs, which nearly all of them show and which are read once.
pub(crate) struct Folder<'f> {
    /// Its path.
    pub path: &'f Path,
    /// Policies of the folders beside it, which share their colours.
    beside: &'f [String],
    runs: OnceLock<Runs>,
}

impl<'f> Folder<'f> {
    /// A folder that was not looked at yet.
    pub fn new(path: &'f Path) -> Self {
        Self::beside(path, &[])
    }

    /// A folder whose figures stand beside those of others that have these policies.
    pub fn beside(path: &'f Path, policies: &'f [String]) -> Self {
        Self { path, beside: policies, runs: OnceLock::new() }
    }

    /// Its runs.
    pub fn runs(&self) -> Result<&Runs, ReportError> {
        if let Some(runs) = self.runs.get() {
            return Ok(runs);
        }
        let runs = Runs::read(self.path)?;
        Ok(self.runs.get_or_init(|| runs))
    }

    /// The looks of these policies: one for each policy in all figures of the folder, whichever of them a figure shows.
    pub fn looks(&self, shown: &[String]) -> Result<Vec<Look>, ReportError> {
        let own = self.runs()?.policies().into_iter().map(str::to_owned);
        let mut all: Vec<String> = Vec::new();
        for policy in self.beside.iter().cloned().chain(own).chain(shown.iter().cloned()) {
            if !all.contains(&policy) {
                all.push(policy);
            }
        }
        let looks = drawing::looks(&all);
        let of = |policy: &String| all.iter().position(|known| known == policy).map(|place| looks[place]);
        Ok(shown.iter().filter_map(of).collect())
    }
}

/// A figure that can be drawn.
pub(crate) struct Figure {
    /// Name of its files.
    pub name: &'static str,
    /// Its title, in a line.
    pub title: &'static str,
    /// Tables that a folder must have for it.
    pub needs: &'static [TableDoc],
    /// Reads them.
    prepare: fn(&Folder<'_>) -> Prepared,
}

impl Figure {
    /// The figure of a folder as SVG; none where the folder does not have it.
    pub fn svg(&self, folder: &Folder<'_>) -> Result<Option<String>, ReportError> {
        if self.lacks(folder.path).next().is_some() {
            return Ok(None);
        }
        let Some(drawing) = (self.prepare)(folder)? else { return Ok(None) };
        drawing::svg(&*drawing, self.title).map(Some).map_err(|error| self.bug(&error))
    }

    fn bug(&self, error: &drawing::DrawError) -> ReportError {
        ReportError::Draw { figure: self.name, error: format!("{error}") }
    }
}

/// Every figure.
pub(crate) const FIGURES: &[Figure] = &[
    accuracy::FIGURE,
    throughput::FIGURE,
    latency::FIGURE,
    latency_cdf::FIGURE,
    groups::FIGURE,
    stages::FIGURE,
    computing::FIGURE,
    memory::FIGURE,
    energy::FIGURE,
    price::FIGURE,
    pareto::FIGURE,
    break_even::FIGURE,
    winner::FIGURE,
    tornado::FIGURE,
    flip::FIGURE,
    load::FIGURE,
    slo::FIGURE,
    capacity::FIGURE,
    answers::FIGURE,
    theta::FIGURE,
    acceptance::FIGURE,
    wire::FIGURE,
    probe::FIGURE,
    ablation::FIGURE,
    mindfusion_devices::FIGURE,
    mindfusion_traffic::FIGURE,
    sweep::FIGURE,
];

/// Draws the figures that a folder has the tables for into `report/` in it. The files, in the order of [`FIGURES`].
pub(crate) fn draw(folder: &Folder<'_>) -> Result<Vec<PathBuf>, ReportError> {
    let drawn = FIGURES.par_iter().map(|figure| draw_one(figure, folder)).collect::<Result<Vec<_>, _>>()?;
    Ok(drawn.into_iter().flatten().collect())
}

fn draw_one(figure: &Figure, folder: &Folder<'_>) -> Result<Vec<PathBuf>, ReportError> {
    if figure.lacks(folder.path).next().is_some() {
        return Ok(Vec::new());
    }
    let Some(drawing) = (figure.prepare)(folder)? else { return Ok(Vec::new()) };
    let svg = drawing::svg(&*drawing, figure.title).map_err(|error| figure.bug(&error))?;
    let png = drawing::png(&*drawing).map_err(|error| figure.bug(&error))?;
    let into = folder.path.join("report");
    let file = |kind: &str, content: &[u8]| write(&into, &format!("{}.{kind}", figure.name), content);
    Ok(vec![file("svg", svg.as_bytes())?, file("png", &png)?])
}

#[cfg(test)]
mod geometry_tests;
#[cfg(test)]
mod paper_tests;
#[cfg(test)]
mod walkthrough;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, Cell};
    use tables::{RequestRow, TableWriter};

    /// A figure as SVG; none where the folder does not have it.
    pub(super) fn svg(name: &str, folder: &Path) -> Option<String> {
        let figure = FIGURES.iter().find(|figure| figure.name == name).expect("a figure of that name");
        let drawing = (figure.prepare)(&Folder::new(folder)).expect("tables that can be read")?;
        Some(drawing::svg(&*drawing, figure.title).expect("a drawing"))
    }

    /// Number of times that a text stands in a figure.
    pub(super) fn count(svg: &str, text: &str) -> usize {
        svg.matches(&format!("\n{text}\n")).count()
    }

    fn cells() -> [Cell; 2] {
        [
            Cell::new("msao", "0.3", &[("e2e_ms_mean", &[100.0, 140.0]), ("output_tokens_per_s", &[20.0, 30.0])]),
            Cell::new("cloud_only", "0.3", &[("e2e_ms_mean", &[90.0, 90.0]), ("output_tokens_per_s", &[40.0, 40.0])]),
        ]
    }

    #[test]
    fn names_are_distinct_and_said_in_a_line() {
        for (index, figure) in FIGURES.iter().enumerate() {
            assert!(FIGURES[..index].iter().all(|other| other.name != figure.name), "{}", figure.name);
            assert!(!figure.title.is_empty() && !figure.needs.is_empty(), "{}", figure.name);
        }
    }

    #[test]
    fn bars_say_their_value_and_the_printed_one_where_it_is_of_the_paper() {
        let folder = fixture::folder(&cells());
        let latency = svg("latency", folder.path()).expect("a figure");
        let title = "End-to-end latency: lowest for cloud_only";
        for text in [title, "vqav2: end-to-end latency, ms", "msao", "cloud_only", "120 \u{b1}254", "90"] {
            assert_eq!(count(&latency, text), 1, "{text} in {latency}");
        }
        let throughput = svg("throughput", folder.path()).expect("a figure");
        assert_eq!((count(&throughput, "25.0 \u{b1}63.5"), count(&throughput, "128.0")), (1, 0), "{throughput}");
        fixture::policies(folder.path(), &["msao", "cloud_only"]);
        let throughput = svg("throughput", folder.path()).expect("a figure");
        // 35 is in range; 128 is so far above 25 and 40 that an arrow points to it.
        assert_eq!((count(&throughput, "128.0"), count(&throughput, "35.0")), (1, 1), "{throughput}");
        assert_eq!(count(&throughput, "120"), 0, "the axis does not go there: {throughput}");
        assert_eq!(svg("memory", folder.path()), None, "a metric that is not there has no figure");
    }

    #[test]
    fn many_points_have_no_bars() {
        let taus = ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.85", "0.9"];
        let cells = taus.map(|tau| Cell::new("msao", tau, &[("e2e_ms_mean", &[1.0])]));
        assert_eq!(svg("latency", fixture::folder(&cells).path()), None);
        assert!(svg("latency", fixture::folder(&cells[..9]).path()).is_some());
    }

    #[test]
    fn latencies_have_a_panel_for_each_point() {
        let folder = fixture::folder(&cells());
        let write = |points: u32| {
            let mut log = TableWriter::create(&folder.path().join("requests.parquet")).expect("a file");
            for row in 0..40 * points {
                let (point, policy) = (row % points, if row % 2 == 0 { "msao" } else { "edge_only" });
                let e2e_ms = (row % 7 != 0).then_some(f64::from(row) * 100.0);
                let bandwidth_mbps = 100.0 * f64::from(points - point);
                let (policy, dataset) = (policy.into(), "vqav2".into());
                let one = RequestRow { policy, dataset, bandwidth_mbps, point, e2e_ms, ..RequestRow::default() };
                // The warm-up takes far longer, and is not shown.
                let slow = RequestRow { warm_up: true, e2e_ms: Some(1e9), ..one.clone() };
                [one, slow].into_iter().for_each(|row| log.write(row).expect("a row"));
            }
            log.finish().expect("a file");
        };
        write(3);
        let cdf = svg("latency_cdf", folder.path()).expect("a figure");
        let place = |text: &str| cdf.find(&format!("\n{text}\n")).unwrap_or_else(|| panic!("no {text} in {cdf}"));
        let order = ["msao", "vqav2, 100 Mbps", "vqav2, 200 Mbps", "vqav2, 300 Mbps"].map(place);
        assert!(order.is_sorted(), "the slowest link first: {order:?}");
        // A line in each panel and one in the legend, in the colours of the two systems.
        let lines = ["#D55E00", "#009E73"].map(|colour| cdf.matches(&format!("stroke=\"{colour}\"")).count());
        assert_eq!(lines, [4, 4], "{cdf}");
        write(7);
        assert_eq!(svg("latency_cdf", folder.path()), None, "no room for seven panels");
    }

    #[test]
    fn a_sweep_has_its_figures_and_equal_bytes_each_time() {
        let e2e = |policy: usize, levels: &[usize]| Some(100.0 * (1 + policy + levels[0] * levels[1]) as f64);
        let accuracy = |policy: usize, _: &[usize]| Some(70.0 + policy as f64);
        let amount = |_: usize, levels: &[usize]| Some(1.0 + levels[0] as f64);
        let metrics: [fixture::MetricOf<'_>; 7] = [
            ("e2e_ms_mean", &e2e),
            ("accuracy_pct", &accuracy),
            ("energy_j_per_request", &amount),
            ("requests_per_s", &amount),
            ("uplink_mb_per_request", &amount),
            ("downlink_mb_per_request", &amount),
            ("output_tokens_per_request", &amount),
        ];
        let keys =
            [("arrivals.poisson.rate", ["1 /s", "2 /s", "4 /s"].as_slice()), ("link.rtt", &["1 ms", "5 ms", "9 ms"])];
        let folder = fixture::swept(&["cloud_only", "msao"], &keys, &metrics);
        for name in ["pareto", "break_even", "load", "wire", "sweep"] {
            let first = svg(name, folder.path()).unwrap_or_else(|| panic!("no {name}"));
            assert_eq!(svg(name, folder.path()).as_ref(), Some(&first), "{name}");
        }
        for name in ["theta", "acceptance", "latency_cdf"] {
            let figure = FIGURES.iter().find(|figure| figure.name == name).expect("a figure of that name");
            assert!(figure.lacks(folder.path()).next().is_some(), "{name} has no table here");
        }
    }
}
