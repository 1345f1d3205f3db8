//! The rules by which keys have no effect: keys, the reason, and the condition under which nothing reads them.

use crate::scenario::link::{Congestion, Connection, Transport};
use crate::scenario::tier::{Cloud, Edge};
use crate::scenario::{Dataset, Scenario};
use model::{engine_kind::EngineKind, mas::MasSettings};
use policies::{Asked, System, Uses};
use units::Bytes;

/// The facts that the rules read: one point of the sweep, and one group and one pool.
#[derive(Clone)]
pub(super) struct At<'s> {
    pub scenario: &'s Scenario,
    pub edge: &'s Edge,
    pub cloud: &'s Cloud,
    /// Resources that any of its policies uses.
    pub uses: Uses,
    /// Any of its policies learns what edges could share.
    pub learns: bool,
    /// Modalities that its requests may have.
    pub asked: Asked,
    /// Resources that each policy uses, and true if it splits the cloud's model: then only hidden states go up.
    pub each: Vec<(Uses, bool)>,
}

impl<'s> At<'s> {
    pub fn new(scenario: &'s Scenario, asked: Asked, systems: &[(String, System)]) -> Self {
        let sending = |uses: Uses| if asked.pictures { uses.sending(scenario.workload.payload) } else { uses };
        let uses = |(_, system): &(String, System)| (sending(system.uses()), system.split().is_some());
        let sends = scenario.groups().iter().any(|group| group.edge.policy.is_some());
        // Groups that only send use the cloud, whatever the policies are.
        let sender = sends.then(|| (sending(Uses { cloud: true, ..Uses::default() }), false));
        let each: Vec<_> = systems.iter().map(uses).chain(sender).collect();
        let (edge, cloud) = (scenario.groups()[0].edge, scenario.clouds()[0].cloud);
        Self {
            scenario,
            edge,
            cloud,
            learns: systems.iter().any(|(_, system)| system.learns()),
            asked,
            uses: each.iter().fold(Uses::default(), |all, (one, _)| all.or(*one)),
            each,
        }
    }

    /// True if `is` holds for any policy that does not split the cloud's model.
    fn any_whole(&self, is: fn(&Uses) -> bool) -> bool {
        self.each.iter().any(|(uses, splits)| !splits && is(uses))
    }
}

/// Keys, the reason why they are idle, and the condition.
pub(super) type Rule = (&'static [&'static str], &'static str, fn(&At<'_>) -> bool);

