//! Servers of which every request was recorded.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Measurement;
use super::simulator::Run;
use super::table::{Line, Target, signed, size};

/// A recorded run of a server.
pub struct Server {
    name: &'static str,
    file: PathBuf,
    /// Keys of `[cloud]`, as the server's settings state them.
    cloud: &'static str,
    /// Largest error of E2E, TTFT and TPOT that is asked for.
    within_pct: [f64; 3],
}

/// The recorded servers. The simulator refuses a file that is missing, by its name.
pub fn all(folder: &Path) -> Vec<Server> {
    vec![
        Server {
            name: "RTX PRO 6000, Llama-3.1-8B bf16, vLLM 0.19",
            file: folder.join("requests_rtxpro6000_llama31_8b.csv.gz"),
            cloud: "model = \"llama-3.1-8b\"\n",
            within_pct: [5.0, 10.0, 10.0],
        },
        Server {
            name: "2 x RTX PRO 6000, Qwen3-30B-A3B bf16, vLLM 0.19, data parallel, experts spread",
            file: folder.join("requests_rtxpro6000_qwen3_30b_a3b.csv.gz"),
            cloud: "model = \"qwen3-30b-a3b-instruct-2507\"\ngpus = 2\ndata_parallel = 2\nexpert_parallel = true\n",
            within_pct: [10.0; 3],
        },
    ]
}

impl Server {
    fn scenario(&self) -> String {
        let Self { name, file, cloud, .. } = self;
        format!(
            "description = {name:?}\nname = \"validation\"\nreplications = 1\npolicy.cloud_only = {{}}\n[arrivals.trace]\n\
             [workload]\nrequests = 300\ndataset.served = {file:?}\n\
             [cloud]\ndevice = \"rtx-pro-6000\"\nengine = \"vllm-0.19\"\n{cloud}\
             batch = {{ sequences = 128, chunk_tokens = 2048 }}\n\
             [link]\nbandwidth = \"100 Gbps\"\nrtt = \"0 ms\"\n"
        )
    }
}

impl Measurement for Server {
    fn server(&self) -> &str {
        self.name
    }

    fn runs(&self) -> Vec<Run> {
        vec![Run { command: &["validate"], scenario: self.scenario() }]
    }

    fn line(&self, printed: &[Option<&Value>]) -> Line {
        let compared = printed.first().copied().flatten().map(|printed| &printed["comparisons"][0]);
        let error = |figure: &str| compared?["figures"][figure]["error_pct"].as_f64();
        let count = |key: &str| compared.and_then(|compared| compared[key].as_u64()).unwrap_or_default() as usize;
        let request = compared.and_then(|compared| compared["distances"]["e2e_ms"]["request_error_pct_p50"].as_f64());
        let [e2e, p50, p90] = ["e2e_ms_mean", "e2e_ms_p50", "e2e_ms_p90"].map(error);
        let [ttft, tpot] = ["ttft_ms_mean", "tpot_ms_mean"].map(error);
        let [e2e_within, ttft_within, tpot_within] = self.within_pct;
        Line {
            server: self.name.to_owned(),
            source: "llmservingsim-bench, 300 requests at 10/s",
            fitted: "nothing",
            rows: (count("compared"), count("requests")),
            errors: [
                format!(
                    "mean {}, P50 {}, P90 {}, of a request {}",
                    signed(e2e),
                    signed(p50),
                    signed(p90),
                    size(request)
                ),
                format!("mean {}", signed(ttft)),
                format!("mean {}", signed(tpot)),
            ],
            targets: vec![
                Target::within("E2E mean", e2e, e2e_within),
                Target::within("E2E P90", p90, e2e_within),
                Target::within("TTFT", ttft, ttft_within),
                Target::within("TPOT", tpot, tpot_within),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_line_has_the_errors_that_the_simulator_printed() {
        let server = &all(Path::new("measured"))[0];
        let figures = json!({
            "e2e_ms_mean": {"error_pct": 4.0}, "e2e_ms_p50": {"error_pct": -1.0}, "e2e_ms_p90": {"error_pct": 6.0},
            "ttft_ms_mean": {"error_pct": -9.0}, "tpot_ms_mean": {"error_pct": 11.0},
        });
        let distances = json!({"e2e_ms": {"request_error_pct_p50": 3.0}});
        let compared = json!({"requests": 300, "compared": 299, "figures": figures, "distances": distances});
        let line = server.line(&[Some(&json!({"comparisons": [compared]}))]);
        assert_eq!(line.rows, (299, 300));
        assert_eq!(line.errors[0], "mean +4.0, P50 -1.0, P90 +6.0, of a request 3.0");
        let met: Vec<_> = line.targets.iter().map(|target| target.met).collect();
        assert_eq!(met, [Some(true), Some(false), Some(true), Some(false)]);
        let failed = server.line(&[None]);
        assert!(failed.targets.iter().all(|target| target.met.is_none()), "{failed:?}");
    }

    #[test]
    fn the_scenario_names_its_file_and_its_settings() {
        let scenario = all(Path::new("/measured"))[1].scenario();
        let written: toml::Table = scenario.parse().unwrap();
        assert_eq!(written["cloud"]["data_parallel"].as_integer(), Some(2));
        let file = written["workload"]["dataset"]["served"].as_str().unwrap();
        assert_eq!(file, "/measured/requests_rtxpro6000_qwen3_30b_a3b.csv.gz");
    }
}
