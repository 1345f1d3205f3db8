//! The search of `sim capacity`, from its arguments to its results folder.

use super::args::{Args, policies};
use super::axis::Axis;
use super::choices;
use super::folder::Making;
use super::loads::{Counted, Loads, Varied};
use super::search::{Answer, Limits, search};
use super::verdict::Target;
use crate::results::runs::Run;
use crate::run::threads;
use crate::scenario::{self, Plan, Scenario, Source};
use crate::terminal::{Code, Failure, print, say, with_bar};
use rayon::prelude::*;
use reports::Constraint;
use std::sync::atomic::AtomicU64;
use tables::{CapacityRow, Finding};

/// Runs `sim capacity`.
pub fn run(args: &Args) -> Result<(), Failure> {
    let (source, scenario, left_out) = one_point(args)?;
    let targets = targets(args, &source, &scenario)?;
    if let Some(choices) = args.vary.split_once('=') {
        return choices::run(args, (&source, &scenario), &targets, choices);
    }
    if args.minimise.is_some() {
        let what = "--minimise is of choices, as in --vary pool=a,b,c; leave it out, or say which there are";
        return Err(Failure::refused(what));
    }
    let own = scenario::value_of(&scenario, &args.vary);
    if own.is_none() {
        refuse_unknown(&source, &args.vary)?;
    }
    let axis = Axis::new(&source, &args.vary, own.as_ref(), [args.from.as_deref(), args.to.as_deref()])?;
    let varied = Varied { source: &source, axis: &axis, targets: &targets };
    let plan = varied.plan(&[axis.start])?;
    plan.must_be_simulated("sim capacity")?;
    let policies = policies(&scenario.policy, &args.policy)?;
    scenario::warn_of_unpacked_weights(&plan);
    scenario::warn_of_figures(&plan);
    let loads = first_looks(&varied, &policies)?;
    if let Some(first) = left_out {
        say(format_args!("sim: note: no workload.warm_up; the first {first} requests of a run are left out"));
    }
    let making = Making::begin(args, &scenario)?;
    let searched = searched(args, &varied, loads, scenario.replications)?;
    let (plan, runs) = all_runs(&varied, &searched)?;
    let rows: Vec<CapacityRow> = searched.iter().map(|(loads, answer)| row(&varied, loads, answer)).collect();
    let (folder, told) = making.finish(args, &plan, &runs, ("capacity", &rows))?;
    let text =
        if args.json { reports::capacity_document(&folder, rows.clone())? } else { reports::capacity_text(&rows) };
    print(&text)?;
    told.say();
    judged(&rows, args.least && axis.is_whole() && axis.ends[0] == 1.0)
}

/// Refuses a key that there is not, with the nearest.
fn refuse_unknown(source: &Source, key: &str) -> Result<(), Failure> {
    let tried = source.with(&[(key.to_owned(), 1.into())]).and_then(|source| source.parse::<Scenario>());
    match tried {
        Err(refusal) if refusal.to_string().contains("unknown") => Err(refusal),
        _ => Ok(()),
    }
}

/// The scenario as one point: without a sweep of the key that varies, and with a warm-up; and the requests that are left out where
/// the scenario says nothing of them.
fn one_point(args: &Args) -> Result<(Source, Scenario, Option<u64>), Failure> {
    let (mut source, mut scenario) = scenario::read(&args.written.scenario, &args.written.overrides()?)?;
    if let Some(other) = scenario.sweep.0.keys().find(|key| **key != args.vary) {
        let what = format!("{other} is swept; sim capacity varies one key: leave the sweep out with --set sweep={{}}");
        return Err(source.refuse_at(&["sweep", other], &what));
    }
    let mut set = vec![("sweep".to_owned(), toml::Value::Table(toml::Table::new()))];
    let tenth = Some(scenario.workload.requests / 10).filter(|_| scenario.workload.warm_up.is_none());
    if let Some(tenth) = tenth.and_then(|tenth| i64::try_from(tenth).ok()) {
        set.push(("workload.warm_up".to_owned(), tenth.into()));
    }
    source = source.with(&set)?;
    scenario = source.parse()?;
    scenario.settle(source.written());
    Ok((source, scenario, tenth))
}

/// The targets of the command line, or those of the scenario.
fn targets(args: &Args, source: &Source, scenario: &Scenario) -> Result<Vec<Target>, Failure> {
    let targets = if args.target.is_empty() { own_targets(source, scenario)? } else { args.target.clone() };
    if targets.is_empty() {
        let what = "no target: say --target \"e2e_ms_p99 <= 2 s\", or write slo.targets into the scenario";
        return Err(Failure::refused(what));
    }
    let known: Vec<&str> = scenario.classes.keys().map(String::as_str).collect();
    match targets.iter().find(|target| target.class().is_some_and(|class| !known.contains(&class))) {
        Some(target) if known.is_empty() => {
            Err(Failure::refused(format!("--target {}: the scenario has no classes", target.text())))
        }
        Some(target) => {
            let why = tables::unknown("class", target.class().unwrap_or_default(), &known);
            Err(Failure::refused(format!("--target {}: {why}", target.text())))
        }
        None => Ok(targets),
    }
}

