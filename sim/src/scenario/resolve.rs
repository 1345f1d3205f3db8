//! From keys to runs: the specs of one point, a cell for each policy.

use super::fleet::{self, Group, Pool, Tier as Table};
use super::tier::Batch;
use super::written::Workload as Written;
use super::{
    Dataset, Scenario, Source, amounts, arrivals, chain, classes, datasets, drafter, grounds, lookup, parallel, priced,
    privacy, sessions, warm_up,
};
use crate::terminal::Failure;
use backends::Tier;
use engine::{CloudSpec, EdgeSpec, OwnRequests, RunSpec, Scheduling, Workload, kv_of_group, kv_of_pool};
use model::{
    device::Device,
    engine_kind::{EngineKind, EngineProfile},
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
    let (hops, groups) = (scenario.chain(), scenario.groups());
    let ways = chain::taken(&hops, groups.len());
    let (hops, bandwidth_mbps) = chain::resolve(&hops, source.folder())?;
    let requests = lookup::requests(source, scenario, DATASET)?;
    let of_groups = datasets::resolve(source, scenario)?;
    let workload = workload(source, scenario, of_groups.own)?;
    let spec = RunSpec {
        seed: scenario.seed,
        replication: 0,
        edges: groups
            .iter()
            .zip(ways.into_iter().zip(of_groups.arrivals))
            .map(|(group, (hops, arrivals))| edges(source, scenario, group, (hops, arrivals)))
            .collect::<Result<_, _>>()?,
        pools: scenario.clouds().iter().map(|pool| pool_spec(source, scenario, pool)).collect::<Result<_, _>>()?,
        routing: scenario.routing(),
        learners: scenario.memory.resolved(),
        link: scenario.link.resolve(hops),
        workload,
        tokens: grounds::tokens(source, scenario)?,
        accuracy: datasets::accuracy(scenario),
        pruning: scenario.accuracy.pruning_loss,
        deadline: scenario.accuracy.deadline,
        slo: scenario.slo.limits(source, "slo")?,
        critical_tokens: scenario.accuracy.critical_tokens,
        benchmark: requests.benchmark(),
        descriptors: scenario.descriptors,
        probed: Arc::default(),
        policy: System::CloudOnly(policies::CloudOnly::default()),
        // A sweep, which records no spans, has the events of a run, which does.
        single_steps: false,
        threads: 1,
        least_edges_apart: RunSpec::LEAST_EDGES_APART,
    };
    datasets::check_pictures(source, &spec.workload.content, DATASET)?;
    if datasets::has_pictures(&spec.workload.content) {
        for (table, tier) in scenario.tiers().iter().zip(spec.tiers()) {
            if tier.model.vision.is_none() {
                return Err(lookup::blind(source, &format!("{}.model", table.key), &tier.model.name));
            }
        }
    }
    Ok((spec, bandwidth_mbps))
}

/// The scheduling of an engine: by priority where classes differ in theirs and the engine has any.
fn scheduling(scenario: &Scenario, engine: EngineKind) -> Scheduling {
    let scheduling = Scheduling::of(engine);
    if scenario.has_priorities() { scheduling.by_priority() } else { scheduling }
}

/// A group of edges, whose messages take these hops, and its own arrivals.
fn edges(
    source: &Source,
    scenario: &Scenario,
    Group { key, name, edge }: &Group<'_>,
    (hops, arrivals): (Vec<u32>, Option<engine::Arrivals>),
) -> Result<EdgeSpec, Failure> {
    let (tier, scheduling) = (tier(source, scenario, key)?, scheduling(scenario, edge.engine));
    Ok(EdgeSpec {
        name: (*name).into(),
        has_gpu: edge.has_gpu(),
        only_sends: fleet::only_sends(edge),
        arrivals,
        hops,
        share: edge.share,
        pool: scenario.pool_of(edge),
        limits: edge.batch.limits(&scheduling, &tier.device),
        scheduling,
        tier,
        count: edge.count,
        cpu_workers: edge.cpu_workers,
        preprocess: edge.preprocess,
        kv_blocks: edge.kv_blocks,
    })
}

