//! A policy from outside: a program that is asked for decisions, a line of JSON each ([`messages`], `docs/external.md`).
//!
//! It is how learned policies of other languages come to the testbed: bandits, DDPG, networks that set a window. The program decides
//! (route, retention, draft length, threshold, stop); drafting, verification and time are the testbed's.

mod messages;
mod program;

use crate::settings::count;
use crate::speculation::{At, Gate, Speculation, StateSize, Unsure, read_prompt};
use crate::verification::VerifySettings;
use crate::{About, Briefing, Cloud, Edge, Memory, Plan, Policy, ServedBy, Testbed, Uses, View};
use messages::{Ask, Course, Hello, News, Next, Percentiles, Question, Route, Shares, Tell, VERSION, Welcome, ms};
use model::{
    decoding::{Draft, Verdict},
    mas::{Mas, MasSettings},
    modality::{Modality, PerModality},
    request::{Handling, Input, Kept},
    tokens::Calibration,
};
use program::Program;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cell::{Cell, OnceCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use units::{Bytes, Ratio, SimDuration};

/// Settings of a policy from outside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct External {
    /// The program and its arguments, e.g. `["python3", "my_policy.py"]`; files are relative to the scenario.
    pub command: Vec<String>,
    /// Parts of the testbed that its answers may use, e.g. `["edge", "cloud", "probe"]`; default `["draft"]`.
    pub uses: Vec<Part>,
    /// Wall time within which each answer has to come, e.g. `10 s` (default).
    pub timeout: SimDuration,
    /// Simulated time of the edge's processor for the decision on a request, e.g. `1 ms`; default 0.
    pub decision_time: SimDuration,
    /// Settings of the MAS of requests that it has probed (Eq. 4 to 7).
    pub mas: MasSettings,
    /// Settings of the verification.
    pub verify: VerifySettings,
}

impl Default for External {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            uses: vec![Part::Draft],
            timeout: SimDuration::from_secs(10),
            decision_time: SimDuration::ZERO,
            mas: MasSettings::default(),
            verify: VerifySettings::default(),
        }
    }
}

/// A part of the testbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Requests that the edge drafts and the cloud verifies.
    Draft,
    /// Requests that the edge's model answers alone.
    Edge,
    /// Requests that the cloud's model answers alone.
    Cloud,
    /// The probe.
    Probe,
    /// Pruning or compression of pictures and sound.
    Prune,
    /// The same of text.
    PruneText,
}

impl External {
    fn may(&self, part: Part) -> bool {
        self.uses.contains(&part)
    }

    /// The arguments of the command that look like files: words with an ending of letters, or with a folder.
    pub fn files(&mut self) -> impl Iterator<Item = &mut String> {
        let is_file = |text: &&mut String| {
            let ending = text.rsplit_once('.').map_or("", |(_, ending)| ending);
            let is_ending = !ending.is_empty() && ending.chars().all(|letter| letter.is_ascii_alphabetic());
            let is_word = !text.starts_with('-') && !text.contains(char::is_whitespace);
            is_word && (is_ending || text.contains('/'))
        };
        self.command.iter_mut().filter(is_file)
    }
}

/// The program of a run, and the edge that asks it.
pub struct ExternalMemory {
    run: Rc<Shared>,
    edge: u32,
}

struct Shared {
    program: Program,
    welcome: OnceCell<Welcome>,
    edges: Cell<u32>,
}

impl Memory<External> for ExternalMemory {
    fn of(settings: &External) -> Self {
        let timeout = Duration::from_nanos(settings.timeout.as_ns());
        let program = Program::start(&settings.command, timeout);
        Self { run: Rc::new(Shared { program, welcome: OnceCell::new(), edges: Cell::new(1) }), edge: 0 }
    }

    fn of_another_edge(&self, _: &External) -> Self {
        let edge = self.run.edges.get();
        self.run.edges.set(edge + 1);
        Self { run: Rc::clone(&self.run), edge }
    }

    fn fault(&self) -> Option<String> {
        self.run.program.fault()
    }
}

