//! `sim models check`: a pair of models held to recorded answers, and operators that the provider left to the processor.

use super::args::Check;
use super::opened::{checked, loaded};
use super::recorded::{self, Answers, Expected, Recorded};
use crate::results::whole_file;
use crate::run::replay::Machine;
use crate::terminal::Failure;
use backends::onnx::{Answer, Folder, Model, Placed, Provider, Runtime, generate, speculate};
use serde_json::{Value, json};

/// ONNX Runtime's name for the processor.
const PROCESSOR: &str = "CPUExecutionProvider";

const SIDES: [&str; 2] = ["draft", "target"];

/// The findings on a pair.
#[derive(Default)]
struct Findings {
    prompts: usize,
    tokens: usize,
    /// Largest difference of an entropy, of draft and target.
    off_nats: [f64; 2],
    proposed: usize,
    accepted: usize,
    /// Sentences, one for each answer that is another.
    differences: Vec<String>,
}

impl Findings {
    /// Compares an answer with the recorded one: tokens, and entropies up to the first other token.
    fn compare(&mut self, side: usize, prompt: &str, expected: &Expected, answer: &Answer, tolerance_nats: f64) {
        let what = format!("{} on {prompt:?}", SIDES[side]);
        self.tokens += answer.ids.len();
        let same = answer.ids.iter().zip(&expected.ids).take_while(|(ours, theirs)| ours == theirs).count();
        if answer.ids != expected.ids {
            let id = |ids: &[u32]| ids.get(same).map_or_else(|| "the end".to_owned(), u32::to_string);
            let (ours, theirs) = (id(&answer.ids), id(&expected.ids));
            self.differences.push(format!("{what}: token {} is {ours}, expected {theirs}", same + 1));
        }
        let entropies = answer.entropies.iter().zip(&expected.entropies).take(same);
        let apart = |(ours, theirs): (&f64, &f64)| Some((ours - theirs).abs()).filter(|off| !off.is_nan());
        let off = entropies.map(|pair| apart(pair).unwrap_or(f64::INFINITY)).fold(0.0, f64::max);
        self.off_nats[side] = self.off_nats[side].max(off);
        if off > tolerance_nats {
            self.differences.push(format!("{what}: an entropy is {off:.6} nats off, allowed are {tolerance_nats}"));
        }
    }

    /// Lets both models answer a prompt, alone and together.
    fn answer(
        &mut self,
        pair: &mut [Model; 2],
        one: &Recorded,
        asked: &Check,
        tolerances: [f64; 2],
    ) -> Result<(), Failure> {
        self.prompts += 1;
        for side in 0..2 {
            let (answer, _) = generate(&mut pair[side], &one.prompt, one.wanted)?;
            self.compare(side, &one.id, &one.answers[side], &answer, tolerances[side]);
        }
        let [draft, target] = pair;
        let (greedy, _) = generate(target, &one.prompt, one.wanted)?;
        let (drafted, _) = speculate(target, draft, &one.prompt, usize::from(asked.gamma), one.wanted)?;
        self.proposed += drafted.rounds.iter().map(|round| round.proposed).sum::<usize>();
        self.accepted += drafted.rounds.iter().map(|round| round.accepted).sum::<usize>();
        if drafted.ids != greedy.ids {
            self.differences.push(format!("speculative output on {:?} is another than the target's own", one.id));
        }
        Ok(())
    }
}

/// Checks a pair.
pub fn run(asked: &Check) -> Result<(), Failure> {
    let dtype = asked.execution.dtype.as_deref();
    let folders = [checked(&asked.draft, dtype)?, checked(&asked.folder, dtype)?];
    let runtime = asked.execution.runtime()?;
    let profiles = tempfile::tempdir().map_err(|error| Failure::io("make", &std::env::temp_dir(), &error))?;
    let mut pair = opened(&folders, &runtime.clone().profiled(profiles.path()))?;
    let answers = match &asked.golden {
        Some(file) => recorded::read(file, &pair[1])?,
        None => of_processor(asked, &folders)?,
    };
    let mut findings = Findings::default();
    let Answers { prompts, tolerances_nats } = &answers;
    prompts.iter().try_for_each(|one| findings.answer(&mut pair, one, asked, *tolerances_nats))?;
    let mut placed = Vec::new();
    for (side, model) in SIDES.iter().zip(&mut pair) {
        placed.extend(model.placement()?.into_iter().map(|one| (*side, one)));
    }
    let json = object(&findings, &answers, &placed, &runtime, asked).to_string() + "\n";
    if let Some(out) = &asked.out {
        whole_file::write(out, &json)?;
    }
    let told = if asked.json { json } else { text(&findings, &answers, &placed, &runtime) };
    crate::terminal::print(&told)?;
    match findings.differences.as_slice() {
        [] => Ok(()),
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!("; and {} more", rest.len()) };
            Err(Failure::regression(format!("{first}{more}; the provider computes something else than was recorded")))
        }
    }
}

