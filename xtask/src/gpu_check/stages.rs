//! The stages of a check. Each saves what it found before the next begins.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::machine::Provider;
use super::report::Report;
use super::sim::Sim;
use crate::failure::{Failure, Outcome, UNAVAILABLE};

/// Everything that stages need.
pub struct Check {
    /// The binary, with the time that is left.
    pub sim: Sim,
    /// The provider that executes.
    pub provider: Provider,
    /// Folder of what comes back.
    pub out: PathBuf,
    /// Folder of what is written on the way: models and results.
    pub work: PathBuf,
    /// Folder with `draft`, `target` and `golden`, where there is one.
    pub shared: Option<PathBuf>,
    /// The scenario that is replayed.
    pub scenario: PathBuf,
    /// Name of the device in the table of steps, and of its bandwidth and peak; the machine's own name if absent.
    pub device: Option<String>,
    /// Models and shapes.
    pub sizes: Sizes,
}

/// Models and shapes of a check.
pub struct Sizes {
    /// Models that are measured, one after the other.
    pub models: Vec<Sized>,
    /// Options of `sim models measure`.
    pub shapes: Vec<String>,
    /// Requests of the replay.
    pub requests: u32,
}

/// A model that is measured.
#[derive(Clone)]
pub struct Sized {
    /// Name of the model in `sim models write`.
    pub release: String,
    /// Folder of the model in what is written; empty where the release is one model.
    pub within: &'static str,
    /// Least time that has to be left for it.
    pub least: Duration,
}

impl Sized {
    /// Name of its files.
    fn name(&self) -> String {
        if self.within.is_empty() { self.release.clone() } else { format!("{}-{}", self.release, self.within) }
    }
}

/// Time that has to be left for a replay: loading, steps, and the hashes of 22 GB of models.
const LEAST_FOR_A_REPLAY: Duration = Duration::from_secs(100);

/// The part of the time left that measuring one model may take.
const SHARE_OF_TIME: f64 = 0.6;

impl Check {
    /// Runs every stage. A machine that cannot go on ends the check; what else fails is told at the end.
    pub fn run(&self, report: &mut Report) -> Outcome {
        let mut findings = Vec::new();
        self.stage(report, &mut findings, "Answers of the small pair", |check| check.answers())?;
        let mut measured: Vec<(&Sized, PathBuf)> = Vec::new();
        for model in &self.sizes.models {
            let title = format!("Steps of {}", model.name());
            if self.sim.left() < model.least {
                report.section(&title, &format!("Left out: fewer than {} s were left.", model.least.as_secs()))?;
                continue;
            }
            self.stage(report, &mut findings, &title, |check| {
                let (folder, told) = check.measured(model)?;
                measured.push((model, folder));
                Ok(told)
            })?;
            if measured.is_empty() {
                continue;
            }
            let tables: Vec<PathBuf> = measured.iter().map(|(model, _)| self.table(model)).collect();
            self.stage(report, &mut findings, "Laws of all steps so far", |check| check.fitted(&tables))?;
        }
        if let (Some((_, edge)), Some((_, cloud))) = (measured.first(), measured.last()) {
            if self.sim.left() < LEAST_FOR_A_REPLAY {
                report.section("Replay", "Left out: too little time was left.")?;
            } else {
                self.stage(report, &mut findings, "Replay", |check| check.replayed(edge, cloud))?;
            }
        }
        let end = if findings.is_empty() { "Every stage passed." } else { "Not every stage passed; see above." };
        report.section("End", end)?;
        findings.into_iter().next().map_or(Ok(()), Err)
    }

    /// Runs one stage, and saves what came of it.
    fn stage(
        &self,
        report: &mut Report,
        findings: &mut Vec<Failure>,
        title: &str,
        act: impl FnOnce(&Self) -> Outcome<String>,
    ) -> Outcome {
        match act(self) {
            Ok(told) => report.section(title, &told),
            Err(failure) => {
                report
                    .section(title, &format!("Failed: {}", failure.to_string().trim().trim_start_matches("error: ")))?;
                if failure.code() == UNAVAILABLE {
                    return Err(failure);
                }
                findings.push(failure);
                Ok(())
            }
        }
    }

    /// The table of a model's steps.
    fn table(&self, model: &Sized) -> PathBuf {
        self.out.join(format!("{}.csv", model.name()))
    }

    /// Holds the small pair to its recorded answers, or to the processor's.
    fn answers(&self) -> Outcome<String> {
        let mut arguments: Vec<OsString> = vec!["models".into(), "check".into()];
        match &self.shared {
            Some(folder) => {
                arguments.push(folder.join("target").into());
                arguments.extend(["--draft".into(), folder.join("draft").into()]);
                arguments.extend(["--golden".into(), folder.join("golden/golden.json").into()]);
            }
            None => {
                // CUDA has fused attention in half precision alone.
                let pair = self.written("tiny", "pair", &["--attention", "plain"])?;
                arguments.push(pair.join("target").into());
                arguments.extend(["--draft".into(), pair.join("draft").into()]);
            }
        }
        let out = self.out.join("check.json");
        arguments.extend(["--provider".into(), self.provider.name().into(), "--out".into(), out.clone().into()]);
        self.sim.run(arguments)?;
        let found = std::fs::read(&out).map_err(|error| format!("cannot read {}: {error}", out.display()))?;
        let found: Value =
            serde_json::from_slice(&found).map_err(|error| format!("{} is no JSON: {error}", out.display()))?;
        Ok(answers_told(&found))
    }