/// A pool of the cloud.
fn pool_spec(source: &Source, scenario: &Scenario, Pool { key, name, cloud }: &Pool<'_>) -> Result<CloudSpec, Failure> {
    let (tier, scheduling) = (tier(source, scenario, key)?, scheduling(scenario, cloud.engine));
    Ok(CloudSpec {
        name: (*name).into(),
        limits: cloud.batch.limits(&scheduling, &tier.device),
        scheduling,
        tier,
        gpus: cloud.gpus,
        kv_blocks: cloud.kv_blocks,
        remote: cloud.remote.resolved(),
        rtt: cloud.rtt,
    })
}

/// The key of the dataset.
const DATASET: &str = "workload.dataset";

fn workload(source: &Source, scenario: &Scenario, own: Vec<Option<OwnRequests>>) -> Result<Workload, Failure> {
    let written = &scenario.workload;
    let requests = lookup::requests(source, scenario, DATASET)?;
    let (content, is_timed) = requests.content(source.traces(), source.folder(), &lookup::reading(scenario))?;
    let arrivals = arrivals::resolve(source, scenario, &content, is_timed)?;
    let Written { requests, max_output_tokens, payload, system_prompt, questions_per_picture, warm_up, .. } = *written;
    let sessions = written.sessions.clone();
    let workload = Workload {
        content,
        own: own.into(),
        classes: classes::resolve(source, scenario)?.into(),
        arrivals,
        requests,
        max_output_tokens,
        payload,
        system_prompt,
        questions_per_picture,
        sessions,
        warm_up: warm_up.into(),
        timeout: written.timeout,
        fall_back: written.fall_back,
        fall_back_after: written.fall_back_after,
    };
    warm_up::check(source, &workload)?;
    Ok(workload)
}

/// The device that stands for that of edges without a GPU: nothing runs on it, and it draws no power.
const STAND_IN: &str = "rtx-3090";

/// Device, model and engine of the table with this key.
fn tier(source: &Source, scenario: &Scenario, key: &str) -> Result<Tier, Failure> {
    let table = table(source, scenario, key)?;
    let clouds = scenario.clouds();
    let name = if table.device == fleet::NO_DEVICE && table.is_edge { STAND_IN } else { table.device };
    let named_by =
        if scenario.played_on() == Some(name) { "replay.device".to_owned() } else { format!("{key}.device") };
    let device = lookup::device(source, scenario, &named_by, name)?;
    let model = lookup::model(source, scenario, &format!("{key}.model"), table.model)?;
    let storage = table.formats.storage(&model.storage);
    let model = model.stored(storage);
    let engine = table.tuning.apply(table.engine.profile(&model, &device));
    let group = scenario.groups().into_iter().find(|group| group.key == key);
    let probe_layers = group.map_or(scenario.edge.probe_layers, |group| group.edge.probe_layers);
    let probe_blocks = u64::from(probe_layers);
    // An unknown model of the cloud is refused when the cloud's turn comes.
    let encoder = lookup::find_model(source, scenario, &clouds[0].cloud.model)
        .filter(|_| table.is_edge)
        .and_then(|model| model.vision);
    let parallel = match clouds.iter().find(|pool| pool.key == key) {
        None => Parallel::NONE,
        Some(pool) => parallel::resolve(source, pool, &device, &model)?,
    };
    let profile = laws(source, scenario, &table, &device, &model, (engine, parallel))?;
    let (receives, part, drafter) = (!table.is_edge, None, None);
    Ok(Tier { device, model, engine, parallel, part, probe_blocks, encoder, receives, profile, drafter })
}

/// The table of a tier with this key.
fn table<'s>(source: &Source, scenario: &'s Scenario, key: &str) -> Result<Table<'s>, Failure> {
    scenario.tier(key).ok_or_else(|| {
        let reason = format!("expected [{key}], a scenario of one kind of edges and one of the cloud's GPUs");
        source.refuse_key(if key == "edge" { "edges" } else { "pools" }, &reason)
    })
}

