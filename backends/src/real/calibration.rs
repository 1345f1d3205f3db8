//! The calibration set, measured before the first request: entropies of the draft's tokens, and the target's
//! agreement.

use super::Questions;
use model::tokens::{Calibration, TokenOutcome};
use onnx::{Model, Prompt, Result, generate};

/// The whole prompt of a question for a model.
fn prompt(model: &Model, questions: &dyn Questions, request: u64) -> Result<Prompt> {
    let pictures = questions.pictures(request)?;
    let patches = pictures.iter().map(|picture| model.preprocessing().patches(picture)).collect::<Result<Vec<_>>>()?;
    let rendered = model.text().rendered(patches.len(), &questions.text(request))?;
    model.prompt(&model.text().tokens(&rendered)?, patches, false)
}

/// The draft's entropy at every position of the target's answer to a question, and true where its token is the
/// target's. The answer has at most `longest` tokens.
///
/// # Errors
/// A model fails.
pub fn recorded(
    [draft, target]: [&mut Model; 2],
    questions: &dyn Questions,
    request: u64,
    longest: usize,
) -> Result<Vec<TokenOutcome>> {
    let prompt_of_target = prompt(target, questions, request)?;
    let answer = generate(target, &prompt_of_target, longest)?.0.ids;
    let prompt_of_draft = prompt(draft, questions, request)?;
    let (mut sequence, logits) = draft.open(&prompt_of_draft)?;
    let outcome = |choice: onnx::Choice, position: usize| TokenOutcome {
        entropy_nats: choice.entropy as f32,
        agrees: choice.token == answer[position],
    };
    let mut outcomes = vec![outcome(logits.row(0)?.choice()?, 0)];
    let rest = answer.len() - 1;
    if rest > 0 {
        let logits = draft.step(&mut sequence, &answer[..rest], rest)?;
        for row in 0..rest {
            outcomes.push(outcome(logits.row(row)?.choice()?, row + 1));
        }
    }
    Ok(outcomes)
}

/// The calibration set of Eq. 12, of real tokens: at most `samples` of what is [`recorded`] of these requests.
///
/// # Errors
/// A model fails.
pub fn calibration(
    [draft, target]: [&mut Model; 2],
    questions: &dyn Questions,
    requests: impl Iterator<Item = u64>,
    longest: usize,
    samples: usize,
) -> Result<Calibration> {
    let mut outcomes = Vec::with_capacity(samples);
    for request in requests {
        if outcomes.len() >= samples {
            break;
        }
        outcomes.extend(recorded([draft, target], questions, request, longest)?);
    }
    outcomes.truncate(samples);
    Ok(Calibration::of(outcomes))
}

/// Lets a model answer a question with a few tokens, one by one and several at once: a library's first passes allocate memory and
/// choose kernels, and would be measured.
///
/// # Errors
/// The model fails.
pub fn warm_up(model: &mut Model, questions: &dyn Questions, request: u64) -> Result<()> {
    let prompt = prompt(model, questions, request)?;
    for _ in 0..2 {
        let (mut sequence, logits) = model.open(&prompt)?;
        let token = logits.row(0)?.choice()?.token;
        for tokens in [1, 1, 2, 3, 6] {
            let held = sequence.tokens();
            model.step(&mut sequence, &vec![token; tokens], tokens)?;
            model.rollback(&mut sequence, held + 1);
        }
    }
    Ok(())
}