impl ExternalMemory {
    /// The program's own first line; it is greeted before the first request.
    fn welcome(&self, briefing: &Briefing) -> &Welcome {
        self.run.welcome.get_or_init(|| {
            let Briefing { seed, replication, .. } = *briefing;
            let entropy_nats = percentiles(&briefing.calibration);
            let welcome: Welcome = self.run.program.ask(&Hello { msao_sim: VERSION, seed, replication, entropy_nats });
            if welcome.msao_sim != VERSION {
                let found = welcome.msao_sim;
                self.run.program.refuse(&format!(
                    "speaks version {found} of the lines; expected {{\"msao_sim\":{VERSION}}} as its first answer"
                ));
            }
            welcome
        })
    }

    fn wants(&self, ask: Ask) -> bool {
        self.run.welcome.get().is_some_and(|welcome| welcome.asks.contains(&ask))
    }

    fn tell(&self, tell: Tell, news: impl FnOnce() -> News) {
        if self.run.welcome.get().is_some_and(|welcome| welcome.tells.contains(&tell)) {
            self.run.program.tell(&news());
        }
    }

    /// Refuses an answer that may not be.
    fn expect(&self, holds: bool, says: impl FnOnce() -> String) -> bool {
        if !holds {
            self.run.program.refuse(&says());
        }
        holds
    }

    /// The number of tokens of a batch, if it can be one.
    fn length(&self, n_draft: u32) -> u32 {
        let checked = count("n_draft", n_draft);
        self.expect(checked.is_ok(), || format!("answered n_draft = {n_draft}; expected 1 to 1024"));
        if checked.is_ok() { n_draft } else { 1 }
    }
}

fn percentiles(calibration: &Calibration) -> Percentiles {
    let at = |share| f64::from(calibration.quantile(Ratio::new(share)));
    Percentiles { p50: at(0.5), p70: at(0.7), p90: at(0.9) }
}

impl External {
    /// The course that the program gives a request.
    fn course<B: Testbed>(&self, bed: &B, briefing: &Briefing, memory: &ExternalMemory) -> Course {
        let welcome = memory.welcome(briefing);
        if !memory.wants(Ask::Request) {
            return self.checked(welcome.course.clone(), memory);
        }
        let (prompt, view) = (bed.prompt(), bed.view());
        let course = memory.run.program.ask(&Question::Request {
            request: prompt.request,
            edge: memory.edge,
            elapsed_ms: ms(bed.elapsed()),
            prompt: messages::Prompt::of(&prompt),
            view: messages::View::of(&view),
            prices: messages::Prices::of(&view, &Input::whole(prompt)),
        });
        self.checked(course, memory)
    }

    /// The course, if the scenario allows it; drafting without a probe if not.
    fn checked(&self, course: Course, memory: &ExternalMemory) -> Course {
        let (part, name) = match course.route {
            Route::Draft => (Part::Draft, "draft"),
            Route::Edge => (Part::Edge, "edge"),
            Route::Cloud => (Part::Cloud, "cloud"),
        };
        let lacks = |name: &str| format!("uses `{name}`; add \"{name}\" to policy.external.uses");
        let is_allowed = memory.expect(self.may(part), || lacks(name))
            && memory.expect(!course.probe || self.may(Part::Probe), || lacks("probe"))
            && memory.expect((1..=1024).contains(&course.window), || {
                format!("answered window = {}; expected 1 to 1024 batches", course.window)
            });
        if is_allowed { course } else { Course::default() }
    }

    /// The input that a course lets through, behind a probe if it wants one.
    async fn input<B: Testbed>(&self, bed: &B, course: &Course, memory: &ExternalMemory) -> Input {
        let prompt = bed.prompt();
        let mut plan = messages::Plan { retention: course.retention, compression: course.compression };
        let mut mas = None;
        if course.probe {
            let measured = Mas::of(&bed.edge().probe(self.mas.tau_s).await, &self.mas);
            let of = |modality| prompt.has(modality).then_some(measured.0[modality]);
            let shares = Shares { text: of(Modality::Text), visual: of(Modality::Visual), audio: of(Modality::Audio) };
            plan = memory.run.program.ask(&Question::Plan { request: prompt.request, edge: memory.edge, mas: shares });
            mas = Some(measured);
        }
        let input = Input { prompt, kept: self.kept(&plan, memory), handling: Handling::default() };
        if mas.is_some() || !input.is_whole() {
            bed.edge().note_plan(&Plan { mas, input, regret: None });
        }
        input
    }

