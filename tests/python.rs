//! The Python module that reads results, and the script that plots them.

use crate::support::{Sim, repository};
use crate::tools::{are_there, find};
use std::process::Output;

/// Numbers of two units, a number without one, and names.
const SWEPT: &str = "\
name = \"swept\"
replications = 2

[workload]
dataset = \"vqav2\"
requests = 5

[policy.edge_only]
[policy.msao]

[sweep]
\"link.rtt\" = [\"5 ms\", \"0.08 s\"]
\"policy.msao.mas.tau_s\" = [0.1, 0.5]
\"edge.device\" = [\"rtx-3090\", \"rtx-4090\"]
";

/// Holds what is read to what was written, under both libraries.
const READS: &str = "\
import json, subprocess, sys
import msao_sim

def listed(column):
    return sorted(set(list(column)))

for library in ('polars', 'pandas'):
    results = msao_sim.read_results('out', library)
    assert results.tables == ['requests', 'runs', 'spans', 'summary'], results.tables
    for table in (results.summary, results.runs, results.requests):
        assert listed(table['link.rtt_ms']) == [5.0, 80.0], table
        assert listed(table['policy.msao.mas.tau_s']) == [0.1, 0.5], table
        assert listed(table['edge.device']) == ['rtx-3090', 'rtx-4090'], table
    # Each request has the values of its own point.
    point = {row[0]: row[1] for row in zip(results.runs['point'], results.runs['link.rtt_ms'])}
    assert len(results.requests) == 8 * 2 * 2 * 5, len(results.requests)
    assert all(point[at] == rtt for at, rtt in zip(results.requests['point'], results.requests['link.rtt_ms']))
    assert results.units['link.rtt_ms'] == 'ms' and results.units['bandwidth_mbps'] == 'Mbps'
    assert results.manifest['tool'] == 'msao-sim'
    try:
        results.nothing
        sys.exit('a table that is not there was read')
    except AttributeError as error:
        assert 'it has requests, runs, spans, summary' in str(error), error
# The files themselves have numbers; what an older version wrote, which had texts alone, reads the same.
import os, polars, shutil
os.makedirs('old')
for name in ('requests', 'runs', 'summary'):
    frame = polars.read_parquet(f'out/{name}.parquet')
    numbers = [column for column in ('link.rtt_ms', 'policy.msao.mas.tau_s_number') if column in frame.columns]
    assert name == 'runs' or all(frame[column].dtype == polars.Float64 for column in numbers) and len(numbers) == 2
    texts = ['link.rtt', 'policy.msao.mas.tau_s', 'edge.device'] if name == 'requests' else []
    frame.drop(numbers + texts).write_parquet(f'old/{name}.parquet')
shutil.copy('out/manifest.json', 'old')
for library in ('polars', 'pandas'):
    new, old = (msao_sim.read_results(folder, library) for folder in ('out', 'old'))
    for name in ('requests', 'summary'):
        one, other = new.table(name), old.table(name)
        assert sorted(one.columns) == sorted(other.columns), (name, one.columns, other.columns)
        assert all(list(one[key]) == list(other[key]) for key in ('link.rtt_ms', 'policy.msao.mas.tau_s', 'edge.device'))
try:
    msao_sim.read_results('nowhere')
    sys.exit('a folder that is not there was read')
except FileNotFoundError:
    pass
from msao_sim.amounts import number_in, unit_of
assert number_in('3 GiB').value == 3221.225472 and number_in('6 /min').value == 0.1
assert number_in('rtx-3090') is None and number_in('5 parsecs') is None
for column in json.load(open('columns.json')):
    assert unit_of(column['name']) == column['unit'], column
";

fn done(output: &Output) {
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn python_reads_results_as_numbers_and_plots_them() {
    if !are_there("python_reads_results_as_numbers_and_plots_them") {
        return;
    }
    let sim = Sim::new().with("swept.toml", SWEPT).with("reads.py", READS);
    sim.done(["swept.toml", "--out", "out"]);
    let columns = sim.done(["list", "columns", "--json"]).stdout;
    std::fs::write(sim.path("columns.json"), columns).expect("a file");
    let python = find("fonttools").expect("it was looked for").with_file_name("python");
    let run = |arguments: &[&str]| {
        let mut command = sim.command(python.to_str().expect("UTF-8"));
        let command =
            command.args(arguments).env("PYTHONPATH", repository("sim/python")).env("PYTHONDONTWRITEBYTECODE", "1");
        command.env("MPLCONFIGDIR", sim.path("")).output().expect("Python")
    };
    done(&run(&["reads.py"]));
    let plot = repository("docs/examples/plot.py");
    let plot = plot.to_str().expect("UTF-8");
    done(&run(&[plot, "out", "lines.svg"]));
    let picture = sim.text("lines.svg");
    assert!(picture.contains("<svg") && picture.contains("link.rtt_ms, ms"), "no axis: {} bytes", picture.len());
    let unknown = run(&[plot, "out", "none.svg", "e2e"]);
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("no column e2e"));
}