/// The laws of a tier's profile for the device and model that it has.
///
/// # Errors
/// If the profile is refused.
pub fn laws_of(
    source: &Source,
    scenario: &Scenario,
    key: &str,
    tier: &Tier,
) -> Result<Option<Arc<backends::Profile>>, Failure> {
    laws(source, scenario, &table(source, scenario, key)?, &tier.device, &tier.model, (tier.engine, tier.parallel))
}

/// The laws of a tier's profile for a device and a model, where it has one.
fn laws(
    source: &Source,
    scenario: &Scenario,
    table: &Table<'_>,
    device: &Device,
    model: &ModelSpec,
    (engine, parallel): (EngineProfile, Parallel),
) -> Result<Option<Arc<backends::Profile>>, Failure> {
    Ok(priced::price(source, scenario, table, device, model, (engine, parallel))?
        .map(|priced| Arc::new(priced.profile)))
}

/// The profile of a tier, as far as the scenario can be resolved.
fn priced_tier(source: &Source, scenario: &Scenario, table: &Table<'_>) -> Option<priced::Priced> {
    let tier = tier(source, scenario, &table.key).ok()?;
    priced::price(source, scenario, table, &tier.device, &tier.model, (tier.engine, tier.parallel)).ok()?
}

/// The assumptions behind the profiles of a scenario: keys below the `profile` of each tier, each with a sentence. None for a
/// scenario without profiles, or whose tiers vary.
pub fn profiled(source: &Source, scenario: &Scenario) -> Vec<(String, String)> {
    let assumed = |table: &Table<'_>| Some(priced_tier(source, scenario, table)?.assumed);
    scenario.tiers().iter().filter_map(assumed).flatten().collect()
}

/// The reason why nothing of a tier's profile is used, if it has one and nothing is.
pub fn withheld(source: &Source, scenario: &Scenario, table: &Table<'_>) -> Option<String> {
    priced_tier(source, scenario, table)?.withheld
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
    fleet::check_policy(source, scenario, &system, path)?;
    let mut spec = RunSpec { policy: system, ..spec.clone() };
    if let System::External(external) = &mut spec.policy {
        external.files().for_each(|file| *file = source.folder().join(&*file).to_string_lossy().into_owned());
    }
    if let Some(Split { layers_on_edge, shortcut, key }) = spec.policy.split() {
        let model = spec.pools[0].tier.model.clone();
        let layers = u64::from(layers_on_edge);
        if layers == 0 || layers >= model.layers {
            let reason = format!("expected 1 to {} of the {} layers of {}", model.layers - 1, model.layers, model.name);
            return Err(source.refuse_key(&format!("{path}.{key}"), &reason));
        }
        split(source, scenario, &mut spec, layers, shortcut)?;
    }
    drafter::put(source, scenario, &mut spec, path)?;
    for (pool, of) in scenario.clouds().iter().zip(&spec.pools) {
        fits(source, &pool.key, of.kv_blocks, kv_of_pool(of))?;
    }
    for (group, of) in scenario.groups().iter().zip(&spec.edges) {
        fits(source, &group.key, of.kv_blocks, kv_of_group(of))?;
    }
    Ok(spec)
}

