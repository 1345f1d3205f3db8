//! A scenario's points, made to fit real models: their dimensions, their questions, their counts of tokens.

use super::asked::Asked;
use super::models::{Loaded, Models};
use crate::results::replayed::with_model;
use crate::scenario::{Drawn, Plan, Point, Replay, Source};
use crate::terminal::{Failure, say};
use backends::onnx;
use drawn::Kind;
use engine::{Content, RESERVED_OUTPUT_TOKENS, RunSpec, Workload, kv_of_tiers};
use kernel::Streams;
use model::published::Benchmark;
use model::request::{ImageSize, Images, Request};
use policies::System;
use units::{Bytes, SimDuration};

/// Pixels of the side of a visual token, for pictures of which only the tokens are known.
const TOKEN_SIDE: u32 = 28;

/// Refuses policies that ask for what a whole graph cannot do.
pub fn check_policies(source: &Source, points: &[Point]) -> Result<(), Failure> {
    for cell in points.iter().flat_map(|point| &point.cells) {
        let (policy, spec) = (&cell.policy, &cell.spec);
        if let Some(name) = spec.policy.drafter().and_then(|drafter| drafter.model) {
            say(format_args!("sim: warning: {policy} drafts with the edge's model: a replay has no {name}"));
        }
        if matches!(spec.policy, System::SpecEdge(_) | System::CovSpec(_)) {
            say(format_args!("sim: warning: {policy} drafts sequences: real models grow no trees"));
        }
        let why = if spec.policy.split().is_some() {
            "splits the cloud's model, and graphs of whole models cannot be split"
        } else if spec.policy.uses().encodes || spec.workload.payload == model::request::PayloadFormat::VisionTokens {
            "runs the cloud's vision tower on the edge, which replays do not"
        } else {
            continue;
        };
        let reason = format!("{policy} {why}; leave it out of a replay, or use --mode simulate");
        return Err(source.refuse_key("policy", &reason));
    }
    Ok(())
}

/// The kind of question that is drawn at a point: of MMBench with options, of all else open, unless the scenario says it.
pub fn kind(replay: &Replay, point: &Point) -> Kind {
    let is_mmbench = point.cells.first().is_some_and(|cell| cell.spec.benchmark == Benchmark::Mmbench);
    match replay.drawn {
        Some(Drawn::Sentence) => Kind::Sentence,
        Some(Drawn::Open) => Kind::Open,
        Some(Drawn::Choice) => Kind::Choice,
        Some(Drawn::Mixed) => Kind::Mixed,
        Some(Drawn::Graded) => Kind::Graded,
        None if is_mmbench => Kind::Choice,
        None => Kind::Open,
    }
}

/// Makes a point fit: what is asked there.
///
/// # Errors
/// A question cannot be asked, or a model does not fit its device.
pub fn point(
    plan: &Plan,
    point: &mut Point,
    models: &Models,
    replay: &Replay,
    kind: Kind,
    own_words: bool,
) -> Result<Asked, Failure> {
    let Some(first) = point.cells.first() else { return Err(Failure::bug("a point without a policy")) };
    let spec = &first.spec;
    let drawn = requests(spec, &plan.source)?;
    let asked = match &replay.questions {
        Some(file) => Asked::read(&plan.source.folder().join(file))?,
        None => {
            // The calibration set is drawn behind them.
            let more = (0..u64::from(replay.calibration_questions)).map(|at| size(&drawn[at as usize % drawn.len()].0));
            let sizes = drawn.iter().map(|(request, _)| size(request)).chain(more);
            Asked::drawn(spec.seed, kind, sizes.collect())
        }
    };
    // A model may never end its answer: without a cap, it stops where memory is set aside for.
    let stated = plan.scenario.workload.output_tokens;
    let cap = spec.workload.max_output_tokens.unwrap_or(stated.unwrap_or(0).max(RESERVED_OUTPUT_TOKENS));
    let answer = stated.unwrap_or(cap).min(cap);
    let count = if replay.questions.is_some() { drawn.len().min(asked.len()) } else { drawn.len() };
    let mut listed = Vec::with_capacity(count);
    for (number, (request, offset)) in drawn.into_iter().take(count).enumerate() {
        let output_tokens = if own_words { answer } else { request.output_tokens };
        let longest = spec.workload.max_output_tokens.unwrap_or(output_tokens);
        let request = real(&request, number as u64, &asked, models, (spec, longest))?;
        listed.push((Request { output_tokens, ..request }, offset));
    }
    let listed: std::sync::Arc<[_]> = listed.into();
    for cell in &mut point.cells {
        let engines = [(&mut cell.spec.edges[0].tier, &models.edge), (&mut cell.spec.pools[0].tier, &models.cloud)];
        for (tier, loaded) in engines {
            *tier = with_model(tier, &loaded.spec);
            tier.drafter = tier.drafter.as_ref().map(|_| Box::new(models.edge.spec.clone()));
        }
        cell.spec.edges[0].tier.encoder.clone_from(&models.cloud.spec.vision);
        cell.spec.workload.content = Content::Listed(listed.clone());
        if own_words {
            cell.spec.workload.max_output_tokens = Some(cap);
        }
        kv_of_tiers(&cell.spec)
            .map_err(|error| Failure::refused(format!("{}: {error}", plan.source.path.display())))?;
    }
    Ok(asked)
}

