//! MMBench as published: one TSV, pictures and all.
//!
//! Published at <https://github.com/open-compass/MMBench>: a row is a question with `index`, `question`, `hint` (may be empty), the
//! options `A`, `B`, and up to `Z`, `answer` (a letter; test splits have none) and `image`, in base64. Instead of a picture, `image` may
//! hold the `index` of the row that has it. Other columns (`category`, `split`, ...) are not read.

use super::{Question, letters};
use crate::{
    TraceError,
    error::shown,
    picture,
    rows::{CsvFile, Row},
};
use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The longest that the index of another row is; a picture in base64 is longer.
const LONGEST_INDEX: usize = 64;

const EXPECTED: &str = "MMBench's header: index, question, hint, A, B, C, D, answer, image, ... between tabs";

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Indices of the columns that are read.
struct Columns {
    index: usize,
    question: usize,
    hint: Option<usize>,
    options: Vec<usize>,
    answer: usize,
    image: usize,
}

/// The questions of the TSV at `path`, in its order. Its pictures are written to `pictures`, a folder that is there.
///
/// # Errors
///
/// If the file cannot be read or is not of this format, a picture is broken or belongs to no row, or cannot be written.
pub fn import(path: &Path, pictures: &Path) -> Result<Vec<Question>, TraceError> {
    let mut file = CsvFile::open_tsv(path, EXPECTED).map_err(super::file::of_questions)?;
    let columns = Columns::of(&file)?;
    let mut written: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut read: Vec<(u64, String, Question)> = Vec::new();
    let mut ids: BTreeMap<String, u64> = BTreeMap::new();
    while let Some(row) = file.next()? {
        let question = columns.question(&row)?;
        if ids.insert(question.id.clone(), row.line()).is_some() {
            return Err(row.refuse(columns.index, "an index of its own"));
        }
        let image = row.text(columns.image);
        let of_row = if image.len() <= LONGEST_INDEX { image.to_owned() } else { question.id.clone() };
        if image.len() > LONGEST_INDEX {
            written.insert(question.id.clone(), write_picture(&row, &columns, &question.id, pictures)?);
        }
        read.push((row.line(), of_row, question));
    }
    if read.is_empty() {
        return Err(TraceError::new(path, "no question", "at least one", "check that the file was written completely"));
    }
    let with_picture = |(line, of_row, question): (u64, String, Question)| match written.get(&of_row) {
        Some(picture) => Ok(Question { images: vec![picture.clone()], ..question }),
        None => {
            let found = format!("image = \"{}\"", shown(&of_row));
            let expected = "a picture in base64, or the index of a row that has one";
            Err(TraceError::new(path, found, expected, "correct or remove the line").at(line))
        }
    };
    read.into_iter().map(with_picture).collect()
}

fn write_picture(row: &Row<'_>, columns: &Columns, id: &str, pictures: &Path) -> Result<PathBuf, TraceError> {
    let remedy = "copy the file again, or remove the line";
    let expected = format!("{} in base64", picture::FORMATS);
    let bytes = BASE64
        .decode(row.text(columns.image))
        .map_err(|error| row.refusal(format!("an image of {id} that is no base64 ({error})"), &expected, remedy))?;
    let ending = picture::ending(&bytes)
        .map_err(|found| row.refusal(format!("an image of {id} of {found}"), &expected, remedy))?;
    let place = pictures.join(format!("{id}.{ending}"));
    fs::write(&place, bytes).map_err(|error| TraceError::writing(&place, error))?;
    Ok(place)
}

impl Columns {
    fn of(file: &CsvFile) -> Result<Self, TraceError> {
        let optional = |name: &str| file.header().iter().position(|column| column == name);
        let options = letters().map_while(|letter| optional(&letter.to_string())).collect();
        let column = |name: &str| {
            let remedy = || "check that it is MMBench's TSV".to_owned();
            file.column(name).map_err(|refusal| TraceError { remedy: remedy(), ..refusal })
        };
        column("A").and(column("B"))?;
        Ok(Self {
            index: column("index")?,
            question: column("question")?,
            hint: optional("hint"),
            options,
            answer: column("answer")?,
            image: column("image")?,
        })
    }

    /// The row's question, without its picture.
    fn question(&self, row: &Row<'_>) -> Result<Question, TraceError> {
        // It becomes the name of a file.
        let id = row.text(self.index);
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if id.is_empty() || id.len() > LONGEST_INDEX || !id.chars().all(is_name) {
            return Err(row.refuse(self.index, "a number"));
        }
        let mut choices: Vec<String> = self.options.iter().map(|option| row.text(*option).to_owned()).collect();
        while choices.last().is_some_and(String::is_empty) {
            choices.pop();
        }
        if choices.is_empty() {
            return Err(row.refuse(self.options[0], "the text of an option"));
        }
        let hint = self.hint.map(|hint| row.text(hint)).filter(|hint| !hint.is_empty());
        let asked = row.text(self.question);
        let question = Question {
            id: id.to_owned(),
            // Not known yet; `import` puts the right one here.
            images: vec![PathBuf::from(id)],
            question: hint.map_or_else(|| asked.to_owned(), |hint| format!("{hint}\n{asked}")),
            choices,
            answers: vec![row.text(self.answer).to_owned()],
            instruction: None,
        };
        match question.fault() {
            Ok(()) if asked.is_empty() => Err(row.refuse(self.question, "a question")),
            Ok(()) => Ok(question),
            Err(_) if row.text(self.answer).is_empty() => {
                let expected = "the letter of an option: a split with answers, such as dev";
                Err(row.refuse(self.answer, expected))
            }
            Err((found, expected)) => {
                Err(row.refusal(format!("{found} in {id}"), &expected, "correct or remove the line"))
            }
        }
    }
}
