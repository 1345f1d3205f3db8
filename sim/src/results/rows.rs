//! From the engine's records to the rows of a results folder. Each run has parts of its own; the parts are put
//! together in the order of the grid, whatever thread ran them.

use super::runs::varied;
use super::spans::Spans;
use super::swept::Swept;
use crate::scenario::{Cell, Point};
use crate::terminal::Failure;
use engine::{DecisionRecord, NoRecorder, Recorder, RequestRecord, SpanRecord, StepRecord, TokenRecord};
use model::modality::Modality;
use policies::{Note, ServedBy};
use std::path::Path;
use tables::{
    AnswerRow, Author, DecisionRow, Keeping, NoteValues, Part, PartWriter, RequestRow, Row, SpanRow, StepRow,
    TableError, Text, TokenRow, VariedNumbers, VariedValues,
};

/// An answer of a real model.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Number of the request.
    pub request: u64,
    /// Ids of its tokens.
    pub ids: Vec<u32>,
    /// Its words.
    pub text: String,
    /// Its score, from 0 to 1.
    pub score: f64,
}

/// A recorder that also takes the answers of real models.
pub trait Log: Recorder {
    /// Takes an answer. The default ignores it.
    fn answer(&mut self, _: &Answer) {}
}

impl Log for NoRecorder {}

/// The tables that are written beside the requests.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Every item of every iteration.
    pub steps: bool,
    /// Every drafted token.
    pub tokens: bool,
    /// Every answer, of models that have words.
    pub answers: bool,
    /// The decisions that the policies note; with none there is no table of them.
    pub notes: Vec<Note>,
    /// The varied keys, whose values stand in the rows of requests.
    pub swept: Swept,
}

impl Wanted {
    /// The columns of the notes.
    fn columns(&self) -> Vec<String> {
        self.notes.iter().map(|note| note.name.to_owned()).collect()
    }
}

/// The columns that all rows of a run have in common.
#[derive(Clone)]
struct Common {
    policy: Text,
    dataset: Text,
    bandwidth_mbps: f64,
    point: u32,
    replication: u32,
}

/// A row with the columns that all rows of a run have in common.
macro_rules! row {
    ($common:expr, $row:ident { $($own:tt)* }) => {{
        let Common { policy, dataset, bandwidth_mbps, point, replication } = $common.clone();
        $row { policy, dataset, bandwidth_mbps, point, replication, $($own)* }
    }};
}

/// Writes the rows of one run.
pub struct Rows {
    common: Common,
    /// The values of the varied keys, and the numbers among them.
    varied: VariedValues,
    numbers: VariedNumbers,
    /// Names of the classes of requests.
    classes: Vec<Text>,
    /// Names of the groups of edges.
    groups: Vec<Text>,
    /// Names of the pools.
    pools: Vec<Text>,
    requests: PartWriter<RequestRow>,
    steps: Option<PartWriter<StepRow>>,
    tokens: Option<PartWriter<TokenRow>>,
    answers: Option<PartWriter<AnswerRow>>,
    decisions: Option<PartWriter<DecisionRow>>,
    /// The notes that are columns of the decisions.
    notes: Vec<Note>,
    /// Spans, for the first replication alone.
    spans: Option<Spans>,
    /// The first error; the engine is not bothered with it.
    failed: Option<TableError>,
}

impl Rows {
    /// Begins the parts of a run.
    pub fn new(place: &Place<'_>, point: &Point, cell: &Cell, wanted: &Wanted) -> Self {
        let label = &point.label;
        let common = Common {
            policy: cell.policy.as_str().into(),
            dataset: label.dataset.as_str().into(),
            bandwidth_mbps: label.bandwidth_mbps.unwrap_or(f64::NAN),
            point: u32::try_from(label.point).expect("few points have rows of requests"),
            replication: place.replication,
        };
        let of_all = row!(common, SpanRow { ..SpanRow::default() });
        let spans = || Spans::new(place.part(&[]), cell.spec.workload.len(), of_all);
        let classes = &cell.spec.workload.classes;
        Self {
            spans: (place.replication == 0).then(spans),
            common,
            varied: varied(label),
            numbers: wanted.swept.numbers(label),
            classes: classes.iter().map(|class| (&*class.name).into()).collect(),
            groups: cell.spec.edges.iter().map(|group| (&*group.name).into()).collect(),
            pools: cell.spec.pools.iter().map(|pool| (&*pool.name).into()).collect(),
            requests: place.part(&wanted.swept.columns()),
            steps: wanted.steps.then(|| place.part(&[])),
            tokens: wanted.tokens.then(|| place.part(&[])),
            answers: wanted.answers.then(|| place.part(&[])),
            decisions: (!wanted.notes.is_empty()).then(|| place.part(&wanted.columns())),
            notes: wanted.notes.clone(),
            failed: None,
        }
    }