    /// Writes a release under this name, unless it was written before; its folder.
    fn written(&self, release: &str, name: &str, options: &[&str]) -> Outcome<PathBuf> {
        let folder = self.work.join(name);
        if !folder.is_dir() {
            let mut arguments: Vec<OsString> = ["models", "write", release, "--out"].map(OsString::from).into();
            arguments.push(folder.clone().into());
            arguments.extend(options.iter().map(OsString::from));
            self.sim.run(arguments)?;
        }
        Ok(folder)
    }

    /// Measures a model's steps; its folder, and a sentence on each shape.
    fn measured(&self, model: &Sized) -> Outcome<(PathBuf, String)> {
        let folder = self.written(&model.release, &model.release, &[])?.join(model.within);
        let seconds = (self.sim.left().as_secs_f64() * SHARE_OF_TIME).max(1.0) as u64;
        let mut arguments: Vec<OsString> = vec!["models".into(), "measure".into(), folder.clone().into()];
        arguments.extend(["--out".into(), self.table(model).into()]);
        arguments.extend(["--provider", self.provider.name(), "--seconds"].map(OsString::from));
        arguments.push(seconds.to_string().into());
        arguments.extend(self.device.iter().flat_map(|device| ["--gpu".into(), device.into()]));
        arguments.extend(self.sizes.shapes.iter().map(OsString::from));
        Ok((folder, self.sim.run(arguments)?.quoted()))
    }

    /// Fits laws to the tables; their errors held out, and those of the uncalibrated simulator on the same steps.
    fn fitted(&self, tables: &[PathBuf]) -> Outcome<String> {
        let mut arguments: Vec<OsString> = vec!["calibrate".into(), "--table".into()];
        arguments.extend(tables.iter().map(OsString::from));
        arguments.extend(["--out".into(), self.profile().into(), "--skip-broken".into()]);
        arguments.extend(today().into_iter().flat_map(|day| ["--note".into(), format!("date={day}").into()]));
        Ok(self.sim.run(arguments)?.quoted())
    }

    fn profile(&self) -> PathBuf {
        self.out.join("profile.toml")
    }

    /// Replays the scenario on the models, and fits laws to its steps.
    fn replayed(&self, edge: &Path, cloud: &Path) -> Outcome<String> {
        let results = self.work.join("replay");
        let mut arguments: Vec<OsString> = vec![self.scenario.clone().into()];
        let folder = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
        let mut set = vec![
            format!("replay.provider={}", self.provider.name()),
            format!("replay.edge.folder={:?}", folder(edge)),
            format!("replay.cloud.folder={:?}", folder(cloud)),
            format!("workload.requests={}", self.sizes.requests),
            "replications=1".to_owned(),
        ];
        set.extend(self.device_of_laws().map(|device| format!("replay.device={device}")));
        arguments.extend(set.into_iter().flat_map(|set| ["--set".into(), set.into()]));
        arguments.extend(["--no-report".into(), "--out".into(), results.clone().into()]);
        self.sim.run(arguments)?;
        let kept = std::fs::copy(results.join("steps.parquet"), self.out.join("steps.parquet"));
        kept.map_err(|error| format!("cannot keep steps.parquet: {error}"))?;
        let laws = self.sim.run(["calibrate".into(), results.into()] as [OsString; 2])?;
        Ok(format!("Its log of steps is `steps.parquet`.\n\n{}", laws.quoted()))
    }

    /// The device that the laws are of, as the simulator calls it.
    fn device_of_laws(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.profile()).ok()?;
        let profile: toml::Table = text.parse().ok()?;
        Some(profile.get("law")?.get(0)?.get("device")?.as_str()?.to_owned())
    }
}

/// The findings on the small pair, in sentences.
fn answers_told(found: &Value) -> String {
    let text = |key: &str| found[key].as_str().unwrap_or("unknown").to_owned();
    let pair = |key: &str| {
        let numbers: Vec<String> = found[key].as_array().into_iter().flatten().map(Value::to_string).collect();
        numbers.join(" and ")
    };
    let against = if found["golden"].is_string() { "as recorded" } else { "as on the processor" };
    let mut told = format!(
        "{} prompts, {} tokens {against}; speculative output is the target's own ({} of {} drafted tokens accepted). Entropies of \
         draft and target are at most {} nats off, allowed are {}.\n",
        found["prompts"],
        found["tokens"],
        found["accepted"],
        found["proposed"],
        pair("entropy_off_nats_max"),
        pair("tolerance_nats")
    );
    told += &format!("Executed by ONNX Runtime {} on {}.\n", text("library_version"), text("device_name"));
    let left = found["left_to_the_processor"].as_array().map_or(&[][..], Vec::as_slice);
    let left: Vec<&str> = left.iter().filter_map(Value::as_str).collect();
    match left.as_slice() {
        [] => told += "No operator was left to the processor.\n",
        left => told += &format!("Left to the processor: {}.\n", left.join("; ")),
    }
    told
}

/// The day of the check, as the machine has it.
fn today() -> Option<String> {
    let said = std::process::Command::new("date").args(["-u", "+%F"]).output().ok()?;
    let day = String::from_utf8(said.stdout).ok()?.trim().to_owned();
    (said.status.success() && !day.is_empty()).then_some(day)
}
