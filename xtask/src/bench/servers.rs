//! A server under continuous batching, by the product, by plain Python scripts, and by other simulators where they are installed.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::commands::children_ms;
use super::json::number;
use crate::failure::Outcome;

/// The scripts, and the scenario that they simulate.
const FOLDER: &str = "sim/serving/benches/reference";

/// Requests of a whole command.
const WHOLE: u32 = 10_000;

/// Requests of the two runs of the product, and of a script: the difference of their times is that of the requests between. Linux
/// counts hundredths of a second.
const OURS: [u32; 2] = [WHOLE, 50_000];
const THEIRS: [u32; 2] = [2_000, WHOLE];

/// Requests a second.
const RATE: &str = "2.58";

/// Rounds in which the programs are run in turn; the median counts.
const ROUNDS: usize = 3;

/// Most by which a script's mean latencies may differ from the product's.
const AGREEMENT: f64 = 0.02;

/// The mean latencies that are compared.
const LATENCIES: [&str; 3] = ["e2e_ms_mean", "ttft_ms_mean", "tpot_ms_mean"];

/// A server that scripts simulate too.
struct Server {
    name: &'static str,
    /// Settings of the scenario.
    set: &'static [&'static str],
    /// The script, and the one with SimPy if there is one.
    script: &'static str,
    simpy: Option<&'static str>,
}

const SERVERS: [Server; 2] = [
    Server {
        name: "graph",
        set: &["cloud.engine=graph", "cloud.batch.chunk_tokens=512"],
        script: "graph.py",
        simpy: Some("graph_simpy.py"),
    },
    Server { name: "vllm", set: &["cloud.engine=vllm"], script: "engine.py", simpy: None },
];

/// A run: its CPU time, and what it printed about latencies.
struct Measured {
    cpu_ms: f64,
    latencies: Value,
}

/// The speed of a program.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Speed {
    /// CPU time of a further request, microseconds.
    marginal_us: f64,
    /// CPU time of the command that has [`WHOLE`] requests, or the most, milliseconds.
    whole_ms: f64,
}

impl Speed {
    /// The speed by the times of a smaller and of a larger number of requests.
    fn of([few, many]: [f64; 2], [fewer, more]: [u32; 2]) -> Self {
        let whole_ms = if fewer == WHOLE { few } else { many };
        Self { marginal_us: (many - few) * 1e3 / f64::from(more - fewer), whole_ms }
    }

    /// The medians of several rounds.
    fn median(rounds: &[Self]) -> Self {
        let middle = |part: fn(&Self) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(part).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        Self { marginal_us: middle(|speed| speed.marginal_us), whole_ms: middle(|speed| speed.whole_ms) }
    }
}

/// Prints the speed of the product as ratios.
pub fn run() -> Outcome {
    super::build(&["-p", "sim", "--bin", "sim"])?;
    let folder = tempfile::tempdir().map_err(|error| format!("cannot make a temporary folder: {error}"))?;
    for server in &SERVERS {
        let script = [FOLDER, "/", server.script].concat();
        let ours = || timed_twice(OURS, |requests| product(folder.path(), server.set, requests));
        let theirs = || timed_twice(THEIRS, |requests| plain(&script, requests));
        let [ours, theirs] = in_turn(ROUNDS, [&ours, &theirs])?;
        print(server.name, server.script, ours.0, theirs.0);
        println!("  {}", agreement(&ours.1, &theirs.1)?);
        if let Some(simpy) = server.simpy {
            with_simpy(&[FOLDER, "/", simpy].concat(), ours.0)?;
        }
    }
    inference_lab(folder.path())?;
    println!("AISimulate: not measured. Its package on PyPI is a placeholder, which needs an index of its vendor.");
    Ok(())
}

/// A program's speed, and the latencies of its larger run.
type Timed = (Speed, Value);

/// Runs a program with both numbers of requests.
fn timed_twice(counts: [u32; 2], program: impl Fn(u32) -> Outcome<Measured>) -> Outcome<Timed> {
    let [few, many] = [program(counts[0])?, program(counts[1])?];
    Ok((Speed::of([few.cpu_ms, many.cpu_ms], counts), many.latencies))
}

