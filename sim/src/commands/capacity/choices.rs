//! The cheapest of several choices that meets the targets: pools of a scenario, or values of a key. Each is judged by itself, at the load
//! that the scenario has.

use super::args::{Args, policies};
use super::folder::Making;
use super::verdict::{Judged, Target, Verdict};
use crate::results::runs::Run;
use crate::run::one_run::OneRun;
use crate::run::threads;
use crate::scenario::{Plan, Point, PointLabel, Scenario, Source, typed};
use crate::terminal::{Code, Failure, print, surviving, with_bar};
use engine::NoRecorder;
use rayon::prelude::*;
use reports::Estimate;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tables::{ChoiceRow, Metric, Standing};
use toml::{Table, Value};

/// The word for one of `[pools.NAME]`, alone.
const POOL: &str = "pool";

/// The word for the price of a request.
const PRICE: &str = "price";

/// Replications of a choice at first.
const FIRST: u32 = 3;

/// A choice, as it is written, and the scenario with it alone.
struct Choice {
    name: String,
    point: Point,
    /// The point among all choices.
    label: Arc<PointLabel>,
}

/// A policy with a choice.
struct Outcome {
    policy: String,
    /// The number of the choice.
    choice: usize,
    verdict: Verdict,
    /// True if more runs would not change the verdict.
    is_sure: bool,
    price: Estimate,
    runs: Vec<Judged>,
}

/// Judges each of the choices that follow the key, and prints them, the cheapest of each policy first.
///
/// # Errors
/// If a choice cannot be run, none meets the targets, or it is not known of one.
pub fn run(
    args: &Args,
    (source, scenario): (&Source, &Scenario),
    targets: &[Target],
    (key, list): (&str, &str),
) -> Result<(), Failure> {
    let metric = match args.minimise.as_deref() {
        None | Some(PRICE) => Metric::Price,
        Some(name) => Metric::named(name).map_err(|why| Failure::refused(format!("--minimise {name}: {why}")))?,
    };
    let (plan, choices) = choices(source, scenario, (key, list))?;
    let policies = policies(&scenario.policy, &args.policy)?;
    let making = Making::begin(args, scenario)?;
    let most = u32::try_from(args.max_runs / choices.len() as u64).unwrap_or(u32::MAX).max(FIRST);
    let all: Vec<(&str, usize)> =
        policies.iter().flat_map(|policy| (0..choices.len()).map(move |choice| (policy.as_str(), choice))).collect();
    let total = all.len() as u64 * u64::from(most);
    let pool = threads::pool(args.threads, total)?;
    let outcomes = with_bar(total, "runs", |done| {
        let one = |&(policy, choice): &(&str, usize)| {
            judge(policy, (choice, &choices[choice]), (targets, metric), most, done)
        };
        pool.install(|| all.par_iter().map(one).collect::<Result<Vec<Outcome>, Failure>>())
    })?;
    let rows = rows(key, (targets, metric), &policies, &choices, &outcomes);
    let (folder, told) = making.finish(args, &plan, &all_runs(&choices, &outcomes), ("choices", &rows))?;
    let text = if args.json { reports::choices_document(&folder, rows.clone())? } else { reports::choices_text(&rows) };
    print(&text)?;
    told.say();
    match outcomes.iter().filter(|one| !one.is_sure).count() {
        0 if outcomes.iter().any(|one| one.verdict.met) => Ok(()),
        0 => Err(Failure::refused("no choice meets the targets; loosen them, or offer others".to_owned())),
        many => {
            let what = format!("--max-runs ended the verdict on {many} of {} choices; raise it", outcomes.len());
            Err(Failure::with_code(Code::Failed, what))
        }
    }
}

/// The scenario with each of the choices, and the plan whose points they are.
fn choices(source: &Source, scenario: &Scenario, (key, list): (&str, &str)) -> Result<(Plan, Vec<Choice>), Failure> {
    let mut plan = Plan::new(source.clone(), scenario.clone())?;
    let has_column = plan.add_column(key);
    let one = |(number, name): (u64, &str)| {
        let set = if key == POOL { alone(source, scenario, name)? } else { (key.to_owned(), typed(name)) };
        let source = source.with(&[set])?;
        let mut with: Scenario = source.parse()?;
        with.settle(source.written());
        let plan = Plan::new(source, with)?;
        plan.must_be_simulated("sim capacity")?;
        let point = plan.point(0)?;
        let mut label = PointLabel { point: number, ..PointLabel::clone(&point.label) };
        if has_column {
            label.values.insert(0, name.to_owned());
        }
        Ok(Choice { name: name.to_owned(), point, label: label.into() })
    };
    let choices = (0..).zip(list.split(',').map(str::trim)).map(one).collect::<Result<_, Failure>>()?;
    Ok((plan, choices))
}

