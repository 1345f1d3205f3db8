//! The ground of a scenario's accuracies and acceptances: figures of its own, or those that a source has for its models,
//! their weights and its dataset.
//!
//! A model without a figure has no accuracy. A pair of models without a figure drafts with the default's tokens, which is said.

mod recovery;

use super::fleet::Tier;
use super::tier::Formats;
use super::tokens::Tokens;
use super::{Scenario, Source, figures};
use crate::terminal::Failure;
use model::accuracy::KnownAccuracy;
use model::format::{KvFormat, WeightFormat};
use model::tokens::TokenProcess;
pub(super) use recovery::Recovery;
use units::Ratio;

/// A tier's model, and what the scenario says about its accuracy.
#[derive(Clone)]
pub(super) struct Served<'s> {
    /// `edge` or `cloud`, as the keys of `[accuracy]` say.
    pub(super) side: &'static str,
    /// Key that names the model.
    pub(super) key: String,
    pub(super) model: &'s str,
    pub(super) formats: Formats,
    /// Accuracy of `[accuracy]`.
    pub(super) own: Option<Ratio>,
    /// Share that the weights leave, of `[accuracy]`.
    pub(super) recovery: Option<Ratio>,
}

/// The models of all groups of edges, then of all pools.
pub(super) fn served(scenario: &Scenario) -> Vec<Served<'_>> {
    let accuracy = &scenario.accuracy;
    let of = |tier: Tier<'_>| {
        let (own, recovery) = match tier.is_edge {
            true => (accuracy.edge, accuracy.edge_recovery),
            false => (accuracy.cloud, accuracy.cloud_recovery),
        };
        (tier.side(), format!("{}.model", tier.key), tier.formats, own, recovery)
    };
    let all = scenario.tiers().into_iter().map(|tier| (tier.model, of(tier)));
    let served =
        all.map(|(model, (side, key, formats, own, recovery))| Served { side, key, model, formats, own, recovery });
    served.collect()
}

/// The model of each group of edges with that of each pool.
pub(super) fn pairs(scenario: &Scenario) -> Vec<[Served<'_>; 2]> {
    let (edges, clouds): (Vec<_>, Vec<_>) = served(scenario).into_iter().partition(|served| served.side == "edge");
    edges.iter().flat_map(|edge| clouds.iter().map(|cloud| [edge.clone(), cloud.clone()])).collect()
}

impl Served<'_> {
    /// The formats of weights, tower and KV cache that are none of 16 bits, in words.
    pub(super) fn quantised(&self) -> Vec<String> {
        let in_16_bits = |format| [WeightFormat::Fp16, WeightFormat::Bf16].contains(&format);
        let weights =
            (!in_16_bits(self.formats.weights)).then(|| format!("weights in {}", self.formats.weights.name()));
        let tower = (!in_16_bits(self.formats.tower)).then(|| format!("a tower in {}", self.formats.tower.name()));
        let kv = (self.formats.kv != KvFormat::Fp16).then(|| format!("a KV cache in {}", self.formats.kv.name()));
        [weights, tower, kv].into_iter().flatten().collect()
    }
}

/// The ground of a model's accuracy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ground {
    /// The scenario's own figure, of the model as it is served.
    Own(Ratio),
    /// A source's figure of weights in 16 bits, and the share of it that a scenario says these weights leave.
    Published(Ratio, Option<Ratio>),
}

impl Ground {
    /// The accuracy in that format.
    fn share(self, weights: WeightFormat) -> Ratio {
        match self {
            Self::Own(share) => share,
            Self::Published(share, said) => {
                let left = said.or_else(|| Recovery::of(weights).map(|recovery| recovery.share));
                left.map_or(share, |left| Ratio::new(share.as_f64() * left.as_f64()))
            }
        }
    }
}

/// The name of the source of accuracies.
pub(super) fn source_of(scenario: &Scenario) -> &str {
    scenario.accuracy.source.as_deref().unwrap_or(figures::DEFAULT)
}

/// The dataset whose accuracies are taken.
pub(super) fn dataset_of(scenario: &Scenario) -> String {
    scenario.accuracy.dataset.clone().unwrap_or_else(|| scenario.workload.dataset.label())
}

/// The ground of a model's accuracy: `[accuracy]`, the source that it names, the dataset's own table, or the default source.
pub(super) fn ground(scenario: &Scenario, served: &Served<'_>) -> Option<Ground> {
    if let Some(own) = served.own {
        return Some(Ground::Own(own));
    }
    let named = scenario.accuracy.names_a_source();
    let table = scenario.requests().filter(|_| !named).and_then(|requests| requests.accuracy());
    if let Some(table) = table {
        return Some(Ground::Own(if served.side == "cloud" { table.cloud } else { table.edge }));
    }
    let figures = figures::with_accuracy(source_of(scenario)).ok()?;
    let share = figures.accuracy(&dataset_of(scenario), served.model)?;
    Some(Ground::Published(share, served.recovery))
}

