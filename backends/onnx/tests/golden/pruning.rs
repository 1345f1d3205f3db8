//! Prompts of which less is kept.

use super::{Golden, id, wanted};
use onnx::{Model, Prompt, View, generate};

/// Numbers that differ and follow no line: the same in every run.
fn importance(tokens: usize) -> Vec<f32> {
    (0..tokens).map(|at| ((at * 37 + 11) % 101) as f32 / 101.0).collect()
}

/// Views of all pictures, of a share each: whole lines, or single tokens behind the tower.
fn views(prompt: &Prompt, share: f64, lines: bool) -> Vec<View> {
    let view = |whole: &View| {
        let tokens = (whole.tokens() as f64 * share).ceil() as usize;
        let importance = importance(whole.tokens());
        if lines {
            return whole.clone().drop_lines(&importance, tokens).unwrap();
        }
        let mut places: Vec<usize> = (0..whole.tokens()).collect();
        places.sort_by(|a, b| importance[*b].total_cmp(&importance[*a]));
        places.truncate(tokens);
        places.sort_unstable();
        whole.clone().keep(places).unwrap()
    };
    prompt.views.iter().map(view).collect()
}

/// Checks the positions of the kept tokens against those of the whole prompt.
fn check_positions(model: &Model, whole: &Prompt, pruned: &Prompt, what: &str) {
    let image = model.folder().config.image_token;
    let mut starts = whole.views.iter().zip(&pruned.views);
    let (mut kept, mut at) = (Vec::new(), 0);
    while at < whole.ids.len() {
        if whole.ids[at] == image {
            let (all, some) = starts.next().unwrap();
            kept.extend(some.kept().iter().map(|place| at + place));
            at += all.tokens();
        } else {
            kept.push(at);
            at += 1;
        }
    }
    let (all, some) = (model.positions(whole).unwrap(), model.positions(pruned).unwrap());
    for (all, some) in all.rows.iter().zip(&some.rows) {
        assert_eq!(kept.iter().map(|at| all[*at]).collect::<Vec<_>>(), *some, "{what}");
    }
    // The first token of the answer stands where it stands behind the whole prompt.
    assert_eq!(all.delta + whole.ids.len() as i64, some.delta + pruned.ids.len() as i64, "{what}");
    assert_eq!(kept.iter().map(|at| whole.ids[*at]).collect::<Vec<_>>(), pruned.ids, "{what}");
}

#[test]
fn shared_prompts_of_which_all_is_kept_stay_as_they_are() {
    let Some(golden) = Golden::find("shared_prompts_of_which_all_is_kept_stay_as_they_are") else { return };
    let model = golden.model("target");
    for prompt in &golden.prompts {
        let whole = golden.prompt(&model, prompt);
        for lines in [true, false] {
            assert_eq!(model.pruned(&whole, views(&whole, 1.0, lines)).unwrap(), whole, "{}", id(prompt));
        }
    }
}

#[test]
fn shared_prompts_of_half_their_pictures_are_answered() {
    let Some(golden) = Golden::find("shared_prompts_of_half_their_pictures_are_answered") else { return };
    let mut others = 0;
    for name in ["draft", "target"] {
        let mut model = golden.model(name);
        for prompt in golden.prompts.iter().filter(|prompt| !prompt["images"].as_array().unwrap().is_empty()) {
            let whole = golden.prompt(&model, prompt);
            let (answer, _) = generate(&mut model, &whole, wanted(prompt)).unwrap();
            for lines in [true, false] {
                let what = format!("{name} {} lines {lines}", id(prompt));
                let pruned = model.pruned(&whole, views(&whole, 0.5, lines)).unwrap();
                check_positions(&model, &whole, &pruned, &what);
                assert!(pruned.ids.len() < whole.ids.len(), "{what}");
                for (image, (view, all)) in pruned.images.iter().zip(pruned.views.iter().zip(&whole.images)) {
                    let merge = model.folder().config.merge;
                    assert_eq!(onnx::tokens(image.grid, merge), view.encoded_tokens(), "{what}");
                    // Lines never enter the tower; single tokens do.
                    assert_eq!(image.values.len() < all.values.len(), lines, "{what}");
                    assert!(view.tokens() >= view.whole_tokens().div_ceil(2), "{what}");
                }
                let (less, _) = generate(&mut model, &pruned, wanted(prompt)).unwrap();
                assert!(!less.ids.is_empty(), "{what}");
                others += usize::from(less.entropies != answer.entropies);
            }
        }
    }
    assert!(others > 10, "half of a picture says something else: {others}");
}

/// Tokens dropped behind the tower do not change its output for the rest.
#[test]
fn shared_towers_give_what_is_kept_unchanged() {
    let Some(golden) = Golden::find("shared_towers_give_what_is_kept_unchanged") else { return };
    let mut model = golden.model("target");
    let prompt = golden.prompts.iter().find(|prompt| id(prompt) == "p05_two_images").unwrap();
    let whole = golden.prompt(&model, prompt);
    let pruned = model.pruned(&whole, views(&whole, 0.25, false)).unwrap();
    assert_eq!(pruned.images, whole.images);
    // A refusal: views of one picture for two, and of a prompt that is pruned already.
    assert!(
        model.pruned(&whole, pruned.views[..1].to_vec()).unwrap_err().to_string().contains("1 views for a prompt of 2")
    );
    assert!(model.pruned(&pruned, pruned.views.clone()).unwrap_err().to_string().contains("a prompt that is whole"));
    let (mut sequence, logits) = model.open(&pruned).unwrap();
    assert_eq!(sequence.tokens(), pruned.ids.len());
    // And it goes on: rolled back, a step gives the same again.
    let token = logits.row(0).unwrap().choice().unwrap().token;
    let first = model.step(&mut sequence, &[token], 1).unwrap().row(0).unwrap().to_vec();
    model.rollback(&mut sequence, pruned.ids.len());
    let again = model.step(&mut sequence, &[token], 1).unwrap().row(0).unwrap().to_vec();
    assert!(super::largest_difference(&first, &again) < 1e-4);
}
