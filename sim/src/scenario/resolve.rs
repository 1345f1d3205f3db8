//! From keys to runs: the specs of one point, a cell for each policy.

use super::dataset::Reading;
use super::written::Workload as Written;
use super::{Dataset, Scenario, Source, amounts, arrivals, grounds, lookup, parallel, priced, sessions, warm_up};
use crate::terminal::Failure;
use backends::Tier;
use engine::{CloudSpec, Content, EdgeSpec, RunSpec, Scheduling, Workload, cloud_pool, edge_pool};
use model::{
    device::Device,
    engine_kind::EngineProfile,
    kv::{DoesNotFit, KvPool},
    model_spec::ModelSpec,
    parallel::Parallel,
};
use policies::{Split, System};
use std::collections::BTreeSet;
use std::sync::Arc;
use units::SimDuration;

/// One policy at one point.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Label of the policy.
    pub policy: String,
    /// The run of replication 0.
    pub spec: RunSpec,
}

/// The runs of a scenario that does not vary, and the rate of its uplink in Mbps, if it is constant.
///
/// # Errors
/// At the line of the key that is to blame, where there is one.
pub fn cells(source: &Source, scenario: &Scenario) -> Result<(Vec<Cell>, Option<f64>), Failure> {
    check_scalars(source, scenario)?;
    let (spec, bandwidth_mbps) = base_spec(source, scenario)?;
    let mut labels = BTreeSet::new();
    let cells = scenario
        .policy
        .systems()
        .into_iter()
        .zip(scenario.policy.paths())
        .map(|((policy, system), path)| {
            if policy.trim().is_empty() {
                return Err(source.refuse_key("policy", "a label is empty; leave it out or give it letters"));
            }
            if !labels.insert(policy.clone()) {
                let reason = format!("two policies are called {policy}; give one of them another `label`");
                return Err(source.refuse_key("policy", &reason));
            }
            Ok(Cell { spec: with_policy(source, scenario, &spec, system, &path)?, policy })
        })
        .collect::<Result<_, _>>()?;
    Ok((cells, bandwidth_mbps))
}

/// A run of the scenario, but for its policy.
fn base_spec(source: &Source, scenario: &Scenario) -> Result<(RunSpec, Option<f64>), Failure> {
    let (link, bandwidth_mbps) = scenario.link.resolve(source.folder())?;
    let requests = lookup::requests(source, scenario)?;
    let workload = workload(source, scenario)?;
    let edge = &scenario.edge;
    let cloud = &scenario.cloud;
    let tiers = [tier(source, scenario, "edge")?, tier(source, scenario, "cloud")?];
    let [edge_scheduling, cloud_scheduling] = [edge.engine, cloud.engine].map(Scheduling::of);
    let [edge_tier, cloud_tier] = tiers;
    let spec = RunSpec {
        seed: scenario.seed,
        replication: 0,
        edge: EdgeSpec {
            limits: edge.batch.limits(&edge_scheduling, &edge_tier.device),
            scheduling: edge_scheduling,
            tier: edge_tier,
            count: edge.count,
            cpu_workers: edge.cpu_workers,
            preprocess: edge.preprocess,
            kv_blocks: edge.kv_blocks,
        },
        cloud: CloudSpec {
            limits: cloud.batch.limits(&cloud_scheduling, &cloud_tier.device),
            scheduling: cloud_scheduling,
            tier: cloud_tier,
            gpus: cloud.gpus,
            kv_blocks: cloud.kv_blocks,
            remote: cloud.remote.resolved(),
        },
        link,
        workload,
        tokens: grounds::tokens(source, scenario)?,
        accuracy: grounds::accuracy(scenario),
        pruning: scenario.accuracy.pruning_loss,
        deadline: scenario.accuracy.deadline,
        slo: scenario.slo.limits(source)?,
        critical_tokens: scenario.accuracy.critical_tokens,
        benchmark: requests.benchmark(),
        descriptors: scenario.descriptors,
        probed: Arc::default(),
        policy: System::CloudOnly(policies::CloudOnly::default()),
    };
    if has_pictures(&spec.workload.content) {
        for (side, tier) in [("edge", &spec.edge.tier), ("cloud", &spec.cloud.tier)] {
            if tier.model.vision.is_none() {
                return Err(lookup::blind(source, &format!("{side}.model"), &tier.model.name));
            }
        }
    }
    Ok((spec, bandwidth_mbps))
}

/// True if requests of a trace have pictures.
fn has_pictures(content: &Content) -> bool {
    matches!(content, Content::Trace(trace) if trace.requests.iter().any(|one| one.pictures.is_some()))
}

