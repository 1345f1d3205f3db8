//! Tests of questions as a whole: file, prompt, score, and the published formats in small.

use super::*;
use crate::picture;
use base64::{Engine, prelude::BASE64_STANDARD};
use proptest::prelude::*;
use std::{fs, path::Path};
use tempfile::TempDir;

/// A PNG whose pixels nobody looks at, longer in base64 than an index.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\08\0\0\0\x1c\x08\x02\0\0\0\xbb\xd9\xebi\0\0\0\x14IDATlonger than an index\xf4\x8cO)\0\0\0\0IEND\xaeB`\x82";

fn open(answers: &[&str]) -> Question {
    Question {
        id: "q".into(),
        images: vec!["a.png".into()],
        question: "What color is it?".into(),
        choices: vec![],
        answers: answers.iter().map(|answer| (*answer).to_owned()).collect(),
        instruction: None,
    }
}

fn choice() -> Question {
    Question { choices: ["red", "blue"].map(str::to_owned).into(), ..open(&["B"]) }
}

/// A folder with these files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

/// A refusal without the name of its temporary folder.
fn said<T: std::fmt::Debug>(folder: &TempDir, result: Result<T, crate::TraceError>) -> String {
    let said = result.unwrap_err().to_string().replace(&format!("{}/", folder.path().display()), "");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

#[test]
fn prompts_are_those_of_the_benchmarks() {
    assert_eq!(open(&["red"]).prompt(), format!("What color is it?\n{OPEN_INSTRUCTION}"));
    assert_eq!(choice().prompt(), format!("What color is it?\nA. red\nB. blue\n{CHOICE_INSTRUCTION}"));
    let bare = Question { instruction: Some(String::new()), ..choice() };
    assert_eq!(bare.prompt(), "What color is it?\nA. red\nB. blue");
    let own = Question { instruction: Some("Be brief.".into()), ..open(&["red"]) };
    assert_eq!(own.prompt(), "What color is it?\nBe brief.");
}

#[test]
fn the_kind_decides_the_scoring() {
    assert_eq!(open(&["Blue"]).score("blue."), 1.0);
    assert_eq!(choice().score("blue."), 1.0);
    assert_eq!(choice().score("B"), 1.0);
    assert_eq!(choice().score("A"), 0.0);
    assert_eq!(choice().score(""), 0.0);
    assert_eq!(open(&["B"]).score("(B)"), 1.0);
}

proptest! {
    #[test]
    fn scores_are_shares(answers in prop::collection::vec(".{0,6}", 10), answer in ".{0,6}") {
        let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        let score = open(&answers).score(&answer);
        prop_assert!((0.0..=1.0).contains(&score));
        prop_assert!([0.0, 1.0].contains(&choice().score(&answer)));
    }

    #[test]
    fn ten_equal_answers_score_one(answer in "[a-zA-Z0-9 .']{0,10}[b-z]") {
        prop_assert_eq!(open(&[answer.as_str(); 10]).score(&answer), 1.0);
        prop_assert_eq!(open(&[answer.as_str()]).score(&answer), 1.0);
    }

    #[test]
    fn the_order_of_annotators_does_not_matter(
        answers in prop::collection::vec(prop_oneof!["red", "blue", "green"], 10),
        turn in 0..10_usize,
    ) {
        let mut answers: Vec<&str> = answers.iter().map(String::as_str).collect();
        let before = open(&answers).score("red");
        answers.rotate_left(turn);
        answers.swap(0, turn);
        prop_assert_eq!(open(&answers).score("red"), before);
    }

    #[test]
    fn what_is_written_is_read(
        id in "[a-z]{1,5}", question in "\\PC{1,20}x", instruction in prop::option::of("\\PC{0,9}"), answer in ".{0,5}x",
        choices in prop_oneof![Just(0), 2..=26_usize],
    ) {
        let folder = folder(&[("pictures/a.png", PNG)]);
        let choices: Vec<String> = letters().take(choices).map(|letter| format!("option {letter}")).collect();
        let answers = if choices.is_empty() { vec![answer] } else { vec!["B".to_owned()] };
        let images = vec![folder.path().join("pictures/a.png")];
        let questions = [Question { id, images, question, choices, answers, instruction }];
        let path = folder.path().join("questions.jsonl");
        write(&path, &questions).unwrap();
        prop_assert_eq!(read(&path).unwrap(), questions);
        prop_assert!(fs::read_to_string(&path).unwrap().contains("[\"pictures/a.png\"]"));
    }
}

#[test]
fn lines_that_are_no_questions_are_refused() {
    let good = "{\"id\":\"a\",\"images\":[\"a.png\"],\"question\":\"Is it?\",\"answers\":[\"yes\"]}\n";
    for (line, says) in [
        ("{\"id\":\"b\"", ":2: found JSON that ends too early at column 9"),
        ("", ":2: found JSON that ends too early"),
        ("{\"id\":\"b\",\"images\":[]}", ":2: found JSON with missing field `question`"),
        ("{\"id\":\"b\",\"image\":\"a.png\"}", ":2: found JSON with unknown field `image`"),
        ("{\"id\":7}", ":2: found JSON with invalid type: integer `7`, expected a string"),
        (good.trim(), ":2: found the id \"a\" a second time; expected an id of its own"),
        (
            "{\"id\":\"b\",\"images\":[],\"question\":\"?\",\"answers\":[\"yes\"]}",
            ":2: found no images in \"b\"; expected at least one picture",
        ),
        (
            "{\"id\":\"b\",\"images\":[\"a.png\"],\"question\":\"?\",\"answers\":[]}",
            ":2: found 0 answers in \"b\"; expected the answers of 10 annotators, or one",
        ),
        (
            "{\"id\":\"b\",\"images\":[\"a.png\"],\"question\":\"?\",\"answers\":[\" \"]}",
            ":2: found answers without any text in \"b\"",
        ),
        (
            "{\"id\":\"b\",\"images\":[\"a.png\"],\"question\":\" \",\"answers\":[\"yes\"]}",
            ":2: found an empty id or question in \"b\"; expected some text",
        ),
        (
            "{\"id\":\"b\",\"images\":[\"a.png\"],\"question\":\"?\",\"choices\":[\"x\",\"y\"],\"answers\":[\"C\"]}",
            ":2: found the answer \"C\" in \"b\"; expected one letter from A to B",
        ),
        (
            "{\"id\":\"b\",\"images\":[\"a.png\"],\"question\":\"?\",\"choices\":[\"x\"],\"answers\":[\"A\"]}",
            ":2: found 1 choices in \"b\"; expected 2 to 26",
        ),
        (
            "{\"id\":\"b\",\"images\":[\"a.png\"],\"question\":\"?\",\"choices\":[\"x\",\"\"],\"answers\":[\"A\"]}",
            ":2: found an empty choice B in \"b\"",
        ),
        (
            "{\"id\":\"b\",\"images\":[\"b.png\"],\"question\":\"?\",\"answers\":[\"yes\"]}",
            ":2: found no picture b.png; expected the picture of \"b\"; put it there",
        ),
    ] {
        let folder = folder(&[("a.png", PNG), ("q.jsonl", format!("{good}{line}\n").as_bytes())]);
        let said = said(&folder, read(&folder.path().join("q.jsonl")));
        assert!(said.starts_with("q.jsonl") && said.contains(says), "{said}\nhas no\n{says}");
    }
    let empty = folder(&[("q.jsonl", b"")]);
    assert!(said(&empty, read(&empty.path().join("q.jsonl"))).contains("found an empty file"));
    let gone = said(&empty, read(&empty.path().join("gone.jsonl")));
    assert_eq!(gone, "gone.jsonl: found no such file; expected a file of questions; check the path");
}

const QUESTIONS: &str = "{\"info\": {\"year\": 2017}, \"task_type\": \"Open-Ended\", \"data_type\": \"mscoco\", \
    \"license\": {\"url\": \"u\"}, \"data_subtype\": \"val2014\", \"questions\": [\
    {\"image_id\": 123, \"question\": \"What color is it?\", \"question_id\": 123000}, \
    {\"image_id\": 123, \"question\": \"How many?\", \"question_id\": 123001}]}";

/// The published layout, with answers to the first question and, if `both`, to the second.
fn annotations(both: bool) -> String {
    let of = |id: u32, answer: &str| {
        let answers: Vec<String> = (1..=10)
            .map(|n| format!("{{\"answer\": \"{answer}\", \"answer_confidence\": \"yes\", \"answer_id\": {n}}}"))
            .collect();
        format!(
            "{{\"question_type\": \"what\", \"multiple_choice_answer\": \"{answer}\", \"answers\": [{}], \
             \"image_id\": 123, \"answer_type\": \"other\", \"question_id\": {id}}}",
            answers.join(", ")
        )
    };
    let second = if both { format!("{}, ", of(123_001, "2")) } else { String::new() };
    format!("{{\"info\": {{}}, \"annotations\": [{second}{}], \"data_subtype\": \"val2014\"}}", of(123_000, "red"))
}

fn import_vqav2(folder: &Path, limit: Option<usize>) -> Result<Vec<Question>, crate::TraceError> {
    let (questions, annotations) = (folder.join("q.json"), folder.join("a.json"));
    vqav2::import(&vqav2::Files { questions: &questions, annotations: &annotations, images: folder }, limit)
}

#[test]
fn vqav2_is_imported() {
    let picture = ("COCO_val2014_000000000123.jpg", PNG);
    let files = folder(&[("q.json", QUESTIONS.as_bytes()), ("a.json", annotations(true).as_bytes()), picture]);
    let questions = import_vqav2(files.path(), None).unwrap();
    assert_eq!(questions.iter().map(|question| question.id.as_str()).collect::<Vec<_>>(), ["123000", "123001"]);
    assert_eq!(questions[1].answers, ["2"; 10]);
    assert_eq!(questions[0].images, [files.path().join(picture.0)]);
    assert_eq!(questions[1].score("Two."), 1.0);
    assert_eq!(import_vqav2(files.path(), Some(1)).unwrap(), questions[..1]);
}

#[test]
fn a_broken_vqav2_is_refused() {
    let (good, picture) = (annotations(true), "COCO_val2014_000000000123.jpg");
    for (questions, annotations, picture, says) in [
        (
            QUESTIONS,
            &*annotations(false),
            picture,
            "a.json: found no annotation of question_id 123001; expected one of each",
        ),
        (
            QUESTIONS,
            &*good,
            "a.jpg",
            "COCO_val2014_000000000123.jpg: found no such picture; expected the picture of question_id",
        ),
        (&good, QUESTIONS, picture, "q.json: found no key \"questions\"; expected one of VQAv2's files"),
        (&QUESTIONS[..200], &*good, picture, "q.json:1: found JSON that ends too early at column 200"),
        (
            "[]",
            &*good,
            picture,
            "q.json:1: found JSON with invalid type: sequence, expected an object with \\\"questions\\\"",
        ),
        (
            QUESTIONS,
            "{\"annotations\": [{\"question_id\": \"x\"}]}",
            picture,
            "a.json:1: found JSON with invalid type: string",
        ),
        (&QUESTIONS.replace("data_subtype", "subtype"), &*good, picture, "q.json: found no key \"data_subtype\""),
        (
            &QUESTIONS.replace("val2014", "../x"),
            &*good,
            picture,
            "q.json:1: found JSON with a data_subtype that is no name",
        ),
        (&QUESTIONS.replace("123001", "123000"), &*good, picture, "q.json: found question_id 123000 a second time"),
        (QUESTIONS, &good.replacen("\"answer\": \"2\"", "\"answers\": \"2\"", 1), picture, "missing field `answer`"),
        ("{\"data_subtype\":\"val2014\",\"questions\":[]}", &*good, picture, "q.json: found no question"),
    ] {
        let files = folder(&[("q.json", questions.as_bytes()), ("a.json", annotations.as_bytes()), (picture, PNG)]);
        let said = said(&files, import_vqav2(files.path(), None));
        assert!(said.contains(says), "{said}\nhas no\n{says}");
    }
}

/// A line of VQAv2's files is longer than any of a trace may be.
#[test]
fn a_long_line_of_json_is_read() {
    let long = format!("{{\"info\": \"{}\", {}", "x".repeat(17 << 20), &QUESTIONS[1..]);
    let picture = ("COCO_val2014_000000000123.jpg", PNG);
    let files = folder(&[("q.json", long.as_bytes()), ("a.json", annotations(true).as_bytes()), picture]);
    assert_eq!(import_vqav2(files.path(), None).unwrap().len(), 2);
}

const HEADER: &str = "index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\timage\tsplit\n";

fn import_mmbench(folder: &Path, tsv: &str) -> Result<Vec<Question>, crate::TraceError> {
    fs::write(folder.join("m.tsv"), tsv).unwrap();
    mmbench::import(&folder.join("m.tsv"), folder)
}

#[test]
fn mmbench_is_imported() {
    let image = BASE64_STANDARD.encode(PNG);
    let tsv = format!(
        "{HEADER}241\tWhich one?\tLook \"\"twice\"\".\tred\tblue\t\t\tB\tcolour\t{image}\tdev\n\
         242\t\"Two\nlines?\"\t\tone\ttwo\tthree\tfour\tD\tcount\t241\tdev\n#3\n"
    );
    let files = folder(&[]);
    assert!(
        said(&files, import_mmbench(files.path(), &tsv)).contains("m.tsv:5: found 1 fields; expected 11, as in the")
    );
    let questions = import_mmbench(files.path(), tsv.trim_end_matches("#3\n")).unwrap();
    assert_eq!(questions[0].choices, ["red", "blue"]);
    assert_eq!(questions[1].question, "Two\nlines?");
    assert_eq!(questions[1].answers, ["D"]);
    assert!(questions[0].question.starts_with("Look ") && questions[0].question.ends_with("\nWhich one?"));
    assert_eq!(questions[0].images, questions[1].images);
    assert_eq!(questions[0].images, [files.path().join("241.png")]);
    assert_eq!(fs::read(&questions[0].images[0]).unwrap(), PNG);
}

#[test]
fn a_broken_mmbench_is_refused() {
    let image = &*BASE64_STANDARD.encode(PNG);
    let row = |answer: &str, image: &str| format!("{HEADER}1\tIs it?\t\tred\tblue\t\t\t{answer}\tc\t{image}\tdev\n");
    for (tsv, says) in [
        (String::new(), "m.tsv: found an empty file; expected MMBench's header"),
        (HEADER.into(), "m.tsv: found no question"),
        (HEADER.replace("answer", "reply"), "m.tsv:1: found the columns index,question,"),
        (HEADER.replace("\tB\t", "\tb\t"), "expected a column \"B\""),
        (row("", image), "m.tsv:2: found answer = \"\"; expected the letter of an option: a split with answers"),
        (row("C", image), "m.tsv:2: found the answer \"C\" in 1; expected one letter from A to B"),
        (row("A", &image.replacen('N', "!", 1)), "m.tsv:2: found an image of 1 that is no base64 (Invalid symbol 33"),
        (
            row("A", &"QUJD".repeat(30)),
            "m.tsv:2: found an image of 1 of bytes that begin \"ABCABCAB\"; expected a PNG, JPEG or WebP",
        ),
        (row("A", "7"), "m.tsv:2: found image = \"7\"; expected a picture in base64, or the index of a row"),
        (row("A", ""), "m.tsv:2: found image = \"\"; expected a picture"),
        (row("A", image).replace("\n1\t", "\n../1\t"), "m.tsv:2: found index = \"../1\"; expected a number"),
        (
            row("A", image) + row("A", image).trim_start_matches(HEADER),
            "m.tsv:3: found index = \"1\"; expected an index of its own",
        ),
        (row("A", image).replace("red\tblue", "\t"), "m.tsv:2: found A = \"\"; expected the text of an option"),
        (row("A", image).replace("Is it?", ""), "m.tsv:2: found an empty id or question in 1; expected some text"),
    ] {
        let files = folder(&[]);
        let said = said(&files, import_mmbench(files.path(), &tsv));
        assert!(said.contains(says), "{said}\nhas no\n{says}");
    }
}

/// Parts of good files in any order, with noise between.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    let image = BASE64_STANDARD.encode(PNG);
    let parts = prop_oneof![
        Just(QUESTIONS.to_owned()),
        Just(annotations(true)),
        Just(HEADER.to_owned()),
        Just("{\"id\":\"a\",\"images\":[\"q\"],\"question\":\"?\",\"answers\":[\"yes\"]}\n".to_owned()),
        Just(format!("1\t?\t\tred\tblue\t\t\tA\tc\t{image}\tdev\n")),
        Just("{\"data_subtype\":\"val2014\",\"questions\":[".to_owned()),
        "[0-9]{1,2}\t\\?\t\t[a-b]\t[a-b]?\t\t\t[A-C]\tc\t[0-9]{0,2}\t\n",
        "[,\"\r\n\t#{}\\[\\]]{1,5}",
        ".{0,10}",
    ];
    prop::collection::vec(parts, 0..6).prop_map(|parts| parts.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// No file, however broken, makes a reader panic.
    #[test]
    fn broken_files_are_read_or_refused(content in broken(), good in prop_oneof![Just(QUESTIONS.to_owned()), Just(annotations(false))]) {
        let files = folder(&[("q.json", content.as_slice()), ("a.json", good.as_bytes()), ("q", PNG)]);
        let path = files.path().join("q.json");
        let refusals = [
            read(&path).err(),
            import_vqav2(files.path(), None).err(),
            mmbench::import(&path, files.path()).err(),
            picture::size(&path).err(),
        ];
        for refusal in refusals.into_iter().flatten() {
            let line = refusal.to_string();
            prop_assert!(line.starts_with(&files.path().display().to_string()) && line.lines().count() == 1, "{}", line);
        }
    }
}
