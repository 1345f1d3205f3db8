//! `profile` and `noise` of `[edge]` and `[cloud]`: the choice of a profile's laws for a tier, and its assumptions.
//!
//! A law was measured on one device with one model. For another device or model its physical form is carried over, which is
//! said; a table is not. A kind of step without a law of its own takes the nearest one's, which is said too.

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
use std::path::PathBuf;
use units::SimDuration;

/// The noise of a tier, with a stream of its own.
fn drawn(noise: Noise, side: &str) -> Drawn {
    match noise {
        Noise::None => Drawn::None,
        Noise::Profile if side == "edge" => Drawn::Stream("noise/edge"),
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

/// True if steps of a kind run on a side.
fn runs(scenario: &Scenario, side: &str, kind: StepKind) -> bool {
    match kind {
        StepKind::Prefill | StepKind::Decode => true,
        StepKind::Verify => side == "cloud",
        StepKind::Draft | StepKind::Probe => side == "edge",
        StepKind::Encode => side == "edge" && scenario.workload.payload == PayloadFormat::VisionTokens,
    }
}

/// The laws of a tier's profile, where it has one.
///
/// # Errors
/// If the file is refused, or none of its laws can be carried over to the tier.
pub fn price(
    source: &Source,
    scenario: &Scenario,
    side: &str,
    device: &Device,
    model: &ModelSpec,
    (engine, parallel): (EngineProfile, Parallel),
) -> Result<Option<Priced>, Failure> {
    let (file, noise): (&Option<PathBuf>, Noise) = match side {
        "edge" => (&scenario.edge.profile, scenario.edge.noise),
        _ => (&scenario.cloud.profile, scenario.cloud.noise),
    };
    let Some(file) = file else {
        let needs = format!("the noise is a profile's; name one with {side}.profile");
        return if noise.is_none() { Ok(None) } else { Err(source.refuse_key(&format!("{side}.noise"), &needs)) };
    };
    let read = Profile::read(&source.folder().join(file))?;
    let tier = Wanted { side, device, model, engine, parallel };
    let mut laws = Vec::new();
    let mut assumed = Vec::new();
    for kind in StepKind::ALL {
        let found = tier.nearest(&read, kind);
        let said = match found {
            Some(entry) => {
                laws.push((kind, tier.law(entry, kind)));
                tier.said(entry, kind)
            }
            None => Some("not in the profile: the roofline of the engine".to_owned()),
        };
        if runs(scenario, side, kind) {
            assumed.extend(said.map(|said| (format!("{side}.profile.{}", kind.name()), said)));
        }
    }
    if laws.is_empty() {
        let tables = "its laws are tables of other devices or models, which cannot be carried over";
        let expected = format!("expected a law for {} with {}", device.name, model.name);
        let refusal = format!("{}: {tables}; {expected}; measure it, or name another profile", file.display());
        return Err(source.refuse_key(&format!("{side}.profile"), &refusal));
    }
    let mut profile = backends::Profile::new(laws, drawn(noise, side));
    if let Some(PreprocessEntry { law, spread, .. }) = read.preprocess.filter(|_| side == "edge") {
        assumed.push(("edge.profile.preprocess".to_owned(), "measured, in place of edge.preprocess".to_owned()));
        profile = profile.with_preprocess(law, spread);
    }
    Ok(Some(Priced { profile, assumed }))
}

/// The device and model for which laws are looked up.
struct Wanted<'t> {
    side: &'t str,
    device: &'t Device,
    model: &'t ModelSpec,
    engine: EngineProfile,
    parallel: Parallel,
}

impl Wanted<'_> {
    fn is_device(&self, law: &LawEntry) -> bool {
        law.device == self.device.name && law.gpus == 1
    }

    fn is_model(&self, law: &LawEntry) -> bool {
        law.model == self.model.name
    }

    fn is_whole(&self, law: &LawEntry) -> bool {
        self.is_device(law) && self.is_model(law)
    }

    /// The law for a kind: its own or a near kind's of this device and model, and then those of others.
    fn nearest<'p>(&self, profile: &'p Profile, kind: StepKind) -> Option<&'p LawEntry> {
        let own = self.best(profile, kind, false);
        let others = nearest(kind).iter().filter_map(|other| self.best(profile, *other, true));
        let mut all = own.into_iter().chain(others).collect::<Vec<_>>().into_iter();
        let here = all.clone().find(|law| self.is_whole(law));
        here.or_else(|| all.next())
    }

    /// The law of a kind that was measured nearest to the tier; for another kind, of those with a form.
    fn best<'p>(&self, profile: &'p Profile, kind: StepKind, in_stead: bool) -> Option<&'p LawEntry> {
        let laws = profile.law.iter().filter(|law| law.kind == kind);
        // A table is of its device, model and kind alone; the form beside it is not.
        let laws =
            laws.filter(|law| law.form != Form::Table || law.beside.is_some() || self.is_whole(law) && !in_stead);
        let score = |law: &LawEntry| {
            let here = law.side.is_empty() || law.side == self.side;
            (self.is_device(law), self.is_model(law), here, law.gpus == 1)
        };
        // Of equals the first.
        laws.rev().max_by_key(|law| score(law))
    }

    fn law(&self, entry: &LawEntry, kind: StepKind) -> Law {
        let here = self.is_whole(entry) && entry.kind == kind;
        let beside = entry.beside.as_ref().filter(|_| !here);
        let spread = beside.map_or(&entry.spread, |beside| &beside.spread).clone();
        let table = entry.table.clone().filter(|_| here);
        // What stands in for another kind was measured here, though not of that kind.
        let range = self.is_whole(entry).then_some(entry.range);
        let law = Law::new(&entry.parts, (DataSheet::of(self.device, self.parallel), self.model), table, range, spread);
        if entry.how == KERNELS { law.with_host(HostTime::of_engine(&self.engine, self.model)) } else { law }
    }

    /// The assumption behind a law, in words.
    fn said(&self, law: &LawEntry, kind: StepKind) -> Option<String> {
        let many = if law.gpus > 1 { format!("{} x ", law.gpus) } else { String::new() };
        let (device, model) = (&self.device.name, &self.model.name);
        let mut said = Vec::new();
        if !self.is_device(law) {
            said.push(format!("extrapolated: measured on {many}{}, not on {device}", law.gpu));
        }
        if self.is_device(law) && law.gpu.contains(" played by ") {
            said.push(format!("measured on {}", law.gpu));
        }
        if !self.is_model(law) {
            said.push(format!("extrapolated: measured with {}, not with {model}", law.model));
        }
        if let Parallel { tensor: 2.., .. } = self.parallel {
            said.push(format!("on {} GPUs, with the all-reduces of the interconnect added", self.parallel.tensor));
        }
        if law.kind != kind {
            said.push(format!("by the law of {}", law.kind.name()));
        }
        if law.how == KERNELS && self.engine.overhead > SimDuration::ZERO {
            let host = self.engine.overhead;
            said.push(format!("the sum of its kernels, with {host} of the engine's host time an iteration"));
        }
        let carried = !self.is_whole(law) || law.kind != kind;
        if law.table.is_some() && carried {
            said.push("by the form beside its table".to_owned());
        }
        (!said.is_empty()).then(|| said.join("; "))
    }
}