fn workload(source: &Source, scenario: &Scenario) -> Result<Workload, Failure> {
    let written = &scenario.workload;
    let requests = lookup::requests(source, scenario)?;
    let how = Reading { output_tokens: written.output_tokens, wanted: written.wanted(), seed: scenario.seed };
    let (content, is_timed) = requests.content(source.traces(), source.folder(), &how)?;
    let arrivals = arrivals::resolve(source, scenario, &content, is_timed)?;
    let Written { requests, max_output_tokens, payload, system_prompt, questions_per_picture, warm_up, .. } = *written;
    let sessions = written.sessions.clone();
    let workload = Workload {
        content,
        arrivals,
        requests,
        max_output_tokens,
        payload,
        system_prompt,
        questions_per_picture,
        sessions,
        warm_up: warm_up.into(),
    };
    warm_up::check(source, &workload)?;
    Ok(workload)
}

/// Device, model and engine of the edge or the cloud.
fn tier(source: &Source, scenario: &Scenario, side: &str) -> Result<Tier, Failure> {
    let Scenario { edge, cloud, .. } = scenario;
    let (device, model, formats, engine, tuning) = match side {
        "edge" => (&edge.device, &edge.model, edge.formats(), edge.engine, &edge.tuning),
        _ => (&cloud.device, &cloud.model, cloud.formats(), cloud.engine, &cloud.tuning),
    };
    let device = lookup::device(source, scenario, &format!("{side}.device"), device)?;
    let model = lookup::model(source, scenario, &format!("{side}.model"), model)?;
    let storage = formats.storage(&model.storage);
    let model = model.stored(storage);
    let engine = tuning.apply(engine.profile(&model, &device));
    let probe_blocks = u64::from(edge.probe_layers);
    // An unknown model of the cloud is refused when the cloud's turn comes.
    let encoder =
        lookup::find_model(source, scenario, &cloud.model).filter(|_| side == "edge").and_then(|model| model.vision);
    let parallel = if side == "edge" { Parallel::NONE } else { parallel::resolve(source, scenario, &device, &model)? };
    let profile = laws(source, scenario, side, &device, &model, (engine, parallel))?;
    Ok(Tier { device, model, engine, parallel, part: None, probe_blocks, encoder, receives: side == "cloud", profile })
}

/// The laws of a tier's profile for the device and model that it has.
///
/// # Errors
/// If the profile is refused.
pub fn laws_of(
    source: &Source,
    scenario: &Scenario,
    side: &str,
    tier: &Tier,
) -> Result<Option<Arc<backends::Profile>>, Failure> {
    laws(source, scenario, side, &tier.device, &tier.model, (tier.engine, tier.parallel))
}

/// The laws of a tier's profile for a device and a model, where it has one.
fn laws(
    source: &Source,
    scenario: &Scenario,
    side: &str,
    device: &Device,
    model: &ModelSpec,
    (engine, parallel): (EngineProfile, Parallel),
) -> Result<Option<Arc<backends::Profile>>, Failure> {
    Ok(priced::price(source, scenario, side, device, model, (engine, parallel))?.map(|priced| Arc::new(priced.profile)))
}

/// The assumptions behind the profiles of a scenario: keys below `edge.profile` and `cloud.profile`, each with a
/// sentence. None for a scenario without profiles, or whose tiers vary.
pub fn profiled(source: &Source, scenario: &Scenario) -> Vec<(String, String)> {
    let assumed = |side: &str| {
        let tier = tier(source, scenario, side).ok()?;
        Some(
            priced::price(source, scenario, side, &tier.device, &tier.model, (tier.engine, tier.parallel))
                .ok()??
                .assumed,
        )
    };
    ["edge", "cloud"].into_iter().filter_map(assumed).flatten().collect()
}

/// The reason why nothing of a tier's profile is used, if it has one and nothing is.
pub fn withheld(source: &Source, scenario: &Scenario, side: &str) -> Option<String> {
    let tier = tier(source, scenario, side).ok()?;
    priced::price(source, scenario, side, &tier.device, &tier.model, (tier.engine, tier.parallel)).ok()??.withheld
}

/// Puts a policy into a run, with what it needs of the tiers, and checks that everything fits.
fn with_policy(
    source: &Source,
    scenario: &Scenario,
    spec: &RunSpec,
    system: System,
    path: &str,
) -> Result<RunSpec, Failure> {
    system.check().map_err(|(key, reason)| source.refuse_key(&format!("{path}.{key}"), &reason))?;
    let mut spec = RunSpec { policy: system, ..spec.clone() };
    if let Some(Split { layers_on_edge, shortcut, key }) = spec.policy.split() {
        let model = spec.cloud.tier.model.clone();
        let layers = u64::from(layers_on_edge);
        if layers == 0 || layers >= model.layers {
            let reason = format!("expected 1 to {} of the {} layers of {}", model.layers - 1, model.layers, model.name);
            return Err(source.refuse_key(&format!("{path}.{key}"), &reason));
        }
        // The edge's engine runs the cloud's model, so its floor is that model's.
        let engine = scenario.edge.tuning.apply(scenario.edge.engine.profile(&model, &spec.edge.tier.device));
        let edge = &mut spec.edge.tier;
        edge.split(&mut spec.cloud.tier, layers, shortcut, engine);
        edge.profile = laws(source, scenario, "edge", &edge.device, &model, (engine, edge.parallel))?;
    }
    fits(source, "cloud", spec.cloud.kv_blocks, cloud_pool(&spec))?;
    fits(source, "edge", spec.edge.kv_blocks, edge_pool(&spec))?;
    Ok(spec)
}