    /// The kept part of each modality, if the scenario allows it; all of it if not.
    fn kept(&self, plan: &messages::Plan, memory: &ExternalMemory) -> PerModality<Kept> {
        PerModality::of(|modality| {
            let kept = Kept {
                retention: plan.retention.of(modality).unwrap_or(1.0),
                compression: plan.compression.of(modality).unwrap_or(0.0),
            };
            let (part, name) =
                if modality == Modality::Text { (Part::PruneText, "prune_text") } else { (Part::Prune, "prune") };
            let is_allowed = memory.expect(kept.retention > 0.0 && kept.retention <= 1.0, || {
                format!("answered a retention of {}; expected above 0 and at most 1", kept.retention)
            }) && memory.expect(kept.compression >= 0.0 && kept.compression < 1.0, || {
                format!("answered a compression of {}; expected from 0 to below 1", kept.compression)
            }) && memory.expect(kept == Kept::WHOLE || self.may(part), || {
                format!("prunes; add \"{name}\" to policy.external.uses")
            });
            if is_allowed { kept } else { Kept::WHOLE }
        })
    }

    fn speculation(&self, course: &Course, view: &View<'_>, input: &Input) -> Speculation {
        let state = StateSize {
            fixed: view.edge.hidden_bytes(),
            per_new_token: Bytes::ZERO,
            per_token: Bytes::ZERO,
            prompt_tokens: view.edge.prompt_tokens(input),
        };
        let unsure = Unsure { then: course.low_confidence, state, ..Unsure::NEVER };
        Speculation { window: course.window, bonus: course.window == 1, verify: self.verify.verify(), unsure }
    }
}

/// The program as the gate of one request.
struct Outside<'m> {
    memory: &'m ExternalMemory,
    request: u64,
    /// Tokens of a batch, and of this one if it ends sooner.
    length: u32,
    ends_at: u32,
    threshold_nats: f32,
    /// Tokens drafted for this batch, and the time at which it began.
    drafted: u32,
    began: SimDuration,
    /// The same of each batch on its way, oldest first.
    sent: VecDeque<SimDuration>,
}

impl Gate for Outside<'_> {
    fn begin<B: Testbed>(&mut self, at: &At<'_, B>) {
        (self.drafted, self.began) = (0, at.elapsed());
        if self.memory.wants(Ask::Round) {
            let answer: messages::Round = self.memory.run.program.ask(&Question::Round {
                request: self.request,
                edge: self.memory.edge,
                round: at.round,
                elapsed_ms: ms(self.began),
                view: messages::View::of(&at.view()),
            });
            self.length = answer.n_draft.map_or(self.length, |n_draft| self.memory.length(n_draft));
            self.threshold_nats = answer.threshold_nats.unwrap_or(self.threshold_nats);
        }
        self.ends_at = self.length;
    }

    fn is_confident<B: Testbed>(&mut self, draft: &Draft, at: &At<'_, B>) -> bool {
        self.drafted += 1;
        let mut next = Next::Draft;
        if self.memory.wants(Ask::Token) {
            let answer: messages::Token = self.memory.run.program.ask(&Question::Token {
                request: self.request,
                edge: self.memory.edge,
                round: at.round,
                position: draft.position,
                drafted: self.drafted,
                entropy_nats: draft.entropy_nats,
            });
            next = answer.next;
        }
        if next == Next::Send {
            self.ends_at = self.drafted;
        }
        next != Next::Offload && draft.entropy_nats <= self.threshold_nats
    }

    fn sent(&mut self, _: &[Draft]) {
        self.sent.push_back(self.began);
    }

    fn learn<B: Testbed>(&mut self, verdict: &Verdict, at: &At<'_, B>) {
        let began = self.sent.pop_front().unwrap_or(self.began);
        if verdict.rejects() {
            self.sent.clear();
        }
        self.memory.tell(Tell::Verdict, || News::Verdict {
            request: self.request,
            edge: self.memory.edge,
            round: at.round,
            drafted: verdict.drafted,
            accepted: verdict.accepted,
            tokens: verdict.accepted + u32::from(verdict.token.is_some()),
            round_ms: ms(at.elapsed() - began),
        });
    }

    fn theta_nats(&self) -> f32 {
        self.threshold_nats
    }

    fn n_draft(&self) -> u32 {
        self.ends_at
    }
}

