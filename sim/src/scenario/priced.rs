//! `profile` and `noise` of `[edge]` and `[cloud]`: the choice of a profile's laws for a tier, and its assumptions.
//!
//! A law was measured on one device with one model. For another device or model it is withheld, and the roofline prices the
//! step: carried over, laws were off by more than that in the worst tenth (`docs/calibration.md`). Where GPUs share each layer, a
//! law of as many goes first, and has their all-reduces in it; to one of a single GPU they are added, which is said. A kind of
//! step without a law of its own takes the nearest one's, which is said too.

use super::fleet::Tier;
use super::tier::Noise;
use super::{Scenario, Source};
use crate::scenario::profile::PreprocessEntry;
use crate::scenario::profile::{Form, KERNELS, LawEntry, Profile};
use crate::terminal::Failure;
use backends::Noise as Drawn;
use model::device::Device;
use model::engine_kind::EngineProfile;
use model::model_spec::ModelSpec;
use model::parallel::Parallel;
use model::request::PayloadFormat;
use model::step::StepKind;
use model::step::law::{HostTime, Law};
use model::step::parts::DataSheet;
use std::collections::BTreeSet;
use units::SimDuration;

/// The noise of a tier, with a stream of its own.
fn drawn(noise: Noise, is_edge: bool) -> Drawn {
    match noise {
        Noise::None => Drawn::None,
        Noise::Profile if is_edge => Drawn::Stream("noise/edge"),
        Noise::Profile => Drawn::Stream("noise/cloud"),
        Noise::Low => Drawn::Quantile(0.05),
        Noise::High => Drawn::Quantile(0.95),
    }
}

/// The laws that price a tier.
pub struct Priced {
    /// The laws.
    pub profile: backends::Profile,
    /// Assumptions: keys below the tier's `profile`, each with a sentence.
    pub assumed: Vec<(String, String)>,
    /// The reason why nothing of the profile is used, if nothing is.
    pub withheld: Option<String>,
}

/// The kinds whose laws replace a missing one, the nearest first.
fn nearest(kind: StepKind) -> &'static [StepKind] {
    match kind {
        StepKind::Decode => &[StepKind::Draft, StepKind::Verify],
        StepKind::Draft => &[StepKind::Decode, StepKind::Verify],
        StepKind::Verify => &[StepKind::Decode, StepKind::Draft, StepKind::Prefill],
        // A prompt is nothing like a token, and a vision tower nothing like a language model.
        StepKind::Prefill | StepKind::Probe | StepKind::Encode => &[],
    }
}

/// True if steps of a kind run on edges, or in the cloud.
fn runs(scenario: &Scenario, is_edge: bool, kind: StepKind) -> bool {
    match kind {
        StepKind::Prefill | StepKind::Decode => true,
        StepKind::Verify => !is_edge,
        StepKind::Draft | StepKind::Probe => is_edge,
        StepKind::Encode => is_edge && scenario.workload.payload == PayloadFormat::VisionTokens,
    }
}

/// The laws of a tier's profile, where it has one.
///
/// # Errors
/// If the file is refused.
pub fn price(
    source: &Source,
    scenario: &Scenario,
    table: &Tier<'_>,
    device: &Device,
    model: &ModelSpec,
    (engine, parallel): (EngineProfile, Parallel),
) -> Result<Option<Priced>, Failure> {
    let &Tier { ref key, is_edge, noise, tuning, profile: file, .. } = table;
    let side = table.side();
    let Some(file) = file else {
        let needs = format!("the noise is a profile's; name one with {key}.profile");
        return if noise.is_none() { Ok(None) } else { Err(source.refuse_key(&format!("{key}.noise"), &needs)) };
    };
    let read = Profile::read(&source.folder().join(file))?;
    let is_given = tuning.overhead.is_some() && tuning.prefill_overhead.is_some();
    let tier = Wanted { side, device, model, engine, parallel, is_given };
    let mut laws = Vec::new();
    let mut assumed = Vec::new();
    for kind in StepKind::ALL {
        let found = tier.nearest(&read, kind);
        let said = match found {
            Some(entry) => {
                laws.push((kind, tier.law(entry, kind)));
                tier.said(entry, kind)
            }
            None => Some(tier.lack(&read, kind)),
        };
        if runs(scenario, is_edge, kind) {
            assumed.extend(said.map(|said| (format!("{key}.profile.{}", kind.name()), said)));
        }
    }
    let withheld = (laws.is_empty() && (!is_edge || read.preprocess.is_none())).then(|| tier.elsewhere(&read));
    let mut profile = backends::Profile::new(laws, drawn(noise, is_edge));
    if let Some(PreprocessEntry { law, spread, .. }) = read.preprocess.filter(|_| is_edge) {
        assumed.push((format!("{key}.profile.preprocess"), format!("measured, in place of {key}.preprocess")));
        profile = profile.with_preprocess(law, spread);
    }
    Ok(Some(Priced { profile, assumed, withheld }))
}

