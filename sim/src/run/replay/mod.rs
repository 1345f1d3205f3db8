//! `mode = "replay"`: the policies of a scenario on real models.
//!
//! Everything but time and words is as simulated: the link, the queues, the memory, and the prices that policies plan
//! with. Those are the prices of the scenario's devices, so that plans do not change from run to run. Each step is
//! executed, and its measured duration is its simulated one. Replications are repeats: the same questions, asked
//! again.
//!
//! One machine plays both tiers, and one run at a time, whatever `--threads` says: runs beside each other would measure each other.

mod asked;
mod fit;
mod machine;
mod models;

use crate::results::{manifest::ReplayFacts, rows::Answer};
use crate::scenario::{Mode, Outcomes, Plan, Played as Plays, Point, Replay, Scale};
use crate::terminal::Failure;
use asked::Asked;
use backends::real::{Answered, Notes, Real, Rehearsed, Replayed, TimeScale, calibration, recorded, warm_up};
use backends::{Heads, Probe, Tier};
use engine::{Outcome, Recorder, RunSpec};
use kernel::{Journal, Streams};
pub use machine::Machine;
use model::mas::Descriptors;
use model::tokens::{Calibration, TokenOutcome};
pub use models::warn_of;
use models::{Loaded, Models};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};
use units::SimDuration;

/// The models of a scenario, ready to play its runs.
pub struct RealModels {
    models: Models,
    replay: Replay,
    heads: Heads,
    /// True if the words are the models' own.
    own_words: bool,
    /// The questions of each point.
    asked: BTreeMap<u64, Asked>,
    /// The measured calibration set of each point, if the words are the models' own.
    calibrations: BTreeMap<u64, Calibration>,
    repeats: Mutex<Repeats>,
}

/// A record of answers, by which repeated questions are compared.
#[derive(Default)]
struct Repeats {
    /// The first answer of each policy at each point to each request.
    first: BTreeMap<(u64, String, u64), Vec<u32>>,
    compared: u64,
    changed: u64,
    /// Points and requests whose pictures were decoded and resized, and how long that took.
    preprocessed: Vec<((u64, u64), SimDuration)>,
    /// The probe's findings for each policy at each point.
    probed: BTreeMap<(u64, String), BTreeMap<u64, Descriptors>>,
}

impl Repeats {
    fn note(&mut self, point: u64, policy: &str, answers: &[Answered]) {
        for answer in answers {
            match self.first.entry((point, policy.to_owned(), answer.request)) {
                Entry::Vacant(new) => _ = new.insert(answer.ids.clone()),
                Entry::Occupied(known) => {
                    self.compared += 1;
                    self.changed += u64::from(*known.get() != answer.ids);
                }
            }
        }
    }
}

/// The parts that the backends of a run share.
struct Backends<'m> {
    asked: &'m Asked,
    probe: Probe,
    notes: Rc<RefCell<Notes>>,
}

impl<'m> Backends<'m> {
    /// The backend of a tier that a model plays.
    fn on(&self, tier: &Tier, loaded: &'m Loaded, played: &Plays) -> Real<'m> {
        let scale = scale(&played.time_scale);
        Real::new(tier, &loaded.model, self.asked, scale, self.probe.clone(), self.notes.clone())
    }
}

/// The result of a run.
pub struct Played {
    /// As of a simulated run.
    pub outcome: Outcome,
    /// Answers, if words are the models' own.
    pub answers: Vec<Answer>,
}

impl RealModels {
    /// Loads the models of a plan that is to be replayed, and makes its points fit them.
    ///
    /// # Errors
    /// The scenario has no models, a policy asks for what a real model cannot do, or a model or question is refused.
    pub fn open(plan: &Plan, points: &mut [Point]) -> Result<Option<Self>, Failure> {
        if plan.scenario.mode != Mode::Replay {
            return Ok(None);
        }
        let source = &plan.source;
        let Some(replay) = plan.scenario.replay.clone() else {
            let reason = "a replay needs models; name their folders: [replay.edge] folder = \"DIR\" and [replay.cloud] folder = \"DIR\"";
            return Err(source.refuse_key("mode", reason));
        };
        if let Some(key) = plan.design.keys().find(|key| key.split('.').next() == Some("replay")) {
            return Err(source.refuse_key("sweep", &format!("`{key}` cannot vary: models are loaded once")));
        }
        fit::check_policies(source, points)?;
        let beside = source.folder();
        let heads = replay.probe_heads.as_ref().map_or(Ok(Heads::default()), |file| heads(&beside.join(file)))?;
        let models = Models::load(&replay, beside)?;
        let own_words = match replay.outcomes {
            Outcomes::Auto => !models.are_random(),
            Outcomes::Models => true,
            Outcomes::Tokens => false,
        };
        let mut real = Self {
            models,
            replay,
            heads,
            own_words,
            asked: BTreeMap::new(),
            calibrations: BTreeMap::new(),
            repeats: Mutex::default(),
        };
        for point in points {
            real.prepare(plan, point)?;
        }
        Ok(Some(real))
    }

