//! Runs `sim calibrate`.

use super::args::Args;
use super::choose::{Found, law};
use super::mixed::{Mixed, judge};
use super::notes::notes;
use super::preprocess;
use super::set::Set;
use super::sheets::Sheets;
use super::tables::{LEAST_CONFIGURATIONS, LEAST_ROWS, Tables};
use super::{folder, report, served, tables, tokens};
use crate::results::whole_file;
use crate::scenario::profile::{FORMAT, PreprocessEntry, Profile, SourceFile};
use crate::terminal::{Failure, say};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Runs it.
pub fn run(args: &Args) -> Result<(), Failure> {
    if args.tokens {
        return tokens::run(args);
    }
    if !args.served.is_empty() {
        return served::run(args);
    }
    let mut provenance = folder::provenance(&args.folders);
    let (sets, mixed, mut files) = if args.table.is_empty() {
        let files = args.folders.iter().map(|folder| folder.join("steps.parquet")).collect::<Vec<PathBuf>>();
        (folder::read(args)?, Vec::new(), files)
    } else {
        let sheets = Sheets::read(args)?;
        provenance.extend(sheets.provenance.clone());
        let Tables { sets, mixed } = tables::read(args, &sheets)?;
        let mixed = Mixed::of(&mixed, &sheets)?;
        (sets, mixed, args.table.iter().cloned().chain(sheets.files).collect())
    };
    provenance.extend(notes(&args.note)?);
    let sets = enough(sets)?;
    let mut found = calibrate(&sets, args.hold_out);
    let mixed = judge(&mixed, &sets, &mut found);
    if args.hold_out.is_of_sets() && found.iter().all(|found| found.law.held_out.is_none()) {
        let axis = args.hold_out.name();
        return Err(Failure::refused(format!(
            "--hold-out {axis}: found rows of one {axis} only; expected several, to predict each from the others"
        )));
    }
    let axis = args.hold_out.name();
    let preprocess = match args.side.as_deref() {
        Some("cloud") => None,
        _ => preprocess::found(&args.folders)?,
    };
    if preprocess.is_some() {
        files.extend(preprocess::spans(&args.folders));
    }
    let text = if args.json {
        serde_json::to_string_pretty(&report::json(&found, &mixed, preprocess.as_ref(), &axis)).expect("JSON") + "\n"
    } else {
        report::table(&found, &mixed, preprocess.as_ref(), &axis)
    };
    if let Some(out) = &args.out {
        let source = files.iter().map(|file| SourceFile::of(file)).collect::<Result<_, _>>()?;
        whole_file::write(out, &profile(&found, preprocess, args.hold_out, provenance, source).text())?;
    }
    crate::terminal::print(&text)?;
    if let Some(out) = &args.out {
        say(format_args!("{} laws in {}", found.len(), out.display()));
    }
    Ok(())
}

/// The profile of some laws.
pub fn profile(
    found: &[Found],
    preprocess: Option<PreprocessEntry>,
    axis: super::split::Axis,
    provenance: BTreeMap<String, String>,
    source: Vec<SourceFile>,
) -> Profile {
    Profile {
        format: FORMAT.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        hold_out: axis.name(),
        provenance,
        source,
        preprocess,
        law: found.iter().map(|found| found.law.clone()).collect(),
    }
}

/// The laws of all sets, in their order.
pub fn calibrate(sets: &[Set], axis: super::split::Axis) -> Vec<Found> {
    sets.par_iter().map(|set| law(sets, set, axis)).collect()
}

/// The sets that a law can be fitted to; the others are named, and refused if there are no more.
///
/// # Errors
/// If there is none.
pub fn enough(sets: Vec<Set>) -> Result<Vec<Set>, Failure> {
    let lacks = |set: &Set| match (set.rows.len(), set.configurations()) {
        (rows, 1) => Some(format!("{}: found {rows} rows, all of one configuration", set.name())),
        (rows, _) if rows < LEAST_ROWS => Some(format!("{}: found {rows} rows, too few", set.name())),
        (_, few) if few < LEAST_CONFIGURATIONS => Some(format!("{}: found {few} configurations, too few", set.name())),
        _ => None,
    };
    let expected = format!("expected at least {LEAST_ROWS} rows of {LEAST_CONFIGURATIONS} configurations for a law");
    let (lacking, sound): (Vec<_>, Vec<_>) =
        sets.into_iter().map(|set| (lacks(&set), set)).partition(|(lack, _)| lack.is_some());
    let lacking: Vec<String> = lacking.into_iter().filter_map(|(lack, _)| lack).collect();
    if sound.is_empty() {
        return Err(Failure::refused(format!("{}; {expected}; measure more", lacking.join("; "))));
    }
    for lack in lacking {
        say(format_args!("sim: left out: {lack}; {expected}"));
    }
    Ok(sound.into_iter().map(|(_, set)| set).collect())
}