    /// Ends the parts.
    ///
    /// # Errors
    /// If a row could not be written.
    pub fn finish(self, keeping: &Keeping) -> Result<Parts, Failure> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        Ok(Parts {
            requests: self.requests.finish(keeping)?,
            steps: self.steps.map(|steps| steps.finish(keeping)).transpose()?,
            tokens: self.tokens.map(|tokens| tokens.finish(keeping)).transpose()?,
            answers: self.answers.map(|answers| answers.finish(keeping)).transpose()?,
            decisions: self.decisions.map(|decisions| decisions.finish(keeping)).transpose()?,
            spans: self.spans.map(|spans| spans.finish(keeping)).transpose()?,
        })
    }

    fn note(&mut self, written: Result<(), TableError>) {
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }
}

impl Log for Rows {
    fn answer(&mut self, answer: &Answer) {
        let row = row!(
            self.common,
            AnswerRow {
                request: answer.request,
                ids: answer.ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ").into(),
                text: answer.text.as_str().into(),
                score: answer.score,
            }
        );
        let written = self.answers.as_mut().map_or(Ok(()), |answers| answers.write(row));
        self.note(written);
    }
}

/// The place of those parts of one run that need files.
pub struct Place<'f> {
    /// The folder.
    pub folder: &'f Path,
    /// Number of the cell, a policy at a point.
    pub cell: usize,
    /// Its replication.
    pub replication: u32,
}

impl Place<'_> {
    fn part<R: Row>(&self, varied: &[String]) -> PartWriter<R> {
        let name = format!("{}-{:06}-{:06}.part", R::TABLE, self.cell, self.replication);
        PartWriter::new(self.folder.join(name), varied)
    }
}

/// The rows of a run that has ended, table by table.
pub struct Parts {
    requests: Part<RequestRow>,
    steps: Option<Part<StepRow>>,
    tokens: Option<Part<TokenRow>>,
    answers: Option<Part<AnswerRow>>,
    decisions: Option<Part<DecisionRow>>,
    spans: Option<Part<SpanRow>>,
}

/// Puts the parts of runs together, which come in the order of the grid.
///
/// # Errors
/// If a table cannot be written.
pub fn put_together(folder: &Path, runs: Vec<Parts>, wanted: &Wanted) -> Result<(), Failure> {
    let (mut requests, mut spans, mut steps) = (Vec::new(), Vec::new(), Vec::new());
    let (mut tokens, mut answers, mut decisions) = (Vec::new(), Vec::new(), Vec::new());
    for run in runs {
        requests.push(run.requests);
        spans.extend(run.spans);
        steps.extend(run.steps);
        tokens.extend(run.tokens);
        answers.extend(run.answers);
        decisions.extend(run.decisions);
    }
    put_table_together(folder, requests, &wanted.swept.columns(), &[])?;
    put_table_together(folder, spans, &[], &[])?;
    if wanted.steps {
        put_table_together(folder, steps, &[], &[])?;
    }
    if wanted.tokens {
        put_table_together(folder, tokens, &[], &[])?;
    }
    if wanted.answers {
        put_table_together(folder, answers, &[], &[])?;
    }
    if !wanted.notes.is_empty() {
        let meanings: Vec<(String, String)> = wanted.notes.iter().map(meaning).collect();
        let meanings: Vec<(&str, &str)> = meanings.iter().map(|(key, told)| (key.as_str(), told.as_str())).collect();
        put_table_together(folder, decisions, &wanted.columns(), &meanings)?;
    }
    Ok(())
}

/// A note in the metadata of its table: name, and meaning with unit.
fn meaning(note: &Note) -> (String, String) {
    let unit = if note.unit.is_empty() { String::new() } else { format!(" Unit: {}.", note.unit) };
    (format!("note.{}", note.name), format!("{}{unit}", note.meaning))
}

fn put_table_together<R: Row>(
    folder: &Path,
    parts: Vec<Part<R>>,
    varied: &[String],
    notes: &[(&str, &str)],
) -> Result<(), Failure> {
    let path = folder.join(format!("{}.parquet", R::TABLE));
    Ok(tables::put_together(parts, &path, varied, notes)?)
}

impl Recorder for Rows {
    fn wants_steps(&self) -> bool {
        self.steps.is_some()
    }

    fn wants_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    fn wants_decisions(&self) -> bool {
        self.decisions.is_some()
    }