    /// Makes a point fit the models, and measures what is to be known before its first request.
    fn prepare(&mut self, plan: &Plan, point: &mut Point) -> Result<(), Failure> {
        let number = point.label.point;
        let kind = fit::kind(&self.replay, point);
        let asked = fit::point(plan, point, &self.models, &self.replay, kind, self.own_words)?;
        let Models { edge, cloud, .. } = &self.models;
        let requests = point.cells[0].spec.workload.len();
        for model in [edge, cloud] {
            model.with(|model| warm_up(model, &asked, 0))?;
        }
        if self.own_words {
            let longest = point.cells[0].spec.workload.longest_answer() as usize;
            // Not those that are asked, as long as there are others.
            let questions = (requests..).take(self.replay.calibration_questions as usize);
            let both = |edge: &mut _, cloud: &mut _| calibration([edge, cloud], &asked, questions, longest, SAMPLES);
            let measured = edge.with(|edge| cloud.with(|cloud| both(edge, cloud)))?;
            self.calibrations.insert(number, measured);
        }
        self.asked.insert(number, asked);
        Ok(())
    }

    /// Plays a run of a point.
    ///
    /// # Errors
    /// If an invariant is broken, or a model fails.
    pub fn play(
        &self,
        point: u64,
        policy: &str,
        spec: &RunSpec,
        recorder: &mut dyn Recorder,
        progress: &AtomicU64,
    ) -> Result<Result<Played, engine::RunError>, Failure> {
        let asked = &self.asked[&point];
        let notes = Rc::new(RefCell::new(Notes::default()));
        let Models { edge, cloud, .. } = &self.models;
        let probe = Probe::new(self.heads.clone(), Streams::new(spec.seed));
        let real = Backends { asked, probe, notes: notes.clone() };
        let sides = [(edge, &spec.edges[0].tier, &self.replay.edge), (cloud, &spec.pools[0].tier, &self.replay.cloud)];
        let tiers = sides.map(|(loaded, tier, played)| real.on(tier, loaded, played));
        // The edge's model is the only one that can draft beside either.
        let drafters = sides.map(|(_, tier, played)| tier.drafter().map(|small| real.on(&small, edge, played)));
        let known = self.calibrations.get(&point).cloned().map(Rc::new);
        let models = if self.own_words {
            let own = |real| Replayed::Own(Box::new(real));
            let (tiers, drafters) = (tiers.map(own).into(), drafters.map(|real| real.map(own)).into());
            engine::Models { tiers, drafters, calibration: known }
        } else {
            let words = engine::Models::modelled(spec);
            let rehearsed = |(real, words)| Replayed::Rehearsed(Box::new(Rehearsed::new(real, words)));
            let tiers = tiers.into_iter().zip(words.tiers).map(rehearsed).collect();
            let both = |(real, words): (Option<_>, Option<_>)| real.zip(words).map(rehearsed);
            let drafters = drafters.into_iter().zip(words.drafters).map(both).collect();
            engine::Models { tiers, drafters, calibration: None }
        };
        let outcome = models.run(spec, Journal::digest_only(), recorder, progress);
        let notes = notes.take();
        // What fails in a model breaks a run in many ways; it is the failure that matters.
        match notes.failed {
            Some(error) => return Err(error.into()),
            None => {
                let mut repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
                repeats.note(point, policy, &notes.answers);
                let at_point = |(request, took)| ((point, request), took);
                repeats.preprocessed.extend(notes.preprocessed.into_iter().map(at_point));
                repeats.probed.entry((point, policy.to_owned())).or_default().extend(notes.probed);
            }
        }
        Ok(outcome.map(|outcome| Played { outcome, answers: notes.answers.into_iter().map(answer).collect() }))
    }

