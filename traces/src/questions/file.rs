//! The file of questions: JSONL, an object a line.

use super::Question;
use crate::{
    TraceError,
    error::shown,
    open::{Lines, empty},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

const EXPECTED: &str = "{\"id\": <text>, \"images\": [<path>, ...], \"question\": ..., \"answers\": [...], ...}";

/// A line; the keys of the format.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    images: Vec<String>,
    question: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    choices: Vec<String>,
    answers: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    instruction: Option<String>,
}

/// Reads all questions of the file at `path`, plain or gzip. Paths of pictures are taken from its folder.
///
/// # Errors
///
/// If the file cannot be read, a line is not of the format, cannot be scored, repeats an id, or names a picture that is not there.
pub fn read(path: &Path) -> Result<Vec<Question>, TraceError> {
    let mut lines = Lines::open(path).map_err(of_questions)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut questions: Vec<Question> = Vec::new();
    let mut ids = BTreeSet::new();
    while let Some((number, text)) = lines.next()? {
        let question = question(path, folder, text).map_err(|refusal| refusal.at(number))?;
        if !ids.insert(question.id.clone()) {
            let found = format!("the id \"{}\" a second time", shown(&question.id));
            return Err(TraceError::new(path, found, "an id of its own", "rename or remove the line").at(number));
        }
        questions.push(question);
    }
    if questions.is_empty() {
        return Err(empty(path, EXPECTED));
    }
    Ok(questions)
}

fn question(path: &Path, folder: &Path, text: &str) -> Result<Question, TraceError> {
    let line: Line = serde_json::from_str(text).map_err(|error| TraceError::json(path, &error, EXPECTED))?;
    let Line { id, images, question, choices, answers, instruction } = line;
    let images = images.iter().map(|image| folder.join(image)).collect();
    let question = Question { id, images, question, choices, answers, instruction };
    question.fault().map_err(|(found, expected)| {
        TraceError::new(path, format!("{found} in \"{}\"", shown(&question.id)), expected, "correct the line")
    })?;
    if let Some(image) = question.images.iter().find(|image| !image.is_file()) {
        let found = format!("no picture {}", image.display());
        let expected = format!("the picture of \"{}\"", shown(&question.id));
        return Err(TraceError::new(
            path,
            found,
            expected,
            "put it there, or correct the path, which starts at the file's folder",
        ));
    }
    Ok(question)
}

/// A refusal to open, in the words of questions.
pub(super) fn of_questions(refusal: TraceError) -> TraceError {
    let expected = refusal.expected.replace("a trace file", "a file of questions");
    TraceError { expected, ..refusal }
}

/// Writes the questions to `path`. Pictures in its folder or below it are named from there, others by their whole path.
///
/// # Errors
///
/// If a question cannot be scored, a path is not UTF-8, or the file cannot be written.
pub fn write(path: &Path, questions: &[Question]) -> Result<(), TraceError> {
    let file = File::create(path).map_err(|error| TraceError::writing(path, error))?;
    write_to(BufWriter::new(file), path, questions)
}

/// Writes the questions to `out`, as a file that will stand at `path`.
///
/// # Errors
///
/// As [`write`].
pub fn write_to(mut out: impl Write, path: &Path, questions: &[Question]) -> Result<(), TraceError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    for question in questions {
        let id = shown(&question.id);
        question.fault().map_err(|(found, expected)| {
            TraceError::new(path, format!("{found} in \"{id}\""), expected, "correct the question")
        })?;
        let named = |image: &PathBuf| {
            named(image, folder).ok_or_else(|| {
                let found = format!("a picture {} of \"{id}\"", image.display());
                TraceError::new(path, found, "a path in UTF-8", "rename the picture or its folder")
            })
        };
        let line = Line {
            id: question.id.clone(),
            images: question.images.iter().map(named).collect::<Result<_, _>>()?,
            question: question.question.clone(),
            choices: question.choices.clone(),
            answers: question.answers.clone(),
            instruction: question.instruction.clone(),
        };
        let written =
            serde_json::to_writer(&mut out, &line).map_err(io::Error::from).and_then(|()| out.write_all(b"\n"));
        written.map_err(|error| TraceError::writing(path, error))?;
    }
    out.flush().map_err(|error| TraceError::writing(path, error))
}

/// The picture's path as it stands in a file of `folder`.
fn named(image: &Path, folder: &Path) -> Option<String> {
    let (image, folder) = (std::path::absolute(image).ok()?, std::path::absolute(folder.join(".")).ok()?);
    image.strip_prefix(&folder).unwrap_or(&image).to_str().map(str::to_owned)
}
