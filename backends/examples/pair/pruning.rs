//! Accuracy of the target when visual tokens are dropped, by whose map they go.

use super::{SEED, Tried, answered, gain, mean, prompt};
use backends::onnx::{self, Model};
use backends::{Heads, Map, Probe, pruned};
use kernel::{Streams, draw};
use model::modality::{Modality, PerModality};
use model::request::{Handling, Input, Kept, Prompt, PruneStage, RhoMeaning};
use units::Ratio;

/// Shares of visual tokens that are kept.
const RETENTIONS: [f64; 5] = [0.75, 0.5, 0.375, 0.25, 0.125];

/// The order in which an even map keeps the tokens of four by four: Bayer's matrix.
const BAYER: [u8; 16] = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5];

/// The maps that tokens are dropped by.
const MAPS: [&str; 4] = ["MAS, stand-in", "MAS, fitted head", "even", "random"];

/// Prints accuracy of the target by retention and by map, and what each map gains over a random one. Gives the scores by the
/// stand-in's map where the language model reads less, by retention.
pub fn measured(models: &mut [Model; 2], heads: &Heads, count: u64) -> Tried<Vec<(f64, Vec<f64>)>> {
    let gains = MAPS.iter().take(3).map(|map| format!("{map} less random"));
    let head: Vec<String> = MAPS.iter().map(ToString::to_string).chain(gains).collect();
    println!("\n| stage | retention | {} |\n|---|---{}|", head.join(" | "), "|---".repeat(head.len()));
    let streams = Streams::new(SEED);
    let mut probes = [Heads::default(), heads.clone()].map(|heads| Probe::new(heads, streams));
    let mut by_retention = Vec::new();
    for (name, prune_stage) in [("pre_vit", PruneStage::PreVit), ("post_vit", PruneStage::PostVit)] {
        by_retention.clear();
        for retention in RETENTIONS {
            let mut scores: [Vec<f64>; 4] = Default::default();
            for request in 0..count {
                let maps = maps(&mut models[0], &mut probes, streams, request)?;
                let whole = prompt(&models[1], request)?;
                for (scores, maps) in scores.iter_mut().zip(maps) {
                    let less = pruned(&models[1], &whole, &input(retention, prune_stage), &maps)?;
                    scores.push(answered(&mut models[1], &less, request)?.0);
                }
            }
            let [by_mas, fitted, even, random] = scores;
            let means = [&by_mas, &fitted, &even, &random].map(|scores| format!("{:.3}", mean(scores)));
            let gains = [&by_mas, &fitted, &even].map(|scores| gain(scores, &random));
            println!("| {name} | {retention} | {} | {} |", means.join(" | "), gains.join(" | "));
            by_retention.push((retention, by_mas));
        }
    }
    Ok(by_retention)
}

/// The maps of a question's pictures, of each of [`MAPS`].
fn maps(draft: &mut Model, probes: &mut [Probe; 2], streams: Streams, request: u64) -> onnx::Result<[Vec<Map>; 4]> {
    let seen = prompt(draft, request)?;
    let mut by_mas = |probe: &mut Probe| Ok(probe.run(draft, &seen, false, Ratio::new(0.3))?.maps);
    let [stand_in, fitted] = probes;
    let (stand_in, fitted): (Vec<Map>, Vec<Map>) = (by_mas(stand_in)?, by_mas(fitted)?);
    let mut dice = streams.stream("random maps", request);
    let of = |values: Vec<f32>| Map { height: 4, width: 4, values };
    let even = stand_in.iter().map(|_| of(BAYER.map(|place| 1.0 - f32::from(place) / 16.0).to_vec())).collect();
    let random = stand_in.iter().map(|_| of((0..16).map(|_| draw::uniform(&mut dice) as f32).collect())).collect();
    Ok([stand_in, fitted, even, random])
}

fn input(retention: f64, prune_stage: PruneStage) -> Input {
    let prompt = Prompt { request: 0, text_tokens: 1, images: None, audio: None };
    let mut kept = PerModality::<Kept>::default();
    kept[Modality::Visual].retention = retention;
    Input { prompt, kept, handling: Handling { prune_stage, rho_meaning: RhoMeaning::Bytes } }
}
