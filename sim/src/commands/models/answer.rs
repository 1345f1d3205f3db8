//! `sim models run`: one answer, printed.

use super::args::Run;
use super::inputs;
use crate::terminal::Failure;
use backends::onnx::{Answer, Model, Runtime, Timing, generate, speculate};
use serde_json::{Value, json};

/// The answer to what was asked, in the form that was asked for.
pub fn answer(asked: &Run, model: &mut Model, draft: Option<&mut Model>, runtime: &Runtime) -> Result<String, Failure> {
    let most = asked.max_tokens as usize;
    let drafted = draft.is_some();
    let (answer, spent) = match draft {
        Some(draft) => {
            // Before the prompt is made of the target's tokens.
            draft.drafts_for(model)?;
            let prompt = inputs::prompt(asked, model)?;
            speculate(model, draft, &prompt, usize::from(asked.gamma), most)?
        }
        None => {
            let prompt = inputs::prompt(asked, model)?;
            generate(model, &prompt, most)?
        }
    };
    let text = model.text().text(&answer.ids)?;
    let timings = asked.timings.then(|| timings(&answer, &spent, runtime));
    if asked.json {
        return Ok(object(&answer, &text, drafted, timings).to_string() + "\n");
    }
    let timings = timings.map(|timings| format!("{timings}\n")).unwrap_or_default();
    Ok(format!("{text}\n{timings}"))
}

fn object(answer: &Answer, text: &str, drafted: bool, timings: Option<Value>) -> Value {
    let mut object = json!({
        "ids": answer.ids,
        "text": text,
        "entropies": answer.entropies,
        "finish": answer.finish,
    });
    if drafted {
        let accepted: Vec<usize> = answer.rounds.iter().map(|round| round.accepted).collect();
        object["rounds"] = json!(answer.rounds.len());
        object["proposed"] = json!(answer.rounds.iter().map(|round| round.proposed).sum::<usize>());
        object["accepted"] = json!(accepted.iter().sum::<usize>());
        object["accepted_per_round"] = json!(accepted);
    }
    if let Some(timings) = timings {
        object["timings"] = timings;
    }
    object
}

/// Durations, and what they were measured on.
fn timings(answer: &Answer, spent: &Timing, runtime: &Runtime) -> Value {
    let decoded = answer.ids.len().saturating_sub(1) as f64;
    let seconds = spent.decode.as_secs_f64();
    let outside = spent.decode.saturating_sub(spent.decode_inside).as_secs_f64();
    let steps = spent.steps as f64;
    json!({
        "prefill_ms": spent.prefill.as_secs_f64() * 1e3,
        "decode_ms": seconds * 1e3,
        "tokens_per_s": if seconds > 0.0 { decoded / seconds } else { 0.0 },
        "outside_run_us_per_step": if steps > 0.0 { outside * 1e6 / steps } else { 0.0 },
        "provider": runtime.provider().name(),
        "library": runtime.library().path(),
        "library_version": runtime.library().version(),
    })
}
