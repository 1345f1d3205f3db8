//! The ground of a scenario's accuracies and acceptances: figures of its own, or those that a source has for its models,
//! their weights and its dataset.
//!
//! A model without a figure has no accuracy. A pair of models without a figure drafts with the default's tokens, which is said.

mod recovery;

use super::tokens::Tokens;
use super::{Scenario, Source, figures};
use crate::terminal::Failure;
use model::accuracy::KnownAccuracy;
use model::format::{KvFormat, WeightFormat};
use model::tokens::TokenProcess;
pub(super) use recovery::Recovery;
use units::Ratio;

/// A tier's model, and what the scenario says about its accuracy.
pub(super) struct Served<'s> {
    pub(super) side: &'static str,
    /// Key that names the model.
    pub(super) key: &'static str,
    pub(super) model: &'s str,
    pub(super) weights: WeightFormat,
    pub(super) tower: WeightFormat,
    pub(super) kv: KvFormat,
    /// Accuracy of `[accuracy]`.
    pub(super) own: Option<Ratio>,
    /// Share that the weights leave, of `[accuracy]`.
    pub(super) recovery: Option<Ratio>,
}

/// The models of the cloud and of the edge.
pub(super) fn served(scenario: &Scenario) -> [Served<'_>; 2] {
    let Scenario { cloud, edge, accuracy, .. } = scenario;
    [
        Served {
            side: "cloud",
            key: "cloud.model",
            model: &cloud.model,
            weights: cloud.weights,
            tower: cloud.tower_weights,
            kv: cloud.kv,
            own: accuracy.cloud,
            recovery: accuracy.cloud_recovery,
        },
        Served {
            side: "edge",
            key: "edge.model",
            model: &edge.model,
            weights: edge.weights,
            tower: edge.tower_weights,
            kv: edge.kv,
            own: accuracy.edge,
            recovery: accuracy.edge_recovery,
        },
    ]
}

impl Served<'_> {
    /// The formats of weights, tower and KV cache that are none of 16 bits, in words.
    pub(super) fn quantised(&self) -> Vec<String> {
        let in_16_bits = |format| [WeightFormat::Fp16, WeightFormat::Bf16].contains(&format);
        let weights = (!in_16_bits(self.weights)).then(|| format!("weights in {}", self.weights.name()));
        let tower = (!in_16_bits(self.tower)).then(|| format!("a tower in {}", self.tower.name()));
        let kv = (self.kv != KvFormat::Fp16).then(|| format!("a KV cache in {}", self.kv.name()));
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

/// The accuracies of the scenario's models on its dataset, as far as there is a ground for them.
pub fn accuracy(scenario: &Scenario) -> KnownAccuracy {
    let shares = served(scenario).map(|served| Some(ground(scenario, &served)?.share(served.weights)));
    let [cloud, edge] = shares;
    KnownAccuracy { cloud, edge, same_model: scenario.cloud.model == scenario.edge.model }
}

/// True if the edge's model drafts for itself, and nothing else is said of its tokens: then every token is accepted.
pub(super) fn drafts_for_itself(scenario: &Scenario) -> bool {
    let [cloud, edge] = served(scenario);
    let formats = |served: &Served<'_>| (served.weights, served.tower, served.kv);
    scenario.tokens == Tokens::default() && edge.model == cloud.model && formats(&edge) == formats(&cloud)
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
        let accuracy = accuracy(&scenario(dataset, lines).1);
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
