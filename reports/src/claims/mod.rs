//! Verdicts on what the papers print, by a rule: each claim that a results folder can test is held to its runs.
//!
//! It promises a row for every claim, tested or not, and the same rows for the same folders. It does not tune: a claim that
//! does not come out is shown with what came out. `docs/claims.md` says how to read it.

mod answer;
mod beside;
pub(crate) mod flips;
mod papers;
mod platform;
mod question;
mod verdict;
mod words;

pub(crate) use beside::PrintedBeside;
pub(crate) use question::Amount;
pub use verdict::{Verdict, VerdictKind};

use crate::frame::ReportError;
use crate::numbers::short;
use answer::Source;
use papers::{CLAIMS, Claim};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use tables::{ClaimRow, Text, csv_text};
use verdict::{Judged, judge};

/// Every claim with its verdict.
pub struct Claims {
    /// The table.
    pub csv: String,
    /// The verdicts, in the order of its rows.
    pub verdicts: Vec<Verdict>,
}

/// The number of claims of each verdict.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Counts {
    reproduced: usize,
    only_under: usize,
    missed: usize,
    not_testable: usize,
    inputs: usize,
}

/// Judges the claims by the runs of these folders together: those of each paper on whose platform any of them was run.
///
/// # Errors
///
/// If one is not a results folder of this version.
pub fn claims(folders: &[PathBuf]) -> Result<Claims, ReportError> {
    let mut judged = judge_all(folders)?;
    let told = judged.iter().filter(|(_, judged)| judged.answer.is_some());
    let platforms: BTreeSet<&str> = told.map(|(claim, _)| claim.platform.as_str()).collect();
    judged.retain(|(claim, _)| platforms.contains(claim.platform.as_str()));
    let csv = csv_text(judged.iter().map(|(claim, judged)| row(claim, judged)), &[]);
    Ok(Claims { csv, verdicts: judged.into_iter().map(|(_, judged)| judged.verdict).collect() })
}

/// A claim of a paper with its verdict.
pub(crate) struct Judgement {
    pub platform: &'static str,
    pub system: &'static str,
    pub quantity: &'static str,
    /// The value with its unit, as it is printed.
    pub printed: String,
    /// True if the paper's abstract or introduction leads with it.
    pub is_headline: bool,
    pub verdict: Verdict,
}

/// Every claim of every paper, judged by the runs of these folders together.
///
/// # Errors
///
/// If one is not a results folder of this version.
pub(crate) fn judgements(folders: &[PathBuf]) -> Result<Vec<Judgement>, ReportError> {
    let told = |(claim, judged): (&'static Claim, Judged)| Judgement {
        platform: &claim.platform,
        system: &claim.system,
        quantity: &claim.quantity,
        printed: claim.printed_with_unit(),
        is_headline: claim.is_headline,
        verdict: judged.verdict,
    };
    Ok(judge_all(folders)?.into_iter().map(told).collect())
}

fn judge_all(folders: &[PathBuf]) -> Result<Vec<(&'static Claim, Judged)>, ReportError> {
    let sources = folders.iter().map(|folder| Source::read(folder)).collect::<Result<Vec<_>, _>>()?;
    Ok(CLAIMS.iter().map(|claim| (claim, judge(claim, &sources))).collect())
}

fn row(claim: &Claim, judged: &Judged) -> ClaimRow {
    let value = judged.answer.as_ref().map(|answer| answer.value);
    let relative = value.and_then(|value| {
        let (away, bound) = claim.printed.distance(value.mean)?;
        (bound != 0.0).then(|| away / bound.abs())
    });
    let given = |text: Option<&str>| Text::from(text.unwrap_or_default());
    let place = judged.answer.as_ref().map(|answer| format!("{}: {}", answer.scenario, answer.place));
    ClaimRow {
        id: claim.id.as_str().into(),
        printed: claim.printed.text().into(),
        simulated: value.map(|value| five_digits(value.mean)),
        simulated_ci95: value.and_then(|value| value.ci95).map(five_digits),
        relative_difference: relative.map(five_digits),
        kind: judged.verdict.kind().name().into(),
        verdict: judged.verdict.to_string().into(),
        contradicts: given(match &judged.verdict {
            Verdict::Missed { contradicts, .. } => Some(contradicts),
            _ => None,
        }),
        assumption: judged.assumption.as_str().into(),
        unit: claim.unit.as_str().into(),
        platform: claim.platform.as_str().into(),
        system: claim.system.as_str().into(),
        place: claim.place.as_str().into(),
        quantity: claim.quantity.as_str().into(),
        dataset: given(claim.dataset.as_deref()),
        bandwidth_mbps: given(claim.bandwidth_mbps.as_deref()),
        simulated_at: given(place.as_deref()),
    }
}