/// `2 x ` in front of a device of which there are two; nothing in front of one.
fn many(gpus: u32) -> String {
    if gpus > 1 { format!("{gpus} x ") } else { String::new() }
}

/// The device and model for which laws are looked up.
struct Wanted<'t> {
    side: &'t str,
    device: &'t Device,
    model: &'t ModelSpec,
    engine: EngineProfile,
    parallel: Parallel,
    /// True if the scenario gives the engine's host time.
    is_given: bool,
}

impl Wanted<'_> {
    fn is_device(&self, law: &LawEntry) -> bool {
        let Parallel { tensor, spreads_experts, .. } = self.parallel;
        law.device == self.device.name && (law.gpus == 1 || law.gpus == tensor && !spreads_experts)
    }

    fn is_model(&self, law: &LawEntry) -> bool {
        law.model == self.model.name
    }

    fn is_whole(&self, law: &LawEntry) -> bool {
        self.is_device(law) && self.is_model(law)
    }

    /// The law for a kind: its own, or a near kind's, of this device and model.
    fn nearest<'p>(&self, profile: &'p Profile, kind: StepKind) -> Option<&'p LawEntry> {
        let others = nearest(kind).iter().filter_map(|other| self.best(profile, *other, true));
        self.best(profile, kind, false).into_iter().chain(others).next()
    }

    /// The law of a kind that was measured here; for another kind, of those with a form.
    fn best<'p>(&self, profile: &'p Profile, kind: StepKind, in_stead: bool) -> Option<&'p LawEntry> {
        let laws = profile.law.iter().filter(|law| law.kind == kind && self.is_whole(law));
        // A table is of its kind alone; the form beside it is not.
        let laws = laws.filter(|law| law.form != Form::Table || law.beside.is_some() || !in_stead);
        // Of as many GPUs as share a layer here, else of one. Of equals the first.
        laws.rev().max_by_key(|law| (law.gpus, law.side.is_empty() || law.side == self.side))
    }

    /// The reason why a kind has no law.
    fn lack(&self, profile: &Profile, kind: StepKind) -> String {
        let kinds: Vec<StepKind> = std::iter::once(kind).chain(nearest(kind).iter().copied()).collect();
        if profile.law.iter().any(|law| kinds.contains(&law.kind)) {
            format!("withheld, for the roofline of the engine: {}", self.elsewhere(profile))
        } else {
            "not in the profile: the roofline of the engine".to_owned()
        }
    }

    /// The places where the laws were measured, which are not this one.
    fn elsewhere(&self, profile: &Profile) -> String {
        let place = |law: &LawEntry| format!("on {}{} with {}", many(law.gpus), law.gpu, law.model);
        let places: BTreeSet<String> = profile.law.iter().map(place).collect();
        let places: Vec<String> = places.into_iter().collect();
        let here = format!("{}{}", many(self.parallel.tensor), self.device.name);
        format!("measured {}, not on {here} with {}", places.join(" and "), self.model.name)
    }

    fn law(&self, entry: &LawEntry, kind: StepKind) -> Law {
        let here = entry.kind == kind;
        let beside = entry.beside.as_ref().filter(|_| !here);
        let spread = beside.map_or(&entry.spread, |beside| &beside.spread).clone();
        let table = entry.table.clone().filter(|_| here);
        let all = DataSheet::of(self.device, self.parallel);
        // A law of several GPUs is one of a device with all their bandwidth and rate.
        let sheet = if entry.gpus > 1 { DataSheet { parallel: Parallel::NONE, ..all } } else { all };
        let law = Law::new(&entry.parts, (sheet, self.model), table, Some(entry.range), spread);
        let host = || HostTime::of_engine(&self.engine, self.model, self.is_given);
        if entry.how == KERNELS { law.with_host(host()) } else { law }
    }

    /// The assumption behind a law, in words.
    fn said(&self, law: &LawEntry, kind: StepKind) -> Option<String> {
        let mut said = Vec::new();
        if law.gpu.contains(" played by ") {
            said.push(format!("measured on {}", law.gpu));
        }
        if law.gpus < self.parallel.tensor {
            said.push(format!("on {} GPUs, with the all-reduces of the interconnect added", self.parallel.tensor));
        }
        if law.kind != kind {
            said.push(format!("by the law of {}", law.kind.name()));
        }
        if law.how == KERNELS && self.engine.overhead > SimDuration::ZERO {
            let host = self.engine.overhead;
            said.push(format!("the sum of its kernels, with {host} of the engine's host time an iteration"));
        }
        if law.table.is_some() && law.kind != kind {
            said.push("by the form beside its table".to_owned());
        }
        (!said.is_empty()).then(|| said.join("; "))
    }
}
