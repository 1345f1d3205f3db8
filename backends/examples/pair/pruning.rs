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
pub const MAPS: [&str; 4] = ["MAS, stand-in", "MAS, fitted head", "even", "random"];

/// The target's scores with tokens dropped at one stage: for each retention, those of each of [`MAPS`].
pub type ByRetention = Vec<(f64, [Vec<f64>; MAPS.len()])>;

/// Prints accuracy of the target by retention and by map, and what each map gains over a random one. Gives the scores with
/// tokens dropped before the vision tower, and behind it.
pub fn measured(models: &mut [Model; 2], heads: &Heads, count: u64) -> Tried<[ByRetention; 2]> {
    let gains = MAPS.iter().take(3).map(|map| format!("{map} less random"));
    let head: Vec<String> = MAPS.iter().map(ToString::to_string).chain(gains).collect();
    println!("\n| stage | retention | {} |\n|---|---{}|", head.join(" | "), "|---".repeat(head.len()));
    let streams = Streams::new(SEED);
    let mut probes = [Heads::default(), heads.clone()].map(|heads| Probe::new(heads, streams));
    let mut at_stage = |name: &str, prune_stage: PruneStage| -> Tried<ByRetention> {
        let mut by_retention = Vec::new();
        for retention in RETENTIONS {
            let mut scores: [Vec<f64>; MAPS.len()] = Default::default();
            for request in 0..count {
                let maps = maps(&mut models[0], &mut probes, streams, request)?;
                let whole = prompt(&models[1], request)?;
                for (scores, maps) in scores.iter_mut().zip(maps) {
                    let less = pruned(&models[1], &whole, &input(retention, prune_stage), &maps)?;
                    scores.push(answered(&mut models[1], &less, request)?.0);
                }
            }
            let means = scores.each_ref().map(|scores| format!("{:.3}", mean(scores)));
            let [stand_in, fitted, even, random] = &scores;
            let gains = [stand_in, fitted, even].map(|scores| gain(scores, random));
            println!("| {name} | {retention} | {} | {} |", means.join(" | "), gains.join(" | "));
            by_retention.push((retention, scores));
        }
        Ok(by_retention)
    };
    Ok([at_stage("pre_vit", PruneStage::PreVit)?, at_stage("post_vit", PruneStage::PostVit)?])
}

/// The maps of a question's pictures, of each of [`MAPS`].
fn maps(
    draft: &mut Model,
    probes: &mut [Probe; 2],
    streams: Streams,
    request: u64,
) -> onnx::Result<[Vec<Map>; MAPS.len()]> {
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