impl About for External {
    // Its program may look at anything.
    fn needs_the_cloud_at_once(&self) -> bool {
        true
    }

    fn uses(&self) -> Uses {
        let [draft, edge, cloud] = [Part::Draft, Part::Edge, Part::Cloud].map(|part| self.may(part));
        let [probes, prunes, prunes_text] = [Part::Probe, Part::Prune, Part::PruneText].map(|part| self.may(part));
        Uses {
            edge_model: draft || edge || probes,
            edge_answers: edge,
            cloud: cloud || draft,
            drafts: draft,
            probes,
            prunes: prunes || prunes_text,
            prunes_text,
            ..Uses::default()
        }
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.command.first().is_none_or(|program| program.is_empty()) {
            let expected = "expected a program and its arguments, e.g. [\"python3\", \"my_policy.py\"]";
            return Err(("command", expected.to_owned()));
        }
        if ![Part::Draft, Part::Edge, Part::Cloud].into_iter().any(|part| self.may(part)) {
            return Err(("uses", "expected at least one of \"draft\", \"edge\", \"cloud\"".to_owned()));
        }
        if self.timeout == SimDuration::ZERO {
            return Err(("timeout", "expected a time above 0".to_owned()));
        }
        self.verify.check()
    }

    /// Shell scripts: one that only drafts, and one that sends every other request to the cloud, pruned behind a probe.
    fn examples() -> Vec<(&'static str, Self)> {
        let shell = |script: &str| ["sh", "-c", script].map(str::to_owned).to_vec();
        let drafts = "read -r hello; echo '{\"msao_sim\":1}'; cat >/dev/null";
        let routes = "read -r hello; echo '{\"msao_sim\":1,\"asks\":[\"request\"]}'\n\
            while read -r asked; do case $asked in *'\"ask\":\"plan\"'*) echo '{\"retention\":{\"visual\":0.5}}';;\n\
            *[02468],'\"edge\"'*) echo '{\"route\":\"edge\"}';; *) echo '{\"route\":\"cloud\",\"probe\":true}';; esac; done";
        let uses = vec![Part::Edge, Part::Cloud, Part::Probe, Part::Prune];
        vec![
            ("", Self { command: shell(drafts), ..Self::default() }),
            ("routes", Self { command: shell(routes), uses, ..Self::default() }),
        ]
    }
}

impl Policy for External {
    type Memory = ExternalMemory;

    async fn serve<B: Testbed>(&self, bed: &B, briefing: &Briefing, memory: &ExternalMemory) -> ServedBy {
        bed.edge().preprocess().await;
        let course = self.course(bed, briefing, memory);
        if self.decision_time > SimDuration::ZERO {
            bed.edge().think(self.decision_time).await;
        }
        // Boxed, as what comes before the drafting, so that drafting, which every request waits in, stays small.
        let input = Box::pin(self.input(bed, &course, memory)).await;
        let served_by = match course.route {
            Route::Edge => {
                bed.edge().answer(&input).await;
                ServedBy::Edge
            }
            Route::Cloud => {
                bed.cloud().answer(&input).await;
                ServedBy::Cloud
            }
            Route::Draft => {
                let speculation = self.speculation(&course, &bed.view(), &input);
                Box::pin(read_prompt(bed, input)).await;
                speculation.run(bed, &mut self.gate(bed, &course, memory)).await;
                ServedBy::Cloud
            }
        };
        let (request, edge) = (bed.prompt().request, memory.edge);
        memory.tell(Tell::End, || News::End { request, edge, elapsed_ms: ms(bed.elapsed()) });
        served_by
    }
}

impl External {
    fn gate<'m, B: Testbed>(&self, bed: &B, course: &Course, memory: &'m ExternalMemory) -> Outside<'m> {
        let length = memory.length(course.n_draft);
        Outside {
            memory,
            request: bed.prompt().request,
            length,
            ends_at: length,
            threshold_nats: course.threshold_nats.unwrap_or(f32::INFINITY),
            drafted: 0,
            began: SimDuration::ZERO,
            sent: VecDeque::new(),
        }
    }
}