/// Both models, the draft ready to draft for the target.
fn opened(folders: &[Folder; 2], runtime: &Runtime) -> Result<[Model; 2], Failure> {
    let (mut draft, target) = (loaded(folders[0].clone(), runtime)?, loaded(folders[1].clone(), runtime)?);
    draft.drafts_for(&target)?;
    Ok([draft, target])
}

/// The answers of the same models on the processor.
fn of_processor(asked: &Check, folders: &[Folder; 2]) -> Result<Answers, Failure> {
    let [mut draft, mut target] = opened(folders, &asked.execution.runtime_on(Provider::Cpu)?)?;
    recorded::of_pair([&mut draft, &mut target])
}

/// Operators that another than the processor was asked to run and that the processor ran.
fn left(placed: &[(&str, Placed)], provider: Provider) -> Vec<String> {
    let left = placed.iter().filter(|(_, one)| provider != Provider::Cpu && one.provider == PROCESSOR);
    left.map(|(side, one)| format!("{side}/{}: {} x {}", one.graph, one.nodes, one.operator)).collect()
}

fn object(
    findings: &Findings,
    answers: &Answers,
    placed: &[(&str, Placed)],
    runtime: &Runtime,
    asked: &Check,
) -> Value {
    let machine = Machine::of(runtime.provider());
    let operators: Vec<Value> = placed
        .iter()
        .map(|(side, one)| {
            json!({
                "model": side, "graph": one.graph, "provider": one.provider, "operator": one.operator, "nodes": one.nodes,
            })
        })
        .collect();
    json!({
        "provider": runtime.provider().name(),
        "device_name": machine.device_name,
        "driver": machine.driver,
        "library_version": runtime.library().version(),
        "golden": asked.golden,
        "prompts": findings.prompts,
        "tokens": findings.tokens,
        "tolerance_nats": answers.tolerances_nats,
        "entropy_off_nats_max": findings.off_nats,
        "gamma": asked.gamma,
        "proposed": findings.proposed,
        "accepted": findings.accepted,
        "differences": findings.differences,
        "left_to_the_processor": left(placed, runtime.provider()),
        "operators": operators,
    })
}

fn text(findings: &Findings, answers: &Answers, placed: &[(&str, Placed)], runtime: &Runtime) -> String {
    let Findings { prompts, tokens, off_nats, proposed, accepted, differences } = findings;
    let mut text = format!("{prompts} prompts, {tokens} tokens on {}: ", runtime.provider().name());
    text += if differences.is_empty() { "all as recorded\n" } else { "not as recorded\n" };
    for (side, (off, tolerance)) in SIDES.iter().zip(off_nats.iter().zip(answers.tolerances_nats)) {
        text += &format!("entropies of the {side}: at most {off:.6} nats off, allowed are {tolerance}\n");
    }
    text += &format!("{accepted} of {proposed} drafted tokens were accepted\n");
    text.extend(differences.iter().map(|difference| format!("differs: {difference}\n")));
    let nodes = |processor: bool| -> usize {
        placed.iter().filter(|(_, one)| (one.provider == PROCESSOR) == processor).map(|(_, one)| one.nodes).sum()
    };
    text += &format!("nodes: {} on the processor, {} elsewhere\n", nodes(true), nodes(false));
    text.extend(left(placed, runtime.provider()).iter().map(|one| format!("left to the processor: {one}\n")));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_tokens_and_entropies_are_found() {
        let expected = Expected { ids: vec![1, 2, 3], entropies: vec![0.5, 0.5, 0.5] };
        let found = |ids: &[u32], entropies: &[f64]| {
            let mut findings = Findings::default();
            let answer = Answer { ids: ids.to_vec(), entropies: entropies.to_vec(), ..Answer::default() };
            findings.compare(1, "p", &expected, &answer, 1e-3);
            findings.differences
        };
        assert!(found(&[1, 2, 3], &[0.5, 0.5005, 0.5]).is_empty());
        assert_eq!(found(&[1, 7, 3], &[0.5, 9.0, 0.5]), ["target on \"p\": token 2 is 7, expected 2"]);
        assert_eq!(found(&[1, 2], &[0.5, 0.5]), ["target on \"p\": token 3 is the end, expected 3"]);
        let off = found(&[1, 2, 3], &[0.5, 0.5, 0.6]);
        assert_eq!(off, ["target on \"p\": an entropy is 0.100000 nats off, allowed are 0.001"]);
        assert_eq!(found(&[1, 2, 3], &[0.5, f64::NAN, 0.5]).len(), 1);
    }

    #[test]
    fn the_processor_is_named_only_where_another_was_asked_for() {
        let one = |provider: &str, operator: &str| {
            let (provider, operator) = (provider.to_owned(), operator.to_owned());
            ("draft", Placed { graph: "decoder".to_owned(), provider, operator, nodes: 3 })
        };
        let placed = [one("CUDAExecutionProvider", "MatMul"), one(PROCESSOR, "Shape")];
        assert_eq!(left(&placed, Provider::Cuda), ["draft/decoder: 3 x Shape"]);
        assert!(left(&placed, Provider::Cpu).is_empty());
    }
}