/// Lets two programs take turns. The median of their speeds counts, and the latencies of their last runs.
fn in_turn(rounds: usize, programs: [&dyn Fn() -> Outcome<Timed>; 2]) -> Outcome<[Timed; 2]> {
    let mut timed = [const { Vec::new() }; 2];
    for _ in 0..rounds {
        for (program, timed) in programs.iter().zip(&mut timed) {
            timed.push(program()?);
        }
    }
    Ok(timed.map(|rounds| {
        let speeds: Vec<Speed> = rounds.iter().map(|(speed, _)| *speed).collect();
        let latencies = rounds.last().map_or(Value::Null, |(_, latencies)| latencies.clone());
        (Speed::median(&speeds), latencies)
    }))
}

fn print(name: &str, beside: &str, ours: Speed, theirs: Speed) {
    println!(
        "{name} against {beside}: a further request {:.1} us and {:.1} us of CPU, {:.1} times; a whole command of {WHOLE} \
         requests {:.0} ms and {:.0} ms, {:.1} times",
        ours.marginal_us,
        theirs.marginal_us,
        theirs.marginal_us / ours.marginal_us,
        ours.whole_ms,
        theirs.whole_ms,
        theirs.whole_ms / ours.whole_ms
    );
}

/// A sentence about latencies that are nearly equal; those that are not are an error.
fn agreement(ours: &Value, theirs: &Value) -> Outcome<String> {
    let parts = LATENCIES.map(|latency| {
        let (ours, theirs) = (number(ours, latency)?, number(theirs, latency)?);
        let apart = theirs / ours - 1.0;
        let part = format!("{latency} {ours:.2} and {theirs:.2} ({:+.2} %)", apart * 100.0);
        if apart.abs() <= AGREEMENT {
            return Ok(part);
        }
        Err(format!("a script and the product must agree within {:.0} %: {part}", AGREEMENT * 100.0).into())
    });
    Ok(parts.into_iter().collect::<Outcome<Vec<_>>>()?.join(", "))
}

/// Runs the scenario in the product.
fn product(folder: &Path, set: &[&str], requests: u32) -> Outcome<Measured> {
    let out = folder.join("out");
    let mut command = Command::new("target/release/sim");
    command.arg([FOLDER, "/servers.toml"].concat()).args(set.iter().flat_map(|set| ["--set", set]));
    command.args(["--set", &format!("workload.requests={requests}"), "--threads", "1"]);
    command.args(["--no-report", "--quiet", "--json", "--out"]).arg(&out);
    let measured = measure(&mut command, |printed| printed["rows"][0].clone());
    std::fs::remove_dir_all(&out).map_err(|error| format!("cannot remove {}: {error}", out.display()))?;
    measured
}

/// Runs a script, without files of bytecode beside it.
fn plain(script: &str, requests: u32) -> Outcome<Measured> {
    let mut command = Command::new("python3");
    measure(command.arg("-B").arg(script).args([&requests.to_string(), RATE]), |printed| printed)
}

/// Runs a command that prints JSON, in which latencies stand.
fn measure(command: &mut Command, latencies: impl FnOnce(Value) -> Value) -> Outcome<Measured> {
    let (cpu_ms, printed) = timed(command)?;
    let printed = serde_json::from_slice(&printed).map_err(|error| format!("{command:?} printed no JSON: {error}"))?;
    Ok(Measured { cpu_ms, latencies: latencies(printed) })
}