/// The runs of all choices, by choice, then by policy.
fn all_runs(choices: &[Choice], outcomes: &[Outcome]) -> Vec<Run> {
    let mut runs = Vec::new();
    for (number, choice) in choices.iter().enumerate() {
        for outcome in outcomes.iter().filter(|one| one.choice == number) {
            let cell = choice.point.cells.iter().find(|cell| cell.policy == outcome.policy);
            let seed = cell.expect("the policies are the same").spec.seed;
            runs.extend((0..).zip(&outcome.runs).map(|(replication, judged)| Run {
                label: choice.label.clone(),
                policy: outcome.policy.clone(),
                replication,
                seed,
                result: Ok(judged.sample.clone()),
            }));
        }
    }
    runs
}

/// The table of pools with one of them alone.
fn alone(source: &Source, scenario: &Scenario, name: &str) -> Result<(String, Value), Failure> {
    let pools = source.written().get("pools").and_then(Value::as_table);
    let pool = pools.and_then(|pools| pools.get(name)).ok_or_else(|| {
        let known: Vec<&str> = scenario.pools.keys().map(String::as_str).collect();
        let why = match known.is_empty() {
            true => "the scenario has no [pools.NAME] to choose from".to_owned(),
            false => tables::unknown("pool", name, &known),
        };
        Failure::refused(format!("--vary {POOL}={name}: {why}"))
    })?;
    Ok(("pools".to_owned(), Table::from_iter([(name.to_owned(), pool.clone())]).into()))
}

/// Runs a policy with a choice until its verdict is sure, or for so many runs.
fn judge(
    policy: &str,
    (number, choice): (usize, &Choice),
    (targets, metric): (&[Target], Metric),
    most: u32,
    done: &AtomicU64,
) -> Result<Outcome, Failure> {
    let cell = choice.point.cells.iter().find(|cell| cell.policy == policy).expect("the policies are the same");
    let mut runs: Vec<Judged> = Vec::new();
    let mut wanted = FIRST;
    loop {
        for replication in runs.len() as u32..wanted {
            let run = OneRun { point: &choice.point, cell, replication, real: None, threads: 1 };
            let outcome = surviving(|| run.outcome(&mut NoRecorder, &AtomicU64::new(0)))??;
            let sample = run.sample_of(&outcome);
            let value = |target: &Target| {
                let none = || Failure::refused(format!("{}: {policy} has no such value", target.text()));
                target.value(&outcome, &sample).ok_or_else(none)
            };
            let values = targets.iter().map(value).collect::<Result<_, _>>()?;
            runs.push(Judged { sample, values, backlog: outcome.window.backlog });
            done.fetch_add(1, Ordering::Relaxed);
        }
        let verdict = Verdict::of(targets, &runs);
        let is_sure = verdict.is_settled(wanted);
        if is_sure || wanted >= most {
            let prices =
                runs.iter().map(|run| run.sample.metrics[metric]).collect::<Option<Vec<f64>>>().ok_or_else(|| {
                    let remedy = "state prices in [costs], or say another metric with --minimise";
                    Failure::refused(format!("{metric}: {policy} has no such value; {remedy}"))
                })?;
            let (policy, price) = (policy.to_owned(), Estimate::of(&prices));
            return Ok(Outcome { policy, choice: number, verdict, is_sure, price, runs });
        }
        wanted = wanted.saturating_mul(2).min(most);
    }
}

/// A row for each choice: those of a policy together, of those that meet the targets the cheapest first.
fn rows(
    key: &str,
    (targets, metric): (&[Target], Metric),
    policies: &[String],
    choices: &[Choice],
    outcomes: &[Outcome],
) -> Vec<ChoiceRow> {
    let targets = targets.iter().map(Target::text).collect::<Vec<_>>().join("; ");
    let mut rows = Vec::new();
    for policy in policies {
        let mut of: Vec<&Outcome> = outcomes.iter().filter(|one| one.policy == *policy).collect();
        of.sort_by(|a, b| (!a.verdict.met).cmp(&!b.verdict.met).then(a.price.mean.total_cmp(&b.price.mean)));
        let best = of.first().filter(|one| one.verdict.met && one.is_sure).map(|one| one.price);
        rows.extend(of.iter().enumerate().map(|(place, one)| ChoiceRow {
            policy: policy.as_str().into(),
            key: key.into(),
            choice: choices[one.choice].name.as_str().into(),
            targets: targets.as_str().into(),
            verdict: standing(one, best, place == 0),
            limited_by: one.verdict.limited_by.as_str().into(),
            metric: metric.column().into(),
            mean: one.price.mean,
            ci95: one.price.ci95,
            runs: one.runs.len() as u64,
        }));
    }
    rows
}

/// The verdict on a choice beside the cheapest one, if there is a cheapest.
fn standing(one: &Outcome, best: Option<Estimate>, is_first: bool) -> Standing {
    let [low, _] = one.price.interval();
    match best {
        _ if !one.is_sure => Standing::Unsure,
        _ if !one.verdict.met => Standing::Missed,
        Some(_) if is_first => Standing::Cheapest,
        Some(best) if low <= best.interval()[1] => Standing::Perhaps,
        _ => Standing::Dearer,
    }
}
