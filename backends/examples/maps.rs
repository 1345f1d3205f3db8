//! The probe's maps of pictures, and the effect of pruning by them on answers: `cargo run --release -p backends
//! --features onnx --example maps -- MODEL [IMAGE...]`. With images, prints their maps, a digit a token: 0 is
//! background, 9 stands out. Without, draws squares on even grounds, asks about them, and prints the share of answers
//! that stay as they are without pruning, when tokens go by the probe's map, by an even map (what is last goes), and
//! by the map turned round.

use backends::onnx::{Folder, Model, Patches, Picture, Provider, Runtime, generate};
use backends::{Heads, Map, Probe, pruned};
use kernel::Streams;
use model::modality::{Modality, PerModality};
use model::request::{Handling, Input, Kept, Prompt, PruneStage, RhoMeaning};
use std::error::Error;
use units::Ratio;

const QUESTIONS: [&str; 3] = ["Describe the image.", "What color is the background?", "Where is the square?"];
const COLOURS: [[u8; 3]; 6] =
    [[220, 40, 40], [40, 170, 60], [40, 70, 220], [235, 220, 50], [240, 240, 240], [15, 15, 15]];

#[expect(clippy::disallowed_methods, reason = "an example has arguments; nothing that is simulated does")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("usage: maps MODEL [IMAGE...]")?;
    let images: Vec<String> = args.collect();
    let runtime = Runtime::new(None, Provider::Cpu, Some(1))?;
    let mut model = Model::load(Folder::read(folder.as_ref(), None)?, &runtime)?;
    let mut probe = Probe::new(Heads::default(), Streams::new(1));
    for (what, by) in probe.methods() {
        println!("{what}: {by}");
    }
    if images.is_empty() {
        return answers(&mut model, &mut probe);
    }
    for image in images {
        let patches = model.preprocessing().patches(&Picture::read(image.as_ref())?)?;
        let (_, map) = asked(&mut model, &mut probe, patches, QUESTIONS[0])?;
        println!("{image}");
        for row in map.values.chunks(map.width) {
            println!("  {}", row.iter().map(|value| ((value * 10.0) as u8).min(9).to_string()).collect::<String>());
        }
    }
    Ok(())
}

/// A question about a picture, and the picture's map.
fn asked(
    model: &mut Model,
    probe: &mut Probe,
    patches: Patches,
    question: &str,
) -> Result<(onnx::Prompt, Map), Box<dyn Error>> {
    let text = model.text().rendered(1, question)?;
    let prompt = model.prompt(&model.text().tokens(&text)?, vec![patches], false)?;
    let mut probed = probe.run(model, &prompt, false, Ratio::new(0.3))?;
    Ok((prompt, probed.maps.remove(0)))
}

/// Squares in every corner of pictures of several sizes.
fn squares() -> Vec<Picture> {
    let mut pictures = Vec::new();
    for (number, (columns, rows)) in [(4, 3), (4, 4), (6, 5), (4, 6), (7, 7)].into_iter().enumerate() {
        for corner in 0..12 {
            let side = rows.min(columns) / 2;
            let (top, left) = ((rows - side) * (corner / 2 % 2), (columns - side) * (corner % 2));
            let colours = [corner as usize / 2, (corner as usize / 2 + 1 + number % 5) % 6].map(|at| COLOURS[at]);
            let inside = move |at: u32, start: u32| (start..start + side).contains(&(at / 28));
            let pixel = move |x, y| colours[usize::from(inside(y, top) && inside(x, left))];
            let bytes = (0..rows * 28).flat_map(|y| (0..columns * 28).flat_map(move |x| pixel(x, y))).collect();
            pictures.push(Picture { width: columns * 28, height: rows * 28, bytes });
        }
    }
    pictures
}

/// The table of answers that stay.
fn answers(model: &mut Model, probe: &mut Probe) -> Result<(), Box<dyn Error>> {
    println!("stage     retention   probe   even    turned  (share of the answers that stay)");
    let stages = [("pre_vit", PruneStage::PreVit), ("post_vit", PruneStage::PostVit)];
    for (name, prune_stage) in stages {
        for retention in [0.75, 0.5, 0.25, 0.1] {
            let (mut stay, mut all) = ([0, 0, 0], 0);
            for picture in squares() {
                for question in QUESTIONS {
                    let patches = model.preprocessing().patches(&picture)?;
                    let (whole, map) = asked(model, probe, patches, question)?;
                    let (answer, _) = generate(model, &whole, 24)?;
                    let turned = Map { values: map.values.iter().map(|value| 1.0 - value).collect(), ..map.clone() };
                    for (stay, map) in stay.iter_mut().zip([map, Map::even(), turned]) {
                        let prompt = Prompt { request: 0, text_tokens: 1, images: None, audio: None };
                        let mut kept = PerModality::<Kept>::default();
                        kept[Modality::Visual].retention = retention;
                        let handling = Handling { prune_stage, rho_meaning: RhoMeaning::Bytes };
                        let less = pruned(model, &whole, &Input { prompt, kept, handling }, &[map])?;
                        *stay += u32::from(generate(model, &less, 24)?.0.ids == answer.ids);
                    }
                    all += 1;
                }
            }
            let [probe, even, turned] = stay.map(|stay| f64::from(stay) / f64::from(all));
            println!("{name:9} {retention:<11} {probe:<7.3} {even:<7.3} {turned:.3}");
        }
    }
    Ok(())
}
