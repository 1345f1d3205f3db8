//! The cheapest of several choices that meets the targets: pools of a scenario, or values of a key. Each is judged by itself, at the load
//! that the scenario has.

use super::args::{Args, policies};
use super::verdict::{Judged, Target, Verdict};
use crate::run::one_run::OneRun;
use crate::run::threads;
use crate::scenario::{Plan, Point, Scenario, Source, typed};
use crate::terminal::{Code, Failure, print, say, surviving, with_bar};
use engine::NoRecorder;
use rayon::prelude::*;
use reports::{Estimate, Sheet};
use std::sync::atomic::{AtomicU64, Ordering};
use tables::Metric;
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
}

/// A policy with a choice.
struct Outcome {
    policy: String,
    choice: String,
    verdict: Verdict,
    /// True if more runs would not change the verdict.
    is_sure: bool,
    price: Estimate,
    runs: u32,
}

/// Judges each of the choices that follow the key, and prints them, the cheapest of each policy first.
///
/// # Errors
/// If a choice cannot be run, none meets the targets, or it is not known of one.
pub fn run(
    args: &Args,
    (source, scenario): (&Source, &Scenario),
    targets: &[Target],
    list: (&str, &str),
) -> Result<(), Failure> {
    let metric = match args.minimise.as_deref() {
        None | Some(PRICE) => Metric::Price,
        Some(name) => Metric::named(name).map_err(|why| Failure::refused(format!("--minimise {name}: {why}")))?,
    };
    let choices = choices(source, scenario, list)?;
    let policies = policies(&scenario.policy, &args.policy)?;
    let most = u32::try_from(args.max_runs / choices.len() as u64).unwrap_or(u32::MAX).max(FIRST);
    let all: Vec<(&str, &Choice)> =
        policies.iter().flat_map(|policy| choices.iter().map(move |choice| (policy.as_str(), choice))).collect();
    let total = all.len() as u64 * u64::from(most);
    let pool = threads::pool(args.threads, total)?;
    let outcomes = with_bar(total, "runs", |done| {
        let one = |(policy, choice): &(&str, &Choice)| judge(policy, choice, (targets, metric), most, done);
        pool.install(|| all.par_iter().map(one).collect::<Result<Vec<Outcome>, Failure>>())
    })?;
    print(&text(list.0, targets, metric, &policies, &outcomes))?;
    say(format_args!("{} runs", outcomes.iter().map(|one| one.runs).sum::<u32>()));
    match outcomes.iter().filter(|one| !one.is_sure).count() {
        0 if outcomes.iter().any(|one| one.verdict.met) => Ok(()),
        0 => Err(Failure::refused("no choice meets the targets; loosen them, or offer others".to_owned())),
        many => {
            let what = format!("--max-runs ended the verdict on {many} of {} choices; raise it", outcomes.len());
            Err(Failure::with_code(Code::Failed, what))
        }
    }
}

/// The scenario with each of the choices.
fn choices(source: &Source, scenario: &Scenario, (key, list): (&str, &str)) -> Result<Vec<Choice>, Failure> {
    let one = |name: &str| {
        let set = if key == POOL { alone(source, scenario, name)? } else { (key.to_owned(), typed(name)) };
        let source = source.with(&[set])?;
        let mut with: Scenario = source.parse()?;
        with.settle(source.written());
        let plan = Plan::new(source, with)?;
        plan.must_be_simulated("sim capacity")?;
        Ok(Choice { name: name.to_owned(), point: plan.point(0)? })
    };
    list.split(',').map(|name| one(name.trim())).collect()
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
    choice: &Choice,
    (targets, metric): (&[Target], Metric),
    most: u32,
    done: &AtomicU64,
) -> Result<Outcome, Failure> {
    let cell = choice.point.cells.iter().find(|cell| cell.policy == policy).expect("the policies are the same");
    let mut runs: Vec<Judged> = Vec::new();
    let mut wanted = FIRST;
    loop {
        for replication in runs.len() as u32..wanted {
            let run = OneRun { point: &choice.point, cell, replication, real: None };
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
            let (policy, choice) = (policy.to_owned(), choice.name.clone());
            return Ok(Outcome { policy, choice, verdict, is_sure, price: Estimate::of(&prices), runs: wanted });
        }
        wanted = wanted.saturating_mul(2).min(most);
    }
}

/// A line for each choice: those of a policy together, of those that meet the targets the cheapest first.
fn text(key: &str, targets: &[Target], metric: Metric, policies: &[String], outcomes: &[Outcome]) -> String {
    let mut sheet = Sheet::new(["policy", key, "targets", metric.column(), "±", "", "limited by", "runs"].into_iter());
    for policy in policies {
        let mut of: Vec<&Outcome> = outcomes.iter().filter(|one| one.policy == *policy).collect();
        of.sort_by(|a, b| {
            (!a.verdict.met, a.price.mean).partial_cmp(&(!b.verdict.met, b.price.mean)).expect("numbers")
        });
        let best = of.first().filter(|one| one.verdict.met && one.is_sure).map(|one| one.price);
        for (place, one) in of.iter().enumerate() {
            let [low, _] = one.price.interval();
            let mark = match best {
                Some(_) if place == 0 => "cheapest",
                Some(best) if one.verdict.met && low <= best.interval()[1] => "as cheap, perhaps",
                _ => "",
            };
            let verdict = match (one.is_sure, one.verdict.met) {
                (false, _) => "not known",
                (true, true) => "met",
                (true, false) => "missed",
            };
            let number = |value: f64| format!("{value:.*}", metric.doc().decimals);
            let cells = [
                one.policy.clone(),
                one.choice.clone(),
                verdict.to_owned(),
                number(one.price.mean),
                one.price.ci95.map_or_else(String::new, number),
                mark.to_owned(),
                if one.verdict.limited_by.is_empty() { "-".to_owned() } else { one.verdict.limited_by.clone() },
                one.runs.to_string(),
            ];
            sheet.row(cells.into_iter());
        }
    }
    let targets = targets.iter().map(Target::text).collect::<Vec<_>>().join("; ");
    format!("Targets: {targets}\n{}\n", sheet.text())
}