    fn decision(&mut self, record: &DecisionRecord<'_>) {
        let noted = |note: &Note| record.notes.iter().find(|(of, _)| **of == *note).map(|(_, value)| *value);
        let notes: Vec<Option<f64>> = self.notes.iter().map(noted).collect();
        let written = notes.iter().flatten().count();
        assert_eq!(written, record.notes.len(), "{:?} has a note that its policy does not declare", record.notes);
        let row = row!(
            self.common,
            DecisionRow { request: record.request, edge: record.edge, round: record.round, notes: NoteValues(notes) }
        );
        let written = self.decisions.as_mut().map_or(Ok(()), |decisions| decisions.write(row));
        self.note(written);
    }

    fn wants_spans(&self, request: u64) -> bool {
        self.spans.as_ref().is_some_and(|spans| spans.wants(request))
    }

    fn span(&mut self, record: &SpanRecord) {
        let written = self.spans.as_mut().map_or(Ok(()), |spans| spans.write(record));
        self.note(written);
    }

    fn request(&mut self, record: &RequestRecord) {
        let row = self.request_row(record);
        let written = self.requests.write(row);
        self.note(written);
    }

    fn step(&mut self, record: &StepRecord) {
        let row = row!(
            self.common,
            StepRow {
                request: record.request,
                side: record.side,
                gpu: record.gpu,
                kind: record.kind,
                tokens: record.tokens,
                context_tokens: record.context_tokens,
                batch: record.batch,
                start_s: record.start.as_secs_f64(),
                duration_ms: record.duration.as_ms_f64(),
            }
        );
        let written = self.steps.as_mut().map_or(Ok(()), |steps| steps.write(row));
        self.note(written);
    }

    fn token(&mut self, record: &TokenRecord) {
        let row = row!(
            self.common,
            TokenRow {
                request: record.request,
                round: record.round,
                position: record.position,
                entropy_nats: record.entropy_nats.into(),
                theta_nats: record.theta_nats.into(),
                accepted: record.accepted,
                verified: record.verified,
            }
        );
        let written = self.tokens.as_mut().map_or(Ok(()), |tokens| tokens.write(row));
        self.note(written);
    }
}

impl Rows {
    fn request_row(&self, record: &RequestRecord) -> RequestRow {
        let moments = record.moments.as_ref();
        let mas = |modality| record.mas.map(|mas| mas.0[modality]);
        let kept = &record.input.kept;
        row!(
            self.common,
            RequestRow {
                varied: self.varied.clone(),
                numbers: self.numbers.clone(),
                request: record.request.prompt.request,
                edge: record.edge,
                class: self.classes.get(record.class as usize).cloned().unwrap_or_default(),
                group: self.groups[record.group as usize].clone(),
                pool: record.pool.map_or_else(|| Text::from(""), |pool| self.pools[pool as usize].clone()),
                client: record.client,
                submit_s: record.submit.as_secs_f64(),
                warm_up: record.warm_up,
                status: record.status,
                fell_back: record.fell_back,
                text_tokens: record.request.prompt.text_tokens,
                visual_tokens: u32::try_from(record.visual_tokens).unwrap_or(u32::MAX),
                output_tokens: record.request.output_tokens,
                audio_tokens: record.request.prompt.audio.map_or(0, |audio| audio.tokens),
                mas_text: mas(Modality::Text),
                mas_visual: mas(Modality::Visual),
                mas_audio: mas(Modality::Audio),
                retention_text: kept[Modality::Text].retention,
                retention: kept[Modality::Visual].retention,
                retention_audio: kept[Modality::Audio].retention,
                compression: kept[Modality::Visual].compression,
                compression_audio: kept[Modality::Audio].compression,
                ttft_ms: moments.map(|moments| moments.ttft().as_ms_f64()),
                tpot_ms: moments.and_then(|moments| moments.tpot()).map(|tpot| tpot.as_ms_f64()),
                e2e_ms: moments.map(|moments| moments.e2e().as_ms_f64()),
                met_slo: record.met,
                uplink_bytes: record.uplink.as_u64(),
                downlink_bytes: record.downlink.as_u64(),
                rounds: record.rounds,
                drafted_tokens: record.drafted,
                accepted_tokens: record.accepted,
                wasted_tokens: record.drafted - record.accepted,
                preemptions: record.memory.preemptions,
                recomputed_tokens: record.memory.recomputed,
                cached_tokens: record.memory.cached,
                edge_tflop: record.edge_flop / 1e12,
                cloud_tflop: record.cloud_flop / 1e12,
                edge_busy_ms: record.edge_busy.as_ms_f64(),
                cloud_busy_ms: record.cloud_busy.as_ms_f64(),
                energy_j: record.joules,
                correct: record.correct,
                served_by: match record.served_by {
                    ServedBy::Edge => Author::Edge,
                    ServedBy::Cloud | ServedBy::Published(_) => Author::Cloud,
                    ServedBy::Both => Author::Both,
                },
            }
        )
    }
}