/// Splits the cloud's model, which all pools have, between each group of edges and the cloud.
fn split(source: &Source, scenario: &Scenario, spec: &mut RunSpec, layers: u64, shortcut: bool) -> Result<(), Failure> {
    let whole: Vec<Tier> = spec.pools.iter().map(|pool| pool.tier.clone()).collect();
    let model = whole[0].model.clone();
    for ((group, edge), table) in scenario.groups().iter().zip(&mut spec.edges).zip(scenario.tiers()) {
        // The edge's engine runs the cloud's model, so its floor is that model's.
        let engine = group.edge.tuning.apply(group.edge.engine.profile(&model, &edge.tier.device));
        for (pool, whole) in spec.pools.iter_mut().zip(&whole) {
            pool.tier.clone_from(whole);
            edge.tier.split(&mut pool.tier, layers, shortcut, engine);
        }
        let tier = &mut edge.tier;
        tier.profile = laws(source, scenario, &table, &tier.device, &model, (engine, tier.parallel))?;
    }
    Ok(())
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
        ("workload.requests", scenario.workload.requests),
        ("workload.questions_per_picture", u64::from(scenario.workload.questions_per_picture)),
        ("workload.output_tokens", u64::from(scenario.workload.output_tokens.unwrap_or(1))),
        ("workload.max_output_tokens", u64::from(scenario.workload.max_output_tokens.unwrap_or(1))),
        ("link.packet", scenario.link.packet.as_u64()),
        ("link.initial_window", u64::from(scenario.link.initial_window)),
        ("link.receive_window", scenario.link.receive_window.as_u64()),
    ];
    let counts = counts.into_iter().map(|(key, value)| (key.to_owned(), value));
    for (key, value) in counts.chain(tier_counts(scenario)) {
        if value == 0 {
            return Err(source.refuse_key(&key, "expected more than 0"));
        }
    }
    fleet::check(source, scenario)?;
    datasets::check(source, scenario)?;
    lookup::check(source, scenario)?;
    check_custom(source, scenario)?;
    amounts::check(source, scenario)?;
    check_shape(source, scenario)?;
    chain::check(source, scenario)?;
    if scenario.workload.timeout == Some(SimDuration::ZERO) {
        return Err(source.refuse_key("workload.timeout", "expected more than 0; leave it out to wait for ever"));
    }
    check_fall_back(source, scenario)?;
    if scenario.link.tls > 2 {
        return Err(source.refuse_key("link.tls", "expected 0, 1 (TLS 1.3) or 2 (TLS 1.2) round trips"));
    }
    arrivals::check(source, scenario)?;
    classes::check(source, scenario)?;
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
    privacy::check(source, scenario)?;
    check_name(source, &scenario.name)
}

/// The counts of each tier that are more than 0.
fn tier_counts(scenario: &Scenario) -> Vec<(String, u64)> {
    let batch = |key: &str, batch: &Batch| {
        [
            (format!("{key}.batch.items"), u64::from(batch.items)),
            (format!("{key}.batch.chunk_tokens"), u64::from(batch.chunk_tokens.unwrap_or(1))),
            (format!("{key}.batch.sequences"), u64::from(batch.sequences.unwrap_or(1))),
        ]
    };
    let mut counts = Vec::new();
    for Group { key, edge, .. } in scenario.groups() {
        counts.push((format!("{key}.count"), u64::from(edge.count)));
        counts.push((format!("{key}.cpu_workers"), u64::from(edge.cpu_workers)));
        counts.push((format!("{key}.kv_blocks"), edge.kv_blocks.unwrap_or(1)));
        counts.extend(batch(&key, &edge.batch));
    }
    for Pool { key, cloud, .. } in scenario.clouds() {
        counts.push((format!("{key}.gpus"), u64::from(cloud.gpus)));
        counts.push((format!("{key}.kv_blocks"), cloud.kv_blocks.unwrap_or(1)));
        counts.extend(batch(&key, &cloud.batch));
    }
    counts
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

/// Refuses quantities of a request that no dataset may have.
fn check_shape(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let Dataset::Custom(custom) = &scenario.workload.dataset else { return Ok(()) };
    custom.shape().check().map_err(|(key, reason)| {
        let key = match key {
            "size" => "width",
            "sound" => "audio",
            same => same,
        };
        source.refuse_key(&format!("workload.dataset.custom.{key}"), &reason)
    })
}

/// The shortest time between two looks at a request under way: with 1 ns, a request of milliseconds would take minutes.
const SHORTEST_LOOK: SimDuration = SimDuration::from_ms(1);

/// Refuses requests that fall back under way, but not when they come in, or that are looked at without a pause.
fn check_fall_back(source: &Source, scenario: &Scenario) -> Result<(), Failure> {
    let refuse = |reason: &str| Err(source.refuse_key("workload.fall_back_after", reason));
    match scenario.workload.fall_back_after {
        Some(_) if !scenario.workload.fall_back => refuse("nothing falls back; set workload.fall_back = true as well"),
        Some(time) if time < SHORTEST_LOOK => {
            refuse("expected 1 ms or more between two looks at a request under way; leave it out to let it wait")
        }
        _ => Ok(()),
    }
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