/// The first rule that covers a key gives its reason.
pub(super) const RULES: &[Rule] = &[
    (
        &["edge.weights", "edge.tower_weights", "edge.kv"],
        "no policy here runs a model on the edge (it only has to fit there)",
        |at| !at.uses.edge_model,
    ),
    (
        &["cloud.weights", "cloud.tower_weights", "cloud.kv"],
        "no policy here uses the cloud (its model only has to fit there)",
        |at| !at.uses.cloud,
    ),
    (&["edge.device", "cloud.device"], "replay.device plays both tiers", |at| {
        at.edge.has_gpu() && at.scenario.played_on().is_some()
    }),
    (&["workload.payload"], "no request has pictures", |at| !at.asked.pictures),
    (&["workload.questions_per_picture"], "the requests are text alone", |at| !at.asked.more_than_text),
    (&["workload.payload"], "no policy here sends pictures as they are", |at| {
        !at.any_whole(|uses| uses.cloud && !uses.encodes)
    }),
    (&["memory_scope"], "no policy here uses both tiers", |at| {
        !at.each.iter().any(|(uses, _)| uses.edge_model && uses.cloud)
    }),
    (
        &["edge.model", "edge.weights", "edge.tower_weights", "edge.kv"],
        "the edge only runs layers of the cloud's model",
        |at| at.uses.edge_model && !at.any_whole(|uses| uses.edge_model),
    ),
    (&["edge.engine", "edge.tuning", "edge.profile", "edge.noise"], "no policy here runs a model on the edge", |at| {
        !at.uses.edge_model
    }),
    (
        &["edge.model", "edge.batch", "edge.kv_blocks"],
        "no policy here runs a model on the edge (it only has to fit there)",
        |at| !at.uses.edge_model,
    ),
    (&["accuracy.edge", "accuracy.edge_recovery"], "no policy here answers on the edge", |at| !at.uses.edge_answers),
    (&["accuracy.source", "accuracy.dataset"], "accuracy.cloud and accuracy.edge are both set", |at| {
        at.scenario.accuracy.cloud.is_some() && at.scenario.accuracy.edge.is_some()
    }),
    (&["accuracy.cloud_recovery"], "accuracy.cloud is set", |at| at.scenario.accuracy.cloud.is_some()),
    (&["accuracy.edge_recovery"], "accuracy.edge is set", |at| at.scenario.accuracy.edge.is_some()),
    (&["accuracy.cloud_recovery", "accuracy.edge_recovery"], "the dataset's table has accuracies of its own", |at| {
        !at.scenario.accuracy.names_a_source()
            && at.scenario.requests().is_some_and(|requests| requests.accuracy().is_some())
    }),
    (&["accuracy.critical_tokens"], "no policy here leaves tokens unverified", |at| !at.uses.trusts),
    (&["cloud.engine", "cloud.tuning", "cloud.profile", "cloud.noise"], "no policy here uses the cloud", |at| {
        !at.uses.cloud
    }),
    (&["cloud.batch", "cloud.kv_blocks"], "no policy here uses the cloud (its model only has to fit there)", |at| {
        !at.uses.cloud
    }),
    (&["edge.batch.items"], "its engine bounds the tokens of an iteration, not its items", |at| {
        !EngineKind::IDEAL.contains(&at.edge.engine)
    }),
    (&["cloud.batch.items"], "its engine bounds the tokens of an iteration, not its items", |at| {
        !EngineKind::IDEAL.contains(&at.cloud.engine)
    }),
    (&["cloud.interconnect"], "one GPU serves the model by itself", |at| {
        at.cloud.tensor_parallel == 1 && at.cloud.data_parallel == 1
    }),
    (&["cloud.expert_parallel"], "there is one rank, which has all experts", |at| at.cloud.data_parallel == 1),
    (&["cloud.remote"], "its engine is idealised, and shares nothing", |at| {
        EngineKind::IDEAL.contains(&at.cloud.engine)
    }),
    (&["memory"], "no policy here learns what edges could share", |at| !at.learns),
    (&["memory"], "there is one edge", |at| at.scenario.edge_count() == 1),
    (&["router", "report_every", "cloud.rtt"], "no policy here uses the cloud", |at| !at.uses.cloud),
    (&["router"], "there is one replica", |at| at.scenario.replicas() == 1),
    (&["cloud.remote"], "no policy here drafts tokens on the edge for the cloud", |at| {
        !at.each.iter().any(|(uses, _)| uses.drafts && uses.edge_model && uses.cloud)
    }),
    (&["accuracy.cloud", "accuracy.cloud_recovery"], "no policy here answers from the cloud", |at| !at.uses.cloud),
    (&["link.bandwidth"], "link.up and link.down both have a rate of their own", |at| {
        at.scenario.link.up.is_some() && at.scenario.link.down.is_some()
    }),
    (&["link.bandwidth", "link.up"], "no policy here uses the link (its rate only labels the rows)", |at| {
        !at.uses.cloud
    }),
    (&["link", "edge.link", "hop"], "no policy here uses the link", |at| !at.uses.cloud),
    (&["workload.fall_back", "workload.fall_back_after"], "no policy here can answer on the edge", |at| {
        !at.uses.edge_model
    }),
    (&["workload.fall_back", "workload.fall_back_after"], "no policy here uses the link", |at| !at.uses.cloud),
    (
        &["costs.per_gb", "costs.radio", "costs.network_nj_per_bit", "costs.cloud_per_hour"],
        "no policy here uses the link and the cloud",
        |at| !at.uses.cloud,
    ),
    (&["link.t_comm_rtt"], "no policy here uploads inputs", |at| !at.any_whole(|uses| uses.cloud)),
    (&["link.rtt"], "link.delay_up and link.delay_down take its place", |at| {
        at.scenario.link.delay_up.is_some() && at.scenario.link.delay_down.is_some()
    }),
    (&["link.loss"], "link.loss_up and link.loss_down take its place", |at| {
        at.scenario.link.loss_up.is_some() && at.scenario.link.loss_down.is_some()
    }),
    (&["link.start"], "nothing of the link changes over time", |at| !at.scenario.link.ways().has_series()),
    (&["link.start"], "there is one replication, and the first starts at the beginning", |at| {
        at.scenario.replications == 1
    }),
    (&["link.t_comm_rtt"], "the link has no delay", |at| at.scenario.chain().iter().all(|hop| hop.ways.is_immediate())),
    (&["link.packet"], "packets have no header and none is lost, so their size does not matter", |at| {
        let is_lossless = at.scenario.chain().iter().all(|hop| hop.ways.is_lossless());
        at.scenario.link.header == Bytes::ZERO && is_lossless && at.scenario.link.transport == Transport::Ideal
    }),
    (
        &[
            "link.congestion",
            "link.initial_window",
            "link.receive_window",
            "link.idle_restart",
            "link.connection",
            "link.tls",
            "link.queue",
        ],
        "link.transport is \"ideal\"",
        |at| at.scenario.link.transport == Transport::Ideal,
    ),
    (&["link.idle_restart"], "bbr does not restart after silence", |at| at.scenario.link.congestion == Congestion::Bbr),
    (&["link.tls"], "a kept connection is open before the run begins", |at| {
        at.scenario.link.connection == Connection::Kept
    }),
    (&["tokens"], "no policy here drafts tokens", |at| !at.uses.drafts),
    (&["descriptors", "edge.probe_layers"], "no policy here probes the inputs", |at| !at.uses.probes),
    (&["accuracy.pruning_loss"], "no policy here prunes the inputs", |at| !at.uses.prunes),
    (&["edge.preprocess", "edge.probe_layers", "descriptors"], "the requests are text alone", |at| {
        !at.asked.more_than_text
    }),
    (&["edge.tuning.megapixel_overhead", "cloud.tuning.megapixel_overhead"], "no request has pictures", |at| {
        !at.asked.pictures
    }),
    (&["accuracy.pruning_loss"], "the requests are text alone, which is kept whole", |at| {
        !at.asked.more_than_text && !at.uses.prunes_text
    }),
    (&["descriptors.spatial_alpha", "descriptors.spatial_beta"], "no request has pictures", |at| !at.asked.pictures),
    (&["descriptors.importance_deviation"], "no request has pictures", |at| !at.asked.pictures),
    (&["descriptors.importance_deviation"], "every tau_s is .3, at which the sparsity is given", |at| {
        let policy = &at.scenario.policy;
        let paper = MasSettings::default().tau_s;
        policy.msao.0.iter().all(|one| one.mas.tau_s == paper)
            && policy.cloud_pruned.0.iter().all(|one| one.mas.tau_s == paper)
            && policy.edge_pruned.0.iter().all(|one| one.mas.tau_s == paper)
    }),
    (&["descriptors.similarity_alpha", "descriptors.similarity_beta"], "no request has a video or sound", |at| {
        !at.asked.moves
    }),
    (&["workload.dataset.custom.frames"], "width or height is 0, so there is no video", |at| !at.asked.pictures),
    (
        &["workload.dataset.custom.width"],
        "the height is 0, so there is no picture",
        |at| matches!(&at.scenario.workload.dataset, Dataset::Custom(custom) if custom.height == 0 && custom.width > 0),
    ),
    (
        &["workload.dataset.custom.height"],
        "the width is 0, so there is no picture",
        |at| matches!(&at.scenario.workload.dataset, Dataset::Custom(custom) if custom.width == 0 && custom.height > 0),
    ),
    (&["workload.dataset.custom.output_tokens"], ALL_ANSWERS, |at| at.scenario.workload.output_tokens.is_some()),
];

