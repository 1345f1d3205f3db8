//! Prompts that are read in chunks.

use super::{Golden, id, largest_difference, wanted};
use onnx::{Model, Prompt, generate};

/// Reads a prompt in chunks of so many tokens and answers by single steps.
fn answer_in_chunks(model: &mut Model, prompt: &Prompt, chunk: usize, wanted: usize) -> (Vec<f32>, Vec<u32>) {
    let mut reading = model.begin(prompt).unwrap();
    let logits = loop {
        let left = reading.left();
        match model.read(&mut reading, chunk).unwrap() {
            Some(logits) => break logits,
            None => assert_eq!(reading.left(), left - chunk),
        }
    };
    assert!(model.read(&mut reading, 1).err().unwrap().to_string().contains("a prompt that has 0 left"));
    let mut sequence = reading.into_sequence();
    assert_eq!(sequence.tokens(), prompt.ids.len());
    let row = logits.row(0).unwrap();
    let (first, mut answer) = (row.to_vec(), vec![row.choice().unwrap().token]);
    while answer.len() < wanted && !model.folder().config.ends.contains(answer.last().unwrap()) {
        let logits = model.step(&mut sequence, &[*answer.last().unwrap()], 1).unwrap();
        answer.push(logits.row(0).unwrap().choice().unwrap().token);
    }
    (first, answer)
}

#[test]
fn shared_prompts_read_in_chunks_are_answered_as_in_one_go() {
    let Some(golden) = Golden::find("shared_prompts_read_in_chunks_are_answered_as_in_one_go") else { return };
    for name in ["draft", "target"] {
        let mut model = golden.model(name);
        for prompt in &golden.prompts {
            let read = golden.prompt(&model, prompt);
            let whole = model.open(&read).unwrap().1.row(0).unwrap().to_vec();
            let (answer, _) = generate(&mut model, &read, wanted(prompt)).unwrap();
            for chunk in [7, 32] {
                let (first, ids) = answer_in_chunks(&mut model, &read, chunk, wanted(prompt));
                let difference = largest_difference(&first, &whole);
                assert!(difference <= 1e-4, "{name} {} by {chunk}: logits off by {difference}", id(prompt));
                assert_eq!(ids, answer.ids, "{name} {} by {chunk}", id(prompt));
            }
        }
    }
}

#[test]
fn shared_readings_may_be_given_up() {
    let Some(golden) = Golden::find("shared_readings_may_be_given_up") else { return };
    let mut model = golden.model("draft");
    let prompt = golden.prompts.iter().find(|prompt| id(prompt) == "p03_color").unwrap();
    let read = golden.prompt(&model, prompt);
    let mut reading = model.begin(&read).unwrap();
    assert_eq!((reading.tokens(), reading.left(), reading.sequence().tokens()), (read.ids.len(), read.ids.len(), 0));
    assert!(model.read(&mut reading, 5).unwrap().is_none());
    assert!(model.read(&mut reading, 0).is_err());
    assert_eq!(reading.into_sequence().tokens(), 5);
    let rows = model.embeddings(&read.ids[..5]).unwrap();
    assert_eq!((rows.count(), rows.values.len()), (5, 5 * rows.width));
}
