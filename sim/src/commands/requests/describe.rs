//! `sim requests describe`: what a file of requests is, how many it has, their rates and lengths, and what is missing.

use super::args::Describe;
use crate::scenario::{Listed, Wanted};
use crate::terminal::Failure;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::Path;
use traces::requests::{FormatEntry, PictureSize, RequestTrace, ServedRequest, recognise};
use units::{SimDuration, quantile};

/// The description of a file.
#[derive(Serialize)]
struct Description {
    format: &'static str,
    format_description: &'static str,
    requests: usize,
    duration_s: Option<f64>,
    rate_per_s: Option<f64>,
    busiest_minute_per_s: Option<f64>,
    interarrival_cv: Option<f64>,
    input_tokens: Spread,
    output_tokens: Spread,
    requests_with_pictures: usize,
    pictures: Option<Spread>,
    picture_width_px: Option<Spread>,
    picture_height_px: Option<Spread>,
    picture_tokens: Option<Spread>,
    requests_with_video: usize,
    requests_with_sound: usize,
    sound_s: Option<Spread>,
    ttft_ms: Option<Spread>,
    tpot_ms: Option<Spread>,
    e2e_ms: Option<Spread>,
    conversations: usize,
    missing: Vec<&'static str>,
    remarks: Vec<String>,
}

/// Some numbers, by their order.
#[derive(Clone, Copy, Serialize)]
struct Spread {
    of: usize,
    min: f64,
    p50: f64,
    mean: f64,
    p90: f64,
    p99: f64,
    max: f64,
}

impl Spread {
    /// The spread of numbers; none of none.
    fn of(numbers: impl Iterator<Item = f64>) -> Option<Self> {
        let mut all: Vec<f64> = numbers.collect();
        all.sort_by(f64::total_cmp);
        let at = |share| quantile(&all, share);
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        Some(Self { of: all.len(), min: at(0.0)?, p50: at(0.5)?, mean, p90: at(0.9)?, p99: at(0.99)?, max: at(1.0)? })
    }

    fn text(&self) -> String {
        let Self { of: _, min, p50, mean, p90, p99, max } = self;
        let [min, p50, mean, p90, p99, max] = [min, p50, mean, p90, p99, max].map(|number| short(*number));
        format!("min {min}, P50 {p50}, mean {mean}, P90 {p90}, P99 {p99}, max {max}")
    }
}

