//! The verdicts on mutants, their score, and the list of accepted survivors.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::list::Mutant;
use super::settings::{FILE, Settings};

/// The end of one mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// A test failed or was stopped.
    Killed,
    /// No test failed.
    Survived,
    /// It does not compile.
    Unviable,
}

/// Reads `outcomes.json` of cargo-mutants: the name of each mutant with its verdict.
pub fn read(text: &str) -> Result<BTreeMap<String, Verdict>, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| format!("outcomes.json is not JSON: {e}"))?;
    let outcomes = value["outcomes"].as_array().ok_or("outcomes.json has no list `outcomes`")?;
    let mut verdicts = BTreeMap::new();
    for outcome in outcomes {
        let Some(name) = outcome["scenario"]["Mutant"]["name"].as_str() else { continue };
        let verdict = match outcome["summary"].as_str() {
            Some("CaughtMutant" | "Timeout") => Verdict::Killed,
            Some("MissedMutant") => Verdict::Survived,
            Some("Unviable") => Verdict::Unviable,
            other => return Err(format!("outcomes.json: `{name}` has the summary {other:?}, which is unknown")),
        };
        verdicts.insert(name.to_owned(), verdict);
    }
    Ok(verdicts)
}

/// The mutants of a run by their verdicts.
#[derive(Debug, Default)]
pub struct Score {
    killed: Vec<Mutant>,
    survived: Vec<Mutant>,
    unviable: usize,
}

impl Score {
    /// Sorts the mutants.
    pub fn of(verdicts: &[(Mutant, Verdict)]) -> Self {
        let mut score = Self::default();
        for (mutant, verdict) in verdicts {
            match verdict {
                Verdict::Killed => score.killed.push(mutant.clone()),
                Verdict::Survived => score.survived.push(mutant.clone()),
                Verdict::Unviable => score.unviable += 1,
            }
        }
        score
    }

    fn percent(&self) -> f64 {
        let viable = self.killed.len() + self.survived.len();
        100.0 * self.survived.len() as f64 / viable.max(1) as f64
    }
}

impl fmt::Display for Score {
    /// A line a file, the sum, and the survivors.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut files: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        self.killed.iter().for_each(|mutant| files.entry(&mutant.file).or_default().0 += 1);
        self.survived.iter().for_each(|mutant| files.entry(&mutant.file).or_default().1 += 1);
        for (file, (killed, survived)) in &files {
            writeln!(f, "{file}: {killed} killed, {survived} survived")?;
        }
        self.survived.iter().try_for_each(|mutant| writeln!(f, "survived: {}", mutant.name))?;
        writeln!(
            f,
            "{} mutants killed, {} survived ({:.1} %), {} do not compile",
            self.killed.len(),
            self.survived.len(),
            self.percent(),
            self.unviable
        )
    }
}

/// Everything that is wrong with a score. `listed` has all mutants that there are, if all chosen ones were tested.
pub fn findings(score: &Score, settings: &Settings, listed: Option<&[Mutant]>) -> Vec<String> {
    let survived = count(&score.survived);
    let killed = count(&score.killed);
    let accepted = settings.accepted();
    let mut findings = Vec::new();
    for (key, found) in &survived {
        let known = accepted.get(key.as_str()).copied().unwrap_or(0);
        if *found > known {
            findings.push(format!(
                "`{key}` survives {found} times, {known} are accepted; write a test that fails with it, or add it to {FILE} \
                 with the reason why none can"
            ));
        }
    }
    for (key, times) in &accepted {
        let found = survived.get(*key).copied().unwrap_or(0);
        let exists = listed.is_none_or(|listed| listed.iter().any(|mutant| mutant.key() == **key));
        if !exists {
            findings.push(format!("{FILE}: `{key}` names no mutant; remove it or mend its name"));
        } else if found < *times && killed.contains_key(*key) {
            findings.push(format!("{FILE}: `{key}` survives {found} times, not {times}; lower `times` or remove it"));
        }
    }
    if score.percent() > settings.limit_percent {
        findings.push(format!(
            "{:.1} % of the mutants survive, at most {} % may; write tests of the numbers that they change",
            score.percent(),
            settings.limit_percent
        ));
    }
    findings
}

