//! The servers of `serving_points.csv.gz` that are compared, as scenarios.

use serde::Deserialize;

/// Requests that a client makes.
const REQUESTS_A_CLIENT: u32 = 10;

/// The server of a row of `serving_points.csv.gz`.
#[derive(Debug, Clone, Deserialize)]
pub struct Server {
    /// GPU.
    pub gpu: String,
    /// Model.
    pub model: String,
    /// Arithmetic of weights and activations; `unstated` where the source says nothing.
    pub dtype: String,
    /// Engine and its version.
    pub engine: String,
}

/// A row of `serving_points.csv.gz`, as far as it is looked at.
#[derive(Debug, Clone, Deserialize)]
pub struct Point {
    /// Server.
    #[serde(flatten)]
    pub server: Server,
    /// GPUs that share each layer.
    pub tensor_parallel: u32,
    /// Clients that wait for their answers.
    pub concurrency: u32,
    /// Nominal length of a prompt.
    pub input_tokens: u32,
    /// Nominal length of an answer.
    pub output_tokens: u32,
    /// Mean TTFT, milliseconds.
    pub ttft_ms: f64,
    /// Mean TPOT, milliseconds.
    pub tpot_ms: f64,
}

/// Rows of one server of the file, and the keys of a scenario that describe it.
pub struct Series {
    /// Its name in the table, without the number of GPUs.
    pub name: &'static str,
    /// GPU, model, arithmetic and engine, as the file has them.
    pub rows: [&'static str; 4],
    /// Numbers of GPUs that share each layer.
    pub tensor_parallel: &'static [u32],
    /// Constants that were fitted to a part, and to which numbers of GPUs.
    pub fitted: Option<(&'static [u32], &'static str)>,
    /// Keys of `[cloud]`, but for the number of GPUs.
    cloud: &'static str,
    /// Tables of a device or a model that is not built in.
    tables: &'static [&'static str],
    lengths: Lengths,
    budget: Budget,
}

/// Lengths of prompts and answers around the nominal ones of a row.
enum Lengths {
    /// The nominal ones; the first third of the requests is warm-up.
    Nominal,
    /// Drawn from 0.8 of the nominal ones to those, and every request counts. So does the client of InferenceMAX, whose
    /// public scripts have the grid of these rows: 10 requests a client, `--random-range-ratio 0.8`, all at once.
    FromFourFifths,
}

/// Tokens of a step, at most.
enum Budget {
    /// The engine's own.
    Own,
    /// So many, as a server's script states them.
    Tokens(u32),
    /// The longest prompt and answer of the row, as a server's script states them.
    Longest,
}

const LLAMA_70B: &str = "[model.\"llama-3.1-70b\"]\nlayers = 80\nhidden = 8192\nintermediate = 28672\nheads = 64\n\
                         kv_heads = 8\nvocab = 128256\n";

/// Figures of the data sheet; power is no part of a time.
const B200: &str = "[device.b200]\nmemory = \"180 GiB\"\nbandwidth = \"7700 GB/s\"\npeak = \"2250 TFLOP/s\"\n\
                    peak_fp8 = \"4500 TFLOP/s\"\ntdp = \"1000 W\"\nidle = \"100 W\"\n";

/// Every server that is compared.
pub fn series() -> Vec<Series> {
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
            tensor_parallel: &[2, 4, 8],
            fitted: Some((&[2, 4, 8], "in sample: NVLink 4's latency")),
            cloud: "device = \"h100-sxm\"\nmodel = \"llama-3.1-70b\"\nengine = \"vllm\"\nweights = \"fp8\"\n",
            tables: &[LLAMA_70B],
            lengths: Lengths::FromFourFifths,
            budget: Budget::Tokens(8192),
        },
        b200_70b(
            "B200 by its data sheet, Llama-3.1-70B fp8, vLLM of unstated version",
            "vllm-unstated",
            "device = \"b200\"\ninterconnect = \"nvlink-5\"\nmodel = \"llama-3.1-70b\"\nengine = \"vllm\"\n\
             weights = \"fp8\"\nkv = \"fp8\"\n",
            Budget::Tokens(8192),
        ),
        b200_70b(
            "B200 by its data sheet, Llama-3.1-70B fp8, TensorRT-LLM of unstated version",
            "trtllm-unstated",
            "device = \"b200\"\ninterconnect = \"nvlink-5\"\nmodel = \"llama-3.1-70b\"\nengine = \"trtllm\"\n\
             weights = \"fp8\"\nkv = \"fp8\"\n",
            Budget::Longest,
        ),
    ]
}

fn h100_8b(name: &'static str, cloud: &'static str) -> Series {
    Series {
        name,
        rows: ["H100-SXM-80GB", "meta-llama/Llama-3.1-8B", "unstated", "trtllm-1.0.0rc3"],
        tensor_parallel: &[1, 2, 4, 8],
        fitted: Some((&[8], "in sample: TensorRT-LLM's host time")),
        cloud,
        tables: &[],
        lengths: Lengths::Nominal,
        budget: Budget::Own,
    }
}