/// A number to five digits. What floating point leaves of nothing is nothing.
fn five_digits(value: f64) -> f64 {
    if value.abs() < 1e-9 { 0.0 } else { short(value, 5).parse().unwrap_or(value) }
}

impl Claims {
    /// True if these runs can tell of any claim. If not, nothing of the papers is shown.
    pub fn any(&self) -> bool {
        !self.verdicts.is_empty()
    }

    /// The number of claims of each verdict, in a line.
    pub fn count(&self) -> String {
        let Counts { reproduced, only_under, missed, not_testable, inputs } = self.counts();
        let tested = reproduced + only_under + missed;
        format!(
            "{} claims of papers on this platform: {tested} are tested here, {not_testable} need other runs, {inputs} are inputs; \
             {reproduced} reproduced, {only_under} reproduced only under an assumption, {missed} missed",
            self.verdicts.len(),
        )
    }

    /// The number of claims of each verdict.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for verdict in &self.verdicts {
            *match verdict.kind() {
                VerdictKind::Reproduced => &mut counts.reproduced,
                VerdictKind::OnlyUnder => &mut counts.only_under,
                VerdictKind::Missed => &mut counts.missed,
                VerdictKind::NotTestable => &mut counts.not_testable,
                VerdictKind::Input => &mut counts.inputs,
            } += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, Cell};
    use serde_json::json;
    use tempfile::TempDir;

    type Metric<'m> = (&'static str, &'m [f64]);

    /// A folder at VQAv2 and 400 Mbps with these policies, each the system of its name.
    fn folder(cells: &[(&'static str, &[Metric<'_>])]) -> TempDir {
        let cells: Vec<Cell> = cells.iter().map(|(policy, metrics)| Cell::new(policy, "0.3", metrics)).collect();
        let folder = fixture::folder(&cells);
        let names: Vec<&str> = cells.iter().map(|cell| cell.policy).collect();
        fixture::policies(folder.path(), &names);
        folder
    }

    /// The row of a claim: simulated, verdict with what it contradicts, and assumption.
    fn row(folders: &[&TempDir], id: &str) -> [String; 3] {
        let folders: Vec<PathBuf> = folders.iter().map(|folder| folder.path().to_owned()).collect();
        let claims = claims(&folders).expect("folders that can be read");
        let mut reader = csv::Reader::from_reader(claims.csv.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
        let platforms: BTreeSet<&str> = rows.iter().map(|row| &row[10]).collect();
        let theirs = CLAIMS.iter().filter(|claim| platforms.contains(claim.platform.as_str()));
        assert_eq!(rows.len(), theirs.count(), "a row a claim of a platform");
        let Some(row) = rows.iter().find(|row| &row[0] == id) else { return Default::default() };
        let verdict = if row[7].is_empty() { row[6].to_owned() } else { format!("{}: {}", &row[6], &row[7]) };
        [row[2].to_owned(), verdict, row[8].to_owned()]
    }

    fn tokens_per_s(rate: f64) -> TempDir {
        folder(&[("cloud_only", &[("output_tokens_per_s", &[rate, rate])])])
    }

    #[test]
    fn a_claim_is_reproduced_within_its_tolerance() {
        let swept = "policy.msao.tau_s";
        for (rate, expected) in [(32.0, "reproduced"), (38.4, "reproduced"), (38.6, "missed by 10 %: MSAO-PAR-cloud")] {
            let [simulated, verdict, assumption] = row(&[&tokens_per_s(rate)], "CLOUD-F5-35");
            assert_eq!((simulated.as_str(), verdict.as_str()), (rate.to_string().as_str(), expected));
            assert_eq!(assumption, "every default (docs/semantics.md)", "{swept} is of another policy");
        }
    }

    #[test]
    fn an_interval_widens_it_to_twice_at_most() {
        let of = |rates: &[f64]| {
            row(&[&folder(&[("cloud_only", &[("output_tokens_per_s", rates)])])], "CLOUD-F5-35")[1].clone()
        };
        assert_eq!(of(&[38.8, 39.2, 39.0]), "missed by 11 %: MSAO-PAR-cloud");
        assert_eq!(of(&[37.0, 41.0, 39.0]), "reproduced", "39 +- 5");
        assert_eq!(of(&[10.0, 80.0, 45.0]), "missed by 29 %: MSAO-PAR-cloud", "45 +- 87 says nothing");
    }

    #[test]
    fn what_takes_an_assumption_says_so_and_without_is_better() {
        let assumed = tokens_per_s(35.0);
        let policies = json!([{ "label": "cloud_only", "kind": "cloud_only", "settings": {} }]);
        fixture::manifest(assumed.path(), json!({ "cloud.engine": "hf" }), policies);
        assert_eq!(
            row(&[&assumed], "CLOUD-F5-35"),
            ["35", "reproduced only if transformers serve the cloud", "cloud.engine = hf"]
        );
        let off = tokens_per_s(100.0);
        assert_eq!(
            row(&[&off, &assumed], "CLOUD-F5-35")[1],
            "missed by 186 %; reached if transformers serve the cloud: fixture"
        );
        assert_eq!(row(&[&off, &assumed, &tokens_per_s(36.0)], "CLOUD-F5-35")[..2], ["36", "reproduced"]);
    }

    #[test]
    fn the_papers_own_numbers_contradict_a_claim_before_its_premise() {
        let rate = |rate: &'static [f64]| [("output_tokens_per_s", rate)];
        // 128 over 35 is 3.66, whatever is simulated; the printed claim is 2.66.
        let folder = folder(&[("msao", &rate(&[20.0, 20.0])), ("cloud_only", &rate(&[20.0, 20.0]))]);
        assert_eq!(row(&[&folder], "MSAO-F5-266")[..2], ["1", "missed by 62 %: MSAO-F5-128"]);
        assert_eq!(row(&[&folder], "MSAO-F5-128")[1], "missed by 84 %: MSAO-ALG-L9");
        // Accuracy at no bandwidth in particular is among those of Table 1.
        let accurate = super::tests::folder(&[("msao", &[("accuracy_pct", &[60.0, 60.0])])]);
        assert_eq!(row(&[&accurate], "ABL-MA-VQA-full")[1], "missed by 16 points: MSAO-PAR-eps_Q");
    }

    #[test]
    fn what_was_not_run_is_not_testable() {
        let folder = tokens_per_s(35.0);
        let no_run = "no run here is of that system, data set and platform";
        assert_eq!(row(&[&folder], "MSAO-F5-128"), ["", "not testable here", no_run]);
        assert_eq!(
            row(&[&folder], "MSAO-EQ7"),
            ["", "what it says is simulated, not tested", "what it says is simulated, not tested"]
        );
    }

    #[test]
    fn a_setting_can_make_another_system() {
        let labels = ["full", "without", "other", "other_without"];
        let accuracy = [76.0, 69.0, 60.0, 59.0];
        let cells: Vec<Cell> = labels
            .iter()
            .zip(accuracy)
            .map(|(label, accuracy)| Cell::new(label, "0.3", &[("accuracy_pct", &[accuracy, accuracy])]))
            .collect();
        let folder = fixture::folder(&cells);
        let (route, uniform) = ("semantics.route", "plan.modality_awareness.uniform");
        let settings =
            [json!({}), json!({ uniform: "0.5" }), json!({ route: "jsq" }), json!({ route: "jsq", uniform: "0.5" })];
        let policies: Vec<_> = labels
            .iter()
            .zip(settings)
            .map(|(label, settings)| json!({ "label": label, "kind": "msao", "settings": settings }))
            .collect();
        fixture::manifest(folder.path(), json!({}), json!(policies));
        assert_eq!(row(&[&folder], "ABL-MA-VQA-full")[0], "76");
        assert_eq!(row(&[&folder], "ABL-MA-VQA")[0], "69");
        // Full with full and other with other: -7 and -1, never -16 or -17.
        assert_eq!(
            row(&[&folder], "ABL-MA-D1")[..2],
            [
                "-7".to_owned(),
                "reproduced only if without modality-awareness half of every modality is kept".to_owned()
            ]
        );
    }

    #[test]
    fn a_value_of_a_setting_can_make_another_system_on_the_models_of_its_paper() {
        let folder = folder(&[
            ("tome", &[("accuracy_pct", &[57.0, 57.0])]),
            ("mustdrop", &[("accuracy_pct", &[69.0, 69.0])]),
            ("fastv", &[("accuracy_pct", &[55.0, 55.0])]),
        ]);
        let policy = |label: &str, settings| json!({ "label": label, "kind": "token_dropping", "settings": settings });
        let policies = json!([
            policy("tome", json!({ "method": "tome" })),
            policy("mustdrop", json!({})),
            policy("fastv", json!({ "method": "fastv" })),
        ]);
        let systems = || ["ToMe", "MustDrop", "FastV"].map(|name| row(&[&folder], &format!("MF-T4-{name}-VQAv2")));
        fixture::manifest(folder.path(), json!({ "cloud.model": "llava-1.5-7b" }), policies.clone());
        assert_eq!(systems().map(|[simulated, ..]| simulated), ["57", "69", "55"]);
        let input = "accuracy is an input: the published share of the whole model's";
        assert!(systems().iter().all(|[_, verdict, _]| *verdict == format!("reproduced only if {input}")));
        assert_eq!(row(&[&folder], "MF-T4-ToMe-GQA")[1], "an input: published accuracies are taken as they are");
        fixture::manifest(folder.path(), json!({}), policies);
        assert_eq!(systems().map(|[_, verdict, _]| verdict), [""; 3], "another model");
    }

    #[test]
    fn other_models_neither_answer_nor_contradict() {
        let folder =
            folder(&[("msao", &[("accuracy_pct", &[74.0, 74.0])]), ("cloud_only", &[("accuracy_pct", &[77.8, 77.8])])]);
        // MindFusion's paper has 78.5 % for its model alone, which is not the one that MSAO is compared with.
        assert_eq!(row(&[&folder], "MSAO-T1-GAP")[1], "missed by 3.4 points: MSAO-PAR-eps_Q");
        let [_, verdict, _] = row(&[&folder], "T1-VQAv2-400-Cloud-only");
        assert!(verdict.starts_with("reproduced only if"), "{verdict}");
        let policies = json!([{ "label": "cloud_only", "kind": "cloud_only", "settings": {} }]);
        fixture::manifest(folder.path(), json!({ "cloud.model": "llava-1.5-7b" }), policies);
        assert_eq!(row(&[&folder], "T1-VQAv2-400-Cloud-only")[1], "", "nothing of MSAO's paper is shown");
        assert_eq!(row(&[&folder], "MF-T4-Vanilla-VQAv2")[0], "77.8");
    }

    #[test]
    fn another_platform_tells_nothing() {
        let folder = tokens_per_s(35.0);
        assert!(claims(&[folder.path().to_owned()]).expect("verdicts").any());
        let policies = json!([{ "label": "cloud_only", "kind": "cloud_only", "settings": {} }]);
        for (key, value) in [("edge.count", "16"), ("arrivals.poisson.rate", "4 /s"), ("link.rtt", "80 ms")] {
            fixture::manifest(folder.path(), json!({ key: value }), policies.clone());
            let judged = claims(&[folder.path().to_owned()]).expect("verdicts");
            assert!(!judged.any(), "{key} = {value}: {}", judged.count());
        }
    }

    #[test]
    fn every_verdict_is_counted_once() {
        let folder = tokens_per_s(35.0);
        let counted = claims(&[folder.path().to_owned()]).expect("verdicts").count();
        let numbers: Vec<usize> = counted.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
        let [all, tested, others, inputs, verdicts @ ..] = &numbers[..] else { panic!("{counted}") };
        assert_eq!((*all, *tested), (tested + others + inputs, verdicts.iter().sum()), "{counted}");
        assert_eq!(*tested, 1, "{counted}");
    }
}
