//! Pictures of questions.

use super::ends;
use crate::questions::JPEG;
use crate::support::Sim;
use serde_json::Value;

/// A folder with a question about a picture.
fn about(name: &str, picture: &[u8]) -> Sim {
    let question =
        format!("{{\"id\": \"a\", \"images\": [\"{name}\"], \"question\": \"?\", \"answers\": [\"yes\"]}}\n");
    Sim::new().with("q.jsonl", question).with(name, picture)
}

/// Columns and rows of the picture.
fn size(sim: &Sim) -> [Value; 2] {
    let told: Value =
        serde_json::from_str(&sim.done("questions describe q.jsonl --json".split(' ')).stdout).expect("JSON");
    ["picture_width_px", "picture_height_px"].map(|side| told[side]["max"].clone())
}

pub fn turned(_: &str) {
    assert_eq!(size(&about("p.jpg", JPEG)), [640, 480]);
    for (orientation, expected) in [(1, [640, 480]), (3, [640, 480]), (6, [480, 640]), (8, [480, 640])] {
        let exif =
            [&b"\xff\xe1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..], &[orientation], &[0; 6]]
                .concat();
        let picture = [&JPEG[..2], &exif, &JPEG[2..]].concat();
        assert_eq!(size(&about("p.jpg", &picture)), expected, "orientation {orientation}");
    }
}

pub fn cut_off(_: &str) {
    let cut = &JPEG[..JPEG.len() - 2];
    let told = "found a picture that is cut off; expected a whole PNG, JPEG or WebP; copy it again";
    ends(&about("p.jpg", cut).run("questions describe q.jsonl".split(' ')), 2, told);
    let table = |image: &str| {
        format!(
            "index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\timage\tsplit\n7\tWhich?\t\tred\tblue\t\t\tB\tcolour\t{image}\tdev\n"
        )
    };
    let whole = crate::questions::BASE64;
    let import = |image: &str| {
        Sim::new().with("mm.tsv", table(image)).run("questions import mmbench mm.tsv --out set".split(' '))
    };
    ends(&import(whole), 0, "");
    ends(&import(&whole[..whole.len() - 4]), 2, "mm.tsv:2: found an image of 7 of a picture that is cut off");
}

/// A pixel, and larger by its header: what a description reads.
pub fn webp(_: &str) {
    let pixel = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0";
    assert_eq!(size(&about("p.webp", pixel)), [1, 1]);
    ends(
        &about("p.webp", &pixel[..25]).run("questions describe q.jsonl".split(' ')),
        2,
        "p.webp: found a picture that is cut off",
    );
    ends(
        &about("p.gif", b"GIF89a\x01\0\x01\0").run("questions describe q.jsonl".split(' ')),
        2,
        "expected a PNG, JPEG or WebP",
    );
}