    /// The facts that the manifest states.
    ///
    /// # Errors
    /// A model's file can no longer be read.
    pub fn facts(&self) -> Result<ReplayFacts, Failure> {
        Ok(ReplayFacts { facts: self.told()?, remark: self.remark(), models: self.names() })
    }

    fn told(&self) -> Result<Value, Failure> {
        let mut told = self.models.told()?;
        let scales = json!({ "edge": self.replay.edge.time_scale, "cloud": self.replay.cloud.time_scale });
        let methods = Probe::new(self.heads.clone(), Streams::new(0)).methods();
        told["threads"] = json!(self.replay.threads);
        told["time_scale"] = scales;
        told["outcomes"] = json!(if self.own_words { "models" } else { "tokens" });
        told["probe"] = methods.iter().map(|(what, how)| ((*what).to_owned(), json!(how))).collect();
        told["questions"] = match &self.replay.questions {
            Some(file) => json!(file),
            None => json!("drawn"),
        };
        told["batches"] = json!("one item after another");
        let took: Vec<f64> = self.preprocessed().into_iter().map(|(_, took)| took.as_ms_f64()).collect();
        told["preprocess_ms_mean"] = json!((!took.is_empty()).then(|| took.iter().sum::<f64>() / took.len() as f64));
        let repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        told["repeated_answers"] = json!({ "compared": repeats.compared, "changed": repeats.changed });
        Ok(told)
    }

    /// True if the words are the models' own.
    pub fn has_own_words(&self) -> bool {
        self.own_words
    }

    /// The measured calibration set of a point, if the words are the models' own.
    pub fn calibration(&self, point: u64) -> Option<Calibration> {
        self.calibrations.get(&point).cloned()
    }

    /// The edge model's token at every position of the cloud's answers to these requests of a point.
    ///
    /// # Errors
    /// A model fails.
    pub fn recorded(&self, point: u64, requests: &[u64], longest: usize) -> Result<Vec<Vec<TokenOutcome>>, Failure> {
        let Models { edge, cloud, .. } = &self.models;
        let both = |edge: &mut _, cloud: &mut _| -> Result<Vec<_>, Failure> {
            let one = |request: &u64| Ok(recorded([&mut *edge, &mut *cloud], &self.asked[&point], *request, longest)?);
            requests.iter().map(one).collect()
        };
        edge.with(|edge| cloud.with(|cloud| both(edge, cloud)))
    }

    /// Points and requests whose pictures were decoded and resized, and how long that took, in every replication.
    pub fn preprocessed(&self) -> Vec<((u64, u64), SimDuration)> {
        self.repeats.lock().unwrap_or_else(PoisonError::into_inner).preprocessed.clone()
    }

    /// The probe's findings of each request, for a policy at a point.
    pub fn probed(&self, point: u64, policy: &str) -> BTreeMap<u64, Descriptors> {
        let repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        repeats.probed.get(&(point, policy.to_owned())).cloned().unwrap_or_default()
    }

    /// Names of the models, edge first.
    fn names(&self) -> [String; 2] {
        [&self.models.edge, &self.models.cloud].map(|model| model.spec.name.to_string())
    }

    /// A sentence that readers of the table need.
    fn remark(&self) -> String {
        let words = if self.own_words {
            "answers, entropies and acceptances are the models' own"
        } else {
            "only times are the models': tokens, entropies, acceptances and accuracies are those of [tokens] and [accuracy]"
        };
        let scaled = [&self.replay.edge, &self.replay.cloud].iter().any(|tier| tier.time_scale != Scale::default());
        let words = if scaled {
            format!("{words}; times are scaled (replay.time_scale in manifest.json)")
        } else {
            words.to_owned()
        };
        let [edge, cloud] = self.names();
        format!("Replayed with {edge} on the edge and {cloud} in the cloud, on one machine: {words}.")
    }
}

/// Tokens of the calibration set, at most: the 500 of the MSAO paper (section 5.1.4).
const SAMPLES: usize = 500;

fn answer(Answered { request, ids, text, score }: Answered) -> Answer {
    Answer { request, ids, text, score }
}

fn heads(file: &Path) -> Result<Heads, Failure> {
    let text = traces::input::read_text(file).map_err(|error| Failure::io("read", file, &error))?;
    Heads::parse(&text).map_err(|error| Failure::refused(format!("{}: {error}", file.display())))
}

fn scale(scale: &Scale) -> TimeScale {
    let Scale { preprocess, probe, prefill, decode, draft, verify } = *scale;
    TimeScale { preprocess, probe, prefill, decode, draft, verify }
}
