//! `xtask/budgets.toml`.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;

use crate::failure::Outcome;
use crate::house::root;

/// The file, by its path from the root.
pub const FILE: &str = "xtask/budgets.toml";
/// A limit is named as too high from this share of it on.
const ROOM: f64 = 0.9;

/// Every budget, by its name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    budget: BTreeMap<String, Budget>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Budget {
    /// Percent by which a measure may lie above the limit: two machines count a little differently.
    #[serde(default)]
    tolerance_percent: f64,
    limits: Vec<Limit>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    limit: f64,
    why: String,
}

impl Budgets {
    /// Reads the file.
    pub fn read() -> Outcome<Self> {
        let text = fs::read_to_string(root().join(FILE))
            .map_err(|e| format!("{FILE} cannot be read: {e}; restore it from git"))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Outcome<Self> {
        let budgets: Self = toml::from_str(text).map_err(|e| {
            let told = e.to_string();
            format!("{FILE}: {}", told.split_whitespace().collect::<Vec<_>>().join(" "))
        })?;
        for (name, budget) in &budgets.budget {
            if budget.limits.is_empty() || budget.limits.iter().any(|limit| limit.why.trim().is_empty()) {
                return Err(format!(
                    "{FILE}: `{name}` needs a limit, and a reason with each; `why` is what a raise says"
                )
                .into());
            }
        }
        Ok(budgets)
    }

    /// A line for a measure within its limit, a finding for any other.
    pub fn judge(&self, name: &str, measured: f64) -> Result<String, String> {
        let Some(budget) = self.budget.get(name) else {
            return Err(format!(
                "`{name}` has no budget; add [budget.\"{name}\"] with limits = [{{ limit = {measured:.1}, why = \"..\" }}] to {FILE}"
            ));
        };
        let limit = budget.limits.last().map_or(0.0, |limit| limit.limit);
        if measured > limit * (1.0 + budget.tolerance_percent / 100.0) {
            return Err(format!(
                "`{name}` is {measured:.1}, expected at most {limit}{}; find what grew, or add a line to its limits in {FILE} \
                 that says why it may",
                tolerance(budget.tolerance_percent)
            ));
        }
        let room = if measured < limit * ROOM { "; it can be lowered" } else { "" };
        Ok(format!("{name}: {measured:.1} of {limit}{room}"))
    }
}

fn tolerance(percent: f64) -> String {
    if percent > 0.0 { format!(" and {percent} %") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[budget.packages]\nlimits = [{ limit = 100, why = \"a\" }, { limit = 110, why = \"b\" }]\n\
                        [budget.\"kernel hold\"]\ntolerance_percent = 3\nlimits = [{ limit = 300, why = \"c\" }]\n";

    #[test]
    fn the_last_limit_holds() {
        let budgets = Budgets::parse(TEXT).unwrap();
        let cases = [
            ("packages", 110.0, "packages: 110.0 of 110"),
            ("packages", 90.0, "packages: 90.0 of 110; it can be lowered"),
            ("packages", 110.5, "`packages` is 110.5, expected at most 110; find what grew"),
            ("kernel hold", 308.9, "kernel hold: 308.9 of 300"),
            ("kernel hold", 309.1, "`kernel hold` is 309.1, expected at most 300 and 3 %; find"),
            ("peak_mb", 7.0, "`peak_mb` has no budget; add [budget.\"peak_mb\"] with limits = [{ limit = 7.0"),
        ];
        for (name, measured, start) in cases {
            let told = budgets.judge(name, measured).unwrap_or_else(|finding| finding);
            assert!(told.starts_with(start), "{told}");
            assert_eq!(budgets.judge(name, measured).is_err(), told.contains("find") || told.contains("no budget"));
        }
    }

    #[test]
    fn a_limit_needs_a_reason() {
        for limits in ["[]", "[{ limit = 1, why = \"\" }]"] {
            let refused = Budgets::parse(&format!("[budget.a]\nlimits = {limits}\n")).unwrap_err().to_string();
            assert!(refused.contains("`a` needs a limit, and a reason with each"), "{refused}");
        }
        assert!(Budgets::parse("[budget.a]\nlimit = 1\n").unwrap_err().to_string().contains("unknown field `limit`"));
    }

    #[test]
    fn the_file_has_a_budget_for_each_measure() {
        let budgets = Budgets::read().unwrap();
        for name in ["packages", "binary_mb", "paper_instructions_m", "ci_minutes", "peak_mb", "kernel hold/lanes/1000"]
        {
            assert!(budgets.budget.contains_key(name), "{name}");
        }
    }
}
