//! Closed-loop benchmarks of servers: mean TTFT and TPOT at a fixed concurrency, prompt and answer length.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use serde_json::Value;

use super::Measurement;
use super::errors::{Errors, error_pct};
use super::series::{Point, Series, Server, series};
use super::simulator::Run;
use super::table::{Line, Target, signed, size};

/// The rows of a server with some number of GPUs, with the scenario of each.
pub struct Points {
    server: String,
    fitted: &'static str,
    points: Vec<(Point, String)>,
}

/// Every server, by its number of GPUs and over all of them.
pub fn all(folder: &Path) -> Result<Vec<Points>, String> {
    let file = folder.join("serving_points.csv.gz");
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}; copy the file again", file.display());
    let opened = File::open(&file).map_err(|error| wrong(&error))?;
    let series = series();
    let points = read(GzDecoder::new(opened), &series).map_err(|error| wrong(&error))?;
    let lines: Vec<Vec<Points>> = series.iter().map(|series| lines(series, &points)).collect::<Result<_, _>>()?;
    Ok(lines.into_iter().flatten().collect())
}

/// Rows of the servers that are compared; those of others may lack a number.
fn read(file: impl Read, series: &[Series]) -> Result<Vec<Point>, csv::Error> {
    let mut file = csv::Reader::from_reader(file);
    let head = file.headers()?.clone();
    let mut points = Vec::new();
    for record in file.records() {
        let record = record?;
        let server: Server = record.deserialize(Some(&head))?;
        if series.iter().any(|series| series.is_of(&server)) {
            points.push(record.deserialize(Some(&head))?);
        }
    }
    Ok(points)
}

/// Lines of a series by number of GPUs, then that of all.
fn lines(series: &Series, points: &[Point]) -> Result<Vec<Points>, String> {
    let mut lines = Vec::new();
    for gpus in series.tensor_parallel {
        let server = format!("{}, TP {gpus}", series.name);
        let fitted = series.fitted.filter(|(to, _)| to.contains(gpus)).map_or("nothing", |(_, fitted)| fitted);
        let of_series = points.iter().filter(|point| point.tensor_parallel == *gpus && series.is_of(&point.server));
        let points: Vec<_> = of_series.map(|point| (point.clone(), series.scenario(point))).collect();
        if points.is_empty() {
            let [gpu, model, dtype, engine] = series.rows;
            return Err(format!(
                "serving_points.csv.gz: found no row of {gpu}, {model}, {dtype}, {engine}, tensor parallel {gpus}; \
                 copy the file again"
            ));
        }
        lines.push(Points { server, fitted, points });
    }
    let all = lines.iter().flat_map(|line| line.points.clone()).collect();
    let fitted = series.fitted.map_or("nothing", |_| "the above: in sample");
    lines.push(Points { server: format!("{}, all", series.name), fitted, points: all });
    Ok(lines)
}

impl Measurement for Points {
    fn server(&self) -> &str {
        &self.server
    }

    fn runs(&self) -> Vec<Run> {
        let runs = self.points.iter();
        runs.map(|(_, scenario)| Run { command: &["--no-report"], scenario: scenario.clone() }).collect()
    }

    fn line(&self, printed: &[Option<&Value>]) -> Line {
        let errors = |metric: &str, measured: fn(&Point) -> f64| -> Errors {
            let both = self.points.iter().zip(printed);
            let modelled = |printed: &Option<&Value>| (*printed)?["rows"][0][metric].as_f64();
            both.filter_map(|((point, _), printed)| Some(error_pct(modelled(printed)?, measured(point)))).collect()
        };
        let ttft = errors("ttft_ms_mean", |point| point.ttft_ms);
        let tpot = errors("tpot_ms_mean", |point| point.tpot_ms);
        let said = |errors: &Errors| format!("median {}, mean {}", size(errors.median_size()), signed(errors.mean()));
        Line {
            server: self.server.clone(),
            source: "serving_points, aisimulate-silicon",
            fitted: self.fitted,
            rows: (tpot.count(), self.points.len()),
            errors: [String::new(), said(&ttft), said(&tpot)],
            targets: vec![
                Target::within("TTFT", ttft.median_size(), 20.0),
                Target::within("TPOT", tpot.median_size(), 8.0),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const FILE: &str = "gpu,model,dtype,engine,tensor_parallel,concurrency,input_tokens,output_tokens,ttft_ms,tpot_ms\n\
        H100-SXM-80GB,meta-llama/Llama-3.1-70B,fp8,vllm-unstated,2,4,1024,512,100,10\n\
        H100-SXM-80GB,meta-llama/Llama-3.1-70B,fp8,vllm-unstated,4,8,1024,512,100,10\n\
        H100-SXM-80GB,meta-llama/Llama-3.1-70B,fp8,vllm-unstated,8,8,1024,512,100,10\n\
        H100-SXM-80GB,meta-llama/Llama-3.1-70B,fp4,vllm-unstated,2,,1024,512,100,10\n";

    fn points() -> Vec<Point> {
        read(FILE.as_bytes(), &series()).unwrap()
    }

    fn of_70b() -> Vec<Points> {
        lines(&series()[2], &points()).unwrap()
    }

    #[test]
    fn rows_go_to_the_line_of_their_server() {
        let counts: Vec<_> = of_70b().iter().map(|line| line.points.len()).collect();
        assert_eq!(counts, [1, 1, 1, 3], "two, four and eight GPUs, and all; another arithmetic is another server");
        let unsound = read(FILE.replace(",4,8,1024", ",4,,1024").as_bytes(), &series());
        assert!(unsound.unwrap_err().to_string().contains("line: 3"));
        let lacking = lines(&series()[0], &points()).map(|_| ()).unwrap_err();
        assert!(lacking.contains("found no row of H100-SXM-80GB"), "{lacking}");
    }

    #[test]
    fn errors_are_of_the_rows_that_ran() {
        let printed = |ttft: f64, tpot: f64| json!({"rows": [{"ttft_ms_mean": ttft, "tpot_ms_mean": tpot}]});
        let (first, third) = (printed(90.0, 10.5), printed(130.0, 11.5));
        let line = of_70b()[3].line(&[Some(&first), None, Some(&third)]);
        assert_eq!(line.rows, (2, 3));
        assert_eq!(line.errors[1..], ["median 20.0, mean +10.0", "median 10.0, mean +10.0"]);
        let met: Vec<_> = line.targets.iter().map(|target| target.met).collect();
        assert_eq!(met, [Some(true), Some(false)]);
    }
}