fn count(mutants: &[Mutant]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    mutants.iter().for_each(|mutant| *counts.entry(mutant.key()).or_default() += 1);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(n: usize) -> Mutant {
        let file = "a.rs".to_owned();
        Mutant { name: format!("{file}:{n}:1: replace + with * in f{}", n / 100), package: "p".into(), file }
    }

    /// A score of 100 killed mutants of f0, and the survivors of these lines.
    fn score(survivors: &[usize]) -> Score {
        let killed = (0..100).map(|n| (mutant(n), Verdict::Killed));
        let survived = survivors.iter().map(|n| (mutant(*n), Verdict::Survived));
        Score::of(&killed.chain(survived).collect::<Vec<_>>())
    }

    fn settings(survivors: &str) -> Settings {
        Settings::parse(&format!(
            "limit_percent = 5\nversion = \"1\"\nall = []\n{survivors}[drawn]\nmutants = 1\nseed = 1\nfrom = []\n[above]\n"
        ))
        .unwrap()
    }

    fn accepted(function: usize, times: usize) -> String {
        format!(
            "survivor = [{{ mutant = \"a.rs: replace + with * in f{function}\", reason = \"equal\", times = {times} }}]\n"
        )
    }

    #[test]
    fn survivors_are_held_to_the_list_and_the_limit() {
        let cases: [(&[usize], String, &[&str]); 7] = [
            (&[], String::new(), &[]),
            (&[100, 101], accepted(1, 2), &[]),
            (&[100, 101], accepted(1, 1), &["`a.rs: replace + with * in f1` survives 2 times, 1 are accepted"]),
            (&[200], String::new(), &["`a.rs: replace + with * in f2` survives 1 times, 0 are accepted"]),
            (&[], accepted(0, 1), &["xtask/mutants.toml: `a.rs: replace + with * in f0` survives 0 times, not 1"]),
            (&[], accepted(7, 1), &["xtask/mutants.toml: `a.rs: replace + with * in f7` names no mutant"]),
            (&[100, 101, 102, 103, 104, 105], accepted(1, 6), &["5.7 % of the mutants survive, at most 5 % may"]),
        ];
        let listed: Vec<_> = (0..300).map(mutant).collect();
        for (survivors, list, starts) in cases {
            let findings = findings(&score(survivors), &settings(&list), Some(&listed));
            assert_eq!(findings.len(), starts.len(), "{findings:?}");
            for (finding, start) in findings.iter().zip(starts) {
                assert!(finding.starts_with(start), "{finding}");
            }
        }
    }

    #[test]
    fn a_part_of_the_mutants_leaves_other_entries_alone() {
        assert_eq!(findings(&score(&[]), &settings(&accepted(7, 1)), None), Vec::<String>::new());
    }

    #[test]
    fn outcomes_are_read() {
        let outcome = |name: &str, summary: &str| {
            format!(r#"{{"scenario": {{"Mutant": {{"name": "{name}"}}}}, "summary": "{summary}"}}"#)
        };
        let all = [
            outcome("a", "CaughtMutant"),
            outcome("b", "Timeout"),
            outcome("c", "MissedMutant"),
            outcome("d", "Unviable"),
        ];
        let text = |all: &[String]| {
            format!(r#"{{"outcomes": [{{"scenario": "Baseline", "summary": "Success"}}, {}]}}"#, all.join(","))
        };
        let verdicts: Vec<_> = read(&text(&all)).unwrap().into_values().collect();
        assert_eq!(verdicts, [Verdict::Killed, Verdict::Killed, Verdict::Survived, Verdict::Unviable]);
        assert!(read(&text(&[outcome("a", "Failure")])).unwrap_err().contains("which is unknown"));
    }
}