const ALL_ANSWERS: &str = "workload.output_tokens gives every answer its length";

/// Keys of a dataset's own table that are idle where it is the dataset, the reason, and the condition.
pub(super) const RULES_OF_SHAPES: &[Rule] = &[
    (&["pictures", "frames"], "the dataset has no size, so there are no pictures", |at| !at.asked.pictures),
    (&["output_tokens"], ALL_ANSWERS, |at| at.scenario.workload.output_tokens.is_some()),
    (&["accuracy"], "accuracy.cloud and accuracy.edge are both set", |at| {
        at.scenario.accuracy.cloud.is_some() && at.scenario.accuracy.edge.is_some()
    }),
    (&["accuracy"], "accuracy.source or accuracy.dataset takes its place", |at| at.scenario.accuracy.names_a_source()),
    (&["accuracy.edge"], "accuracy.edge is set", |at| at.scenario.accuracy.edge.is_some()),
    (&["accuracy.cloud"], "accuracy.cloud is set", |at| at.scenario.accuracy.cloud.is_some()),
    (&["accuracy.edge"], "no policy here answers on the edge", |at| !at.uses.edge_answers),
    (&["accuracy.cloud"], "no policy here answers from the cloud", |at| !at.uses.cloud),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::keys::parts;
    use serde_json::Value;

    /// True if a schema has a key, in any variant.
    fn has(root: &Value, schema: &Value, path: &[&str]) -> bool {
        let Some((name, rest)) = path.split_first() else { return true };
        if let Some(pointer) = schema["$ref"].as_str() {
            return root.pointer(pointer.trim_start_matches('#')).is_some_and(|schema| has(root, schema, path));
        }
        let below = schema["properties"].get(*name).is_some_and(|schema| has(root, schema, rest));
        let variants = ["anyOf", "oneOf"].iter().filter_map(|word| schema[*word].as_array()).flatten();
        below || variants.into_iter().any(|schema| has(root, schema, path))
    }

    #[test]
    fn rules_are_of_keys_that_there_are() {
        let schema = serde_json::to_value(schemars::schema_for!(Scenario)).expect("JSON");
        for key in RULES.iter().flat_map(|(keys, ..)| *keys) {
            assert!(has(&schema, &schema, &parts(key)), "{key}");
        }
        assert!(!has(&schema, &schema, &parts("link.rt")));
        let shape = serde_json::to_value(schemars::schema_for!(model::dataset::Shape)).expect("JSON");
        for key in RULES_OF_SHAPES.iter().flat_map(|(keys, ..)| *keys) {
            assert!(has(&shape, &shape, &parts(key)), "{key}");
        }
    }
}
