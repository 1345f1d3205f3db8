//! `sim questions`: drawn, imported and described, through the real binary.

use crate::refusals::refused;
use crate::support::{Output, Sim};
use serde_json::Value;

/// A JPEG of 640 x 480 pixels, none of which can be decoded.
pub const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x11\x08\x01\xe0\x02\x80\x03\x01\x11\0\x02\x11\0\x03\x11\0\xff\xda\0\x08\x01\x01\0\0?\0 and so on, for the pixels are not looked at\xff\xd9";

/// [`JPEG`] in base64.
pub const BASE64: &str =
    "/9j/4AAEYWL/wAARCAHgAoADAREAAhEAAxEA/9oACAEBAAA/ACBhbmQgc28gb24sIGZvciB0aGUgcGl4ZWxzIGFyZSBub3QgbG9va2VkIGF0/9k=";

const QUESTIONS: &str = r#"{"info": {}, "task_type": "Open-Ended", "data_type": "mscoco", "data_subtype": "val2014", "questions": [
    {"image_id": 42, "question": "What color is it?", "question_id": 42000},
    {"image_id": 42, "question": "How many are there?", "question_id": 42001}]}"#;

const HEADER: &str = "index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\timage\tsplit\n";

fn annotations(ids: &[u32]) -> String {
    let answer = |n: u32| format!(r#"{{"answer": "red", "answer_confidence": "yes", "answer_id": {n}}}"#);
    let answers = (1..=10).map(answer).collect::<Vec<_>>().join(", ");
    let one = |id: &u32| {
        format!(r#"{{"answer_type": "other", "image_id": 42, "answers": [{answers}], "question_id": {id}}}"#)
    };
    format!(r#"{{"info": {{}}, "annotations": [{}]}}"#, ids.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// VQAv2's files, of two questions.
pub fn vqav2() -> Sim {
    Sim::new()
        .with("q.json", QUESTIONS)
        .with("a.json", annotations(&[42_000, 42_001]))
        .with("val2014/COCO_val2014_000000000042.jpg", JPEG)
}

pub const VQAV2: [&str; 11] = [
    "questions",
    "import",
    "vqav2",
    "--questions",
    "q.json",
    "--annotations",
    "a.json",
    "--images",
    "val2014",
    "--out",
    "out.jsonl",
];

/// An MMBench of a picture and two questions.
fn tsv() -> String {
    format!(
        "{HEADER}7\tWhich colour?\tLook twice.\tred\tblue\t\t\tB\tcolour\t{BASE64}\tdev\n8\tHow many?\t\tone\ttwo\tthree\tfour\tC\tcount\t7\tdev\n"
    )
}

fn lines(sim: &Sim, file: &str) -> Vec<Value> {
    sim.text(file).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn described(sim: &Sim, file: &str) -> Value {
    serde_json::from_str(&sim.done(["questions", "describe", file, "--json"]).stdout).unwrap()
}

fn says(output: &Output, text: &str) {
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", text));
}

#[test]
fn help_says_how() {
    let sim = Sim::new();
    insta::assert_snapshot!("questions_help", sim.done(["questions", "--help"]).stdout);
}

#[test]
fn drawn_questions_are_those_of_their_seed() {
    let sim = Sim::new();
    says(
        &sim.done(["questions", "draw", "--out", "a/set", "--count", "8", "--seed", "5"]),
        "8 questions in a/set/questions.jsonl\n",
    );
    sim.done(["questions", "draw", "--out", "b", "--count", "9", "--seed", "5"]);
    sim.done(["questions", "draw", "--out", "c", "--count", "8", "--seed", "6"]);
    let (a, b, c) = (sim.text("a/set/questions.jsonl"), sim.text("b/questions.jsonl"), sim.text("c/questions.jsonl"));
    assert!(b.starts_with(&a) && b.lines().count() == 9 && a != c);
    let picture = |folder: &str| sim.tree_of(folder)["pictures/drawn-5-3.png"].clone().unwrap();
    assert_eq!(picture("a/set"), picture("b"));
    let told = described(&sim, "a/set/questions.jsonl");
    assert_eq!((&told["open"], &told["choice"], &told["pictures"]), (&4.into(), &4.into(), &8.into()));
    assert_eq!(sim.names(""), ["a", "b", "c"]);
}

#[test]
fn drawn_sizes_and_kinds_are_those_asked_for() {
    let sim = Sim::new();
    let line = "questions draw --out set --count 3 --kind choice --size 56x42";
    sim.done(line.split(' '));
    let told = sim.done(["questions", "describe", "set/questions.jsonl"]).stdout;
    for line in
        ["questions             3: 0 open, 3 with options", "width, px             56", "height, px            42"]
    {
        assert!(told.lines().any(|told| told == line), "{told}");
    }
    let output = sim.run("questions draw --out other --size 0x56".split(' '));
    assert_eq!(output.code, Some(2));
    assert!(output.stderr.contains("expected columns and rows from 1 to 4096, such as 448x336"), "{}", output.stderr);
}

#[test]
fn what_is_there_stays_there() {
    let sim = Sim::new().with("set/notes.txt", "mine").with("file", "mine");
    let said =
        ["set", "file", "file/set"].map(|out| refused(&sim, &["questions", "draw", "--count", "1", "--out", out]));
    insta::assert_snapshot!(said.join("\n"));
    assert_eq!((sim.text("set/notes.txt"), sim.names("")), ("mine".into(), vec!["file".into(), "set".into()]));
}

#[test]
fn vqav2_is_imported() {
    let sim = vqav2();
    says(&sim.done(VQAV2), "2 questions in out.jsonl\n");
    insta::assert_snapshot!(sim.text("out.jsonl"));
    insta::assert_snapshot!("describe", sim.done(["questions", "describe", "out.jsonl"]).stdout);
    says(&sim.done(VQAV2.iter().chain(&["--limit", "1"])), "1 question in out.jsonl\n");
    assert_eq!(lines(&sim, "out.jsonl").len(), 1);
}

#[test]
fn a_broken_vqav2_is_refused() {
    let said = |what: &str, sim: Sim| {
        let said = format!("# {what}\n{}\n", refused(&sim, &VQAV2));
        assert!(!sim.names("").contains(&"out.jsonl".into()), "{what}");
        said
    };
    let cases = [
        said("no annotation of a question", vqav2().with("a.json", annotations(&[42_000]))),
        said(
            "a picture is missing",
            Sim::new().with("q.json", QUESTIONS).with("a.json", annotations(&[42_000, 42_001])),
        ),
        said("files exchanged", vqav2().with("a.json", QUESTIONS).with("q.json", annotations(&[42_000]))),
        said("cut off", vqav2().with("q.json", &QUESTIONS[..150])),
        said("not JSON", vqav2().with("a.json", "index\tquestion\n")),
        said("a number as text", vqav2().with("q.json", QUESTIONS.replace("42000", "\"42000\""))),
        said(
            "blank answers",
            vqav2()
                .with("a.json", annotations(&[42_000, 42_001]).replacen("\"answer\": \"red\"", "\"answer\": \"\"", 10)),
        ),
        said("no such file", Sim::new()),
    ];
    insta::assert_snapshot!(cases.concat());
}

#[test]
fn mmbench_is_imported() {
    let sim = Sim::new().with("m.tsv", tsv());
    says(
        &sim.done(["questions", "import", "mmbench", "m.tsv", "--out", "set"]),
        "2 questions in set/questions.jsonl\n",
    );
    insta::assert_snapshot!(sim.text("set/questions.jsonl"));
    assert_eq!(sim.tree_of("set/pictures")["7.jpg"].as_deref(), Some(JPEG));
    let told = described(&sim, "set/questions.jsonl");
    assert_eq!(
        (&told["choice"], &told["pictures"], &told["picture_width_px"]["max"]),
        (&2.into(), &1.into(), &640.into())
    );
}

#[test]
fn a_broken_mmbench_is_refused() {
    let said = |what: &str, content: String| {
        let sim = Sim::new().with("m.tsv", content);
        let said = refused(&sim, &["questions", "import", "mmbench", "m.tsv", "--out", "set"]);
        assert_eq!(sim.names(""), ["m.tsv"], "{what}");
        format!("# {what}\n{said}\n")
    };
    let cases = [
        said("empty", String::new()),
        said("commas", tsv().replace('\t', ",")),
        said("no such column", tsv().replace("\timage\t", "\tpicture\t")),
        said("broken base64", tsv().replace("/9j/", "/9j?")),
        said("cut base64", tsv().replace(&BASE64[..12], "")),
        said("a picture that is text", tsv().replace(BASE64, &"QUJD".repeat(20))),
        said("the picture of a row that is not there", tsv().replace("\t7\tdev", "\t9\tdev")),
        said("a split without answers", tsv().replace("\tB\tcolour", "\t\tcolour")),
        said("an answer that is no option", tsv().replace("\tB\tcolour", "\tC\tcolour")),
        said("a row that is cut off", tsv().replace("\tcount\t7\tdev", "")),
    ];
    insta::assert_snapshot!(cases.concat());
}

#[test]
fn a_broken_file_of_questions_is_refused() {
    let said = |what: &str, line: &str| {
        let sim = Sim::new().with("q.jsonl", format!("{line}\n")).with("a.png", "no picture");
        format!("# {what}\n{}\n", refused(&sim, &["questions", "describe", "q.jsonl"]))
    };
    let cases = [
        said("an unknown key", r#"{"id": "a", "image": ["a.png"], "question": "?", "answers": ["yes"]}"#),
        said("a missing key", r#"{"id": "a", "images": ["a.png"], "question": "?"}"#),
        said("a wrong type", r#"{"id": 1, "images": ["a.png"], "question": "?", "answers": ["yes"]}"#),
        said("no answers", r#"{"id": "a", "images": ["a.png"], "question": "?", "answers": []}"#),
        said(
            "an answer that is no option",
            r#"{"id": "a", "images": ["a.png"], "question": "?", "choices": ["x", "y"], "answers": ["x"]}"#,
        ),
        said("a picture that is not there", r#"{"id": "a", "images": ["b.png"], "question": "?", "answers": ["yes"]}"#),
        said("a picture that is none", r#"{"id": "a", "images": ["a.png"], "question": "?", "answers": ["yes"]}"#),
        format!("# no such file\n{}\n", refused(&Sim::new(), &["questions", "describe", "q.jsonl"])),
    ];
    insta::assert_snapshot!(cases.concat());
}