/// The accuracies of the scenario's models on its dataset, as far as there is a ground for them: for each group of edges with
/// each pool.
pub fn accuracy(scenario: &Scenario) -> Vec<Vec<KnownAccuracy>> {
    let share = |served: &Served<'_>| Some(ground(scenario, served)?.share(served.formats.weights));
    let known = |[edge, cloud]: &[Served<'_>; 2]| KnownAccuracy {
        cloud: share(cloud),
        edge: share(edge),
        same_model: cloud.model == edge.model,
    };
    let all: Vec<KnownAccuracy> = pairs(scenario).iter().map(known).collect();
    all.chunks(scenario.clouds().len()).map(<[_]>::to_vec).collect()
}

/// True if every edge's model drafts for itself, and nothing else is said of its tokens: then every token is accepted.
pub(super) fn drafts_for_itself(scenario: &Scenario) -> bool {
    let is_same = |[edge, cloud]: &[Served<'_>; 2]| edge.model == cloud.model && edge.formats == cloud.formats;
    scenario.tokens == Tokens::default() && pairs(scenario).iter().all(is_same)
}

/// The entropies and acceptances of drafted tokens.
///
/// # Errors
/// If a file of `[tokens]` cannot be read.
pub fn tokens(source: &Source, scenario: &Scenario) -> Result<TokenProcess, Failure> {
    if drafts_for_itself(scenario) {
        return Ok(TokenProcess::Iid(Ratio::ONE));
    }
    scenario.tokens.resolve(source.folder())
}

/// Refuses a source of accuracies that there is not.
pub fn check(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let Some(name) = &scenario.accuracy.source else { return Ok(()) };
    figures::with_accuracy(name).map(drop).map_err(|why| source.refuse_key("accuracy.source", &why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::read::testing;

    fn scenario(dataset: &str, lines: &str) -> (Source, Scenario) {
        testing::source(&format!("name = \"x\"\n[policy.msao]\n[workload]\ndataset = {dataset}\n{lines}\n"))
    }

    fn known(dataset: &str, lines: &str) -> [Option<f64>; 2] {
        let accuracy = accuracy(&scenario(dataset, lines).1)[0][0];
        [accuracy.cloud, accuracy.edge].map(|share| share.map(|share| (1e6 * share.as_f64()).round() / 1e6))
    }

    #[test]
    fn accuracies_follow_models_weights_and_dataset() {
        let photo = "{ custom = { name = \"photo\" } }";
        let same = "[edge]\nmodel = \"qwen2.5-vl-7b\"";
        let llava = "[cloud]\nmodel = \"llava-1.5-7b\"";
        let table =
            "\"mine\"\n[dataset.mine]\ntext_tokens = 9\noutput_tokens = 9\naccuracy = { cloud = 0.9, edge = 0.8 }";
        let cases: [(&str, String, [Option<f64>; 2]); 13] = [
            ("\"vqav2\"", String::new(), [Some(0.7717), Some(0.627)]),
            ("\"mmbench\"", String::new(), [Some(0.7607), Some(0.599)]),
            ("\"v5\"", String::new(), [Some(0.7717), Some(0.627)]),
            ("\"vqav2\"", same.to_owned(), [Some(0.7717), Some(0.7717)]),
            ("\"vqav2\"", llava.to_owned(), [None, Some(0.627)]),
            ("\"vqav2\"", format!("{llava}\n[accuracy]\nsource = \"mindfusion\""), [Some(0.785), None]),
            ("\"vqav2\"", format!("{llava}\n[accuracy]\ncloud = 0.5"), [Some(0.5), Some(0.627)]),
            (photo, String::new(), [None, None]),
            (photo, "[accuracy]\ndataset = \"vqav2\"".to_owned(), [Some(0.7717), Some(0.627)]),
            ("\"vqav2\"", "[edge]\nweights = \"q4_0\"".to_owned(), [Some(0.7717), Some(0.603924)]),
            (
                "\"vqav2\"",
                "[edge]\nweights = \"q4_0\"\n[accuracy]\nedge_recovery = 0.5".to_owned(),
                [Some(0.7717), Some(0.3135)],
            ),
            (table, llava.to_owned(), [Some(0.9), Some(0.8)]),
            (table, "[accuracy]\nsource = \"paper\"".to_owned(), [None, None]),
        ];
        for (dataset, lines, expected) in cases {
            assert_eq!(known(dataset, &lines), expected, "{dataset} with {lines}");
        }
    }

    #[test]
    fn a_model_that_drafts_for_itself_is_always_believed() {
        let process = |lines: &str| {
            let (source, scenario) = scenario("\"vqav2\"", lines);
            tokens(&source, &scenario).expect("tokens")
        };
        let same = "[edge]\nmodel = \"qwen2.5-vl-7b\"";
        assert_eq!(process(""), TokenProcess::default());
        assert_eq!(process(same), TokenProcess::Iid(Ratio::ONE));
        // Coarser weights are another model; figures that are given are taken.
        assert_eq!(process(&format!("{same}\nweights = \"q4_0\"")), TokenProcess::default());
        assert_eq!(process(&format!("{same}\n[tokens]\nsource = \"paper\"")), TokenProcess::default());
        assert_eq!(process(&format!("{same}\n[tokens]\niid = 0.9")), TokenProcess::Iid(Ratio::new(0.9)));
    }
}