/// A number with at most two decimals, and of small ones three digits.
fn short(number: f64) -> String {
    let decimals = if number == 0.0 || number >= 1.0 { 2 } else { 2 - number.log10().floor() as i32 };
    let text = format!("{number:.*}", decimals.clamp(0, 9) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// The description, as text or JSON.
pub fn told(asked: &Describe) -> Result<String, Failure> {
    let format = format(asked)?;
    let trace = asked.options.trace(&format, &asked.file)?;
    let all = Wanted { from: SimDuration::ZERO, until: None, skip: 0, most: u64::MAX };
    let listed = Listed::read(&trace, Path::new(""), &all, 1)?;
    let description = Description::of(&format, listed)
        .ok_or_else(|| Failure::refused(format!("{}: no request", asked.file.display())))?;
    if asked.json {
        return Ok(serde_json::to_string(&description).expect("numbers are JSON") + "\n");
    }
    Ok(description.text(&asked.file))
}

/// The format that was named, or that the file seems to have.
fn format(asked: &Describe) -> Result<FormatEntry, Failure> {
    if let Some(format) = asked.format {
        return Ok(format);
    }
    let name = recognise(&asked.file)?;
    let format = name.and_then(|name| RequestTrace::FORMATS.iter().find(|format| format.name == name));
    format.copied().ok_or_else(|| {
        let names: Vec<&str> = RequestTrace::FORMATS.iter().map(|format| format.name).collect();
        let file = asked.file.display();
        Failure::refused(format!("{file}: found no known format; name one with --format: {}", names.join(", ")))
    })
}

impl Description {
    fn of(format: &FormatEntry, listed: Listed) -> Option<Self> {
        let Listed { requests, is_timed, remarks } = listed;
        let counted = |of: fn(&ServedRequest) -> f64| Spread::of(requests.iter().map(of));
        let measured = |of: fn(&ServedRequest) -> Option<f64>| Spread::of(requests.iter().filter_map(of));
        let rates = is_timed.then(|| Rates::of(&requests)).flatten();
        let pictures = || requests.iter().filter_map(|one| one.request.pictures);
        let still = || pictures().filter(|pictures| !pictures.moving);
        let sides = || {
            pictures().filter_map(|pictures| match pictures.size {
                PictureSize::Pixels { width, height } => Some((f64::from(width), f64::from(height))),
                _ => None,
            })
        };
        let tokens = pictures().filter_map(|pictures| match pictures.size {
            PictureSize::Tokens(tokens) => Some(f64::from(tokens)),
            _ => None,
        });
        let sessions: BTreeSet<&str> = requests.iter().filter_map(|one| one.session.as_deref()).collect();
        let mut description = Self {
            format: format.name,
            format_description: format.description,
            requests: requests.len(),
            duration_s: rates.as_ref().map(|rates| rates.duration_s),
            rate_per_s: rates.as_ref().and_then(|rates| rates.mean_per_s),
            busiest_minute_per_s: rates.as_ref().and_then(|rates| rates.busiest_per_s),
            interarrival_cv: rates.as_ref().and_then(|rates| rates.cv),
            input_tokens: counted(|one| f64::from(one.request.text_tokens))?,
            output_tokens: counted(|one| f64::from(one.request.output_tokens))?,
            requests_with_pictures: still().count(),
            pictures: Spread::of(still().map(|pictures| f64::from(pictures.count))),
            picture_width_px: Spread::of(sides().map(|(width, _)| width)),
            picture_height_px: Spread::of(sides().map(|(_, height)| height)),
            picture_tokens: Spread::of(tokens),
            requests_with_video: pictures().count() - still().count(),
            requests_with_sound: requests.iter().filter(|one| !one.request.sound.is_zero()).count(),
            sound_s: measured(|one| Some(one.request.sound.as_secs_f64()).filter(|seconds| *seconds > 0.0)),
            ttft_ms: measured(|one| one.ttft_ms),
            tpot_ms: measured(|one| one.tpot_ms),
            e2e_ms: measured(|one| one.e2e_ms),
            conversations: sessions.len(),
            missing: Vec::new(),
            remarks,
        };
        description.missing = description.lacks(is_timed);
        Some(description)
    }

    /// Statements of what the file does not say.
    fn lacks(&self, is_timed: bool) -> Vec<&'static str> {
        let has_pictures = self.requests_with_pictures + self.requests_with_video > 0;
        let lacks = [
            (!is_timed, "times of arrival: a scenario needs [arrivals.poisson] or [arrivals.closed_loop]"),
            (!has_pictures, "pictures: the requests are text alone"),
            (self.ttft_ms.is_none(), "ttft_ms, the measured time to the first token"),
            (self.e2e_ms.is_none(), "e2e_ms, the measured time to the last token, which sim validate judges by"),
        ];
        lacks.into_iter().filter(|(lacks, _)| *lacks).map(|(_, what)| what).collect()
    }

    fn text(&self, file: &Path) -> String {
        let mut lines = vec![format!("{}: {} [{}]", file.display(), self.format_description, self.format)];
        let mut line = |name: &str, text: String| lines.push(format!("  {name:<16}{text}"));
        line("requests", self.requests.to_string());
        if let Some(seconds) = self.duration_s {
            line("duration", format!("{} s", short(seconds)));
        }
        if let Some(rate) = self.rate_per_s {
            let busiest = self.busiest_minute_per_s.map(|rate| format!(", busiest minute {} /s", short(rate)));
            let cv =
                self.interarrival_cv.map(|cv| format!(", times between arrivals vary by {} of their mean", short(cv)));
            line("rate", format!("{} /s{}{}", short(rate), busiest.unwrap_or_default(), cv.unwrap_or_default()));
        }
        let spreads = [
            ("input tokens", Some(self.input_tokens)),
            ("output tokens", Some(self.output_tokens)),
            ("pictures", self.pictures),
            ("picture width", self.picture_width_px),
            ("picture height", self.picture_height_px),
            ("picture tokens", self.picture_tokens),
            ("sound, s", self.sound_s),
            ("ttft_ms", self.ttft_ms),
            ("tpot_ms", self.tpot_ms),
            ("e2e_ms", self.e2e_ms),
        ];
        for (name, spread) in spreads {
            let Some(spread) = spread else { continue };
            let some = if spread.of < self.requests { format!(" (of {} requests)", spread.of) } else { String::new() };
            line(name, spread.text() + &some);
        }
        if self.requests_with_video > 0 {
            line("video", format!("{} requests", self.requests_with_video));
        }
        if self.conversations > 0 {
            line("conversations", self.conversations.to_string());
        }
        self.missing.iter().for_each(|what| line("missing", (*what).to_owned()));
        self.remarks.iter().for_each(|remark| line("remark", remark.clone()));
        lines.join("\n") + "\n"
    }
}

/// The rates of requests with times.
struct Rates {
    duration_s: f64,
    mean_per_s: Option<f64>,
    busiest_per_s: Option<f64>,
    cv: Option<f64>,
}

impl Rates {
    fn of(requests: &[ServedRequest]) -> Option<Self> {
        const MINUTE_S: f64 = 60.0;
        let times: Vec<f64> = requests.iter().map(|one| one.request.arrival.as_secs_f64()).collect();
        let duration_s = times.last()? - times.first()?;
        let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        let within = |start: usize| times[start..].partition_point(|time| *time < times[start] + MINUTE_S);
        let busiest = (0..times.len()).map(within).max().unwrap_or(0);
        Some(Self {
            duration_s,
            mean_per_s: (duration_s > 0.0).then(|| gaps.len() as f64 / duration_s),
            busiest_per_s: (duration_s >= 2.0 * MINUTE_S).then(|| busiest as f64 / MINUTE_S),
            cv: (mean > 0.0 && gaps.len() > 1).then(|| variance.sqrt() / mean),
        })
    }
}
