//! Accuracies of models and acceptances of drafted tokens, by the source that has them: the tables of `scenarios/sources`,
//! compiled in.

use super::own::unknown;
use model::tokens::{TokenProcess, TwoState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use units::Ratio;

/// The source of a scenario that names none.
pub const DEFAULT: &str = "paper";

/// The files, each of `[source.NAME]` tables.
const FILES: [&str; 3] = [
    include_str!("../../../scenarios/sources/paper.toml"),
    include_str!("../../../scenarios/sources/retention.toml"),
    include_str!("../../../scenarios/sources/acceptance.toml"),
];

/// The figures of one source.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Description, in a sentence.
    pub description: String,
    /// Model that drafts the tokens.
    pub draft: Option<String>,
    /// Model that verifies the tokens.
    pub target: Option<String>,
    /// Law of the entropies and acceptances of drafted tokens.
    pub tokens: Option<Law>,
    /// Share of right answers by dataset and model, of weights in 16 bits.
    #[serde(default)]
    pub accuracy: BTreeMap<String, BTreeMap<String, Ratio>>,
    /// Datasets whose figures are those of another dataset, as an assumption.
    #[serde(default)]
    pub alike: BTreeMap<String, String>,
    /// Source of each key's figures, by key.
    pub sources: BTreeMap<String, String>,
}

/// A law of drafted tokens: a kind of `[tokens]` that needs no file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// A Markov chain of easy and hard tokens.
    TwoState(TwoState),
    /// Every drafted token is accepted with this probability.
    Iid(Ratio),
}

impl Law {
    /// The process of the law.
    pub fn process(&self) -> TokenProcess {
        match self {
            Self::TwoState(chain) => TokenProcess::TwoState(*chain),
            Self::Iid(acceptance) => TokenProcess::Iid(*acceptance),
        }
    }
}

impl Figures {
    /// True if it has accuracies on that dataset.
    pub fn is_on(&self, dataset: &str) -> bool {
        self.accuracy.contains_key(dataset) || self.alike.contains_key(dataset)
    }

    /// Share of right answers of a model on a dataset, if the source has it.
    pub fn accuracy(&self, dataset: &str, model: &str) -> Option<Ratio> {
        let dataset = self.alike.get(dataset).map_or(dataset, String::as_str);
        self.accuracy.get(dataset)?.get(model).copied()
    }
}

/// A file of sources.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: BTreeMap<String, Figures>,
}

static ALL: LazyLock<BTreeMap<String, Figures>> = LazyLock::new(|| {
    let read = |text| toml::from_str::<File>(text).expect("a shipped file of sources").source;
    FILES.into_iter().flat_map(read).collect()
});

/// Every source with its name, sorted.
pub fn all() -> impl Iterator<Item = (&'static str, &'static Figures)> {
    ALL.iter().map(|(name, figures)| (name.as_str(), figures))
}

/// The source of that name, which has accuracies.
///
/// # Errors
/// With the names that there are, if there is none of that name.
pub fn with_accuracy(name: &str) -> Result<&'static Figures, String> {
    find(name, "source of accuracies", |figures| !figures.accuracy.is_empty())
}

/// The law of drafted tokens of the source of that name.
///
/// # Errors
/// With the names that there are, if there is none of that name.
pub fn law(name: &str) -> Result<&'static Law, String> {
    let figures = find(name, "source of acceptances", |figures| figures.tokens.is_some())?;
    figures.tokens.as_ref().ok_or_else(|| format!("{name} has no acceptances"))
}

fn find(name: &str, kind: &str, has: fn(&Figures) -> bool) -> Result<&'static Figures, String> {
    ALL.get(name).filter(|figures| has(figures)).ok_or_else(|| {
        let known: Vec<&str> = all().filter(|(_, figures)| has(figures)).map(|(name, _)| name).collect();
        unknown(kind, name, &known, "or give figures of your own; `sim list sources` describes them")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::published::{Benchmark, whole_model};
    use model::tokens::Calibration;

    #[test]
    fn every_file_of_the_folder_is_compiled_in() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/sources")).expect("a folder");
        let texts = folder.map(|entry| std::fs::read_to_string(entry.expect("an entry").path()).expect("text"));
        let mut texts: Vec<String> = texts.collect();
        texts.sort();
        let mut compiled = FILES.map(str::to_owned);
        compiled.sort();
        assert_eq!(texts, compiled);
        let tables: usize = FILES.iter().map(|text| toml::from_str::<File>(text).expect("sources").source.len()).sum();
        assert_eq!(tables, all().count(), "a name stands in two files");
    }

    #[test]
    fn every_figure_has_its_source() {
        for (name, figures) in all() {
            let told = |key: &str| figures.sources.contains_key(key);
            assert_eq!(told("accuracy"), !figures.accuracy.is_empty(), "{name}");
            assert_eq!(told("alike"), !figures.alike.is_empty(), "{name}");
            assert_eq!(told("tokens"), figures.tokens.is_some(), "{name}");
            assert!(told("accuracy") || told("tokens"), "{name} has no figures");
            assert!(figures.description.ends_with('.') && figures.draft.is_some() == told("tokens"), "{name}");
            if let Some(Law::TwoState(chain)) = &figures.tokens {
                assert_eq!(chain.check(), Ok(()), "{name}");
            }
        }
    }

    #[test]
    fn figures_that_stand_elsewhere_too_are_the_same() {
        let own = |name, dataset, model| with_accuracy(name).expect("a source").accuracy(dataset, model);
        for (dataset, benchmark) in [("vqav2", Benchmark::Vqav2), ("mmbench", Benchmark::Mmbench)] {
            let printed_pct = whole_model(benchmark).expect("a column of the table");
            let ours = own("mindfusion", dataset, "llava-1.5-7b").expect("a figure");
            assert!((100.0 * ours.as_f64() - printed_pct).abs() < 1e-9, "{dataset}");
        }
        assert_eq!(own("paper", "v3", "qwen2-vl-2b"), own("paper", "vqav2", "qwen2-vl-2b"));
        assert_eq!(own("paper", "photo", "qwen2-vl-2b"), None);
        assert_eq!(law(DEFAULT).expect("a law").process(), TokenProcess::default());
    }

    #[test]
    fn fitted_chains_have_the_quantiles_that_they_were_fitted_to() {
        // (source, share of the tokens, entropy at that share in nats)
        let table = [("paper", 0.7, 0.316), ("smollm2-135m", 0.7, 2.58), ("qwen3-8b-thinking", 0.8, 0.672)];
        for (name, share, nats) in table {
            let set = Calibration::sample(&law(name).expect("a law").process(), 100_000, 1);
            let found = f64::from(set.quantile(Ratio::new(share)));
            assert!((found / nats - 1.0).abs() < 0.03, "{name}: {found}");
        }
        let thinking = Calibration::sample(&law("qwen3-8b-thinking").expect("a law").process(), 100_000, 1);
        assert!(thinking.share_below(0.01) > 0.5);
        let weak = law("smollm2-135m").expect("a law").process();
        let (_, accepted) = Calibration::sample(&weak, 100_000, 1).below(f32::INFINITY);
        assert!((accepted - 0.586).abs() < 0.01, "{accepted}");
    }

    #[test]
    fn an_unknown_source_is_refused_with_those_that_there_are() {
        let told = with_accuracy("papr").expect_err("no such source");
        assert!(told.starts_with("unknown source of accuracies `papr`; did you mean `paper`? (known: clse, dart, "));
        assert!(
            law("mindfusion").expect_err("no acceptances").starts_with("unknown source of acceptances `mindfusion`")
        );
    }
}