/// The requests of a run as the scenario has them, each with its time in a trace.
fn requests(spec: &RunSpec, source: &Source) -> Result<Vec<(Request, SimDuration)>, Failure> {
    let Workload { requests, .. } = spec.workload;
    if requests > MOST {
        let reason = format!("{requests} requests to be executed one by one; expected at most {MOST}");
        return Err(source.refuse_key("workload.requests", &reason));
    }
    let Workload { system_prompt, questions_per_picture, sessions, .. } = &spec.workload;
    let shared = [
        ("workload.sessions", sessions.is_some()),
        ("workload.system_prompt", *system_prompt > 0),
        ("workload.questions_per_picture", *questions_per_picture > 1),
    ];
    if let Some((key, _)) = shared.into_iter().find(|(_, is_set)| *is_set) {
        let reason = "a replay asks each question by itself; leave it out of a replay, or use --mode simulate";
        return Err(source.refuse_key(key, reason));
    }
    let streams = Streams::new(spec.seed).replication(0);
    let all = (0..spec.workload.len())
        .map(|number| (spec.workload.request(streams, number).0, spec.workload.offset(number)))
        .collect::<Vec<_>>();
    match all.iter().find(|(request, _)| request.prompt.audio.is_some()) {
        Some(_) => {
            Err(source
                .refuse_key("workload.dataset", "it has sound, and the models of a replay read pictures and text"))
        }
        None => Ok(all),
    }
}

/// Requests of a replay, at most.
const MOST: u64 = 1_000_000;

/// Columns and rows of the picture that is drawn for a request.
fn size(request: &Request) -> Option<(u32, u32)> {
    request.prompt.images.map(|images| match images.size {
        ImageSize::Pixels { width, height } => (width, height),
        ImageSize::Tokens(tokens) => {
            let side = TOKEN_SIDE * (f64::from(tokens).sqrt().round() as u32).max(1);
            (side, side)
        }
    })
}

/// A request with the question that is really asked.
fn real(
    request: &Request,
    number: u64,
    asked: &Asked,
    models: &Models,
    (spec, longest): (&RunSpec, u32),
) -> Result<Request, Failure> {
    let sizes = asked.sizes(number)?;
    let of_question =
        |error: onnx::OnnxError| Failure::refused(format!("question {}: {error}", asked.question(number).id));
    let counted = |loaded: &Loaded| loaded.with(|model| tokens(model, asked, number, &sizes)).map_err(of_question);
    let ([text_tokens, prompt], [_, other]) = (counted(&models.edge)?, counted(&models.cloud)?);
    for (loaded, prompt) in [(&models.edge, prompt), (&models.cloud, other)] {
        let (context, folder) = loaded.with(|model| (model.folder().config.context, model.folder().path().to_owned()));
        let answer = longest as usize;
        if prompt + answer > context {
            return Err(Failure::refused(format!(
                "question {}: a prompt of {prompt} tokens and an answer of up to {answer}; the context of {} has {context}; \
                 lower workload.max_output_tokens, or ask about smaller pictures",
                asked.question(number).id,
                folder.display()
            )));
        }
    }
    let mut request = *request;
    request.prompt.text_tokens = u32::try_from(text_tokens).unwrap_or(u32::MAX);
    request.prompt.images = pictures(&request, &sizes, asked.file_bytes(number)?, spec);
    Ok(request)
}

/// The pictures of a request; of files their own bytes, of drawn ones those of a photo of that size.
fn pictures(request: &Request, sizes: &[(u32, u32)], files: Option<u64>, spec: &RunSpec) -> Option<Images> {
    let (width, height) = *sizes.first()?;
    let alike = sizes.iter().all(|size| *size == (width, height));
    let pixels: f64 = sizes.iter().map(|(width, height)| f64::from(*width) * f64::from(*height)).sum();
    let mean = (pixels / sizes.len() as f64 / f64::from(TOKEN_SIDE * TOKEN_SIDE)).ceil() as u32;
    let bytes = files.map(|bytes| spec.workload.payload.bytes(pixels).unwrap_or(Bytes::new(bytes)));
    let of_photos = |images: Images| {
        let each = images.payload.as_u64() as f64 / f64::from(images.count.max(1));
        Bytes::new((each * sizes.len() as f64) as u64)
    };
    let payload = bytes.or(request.prompt.images.map(of_photos)).unwrap_or_default();
    let size = if alike { ImageSize::Pixels { width, height } } else { ImageSize::Tokens(mean.max(1)) };
    Some(Images { count: sizes.len() as u32, size, payload, moving: false, encoded: false })
}

/// Tokens of the text, without the markers around each picture, and of the whole prompt.
fn tokens(model: &onnx::Model, asked: &Asked, number: u64, sizes: &[(u32, u32)]) -> onnx::Result<[usize; 2]> {
    let question = asked.question(number).prompt();
    let ids = model.text().tokens(&model.text().rendered(sizes.len(), &question)?)?.len();
    let visual = |(width, height): &(u32, u32)| model.preprocessing().tokens(*width, *height);
    let visual = sizes.iter().map(visual).sum::<onnx::Result<usize>>()?;
    // Each picture has one place in the text, and a marker on either side.
    Ok([ids.saturating_sub(3 * sizes.len()), ids - sizes.len() + visual])
}
