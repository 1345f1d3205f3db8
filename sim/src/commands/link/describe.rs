//! `sim link describe`: a series of rates, round-trip times or losses in a few lines.

use super::args::{Describe, Named};
use crate::terminal::Failure;
use serde_json::json;
use traces::series::{About, Format, Loss, Quantity, Series, guess, read_losses, read_rates, read_round_trips};
use units::{BitsPerSecond, SimDuration};

/// The description, as text or JSON.
pub fn told(args: &Describe) -> Result<String, Failure> {
    let keys = args.keys();
    let format = match args.format {
        Some(Named(format)) => format,
        None => guess(&args.file)?,
    };
    if args.rtt {
        let read = read_round_trips(format, &args.file, &keys)?;
        return Ok(description(args, format, &read, ("ms", SimDuration::as_ms_f64)));
    }
    if args.loss {
        let read = read_losses(format, &args.file, &keys)?;
        return Ok(description(args, format, &read, ("pct", Loss::as_percent_f64)));
    }
    let read = read_rates(format, &args.file, &keys)?;
    Ok(description(args, format, &read, ("Mbps", BitsPerSecond::as_mbps_f64)))
}

/// A series, its values in a unit.
fn description<V: Quantity>(
    args: &Describe,
    format: Format,
    (series, about): &(Series<V>, About),
    (unit, number): (&str, fn(V) -> f64),
) -> String {
    let [mean, lowest, highest] = [series.mean(), series.lowest(), series.highest()].map(number);
    let length_s = series.period().as_secs_f64();
    if args.json {
        let named = |what: &str| format!("{what}_{}", unit.to_lowercase());
        let told = json!({
            "file": args.file.display().to_string(),
            "format": format.name(),
            "values": about.values,
            "times": about.times,
            "readings": about.readings,
            "gaps": about.gaps,
            "length_s": length_s,
            named("mean"): mean,
            named("lowest"): lowest,
            named("highest"): highest,
        });
        return format!("{told}\n");
    }
    let key = match (args.rtt, args.loss) {
        (true, _) => "rtt",
        (_, true) => "loss",
        _ => "up",
    };
    let keys = toml::Value::try_from(args.keys()).expect("keys are TOML");
    let gaps = match about.gaps {
        0 => String::new(),
        gaps => format!(", and {gaps} without a value or left out"),
    };
    let lines = [
        ("format", format.name().to_owned()),
        ("values", about.values.clone()),
        ("times", about.times.clone()),
        ("readings", format!("{}{gaps}", about.readings)),
        ("length", format!("{length_s} s, after which it repeats")),
        ("mean", format!("{mean} {unit}, over time")),
        ("lowest", format!("{lowest} {unit}")),
        ("highest", format!("{highest} {unit}")),
        ("in a scenario", format!("link.{key}.{} = {keys}", format.name())),
    ];
    let told: String = lines.iter().map(|(what, text)| format!("{what:<14} {text}\n")).collect();
    format!("{}\n{told}", args.file.display())
}
