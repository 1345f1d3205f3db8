//! The folder in which a page's commands are run: what a reader of that page has at hand.

use crate::calibrate::{GPUS, HEADER, MODELS, table};
use crate::support::{Output, Sim, gzipped, repository};
use std::fs;
use toml::{Table, Value};

/// A scenario of the reader's own: it can be simulated, replayed on the small pair and validated.
const MY: &str = "\
name = \"replay\"
replications = 1

[workload]
requests = 12
max_output_tokens = 40
dataset.custom = { width = 112, height = 84, text_tokens = 20, output_tokens = 24 }

[replay.edge]
folder = \"tiny/draft\"
[replay.cloud]
folder = \"tiny/target\"

[policy.cloud_only]
[policy.speculative]
";

/// A server of the reader's own, and the requests that it has answered.
const SERVED: &str = "\
name = \"served\"
replications = 1

[workload]
dataset.served = \"served.csv\"

[policy.cloud_only]
";
const REQUESTS: &str = "\
arrival_s,input_tokens,output_tokens,ttft_ms,tpot_ms,e2e_ms
0,120,20,100,15,400
1.5,300,12,120,15,300
2.25,80,30,90,15,540
";

/// Stands in for `cargo run ... --bin sim -- ...` once the binary is built.
const CARGO: &str = "#!/bin/sh\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$SIM\" \"$@\"\n";

/// The folder of a page.
pub struct Desk {
    sim: Sim,
}

impl Desk {
    /// A folder with the scenarios of the repository, of a few requests each, with a scenario of the reader's own, and with
    /// tables of measured steps.
    pub fn new() -> Self {
        let on_card = |text: &str| text.replace("box,", "RTX4090,");
        let mut sim = Sim::new().with("bin/cargo", CARGO).with("my.toml", MY).with("models.csv", MODELS);
        sim = sim.with("served.toml", SERVED).with("served.csv", REQUESTS);
        sim = sim.with("gpus.csv", on_card(GPUS)).with("decode_steps.csv.gz", gzipped(&on_card(&table())));
        sim = sim.with("prefill_steps.csv.gz", gzipped(&on_card(&prefills())));
        for folder in ["scenarios", "scenarios/regression", "scenarios/profiles", "scenarios/links"] {
            for (name, text) in files(folder) {
                let is_scenario = !["scenarios/profiles", "scenarios/links"].contains(&folder);
                let short = if is_scenario { shortened(&text) } else { text };
                sim = sim.with(&format!("{folder}/{name}"), short);
            }
        }
        for name in [
            "external/external.toml",
            "external/twin.py",
            "external/bandit.py",
            "phones/phones.toml",
            "phones/requests.csv",
        ] {
            let file = format!("docs/examples/{name}");
            let text = fs::read_to_string(repository(&file)).expect("an example");
            sim = sim.with(&file, if name.ends_with(".toml") { shortened(&text) } else { text });
        }
        let desk = Self { sim };
        let output = desk.shell("chmod +x bin/cargo");
        assert_eq!(output.code, Some(0), "{output:#?}");
        desk
    }

    /// Runs a line of shell in which `sim` is the binary.
    pub fn shell(&self, line: &str) -> Output {
        self.sim.shell(&format!("export SIM PATH=\"$PWD/bin:$PATH\"; sim() {{ \"$SIM\" \"$@\"; }}\n{line}"))
    }
}

/// A table of prompts, each read at once.
fn prefills() -> String {
    let row = |tokens: u32| format!("box,house/tiny,engine 1,1,0,{tokens},{:.3}\n", 2.0 + 0.01 * f64::from(tokens));
    let rows: String = (4..12).map(|power| row(1 << power)).collect();
    format!("{HEADER}{rows}")
}

/// The TOML files of a folder, without its baselines.
fn files(folder: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(repository(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let named = entries.filter_map(|entry| {
        let path = entry.expect("an entry").path();
        let name = path.file_name()?.to_str()?.to_owned();
        let is_kept = name.ends_with(".csv") || (name.ends_with(".toml") && !name.ends_with(".baseline.toml"));
        is_kept.then(|| (name, fs::read_to_string(&path).expect("a file")))
    });
    named.collect()
}

/// A scenario with eight requests a run and one replication.
fn shortened(text: &str) -> String {
    let mut scenario: Table = text.parse().expect("TOML");
    scenario.insert("replications".to_owned(), Value::Integer(1));
    let workload = scenario.entry("workload").or_insert_with(|| Value::Table(Table::new()));
    workload.as_table_mut().expect("a table").insert("requests".to_owned(), Value::Integer(8));
    toml::to_string(&scenario).expect("TOML")
}