/// Refuses a model that does not fit its device, or not with so many blocks of KV cache.
fn fits(source: &Source, side: &str, stated: Option<u64>, pool: Result<KvPool, DoesNotFit>) -> Result<(), Failure> {
    let key = if stated.is_some() { "kv_blocks" } else { "device" };
    pool.map(drop).map_err(|error| source.refuse_key(&format!("{side}.{key}"), &error.to_string()))
}

/// Refuses values that no run can have.
fn check_scalars(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let counts = [
        ("replications", u64::from(scenario.replications)),
        ("edge.count", u64::from(scenario.edge.count)),
        ("edge.cpu_workers", u64::from(scenario.edge.cpu_workers)),
        ("edge.batch.items", u64::from(scenario.edge.batch.items)),
        ("edge.batch.chunk_tokens", u64::from(scenario.edge.batch.chunk_tokens.unwrap_or(1))),
        ("cloud.gpus", u64::from(scenario.cloud.gpus)),
        ("edge.kv_blocks", scenario.edge.kv_blocks.unwrap_or(1)),
        ("cloud.kv_blocks", scenario.cloud.kv_blocks.unwrap_or(1)),
        ("edge.batch.sequences", u64::from(scenario.edge.batch.sequences.unwrap_or(1))),
        ("cloud.batch.sequences", u64::from(scenario.cloud.batch.sequences.unwrap_or(1))),
        ("cloud.batch.items", u64::from(scenario.cloud.batch.items)),
        ("cloud.batch.chunk_tokens", u64::from(scenario.cloud.batch.chunk_tokens.unwrap_or(1))),
        ("workload.requests", scenario.workload.requests),
        ("workload.questions_per_picture", u64::from(scenario.workload.questions_per_picture)),
        ("workload.output_tokens", u64::from(scenario.workload.output_tokens.unwrap_or(1))),
        ("workload.max_output_tokens", u64::from(scenario.workload.max_output_tokens.unwrap_or(1))),
        ("link.bandwidth", scenario.link.bandwidth.as_u64()),
        ("link.packet", scenario.link.packet.as_u64()),
    ];
    for (key, value) in counts {
        if value == 0 {
            return Err(source.refuse_key(key, "expected more than 0"));
        }
    }
    lookup::check(source, scenario)?;
    check_custom(source, scenario)?;
    amounts::check(source, scenario)?;
    if scenario.link.loss.as_f64() > 0.9 {
        return Err(
            source.refuse_key("link.loss", "expected at most 0.9: above, retransmission never ends in practice")
        );
    }
    arrivals::check(source, scenario)?;
    scenario.costs.check(source)?;
    sessions::check(source, scenario)?;
    scenario.tokens.check().map_err(|(key, expected)| source.refuse_key(&key, &expected))?;
    grounds::check(source, scenario)?;
    scenario
        .descriptors
        .check()
        .map_err(|(key, expected)| source.refuse_key(&format!("descriptors.{key}"), expected))?;
    scenario
        .replay
        .as_ref()
        .map_or(Ok(()), |replay| replay.check().map_err(|(key, expected)| source.refuse_key(&key, expected)))?;
    if scenario.policy.systems().is_empty() {
        return Err(source.refuse_key("policy", "expected at least one policy, for example [policy.msao]"));
    }
    check_name(source, &scenario.name)
}

/// Refuses parts of a request that are there and have nothing in them.
fn check_custom(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let Dataset::Custom(custom) = &scenario.workload.dataset else { return Ok(()) };
    if custom.frames == Some(0) {
        return Err(
            source.refuse_key("workload.dataset.custom.frames", "expected more than 0; leave it out for one picture")
        );
    }
    if custom.audio == Some(SimDuration::ZERO) {
        return Err(
            source.refuse_key("workload.dataset.custom.audio", "expected a time above 0; leave it out for no sound")
        );
    }
    Ok(())
}

/// A name that is safe as the name of a folder.
fn check_name(source: &Source, name: &str) -> Result<(), Failure> {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.starts_with('.') || !name.chars().all(safe) {
        return Err(
            source.refuse_key("name", "expected letters, digits, `-`, `_` and `.`: it names the results folder")
        );
    }
    Ok(())
}
