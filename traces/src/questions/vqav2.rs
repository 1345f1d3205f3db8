//! VQAv2 as published: a JSON file of questions, one of annotations, and COCO's pictures.
//!
//! Published at <https://visualqa.org/download.html>: `v2_OpenEnded_mscoco_val2014_questions.json` has `data_subtype` and `questions`
//! of `question_id`, `image_id` and `question`; `v2_mscoco_val2014_annotations.json` has `annotations` of `question_id` and ten
//! `answers`. Pictures are `COCO_val2014_000000000123.jpg`: the subtype, and the image's number in twelve digits.
//!
//! Both files are one long line; they are read as a stream, and what is kept are the questions.

use super::Question;
use crate::{TraceError, error::shown, open::open_unguarded, picture};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    io::BufReader,
    marker::PhantomData,
    path::{Path, PathBuf},
};

/// The published files.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// `v2_OpenEnded_mscoco_val2014_questions.json`, or that of another subtype.
    pub questions: &'a Path,
    /// `v2_mscoco_val2014_annotations.json`.
    pub annotations: &'a Path,
    /// The folder of pictures.
    pub images: &'a Path,
}

#[derive(Deserialize)]
struct Asked {
    question_id: u64,
    image_id: u64,
    question: String,
}

#[derive(Deserialize)]
struct Annotation {
    question_id: u64,
    answers: Vec<Annotated>,
}

#[derive(Deserialize)]
struct Annotated {
    answer: String,
}

/// The first `limit` questions of the files, or all, in the order of the file.
///
/// # Errors
///
/// If a file cannot be read or is not of this format, or a question has no annotation, no ten answers, or no picture.
pub fn import(files: &Files<'_>, limit: Option<usize>) -> Result<Vec<Question>, TraceError> {
    let limit = limit.unwrap_or(usize::MAX);
    let mut asked = Vec::new();
    let subtype = stream(files.questions, "questions", &mut |question: Asked| {
        if asked.len() < limit {
            asked.push(question);
        }
    })?;
    let path = files.questions;
    let subtype = subtype.ok_or_else(|| no_key(path, "data_subtype"))?;
    if asked.is_empty() {
        return Err(TraceError::new(path, "no question", "at least one", "check that the file was written completely"));
    }
    let mut answers: BTreeMap<u64, Option<Vec<String>>> = asked.iter().map(|asked| (asked.question_id, None)).collect();
    stream(files.annotations, "annotations", &mut |annotation: Annotation| {
        if let Some(place) = answers.get_mut(&annotation.question_id) {
            *place = Some(annotation.answers.into_iter().map(|annotated| annotated.answer).collect());
        }
    })?;
    let mut sound = BTreeSet::new();
    asked.into_iter().map(|asked| question(files, &subtype, asked, &mut answers, &mut sound)).collect()
}

fn question(
    files: &Files<'_>,
    subtype: &str,
    asked: Asked,
    answers: &mut BTreeMap<u64, Option<Vec<String>>>,
    sound: &mut BTreeSet<PathBuf>,
) -> Result<Question, TraceError> {
    let Asked { question_id: id, image_id, question } = asked;
    let Some(known) = answers.remove(&id) else {
        let found = format!("question_id {id} a second time");
        return Err(TraceError::new(files.questions, found, "a number of its own", "remove one of the two"));
    };
    let answers = known.ok_or_else(|| {
        let expected = format!("one of each question of {}", files.questions.display());
        let remedy = "give the annotations of the same split; a test split has none";
        TraceError::new(files.annotations, format!("no annotation of question_id {id}"), expected, remedy)
    })?;
    let image = files.images.join(format!("COCO_{subtype}_{image_id:012}.jpg"));
    if !image.is_file() {
        let expected = format!("the picture of question_id {id} of {}", files.questions.display());
        return Err(TraceError::new(
            &image,
            "no such picture",
            expected,
            format!("give --images the folder of COCO's {}", shown(subtype)),
        ));
    }
    // Several questions are asked about a picture.
    if sound.insert(image.clone()) {
        picture::size(&image)?;
    }
    let question =
        Question { id: id.to_string(), images: vec![image], question, choices: Vec::new(), answers, instruction: None };
    question.fault().map_err(|(found, expected)| {
        let path = if question.question.trim().is_empty() { files.questions } else { files.annotations };
        TraceError::new(path, format!("{found} in question_id {id}"), expected, "correct the file, or copy it again")
    })?;
    Ok(question)
}

fn no_key(path: &Path, key: &str) -> TraceError {
    let expected =
        "one of VQAv2's files: the questions have \"data_subtype\" and \"questions\", the annotations \"annotations\"";
    TraceError::new(path, format!("no key \"{key}\""), expected, "check which file is which")
}

/// Hands each element of the list at `key` to `each`, without keeping the list. Gives the file's `data_subtype`, where it has one.
fn stream<T: DeserializeOwned>(
    path: &Path,
    key: &'static str,
    each: &mut dyn FnMut(T),
) -> Result<Option<String>, TraceError> {
    let file = open_unguarded(path).map_err(super::file::of_questions)?;
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, file));
    let top = Top { key, each, element: PhantomData }.deserialize(&mut json).and_then(|top| json.end().map(|()| top));
    let top = top.map_err(|error| broken(path, &error))?;
    if top.listed { Ok(top.subtype) } else { Err(no_key(path, key)) }
}

/// Unlike [`TraceError::json`], of a file that is one value: its line and column are those of the file.
fn broken(path: &Path, error: &serde_json::Error) -> TraceError {
    if let Some(kind) = error.io_error_kind() {
        return TraceError::reading(path, kind.into());
    }
    let refusal = TraceError::json(path, error, "a file of VQAv2 as published");
    TraceError { remedy: "copy the file again, or check that it is the right one".into(), ..refusal }
        .at(error.line() as u64)
}

/// The names found at the top of a file.
struct Found {
    subtype: Option<String>,
    listed: bool,
}

struct Top<'e, T> {
    key: &'static str,
    each: &'e mut dyn FnMut(T),
    element: PhantomData<T>,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for Top<'_, T> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Top<'_, T> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with \"{}\"", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut found = Found { subtype: None, listed: false };
        while let Some(key) = map.next_key::<String>()? {
            if key == self.key {
                map.next_value_seed(List { each: &mut *self.each })?;
                found.listed = true;
            } else if key == "data_subtype" {
                let subtype: String = map.next_value()?;
                if !subtype.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
                    return Err(A::Error::custom("a data_subtype that is no name"));
                }
                found.subtype = Some(subtype);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

struct List<'e, T> {
    each: &'e mut dyn FnMut(T),
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for List<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: DeserializeOwned> Visitor<'de> for List<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(element) = seq.next_element()? {
            (self.each)(element);
        }
        Ok(())
    }
}