/// The targets of `[slo]`; where there are classes, those of each class, which are those of `[slo]` unless it has its own.
fn own_targets(source: &Source, scenario: &Scenario) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    let mut add = |class: Option<&String>, bounds: Vec<Constraint>| {
        let of = bounds.into_iter().map(|bound| Target::of_class(class.cloned(), bound).map_err(Failure::refused));
        targets.extend(of.collect::<Result<Vec<_>, _>>()?);
        Ok::<_, Failure>(())
    };
    if scenario.classes.is_empty() {
        add(None, scenario.slo.read(source, "slo")?)?;
    }
    for (name, class) in &scenario.classes {
        let (slo, at) = scenario.slo_of(name, class);
        add(Some(name), slo.read(source, &at)?)?;
    }
    Ok(targets)
}

/// The first run of each policy, which refuses targets that do not apply before anything is written.
fn first_looks<'v>(varied: &'v Varied<'v>, policies: &[String]) -> Result<Vec<Loads<'v>>, Failure> {
    let first = |policy: &String| {
        let mut loads = Loads::new(varied, policy.clone());
        loads.judge(varied.axis.start, 1, &AtomicU64::new(0)).map(|_| loads)
    };
    policies.iter().map(first).collect()
}

/// Searches for each policy, side by side.
fn searched<'v>(
    args: &Args,
    varied: &'v Varied<'v>,
    policies: Vec<Loads<'v>>,
    replications: u32,
) -> Result<Vec<(Loads<'v>, Answer)>, Failure> {
    /// Fewer replications make an interval that says nothing.
    const LEAST: u32 = 3;
    let limits = Limits { least: args.least, replications: replications.max(LEAST), runs: args.max_runs };
    let most = args.max_runs.saturating_mul(policies.len() as u64);
    let pool = threads::pool(args.threads, most)?;
    with_bar(most, "runs", |done| {
        let one = |mut loads: Loads<'v>| {
            let answer = search(varied.axis, limits, &mut Counted { loads: &mut loads, done })?;
            Ok((loads, answer))
        };
        pool.install(|| policies.into_par_iter().map(one).collect())
    })
}

/// The runs of all policies, and the plan whose points they are.
fn all_runs(varied: &Varied<'_>, searched: &[(Loads<'_>, Answer)]) -> Result<(Plan, Vec<Run>), Failure> {
    let mut values: Vec<f64> = searched.iter().flat_map(|(loads, _)| loads.values()).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let plan = varied.plan(&values)?;
    let mut runs = Vec::new();
    for (number, value) in (0..).zip(values) {
        let label = plan.point(number)?.label;
        runs.extend(searched.iter().flat_map(|(loads, _)| loads.rows(value, &label)));
    }
    Ok((plan, runs))
}

/// The row of a policy.
fn row(varied: &Varied<'_>, loads: &Loads<'_>, answer: &Answer) -> CapacityRow {
    let text = |value: Option<f64>| value.map_or_else(String::new, |value| varied.axis.text(value)).into();
    CapacityRow {
        policy: loads.policy().into(),
        key: varied.axis.key.as_str().into(),
        targets: varied.targets.iter().map(Target::text).collect::<Vec<_>>().join("; ").into(),
        verdict: answer.finding,
        meets: text(answer.meets),
        meets_value: answer.meets,
        misses: text(answer.misses),
        misses_value: answer.misses,
        limited_by: answer.limited_by.as_str().into(),
        points: answer.points,
        runs: answer.runs,
    }
}

/// Fails where runs did not suffice, or where no policy has an answer; nothing is less than one whole thing.
fn judged(rows: &[CapacityRow], is_least_there_is: bool) -> Result<(), Failure> {
    let count = |finding: Finding| rows.iter().filter(|row| row.verdict == finding).count();
    let all = rows.len();
    if count(Finding::Bracket) > 0 {
        let what = format!("--max-runs ended the search of {} of {all} policies; raise it", count(Finding::Bracket));
        return Err(Failure::with_code(Code::Failed, what));
    }
    let remedy = |finding, remedy: &str| {
        (count(finding) == all).then(|| Err(Failure::refused(format!("no policy has an answer: {remedy}"))))
    };
    let never =
        remedy(Finding::Never, "the targets are met nowhere between --from and --to; loosen them, or widen the range");
    let always = remedy(Finding::Always, "the targets are met all over; widen the range with --from and --to");
    never.or(always.filter(|_| !is_least_there_is)).unwrap_or(Ok(()))
}