fn b200_70b(name: &'static str, engine: &'static str, cloud: &'static str, budget: Budget) -> Series {
    Series {
        name,
        rows: ["B200-SXM", "meta-llama/Llama-3.1-70B", "fp8", engine],
        tensor_parallel: &[1, 2, 4, 8],
        fitted: Some((&[2, 4, 8], "in sample: NVLink 5's latency")),
        cloud,
        tables: &[B200, LLAMA_70B],
        lengths: Lengths::FromFourFifths,
        budget,
    }
}

impl Series {
    /// True if a row of this server belongs to the series.
    pub fn is_of(&self, server: &Server) -> bool {
        let Server { gpu, model, dtype, engine } = server;
        [gpu, model, dtype, engine].iter().zip(self.rows).all(|(found, row)| *found == row)
    }

    /// The scenario of a row.
    pub fn scenario(&self, point: &Point) -> String {
        let Self { name, cloud, .. } = self;
        let Point { tensor_parallel: gpus, concurrency, input_tokens, output_tokens, .. } = point;
        let requests = REQUESTS_A_CLIENT * concurrency;
        let (text, output) = (self.quantity(*input_tokens), self.quantity(*output_tokens));
        let warm_up = match self.lengths {
            Lengths::Nominal => requests / 3,
            Lengths::FromFourFifths => 0,
        };
        let budget = match self.budget {
            Budget::Own => String::new(),
            Budget::Tokens(tokens) => format!("batch.chunk_tokens = {tokens}\n"),
            Budget::Longest => format!("batch.chunk_tokens = {}\n", input_tokens + output_tokens),
        };
        let tables = self.tables.concat();
        format!(
            "description = \"{name}, TP {gpus}, {concurrency} clients, {input_tokens} + {output_tokens} tokens\"\n\
             name = \"validation\"\nreplications = 1\npolicy.cloud_only = {{}}\n\
             arrivals.closed_loop.clients = {concurrency}\n\
             [workload]\ndataset = \"point\"\nrequests = {requests}\nwarm_up = {warm_up}\n\
             [dataset.point]\ntext_tokens = {text}\noutput_tokens = {output}\n\
             [cloud]\ngpus = {gpus}\ntensor_parallel = {gpus}\n{cloud}{budget}{tables}\
             [link]\nbandwidth = \"100 Gbps\"\nrtt = \"0 ms\"\n",
        )
    }

    /// A length, as datasets have it.
    fn quantity(&self, nominal_tokens: u32) -> String {
        match self.lengths {
            Lengths::Nominal => nominal_tokens.to_string(),
            Lengths::FromFourFifths => {
                format!("{{ uniform = {{ from = {}, to = {nominal_tokens} }} }}", nominal_tokens * 4 / 5)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(series: usize) -> toml::Table {
        let [gpu, model, dtype, engine] = self::series()[series].rows.map(str::to_owned);
        let server = Server { gpu, model, dtype, engine };
        let lengths = (1024, 512);
        let point = Point {
            server,
            tensor_parallel: 2,
            concurrency: 4,
            input_tokens: lengths.0,
            output_tokens: lengths.1,
            ttft_ms: 100.0,
            tpot_ms: 10.0,
        };
        self::series()[series].scenario(&point).parse().unwrap()
    }

    #[test]
    fn a_scenario_is_the_row_that_was_measured() {
        let nominal = written(0);
        assert_eq!(nominal["arrivals"]["closed_loop"]["clients"].as_integer(), Some(4));
        assert_eq!(nominal["workload"]["requests"].as_integer(), Some(40));
        assert_eq!(nominal["workload"]["warm_up"].as_integer(), Some(13));
        assert_eq!(nominal["cloud"]["tensor_parallel"].as_integer(), Some(2));
        assert_eq!(nominal["dataset"]["point"]["text_tokens"].as_integer(), Some(1024));
        assert!(nominal["cloud"].get("batch").is_none());
    }

    #[test]
    fn lengths_and_budgets_are_those_of_the_scripts() {
        let drawn = written(2);
        assert_eq!(drawn["workload"]["warm_up"].as_integer(), Some(0));
        let text = &drawn["dataset"]["point"]["text_tokens"]["uniform"];
        assert_eq!((text["from"].as_integer(), text["to"].as_integer()), (Some(819), Some(1024)));
        assert!(drawn["model"]["llama-3.1-70b"].is_table());
        let tokens = |scenario: &toml::Table| scenario["cloud"]["batch"]["chunk_tokens"].as_integer();
        assert_eq!((tokens(&drawn), tokens(&written(4))), (Some(8192), Some(1536)));
    }
}
