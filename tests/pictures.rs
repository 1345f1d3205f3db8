//! Pictures as files: formats, orientation, and files that are cut off, wherever they are read.

use crate::models::{Shared, refuses, text};
use crate::refusals::refused;
use crate::support::{Sim, aloud, repository};
use serde_json::Value;
use std::path::PathBuf;

/// The pictures of the cases, where they are.
fn cases(test: &str) -> Option<PathBuf> {
    let folder = repository("../shared/cases/pictures");
    if !folder.is_dir() {
        aloud(&format!("skipped: {test}: ../shared/cases is not here"));
        return None;
    }
    Some(folder.canonicalize().unwrap())
}

/// A file of a question about a picture.
fn asked_about(picture: &str) -> String {
    format!(r#"{{"id": "a", "images": ["{picture}"], "question": "?", "answers": ["yes"]}}"#) + "\n"
}

fn described(sim: &Sim, picture: &str) -> [Value; 2] {
    let sim_file = sim.path("q.jsonl");
    std::fs::write(sim_file, asked_about(picture)).unwrap();
    let told = sim.done(["questions", "describe", "q.jsonl", "--json"]).stdout;
    let told: Value = serde_json::from_str(&told).unwrap();
    ["picture_width_px", "picture_height_px"].map(|side| told[side]["max"].clone())
}

#[test]
fn shared_cases_of_pictures_are_read_as_they_are_shown() {
    let Some(cases) = cases("shared_cases_of_pictures_are_read_as_they_are_shown") else { return };
    let sim = Sim::new();
    let size = |name: &str| described(&sim, cases.join(name).to_str().unwrap());
    assert_eq!(size("base.jpg"), [112, 84]);
    assert_eq!(size("exif6.jpg"), [84, 112]);
    assert_eq!(size("pic.webp"), [112, 84]);
    std::fs::write(sim.path("q.jsonl"), asked_about(cases.join("truncated.jpg").to_str().unwrap())).unwrap();
    let told = refused(&sim, &["questions", "describe", "q.jsonl"]);
    assert!(
        told.contains("found a picture that is cut off; expected a whole PNG, JPEG or WebP; copy it again"),
        "{told}"
    );
    let table = cases.join("../questions/mm_trunc.tsv");
    let told = refused(&sim, &["questions", "import", "mmbench", table.to_str().unwrap(), "--out", "set"]);
    assert!(told.contains("mm_trunc.tsv:2: found an image of 0 of a picture that is cut off"), "{told}");
}

#[test]
fn shared_models_see_pictures_as_they_are_shown() {
    let test = "shared_models_see_pictures_as_they_are_shown";
    let (Some(cases), Some(shared)) = (cases(test), Shared::find(test)) else { return };
    let raw = |name: &str| {
        let file = cases.join(name);
        shared.raw("draft", &text(&["--prompt", "red?", "--max-tokens", "4", "--image", file.to_str().unwrap()]))
    };
    for name in ["base.jpg", "exif6.jpg", "pic.webp"] {
        assert_eq!(raw(name).code, Some(0), "{name}");
    }
    refuses(&raw("truncated.jpg"), 2, &["truncated.jpg: found a picture that is cut off"]);
}

/// A bomb: the header of a PNG of four thousand million pixels, and nothing in it.
#[test]
fn pictures_of_too_many_pixels_are_refused_before_they_are_decoded() {
    let chunk = |kind: &[u8; 4], content: &[u8]| {
        let named = [&kind[..], content].concat();
        let mut sum = flate2::Crc::new();
        sum.update(&named);
        [&u32::try_from(content.len()).unwrap().to_be_bytes()[..], &named, &sum.sum().to_be_bytes()].concat()
    };
    let header = chunk(b"IHDR", b"\0\0\xff\xff\0\0\xff\xff\x08\x02\0\0\0");
    let bomb = [&b"\x89PNG\r\n\x1a\n"[..], &header, &chunk(b"IDAT", b"data"), &chunk(b"IEND", b"")].concat();
    let sim = Sim::new().with("bomb.png", bomb).with("q.jsonl", asked_about("bomb.png"));
    let told = refused(&sim, &["questions", "describe", "q.jsonl"]);
    assert!(
        told.contains("bomb.png: found a picture of 65535 x 65535 pixels; expected at least one pixel and at most"),
        "{told}"
    );
    let sim = Sim::new().with("q.jsonl", asked_about("/dev/zero"));
    let told = refused(&sim, &["questions", "describe", "q.jsonl"]);
    assert!(told.contains("no picture /dev/zero"), "{told}");
}

#[test]
fn a_picture_that_is_cut_off_is_refused_by_importers() {
    let whole = crate::questions::JPEG;
    let sim = crate::questions::vqav2().with("val2014/COCO_val2014_000000000042.jpg", &whole[..whole.len() - 2]);
    let told = refused(&sim, &crate::questions::VQAV2);
    assert!(told.contains("COCO_val2014_000000000042.jpg: found a picture that is cut off"), "{told}");
}
