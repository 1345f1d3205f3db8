//! Closed-loop benchmarks of servers: mean TTFT and TPOT at a fixed concurrency, prompt and answer length.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::Value;

use super::Measurement;
use super::errors::{Errors, error_pct};
use super::simulator::Run;
use super::table::{Line, Target, signed, size};

/// Requests that a client makes; a third of all is warm-up.
const REQUESTS_A_CLIENT: u32 = 10;

/// The server of a row of `serving_points.csv.gz`.
#[derive(Debug, Clone, Deserialize)]
struct Server {
    gpu: String,
    model: String,
    dtype: String,
    engine: String,
}

/// A row of `serving_points.csv.gz`, as far as it is looked at.
#[derive(Debug, Clone, Deserialize)]
struct Point {
    #[serde(flatten)]
    server: Server,
    tensor_parallel: u32,
    concurrency: u32,
    input_tokens: u32,
    output_tokens: u32,
    ttft_ms: f64,
    tpot_ms: f64,
}

/// Rows of one server of the file, and the keys of a scenario that describe it.
struct Series {
    /// Its name in the table, without the number of GPUs.
    name: &'static str,
    /// GPU, model, arithmetic and engine, as the file has them.
    rows: [&'static str; 4],
    /// Keys of `[cloud]`, but for the number of GPUs.
    cloud: &'static str,
    /// Tables of a device or a model that is not built in.
    tables: &'static [&'static str],
    /// Numbers of GPUs that share each layer.
    tensor_parallel: &'static [u32],
    /// Constants that were fitted to a part, and to which number of GPUs.
    fitted: Option<(u32, &'static str)>,
}

const LLAMA_70B: &str = "[model.\"llama-3.1-70b\"]\nlayers = 80\nhidden = 8192\nintermediate = 28672\nheads = 64\n\
                         kv_heads = 8\nvocab = 128256\n";

/// Figures of the data sheet; power is no part of a time.
const B200: &str = "[device.b200]\nmemory = \"180 GiB\"\nbandwidth = \"7700 GB/s\"\npeak = \"2250 TFLOP/s\"\n\
                    peak_fp8 = \"4500 TFLOP/s\"\ntdp = \"1000 W\"\nidle = \"100 W\"\n";

/// Every server of the file that is compared.
fn series() -> Vec<Series> {
    let h100_8b = |name, cloud| Series {
        name,
        rows: ["H100-SXM-80GB", "meta-llama/Llama-3.1-8B", "unstated", "trtllm-1.0.0rc3"],
        cloud,
        tables: &[],
        tensor_parallel: &[1, 2, 4, 8],
        fitted: Some((8, "in sample: TensorRT-LLM's host time")),
    };
    let b200_70b = |name, engine, cloud| Series {
        name,
        rows: ["B200-SXM", "meta-llama/Llama-3.1-70B", "fp8", engine],
        cloud,
        tables: &[B200, LLAMA_70B],
        tensor_parallel: &[1, 2, 4, 8],
        fitted: None,
    };
    vec![
        h100_8b(
            "H100 SXM, Llama-3.1-8B, TensorRT-LLM 1.0.0rc3, as bf16",
            "device = \"h100-sxm\"\nmodel = \"llama-3.1-8b\"\nengine = \"trtllm\"\nweights = \"bf16\"\n",
        ),
        h100_8b(
            "H100 SXM, Llama-3.1-8B, TensorRT-LLM 1.0.0rc3, as fp8",
            "device = \"h100-sxm\"\nmodel = \"llama-3.1-8b\"\nengine = \"trtllm\"\nweights = \"fp8\"\n",
        ),
        Series {
            name: "H100 SXM, Llama-3.1-70B fp8, vLLM of unstated version",
            rows: ["H100-SXM-80GB", "meta-llama/Llama-3.1-70B", "fp8", "vllm-unstated"],
            cloud: "device = \"h100-sxm\"\nmodel = \"llama-3.1-70b\"\nengine = \"vllm\"\nweights = \"fp8\"\n",
            tables: &[LLAMA_70B],
            tensor_parallel: &[2, 4, 8],
            fitted: None,
        },
        b200_70b(
            "B200 by its data sheet, Llama-3.1-70B fp8, vLLM of unstated version",
            "vllm-unstated",
            "device = \"b200\"\ninterconnect = \"nvlink-5\"\nmodel = \"llama-3.1-70b\"\nengine = \"vllm\"\nweights = \"fp8\"\n",
        ),
        b200_70b(
            "B200 by its data sheet, Llama-3.1-70B fp8, TensorRT-LLM of unstated version",
            "trtllm-unstated",
            "device = \"b200\"\ninterconnect = \"nvlink-5\"\nmodel = \"llama-3.1-70b\"\nengine = \"trtllm\"\nweights = \"fp8\"\n",
        ),
    ]
}

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
    let lines: Vec<Vec<Points>> = series.iter().map(|series| series.lines(&points)).collect::<Result<_, _>>()?;
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

impl Series {
    /// Lines by number of GPUs, then that of all.
    fn lines(&self, points: &[Point]) -> Result<Vec<Points>, String> {
        let mut lines = Vec::new();
        for gpus in self.tensor_parallel {
            let server = format!("{}, TP {gpus}", self.name);
            let fitted = self.fitted.filter(|(to, _)| to == gpus).map_or("nothing", |(_, fitted)| fitted);
            let points: Vec<_> = points
                .iter()
                .filter(|point| point.tensor_parallel == *gpus && self.is_of(&point.server))
                .cloned()
                .collect();
            if points.is_empty() {
                let [gpu, model, dtype, engine] = self.rows;
                return Err(format!(
                    "serving_points.csv.gz: found no row of {gpu}, {model}, {dtype}, {engine}, tensor parallel {gpus}; \
                     copy the file again"
                ));
            }
            let points = points.into_iter().map(|point| (point.clone(), self.scenario(&point))).collect();
            lines.push(Points { server, fitted, points });
        }
        let all = lines.iter().flat_map(|line| line.points.clone()).collect();
        let fitted = self.fitted.map_or("nothing", |_| "TP 8: in sample");
        lines.push(Points { server: format!("{}, all", self.name), fitted, points: all });
        Ok(lines)
    }