/// Runs a command; its CPU time in milliseconds, and what it printed.
fn timed(command: &mut Command) -> Outcome<(f64, Vec<u8>)> {
    let before = children_ms()?;
    let output = command.output().map_err(|error| format!("{command:?} did not start: {error}; is it installed?"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{command:?} failed ({}): {}", output.status, error.trim()).into());
    }
    Ok((children_ms()? - before, output.stdout))
}

/// True if a command runs and succeeds.
fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// The product against the script with SimPy, once, with a tenth of the requests.
fn with_simpy(script: &str, ours: Speed) -> Outcome {
    if !succeeds(Command::new("python3").args(["-c", "import simpy"])) {
        println!("SimPy: not installed (pip install simpy==4.1.1)");
        return Ok(());
    }
    let counts = THEIRS.map(|requests| requests / 10);
    let theirs = timed_twice(counts, |requests| plain(script, requests))?.0.marginal_us;
    println!("  against SimPy: a further request {theirs:.0} us, {:.0} times", theirs / ours.marginal_us);
    Ok(())
}

/// Llama-3.1-8B on an H100, as the product has it.
const LLAMA: [&str; 3] = ["cloud.model=llama-3.1-8b", "cloud.device=h100-sxm", "arrivals.poisson.rate=10 /s"];

/// The same server, as inference-lab has it.
const DEPLOYMENT: &str = "\
model = \"llama-3.1-8b-instruct\"

[scheduler]
max_num_batched_tokens = 8192
max_num_seqs = 1024
policy = \"fcfs\"
enable_chunked_prefill = true
block_size = 16

[hardware.h100]
tp = 1
";

/// Its requests; their number stands in front.
const REQUESTS: &str = "
arrival_pattern = \"poisson\"
arrival_rate = 10.0
seed = 1
input_len_dist = { type = \"fixed\", value = 1024 }
output_len_dist = { type = \"fixed\", value = 210 }
";

/// The product against inference-lab, whole commands, once.
fn inference_lab(folder: &Path) -> Outcome {
    if !succeeds(Command::new("inference-lab").arg("--version")) {
        println!("inference-lab: not installed (cargo install inference-lab --version 1.0.0)");
        return Ok(());
    }
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok::<_, String>(path)
    };
    let deployment = write("deployment.toml", DEPLOYMENT)?;
    for requests in [10_000, 100_000] {
        let workload = write("workload.toml", &format!("num_requests = {requests}{REQUESTS}"))?;
        let mut command = Command::new("inference-lab");
        command.arg("--config").arg(&deployment).args(["--hardware", "h100", "--workload"]).arg(&workload);
        let theirs = timed(&mut command)?.0;
        let ours = product(folder, &LLAMA, requests)?.cpu_ms;
        println!(
            "inference-lab, Llama-3.1-8B, {requests} requests: ours {ours:.0} ms of CPU, theirs {theirs:.0} ms, {:.1} times",
            theirs / ours
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::cell::RefCell;

    fn latencies(scale: f64) -> Value {
        json!({"e2e_ms_mean": 3000.0, "ttft_ms_mean": 90.0 * scale, "tpot_ms_mean": 15.0})
    }

    #[test]
    fn two_programs_agree_within_two_per_cent() {
        let said = agreement(&latencies(1.0), &latencies(1.019)).unwrap();
        assert!(said.contains("ttft_ms_mean 90.00 and 91.71 (+1.90 %)"), "{said}");
        let refused = agreement(&latencies(1.0), &latencies(1.03)).unwrap_err().to_string();
        assert!(refused.contains("within 2 %: ttft_ms_mean"), "{refused}");
        assert!(agreement(&latencies(1.0), &latencies(0.97)).is_err());
        let missing = agreement(&json!({}), &latencies(1.0)).unwrap_err().to_string();
        assert!(missing.contains("e2e_ms_mean"), "{missing}");
    }

    #[test]
    fn a_further_request_takes_the_difference_of_two_runs() {
        let speed = Speed::of([300.0, 1100.0], THEIRS);
        assert_eq!(speed, Speed { marginal_us: 100.0, whole_ms: 1100.0 });
        let speed = Speed::of([300.0, 700.0], OURS);
        assert_eq!(speed, Speed { marginal_us: 10.0, whole_ms: 300.0 });
        let rounds = [900.0, 1100.0, 1000.0].map(|many| Speed::of([200.0, many], THEIRS));
        assert_eq!(Speed::median(&rounds), Speed { marginal_us: 100.0, whole_ms: 1000.0 });
    }

    #[test]
    fn programs_take_turns_and_the_last_latencies_count() {
        let turns = RefCell::new(Vec::new());
        let run = |name: &str, requests: u32| {
            turns.borrow_mut().push(format!("{name} {requests}"));
            Ok(Measured { cpu_ms: f64::from(requests), latencies: json!(turns.borrow().len()) })
        };
        let ours = || timed_twice([1, 3], |requests| run("ours", requests));
        let theirs = || timed_twice([2, 4], |requests| run("theirs", requests));
        let [ours, theirs] = in_turn(2, [&ours, &theirs]).unwrap();
        assert_eq!((ours.0.marginal_us, ours.1, theirs.1), (1e3, json!(6), json!(8)));
        let once = ["ours 1", "ours 3", "theirs 2", "theirs 4"];
        assert_eq!(*turns.borrow(), [once, once].concat());
    }

    #[test]
    fn a_command_that_fails_says_why() {
        let mut command = Command::new("sh");
        let failed = timed(command.args(["-c", "echo no room >&2; exit 3"])).unwrap_err().to_string();
        assert!(failed.contains("no room"), "{failed}");
        assert!(!succeeds(&mut Command::new("/nowhere/program")));
    }
}