    fn is_of(&self, server: &Server) -> bool {
        let Server { gpu, model, dtype, engine } = server;
        [gpu, model, dtype, engine].iter().zip(self.rows).all(|(found, row)| *found == row)
    }

    fn scenario(&self, point: &Point) -> String {
        let Self { name, cloud, tables, .. } = self;
        let Point { tensor_parallel: gpus, concurrency, input_tokens, output_tokens, .. } = point;
        let requests = REQUESTS_A_CLIENT * concurrency;
        let tables = tables.concat();
        format!(
            "description = \"{name}, TP {gpus}, {concurrency} clients, {input_tokens} + {output_tokens} tokens\"\n\
             name = \"validation\"\nreplications = 1\npolicy.cloud_only = {{}}\narrivals.closed_loop.clients = {concurrency}\n\
             [workload]\nrequests = {requests}\nwarm_up = {}\n\
             dataset.custom = {{ name = \"point\", width = 0, height = 0, text_tokens = {input_tokens}, \
             output_tokens = {output_tokens} }}\n\
             [cloud]\ngpus = {gpus}\ntensor_parallel = {gpus}\n{cloud}{tables}\
             [link]\nbandwidth = \"100 Gbps\"\nrtt = \"0 ms\"\n",
            requests / 3
        )
    }
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

    fn lines() -> Vec<Points> {
        series()[2].lines(&points()).unwrap()
    }

    #[test]
    fn rows_go_to_the_line_of_their_server() {
        let counts: Vec<_> = lines().iter().map(|line| line.points.len()).collect();
        assert_eq!(counts, [1, 1, 1, 3], "two, four and eight GPUs, and all; another arithmetic is another server");
        let unsound = read(FILE.replace(",4,8,1024", ",4,,1024").as_bytes(), &series());
        assert!(unsound.unwrap_err().to_string().contains("line: 3"));
        let lacking = series()[0].lines(&points()).map(|_| ()).unwrap_err();
        assert!(lacking.contains("found no row of H100-SXM-80GB"), "{lacking}");
    }

    #[test]
    fn a_scenario_is_the_row_that_was_measured() {
        let runs = lines()[0].runs();
        let written: toml::Table = runs[0].scenario.parse().unwrap();
        assert_eq!(written["arrivals"]["closed_loop"]["clients"].as_integer(), Some(4));
        assert_eq!(written["workload"]["requests"].as_integer(), Some(40));
        assert_eq!(written["workload"]["warm_up"].as_integer(), Some(13));
        assert_eq!(written["cloud"]["tensor_parallel"].as_integer(), Some(2));
        assert!(written["model"]["llama-3.1-70b"].is_table());
    }

    #[test]
    fn errors_are_of_the_rows_that_ran() {
        let printed = |ttft: f64, tpot: f64| json!({"rows": [{"ttft_ms_mean": ttft, "tpot_ms_mean": tpot}]});
        let (first, third) = (printed(90.0, 10.5), printed(130.0, 11.5));
        let line = lines()[3].line(&[Some(&first), None, Some(&third)]);
        assert_eq!(line.rows, (2, 3));
        assert_eq!(line.errors[1..], ["median 20.0, mean +10.0", "median 10.0, mean +10.0"]);
        let met: Vec<_> = line.targets.iter().map(|target| target.met).collect();
        assert_eq!(met, [Some(true), Some(false)]);
    }
}
